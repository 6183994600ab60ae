# Notional station (fictional): speaks in the forms of national standards. Its programs are scripts of
# the lab; only the web request is made by a program that others use.
device_mac=00:00:5e:00:53:a0

scenario() {
    device_plug $device_mac
    sleep 3
    get_lease notional-53a0 "notional 1"
    device curl -sS -A notional/1 -H 'User-Identify: 34020000001190000001' \
        http://view.notional.example/VIID/System/Time
    device python3 "$lab/scenarios/standards.py" real
    sleep 1
}
