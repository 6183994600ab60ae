#!/usr/bin/env bash
# The race: CPU time, wall time and memory of phonehome and of others on the same captures, in
# units of P, the empty libpcap loop. docs/performance.md says what is measured and why.
#
#   benches/race.sh [--rounds N] [--scale F] [--only CORPUS] [--ours]
#
# Exit: 0 all targets met, 1 one was missed, 2 the race could not be run.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C

# What runs: label | corpora it runs on | command. FILE is the capture, SCRATCH an empty folder,
# PHONEHOME our program. Options of others: no names looked up, output thrown away, tables as
# large as ours.
real="iot-mix small many-flows video"
commands=(
    "cat|$real|cat FILE"
    "flows only|$real|PHONEHOME count FILE"
    "analyze|$real flood|PHONEHOME analyze FILE --quiet"
    "analyze, JSON|$real|PHONEHOME analyze FILE --json"
    "two threads|$real|PHONEHOME analyze FILE --quiet --threads 2"
    "tcpdump|$real|tcpdump -nn --count -r FILE ip or ip6"
    "tshark|iot-mix|tshark -n -q -z conv,tcp -z conv,udp -r FILE"
    "ndpiReader|$real|ndpiReader -q -i FILE"
    "argus|$real|argus -X -r FILE -w SCRATCH/argus"
    "nfpcapd|$real|nfpcapd -B 1048576 -r FILE -w SCRATCH"
    "softflowd|$real|softflowd -d -6 -m 1048576 -p SCRATCH/pid -c SCRATCH/control -r FILE"
    # Not in every Debian.
    "suricata|$real|suricata -k none --runmode single -l SCRATCH -r FILE"
)

# What must hold: corpus | label | measure | at most. Measures: P = CPU in units of P; B = peak
# resident bytes a live flow; wall, cpu = against `analyze` in the same round.
targets=(
    "iot-mix|flows only|P|1.0"
    "iot-mix|analyze|P|2.0"
    "small|analyze|P|3.0"
    "many-flows|analyze|P|6.0"
    "many-flows|analyze|B|400"
    "video|analyze|P|0.7"
    "iot-mix|two threads|wall|0.6"
    "iot-mix|two threads|cpu|1.15"
    "small|two threads|wall|0.6"
    "small|two threads|cpu|1.15"
)

rounds=5
scale=1
only=""
ours=no
limit_s=600
# What loses its way must not take the machine with it.
limit_mib=8192
# tshark keeps everything it has seen: it reads one packet of so many, and its time is scaled.
tshark_part=20

while [ $# -gt 0 ]; do
    case "$1" in
        --rounds) rounds=$2; shift 2 ;;
        --scale) scale=$2; shift 2 ;;
        --only) only=$2; shift 2 ;;
        --ours) ours=yes; shift ;;
        *) echo "usage: benches/race.sh [--rounds N] [--scale F] [--only CORPUS] [--ours]" >&2; exit 2 ;;
    esac
done

corpora="iot-mix small many-flows video flood"
if [ -n "$only" ]; then
    case " $corpora " in
        *" $only "*) corpora=$only ;;
        *) echo "race: no corpus $only; there are: $corpora" >&2; exit 2 ;;
    esac
fi

target=${CARGO_TARGET_DIR:-target}
race=${RACE_DIR:-$target/race}
# Quick looks do not replace the corpora or the result of the whole race.
folder=$race
[ "$scale" = 1 ] || folder=$race/scale-$scale
mkdir -p "$folder"
samples=$folder/samples${only:+-$only}.tsv
result_file=$folder/result${only:+-$only}.tsv
scratch=$folder/scratch
phonehome=$target/release/phonehome

build() {
    command -v cc >/dev/null || { echo "race: no C compiler; install gcc" >&2; exit 2; }
    cc -O2 -o "$race/measure" benches/race/measure.c
    cc -O2 -o "$race/empty_loop" benches/race/empty_loop.c -lpcap || {
        echo "race: P needs libpcap with its headers; install libpcap-dev" >&2
        exit 2
    }
    cargo build --quiet --release
}

