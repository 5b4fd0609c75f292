# SPDX-License-Identifier: MIT
# Machine.pm - boots a system with the benchmark as its first program and collects what the lines
# print.
package Machine;

use strict;
use warnings;
use IO::Select;
use Time::HiRes qw(time);

# What every machine has. QEMU's default one boots both systems. With ERMS a `rep stosb` would count
# as an instruction a byte; with LA57 page tables would have five levels.
my @common = (
    '-machine', 'pc', '-cpu', 'max,-erms,-la57', '-seed', '42', '-nodefaults', '-display', 'none',
    '-no-reboot', '-serial', 'stdio',
);
# Time is a count of instructions, so figures repeat to the digit.
my @exact = ('-accel', 'tcg', '-icount', 'shift=0,sleep=off', '-rtc', 'clock=vm');
my @wall  = ('-accel', 'tcg,thread=multi');

my %command_line = (
    linux   => 'console=ttyS0 quiet mitigations=off panic=-1 rdinit=/bench',
    boxwork => 'loglevel=1 init=/bench',
);

# The list of files of an image. `small` is for questions about the start of a machine.
sub image_list {
    my ($dir, $arguments, $small) = @_;
    my @list = map { "dir /$_ 0755" } qw(bin dev etc lib lua proc tmp);
    push @list, "file /bench 0755 $dir/bench", "file /bench.args 0644 $arguments",
        "file /bin/tiny 0755 $dir/tiny";
    return @list if $small;
    push @list, 'file /bin/busybox 0755 /bin/busybox', "file /bin/lua 0755 $dir/lua.static";
    push @list,
        map { "file /lua/$_.lua 0644 tests/bench/lua/$_.lua" } qw(fib sort strings);
    return @list;
}

sub write_file {
    my ($path, @lines) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print $file map { "$_\n" } @lines;
    close $file or die "$path: $!\n";
}

# Makes the archive that a run boots. Returns its path.
sub make_image {
    my ($dir, $name, $small, @arguments) = @_;
    mkdir "$dir/run";
    write_file("$dir/run/$name.args", @arguments);
    write_file("$dir/run/$name.list", image_list($dir, "$dir/run/$name.args", $small));
    system('build/host/mkcpio', "$dir/run/$name.cpio", "$dir/run/$name.list") == 0
        or die "mkcpio failed\n";
    return "$dir/run/$name.cpio";
}

sub qemu_arguments {
    my (%run) = @_;
    my @arguments = (@common, $run{mode} eq 'exact' ? @exact : @wall);
    push @arguments, '-smp', $run{cpus} // 1, '-m', $run{memory} // 1024;
    push @arguments, '-kernel', $run{kernel}, '-initrd', $run{image};
    push @arguments, '-append', $command_line{ $run{system} };
    push @arguments, '-plugin', $run{plugin} if $run{plugin};
    return @arguments;
}

# Puts one line of the console into the results, if it is one of the benchmark's.
sub take_line {
    my ($results, $line) = @_;
    my ($mark, $name, $count, $value, $unit) = split /\t/, $line;
    return unless defined $value && $mark =~ /bench$/;
    if ($count eq 'failed') {
        $results->{failed}{$name} = $value;
        return;
    }
    push @{ $results->{order} }, $name;
    $results->{lines}{$name} = { count => $count, value => $value, unit => $unit };
}

# Reads the console until the machine ends or the time is up.
sub collect {
    my ($console, $results, $begun, $seconds, $log) = @_;
    my ($select, $rest, $end) = (IO::Select->new($console), '', $begun + $seconds);
    while (1) {
        my $left = $end - time;
        return 0 if $left <= 0 || !$select->can_read($left);
        sysread($console, my $text, 65536) or return 1;
        print $log $text;
        $rest .= $text =~ s/\r//gr;
        while ($rest =~ s/^(.*?)\n//) {
            take_line($results, $1);
            $results->{first} //= time - $begun if $results->{lines}{'boot.counter'};
        }
    }
}

# Boots. Keys of %run: dir, name, system, kernel, mode (exact or wall), patterns; cpus, memory,
# small, plugin, seconds. Returns a hash: lines (by name: count, value, unit), order, failed (by
# name: why), first (seconds until the program spoke), complete.
sub boot {
    my (%run) = @_;
    my %results = (lines => {}, order => [], failed => {});
    $run{image} = make_image($run{dir}, $run{name}, $run{small}, $run{mode}, @{ $run{patterns} });
    open my $log, '>', "$run{dir}/run/$run{name}.log" or die "$run{name}.log: $!\n";
    my $begun = time;
    my $pid = open(my $console, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDERR, '>&', $log;
        exec 'qemu-system-x86_64', qemu_arguments(%run) or die "qemu: $!\n";
    }
    my $ended = collect($console, \%results, $begun, $run{seconds} // 600, $log);
    kill 'KILL', $pid unless $ended;
    close $console;
    $results{complete} = $results{lines}{end} ? 1 : 0;
    $results{failed}{machine} = "a line failed without a word, see $run{dir}/run/$run{name}.log"
        if $results{complete} && $results{lines}{end}{value} != 0 && !%{ $results{failed} };
    delete $results{lines}{end};
    $results{order} = [ grep { $_ ne 'end' } @{ $results{order} } ];
    $results{failed}{machine} = "ended early, see $run{dir}/run/$run{name}.log"
        unless $results{complete};
    return \%results;
}

1;
