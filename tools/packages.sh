# Installs Debian packages where they are missing and this may; says so where not.
# Usage: . tools/packages.sh; packages WHY NAME...
packages() {
    why=$1
    shift
    if ! command -v apt-get >/dev/null; then
        echo "phonehome: install $* by hand: $why" >&2
        return 1
    fi
    if [ "$(id -u)" = 0 ]; then
        root=""
    elif command -v sudo >/dev/null; then
        root="sudo -E"
    else
        echo "phonehome: as root, run \`apt-get install $*\`: $why" >&2
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    $root apt-get update -qq
    $root apt-get install -y -qq --no-install-recommends "$@" >/dev/null && return
    # A name that this distribution does not have keeps no other out.
    failed=0
    for package in "$@"; do
        $root apt-get install -y -qq --no-install-recommends "$package" >/dev/null || failed=1
    done
    return $failed
}

# libpcap with its headers: capture from interfaces is linked against it.
libpcap() {
    for folder in /usr/include /usr/local/include /opt/homebrew/include; do
        [ -e "$folder/pcap/pcap.h" ] && return 0
    done
    packages "capture from interfaces needs it (or build with --no-default-features, without capture)" libpcap-dev
}
