# record NAME: one scenario, recorded at the access bridge from before the device is plugged in
record() {
    local raw=$work/$1.raw.pcapng dumpcap
    : >"$work/$1.notes"
    notes=$work/$1.notes
    . "$lab/scenarios/$1.sh"
    ip netns exec ph-access dumpcap -q -i br0 -w "$raw" 2>"$work/log/dumpcap" &
    dumpcap=$!
    sleep 2
    scenario >"$work/log/$1" 2>&1
    sleep 1
    devices_unplug
    end_all ph-phone
    kill -INT $dumpcap
    wait $dumpcap || true
}

# note KIND TEXT: what an operator notes meanwhile, "phase" or "mark"; rewrite.py puts it into the
# published capture as `phonehome capture` would
note() {
    printf '%s\t%s\t%s\n' "$(date +%s.%N)" "$1" "$2" >>"$notes"
}

# later SECONDS: what is recorded from now on is published as if it came that much later
later() {
    sleep 1
    note later "$1"
    sleep 1
}
