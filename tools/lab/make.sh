#!/bin/bash
# Makes captures/ anew. Root on Debian or Ubuntu; about fifteen minutes; touches no real network.
#   tools/lab/make.sh [NAME]…   as in $all and $of_checks
# LAB_WORK names the work directory (kept); without it a temporary one is used and removed.
set -eu
lab=$(cd "$(dirname "$0")" && pwd)
captures=$(cd "$lab/../.." && pwd)/captures
if [ -n "${LAB_WORK:-}" ]; then
    work=$LAB_WORK
    mkdir -p "$work"
    keep=yes
else
    work=$(mktemp -d)
    keep=no
fi
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1

. "$lab/packages.sh"
. "$lab/network.sh"
. "$lab/certificates.sh"
. "$lab/servers.sh"
. "$lab/servers_of_checks.sh"
. "$lab/record.sh"
. "$lab/scenarios/common.sh"

finish() {
    network_down
    [ $keep = yes ] || rm -rf "$work"
}

packages_install
network_down # of a run that was cut off
trap finish EXIT
mkdir -p "$work/log"
network_up
certificates_make
servers_up
servers_of_checks_up

all="camera meter sensor gateway"
of_checks="recorder plug thermostat display doorbell station week decoy"
for capture in ${@:-$all $of_checks}; do
    record "$capture"
    case " $of_checks " in
    *" $capture "*) folder=$captures/checks ;;
    *) folder=$captures ;;
    esac
    "$lab/publish.sh" "$capture" "$work/$capture.raw.pcapng" "$folder"
done
