#!/bin/sh
# The first command of the README: needs git, a C compiler and Rust; installs libpcap's headers
# where they are missing and this may.
set -eu
cd "$(dirname "$0")/.."
. tools/packages.sh
for needed in cargo cc; do
    command -v "$needed" >/dev/null || {
        echo "demo: $needed is missing: install Rust (rustup) and a C compiler (gcc) first" >&2
        exit 1
    }
done
features=""
libpcap || {
    echo "demo: goes on without capture from interfaces" >&2
    features="--no-default-features"
}
# shellcheck disable=SC2086
cargo build --release --quiet $features
exec target/release/phonehome analyze captures/camera.pcapng
