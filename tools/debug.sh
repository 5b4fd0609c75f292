#!/bin/sh
# SPDX-License-Identifier: MIT
# debug.sh - starts the test kernel in QEMU, stopped, and gdb on it with the commands of tools/gdb/boxwork.py.
#
# usage: tools/debug.sh [KERNEL-OPTIONS] [-- GDB-ARGUMENTS...]   The console goes to build/debug/console.
set -eu

options=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    options="$options $1"
    shift
done
[ $# -eq 0 ] || shift
directory=$(mktemp -d)
machine=
trap '[ -z "$machine" ] || kill "$machine" 2>/dev/null; rm -rf "$directory"' EXIT
qemu-system-x86_64 -M microvm,acpi=on -accel tcg -cpu max -smp "${CPUS:-2}" -m 256 -nodefaults -no-reboot -display none \
    -kernel build/debug/boxwork.elf -initrd build/boot.cpio -append "loglevel=7$options" \
    -device isa-debug-exit,iobase=0xf4,iosize=4 -serial file:build/debug/console \
    -chardev "socket,id=gdb,path=$directory/gdb,server=on,wait=off" -gdb chardev:gdb -S </dev/null &
machine=$!
while [ ! -S "$directory/gdb" ]; do
    kill -0 "$machine" || exit 1
    sleep 0.05
done
gdb -q build/debug/boxwork.full -x tools/gdb/boxwork.py -ex "target remote $directory/gdb" "$@"
