#!/bin/sh
# The first command of the README: needs git, a C compiler and Rust, nothing else.
set -eu
cd "$(dirname "$0")/.."
for needed in cargo cc; do
    command -v "$needed" >/dev/null || {
        echo "demo: $needed is missing: install Rust (rustup) and a C compiler (gcc) first" >&2
        exit 1
    }
done
cargo build --release --quiet
exec target/release/phonehome analyze captures/camera.pcapng
