#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# launcher.t - what ./boxwork promises to who calls it: exit codes, lines, streams, signals, records, nothing left over.
use strict;
use warnings;
use Fcntl qw(:DEFAULT);
use File::Temp qw(tempdir);
use IPC::Open3;
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Symbol qw(gensym);
use Test::More;
use Time::HiRes qw(sleep time);

my $boxwork = './build/host/boxwork';
my @debug   = ('--kernel', 'build/debug/boxwork.elf');
my $dir     = tempdir(CLEANUP => 1);

sub slurp { my ($name) = @_; open my $file, '<:raw', $name or return undef; local $/; return scalar(<$file>) // '' }

sub spew {
    my ($name, $text, $mode) = @_;
    open my $file, '>:raw', $name or die "$name: $!";
    print $file $text;
    close $file;
    chmod $mode, $name if defined $mode;
}

# run(\%options, arguments): stdin from a file (empty if none); returns exit code, standard output, standard error.
sub run {
    my $options = ref $_[0] ? shift : {};
    my ($out, $err) = ("$dir/out", "$dir/err");
    my $in = $options->{in} // '/dev/null';
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDIN,  '<', $in;
        open STDOUT, '>', $out;
        open STDERR, '>', $err;
        alarm 60;
        exec $boxwork, @_ or POSIX::_exit(99);
    }
    waitpid $pid, 0;
    my $code = $? & 127 ? 1000 + ($? & 127) : $? >> 8;
    return ($code, slurp($out), slurp($err));
}

# ends(FACT, CODE, PATTERN, arguments): the exit code, and one clear line on standard error (PATTERN undef: none).
sub ends {
    my ($fact, $code, $pattern, @arguments) = @_;
    my ($got, undef, $err) = run(@arguments);
    my $lines = () = $err =~ /\n/g;
    my $ok = $got == $code && (defined $pattern ? $lines == 1 && $err =~ /^boxwork: .*$pattern/ : $err eq '');
    ok($ok, $fact) or diag("exit code $got, standard error: $err");
}

# --- Exit codes, each with its line ---
ends('a program that succeeds: 0, and not a word', 0, undef, 'run', 'true');
ends("the program's exit code is the launcher's",  7, undef, 'run', 'sh', '-c', 'exit 7');
ends('it is taken modulo 256', 44, undef, 'run', 'sh', '-c', 'exit 300');
ends('no command is wrong use',     125, 'no command');
ends('an unknown command is',       125, 'unknown command walk', 'walk');
ends('an unknown option is',        125, 'unknown option --fast', 'run', '--fast', 'true');
ends('an option without its value', 125, '-w wants a value', 'run', '-w');
ends('a bad number',                125, '--cpus wants a number', 'run', '--cpus', 'many', 'true');
ends('a bad size',                  125, '-m wants a size', 'run', '-m', '12Q', 'true');
ends('a bad time',                  125, '--timeout wants a time', 'run', '--timeout', 'soon', 'true');
ends('no program',                  125, 'no program', 'run', '-i');
ends('a directory that is not absolute', 125, 'absolute', 'run', '-w', 'here', 'true');
ends('a log that cannot be written', 125, 'nosuch', 'run', '--log', "$dir/nosuch/log", 'true');
ends('a kernel that is not there',   125, 'nosuch', 'run', '--kernel', "$dir/nosuch", 'true');
ends('a QEMU that is not there',     125, 'nosuch', 'run', '--qemu', "$dir/nosuch", 'true');
ends('a machine too large for the host', 125, 'QEMU failed', 'run', '-m', '9000000G', 'true');
ends('an archive that is none', 125, 'passwd: no cpio archive', 'run', '--archive', '/etc/passwd',
    'true');
{
    spew("$dir/large", "\x7fELF", 0755);
    truncate "$dir/large", 60 << 20;
    ends('a program too large for the machine', 125, 'large needs more memory .* -m', 'run',
        '-m', '32M', "$dir/large");
}
ends('a name with control characters, in one line', 127, 'no\\\\x0asuch\\\\x1b: not found', 'run',
    "no\nsuch\e");
