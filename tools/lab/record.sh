# record NAME: one scenario, recorded at the access bridge from before the device is plugged in
record() {
    local raw=$work/$1.raw.pcapng dumpcap
    . "$lab/scenarios/$1.sh"
    ip netns exec ph-access dumpcap -q -i br0 -w "$raw" 2>"$work/log/dumpcap" &
    dumpcap=$!
    sleep 2
    scenario >"$work/log/$1" 2>&1
    sleep 1
    device_unplug
    kill -INT $dumpcap
    wait $dumpcap || true
}
