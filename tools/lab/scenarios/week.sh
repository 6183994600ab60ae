# Fabled weather station (fictional): eight days in which it looks for no update. What is between the
# two minutes was left out: the times of the second are published as eight days later.
device_mac=00:00:5e:00:53:b0

scenario() {
    device_plug $device_mac
    sleep 3
    report
    later 691200
    report
}

report() {
    get_lease fabled-53b0 "fabled weather 1"
    device curl -sS -A fabled/1 --cacert "$work/tls/ca.crt" -d '{"hPa":1013}' https://api.fabled.example/v1/report
    sleep 1
}
