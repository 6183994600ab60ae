#!/bin/sh
# What the DHCP client calls (busybox udhcpc, or dhclient with its new_* names).
case ${1:-$reason} in
bound | renew | BOUND | RENEW | REBIND)
    ip addr replace "${ip:-$new_ip_address}/24" dev "$interface"
    ip route replace default via "${router:-$new_routers}"
    : >/etc/resolv.conf
    for server in ${dns:-$new_domain_name_servers}; do
        echo "nameserver $server" >>/etc/resolv.conf
    done
    ;;
esac
exit 0
