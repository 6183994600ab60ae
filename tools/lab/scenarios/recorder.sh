# Dummyvale recorder (fictional): doors open at home and to the internet, logins that are sold with
# it, updates and a serial number readable.
device_mac=00:00:5e:00:53:50

scenario() {
    recorder=192.168.77.150
    device_plug $device_mac
    sleep 3
    get_lease dummyvale-nvr-5350 "dummyvale nvr 1.0"
    doors

    device curl -sS -A dummyvale-nvr/1.3 http://fw.dummyvale.example/firmware/nvr-1.4.bin -o "$work/nvr.bin"
    for host in id.dummyvale.example stats.tallymark.example; do
        device curl -sS -A dummyvale-nvr/1.3 "http://$host/iclock/cdata?SN=LAB0053500001&options=all"
    done
    device curl -sS -A dummyvale-nvr/1.3 --digest -u nvr:lab-secret-6 http://fw.dummyvale.example:8081/5.png \
        -o "$work/5.png"
    seq -f 'clip %03g' 20 >"$work/clip.txt"
    device ftp -u ftp://admin:admin@ftp.dummyvale.example/clip.txt "$work/clip.txt"
    # A hole in the router.
    device timeout 2 natpmpc -g 192.168.77.1 -a 8080 80 tcp 3600 || true

    # It looks in on a neighbour, too.
    in_ns phone busybox httpd -f -p 8888 -h "$work/recorder-www" &
    sleep 1
    device curl -sS -A dummyvale-nvr/1.3 http://192.168.77.20:8888/description.xml -o "$work/neighbour.xml"
    household
    stranger
    sleep 2
}

# doors: what the recorder offers
doors() {
    mkdir -p "$work/recorder-www"
    cat >"$work/recorder-www/description.xml" <<'XML'
<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><device>
<deviceType>urn:schemas-upnp-org:device:Basic:1</deviceType><friendlyName>Recorder</friendlyName>
<manufacturer>Dummyvale (fictional)</manufacturer><modelName>nvr-4</modelName>
<serialNumber>LAB0053500001</serialNumber></device></root>
XML
    # A real program under the name of one that its makers gave up.
    printf '%s\n' "server.document-root = \"$work/recorder-www\"" 'server.port = 80' \
        'server.tag = "Boa/0.94.14rc21"' 'mimetype.assign = (".xml" => "text/xml")' >"$work/recorder-www.conf"
    device lighttpd -D -f "$work/recorder-www.conf" &
    printf '%s:telnet stream tcp nowait root /usr/sbin/telnetd telnetd -h -E %s/login.sh\n' $recorder "$work" \
        >"$work/recorder-inetd.conf"
    device inetutils-inetd -d -p"$work/recorder-inetd.pid" "$work/recorder-inetd.conf" &
    device gdbserver --once :2159 /bin/sleep 60 &
    device /usr/bin/python3 "$lab/servers/modbus.py" &
    device dnsmasq --keep-in-foreground --conf-file="$lab/servers/open-resolver.conf" --pid-file="$work/open.pid" &
    sleep 2
}

# household: the phone looks in
household() {
    in_ns phone curl -sS -A lab-phone/1 http://$recorder/description.xml
    in_ns phone expect "$lab/scenarios/telnet_session.exp" $recorder admin lab-secret-7
    # Symbols come from this machine, so that the debugger asks for little over the wire.
    in_ns phone gdb -nx -batch -ex 'set sysroot /' -ex 'set auto-solib-add off' \
        -ex 'set remote target-features-packet off' -ex 'set remote hostio-open-packet off' \
        -ex "target remote $recorder:2159" -ex kill /bin/sleep || true
    in_ns phone mbpoll -m tcp -a 1 -r 10 -t 4 -o 3 -1 $recorder 7 || true
}

# stranger: the internet looks in, as the router lets it
stranger() {
    in_ns internet curl -sS --interface 203.0.113.99 -A stranger/1 http://$recorder/description.xml
    in_ns internet dig -b 203.0.113.99 +bufsize=1400 +short @$recorder TXT all.lab.example
}
