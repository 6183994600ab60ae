# Decoy instrument (fictional): for most checks what comes near to a finding and is none.
device_mac=00:00:5e:00:53:c0

scenario() {
    decoy=192.168.77.103
    rm -f "$work/decoy-key"
    dropbearkey -t ed25519 -f "$work/decoy-key"
    note phase power-on
    device_plug $device_mac
    sleep 3
    get_lease decoy-53c0 "decoy 1"
    doors

    # Two clocks, so that none alone tells the time.
    device chronyd -Q -d -u root -t 8 -f /dev/null "server clock-a.decoy.example iburst maxsamples 2" \
        "server clock-b.decoy.example iburst maxsamples 2" "cmdport 0" "pidfile $work/chronyd.pid" || true
    # TLS 1.2 in good order, where all can be read: certificate, suite, name.
    device curl -sS -A decoy/1 --tls-max 1.2 --cacert "$work/tls/ca.crt" https://api.decoy.example/
    # A login by SHA-256, a picture and no program, one id to one service.
    device curl -sS -A decoy/1 --digest -u nvr:lab-secret-6 http://fw.decoy.example:8082/5.png -o "$work/5.png"
    device curl -sS -A decoy/1 http://fw.decoy.example/pictures/5.png -o "$work/5.png"
    # Names that only end as those of services do.
    device curl -sS -A decoy/1 http://stats.nottallymark.example/collect
    device curl -sS -A decoy/1 http://locate.nowhereabouts.example/v1/geolocate
    device curl -sS -A decoy/1 http://view.decoy.example/VIIDEO/System/Time
    device python3 "$lab/scenarios/standards.py" decoy
    # The router's address, and no port of it.
    device timeout 1 natpmpc -g 192.168.77.1 || true
    few
    household
    stranger
    outage
    sleep 1
}

doors() {
    device dropbear -F -E -R -r "$work/decoy-key" -p 22 &
    device /usr/bin/python3 "$lab/servers/modbus.py" &
    device dnsmasq --keep-in-foreground --conf-file="$lab/servers/open-resolver.conf" --pid-file="$work/open.pid" &
    # Where a debugger would be, and speaks of something else.
    device socat TCP-LISTEN:2159,fork,reuseaddr "SYSTEM:echo ready; sleep 1" &
    sleep 2
}

# few: less than a scan, knocks, a pace, a tunnel
few() {
    device nmap -Pn -n -sT -p 1-12 192.168.77.20
    for last in 201 202; do
        device hping3 -q -c 1 -S -p 23 -M $((0xcb007100 + last)) 203.0.113.$last || true
    done
    local name last pause
    for name in a b c; do
        device dig +short $name.t.decoy.example
    done
    for pause in 1 9 2 7 1 12 3 5 1 8; do
        device curl -sS -A decoy/1 --cacert "$work/tls/ca.crt" --tls-max 1.2 https://api.decoy.example/
        sleep $pause
    done
}

household() {
    in_ns phone timeout 4 dbclient -y -y -s -l lab $decoy true </dev/null || true
    in_ns phone socat -t 2 - TCP:$decoy:2159 </dev/null || true
    # Reads, and sets nothing.
    in_ns phone mbpoll -m tcp -a 1 -r 10 -c 2 -t 4 -o 3 -1 $decoy || true
}

# stranger: refused at one port, answered shortly at another
stranger() {
    in_ns internet curl -sS -m 3 --interface 203.0.113.99 http://$decoy/ || true
    in_ns internet dig -b 203.0.113.99 +short +noedns @$decoy A nothing.example
}

# outage: tries again, and waits longer each time
outage() {
    note phase outage
    sleep 1
    ip -n ph-router route add blackhole 203.0.113.120/32
    for pause in 2 4 8; do
        device curl -sS -m 1 -A decoy/1 https://api.decoy.example/ || true
        sleep $pause
    done
    ip -n ph-router route del blackhole 203.0.113.120/32
    note phase after
}
