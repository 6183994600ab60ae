//! Interfaces as a source of packets, through libpcap. Nothing is parsed here: packets go to the
//! recorder as they are.

use super::link_state::{Change, LinkState};
use crate::base::text::safe;
use crate::base::time::{SECOND, Timestamp};
use pcap::{Active, Capture, Device, Error};

/// How to capture.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Options {
    /// Filter in libpcap's language; empty where there is none.
    pub filter: String,
    /// Most bytes kept of a packet.
    pub snap_length: u32,
    /// Also packets that are not for this machine.
    pub promiscuous: bool,
    /// Packets one by one as they come, instead of in batches: sooner, and sooner lost.
    pub immediate: bool,
    /// Room in the system for packets that were not fetched yet, bytes.
    pub buffer_bytes: u32,
}

/// Most bytes kept of a packet unless asked otherwise: more than any has.
pub const SNAP_LENGTH: u32 = 262_144;

/// An interface that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{interface}: {reason}")]
pub struct LiveError {
    /// Its name.
    pub interface: String,
    /// Why, in the words of libpcap.
    pub reason: String,
}

impl LiveError {
    /// The command that mends it.
    #[must_use]
    pub fn mend(&self) -> String {
        if self.reason.contains("ermission") || self.reason.contains("not permitted") {
            let program = std::env::current_exe().unwrap_or_else(|_| "phonehome".into());
            format!("sudo setcap cap_net_raw,cap_net_admin=eip {}", program.display())
        } else if self.reason.contains("not up") {
            format!("sudo ip link set {} up", safe(self.interface.as_bytes()))
        } else {
            "phonehome interfaces   # lists what there is".to_owned()
        }
    }
}

/// One open interface.
pub struct LiveSource {
    interface: String,
    options: Options,
    capture: Option<Capture<Active>>,
    link: LinkState,
    /// LINKTYPE_ value.
    pub link_type: u16,
    /// What captures that had to be opened anew had counted.
    before: Counts,
    latest: Counts,
}

/// What the system counts, since the interface was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that passed the filter.
    pub received: u64,
    /// Packets lost because they were not fetched in time.
    pub lost_by_system: u64,
    /// Packets lost by the interface.
    pub lost_by_interface: u64,
}

/// One packet, in the buffer of the system.
#[derive(Debug, Clone, Copy)]
pub struct LivePacket<'a> {
    /// When it came.
    pub time: Timestamp,
    /// Length on the wire, bytes.
    pub wire_length: u32,
    /// What was kept of it.
    pub data: &'a [u8],
}

/// What asking for a packet gave.
pub enum Next<'a> {
    /// A packet.
    Packet(LivePacket<'a>),
    /// None for now.
    Nothing,
    /// The interface is gone; [`LiveSource::reopen`] may bring it back.
    Gone(LiveError),
}

impl LiveSource {
    /// Opens an interface by its name, `any` being all of them.
    ///
    /// # Errors
    /// When libpcap refuses: no such interface, no permission, a filter that is none.
    pub fn open(interface: &str, options: &Options) -> Result<LiveSource, LiveError> {
        let capture = open(interface, options)?;
        Ok(LiveSource {
            interface: interface.to_owned(),
            options: options.clone(),
            link_type: link_type(capture.get_datalink().0),
            capture: Some(capture),
            link: LinkState::new(interface),
            before: Counts::default(),
            latest: Counts::default(),
        })
    }

