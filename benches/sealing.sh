#!/usr/bin/env bash
# What evidence costs while recording: packets recorded a second with a journal (`--case`: hashes,
# signatures, checkpoints) and without (`--write`), at a flood that neither can take whole, in
# alternating rounds. Two namespaces with a wire between them, tcpreplay at one end.
# Needs root, tcpreplay, capinfos. Fails where less than 90 % is left.
#
#   benches/sealing.sh [--rounds N] [--seconds N] [--folder DIR] [--program FILE]
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=9
seconds=5
base=${TMPDIR:-/tmp}
program=""
while [ $# -gt 0 ]; do
    case "$1" in
        --rounds) rounds=$2; shift 2 ;;
        --seconds) seconds=$2; shift 2 ;;
        --folder) base=$2; shift 2 ;;
        --program) program=$2; shift 2 ;;
        *) echo "sealing: unknown option $1" >&2; exit 2 ;;
    esac
done
for needed in ip tcpreplay capinfos python3; do
    command -v "$needed" >/dev/null || { echo "sealing: $needed is missing" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "sealing: needs root for network namespaces" >&2; exit 1; }
if [ -z "$program" ]; then
    cargo build --release --quiet
    program=${CARGO_TARGET_DIR:-$PWD/target}/release/phonehome
fi

work=$(mktemp -d -p "$base")
a=ph-seal-a-$$ b=ph-seal-b-$$
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

# 50,000 frames of mixed sizes, 462 bytes on average, 200 flows.
python3 - "$work/mix.pcap" <<'PYTHON'
import random, struct, sys

random.seed(7)
sizes = [60] * 5 + [120] * 2 + [576] * 2 + [1400] * 3
out = bytearray(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
for i in range(50_000):
    payload = random.randbytes(random.choice(sizes) - 42)
    udp = struct.pack('>HHHH', 1024 + i % 5000, 9999, 8 + len(payload), 0) + payload
    head = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), i, 0, 64, 17, 0,
                       bytes([10, 9, 0, 1]), bytes([10, 9, 1, i % 200 + 1]))
    total = sum(struct.unpack('>10H', head))
    total = (total >> 16) + (total & 0xffff)
    total = ~((total >> 16) + total) & 0xffff
    ip = head[:10] + struct.pack('>H', total) + head[12:]
    frame = b'\xff' * 6 + bytes.fromhex('020000000001') + b'\x08\x00' + ip + udp
    out += struct.pack('<IIII', i // 1000, i % 1000, len(frame), len(frame)) + frame
open(sys.argv[1], 'wb').write(out)
PYTHON

received() {
    ip -n "$b" -s -j link show wire |
        python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["stats64"]["rx"]["packets"])'
}

cpu() { # user and system seconds of a process
    awk -v tick="$(getconf CLK_TCK)" '{printf "%.2f", ($14 + $15) / tick}' "/proc/$1/stat"
}

printf '%-6s %10s %10s %12s %16s\n' with sent recorded recorded/s 'CPU s a million'
for round in $(seq "$rounds"); do
    for kind in case write; do
        target="$work/$kind"
        [ "$kind" = write ] && target="$work/write.pcapng"
        ip netns exec "$b" "$program" capture -i wire "--$kind" "$target" --keep-free 16 \
            >"$work/lines" 2>"$work/errors" &
        pid=$!
        sleep 1
        recorder=$(cat "/proc/$pid/task/$pid/children" | awk '{print $1}')
        before=$(received)
        start=$(date +%s.%N)
        ip netns exec "$a" timeout --preserve-status -s INT "$seconds" tcpreplay --quiet \
            --preload-pcap --loop=0 --topspeed -i wire "$work/mix.pcap" >"$work/sent" 2>&1 || true
        took=$(awk -v a="$start" -v b="$(date +%s.%N)" 'BEGIN {print b - a}')
        sleep 1
        sent=$(($(received) - before))
        used=$(cpu "$recorder")
        kill -TERM "$pid"
        wait "$pid" || true
        files=$target
        [ "$kind" = case ] && files=$(echo "$target"/segments/*)
        # shellcheck disable=SC2086
        recorded=$(capinfos -Mc $files | awk '/Number of packets/ {sum += $NF} END {print sum}')
        awk -v kind="$kind" -v sent="$sent" -v recorded="$recorded" -v took="$took" -v cpu="$used" \
            'BEGIN {printf "%-6s %10d %10d %12.0f %16.3f\n", kind, sent, recorded, recorded / took, cpu * 1e6 / recorded}' |
            tee -a "$work/rows"
        rm -rf "$target" "$work"/write*.pcapng
    done
done
python3 - "$work/rows" <<'PYTHON'
import statistics, sys

rows = [line.split() for line in open(sys.argv[1])]
rate, cpu = ({kind: statistics.median(float(row[at]) for row in rows if row[0] == kind)
              for kind in ('case', 'write')} for at in (3, 4))
left = rate['case'] / rate['write']
print(f"median: {rate['case']:.0f}/s with evidence, {rate['write']:.0f}/s without: {left:.1%} left; "
      f"CPU of the recorder {cpu['case']:.3f} and {cpu['write']:.3f} s a million packets")
sys.exit(left < 0.9)
PYTHON
