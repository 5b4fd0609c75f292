#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh - checks for the commands that building and testing need; on Debian, as root, installs the packages that are missing.
#
# usage: tools/deps.sh [GROUP]...   besides what make and make run need: what make test (test), make ci-extra (extra), make iso (iso),
# make lint and make format (lint), make debug (debug), make bench (bench), make test-programs (programs) need

set -eu

# COMMAND (or /FILE) and the Debian package that has it.
needed='gcc gcc
ld binutils
make make
perl perl
prove perl
script bsdutils
musl-gcc musl-tools
qemu-system-x86_64 qemu-system-x86
/bin/busybox busybox-static
clang clang
/usr/share/qemu/bios-microvm.bin qemu-system-data
/usr/share/seabios/bios-256k.bin seabios
/usr/include/stdio.h libc6-dev'
iso='grub-mkrescue grub-common
/usr/lib/grub/i386-pc/moddep.lst grub-pc-bin
/usr/lib/grub/x86_64-efi/moddep.lst grub-efi-amd64-bin
xorriso xorriso
mformat mtools'
extra="$iso
/usr/share/ovmf/OVMF.fd ovmf
spin spin"
lint='clang-tidy clang-tidy
clang-format clang-format
cppcheck cppcheck
git git'
debug='gdb gdb'
test="$debug
groff groff-base"
bench='gnuplot gnuplot-nox
git git'
programs='dpkg-source dpkg-dev
unshare util-linux
/lib/ld-musl-x86_64.so.1 musl'
for group; do
    case $group in
    extra) needed="$needed
$extra" ;;
    iso) needed="$needed
$iso" ;;
    lint) needed="$needed
$lint" ;;
    debug) needed="$needed
$debug" ;;
    test) needed="$needed
$test" ;;
    bench) needed="$needed
$bench" ;;
    programs) needed="$needed
$programs" ;;
    *)
        echo "deps.sh: no group $group" >&2
        exit 1
        ;;
    esac
done

has() {
    case $1 in
    /bin/busybox) [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 ;;
    /*) [ -e "$1" ] ;;
    clang) has_clang ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

# The sanitizers' libraries are a package of their own, named after clang's version.
has_clang() {
    command -v clang >/dev/null &&
        [ -n "$(ls "$(clang -print-resource-dir)"/lib/linux/libclang_rt.asan-x86_64.a 2>/dev/null)" ]
}

missing() {
    echo "$needed" | while read -r what package; do
        has "$what" || echo "$package"
    done | sort -u
}

packages=$(missing)
[ -n "$packages" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "deps: missing; as root: apt-get install --no-install-recommends $(echo "$packages" | xargs)" >&2
    exit 1
fi
echo "deps: installing $(echo "$packages" | xargs)" >&2
apt-get update -qq >/dev/null || echo 'deps: apt-get update failed; trying with what is known' >&2
# shellcheck disable=SC2086 # one word a package
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
case " $(echo "$packages" | xargs) " in
*' clang '*)
    version=$(clang -dumpversion | cut -d. -f1)
    has_clang || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "libclang-rt-$version-dev" >/dev/null
    ;;
esac
packages=$(missing)
[ -z "$packages" ] || { echo "deps: still missing: $(echo "$packages" | xargs)" >&2; exit 1; }
