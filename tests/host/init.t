#!/bin/sh
# SPDX-License-Identifier: MIT
# init.t - what the log says where the first program ends by a fault: why, and what was mapped.
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
printf '.globl _start\n_start: movq $0, 0x123000\n' >"$work/init.S"
printf 'dir /sbin 0755\ndir /boxwork 0700\ndir /dev 0755\ndir /proc 0755\nfile /sbin/init 0755 %s\n' "$work/init" >"$work/list"
gcc -nostdlib -static -s -Wl,--build-id=none "$work/init.S" -o "$work/init" &&
    build/host/mkcpio "$work/init.cpio" "$work/list" || exit 1
timeout 120 build/host/boxwork run --kernel build/debug/boxwork.elf --archive "$work/init.cpio" --log "$work/log" -- /sbin/init \
    >/dev/null 2>&1
echo "$?" >"$work/code"
number=0
shows() {
    number=$((number + 1))
    if grep -q "$2" "$3"; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        sed 's/^/# /' "$3"
    fi
}
shows 'the launcher says that Boxwork failed' '^125$' "$work/code"
shows 'the log says why init ended' 'init ended: -11, segfault: write to unmapped address at 0x123000 (ip 0x' "$work/log"
shows 'and names its memory' 'memory of process 1 (init):' "$work/log"
shows 'its program among it' '0000000000401000-0000000000402000 r-xp' "$work/log"
echo "1..$number"
