# Nonsuch Heating thermostat (fictional), two of one make: encryption that does not help much.
device_mac=00:00:5e:00:53:70
twin_mac=00:00:5e:00:53:71

scenario() {
    rm -f "$work/nonsuch-key"
    dropbearkey -t ed25519 -f "$work/nonsuch-key"
    device_plug $device_mac
    device_plug $twin_mac twin
    ip -n ph-twin addr add 192.168.77.171/24 dev eth0
    sleep 3
    get_lease nonsuch-th-5370 "nonsuch th 1"

    hello cloud.nonsuch.example:443 -cipher 'NULL-SHA256:@SECLEVEL=0'
    hello cloud.nonsuch.example:8443 -cipher AES128-GCM-SHA256
    hello cloud.nonsuch.example:8443 -cipher AES128-GCM-SHA256 -noservername
    # Signed by itself: refused by one program, taken by the other.
    device curl -sS -A nonsuch/1 --tls-max 1.2 --cacert "$work/tls/ca.crt" https://shop.nonsuch.example/ || true
    device curl -sS -A nonsuch/1 --tls-max 1.2 --insecure https://old.nonsuch.example/ -o "$work/old.html"

    local name
    for name in device twin; do
        in_ns $name dropbear -F -E -R -r "$work/nonsuch-key" -p 22 &
    done
    sleep 1
    # The login fails; the keys are shown before it.
    for address in 192.168.77.170 192.168.77.171; do
        in_ns phone timeout 4 dbclient -y -y -s -l lab $address true </dev/null || true
    done
    sleep 1
}

# hello HOST:PORT OPTIONS…
hello() {
    (printf 'GET / HTTP/1.0\r\n\r\n'; sleep 1) |
        device openssl s_client -tls1_2 -quiet -CAfile "$work/tls/ca.crt" -connect "$@"
}
