//! A corpus made by the benchmark itself, the same in every run: devices that ask for names, begin
//! TLS, send HTTP and MQTT, and stream datagrams.

/// Marsaglia's xorshift: small, fast, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

const DEVICES: usize = 200;
const FLOWS: usize = 2_000;

/// Packets as Ethernet frames with times in microseconds.
pub fn packets(count: usize) -> Vec<(u64, Vec<u8>)> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut sequences = vec![1u32; FLOWS * 2];
    let mut begun = vec![false; FLOWS];
    let mut packets = Vec::with_capacity(count);
    for index in 0..count {
        let flow = random.below(FLOWS);
        let outgoing = !begun[flow] || random.below(3) > 0;
        let kind = flow % 5;
        let payload = if begun[flow] { body(kind, &mut random) } else { hello(kind, flow) };
        begun[flow] = true;
        let sequence = &mut sequences[flow * 2 + usize::from(outgoing)];
        let frame = frame(flow, kind, outgoing, *sequence, &payload);
        *sequence = sequence.wrapping_add(payload.len() as u32);
        packets.push((index as u64 * 50, frame));
    }
    packets
}

/// The same as a pcap file.
pub fn pcap(packets: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1] {
        out.extend(word.to_le_bytes());
    }
    for (time, data) in packets {
        let length = data.len() as u32;
        let seconds = 1_700_000_000 + (time / 1_000_000) as u32;
        for word in [seconds, (time % 1_000_000) as u32, length, length] {
            out.extend(word.to_le_bytes());
        }
        out.extend(data);
    }
    out
}

fn hello(kind: usize, flow: usize) -> Vec<u8> {
    match kind {
        0 => dns(flow),
        1 => tls(flow),
        2 => format!("GET /v{flow} HTTP/1.1\r\nHost: host{flow}.example\r\n\r\n").into_bytes(),
        3 => mqtt(flow),
        _ => vec![0x80; 200],
    }
}

fn body(kind: usize, random: &mut Random) -> Vec<u8> {
    let size = match kind {
        0 => return dns(random.below(FLOWS)),
        4 => 1_000 + random.below(300),
        _ => 40 + random.below(1_200),
    };
    let mut bytes: Vec<u8> =
        (0..size.div_ceil(8)).flat_map(|_| random.next().to_le_bytes()).collect();
    bytes.truncate(size);
    if kind == 1 {
        bytes[..5].copy_from_slice(&[0x17, 3, 3, 0, 0]);
        bytes[3..5].copy_from_slice(&((size - 5) as u16).to_be_bytes());
    }
    bytes
}

fn dns(flow: usize) -> Vec<u8> {
    let label = format!("host{flow}");
    let mut out = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, label.len() as u8];
    out.extend(label.bytes());
    out.extend(b"\x07example\0\0\x01\0\x01");
    out
}

pub fn tls(flow: usize) -> Vec<u8> {
    let name = format!("host{flow}.example");
    let short = |n: usize| (n as u16).to_be_bytes();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend(short(name.len() + 9));
    body.extend([0, 0]);
    body.extend(short(name.len() + 5));
    body.extend(short(name.len() + 3));
    body.push(0);
    body.extend(short(name.len()));
    body.extend(name.bytes());
    let mut out = vec![0x16, 3, 1];
    out.extend(short(body.len() + 4));
    out.extend([1, 0]);
    out.extend(short(body.len()));
    out.extend(body);
    out
}

fn mqtt(flow: usize) -> Vec<u8> {
    let id = format!("meter-{flow}");
    let mut out = vec![0x10, (12 + id.len()) as u8, 0, 4];
    out.extend(b"MQTT\x04\x02\0\x3c\0");
    out.push(id.len() as u8);
    out.extend(id.bytes());
    out
}

fn frame(flow: usize, kind: usize, outgoing: bool, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let udp = matches!(kind, 0 | 4);
    let device = flow % DEVICES;
    let local = [10, 0, (device >> 8) as u8, device as u8 + 1];
    let remote = [198, 51, 100 + (flow >> 8) as u8, flow as u8];
    let service: u16 = [53, 443, 80, 1883, 5004][kind];
    let port = 20_000 + flow as u16;
    let (source, destination) = if outgoing { (local, remote) } else { (remote, local) };
    let ports = if outgoing { [port, service] } else { [service, port] };
    let header = if udp { 8 } else { 20 };
    let mut out = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    out.extend(((20 + header + payload.len()) as u16).to_be_bytes());
    out.extend([0, 0, 0, 0, 64, if udp { 17 } else { 6 }, 0, 0]);
    out.extend(source);
    out.extend(destination);
    let sum: u32 = out[14..34].chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1])).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    out[24..26].copy_from_slice(&sum.to_be_bytes());
    out.extend(ports.into_iter().flat_map(u16::to_be_bytes));
    if udp {
        out.extend((8 + payload.len() as u16).to_be_bytes());
        out.extend([0, 0]);
    } else {
        out.extend(sequence.to_be_bytes());
        out.extend([0, 0, 0, 0, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
    }
    out.extend(payload);
    out
}
