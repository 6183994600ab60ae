# What the devices talk to that show one check each (captures/checks).
servers_of_checks_up() {
    mkdir -p "$work/web/firmware" "$work/web/pictures"
    # Small, and begins as an image for U-Boot does.
    printf '\x27\x05\x19\x56lab image, made up' >"$work/web/firmware/nvr-1.4.bin"
    ffmpeg -nostdin -loglevel error -y -f lavfi -i color=c=black:size=8x8 -frames:v 1 "$work/web/pictures/5.png"
    cp "$lab/servers/nginx-checks.conf" "$work/nginx-checks.conf"
    run internet nginx.checks nginx -p "$work" -c "$work/nginx-checks.conf" -e stderr

    # Digest of two kinds, which nginx does not have.
    printf 'nvr:lab:%s\n' "$(printf 'nvr:lab:lab-secret-6' | md5sum | cut -d' ' -f1)" >"$work/digest-md5"
    printf 'nvr:lab:%s\n' "$(printf 'nvr:lab:lab-secret-6' | sha256sum | cut -d' ' -f1)" >"$work/digest-sha"
    for kind in md5:MD5:8081 sha:SHA-256:8082; do
        IFS=: read -r file algorithm port <<<"$kind"
        sed "s|@WORK@|$work|; s|@FILE@|digest-$file|; s|@ALGORITHM@|$algorithm|; s|@PORT@|$port|" \
            "$lab/servers/lighttpd-digest.conf" >"$work/lighttpd-$file.conf"
        run internet "lighttpd.$file" lighttpd -D -f "$work/lighttpd-$file.conf"
    done

    run internet s_server.weak openssl s_server -accept 203.0.113.70:443 -tls1_2 -www \
        -cipher 'NULL-SHA256:@SECLEVEL=0' -cert tls/cloud.nonsuch.example.crt -key tls/cloud.nonsuch.example.key
    run internet s_server.rsa openssl s_server -accept 203.0.113.70:8443 -tls1_2 -www \
        -cipher AES128-GCM-SHA256 -cert tls/cloud.nonsuch.example.crt -key tls/cloud.nonsuch.example.key
    for name in 71:shop 72:old; do
        run internet "s_server.$name" openssl s_server -accept "203.0.113.${name%:*}:443" -tls1_2 -www \
            -cert "tls/${name#*:}.nonsuch.example.crt" -key "tls/${name#*:}.nonsuch.example.key"
    done

    # DNS over TLS: the resolver of the lab's internet behind TLS.
    run internet socat.dot socat \
        OPENSSL-LISTEN:853,bind=203.0.113.66,fork,reuseaddr,verify=0,cert=tls/www.makebelieve.example.crt,key=tls/www.makebelieve.example.key \
        TCP:203.0.113.53:53
    run internet iodined iodined -f -c -P lab-tunnel -l 203.0.113.67 10.99.0.1 t.phonyplug.example
    run internet turnserver turnserver -n --no-auth --no-tls --no-dtls --no-cli -S \
        -L 203.0.113.65 -E 203.0.113.65 --pidfile "$work/turnserver.pid" --log-file stdout

    run router natpmp python3 "$lab/servers/natpmp.py"
    run internet standards python3 "$lab/servers/standards.py"
    sleep 3
}
