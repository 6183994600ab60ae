# Placeholder Air sensor (fictional): what good behaviour looks like. It uses the resolver it was
# given, asks for the time, speaks MQTT over TLS 1.3 to its maker, and nothing else.
device_mac=00:00:5e:00:53:30

scenario() {
    device_plug $device_mac
    sleep 3
    get_lease placeholder-air-5330 "placeholder-air 1"
    ask_time time.placeholder-air.example
    readings | device mosquitto_pub -h mqtt.placeholder-air.example -p 8883 --cafile "$work/tls/ca.crt" \
        -V mqttv311 -u air-5330 -P lab-secret-5 -i air-5330 -q 1 -t air/5330/value -l
    sleep 1
}

readings() {
    for n in 1 2 3 4 5 6; do
        sleep 5
        echo "{\"co2\":$((400 + n)),\"pm25\":$n}"
    done
}