ends('a program that is nowhere',    127, 'nosuch: not found', 'run', 'nosuch');
ends('a host file that is nowhere',  127, 'nosuch: not found', 'run', './nosuch');
ends('a file of the image that is not executable', 126, 'not executable', 'run', '/etc/passwd');
ends('a host file that is not executable', 126, 'not executable', 'run', './Makefile');
ends('a directory is not executable', 126, 'not a regular file', 'run', './tests');
spew("$dir/garbage", "\x7fELF but nothing more", 0755);
ends('a file that is no program', 126, 'exec format error', 'run', "$dir/garbage");
spew("$dir/orphan", "#!/no/such/interpreter\n", 0755);
ends('a script without its interpreter', 127, 'no such file', 'run', "$dir/orphan");
ends('the deadline', 124, 'deadline', 'run', '--timeout', '300ms', 'sleep', '100');
ends('the deadline of a busy program', 124, 'deadline', 'run', '--timeout=300ms', 'sh', '-c', 'while :; do :; done');
ends('a program ended by SIGTERM', 143, 'SIGTERM', 'run', 'sh', '-c', 'kill -TERM $$');
ends('a program ended by SIGKILL', 137, 'SIGKILL', 'run', 'sh', '-c', 'kill -KILL $$');
ends('a kernel that panics', 125, 'the kernel panicked: planted', 'run', @debug, '--append', 'fault=panic', 'true');
ends('a kernel that hangs', 125, '(has not answered for|was not started within) 2 s', 'run', @debug, '--hang', '2s', '--append', 'fault=hang',
    'true');
# What the kernel says of its own end: who is at fault, registers, where it was, what ran.
for (['panic', 'planted on purpose'], ['write-text', 'write to 0x'], ['run-data', 'execution of 0x'], ['read-null', 'read of 0'],
    ['stack-overflow', 'double fault']) {
    my ($fault, $text) = @$_;
    ends("the kernel's own fault is a panic: $fault", 125, "the kernel panicked: .*$text", 'run', @debug, '--log', "$dir/log",
        '--append', "fault=$fault", 'true');
    my $log = slurp("$dir/log");
    ok($log =~ /PANIC: .*$text.*\brip [0-9a-f:]{18,}.*\brax [0-9a-f]{16}.*backtrace:\n.* 0x[0-9a-f]{16} [\w.]+\+0x.*CPU 0 ran init/s,
        "$fault: the log has registers, a backtrace by name, and what ran") or diag $log;
    my ($cr0, $cr4) = map { hex } $log =~ /cr0 (\w+) .* cr4 (\w+)/;
    ok(($cr0 & 0x10000) && ($cr4 & 0x300800) == 0x300800, "$fault: WP, SMEP, SMAP and UMIP are on");
}
{
    my $before = time;
    my ($code, $out, $err) = run('run', 'busybox', 'sh', '-c', 'ls -l / | wc -l; ps; (sleep 100 &) ; exit 7');
    ok($code == 7 && time - $before < 10 && $out =~ /^\d+\nPID .*\n +1 root .*\n.*\bps\b/s && $err eq '',
        'a program that leaves another behind ends at once') or diag "$code $out $err";
}
spew("$dir/silent", "#!/bin/sh\nexit 0\n", 0755);
ends('a machine that ends without the end marker', 125, 'without saying how true did', 'run', '--qemu', "$dir/silent", 'true');
{
    # A machine that stands still once its program runs: the ping alone can tell.
    my ($pid) = start('run', '--hang', '2s', 'sh', '-c', 'echo ready; exec sleep 100');
    kill 'STOP', children($pid);
    my $before = time;
    waitpid $pid, 0;
    ok($? >> 8 == 125 && time - $before >= 1 &&
        slurp("$dir/err") eq "boxwork: the kernel has not answered for 2 s\n",
        'a kernel that hangs after the start has not answered') or diag slurp("$dir/err");
}
{
    my ($code, $out) = run('--help');
    ok($code == 0 && $out =~ /^usage: boxwork run/, '--help lists the options and is no error');
}

