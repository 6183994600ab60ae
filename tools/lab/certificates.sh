# A lab authority and one certificate for each server. They live as long as the run.
certificates_make() {
    mkdir -p "$work/tls"
    (
        cd "$work/tls"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
            -subj "/O=phonehome lab/CN=phonehome lab CA" -keyout ca.key -out ca.crt
        for name in api.exempla-vision.example stats.analytics-maker.example \
            www.lab-news.example mqtt.placeholder-air.example backup.mockridge.example \
            www.makebelieve.example api.fabled.example api.decoy.example ingest.humbug.example; do
            certificate "$name" -newkey ec -pkeyopt ec_paramgen_curve:P-256
        done
        # RSA, because that is what a server of TLS 1.0 days has, and what suites without forward
        # secrecy need.
        certificate cloud.mockridge.example -newkey rsa:2048
        certificate cloud.nonsuch.example -newkey rsa:2048
        for name in shop.nonsuch.example old.nonsuch.example; do
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
                -subj "/CN=$name" -addext "subjectAltName=DNS:$name" -keyout "$name.key" -out "$name.crt"
        done
        # The broker gives up root before it reads its key.
        chmod 644 ./*.key
    ) >/dev/null 2>&1
}

# certificate NAME KEY_OPTIONS…
certificate() {
    openssl req "${@:2}" -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
    printf 'subjectAltName=DNS:%s\n' "$1" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 \
        -extfile "$1.ext" -out "$1.crt"
}
