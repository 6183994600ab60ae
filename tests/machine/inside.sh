#!/bin/bash
# Runs as the first process of the machine that boot.sh makes. Each trial says `ok` or `FAILED`.
export PATH=/bin HOME=/root
/bin/busybox --install -s /bin
mkdir -p /usr/sbin /sbin
ln -s /bin/modprobe /sbin/modprobe
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mkdir -p /dev/shm /run/netns /var/run
chmod 1777 /tmp
cd /root || exit

trial() { echo "--- $*"; }
judge() { # NAME, then a command
    name=$1
    shift
    if "$@"; then echo "ok $name"; else echo "FAILED $name"; fi
}
send() { tcpreplay -q --pps=100 --limit="$1" -i far /root/meter.pcap > /tmp/sent 2>&1 || cat /tmp/sent; }
await() { # CASE
    for _ in $(seq 150); do
        grep -q '"type":"begin"' "/tmp/$1.out" && return
        sleep 0.2
    done
}
begin() { # CASE
    phonehome capture -i wire --case "/tmp/$1" --keep-free 1 > "/tmp/$1.out" 2> "/tmp/$1.err" &
    recorder=$!
    await "$1"
}
finish() {
    kill -TERM $recorder
    wait $recorder
    code=$?
    cat "/tmp/$1.err"
}
events() { grep -E "\"type\":\"($2)\"" "/tmp/$1/journal.jsonl"; }

modprobe veth
ip link set lo up
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
ip link add wire type veth peer name far
ip link set wire up
ip link set far up

trial "the wall clock is set an hour forward and two back"
begin step
send 20
sleep 1.5
date -s "@$(($(date +%s) + 3600))" > /dev/null
sleep 2.5
send 20
date -s "@$(($(date +%s) - 7200))" > /dev/null
sleep 2.5
send 20
sleep 1
finish step
events step "clock_step|gap|end" | cut -c1-200
forward=$(events step clock_step | sed -n '1s/.*"nanoseconds":"\(-\{0,1\}[0-9]*\)[0-9]\{9\}".*/\1/p')
back=$(events step clock_step | sed -n '2s/.*"nanoseconds":"\(-\{0,1\}[0-9]*\)[0-9]\{9\}".*/\1/p')
judge "both steps are in the journal" [ "$forward $back" = "3599 -7200" -o "$forward $back" = "3599 -7199" ]
judge "no step is a gap" [ "$(events step gap | wc -l)" = 0 ]
judge "it ends in good order" [ $code = 0 ]
judge "all frames are in the recording" [ "$(phonehome analyze --json --no-hash /tmp/step 2> /dev/null | grep -o '"total": [0-9]*' | head -1)" = '"total": 60' ]