# Makes a corpus unless the one there was made by this very generator.
corpus() {
    local name=$1 file=$folder/$1.pcap about=$folder/$1.about made
    made=$(cat benches/race/*.rs benches/race/iot/*.rs | cksum)
    if [ ! -e "$file" ] || [ "$(head -n 1 "$about" 2>/dev/null)" != "$made" ]; then
        echo "race: making $file" >&2
        { echo "$made"; cargo bench --quiet --bench corpus -- "$name" "$file" --scale "$scale"; } >"$about.part"
        mv "$about.part" "$about"
    fi
    # Into the page cache: the disk is not in the race. And P must see what was written.
    cat "$file" >/dev/null
    [ "$("$race/empty_loop" "$file")" = "$(about "$name" packets)" ] || {
        echo "race: $file is not what its generator wrote; delete it" >&2
        exit 2
    }
}

# A word that the generator said about a corpus.
about() {
    awk -v word="$2" 'NR == 2 { for (i = 1; i < NF; i++) if ($i == word) print $(i + 1) }' "$folder/$1.about"
}

# The words of a command line, placeholders filled in, into the array `words`.
fill() {
    local file=$2 word
    words=()
    for word in $1; do
        word=${word/#PHONEHOME/$phonehome}
        word=${word/#SCRATCH/$scratch}
        [ "$word" != FILE ] || word=$file
        words+=("$word")
    done
}

measure() {
    rm -rf "$scratch"
    mkdir -p "$scratch"
    MEASURE_SILENT=1 "$race/measure" "$limit_s" "$limit_mib" "$@"
}

# Why a command cannot run here, or nothing.
obstacle() {
    local label=$1 command=$2
    set -- $command
    if [ "$1" = PHONEHOME ]; then
        local option
        for option in "$@"; do
            case "$option" in
                --*) "$phonehome" analyze --help | grep -q -e "$option" || { echo "no option $option"; return; } ;;
            esac
        done
    elif [ "$ours" = yes ]; then
        echo "left out"
    elif ! command -v "$1" >/dev/null; then
        echo "not installed"
    fi
}

# tshark on its part of the packets: start-up once, the rest times the number of parts.
measure_tshark() {
    local packets=$1
    shift
    local one part
    one=$(measure "$@" -c 1)
    part=$(measure "$@" -c $((packets / tshark_part)))
    echo "$one $part" | awk -v parts="$tshark_part" '{
        printf "%.4f %.4f %d %d\n", $1 + ($5 - $1) * parts, $2 + ($6 - $2) * parts, $7, $8 }'
}

race_round() {
    local round=$1 name=$2 file=$folder/$2.pcap entry label where command result
    echo "race: round $round of $rounds: $name" >&2
    # What needs much memory has driven it out of the page cache since the round before, and P, which
    # comes first, would pay for reading it again.
    cat "$file" >/dev/null
    # P first in each round: ratios are of neighbours in time, on a machine that is not quiet.
    result=$(measure "$race/empty_loop" "$file")
    printf '%s\t%s\tP\t%s\n' "$round" "$name" "${result// /$'\t'}" >>"$samples"
    for entry in "${entries[@]}"; do
        IFS='|' read -r label where command <<<"$entry"
        case " $where " in *" $name "*) ;; *) continue ;; esac
        [ -z "${obstacles[$label]}" ] || continue
        fill "$command" "$file"
        if [ "$label" = tshark ]; then
            result=$(measure_tshark "$(about "$name" packets)" "${words[@]}")
        else
            result=$(measure "${words[@]}")
            # Findings (1) and coverage that is not complete (3) are results.
            case "$command" in PHONEHOME*) result=${result/% [13]/ 0} ;; esac
        fi
        printf '%s\t%s\t%s\t%s\n' "$round" "$name" "$label" "${result// /$'\t'}" >>"$samples"
    done
}

build
for name in $corpora; do corpus "$name"; done

declare -A obstacles
for entry in "${commands[@]}"; do
    IFS='|' read -r label _ command <<<"$entry"
    obstacles[$label]=$(obstacle "$label" "$command")
    [ -z "${obstacles[$label]}" ] || echo "race: $label: ${obstacles[$label]}" >&2
done

: >"$samples"
for ((round = 1; round <= rounds; round++)); do
    # Every other round backwards, so that who runs behind whom does not decide.
    entries=()
    for entry in "${commands[@]}"; do
        if ((round % 2)); then entries+=("$entry"); else entries=("$entry" "${entries[@]}"); fi
    done
    for name in $corpora; do race_round "$round" "$name"; done
done
rm -rf "$scratch"

{
    for entry in "${targets[@]}"; do
        [ -z "$only" ] || [ "${entry%%|*}" = "$only" ] || continue
        echo "target|$entry"
    done
    for name in $corpora; do echo "live|$name|$(about "$name" live)"; done
} >"$scratch.targets"
echo "race: $(uname -sm), $(nproc) processors, $(date -u +%F), scale $scale, $rounds rounds"
awk -F "\t" -f benches/race/table.awk -v tsv="$result_file" "$scratch.targets" "$samples" || exit_code=$?
rm -f "$scratch.targets"
exit "${exit_code:-0}"
