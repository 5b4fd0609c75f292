# SPDX-License-Identifier: MIT
# Profile.pm - where the instructions of a line go, by the counting plugin.
package Profile;

use strict;
use warnings;
no warnings 'portable'; # addresses have 64 bits
use Machine;

# The functions of ELF files: a list of [address, name], sorted by address.
sub symbols {
    my (@files) = @_;
    my @found;
    for my $file (@files) {
        open my $nm, "-|", "nm", "-n", "--defined-only", $file or die "nm: $!\n";
        while (my $line = <$nm>) {
            push @found, [ hex $1, $2 ] if $line =~ /^([0-9a-f]+) [tTwW] (\S+)$/;
        }
        close $nm or die "nm failed for $file\n";
    }
    return [ sort { $a->[0] <=> $b->[0] } @found ];
}

sub address_of {
    my ($symbols, $name) = @_;
    my ($entry) = grep { $_->[1] eq $name } @$symbols;
    die "no symbol $name\n" unless $entry;
    return sprintf '%x', $entry->[0];
}

# The last function at or below an address: [address, name]. What is far from every symbol is
# another program's.
sub function_at {
    my ($symbols, $address) = @_;
    my ($low, $high) = (0, scalar @$symbols);
    while ($low < $high) {
        my $middle = int(($low + $high) / 2);
        if ($symbols->[$middle][0] <= $address) { $low = $middle + 1 } else { $high = $middle }
    }
    return [ 0, 'elsewhere' ] if $low == 0 || $address - $symbols->[ $low - 1 ][0] > 0x100000;
    return $symbols->[ $low - 1 ];
}

# Reads what the plugin wrote: reached (address => instructions), blocks ([address, runs,
# instructions]), jumps ([from, to, times]).
sub read_counts {
    my ($path) = @_;
    my %counts = (reached => {}, blocks => [], jumps => []);
    open my $file, '<', $path or die "$path: $!\n";
    while (my $line = <$file>) {
        my @words = split ' ', $line;
        if ($words[0] eq 'at') {
            $counts{reached}{ hex $words[1] } = $words[2];
        } elsif ($words[0] eq 'from') {
            push @{ $counts{jumps} }, [ hex $words[1], hex $words[2], $words[3] ];
        } else {
            push @{ $counts{blocks} }, [ hex $words[0], @words[1, 2] ];
        }
    }
    return \%counts;
}

# Calls by function: jumps to a function's first instruction from another function.
sub callers_of {
    my ($symbols, $jumps) = @_;
    my %callers;
    for my $jump (@$jumps) {
        my $to = function_at($symbols, $jump->[1]);
        next if $to->[0] != $jump->[1];
        my $from = function_at($symbols, $jump->[0]);
        $callers{ $to->[1] }{ $from->[1] } += $jump->[2] if $from->[1] ne $to->[1];
    }
    return \%callers;
}

# The keys of a hash, those with the greatest values first.
sub by_value {
    my ($values) = @_;
    return sort { $values->{$b} <=> $values->{$a} || $a cmp $b } keys %$values;
}

sub callers_text {
    my ($callers, $count) = @_;
    my @names = by_value($callers);
    splice @names, 4 if @names > 4;
    return join ', ', map { sprintf '%s %.1f', $_, $callers->{$_} / $count } @names;
}

sub instructions_by_function {
    my ($symbols, $blocks) = @_;
    my %instructions;
    $instructions{ function_at($symbols, $_->[0])->[1] } += $_->[2] for @$blocks;
    return \%instructions;
}

# Runs one line under the plugin. Returns its count, its figure and what was counted.
sub measure {
    my ($dir, $kernel, $symbols, $line) = @_;
    my $out = "$dir/run/profile.counts";
    my $plugin = sprintf '%s/count.so,out=%s,start=%s,stop=%s,callers=1', $dir, $out,
        address_of($symbols, 'timer_start'), address_of($symbols, 'timer_stop');
    my $results = Machine::boot(
        dir => $dir, name => 'profile', system => 'boxwork', kernel => "$kernel.elf",
        mode => 'exact', patterns => [$line], plugin => $plugin,
    );
    print map { "$_: $results->{failed}{$_}\n" } sort keys %{ $results->{failed} };
    die "no line is called $line\n" unless $results->{lines}{$line};
    my $counts = read_counts($out);
    die "$line measures moments, not work between two moments: there is nothing to count\n" unless @{ $counts->{blocks} };
    return (@{ $results->{lines}{$line} }{qw(count value)}, $counts);
}

# The program's own instructions in one operation of a line: those below the kernel's half.
sub own_instructions {
    my ($dir, $kernel, $symbols, $line) = @_;
    my ($count, undef, $counts) = measure($dir, $kernel, $symbols, $line);
    my $own = 0;
    $own += $_->[2] for grep { $_->[0] < 1 << 47 } @{ $counts->{blocks} };
    return $own / $count;
}

# Prints the functions of one line of the benchmark, the dearest first: the instructions of one
# operation, and who calls the function how often in it.
sub show {
    my ($dir, $kernel, $line) = @_;
    my $symbols = symbols("$kernel.full", "$dir/bench");
    my ($count, $value, $counts) = measure($dir, $kernel, $symbols, $line);
    my $instructions = instructions_by_function($symbols, $counts->{blocks});
    my $callers = callers_of($symbols, $counts->{jumps});
    my $total = 0;
    $total += $_ for values %$instructions;
    printf "%s: %.1f instructions, %d times\n\n", $line, $value, $count;
    printf "%9s %6s  %-32s %s\n", 'each', '%', 'function', 'called by';
    my @functions = by_value($instructions);
    for my $function (@functions) {
        my $share = 100 * $instructions->{$function} / $total;
        last if $share < 0.3;
        printf "%9.1f %6.1f  %-32s %s\n", $instructions->{$function} / $count, $share, $function,
            callers_text($callers->{$function} // {}, $count);
    }
}

1;