trial "the machine sleeps for five seconds"
begin sleep
send 20
sleep 1.5
before=$EPOCHREALTIME
rtcwake -m mem -s 5 > /dev/null
after=$EPOCHREALTIME
sleep 2.5
send 20
sleep 1
finish sleep
milliseconds() { # the clock of a time of the journal, as milliseconds of the day
    echo "$1" | awk -F '[T:Z]' '{ printf "%d", ($2 * 3600 + $3 * 60 + $4) * 1000 }'
}
of_day() { echo "$1" | awk '{ printf "%d", ($1 % 86400) * 1000 }'; }
gap=$(events sleep gap | head -1)
from=$(milliseconds "$(echo "$gap" | sed 's/.*"from":"\([^"]*\)".*/\1/')")
to=$(milliseconds "$(echo "$gap" | sed 's/.*"to":"\([^"]*\)".*/\1/')")
slept=$(of_day "$before")
woke=$(of_day "$after")
echo "rtcwake ran from $slept to $woke ms of the day, the gap is told from $from to $to"
judge "the gap is told as it was" [ $((from + 50)) -ge "$slept" -a "$to" -le $((woke + 50)) -a $((to - from)) -ge 4000 ]
events sleep "clock_step|gap|end" | cut -c1-300
judge "one gap, with its reason" [ "$(events sleep gap | grep -c 'slept')" = 1 ]
judge "the clock was not set" [ "$(events sleep clock_step | wc -l)" = 0 ]
judge "it records on afterwards" [ "$(phonehome analyze --json --no-hash /tmp/sleep 2> /dev/null | grep -o '"total": [0-9]*' | head -1)" = '"total": 40' ]
judge "and says that its result is not whole" [ $code = 3 ]

trial "a user without rights, and with the two that setcap gives"
cp /bin/phonehome /tmp/phonehome
as_user() { su lab -c "cd /tmp && $*"; }
as_user "/tmp/phonehome capture -i wire --case /tmp/lab0 --duration 1" > /tmp/lab0.out 2>&1
code=$?
cat /tmp/lab0.out
judge "without rights it is refused, and told how to get them" grep -q "setcap" /tmp/lab0.out
judge "and ends with 4" [ $code = 4 ]
as_user "/tmp/phonehome doctor" > /tmp/doctor0.out 2>&1
cat /tmp/doctor0.out
judge "doctor names the command" grep -q "setcap cap_net_raw,cap_net_admin=eip" /tmp/doctor0.out
setcap cap_net_raw,cap_net_admin=eip /tmp/phonehome
as_user "/tmp/phonehome capture -i wire --case /tmp/lab1 --keep-free 1 --duration 12" > /tmp/lab1.out 2>&1 &
await lab1
send 20
wait $!
code=$?
cat /tmp/lab1.out
grep -o '"protections":.*' /tmp/lab1/journal.jsonl | head -1 | cut -c1-600
judge "with them it records" [ $code = 0 ]
judge "the files are the user's and closed to others" \
    [ "$(stat -c '%U %a' /tmp/lab1/segments/000001.pcapng)" = "lab 600" ]

trial "two radios: an access point as docs/test-network.md says, and a station"
modprobe mac80211_hwsim
ip netns add station
ip netns add internet
phy=$(iw dev wlan1 info | sed -n 's/.*wiphy //p')
iw phy "phy$phy" set netns name station
ip link add eth0 type veth peer name near netns internet
ip addr add 203.0.113.2/24 dev eth0
ip link set eth0 up
ip -n internet addr add 203.0.113.80/24 dev near
ip -n internet link set near up
mkdir -p /tmp/www
echo "a page" > /tmp/www/index.html
ip netns exec internet httpd -p 80 -h /tmp/www

ip addr add 192.168.77.1/24 dev wlan0
printf 'interface=wlan0\nssid=test-network\nhw_mode=g\nchannel=6\nwpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\nwpa_passphrase=CHANGE-THIS\n' > /etc/test.conf
hostapd -B -P /tmp/hostapd.pid /etc/test.conf
dnsmasq --user=root --interface=wlan0 --bind-interfaces --dhcp-range=192.168.77.50,192.168.77.99,1h \
    --address=/cloud.example/203.0.113.80 --no-resolv --no-hosts
echo 1 > /proc/sys/net/ipv4/ip_forward
nft add table ip test
nft 'add chain ip test post { type nat hook postrouting priority 100 ; }'
nft add rule ip test post oifname eth0 masquerade
phonehome capture -i wlan0 --case /tmp/ap --keep-free 1 --exclude 192.168.77.1 > /tmp/ap.out 2> /tmp/ap.err &
recorder=$!
await ap

printf 'network={\nssid="test-network"\npsk="CHANGE-THIS"\n}\n' > /etc/station.conf
cat > /tmp/lease.sh << 'END'
#!/bin/bash
[ "$1" = bound ] || exit 0
ip addr add "$ip/24" dev "$interface"
ip route add default via "$router"
echo "nameserver $dns" > /etc/resolv.conf
END
chmod +x /tmp/lease.sh
mac=$(ip netns exec station cat /sys/class/net/wlan1/address)
ip netns exec station ip link set lo up
ip netns exec station wpa_supplicant -B -i wlan1 -c /etc/station.conf
ip netns exec station udhcpc -i wlan1 -s /tmp/lease.sh -x hostname:hall-camera -q -n -t 20
ip netns exec station wget -q -O /tmp/page http://cloud.example/
judge "the station came through the access point to the internet" grep -q "a page" /tmp/page
sleep 1
finish ap
phonehome analyze --json --no-hash /tmp/ap > /tmp/ap.json
phonehome analyze /tmp/ap 2> /dev/null | head -40
judge "the station is a device" grep -q "\"id\": \"mac:$mac\"" /tmp/ap.json
judge "with the name it gave" grep -q '"hall-camera"' /tmp/ap.json
judge "and what it asked for and whom it reached" grep -q '"cloud.example"' /tmp/ap.json
judge "in both directions" grep -q '"both_directions": true' /tmp/ap.json
(while [ ! -e /tmp/heard ]; do
    ip netns exec station wget -q -O /tmp/page http://cloud.example/
    sleep 1
done) &
phonehome doctor -i wlan0 --device "$mac" --seconds 6 > /tmp/doctor.out 2>&1
touch /tmp/heard
cat /tmp/doctor.out
judge "doctor sees it both ways" grep -q "both directions" /tmp/doctor.out
kill "$(cat /tmp/hostapd.pid)"

echo "all was tried"
echo o > /proc/sysrq-trigger
sleep 9
