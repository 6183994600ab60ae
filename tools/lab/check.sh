#!/bin/bash
# check.sh CAPTURE: nothing that is published may carry a bad checksum, a malformed packet or an
# address that should have been rewritten.
set -eu
lab=$(cd "$(dirname "$0")" && pwd)
sums=(-o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE)

none() {
    count=$(tshark -r "$1" "${sums[@]}" -Y "$2" 2>/dev/null | wc -l)
    [ "$count" = 0 ] || { echo "$1: $count packets match: $2" >&2 && exit 1; }
}

none "$1" 'ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0'
none "$1" '_ws.malformed || ip.flags.mf == 1 || ip.frag_offset > 0'
awk -F '\t' '!/^#/ && $1 != $2 { print $1 }' "$lab/addresses.tsv" | while read -r address; do
    none "$1" "ip.addr == $address || dns.a == $address || frame contains \"$address\\x20\" || frame contains \"$address\\x0d\""
done
echo "$1: $(capinfos -Tmc "$1" | tail -1 | cut -d, -f2) packets, checked"
