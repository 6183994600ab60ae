//! `iot-mix`: a day of 200 devices behind a gateway, 1 GiB. What the tool is made for.
//!
//! `household` says who lives there and what they do, `activity` starts it, each protocol has its
//! file and says messages, `stream` puts those of TCP into segments, and the agenda here brings
//! the packets of all conversations into the order of time.

mod activity;
mod certificate;
mod dhcp;
mod dns;
mod household;
mod http;
mod local;
mod mqtt;
mod name;
mod ntp;
mod quic;
mod rtsp;
mod session;
mod stream;
mod talk;

use crate::About;
use crate::frame::Frame;
use crate::pcap::Pcap;
use crate::random::Random;
use household::{DAY_US, Household};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::io;
use talk::{FiveTuple, Packet, Packets};

pub fn write(out: &mut Pcap, scale: f64) -> io::Result<About> {
    let mut random = Random::new(5);
    let mut household = Household::new(&mut random);
    let mut agenda = Agenda::new(out);
    for start in household.starts(scale, &mut random) {
        agenda.until(start.time_us)?;
        for (after_us, packets) in activity::begin(&start, &mut household, &mut random) {
            agenda.add(start.time_us + after_us, packets);
        }
    }
    agenda.until(2 * DAY_US)?;
    Ok(About { flows: agenda.flows.len() as u64, live: None })
}

/// Conversations under way; each has one packet waiting.
struct Agenda<'a> {
    out: &'a mut Pcap,
    frame: Frame,
    next: BinaryHeap<Reverse<(u64, usize)>>,
    talks: Vec<Option<(Packet, Packets)>>,
    free: Vec<usize>,
    flows: HashSet<FiveTuple>,
}

impl Agenda<'_> {
    fn new(out: &mut Pcap) -> Agenda<'_> {
        Agenda {
            out,
            frame: Frame::default(),
            next: BinaryHeap::new(),
            talks: Vec::new(),
            free: Vec::new(),
            flows: HashSet::new(),
        }
    }

    fn add(&mut self, time_us: u64, mut packets: Packets) {
        let Some(first) = packets.next() else { return };
        let place = self.free.pop().unwrap_or_else(|| {
            self.talks.push(None);
            self.talks.len() - 1
        });
        self.talks[place] = Some((first.packet, packets));
        self.next.push(Reverse((time_us + first.after_us, place)));
    }

    /// Writes all packets before this time.
    fn until(&mut self, end_us: u64) -> io::Result<()> {
        while let Some(&Reverse((time_us, place))) = self.next.peek()
            && time_us < end_us
        {
            self.next.pop();
            let Some((packet, mut rest)) = self.talks[place].take() else { continue };
            self.out.frame(time_us, packet.build(&mut self.frame))?;
            self.flows.extend(packet.five_tuple());
            if let Some(following) = rest.next() {
                self.talks[place] = Some((following.packet, rest));
                self.next.push(Reverse((time_us + following.after_us, place)));
            } else {
                self.free.push(place);
            }
        }
        Ok(())
    }
}
