#!/bin/sh
# The second command of the README, and all of CI. Tests that need another program say "skipped"
# where it is missing and cannot be installed.
set -eu
cd "$(dirname "$0")/.."
. tools/packages.sh
. tools/readers.sh

libpcap
missing=""
for pair in tshark:tshark tmux:tmux ip:iproute2 tcpreplay:tcpreplay strace:strace minisign:minisign \
    openssl:openssl ssh-keygen:openssh-client chromium:chromium jq:jq zstd:zstd man:man-db; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086
    packages "some tests are skipped without" $missing || true
fi

readers

cargo fmt --check
cargo clippy --quiet --all-targets -- -D warnings
cargo clippy --quiet --no-default-features -- -D warnings
# With what releases have: about 15 crates more to build, and one build instead of two.
cargo test --features parquet,man
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps
cargo bench --quiet --bench stages -- --test
