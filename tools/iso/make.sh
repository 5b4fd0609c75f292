#!/bin/sh
# SPDX-License-Identifier: MIT
# make.sh - makes a bootable image from a kernel, a boot archive and, if given, a further archive with a job for init.
#
# usage: tools/iso/make.sh IMAGE KERNEL ARCHIVE [JOB]
set -eu

image=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
mkdir -p "$tree/boot/grub"
cp "$2" "$tree/boot/boxwork.elf"
cp "$3" "$tree/boot/boot.cpio"
[ $# -lt 4 ] || cp "$4" "$tree/boot/job.cpio"
cp "$(dirname "$0")/grub.cfg" "$tree/boot/grub/grub.cfg"
grub-mkrescue --compress=xz --fonts= --locales= --themes= -o "$image.part" "$tree" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
}
mv "$image.part" "$image"
