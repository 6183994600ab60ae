# The test network. Nothing in it has a way out: no namespace owns a real device.
#
#   ph-device ──┐  (ph-twin: a second one, where a scenario needs two)
#   ph-phone  ──┼── ph-access (bridge br0, recorded here) ── ph-router ── ph-internet
#               │
# The router does not translate addresses: the bridge would not show it anyway.

namespaces="ph-device ph-twin ph-phone ph-access ph-router ph-internet"
router_mac=00:00:5e:00:53:01
phone_mac=00:00:5e:00:53:02
lan6=fd77:6c61:62:1

in_ns() { ip netns exec "ph-$1" "${@:2}"; }

# The captures must hold the checksums and segments that a wire would have carried.
no_offload() {
    in_ns "$1" ethtool -K "$2" tx off rx off tso off gso off gro off >/dev/null 2>&1
}

# namespace NAME: with a resolv.conf of its own, empty until somebody fills it
namespace() {
    ip netns add "$1"
    mkdir -p "/etc/netns/$1"
    : >"/etc/netns/$1/resolv.conf"
    ip -n "$1" link set lo up
}

# cable NS_A IF_A NS_B IF_B
cable() {
    ip -n "ph-$1" link add name "$2" type veth peer name "$4" netns "ph-$3"
    no_offload "$1" "$2"
    no_offload "$3" "$4"
}

plug_into_bridge() {
    in_ns access sysctl -qw "net.ipv6.conf.$1.disable_ipv6=1"
    ip -n ph-access link set "$1" master br0
    ip -n ph-access link set "$1" up
}

network_up() {
    for name in $namespaces; do
        namespace "$name"
    done
    echo "nameserver 192.168.77.1" >/etc/netns/ph-phone/resolv.conf

    ip -n ph-access link add name br0 type bridge mcast_snooping 0
    in_ns access sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
    ip -n ph-access link set br0 up

    cable router lan0 access router0
    plug_into_bridge router0
    in_ns router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    ip -n ph-router link set lan0 address $router_mac
    ip -n ph-router addr add 192.168.77.1/24 dev lan0
    ip -n ph-router addr add $lan6::1/64 dev lan0 nodad
    ip -n ph-router link set lan0 up

    cable router wan0 internet wan0
    ip -n ph-router addr add 198.51.100.1/30 dev wan0
    ip -n ph-router addr add 2001:db8:0:1::1/64 dev wan0 nodad
    ip -n ph-router link set wan0 up
    ip -n ph-internet addr add 198.51.100.2/30 dev wan0
    ip -n ph-internet addr add 2001:db8:0:1::2/64 dev wan0 nodad
    ip -n ph-internet link set wan0 up
    for net in 203.0.113.0/24 198.51.100.0/24; do
        ip -n ph-router route add $net via 198.51.100.2
    done
    ip -n ph-router -6 route add 2001:db8::/32 via 2001:db8:0:1::2
    ip -n ph-internet route add 192.168.77.0/24 via 198.51.100.1
    ip -n ph-internet -6 route add $lan6::/64 via 2001:db8:0:1::1
    grep -v '^#' "$lab/addresses.tsv" | cut -f1 | while read -r address; do
        case $address in
        *:*) ip -n ph-internet addr add "$address/128" dev lo nodad ;;
        *) ip -n ph-internet addr add "$address/32" dev lo ;;
        esac
    done

    cable phone eth0 access phone0
    plug_into_bridge phone0
    ip -n ph-phone link set eth0 address $phone_mac
    ip -n ph-phone addr add 192.168.77.20/24 dev eth0
    ip -n ph-phone link set eth0 up
    ip -n ph-phone route add default via 192.168.77.1
}

# device_plug MAC [NAMESPACE]: cable in, power on
device_plug() {
    local name=${2:-device}
    cable "$name" eth0 access "${name}0"
    plug_into_bridge "${name}0"
    ip -n "ph-$name" link set eth0 address "$1"
    ip -n "ph-$name" link set eth0 up
}

# end_all NS: ends what runs in a namespace of ours
end_all() {
    ip netns pids "$1" 2>/dev/null | xargs -r kill 2>/dev/null || true
    sleep 0.3
    ip netns pids "$1" 2>/dev/null | xargs -r kill -9 2>/dev/null || true
}

network_down() {
    for name in $namespaces; do
        end_all "$name"
        ip netns del "$name" 2>/dev/null || true
        rm -rf "/etc/netns/$name"
    done
    rmdir /etc/netns 2>/dev/null || true
}

# devices_unplug: whatever they still run ends, and their namespaces start afresh
devices_unplug() {
    local name
    for name in ph-device ph-twin; do
        end_all $name
        ip netns del $name
        rm -rf /etc/netns/$name
        namespace $name
    done
}
