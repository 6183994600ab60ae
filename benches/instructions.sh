#!/usr/bin/env bash
# Counts instructions (benches/instructions.rs), or says what is missing for it.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=no
if ! command -v valgrind >/dev/null; then
    echo "bench-instructions: valgrind is missing; install the package valgrind" >&2
    missing=yes
fi
# The runner must be of the very version of the library.
version=$(awk '/^name = "gungraun"$/ { getline; gsub(/[^0-9.]/, ""); print }' Cargo.lock)
runner=${GUNGRAUN_RUNNER:-gungraun-runner}
if ! command -v "$runner" >/dev/null; then
    echo "bench-instructions: $runner is missing; cargo install --locked --version $version gungraun-runner" >&2
    missing=yes
fi
[ "$missing" = no ] || exit 2
exec cargo bench --bench instructions "$@"
