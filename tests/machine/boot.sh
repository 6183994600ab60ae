#!/bin/bash
# What must not be tried on the machine one works at: the wall clock is set, the machine sleeps, two
# radios are a network. Boots a small machine of its own (qemu; no KVM is needed) with a kernel of
# Debian, the program and a few others, nothing of the disk, and runs inside.sh in it.
#
# boot.sh PROGRAM. The kernel: a folder with boot/vmlinuz-* and lib/modules/*, as `dpkg -x` of the
# package linux-image-amd64's dependency makes it, in PHONEHOME_KERNEL; else that of this machine.
# Says "skipped" where something is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
root=${PHONEHOME_KERNEL:-/}
skip() { echo "skipped: $1"; exit 0; }

programs="bash modprobe ip rtcwake tcpreplay hostapd wpa_supplicant iw dnsmasq nft setcap"
for name in qemu-system-x86_64 busybox cpio depmod $programs; do
    command -v "$name" > /dev/null || skip "no $name"
done
# Debian's package busybox has no su and needs libraries; busybox-static has it and needs none.
busybox --list | grep -qx su || skip "no su in busybox: the package busybox-static has it"
kernel=$(ls "$root"/boot/vmlinuz-*-amd64 2> /dev/null | sort -V | tail -1 || true)
[ -n "$kernel" ] || skip "no kernel of Debian; see PHONEHOME_KERNEL in tests/machine/boot.sh"
release=${kernel##*/vmlinuz-}
modules="$root/lib/modules/$release"
[ -f "$modules/modules.builtin" ] || skip "no modules of kernel $release"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
inside="$work/root"
mkdir -p "$inside"/{bin,proc,sys,dev,tmp,run,root,etc,var/empty,var/lib/misc} "$inside/lib/modules/$release/kernel"
cp "$(command -v busybox)" "$inside/bin/busybox"
for name in $programs "$program"; do
    path=$(realpath "$(command -v "$name")")
    cp "$path" "$inside/bin/$(basename "$name")"
    { ldd "$path" || true; } | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$inside$(dirname "$library")"
        cp -L "$library" "$inside$library"
    done
done
# Who a user is that is not root, and what hostapd asks for.
printf 'root:x:0:0::/root:/bin/sh\nlab:x:1000:1000::/tmp:/bin/sh\n' > "$inside/etc/passwd"
printf 'root:x:0:\nlab:x:1000:\n' > "$inside/etc/group"
strip "$inside/bin/$(basename "$program")" 2> /dev/null || true
mv "$inside/bin/$(basename "$program")" "$inside/bin/phonehome" 2> /dev/null || true
for part in net crypto lib arch/x86/crypto drivers/virtio drivers/net/veth.ko drivers/net/wireless/mac80211_hwsim.ko; do
    mkdir -p "$inside/lib/modules/$release/kernel/$(dirname "$part")"
    cp -r "$modules/kernel/$part" "$inside/lib/modules/$release/kernel/$(dirname "$part")/"
done
cp "$modules"/modules.{builtin,builtin.modinfo,order} "$inside/lib/modules/$release/"
depmod -b "$inside" "$release"
cp "$here/inside.sh" "$inside/init"
cp "$here/../../captures/meter.pcap" "$inside/root/"
chmod +x "$inside/init"
(cd "$inside" && find . | cpio --quiet -o -H newc | gzip -1) > "$work/initrd"

said="$work/said"
timeout "${PHONEHOME_MACHINE_SECONDS:-600}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 1536 \
    -smp 2 -nographic -no-reboot -net none -kernel "$kernel" -initrd "$work/initrd" \
    -append "console=ttyS0 panic=-1 quiet" | tr -d '\r' | tee "$said" || true
! grep -q '^FAILED' "$said" && grep -q '^all was tried' "$said"
