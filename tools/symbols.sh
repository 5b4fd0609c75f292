#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh - makes the kernel's table of functions, in assembly, from a kernel linked without one.
#
# Usage: symbols.sh KERNEL >SYMBOLS.S
# The table lies after all code, so the second link, with it, moves no function.
set -eu
export LC_ALL=C

"${NM:-nm}" -n --defined-only "$1" | awk '
    BEGIN { count = 0; at = 0 }
    # Functions of the image: addresses at -2 GiB, in sorted order; one name an address.
    ($2 == "T" || $2 == "t") && substr($1, 1, 8) == "ffffffff" && $1 != last && $3 !~ /^image_/ {
        last = $1
        offset[count] = substr($1, 9)
        name[count++] = $3
    }
    END {
        print "    .section .symbols, \"a\"\n    .balign 8"
        for (i = 0; i < count; i++) {
            # The image lies at 0xffffffff80000000: the offset is the low half without its top bit.
            first = index("89abcdef", substr(offset[i], 1, 1)) - 1
            printf "    .long 0x%x%s, %d\n", first, substr(offset[i], 2), at
            at += length(name[i]) + 1
        }
        print "    .section .symbol_names, \"a\""
        for (i = 0; i < count; i++)
            printf "    .asciz \"%s\"\n", name[i]
    }'
