#!/bin/sh
# The second command of the README, and all of CI. Tests that hold us against tshark say
# "skipped" where it is missing and cannot be installed.
set -eu
cd "$(dirname "$0")/.."

if ! command -v tshark >/dev/null; then
    if [ "$(id -u)" = 0 ]; then as_root=""; elif command -v sudo >/dev/null; then as_root="sudo"; else as_root=none; fi
    if [ "$as_root" = none ] || ! command -v apt-get >/dev/null; then
        echo "test: tshark is missing and cannot be installed here; tests that need it are skipped" >&2
    else
        export DEBIAN_FRONTEND=noninteractive
        $as_root apt-get update -qq
        $as_root apt-get install -y -qq --no-install-recommends tshark
    fi
fi

cargo fmt --check
cargo clippy --quiet --all-targets -- -D warnings
cargo test
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps
cargo bench --quiet --bench stages -- --test
