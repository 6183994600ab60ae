#!/usr/bin/env bash
# How much is recorded without loss, with the analysis running, beside dumpcap: two namespaces with
# a wire between them, tcpreplay at one end, the recorder at the other, in alternating rounds.
# Needs root, tcpreplay, and dumpcap for the comparison.
#
#   benches/live.sh [--seconds N] [--rates "200000 400000 590000"] [--screen]
#
# One row a run: what was asked for and really sent, what was recorded, what was analysed when the
# sending ended, what was told to be lost and what was, CPU seconds of recorder and analysis.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=10
rates="200000 400000 590000"
screen=0
while [ $# -gt 0 ]; do
    case "$1" in
        --seconds) seconds=$2; shift 2 ;;
        --rates) rates=$2; shift 2 ;;
        --screen) screen=1; shift ;;
        *) echo "live: unknown option $1" >&2; exit 2 ;;
    esac
done
for needed in ip tcpreplay python3; do
    command -v "$needed" >/dev/null || { echo "live: $needed is missing" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "live: needs root for network namespaces" >&2; exit 1; }

cargo build --release --quiet
program=$PWD/target/release/phonehome
work=$(mktemp -d)
a=ph-live-a-$$ b=ph-live-b-$$
finish() {
    ip netns del "$a" 2>/dev/null || true
    ip netns del "$b" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

ip netns add "$a"
ip netns add "$b"
ip -n "$a" link add wire type veth peer name wire netns "$b"
for end in "$a" "$b"; do
    ip netns exec "$end" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
    ip -n "$end" link set wire up
done

# 100,000 frames of mixed sizes, 462 bytes on average, 200 flows.
python3 - "$work/mix.pcap" <<'PYTHON'
import random, struct, sys

random.seed(7)
sizes = [60] * 5 + [120] * 2 + [576] * 2 + [1400] * 3
out = bytearray(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
for i in range(100_000):
    size = random.choice(sizes)
    payload = bytes([i % 256]) * (size - 42)
    udp = struct.pack('>HHHH', 1024 + i % 5000, 9999, 8 + len(payload), 0) + payload
    head = [0x45, 0, 20 + len(udp), i & 0xffff, 0, 64, 17]
    address = bytes([10, 9, 0, 1]), bytes([10, 9, 1, i % 200 + 1])
    words = struct.unpack('>10H', struct.pack('>BBHHHBBH4s4s', *head, 0, *address))
    total = sum(words)
    total = (total >> 16) + (total & 0xffff)
    total = (total >> 16) + (total & 0xffff)
    ip = struct.pack('>BBHHHBBH4s4s', *head, ~total & 0xffff, *address)
    frame = b'\xff' * 6 + bytes.fromhex('020000000001') + b'\x08\x00' + ip + udp
    out += struct.pack('<IIII', i // 1000, i % 1000, len(frame), len(frame)) + frame
open(sys.argv[1], 'wb').write(out)
PYTHON

received() {
    ip -n "$b" -s -j link show wire |
        python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["stats64"]["rx"]["packets"])'
}

cpu() { # user and system seconds of a process and the children it waited for
    awk -v tick="$(getconf CLK_TCK)" '{printf "%.2f", ($14 + $15 + $16 + $17) / tick}' "/proc/$1/stat"
}

printf '%-10s %8s %8s %9s %9s %6s %6s %9s %9s %7s\n' \
    recorder 'asked/s' 'sent/s' sent recorded lost told analysed 'lag kB' 'CPU s'

send() { # rate
    local before after
    before=$(received)
    ip netns exec "$a" tcpreplay --quiet --preload-pcap --loop=0 --pps="$1" \
        --limit=$(($1 * seconds)) -i wire "$work/mix.pcap" >"$work/sent" 2>&1
    sleep 1
    after=$(received)
    sent=$((after - before))
    really=$(sed -n 's/.*Mbps, \([0-9]*\).* pps.*/\1/p' "$work/sent" | tail -1)
}

row() { # recorder rate recorded told cpu analysed lag
    printf '%-10s %8s %8s %9s %9s %6s %6s %9s %9s %7s\n' \
        "$1" "$2" "${really:--}" "$sent" "$3" $((sent - $3)) "$4" "${6:--}" "${7:--}" "$5"
}

for rate in $rates; do
    if command -v dumpcap >/dev/null; then
        ip netns exec "$b" dumpcap -q -B 64 -i wire -w "$work/dumpcap.pcapng" 2>"$work/dumpcap.log" &
        pid=$!
        sleep 1
        send "$rate"
        used=$(cpu "$pid")
        kill -INT "$pid"
        wait "$pid" || true
        line=$(grep -o 'on interface.*: [0-9]*/[0-9]*' "$work/dumpcap.log" | grep -o '[0-9]*/[0-9]*')
        row dumpcap "$rate" "${line%/*}" "${line#*/}" "$used"
        rm -f "$work/dumpcap.pcapng"
    fi
    if [ "$screen" = 1 ]; then
        # With the dashboard on, in a terminal of its own.
        tmux new-session -d -s "$b" -x 120 -y 40 \
            "ip netns exec $b $program watch -i wire --case $work/case --keep-free 16"
        sleep 2
        pid=$(pgrep -f "phonehome watch -i wire --case $work/case" | tail -1)
    else
        ip netns exec "$b" "$program" capture -i wire --case "$work/case" --keep-free 16 \
            --summary-every 1 >"$work/lines" &
        pid=$!
        sleep 1
    fi
    send "$rate"
    recorder=$(pgrep -P "$pid" -f 'phonehome record' | tail -1)
    used=$(echo "$(cpu "$pid") $(cpu "$recorder")" | awk '{printf "%.2f", $1 + $2}')
    kill -TERM "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    read -r recorded told <<<"$(python3 - "$work/case/journal.jsonl" <<'PYTHON'
import json, sys
packets, told = {}, 0
for line in open(sys.argv[1]):
    event = json.loads(line)
    if event['type'] == 'checkpoint':
        packets[event['segment']] = event['packets']
        told = sum(event['drops'].values())
print(sum(packets.values()), told)
PYTHON
)"
    analysed="" lag=""
    if [ "$screen" = 0 ]; then
        # What the last summary within the second after the sending said.
        read -r analysed lag <<<"$(python3 - "$work/lines" <<'PYTHON'
import json, sys
last = {}
for line in open(sys.argv[1]):
    event = json.loads(line)
    if event['type'] == 'summary' and not event['last']:
        last = event
print(last.get('analysed_frames', '-'), last.get('lag_bytes', 0) // 1000)
PYTHON
)"
    fi
    row phonehome "$rate" "$recorded" "$told" "$used" "$analysed" "$lag"
    rm -rf "$work/case"
done
