# Sampleton Metering electricity meter (fictional): MQTT 3.1.1 with a password, no TLS.
device_mac=00:00:5e:00:53:20

scenario() {
    broker=(-h head-end.sampleton.example -p 1883 -V mqttv311 -u meter-5320 -P lab-secret-2)

    device_plug $device_mac
    sleep 3
    get_lease sampleton-e3-5320 "sampleton e3 fw 4.0"
    ask_time time.sampleton.example
    # Without EDNS the answer does not fit, and dig asks again over TCP.
    device dig +short +noedns TXT config.sampleton.example
    device mosquitto_sub "${broker[@]}" -i meter-5320-down -q 1 -t meter/5320/command -W 45 &
    readings | device mosquitto_pub "${broker[@]}" -i meter-5320 -q 1 -t meter/5320/reading -l
    wait $! || true
}

readings() {
    for n in 1 2 3 4 5 6 7 8; do
        sleep 5
        echo "{\"meter\":\"5320\",\"obis\":\"1-0:1.8.0\",\"kWh\":$((4711 + n)).0$n}"
    done
}
