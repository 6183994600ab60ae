# Phonyplug (fictional): looks around at home, knocks at strangers, and speaks to many.
device_mac=00:00:5e:00:53:60

scenario() {
    device_plug $device_mac
    sleep 3
    get_lease phonyplug-5360 "phonyplug 2"
    curl=(curl -sS -A phonyplug/2)

    device nmap -Pn -n -sT -p 1-25 192.168.77.20
    # Sequence numbers equal to the address, as one family of bots sends them.
    for last in 201 202 203; do
        device hping3 -q -c 1 -S -p 23 -M $((0xcb007100 + last)) 203.0.113.$last || true
    done
    device "${curl[@]}" -d '{"event":"boot"}' http://stats.tallymark.example/collect
    device "${curl[@]}" -d '{"wifiAccessPoints":[{"macAddress":"00:00:5e:00:53:01"}]}' \
        http://locate.whereabouts.example/v1/geolocate
    device turnutils_stunclient -p 3478 203.0.113.65
    device dig +tls +short @203.0.113.66 p2p.exempla-vision.example
    tunnel
    # A stranger whom nobody asked, and who is refused.
    in_ns internet curl -sS -m 3 --interface 203.0.113.99 http://192.168.77.160/ || true
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
        device "${curl[@]}" http://alive.phonyplug.example/
        sleep 6
    done
}

# tunnel: iodine's handshake, and a few kilobytes through it
tunnel() {
    device timeout 14 iodine -f -r -I 1 -m 400 -P lab-tunnel 203.0.113.67 t.phonyplug.example &
    sleep 8
    head -c 6000 /dev/urandom | device socat -u -b 1000 - UDP-SENDTO:10.99.0.1:9 || true
    sleep 3
    wait $! || true
}
