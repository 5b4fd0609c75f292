#!/bin/sh
# SPDX-License-Identifier: MIT
# debug.t - `make debug`: gdb's commands show what the kernel holds.
cd "$(dirname "$0")/../.." || exit 1
out=$(timeout 60 tools/debug.sh init=/bin/sh -- -batch -ex 'hbreak tty_poll' -ex continue -ex bw-boxes -ex bw-ps \
    -ex bw-threads -ex 'bw-regions 1' -ex bw-log 2>&1)
number=0
shows() {
    number=$((number + 1))
    if printf '%s\n' "$out" | grep -q "$2"; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        printf '%s\n' "$out" | sed 's/^/# /'
    fi
}
shows 'bw-boxes prints the outermost box' '^box 0 at 0x.*living 1'
shows 'bw-ps prints its head' '^    1 running .* sh '
shows 'bw-threads prints the thread and where it waits' '^    1/1 .*runnable'
shows 'bw-regions prints the address space' '^[0-9a-f]*-[0-9a-f]* r-xp'
shows 'bw-log prints the log' 'boxwork: .* MiB by pvh'
echo "1..$number"
