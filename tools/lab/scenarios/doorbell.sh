# Humbug doorbell (fictional), as an experiment in phases: it sends pictures when nobody uses it, with
# the lens covered or not, and storms when the internet is away.
device_mac=00:00:5e:00:53:90

scenario() {
    head -c 500000 /dev/zero >"$work/clip"
    note phase power-on
    device_plug $device_mac
    jumbo 9000
    sleep 3
    get_lease humbug-5390 "humbug doorbell 1"
    note phase setup
    sleep 1
    device curl -sS -A humbug/1 -d '{"id":"5390"}' http://ingest.humbug.example/register
    note phase use
    sleep 1
    clip asked
    note phase idle
    sleep 1
    clip unasked
    sleep 1
    note mark "lens covered"
    sleep 1
    clip covered
    sleep 1
    note mark "lens uncovered"
    sleep 1
    outage
    note phase after
    sleep 1
    device curl -sS -A humbug/1 -d '{"id":"5390"}' http://ingest.humbug.example/alive
    sleep 1
    jumbo 1500
}

# jumbo MTU: long frames, so that an upload is a capture of some kilobytes
jumbo() {
    ip -n ph-device link set eth0 mtu "$1"
    ip -n ph-access link set device0 mtu "$1"
    ip -n ph-access link set router0 mtu "$1"
    ip -n ph-router link set lan0 mtu "$1"
    ip -n ph-router link set wan0 mtu "$1"
    ip -n ph-internet link set wan0 mtu "$1"
}

# clip WHY: half a megabyte
clip() {
    device curl -sS -m 20 -A humbug/1 -H Expect: -T "$work/clip" "http://ingest.humbug.example/clip/$1"
}

# outage: the router drops what goes to the service, and the doorbell tries without pause
outage() {
    note phase outage
    sleep 1
    ip -n ph-router route add blackhole 203.0.113.90/32
    for _ in $(seq 44); do
        device curl -sS -m 0.9 -A humbug/1 http://ingest.humbug.example/alive || true
        sleep 2.1
    done
    ip -n ph-router route del blackhole 203.0.113.90/32
}
