#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# bench.pl - measures Boxwork and Linux in the same QEMU. tools/bench.mk calls it;
# docs/performance.md explains it.
#
# Usage: bench.pl DIRECTORY COMMAND, from the root of the tree:
#   compare           both systems, exact and by the clock with 1, 2 and 4 CPUs
#   exact             both systems, exact
#   wall CPUS...      both systems, by the clock
#   base REVISION     this tree against another revision, exact
#   budget            Boxwork against tests/bench/budget.tsv
#   rebase            writes the budget, and Linux's stored figures, anew
#   limits            the least that each line can cost, beside what it costs
#   document          puts the tables of the last compare into docs/performance.md
#   profile LINE      where the instructions of a line go
#   run SYSTEM MODE PATTERN...    a few lines of one system
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use List::Util qw(min);
use Budget;
use Limits;
use Machine;
use Profile;
use Report;

my $WALL_BOOTS = 2;
my $GROW_MEMORY = 2048; # 10,000 processes of Linux need more than 1 GiB

my ($dir, $command, @arguments) = @ARGV;
my %kernels = (linux => "$dir/linux/vmlinuz", boxwork => 'build/boxwork.elf');

# Adds the results of a second boot.
sub merge {
    my ($into, $from) = @_;
    push @{ $into->{order} }, grep { $_ ne 'boot.counter' } @{ $from->{order} };
    $into->{lines}{$_} //= $from->{lines}{$_} for keys %{ $from->{lines} };
    $into->{failed}{$_} = $from->{failed}{$_} for keys %{ $from->{failed} };
    return $into;
}

sub add_line {
    my ($results, $name, $count, $value, $unit) = @_;
    push @{ $results->{order} }, $name;
    $results->{lines}{$name} = { count => $count, value => $value, unit => $unit };
}

sub boot {
    my ($system, $kernel, $mode, $patterns, %more) = @_;
    my $name = join '-', $system, $mode, $more{cpus} // 1;
    print STDERR "  BOOT    $name @$patterns\n";
    return Machine::boot(
        dir => $dir, name => $name, system => $system, kernel => $kernel, mode => $mode,
        patterns => $patterns, %more);
}

# Instructions from the kernel's entry to the first of the first program. Linux's entry is that of
# its setup code.
sub boot_instructions {
    my ($system, $kernel) = @_;
    my $program = Profile::address_of(Profile::symbols("$dir/bench"), '_start');
    my $entry = '10200';
    $entry = Profile::address_of(Profile::symbols($kernel), 'pvh_entry') if $system eq 'boxwork';
    my $out = "$dir/run/boot.counts";
    boot($system, $kernel, 'exact', ['@first'], small => 1,
        plugin => "$dir/count.so,out=$out,at=$entry,at=$program");
    my $reached = Profile::read_counts($out)->{reached};
    my ($from, $to) = @$reached{ hex $entry, hex $program };
    die "$system did not come to its first program\n" unless defined $from && defined $to;
    return $to - $from;
}

# Seconds from the start of QEMU to the first line of the first program.
sub boot_seconds {
    my ($system, $kernel) = @_;
    my @runs = map { boot($system, $kernel, 'wall', ['@first'], small => 1) } 1 .. $WALL_BOOTS;
    die "$system does not come to its first program\n" if grep { !defined $_->{first} } @runs;
    return min map { $_->{first} } @runs;
}

# Whether the first program runs with so many MiB. What does not boot may hang.
sub boots_with {
    my ($system, $kernel, $memory) = @_;
    return boot($system, $kernel, 'wall', ['@first'], small => 1, memory => $memory, seconds => 30)->{complete};
}

# The least memory with which the first program runs, in MiB.
sub least_memory {
    my ($system, $kernel) = @_;
    my ($no, $yes) = (0, 256);
    die "$system does not boot with $yes MiB\n" unless boots_with($system, $kernel, $yes);
    while ($yes - $no > 1) {
        my $middle = int(($no + $yes) / 2);
        if (boots_with($system, $kernel, $middle)) { $yes = $middle } else { $no = $middle }
    }
    return $yes;
}

