# Makebelieve display (fictional): a browser that shows one page.
device_mac=00:00:5e:00:53:80

scenario() {
    device_plug $device_mac
    sleep 3
    get_lease makebelieve-5380 "makebelieve 1"
    # It may look for nobody else, and takes the lab's certificate.
    device timeout 30 chromium --headless=new --no-sandbox --disable-gpu --no-first-run --no-pings \
        --disable-background-networking --disable-component-update --disable-sync --disable-extensions \
        --disable-default-apps --disable-domain-reliability --disable-breakpad --disable-quic \
        --disable-features=MediaRouter,OptimizationHints,AsyncDns,DnsOverHttps,Translate,AutofillServerCommunication \
        --host-resolver-rules='MAP *.google.com ~NOTFOUND, MAP *.googleapis.com ~NOTFOUND, MAP *.gstatic.com ~NOTFOUND' \
        --ignore-certificate-errors --user-data-dir="$work/chromium" \
        --dump-dom https://www.makebelieve.example/ || true
    sleep 2
}
