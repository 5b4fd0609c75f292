#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# start.pl DIRECTORY [RUNS]: how long a run takes from the start of ./boxwork to its exit, the least memory, and the sizes of
# what is loaded. DIRECTORY/nothing is a kernel that ends at once: launcher and QEMU alone.
use strict;
use warnings;
use Time::HiRes qw(time);

my ($directory, $runs) = @ARGV;
$runs //= 50;

# Runs the launcher with its streams on /dev/null. Returns whether it gave the exit code, and the milliseconds.
sub run {
    my ($wanted, @arguments) = @_;
    my $begun = time;
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec './boxwork', 'run', @arguments or die "boxwork: $!\n";
    }
    waitpid $pid, 0;
    return ($? == $wanted << 8, 1000 * (time - $begun));
}

# Half of the runs take no longer than the second figure.
sub measure {
    my ($name, $wanted, @arguments) = @_;
    my @times;
    for (1 .. $runs) {
        my ($good, $time) = run($wanted, @arguments);
        die "$name: wrong exit code\n" unless $good;
        push @times, $time;
    }
    @times = sort { $a <=> $b } @times;
    printf "%-44s %6.0f %6.0f %6.0f\n", $name, $times[0], $times[$#times / 2], $times[-1];
}

printf "%-44s %6s %6s %6s\n", "milliseconds, $runs runs", qw(least half most);
measure('launcher and QEMU alone, microvm', 125, '--kernel', "$directory/nothing", 'true');
measure("true, $_", 0, '--machine', $_, 'true') for qw(microvm q35 pc);
my ($least) = grep { (run(0, '-m', "${_}M", 'true'))[0] } 16 .. 64;
printf "%-44s %6d MiB\n", 'least memory that the launcher runs true with', $least;
printf "%-44s %6d KiB\n", $_, (-s "build/$_") / 1024 for qw(boxwork.elf boot.cpio);
