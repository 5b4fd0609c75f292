#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# log.t - the kernel's log is whole, to the last byte before the machine ends, however slowly it is
# taken.
use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Handle;
use Socket;
use Test::More;
use Time::HiRes qw(sleep);

my $boxwork = './build/host/boxwork';
my @panic = ('--kernel', 'build/debug/boxwork.elf', '--append', 'fault=panic');
my $dir = tempdir(CLEANUP => 1);

sub slurp { my ($name) = @_; open my $file, '<', $name or return ''; local $/; return <$file> }

# What a panic says, without times, numbers and addresses.
sub words {
    my ($log) = @_;
    $log =~ s/\r//g;
    $log =~ s/\A.*?(?=PANIC:)//s;
    return $log =~ s/^\[ *\d+\.\d+\] //mgr =~ s/\b(0x)?[0-9a-f]{4,}\b/H/gr;
}

sub log_of {
    my (@options) = @_;
    unlink "$dir/log";
    my @command = ($boxwork, 'run', '--log', "$dir/log", @panic, @options, 'true');
    system("timeout -k 1 60 @{[map { qq('$_') } @command]} >$dir/out 2>&1");
    return words(slurp("$dir/log"));
}

my $whole = log_of();
like($whole, qr/\APANIC: planted on purpose\n.*^CPU 0 ran init and panicked\n\z/ms, 'a panic is told');
{
    # The launcher stands still until long after the machine has said all.
    my $stop = 'p=$PPID; kill -STOP $p; (sleep 3; kill -CONT $p) >/dev/null 2>&1 &';
    open my $qemu, '>', "$dir/qemu" or die;
    print $qemu "#!/bin/sh\n$stop exec qemu-system-x86_64 \"\$@\"\n";
    close $qemu;
    chmod 0755, "$dir/qemu";
    is(log_of('--qemu', "$dir/qemu"), $whole, 'and all of it is there if the launcher stood still');
}

# What the serial line says into a socket, of which $count bytes are taken as they come, and the
# others a fifth of a second later.
sub line_log {
    my ($count) = @_;
    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
    my $pid = fork // die;
    if ($pid == 0) {
        close $ours;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>&', $theirs;
        exec 'timeout', '-k', '1', '60', $boxwork, 'boot', @panic or die;
    }
    close $theirs;
    my $log = '';
    while (length $log < $count && sysread $ours, $log, $count - length $log, length $log) { }
    sleep 0.2;
    while (sysread $ours, $log, 4096, length $log) { }
    waitpid $pid, 0;
    return $log;
}

# How many single bytes a socket holds that nobody reads.
sub socket_size {
    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
    $theirs->blocking(0);
    my $size = 0;
    $size++ while syswrite $theirs, 'x';
    return $size;
}

my $size = length line_log(1 << 20);
my $left = $size - socket_size();
for my $unsent (1, 8, 15) {
    my $log = line_log($left > $unsent ? $left - $unsent : 0);
    is(words($log), $whole, "and if the machine ends with $unsent bytes that the line has not taken");
}
done_testing();
