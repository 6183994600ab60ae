# The router's DHCP and DNS, and every server of the lab's internet.

# run NS NAME COMMAND…: in the background, output to the work directory
run() {
    (cd "$work" && exec ip netns exec "ph-$1" "${@:3}") >"$work/log/$2" 2>&1 &
}

hosts_make() {
    awk -F '\t' '!/^#/ && $3 != "-" { print $1, $3 }' "$lab/addresses.tsv" >"$work/hosts"
}

servers_up() {
    hosts_make
    rm -f "$work/leases"
    mkdir -p "$work/nginx" "$work/ftp" "$work/log"
    chown ftp "$work/ftp"
    chmod 711 "$work" "$work/tls"

    run router dnsmasq.router dnsmasq --keep-in-foreground --conf-file="$lab/servers/router.conf" \
        --pid-file="$work/router.pid" --addn-hosts="$work/hosts" --dhcp-leasefile="$work/leases"
    run internet dnsmasq.resolver dnsmasq --keep-in-foreground \
        --conf-file="$lab/servers/resolver.conf" --pid-file="$work/resolver.pid" --addn-hosts="$work/hosts"

    # -x: chrony must not touch the clock of the machine that runs the lab.
    run internet chronyd chronyd -x -d -f "$lab/servers/chrony.conf"

    cp "$lab/servers/nginx.conf" "$work/nginx.conf" # its relative paths start there
    run internet nginx nginx -p "$work" -c "$work/nginx.conf" -e stderr

    (umask 077 && cp "$lab/servers/mqtt-users" "$work/mqtt-users")
    mosquitto_passwd -U "$work/mqtt-users" >/dev/null
    chown mosquitto "$work/mqtt-users"
    run internet mosquitto mosquitto -c "$lab/servers/mosquitto.conf"

    # Any password will do: the scenario is about the login that is sent, not about the check.
    mkdir -p /etc/netns/ph-internet/pam.d /var/run/vsftpd/empty
    printf 'auth required pam_permit.so\naccount required pam_permit.so\n' \
        >/etc/netns/ph-internet/pam.d/phonehome-lab
    cp "$lab/servers/vsftpd.conf" "$work/vsftpd.conf" # vsftpd wants to own it
    run internet vsftpd vsftpd "$work/vsftpd.conf" -olocal_root="$work/ftp"

    install -m 755 "$lab/servers/login.sh" "$work/login.sh"
    printf '203.0.113.43:telnet stream tcp nowait root /usr/sbin/telnetd telnetd -h -E %s/login.sh\n' \
        "$work" >"$work/inetd.conf"
    run internet inetd inetutils-inetd -d -p"$work/inetd.pid" "$work/inetd.conf"

    # In listening mode ffmpeg takes one push and ends, so each push has a relay of its own.
    for port in 554 8554; do
        run internet "relay.$port" ffmpeg -nostdin -loglevel error -rtsp_flags listen \
            -i "rtsp://203.0.113.14:$port/live" -f null -
    done

    run internet socat.direct socat TCP-LISTEN:8800,bind=203.0.113.15,fork,reuseaddr \
        "SYSTEM:head -n 1 >/dev/null; echo LAB1; cat >/dev/null"
    run internet socat.p2p socat UDP-RECVFROM:32100,bind=203.0.113.16,fork "EXEC:cat"

    run internet s_server.old openssl s_server -accept 203.0.113.41:443 -tls1 -www \
        -cipher 'ALL:@SECLEVEL=0' -cert tls/cloud.mockridge.example.crt -key tls/cloud.mockridge.example.key
    run internet s_server.front openssl s_server -accept 198.51.100.44:443 -www \
        -cert tls/backup.mockridge.example.crt -key tls/backup.mockridge.example.key
    sleep 3
}
