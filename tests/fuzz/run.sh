#!/bin/sh
# Runs each fuzz target for FUZZ_SECONDS, one after the other. What the runs find out goes to
# tests/fuzz/grown, which is not committed; the seeds are in tests/fuzz/corpus.
# TARGETS="decode engine" chooses.
set -eu
cd "$(dirname "$0")/../.."
export LSAN_OPTIONS="suppressions=$PWD/tests/fuzz/leaks.supp"
for target in ${TARGETS:-readers decode fragments reassembly engine \
    names web crypto media vendor city}; do
    mkdir -p "tests/fuzz/grown/$target"
    cargo +nightly fuzz run --fuzz-dir tests/fuzz "$target" \
        "tests/fuzz/grown/$target" "tests/fuzz/corpus/$target" -- \
        -max_total_time="${FUZZ_SECONDS:-600}" -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1
done