sub add_boot_lines {
    my ($results, $system, $kernel) = @_;
    add_line($results, 'boot.instructions', 1, boot_instructions($system, $kernel), 'ns');
    add_line($results, 'boot.milliseconds', 1, 1000 * boot_seconds($system, $kernel), 'ms');
    add_line($results, 'boot.least_memory', 1, least_memory($system, $kernel), 'MiB');
    add_line($results, 'boot.image', 1, (-s $kernel) / 1024, 'KiB');
}

sub exact_results {
    my ($system, $kernel) = @_;
    my $results = boot($system, $kernel, 'exact', ['@budget']);
    return merge($results, boot($system, $kernel, 'exact', ['@grow'], memory => $GROW_MEMORY));
}

sub linux_version {
    open my $file, '<', "$dir/linux/version" or die "$dir/linux/version: $! (make bench-linux)\n";
    chomp(my $version = <$file>);
    return $version;
}

# Returns whether every line ran and verified what it did, every goal is reached and every limit kept.
sub compare_exact {
    my (%results) = map { $_ => exact_results($_, $kernels{$_}) } sort keys %kernels;
    add_boot_lines($results{$_}, $_, $kernels{$_}) for sort keys %kernels;
    my @rows = Report::join_results(@results{qw(linux boxwork)}, Report::goals());
    $_->{unit} =~ s/^ns$/instr/ for @rows;
    my $text = "One CPU, instructions of one operation. Linux: " . linux_version() . "\n\n"
        . Report::table('linux', 'boxwork', grep { $_->{name} !~ /^grow\./ } @rows) . "\n"
        . Report::growth_table(%results) . Report::failures_text(%results);
    Report::write_text("$dir/exact.txt", $text);
    Report::write_tsv("$dir/exact.tsv", 'linux', 'boxwork', @rows);
    Report::chart_ratios("$dir/exact.svg", 'Instructions, Boxwork / Linux', @rows);
    for my $kind (map { $_->[0] } Report::read_tsv('tests/bench/growth.tsv')) {
        Report::chart_growth("$dir/grow-$kind.svg", $kind, %results);
    }
    Report::write_text("$dir/limits.txt", limits_text($results{boxwork}));
    my $unmet = Report::unmet_text(\@rows, $results{boxwork});
    print $text, $unmet;
    return $unmet eq '' && !grep { %{ $results{$_}{failed} } } keys %results;
}

sub wall_results {
    my ($system, $cpus) = @_;
    my $kernel = $kernels{$system};
    return Report::least(
        map { boot($system, $kernel, 'wall', ['@wall'], cpus => $cpus) } 1 .. $WALL_BOOTS);
}

sub compare_wall {
    my ($cpus) = @_;
    my %results = map { $_ => wall_results($_, $cpus) } sort keys %kernels;
    my @rows = Report::join_results(@results{qw(linux boxwork)}, {});
    my $text = "By the clock, $cpus CPUs, the least of $WALL_BOOTS boots\n\n"
        . Report::table('linux', 'boxwork', @rows) . Report::failures_text(%results);
    Report::write_text("$dir/wall-$cpus.txt", $text);
    Report::write_tsv("$dir/wall-$cpus.tsv", 'linux', 'boxwork', @rows);
    Report::chart_ratios("$dir/wall-$cpus.svg", "Time with $cpus CPUs, Boxwork / Linux", @rows);
    print "\n$text";
    return !grep { %{ $results{$_}{failed} } } keys %results;
}

sub compare_walls {
    die "bench.pl wall: with how many CPUs? Name one number or more, from 1 to 64\n"
        if grep { !/^\d+$/ || $_ < 1 || $_ > 64 } @_;
    my $good = 1;
    $good = compare_wall($_) && $good for @_;
    return $good;
}

