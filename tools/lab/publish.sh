#!/bin/bash
# publish.sh NAME RAW FOLDER: raw recording to published capture, checked, with its expectations.
set -eu
lab=$(cd "$(dirname "$0")" && pwd)
name=$1 raw=$2 folder=$3
plain=${raw%.raw.pcapng}.pcapng

python3 "$lab/rewrite.py" "$lab/addresses.tsv" "${raw%.raw.pcapng}.notes" "$raw" "$plain"
# Several formats: readers must cope with each.
case $name in
meter | recorder) out=$folder/$name.pcap && editcap -F pcap "$plain" "$out" ;;
gateway | station) out=$folder/$name.pcap && editcap -F nsecpcap "$plain" "$out" ;;
doorbell) out=$folder/$name.pcapng.gz && gzip -9nc "$plain" >"$out" ;;
*) out=$folder/$name.pcapng && cp "$plain" "$out" ;;
esac
"$lab/check.sh" "$out"
python3 "$lab/expect.py" "$out" "$lab/facts/$name.json" >"$folder/$name.expected.json"
