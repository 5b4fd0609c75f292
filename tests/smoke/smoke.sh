#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# smoke.sh - over a hundred facts about programs, files and processes, as a shell sees them. Prints TAP.
#
# It runs on every machine that Boxwork boots on (tests/smoke/run), and on any Linux with busybox:
# what it expects is what Linux does. Facts about boxes alone are in tests/vm.

number=0
failed=0
work=${TMPDIR:-/tmp}/smoke.$$
mkdir "$work" || exit 125
cd "$work" || exit 125

# verdict FACT WANTED GOT
verdict() {
    number=$((number + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $number - $1"
    else
        failed=$((failed + 1))
        echo "not ok $number - $1"
        printf '%s\n' "$2" | sed 's/^/# wanted: /'
        printf '%s\n' "$3" | sed 's/^/# got:    /'
    fi
}

# gives FACT WANTED COMMAND...: the command's standard output
gives() {
    fact=$1 wanted=$2
    shift 2
    verdict "$fact" "$wanted" "$("$@" 2>&1)"
}

# shell FACT WANTED SCRIPT: what a shell of its own prints
shell() { gives "$1" "$2" sh -c "$3"; }

# exits FACT CODE SCRIPT
exits() {
    sh -c "$3" >/dev/null 2>&1
    verdict "$1" "$2" "$?"
}

# --- programs and exit codes ---
gives 'echo prints its arguments' 'a b c' echo a b c
exits 'true exits 0' 0 true
exits 'false exits 1' 1 false
exits 'an exit code comes through' 42 'exit 42'
exits 'an exit code is taken modulo 256' 1 'exit 257'
exits 'a missing program is 127' 127 '/nonexistent/program'
exits 'a file that cannot be executed is 126' 126 ': > plain; ./plain'
exits 'a directory cannot be executed' 126 '/tmp'
exits 'a program ended by a signal is 128+N' 143 'sh -c "kill -TERM \$\$"'
exits 'SIGKILL cannot be caught' 137 'sh -c "trap : KILL 2>/dev/null; kill -KILL \$\$"'
shell 'a script runs by its first line' 'hello from a script' \
    'printf "#!/bin/sh\necho hello from a script\n" > s; chmod +x s; ./s'
shell 'a script gets its name and arguments' './s2 x y' \
    'printf "#!/bin/sh\necho \$0 \$1 \$2\n" > s2; chmod +x s2; ./s2 x y'
shell 'a script with an argument in its first line' 'v' \
    'printf "#!/bin/busybox echo\n" > s3; chmod +x s3; ./s3 v | sed "s/.* //"'
shell 'the environment is handed over' 'value' 'VARIABLE=value sh -c "echo \$VARIABLE"'
shell 'env -i clears it' '' 'env -i /bin/busybox env'
shell 'exec replaces the shell' 'one' 'exec echo one; echo two'
shell 'command substitution nests' 'inner' 'echo $(echo $(echo inner))'
shell 'arithmetic is 64 bits wide' '9223372036854775807' 'echo $((9223372036854775807))'
shell 'a large argument list arrives' '20000' 'set -- $(seq 20000); echo $#'
shell 'a large argument reaches a program' '100001' \
    'x=$(head -c 100000 /dev/zero | tr "\0" x); /bin/busybox echo $x | wc -c'

# --- pipes and redirection ---
shell 'a pipe carries bytes' '3' 'printf "a\nb\nc\n" | wc -l'
shell 'a long pipeline ends' '1000' 'seq 1000 | cat | cat | cat | cat | cat | wc -l'
shell 'a pipe carries a megabyte' '1048576' 'head -c 1048576 /dev/zero | wc -c'
shell 'a pipe keeps bytes exact' 'same' \
    'head -c 300000 /dev/urandom > r; cat r | cat | cmp - r && echo same'
shell 'a reader that leaves ends its writer' '1' 'yes 1 | head -n 1'
shell 'the exit code of a pipeline is the last' '3' 'true | sh -c "exit 3"; echo $?'
shell 'output goes to a file' 'text' 'echo text > f; cat f'
shell 'appending keeps what was there' 'a
b' 'echo a > f; echo b >> f; cat f'
shell 'input comes from a file' '2' 'printf "x\ny\n" > f; wc -l < f'
shell 'standard error is a stream of its own' 'out' 'sh -c "echo out; echo err >&2" 2>/dev/null'
shell '2>&1 joins them' '2' 'sh -c "echo out; echo err >&2" 2>&1 | wc -l'
shell 'a here document is read' 'line' 'cat <<X
line
X'
shell 'file descriptors above 2 work' 'seven' 'exec 7> f; echo seven >&7; exec 7>&-; cat f'
shell 'a closed descriptor cannot be written' 'no' '{ echo x >&9; } 2>/dev/null && echo yes || echo no'
shell 'read and write on one descriptor' 'abc' 'echo abc > f; exec 3<> f; read x <&3; echo $x'
shell 'a FIFO connects two processes' 'through' 'mkfifo p; echo through > p & cat p'
shell 'tee writes both ways' 'x
x' 'echo x | tee t; cat t'
shell 'xargs builds commands' '1 2
3' 'echo 1 2 3 | xargs -n 2 echo'
shell 'noclobber refuses to overwrite' 'kept' 'echo kept > k; set -C; { echo new > k; } 2>/dev/null; cat k'

# --- files ---
shell 'a file has its size' '5' 'printf 12345 > f; stat -c %s f'
shell 'an empty file has size 0' '0' ': > e; stat -c %s e'
shell 'modes are stored' '640' ': > m; chmod 640 m; stat -c %a m'
shell 'umask takes bits away' '600' 'umask 077; : > u; stat -c %a u'
shell 'a directory is one' 'directory' 'mkdir d1; stat -c %F d1'
shell 'mkdir -p makes all of them' 'x' 'mkdir -p a/b/c/d; echo x > a/b/c/d/f; cat a/b/c/d/f'
shell 'an existing directory is an error' '1' 'mkdir twice; mkdir twice 2>/dev/null; echo $?'
shell 'a directory that is not empty stays' 'still' 'mkdir full; : > full/f; rmdir full 2>/dev/null || echo still'
shell 'rm -r removes a tree' 'gone' 'mkdir -p rt/u/v; : > rt/u/f; rm -r rt; [ -e rt ] || echo gone'
shell 'a symlink leads to its target' 'content' 'echo content > target; ln -s target link; cat link'
shell 'readlink shows it' 'target' 'ln -s target l2; readlink l2'
shell 'a dangling symlink is no file' 'no' 'ln -s nowhere dang; [ -e dang ] || echo no'
shell 'a loop of symlinks is an error' 'loop' 'ln -s l4 l3; ln -s l3 l4; cat l3 2>/dev/null || echo loop'
shell 'a symlink may lead up' 'up' 'mkdir dd; echo up > upf; ln -s ../upf dd/l; cat dd/l'
shell 'a hard link is the same file' '2' 'echo x > h1; ln h1 h2; stat -c %h h1'
shell 'a hard link keeps content' 'x' 'echo x > h3; ln h3 h4; rm h3; cat h4'
shell 'rename moves' 'moved' 'echo moved > from; mv from to; cat to'
shell 'rename replaces' 'new' 'echo old > r1; echo new > r2; mv r2 r1; cat r1'
shell 'rename moves a directory' 'in' 'mkdir md; echo in > md/f; mv md md2; cat md2/f'
shell 'a directory cannot move into itself' '1' 'mkdir self; mv self self/x 2>/dev/null; echo $?'
shell 'names may be 255 bytes long' '255' 'n=$(head -c 255 /dev/zero | tr "\0" n); : > $n; ls | grep -c . >/dev/null; ls $n | tr -d "\n" | wc -c'
shell 'and not 256' 'too long' 'touch $(head -c 256 /dev/zero | tr "\0" n) 2>/dev/null || echo too long'
shell 'names may have blanks and newlines' '1' 'mkdir odd; : > "odd/a b
c"; set -- odd/*; echo $#'
shell 'a thousand files are listed' '1000' 'mkdir many; cd many; for i in $(seq 1000); do : > f$i; done; ls | wc -l'
shell 'and removed' '0' 'cd many; rm f*; ls | wc -l'
shell 'a removed file that is open stays readable' 'alive' 'echo alive > o; exec 3< o; rm o; cat <&3'
shell 'truncate shortens' '3' 'printf 123456 > tr; truncate -s 3 tr; stat -c %s tr'
shell 'truncate lengthens with zeros' '000' 'printf "" > tz; truncate -s 3 tz; od -An -v -tx1 tz | tr -d " \n" | cut -c4-'
shell 'a hole reads as zeros' '0' 'truncate -s 100000 hole; tr -d "\0" < hole | wc -c'
shell 'dd seeks' 'abXYef' 'printf abcdef > s; printf XY | dd of=s bs=1 seek=2 conv=notrunc 2>/dev/null; cat s'
shell 'times can be set' '2001-02-03' 'touch -d "2001-02-03 04:05:06" ti; stat -c %y ti | cut -c1-10'
shell 'newer is newer' 'yes' 'touch -d "2001-01-01 00:00:00" old; touch new; [ new -nt old ] && echo yes'
shell 'pwd is where cd went' "$work/wd/x" 'mkdir -p wd/x; cd wd/x; pwd -P'
shell 'cd .. goes up' "$work" 'cd wd/x/../..; pwd -P'
shell 'a missing directory is an error' '2' 'cd /nonexistent 2>/dev/null; [ $? -ne 0 ] && echo 2'
shell 'a file is no directory' 'not' ': > nf; cd nf 2>/dev/null || echo not'
shell 'cp copies content and mode' '755 x' 'echo x > c1; chmod 755 c1; cp -p c1 c2; echo $(stat -c %a c2) $(cat c2)'
shell 'cp -r copies trees' 'deep' 'mkdir -p ct/a; echo deep > ct/a/f; cp -r ct ct2; cat ct2/a/f'
shell 'find walks' '3' 'mkdir -p fw/a/b; : > fw/1; : > fw/a/2; : > fw/a/b/3; find fw -type f | wc -l'
shell 'tar packs and unpacks' 'packed' 'mkdir tp; echo packed > tp/f; tar cf t.tar tp; rm -r tp; tar xf t.tar; cat tp/f'
shell 'gzip and back' 'same' 'seq 5000 > g; gzip -c g | gunzip -c | cmp - g && echo same'
shell 'sha256sum of nothing' 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' \
    'sha256sum < /dev/null | cut -d" " -f1'
shell 'sort sorts ten thousand lines' 'ok' 'seq 10000 | sort -r | sort -n | cmp - /dev/fd/3 3<<X && echo ok
$(seq 10000)
X'
shell 'awk computes' '5050' 'seq 100 | awk "{ s += \$1 } END { print s }"'
shell 'sed edits in place' 'b' 'echo a > se; sed -i s/a/b/ se; cat se'
shell 'grep finds among many' '1' 'seq 100000 | grep -c "^77777$"'

# --- devices ---
shell '/dev/null swallows' '0' 'echo x > /dev/null; cat /dev/null | wc -c'
shell '/dev/zero gives zeros' '0000' 'head -c 2 /dev/zero | od -An -tx1 | tr -d " \n"'
shell '/dev/full is full' 'full' '{ echo x > /dev/full; } 2>/dev/null || echo full'
shell '/dev/urandom differs' 'differ' 'a=$(head -c 16 /dev/urandom | od -An -tx1); b=$(head -c 16 /dev/urandom | od -An -tx1); [ "$a" != "$b" ] && echo differ'
shell '/dev/fd names open files' 'via' 'echo via | cat /dev/fd/0'

# --- processes and signals ---
shell 'background jobs are waited for' 'done' '(sleep 0.1; echo done > bg) & wait; cat bg'
shell 'wait gives the exit code' '9' 'sh -c "exit 9" & wait $!; echo $?'
shell 'a trap runs' 'trapped' 'trap "echo trapped" USR1; kill -USR1 $$; :'
shell 'a trap on exit runs' 'bye' 'trap "echo bye" EXIT; exit 0'
shell 'an ignored signal is ignored' 'alive' 'trap "" TERM; kill -TERM $$; echo alive'
shell 'ignoring is inherited' 'alive' 'trap "" TERM; sh -c "kill -TERM \$\$; echo alive"'
shell 'a stopped process continues' 'over' 'sleep 0.2 & p=$!; kill -STOP $p; kill -CONT $p; wait $p; echo over'
shell 'kill -0 asks whether it lives' 'yes no' 'sleep 5 & p=$!; kill -0 $p && printf "yes "; kill $p; wait $p 2>/dev/null; kill -0 $p 2>/dev/null || echo no'
shell 'a hundred children are reaped' '100' 'n=0; p=; for i in $(seq 100); do sh -c "exit $i" & p="$p $!"; done; for i in $p; do wait $i; n=$((n + ($? == n + 1))); done; echo $n'
shell 'timeout ends a program' '143' '{ timeout 0.2 sleep 10; } 2>/dev/null; echo $?'
shell 'sleep sleeps' 'yes' 'a=$(date +%s); sleep 1.1; b=$(date +%s); [ $((b - a)) -ge 1 ] && echo yes'
shell 'ps shows the shell' 'yes' 'ps | grep -q "sh" && echo yes'
shell 'a program may run under another name' 'as named' 'ln -s /bin/busybox echo; ./echo as named'
shell '/proc/self is oneself' 'yes' '[ "$(sh -c "echo \$\$; exec readlink /proc/self" | uniq | wc -l)" = 1 ] && echo yes'
shell '/proc/PID/cmdline has the arguments' 'cat /proc/self/cmdline ' 'cat /proc/self/cmdline | tr "\0" " " | sed "s,^.*cat ,cat ,"'
shell '/proc/PID/cwd is where it is' "$work" 'readlink /proc/self/cwd || cat /proc/self/cwd'
shell '/proc/PID/fd lists descriptors' 'yes' '[ "$(ls /proc/self/fd | wc -l)" -ge 3 ] && echo yes'
shell '/proc/PID/maps shows the program' 'yes' 'grep -q busybox /proc/self/maps && echo yes'
shell '/proc/PID/stat begins with the number' 'yes' 'read n rest < /proc/self/stat; [ "$n" -gt 0 ] && echo yes'
shell '/proc/meminfo has a total' 'yes' 'grep -q "^MemTotal: *[1-9]" /proc/meminfo && echo yes'
shell '/proc/uptime moves' 'yes' 'read a x < /proc/uptime; sleep 0.1; read b x < /proc/uptime; [ "$a" != "$b" ] && echo yes'
shell 'date is past the year 2020' 'yes' '[ "$(date +%Y)" -gt 2020 ] && echo yes'
shell 'uname names the machine' 'x86_64' 'uname -m'
shell 'id is root' '0' 'id -u'

# Where memory above 4 GiB was given, a program's pages must be there: more of them than the scraps below that firmware leaves.
if [ "${SMOKE_HIGH:-}" = yes ]; then
    shell 'programs use memory above 4 GiB' 'yes' \
        'dd if=/dev/zero of=/dev/null bs=256M count=1 2>/dev/null; echo user-above 4294967296 >/dev/ledger && echo yes'
fi

cd / && rm -rf "$work"
verdict 'the work directory can be removed' 'gone' "$([ -e "$work" ] || echo gone)"
echo "1..$number"
[ "$failed" -eq 0 ]
