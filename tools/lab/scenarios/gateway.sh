# Mockridge gateway (fictional): ten years behind. TLS 1.0, FTP and Telnet with passwords, and a
# server name in TLS that is not the name it looked up.
device_mac=00:00:5e:00:53:40

scenario() {
    device_plug $device_mac
    sleep 3
    get_lease_dhclient
    ask_time time.mockridge.example
    old_tls register
    sleep 3
    upload
    sleep 3
    telnet_session
    sleep 3
    other_name
    sleep 8
    old_tls alive
    sleep 2
}

get_lease_dhclient() {
    printf 'send host-name "mockridge-gw-5340";\nsend vendor-class-identifier "mockridge gw 1.0";\n' \
        >"$work/dhclient.conf"
    device dhclient -4 -1 -cf "$work/dhclient.conf" -lf "$work/dhclient.leases" -pf "$work/dhclient.pid" \
        -sf "$lab/dhcp-event.sh" eth0 >"$work/log/dhclient" 2>&1
}

# old_tls WHAT: this OpenSSL still speaks TLS 1.0 when its security level is lowered
old_tls() {
    (printf 'GET /%s HTTP/1.0\r\nHost: cloud.mockridge.example\r\n\r\n' "$1"; sleep 2) |
        device openssl s_client -tls1 -cipher 'ALL:@SECLEVEL=0' -quiet -CAfile "$work/tls/ca.crt" \
            -servername cloud.mockridge.example -connect cloud.mockridge.example:443
}

upload() {
    seq -f 'sample %05g;21.5;ok' 200 >"$work/upload.csv"
    device ftp -u ftp://gw5340:lab-secret-3@ftp.mockridge.example/upload.csv "$work/upload.csv"
}

telnet_session() {
    device expect "$lab/scenarios/telnet_session.exp" service.mockridge.example gw5340 lab-secret-4
}

# The Client Hello is larger than one segment: many protocol names are offered.
other_name() {
    protocols=$(seq -s , -f 'mockridge-sync-%03g' 120)
    (printf 'GET / HTTP/1.0\r\nHost: backup.mockridge.example\r\n\r\n'; sleep 2) |
        device openssl s_client -quiet -CAfile "$work/tls/ca.crt" -alpn "$protocols" \
            -servername backup.mockridge.example -connect front.shared-hosting.example:443
}
