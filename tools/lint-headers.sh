#!/bin/sh
# SPDX-License-Identifier: MIT
# lint-headers.sh - every header compiles alone and includes at most six others of ours.
#
# usage: tools/lint-headers.sh "COMPILER FLAGS" HEADER...
# Headers that only another header may include say so in their first lines ("Included by ... alone").
set -eu

flags=$1
shift
failed=0
for header; do
    count=$(grep -c '^#include "' "$header" || :)
    if [ "$count" -gt 6 ]; then
        echo "$header: includes $count headers, at most 6" >&2
        failed=1
    fi
    head -5 "$header" | grep -q 'Included by .* alone' && continue
    # shellcheck disable=SC2086 # the flags are words
    gcc $flags -fsyntax-only -include "$header" -x c /dev/null || failed=1
done
[ "$failed" -ne 0 ] || echo "lint: $# headers compile alone"
exit "$failed"