# --- Streams ---
my $random = join '', map { pack 'L', int rand 2**32 } 1 .. 262144;
spew("$dir/random", $random);
{
    my ($code, $out, $err) = run({ in => "$dir/random" }, 'run', '-i', 'cat');
    ok($code == 0 && $out eq $random && $err eq '', 'a mebibyte of random bytes goes through cat unchanged');
}
{
    my ($code, $out) = run({ in => "$dir/random" }, 'run', '-i', 'sh', '-c', 'head -c 10; exit 3');
    ok($code == 3 && $out eq substr($random, 0, 10), 'a program may end without reading its input');
}
{
    my ($code, $out) = run({ in => "$dir/random" }, 'run', 'wc', '-c');
    ok($code == 0 && $out eq "0\n", 'without -i standard input is empty');
}
{
    my ($code, $out, $err) = run('run', 'sh', '-c', 'printf "a\r\n\000b"; printf "c\000\nd" >&2');
    ok($code == 0 && $out eq "a\r\n\0b" && $err eq "c\0\nd", 'standard output and error are apart, and exact');
}
{
    my $script = 'head -c 1048576 /dev/zero & head -c 1048576 /dev/zero >&2; wait';
    my ($code, $out, $err) = run('run', '--cpus', '2', 'sh', '-c', $script);
    ok($code == 0 && length $out == 1048576 && length $err == 1048576, 'both carry a mebibyte at a time');
}
{
    open my $pipe, '-|', "exec $boxwork run head -c 8388608 /dev/zero" or die;
    sleep 1;
    my ($size, $data) = (0);
    $size += length $data while sysread $pipe, $data, 65536;
    close $pipe;
    ok($? == 0 && $size == 8388608, 'a slow reader loses nothing');
}
{
    my $code = system("$boxwork run yes 2>$dir/err | head -c 4 >$dir/out; exit \${PIPESTATUS:-0}");
    my $err = slurp("$dir/err");
    ok(slurp("$dir/out") eq "y\ny\n" && $err =~ /SIGPIPE/, 'a reader that goes away ends the writer by SIGPIPE') or diag $err;
}
{
    my ($code, $out, $err) = run('run', @debug, '--append', 'loglevel=7', 'echo', 'words');
    ok($code == 0 && $out eq "words\n" && $err eq '', "the kernel's text is not among the program's");
}
{
    pipe my $read, my $write;
    my $pid = fork // die;
    if ($pid == 0) {
        open STDIN, '<&', $read;
        close $write;
        open STDOUT, '>', "$dir/out";
        exec $boxwork, 'run', '-i', 'sh', '-c', 'read a; echo $a; read b || echo end';
    }
    close $read;
    syswrite $write, "first\n";
    sleep 0.5;
    close $write;
    waitpid $pid, 0;
    ok($? == 0 && slurp("$dir/out") eq "first\nend\n", 'the end of standard input arrives when it comes');
}
{
    my ($code, $out, $err) = run({ in => '/tmp' }, 'run', '-i', 'cat');
    ok($code == 125 && $err eq "boxwork: standard input: Is a directory\n",
        'a standard input that cannot be read is a failure, and no end') or diag "$code $err";
}
# Where a stream is closed here, its number is not that of a file of the launcher's.
is(`$boxwork run -i cat <&- 2>&1`, '', 'with <&- standard input is empty');
for my $closed ('>&-', '2>&-', '<&- >&- 2>&-') {
    spew("$dir/$_", '') for 'out', 'err', 'status', 'log';
    my $streams = "</dev/null >$dir/out 2>$dir/err $closed";
    my $script = 'cat; echo intruder; echo intruder >&2; exit 7';
    my $code = system("$boxwork run -i --status $dir/status --log $dir/log sh -c '$script' $streams");
    my ($out, $err) = map { $closed =~ /$_/ ? '' : "intruder\n" } '(^| )>', '2>';
    ok($code >> 8 == 7 && slurp("$dir/out") eq $out && slurp("$dir/err") eq $err &&
        slurp("$dir/status") =~ /\A\{"exit":7,.*\}\n\z/ && slurp("$dir/log") !~ /intruder/,
        "with $closed the program has an empty stream there") or diag slurp("$dir/err");
}