sub compare_all {
    my $good = compare_exact();
    return compare_walls(1, 2, 4) && $good;
}

# The kernel of another revision, built in a working tree of its own.
sub build_base {
    my ($revision) = @_;
    my $tree = "$dir/base";
    if (!-d $tree) {
        system('git', 'worktree', 'prune');
        system('git', 'worktree', 'add', '--detach', $tree, $revision) == 0
            or die "no revision $revision\n";
    }
    system('git', '-C', $tree, 'checkout', '--quiet', '--detach', $revision) == 0
        or die "no revision $revision\n";
    system('make', '--no-print-directory', '-C', $tree, 'kernel') == 0
        or die "$revision does not build\n";
    return "$tree/build/boxwork.elf";
}

sub compare_base {
    my ($revision) = @_;
    my $base = build_base($revision);
    my @patterns = ('@budget', '@grow');
    my ($before, $after) =
        map { boot('boxwork', $_, 'exact', \@patterns, memory => $GROW_MEMORY) }
        $base, $kernels{boxwork};
    my @rows = Report::join_results($before, $after, {});
    $_->{unit} =~ s/^ns$/instr/ for @rows;
    my $text = Report::table($revision, 'this tree', @rows)
        . Report::failures_text(base => $before, this => $after);
    Report::write_text("$dir/base.txt", $text);
    Report::write_tsv("$dir/base.tsv", $revision, 'this', @rows);
    print $text;
    return !%{ $after->{failed} };
}

# What the budget watches: all lines and how they grow, but time by the clock, which is the host's as much as the kernel's.
# $memory is what the machine must boot with, in MiB.
sub budget_results {
    my ($system, $memory) = @_;
    my $kernel = $kernels{$system};
    my $results = boot($system, $kernel, 'exact', ['@budget']);
    merge($results, boot($system, $kernel, 'exact', ['@grow'], memory => $GROW_MEMORY)) if $system eq 'boxwork';
    add_line($results, 'boot.instructions', 1, boot_instructions($system, $kernel), 'ns');
    return $results if $system ne 'boxwork';
    add_line($results, 'boot.least_memory', 1, $memory, 'MiB') if boots_with($system, $kernel, $memory);
    add_line($results, 'boot.image', 1, (-s $kernel) / 1024, 'KiB');
    return $results;
}

sub rebase {
    my ($boxwork, $linux) =
        (budget_results('boxwork', least_memory('boxwork', $kernels{boxwork})), budget_results('linux'));
    print Report::failures_text(boxwork => $boxwork, linux => $linux);
    return 0 if %{ $boxwork->{failed} } || %{ $linux->{failed} };
    Report::write_text('tests/bench/budget.tsv',
        "# What one operation of each line costs Boxwork, in instructions (idle.memory: bytes, boot: as named): as measured; the\n"
        . "# most that it may; the least that it ever was. A figure that rises has its reason in docs/decisions/0008-budgets.md.\n"
        . Budget::text_of($boxwork, Budget::read_budget()));
    Report::write_text('tests/bench/linux.tsv', '# The same of Linux, ' . linux_version() . ".\n"
        . join '', map { sprintf "%s\t%.1f\n", $_, $linux->{lines}{$_}{value} } grep { $_ ne 'boot.counter' } @{ $linux->{order} });
    my $unexplained = Budget::unexplained(Budget::decision(), Budget::read_budget());
    print $unexplained;
    return $unexplained eq '';
}

# Fails where a line is dearer than its limit, misses its goal, failed, is missing or has no budget, where a limit of growth
# is not kept, and where a budget rose without its reason.
sub check_budget {
    my @budget = Budget::read_budget();
    my ($memory) = map { $_->{budget} } grep { $_->{name} eq 'boot.least_memory' } @budget;
    my %linux = map { @$_[0, 1] } Report::read_tsv('tests/bench/linux.tsv');
    my $results = budget_results('boxwork', int($memory));
    my @rows = Budget::judge(\@budget, $results, \%linux, Report::goals());
    my $bad = Report::failures_text(boxwork => $results)
        . Budget::unexplained(Budget::decision(), @budget)
        . join '', map { "NOT KEPT: the limit of growth of $_->{kind}\n" } grep { $_->{met} ne 'yes' } Report::growth_rows($results);
    print Budget::table(@rows), "\n", Report::growth_table(boxwork => $results), $bad;
    return $bad eq '' && !grep { Budget::is_bad($_) } @rows;
}

