#!/bin/bash
# What telnetd starts in place of login(1): asks, lets everyone in, knows three commands.
printf 'lab service host\r\n'
read -r -p 'login: ' user
read -r -s -p 'Password: '
printf '\r\nWelcome, %s\r\n' "$user"
while read -r -p 'service> ' line; do
    case $line in
    status) printf 'jobs waiting: 0\r\n' ;;
    fetch\ *) printf 'nothing to fetch\r\n' ;;
    exit) exit 0 ;;
    *) printf 'unknown command\r\n' ;;
    esac
done