    /// The next packet; never waits for one.
    pub fn fetch(&mut self) -> Next<'_> {
        let Some(capture) = &mut self.capture else {
            return Next::Gone(failed(&self.interface, &"is closed"));
        };
        match capture.next_packet() {
            Ok(packet) => {
                let time = packet.header.ts;
                // Narrower on some systems.
                #[allow(clippy::unnecessary_cast)]
                let (second, tick) = (time.tv_sec as i64, time.tv_usec as i64);
                Next::Packet(LivePacket {
                    time: Timestamp(second * SECOND + tick * NANOSECONDS_A_TICK),
                    wire_length: packet.header.len,
                    data: packet.data,
                })
            }
            Err(Error::TimeoutExpired) => Next::Nothing,
            Err(error) => Next::Gone(failed(&self.interface, &error)),
        }
    }

    /// Whether the interface went up or down since the last question. Libpcap does not say, since
    /// it goes on where an interface was only down.
    pub fn link_change(&mut self) -> Option<Change> {
        self.link.change()
    }

    /// Opens the interface once more after it was gone.
    ///
    /// # Errors
    /// While it is not back.
    pub fn reopen(&mut self) -> Result<(), LiveError> {
        self.capture = None;
        self.before = self.latest;
        let capture = open(&self.interface, &self.options)?;
        let found = link_type(capture.get_datalink().0);
        if found != self.link_type {
            let reason = format!("came back with link type {found}, not {}", self.link_type);
            return Err(failed(&self.interface, &reason));
        }
        self.capture = Some(capture);
        self.link = LinkState::new(&self.interface);
        Ok(())
    }

    /// What was counted so far.
    pub fn counts(&mut self) -> Counts {
        if let Some(Ok(counted)) = self.capture.as_mut().map(Capture::stats) {
            // libpcap counts in 32 bits; what lies above is known from the count before.
            let onward = |latest: u64, before: u64, low: u32| {
                let known = latest - before;
                latest + u64::from(low.wrapping_sub(known as u32))
            };
            let Counts { received, lost_by_system, lost_by_interface } = self.latest;
            self.latest = Counts {
                received: onward(received, self.before.received, counted.received),
                lost_by_system: onward(lost_by_system, self.before.lost_by_system, counted.dropped),
                lost_by_interface: onward(
                    lost_by_interface,
                    self.before.lost_by_interface,
                    counted.if_dropped,
                ),
            };
        }
        self.latest
    }
}

#[cfg(target_os = "linux")]
const NANOSECONDS_A_TICK: i64 = 1;
#[cfg(not(target_os = "linux"))]
const NANOSECONDS_A_TICK: i64 = 1000;

/// Milliseconds after which the system hands over a batch that is not full.
const BATCH_MS_MAX: i32 = 10;

fn open(interface: &str, options: &Options) -> Result<Capture<Active>, LiveError> {
    let attempt = || -> Result<Capture<Active>, Error> {
        let capture = Capture::from_device(interface)?
            .promisc(options.promiscuous && interface != "any")
            .snaplen(options.snap_length as i32)
            .buffer_size(i32::try_from(options.buffer_bytes).unwrap_or(i32::MAX))
            .immediate_mode(options.immediate)
            .timeout(BATCH_MS_MAX);
        #[cfg(target_os = "linux")]
        let capture = capture.precision(pcap::Precision::Nano);
        let mut capture = capture.open()?;
        if !options.filter.is_empty() {
            capture.filter(&options.filter, true)?;
        }
        capture.setnonblock()
    };
    attempt().map_err(|error| failed(interface, &error))
}

fn failed(interface: &str, error: &dyn std::fmt::Display) -> LiveError {
    let reason = error.to_string();
    let reason = reason.strip_prefix("libpcap error: ").unwrap_or(&reason).to_owned();
    LiveError { interface: interface.to_owned(), reason }
}

/// The value that stands in files for a link type of libpcap: the same but for raw IP and BSD's
/// loopback, whose numbers differ between systems.
fn link_type(dlt: i32) -> u16 {
    match dlt {
        12 | 14 => 101,
        dlt => u16::try_from(dlt).unwrap_or(u16::MAX),
    }
}

/// An interface of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceSeen {
    /// Its name.
    pub name: String,
    /// What the system says of it.
    pub description: String,
    /// Network addresses, in order.
    pub addresses: Vec<std::net::IpAddr>,
    /// Whether it is up, and whether it has a link.
    pub up: bool,
    /// Whether it has a link.
    pub running: bool,
    /// Whether it only reaches this machine.
    pub loopback: bool,
    /// Whether it is a radio.
    pub wireless: bool,
}

/// All interfaces that can be captured from, in the order of libpcap: likely ones first.
///
/// # Errors
/// When libpcap cannot list them.
pub fn interfaces() -> Result<Vec<InterfaceSeen>, LiveError> {
    let devices = Device::list().map_err(|error| failed("interfaces", &error))?;
    let seen = |device: Device| {
        let mut addresses: Vec<_> = device.addresses.iter().map(|address| address.addr).collect();
        addresses.sort_unstable();
        addresses.dedup();
        InterfaceSeen {
            up: device.flags.is_up(),
            running: device.flags.is_running(),
            loopback: device.flags.is_loopback(),
            wireless: device.flags.is_wireless(),
            description: device.desc.unwrap_or_default(),
            name: device.name,
            addresses,
        }
    };
    Ok(devices.into_iter().map(seen).collect())
}