# The least that each line can cost, beside what it costs.
sub show_limits {
    my $results = boot('boxwork', $kernels{boxwork}, 'exact', ['@budget']);
    add_line($results, 'boot.instructions', 1, boot_instructions('boxwork', $kernels{boxwork}), 'ns');
    print limits_text($results), Report::failures_text(boxwork => $results);
    return !%{ $results->{failed} };
}

sub limits_text {
    my ($results) = @_;
    my ($parts, $limits) = Limits::read_limits('tests/bench/limits.tsv');
    my $symbols = Profile::symbols('build/boxwork.full', "$dir/bench");
    for my $limit (grep { $_->{counted} } @$limits) {
        print STDERR "  COUNT   $limit->{name}\n";
        $limit->{own} = Profile::own_instructions($dir, 'build/boxwork', $symbols, $limit->{counted});
    }
    my %measured = map { $_ => $results->{lines}{$_}{value} } @{ $results->{order} };
    return Limits::parts_table(@$parts) . "\n" . Limits::table(\%measured, @$limits);
}

sub run_lines {
    my ($system, $mode, @patterns) = @_;
    die "bench.pl run: there is no system $system; there are boxwork and linux\n" unless $kernels{ $system // '' };
    die "bench.pl run: the mode is exact or wall\n" unless ($mode // '') =~ /^(exact|wall)$/;
    for my $pattern (@patterns) {
        die "bench.pl run: $pattern: there are the groups \@all \@budget \@wall \@grow \@first\n"
            if $pattern =~ /^\@/ && $pattern !~ /^\@(all|budget|wall|grow|first)$/;
        die "bench.pl run: $pattern is no line\n" if $pattern =~ /^(exact|wall)$/;
    }
    my $results = boot($system, $kernels{$system}, $mode, \@patterns);
    printf "%-26s %10d %16.1f %s\n", $_, @{ $results->{lines}{$_} }{qw(count value unit)}
        for @{ $results->{order} };
    print Report::failures_text($system => $results);
    die "no line is called @patterns\n" unless grep { $_ ne 'boot.counter' } @{ $results->{order} };
    return !%{ $results->{failed} };
}

# Each command: what does it, and the least and the most that it takes behind its name.
my %commands = (
    compare  => [ \&compare_all, 0, 0 ],
    exact    => [ \&compare_exact, 0, 0 ],
    wall     => [ \&compare_walls, 1, 64 ],
    base     => [ \&compare_base, 1, 1 ],
    budget   => [ \&check_budget, 0, 0 ],
    rebase   => [ \&rebase, 0, 0 ],
    limits   => [ \&show_limits, 0, 0 ],
    document => [ sub { Report::document($dir, 'docs/performance.md'); 1 }, 0, 0 ],
    profile  => [ sub { Profile::show($dir, 'build/boxwork', @_); 1 }, 1, 1 ],
    run      => [ \&run_lines, 3, 64 ],
);
die "usage: bench.pl DIRECTORY compare|exact|wall CPUS...|base REVISION|budget|rebase|limits|document|profile LINE|"
    . "run SYSTEM exact|wall PATTERN...\n"
    unless $commands{ $command // '' };
my ($do, $least, $most) = @{ $commands{$command} };
die "bench.pl $command: takes " . ($least == $most ? $least : "$least to $most") . " words, not " . @arguments . "\n"
    if @arguments < $least || @arguments > $most;
exit($do->(@arguments) ? 0 : 1);
