# Exempla Vision camera (fictional): power-on, set-up, streaming, idle.
device_mac=00:00:5e:00:53:10

scenario() {
    api=https://api.exempla-vision.example
    stats=https://stats.analytics-maker.example
    tls=(--silent --show-error --cacert "$work/tls/ca.crt" --user-agent exempla-ipc/2.1)
    camera=192.168.77.110

    device_plug $device_mac
    sleep 3
    get_lease exempla-cam-5310 "exempla-vision ipc 2.1"

    announce
    ask_time time.exempla-vision.example
    device curl "${tls[@]}" -4 -d '{"id":"5310","fw":"2.1.6","event":"register"}' $api/v1/register
    # The firmware check in the clear, with a password that only base64 hides.
    device curl -sS -A exempla-ipc/2.1 -u cam-5310:lab-secret-1 \
        "http://fw.exempla-vision.example/check?model=exempla-cam&version=2.1.6"
    telemetry boot
    # A peer that no DNS answer explains.
    (printf 'LAB1 id=5310 want=peers\n'; sleep 4) | device socat -t 1 - TCP:203.0.113.15:8800
    # A resolver that DHCP did not name, and the rendezvous found through it.
    device dig +short @203.0.113.53 p2p.exempla-vision.example
    keep_alive &

    phone
    stream udp 10 554
    device curl "${tls[@]}" -6 -d '{"id":"5310","event":"motion"}' $api/v1/event
    stream tcp 4 8554
    telemetry motion
    sleep 4
    device curl "${tls[@]}" -6 -d '{"id":"5310","event":"alive"}' $api/v1/event
    ask_time time.exempla-vision.example
    telemetry idle
    sleep 3
}

announce() {
    mkdir -p "$work/camera-www" /etc/netns/ph-device/avahi/services
    echo '{"model":"exempla-cam","state":"ready"}' >"$work/camera-www/status.json"
    (cd "$work/camera-www" && exec ip netns exec ph-device busybox httpd -f -p 80) &
    cp "$lab/scenarios/camera.service" /etc/netns/ph-device/avahi/services/
    printf '[server]\nhost-name=exempla-cam-5310\nenable-dbus=no\n' >"$work/avahi.conf"
    # A new `ip netns exec` binds the services folder that the last one did not have yet.
    mkdir -p /run/avahi-daemon /etc/avahi
    device avahi-daemon --no-drop-root --no-chroot --no-rlimits -f "$work/avahi.conf" \
        >"$work/log/avahi" 2>&1 &
    sleep 2
    device python3 "$lab/scenarios/ssdp_notify.py" $camera
}

# telemetry WHAT: to a third party, growing with what happens
telemetry() {
    device curl "${tls[@]}" -4 -d "{\"app\":\"exempla-ipc\",\"device\":\"5310\",\"screen\":\"$1\"}" $stats/collect
}

keep_alive() {
    for _ in 1 2 3 4 5 6; do
        printf 'LAB2 id=5310 alive' | device socat -t 1 - UDP:203.0.113.16:32100,sourceport=32100
        sleep 4
    done
}

# The rest of the household: looks at the camera, reads the news.
phone() {
    in_ns phone curl -sS -A lab-phone/1 "http://$camera/status.json"
    in_ns phone curl "${tls[@]}" -A lab-phone/1 -4 https://www.lab-news.example/
    sleep 1
    in_ns phone curl "${tls[@]}" -A lab-phone/1 -6 https://www.lab-news.example/
}

# stream TRANSPORT SECONDS PORT
stream() {
    device ffmpeg -nostdin -loglevel error -re -f lavfi -i testsrc=size=160x120:rate=5 -t "$2" \
        -pix_fmt yuv420p -c:v libx264 -profile:v baseline -preset ultrafast -tune zerolatency \
        -threads 1 -g 10 -b:v 24k \
        -f rtsp -rtsp_transport "$1" "rtsp://relay.exempla-vision.example:$3/live"
}