# --- What the program is given ---
{
    my ($code, $out) = run('run', @debug, 'ls', '-1', '/dev');
    is($out =~ tr/\n/ /r, 'fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ',
        'the default /dev has nothing of the machine');
    my ($listing) = slurp('docs/launcher.md') =~ m{default `/dev`\s+\(([^)]*)\)};
    is(join('', map { "$_ " } ($listing // '') =~ /`([^`]+)`/g), $out =~ tr/\n/ /r, '... and is what docs/launcher.md says');
}
{
    my @words = ('', 'a b', "c'd", 'e"f', "g\nh", '$HOME', '\\', '--', "\xc3\xa4");
    my ($code, $out) = run('run', '--', 'sh', '-c', 'for a; do printf "%s\0" "$a"; done', 'sh', @words);
    ok($out eq join('', map { "$_\0" } @words), 'arguments arrive as they are');
}
{
    local $ENV{FROM_HERE} = 'value of here';
    my @options = ('-e', 'A=1', '-e', "B=x'y z", '-e', 'FROM_HERE', '-e', 'NOT_SET_HERE');
    my ($code, $out) = run('run', @options, 'env');
    my %env = map { /^(\w+)=(.*)/ ? ($1, $2) : () } split /\n/, $out;
    is_deeply(\%env, { A => 1, B => "x'y z", FROM_HERE => 'value of here', HOME => '/root',
        PATH => '/bin:/usr/bin:/sbin:/usr/sbin' }, 'the environment is what -e says, PATH and HOME');
}
{
    my ($code, $out) = run('run', '-w', '/tmp/deep/er', 'pwd');
    ok($code == 0 && $out eq "/tmp/deep/er\n", '-w sets the directory, and makes it');
}
ends('a directory that cannot be', 125, '/etc/passwd/x', 'run', '-w', '/etc/passwd/x', 'pwd');
for my $cpus (3, 64) {
    my ($code, $out) = run('run', '--cpus', $cpus, '-m', '512M', 'nproc');
    ok($code == 0 && $out eq "$cpus\n", "--cpus sets the CPUs: $cpus");
}
{
    my ($code, $out) = run('run', '-m', '64M', 'sh', '-c', 'grep MemTotal /proc/meminfo');
    my ($kib) = $out =~ /(\d+)/;
    ok($code == 0 && $kib > 50000 && $kib <= 65536, '-m sets the memory') or diag $out;
}
{
    my ($code, undef, $err) = run('run', '--pids', '3', 'sh', '-c', 'sleep 9 & sleep 9 & sleep 9 & wait');
    ok($code == 2 && $err =~ /fork/, '--pids bounds the processes') or diag "$code $err";
}
{
    spew("$dir/script", "#!/bin/sh\necho \"\$0 \$1\"\nexit 5\n", 0755);
    my ($code, $out) = run('run', "$dir/script", 'word');
    ok($code == 5 && $out eq "/run/script word\n", 'a host file is copied in and run');
}
for my $machine ('q35', 'pc', 'microvm') {
    my ($code, $out) = run({ in => "$dir/random" }, 'run', '-i', '--machine', $machine, 'md5sum');
    ok($code == 0 && length $out > 32, "it runs on $machine");
}

# --- Signals ---
# start(arguments): a launcher in the background; waits until its program has said "ready".
sub start {
    pipe my $read, my $write;
    my $pid = fork // die;
    if ($pid == 0) {
        open STDOUT, '>&', $write;
        open STDERR, '>', "$dir/err";
        exec $boxwork, @_;
    }
    close $write;
    my $line = <$read>;
    return ($pid, $read);
}

# Whether a process still runs: what nobody has reaped yet does not.
sub runs { my ($pid) = @_; return (slurp("/proc/$pid/stat") // '') =~ /\) [^Z]/ }

sub children { my ($pid) = @_; return split ' ', slurp("/proc/$pid/task/$pid/children") // '' }

for my $signal ('INT', 'TERM', 'HUP', 'QUIT') {
    my ($pid, $out) = start('run', 'sh', '-c', "trap 'echo caught; exit 9' $signal; echo ready; while :; do sleep 0.05; done");
    kill $signal, $pid;
    my $line = <$out> // '';
    waitpid $pid, 0;
    ok($? >> 8 == 9 && $line eq "caught\n", "SIG$signal is passed on to the program");
}
{
    my ($pid) = start('run', 'sh', '-c', 'echo ready; exec sleep 100');
    kill 'INT', $pid;
    waitpid $pid, 0;
    is($? >> 8, 130, 'a program that a signal ends gives 128+N');
}
{
    my ($pid) = start('run', 'sh', '-c', "trap '' INT; echo ready; while :; do sleep 1; done");
    for (1 .. 3) { kill 'INT', $pid; sleep 0.1 }
    waitpid $pid, 0;
    is($? >> 8, 130, 'the third of a signal within two seconds ends a program that does not listen');
}

# --- The record ---
sub record { my $text = slurp("$dir/status"); return $text =~ /\A[^\n]*\n\z/ ? decode_json($text) : {} }
{
    run('run', '--status', "$dir/status", 'sh', '-c', 'exit 7');
    my $record = record();
    ok($record->{exit} == 7 && $record->{status} == 7 && $record->{memory_peak} > 4096 && $record->{user_ns} > 0 &&
        $record->{left_bytes} == 0, '--status tells exit code, status, times and peaks') or diag explain $record;
    run('run', '--status', "$dir/status", '--timeout', '200ms', 'sleep', '9');
    $record = record();
    ok($record->{exit} == 124 && $record->{status} == -9 && $record->{by} eq 'deadline', 'and what the deadline ended');
    run('run', '--status', "$dir/status", 'nosuch');
    $record = record();
    ok($record->{exit} == 127 && !defined $record->{status} && $record->{by} eq 'launcher' &&
        $record->{reason} =~ /not found/, 'and a program that never ran');
    for (['run', '--fast', '--status', "$dir/status", 'true'], ['run', "--status=$dir/status", '-m', '1'],
        ['run', '-m', '1', '-i', '--status', "$dir/status"], ['walk', '--status', "$dir/status"],
        ['run', '--status', "$dir/status"], ['boot', '--status', "$dir/status"]) {
        unlink "$dir/status";
        my ($code, undef, $err) = run(@$_);
        my ($reason) = $err =~ /^boxwork: (.*)/;
        $record = record();
        ok($code == 125 && $record->{exit} == 125 && $record->{reason} eq $reason,
            'and wrong use: ' . join ' ', @$_[0, 1]) or diag explain $record;
    }
    unlink "$dir/status";
    run('run', 'true', '--status', "$dir/status");
    ok(!-e "$dir/status", "and the program's own words are none of it");
    run('run', '--status', "$dir/status", @debug, '--append', 'fault=panic', 'true');
    ok(record()->{exit} == 125 && record()->{reason} =~ /panicked/, 'and a panic');
    for ([137, 'SIGKILL', 'a program that was killed', 'sh', '-c', 'kill -KILL $$'], [126, 'not executable', 'one that is none', '/etc/passwd'],
        [125, 'without saying', 'a machine that ended early', '--qemu', "$dir/silent", 'true'],
        [125, ' 2 s', 'a hang', @debug, '--hang', '2s', '--append', 'fault=hang', 'true'],
        [125, 'nosuch', 'a kernel that is not there', '--kernel', "$dir/nosuch", 'true']) {
        my ($exit, $reason, $fact, @arguments) = @$_;
        unlink "$dir/status";
        run('run', '--status', "$dir/status", @arguments);
        $record = record();
        ok($record->{exit} == $exit && $record->{reason} =~ /$reason/, "and $fact") or diag explain $record;
    }
}
my @full = ('run', '--status', '/dev/full');
ends('a record that cannot be written is a failure', 125,
    'the record could not be written: No space', @full, 'true');
ends('also where a signal ended the program', 125, 'the record could not be written: No space',
    @full, 'sh', '-c', 'kill -KILL $$');
ends('and where it never ran', 125, 'nosuch: not found.*and the record could not be', @full, 'nosuch');
ends('a log that cannot be written is a failure', 125, 'the log could not be written: No space',
    'run', '--log', '/dev/full', 'true');
{
    my ($code, $out) = run('run', '--log', "$dir/log", 'echo', 'words');
    my $log = slurp("$dir/log");
    ok($code == 0 && $out eq "words\n" && $log =~ /^\[ *\d+\.\d+\] boxwork:/m && $log !~ /words/,
        "--log keeps the kernel's log and nothing of the program");
}

# --- A terminal ---
# dialogue(\@command, [PATTERN, KEYS]...): what the command prints, while the keys are typed, each when the pattern has appeared since the
# last; at most a minute. Its standard input ends after the last.
sub dialogue {
    my ($command, @steps) = @_;
    my $pid = open3(my $to, my $from, undef, 'timeout', '-k', '1', '60', @$command);
    my ($all, $new, $data) = ('', '');
    while (sysread $from, $data, 4096) {
        $all .= $data;
        $new .= $data;
        next unless @steps && $new =~ $steps[0][0];
        syswrite $to, (shift @steps)->[1];
        $new = '';
        close $to unless @steps;
    }
    waitpid $pid, 0;
    return $all . ($? == 0 ? '' : sprintf 'ended with %d', $? >> 8);
}

# The same on a terminal of 33 lines by 77, for a shell command.
sub typed {
    my ($command, @steps) = @_;
    return dialogue(['script', '-qec', "stty rows 33 cols 77; $command", '/dev/null'], @steps);
}
my $prompt = qr/# (\e\[6n)?$/;
my $front = "sh -c 'echo front\$((1)); exec sleep 50'\r"; # says when it, and not the shell, gets the signals
{
    my ($code, $out) = run('run', '-t', 'sh', '-c', 'echo a; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && exit 4');
    ok($code == 4 && $out eq "a\r\n", '-t gives the program a terminal');
}
like(typed("$boxwork run -it stty size"), qr/33 77/, 'it has the size of ours');
like(typed("$boxwork shell; echo code \$?", [$prompt, $front], [qr/front1\r\n/, "\003"], [$prompt, "echo \$((40+2))\r"],
    [$prompt, "exit 6\r"]), qr/42.*code 6/s, 'in a shell Ctrl-C ends a command, and the shell goes on');
like(typed("echo begin; $boxwork run -it sh -c 'echo cat; exec cat'; echo code \$?", [qr/cat\r\n/, "one\r"], [qr/one\r\none\r\n/, "\004"]),
    qr/one.*one.*code 0/s, 'Ctrl-D at the start of a line is the end of input');
like(typed("$boxwork shell", [$prompt, $front], [qr/front1\r\n/, "\032"], [$prompt, "jobs\r"], [$prompt, "kill %1\r"],
    [$prompt, "exit 0\r"]), qr/front1.*Stopped.*sleep 50/s, 'Ctrl-Z stops a command');
like(typed("$boxwork shell; stty -a", [$prompt, "exit\r"]), qr/[^-]icanon.*[^-]echo/s, 'our terminal is as before afterwards');
like(dialogue([$boxwork, 'run', '-it', 'sh'], [$prompt, "echo \$((6*7))\n"]), qr/42\r\n.*# (\e\[6n)?\r?\n?$/s,
    'input that is no terminal ends as if by Ctrl-D');
{
    # Typed before the machine has started: the program has not set its terminal up yet.
    my $line = 'echo ' . join('', 'a' .. 'z') x 2 . '$((6*7))';
    my $begun = qr/begin\r?\n/;
    my $qemu = 'echo begin >$TTY; sleep 0.3; exec qemu-system-x86_64 "$@"';
    spew("$dir/late-qemu", "#!/bin/sh\n$qemu\n", 0755);
    my $late = "export TTY=\$(tty); $boxwork run -it --qemu $dir/late-qemu";
    my $out = typed("$late sh", [$begun, "$line\r"], [qr/42\r\n/, "exit\r"]);
    ok($out =~ /# \Q$line\E\r\n[a-z]{52}42\r\n/ && 1 == (() = $out =~ /echo abc/g),
        'a line typed ahead is shown once, by the shell') or diag $out;
    like(typed("$late cat", [$begun, "$line\r"], [qr/\Q$line\E\r\n.*\Q$line\E\r\n/s, "\004"]),
        qr/^begin\r?\n\Q$line\E\r\n\Q$line\E\r\n$/,
        'by the terminal, whole, where the program leaves that to it');
    my $deaf = "$late sh -c 'echo up; sleep 50'; echo code \$?";
    like(typed($deaf, [$begun, "$line\r"], [qr/up\r\n/, "\003"]),
        qr/^begin\r?\nup\r\n\^C[^\r]*\r\ncode 130\r\n$/,
        'and not at all where nobody asks for it; Ctrl-C ends that');
}
{
    # The end comes before the shell has set its terminal, and is not lost by that.
    my $out = `timeout -k 1 60 $boxwork run -it sh </dev/null; echo code \$?`;
    like($out, qr/code 0/, 'also if it has ended from the beginning');
}

# --- Nothing is left ---
{
    local $ENV{TMPDIR} = "$dir/tmp";
    mkdir "$dir/tmp";
    chomp(my @before = `ls -A /tmp /var/tmp /dev/shm $dir/tmp . build`);
    my ($code) = run('run', '--timeout', '300ms', 'sleep', '9');
    chomp(my @after = `ls -A /tmp /var/tmp /dev/shm $dir/tmp . build`);
    my %before = map { $_ => 1 } @before;
    is_deeply([grep { !$before{$_} && /boxwork|qemu|memfd/i } @after], [], 'no file is left behind');
}
for my $signal ('KILL', 'SEGV') {
    my ($pid) = start('run', 'sh', '-c', 'echo ready; exec sleep 100');
    my @qemu = children($pid);
    kill $signal, $pid;
    waitpid $pid, 0;
    my $until = time + 1;
    sleep 0.02 while time < $until && grep { runs($_) } @qemu;
    ok(@qemu == 1 && !runs($qemu[0]), "QEMU is gone within a second after SIG$signal to the launcher");
}
{
    my ($pid) = start('run', 'sh', '-c', 'echo ready; exec sleep 100');
    my @qemu = children($pid);
    kill 'KILL', @qemu;
    waitpid $pid, 0;
    my $err = slurp("$dir/err");
    ok($? >> 8 == 125 && $err =~ /without saying how sh did/, 'a machine that is killed is a failure') or diag $err;
}
{
    my @pids;
    for my $number (1 .. 6) {
        my $pid = fork // die;
        if ($pid == 0) {
            open STDOUT, '>', '/dev/null';
            exec $boxwork, 'run', 'sh', '-c', "exit $number";
        }
        push @pids, $pid;
    }
    my @codes = map { waitpid $_, 0; $? >> 8 } @pids;
    is_deeply(\@codes, [1 .. 6], 'several run side by side');
}
done_testing();
