#!/bin/sh
# SPDX-License-Identifier: MIT
# inside.sh PART [ARGUMENT]: what tests/programs/compare runs in the VM and on Linux. Of a suite it prints
# lines "PASS: NAME", "FAIL: NAME", of everything else a line "CASE: NAME" and then what the program said.

P=/programs

# --- The test suite of busybox ---

unpack_busybox() {
    cd /tmp && tar xf $P/busybox.tar && cd busybox || exit 1
}

applet() {
    unpack_busybox
    cd testsuite || exit 1
    ./runtest -v "$1" 2>&1
}

# run-all says "DIRECTORY/NAME.tests: ok" or "fail", and leaves the difference in a file.
ash() {
    unpack_busybox
    cd shell/ash_test || exit 1
    ./run-all "$1" 2>/dev/null >all
    while IFS=: read -r name verdict; do
        case $verdict in
        ' ok') echo "PASS: $name" ;;
        *) cat "$1-${name##*/}.fail" 2>/dev/null; echo "FAIL: $name" ;;
        esac
    done <all
}

# --- Programs ---

# run NAME COMMAND...: its output and how it ended.
run() {
    echo "CASE: $1"
    shift
    "$@" 2>&1
    echo "exit code $?"
}

lua() {
    mkdir -p /tmp/lua && cd /tmp/lua || exit 1
    for script in $P/scripts/*.lua; do
        run "${script##*/}" "$P/$1" "$script"
    done
}

zlib() {
    mkdir -p /tmp/zlib && cd /tmp/zlib || exit 1
    run 'its example' $P/zlib-example /tmp/zlib/foo.gz
    run 'its test of inflate' sh -c "$P/zlib-infcover 2>&1 | sed 's/0x[0-9a-f]*/ADDRESS/g'"
    run 'minigzip there and back' sh -c "echo hello world | $P/zlib-minigzip | $P/zlib-minigzip -d"
    for level in 1 6 9; do
        run "minigzip -$level" sh -c "$P/zlib-minigzip -$level </bin/busybox | sha256sum"
        run "minigzip -$level, unpacked by gzip" \
            sh -c "$P/zlib-minigzip -$level </bin/busybox | gzip -d | cmp - /bin/busybox"
    done
    run 'minigzip unpacks what gzip packed' sh -c "gzip -c /bin/busybox | $P/zlib-minigzip -d | cmp - /bin/busybox"
    run 'minigzip on files' sh -c \
        "cp /bin/busybox b && $P/zlib-minigzip b && ls && $P/zlib-minigzip -d b.gz && ls && cmp b /bin/busybox"
}

musl() {
    cd /tmp || exit 1
    run 'a library at start' $P/musl-dynamic greet
    run 'a library by dlopen' $P/musl-dynamic dlopen $P/libgreet.so
    run 'threads' $P/musl-dynamic threads
    run 'a library that is missing' env LD_LIBRARY_PATH=/nowhere $P/musl-dynamic dlopen libnowhere.so
    run 'a symbol that is missing' $P/musl-dynamic symbol
    run 'a preloaded library' env LD_PRELOAD=$P/libgreet.so $P/musl-dynamic greet
    run 'the loader as the program' /lib/ld-musl-x86_64.so.1 $P/musl-dynamic greet
    run 'the list of libraries' sh -c "/lib/ld-musl-x86_64.so.1 --list $P/musl-dynamic | sed 's/(0x.*//'"
}

glibc() {
    cd /tmp || exit 1
    seq 1000 >numbers
    run 'sed' $P/debian/sed -n '/7$/{s/\(.\)7/<\1>7/p}' numbers
    run 'sed in place' sh -c "cp numbers n && $P/debian/sed -i 's/1/one/' n && sha256sum <n"
    run 'grep' $P/debian/grep -cE '^(1|22|[3-5]{3})' numbers
    run 'sort' sh -c "$P/debian/sort -R --random-source=/bin/busybox numbers | $P/debian/sort -n | cmp - numbers"
    run 'sort with threads and files' sh -c "$P/debian/sort --parallel=4 -S 64K -r -n numbers | sha256sum"
    run 'tar' sh -c "$P/debian/tar cf - numbers | tar tvf - | cut -c1-10"
    run 'bash: arrays, arithmetic' $P/debian/bash -c 'a=(x y z); for ((i=0;i<3;i++)); do echo "$i ${a[i]}"; done'
    run 'bash: process substitution' $P/debian/bash -c 'diff <(seq 3) <(seq 4)'
    run 'bash: pipes and jobs' $P/debian/bash -c \
        'for i in 1 2 3; do (exit $i) & p="$p $!"; done; for i in $p; do wait $i; echo $?; done'
    run 'bash: traps' $P/debian/bash -c \
        'trap "echo usr1" USR1; kill -USR1 $$; trap "echo exit" EXIT; kill -TERM $$; echo not here'
    run 'bash: a co-process' $P/debian/bash -c 'coproc cat; echo hi >&${COPROC[1]}; read -r x <&${COPROC[0]}; echo $x'
    run 'bash: here strings, read with a time limit' $P/debian/bash -c \
        'read -t 1 a b <<<"one two"; echo $b; read -t 0.1 <&1; echo $?'
    run 'perl' $P/debian/perl -e \
        'my %h; $h{$_ % 7}++ for 1..1000; print join(" ", map { "$_=$h{$_}" } sort keys %h), "\n"'
    run 'perl: fork, pipe, wait' $P/debian/perl -e \
        'pipe(R, W); if (!fork) { print W "child\n"; exit 3 } close W; print <R>; wait; print $? >> 8, "\n"'
    run 'perl: signals and alarm' $P/debian/perl -e '$SIG{ALRM} = sub { print "alarm\n"; exit 5 }; alarm 1; sleep 10'
    run 'the loader as the program' /lib64/ld-linux-x86-64.so.2 $P/debian/sed -n 3p numbers
    run 'a library that is missing' env LD_PRELOAD=/nowhere.so $P/debian/sed -n 3p numbers
}

# stress NAME OPERATIONS [SECONDS]: passes if nothing is found wrong, something was done, and nothing was
# skipped.
stress() {
    mkdir -p /tmp/stress && cd /tmp/stress || exit 1
    if $P/debian/stress-ng --verify --metrics --temp-path /tmp/stress --timeout "${3:-120}" \
        "--$1" 2 "--$1-ops" "$2" >said 2>&1 &&
        grep -q "^stress-ng: metrc: .* $1  *[1-9]" said && ! grep -q 'skipped: [1-9]\|skipping stressor' said; then
        echo "PASS: stress-ng --$1"
    else
        cat said
        echo "FAIL: stress-ng --$1"
    fi
}

"$@"
