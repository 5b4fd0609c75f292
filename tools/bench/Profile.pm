# SPDX-License-Identifier: MIT
# Profile.pm - where the instructions of a line go, by the counting plugin; and what runs before the first program.
package Profile;

use strict;
use warnings;
use Machine;

# The functions of an ELF file, by address: a sorted list of [address, name].
sub symbols {
    my (@files) = @_;
    my @found;
    for my $file (@files) {
        open my $nm, '-|', 'nm', '-n', '--defined-only', $file or die "nm: $!\n";
        while (<$nm>) {
            push @found, [ hex $1, $2 ] if /^([0-9a-f]+) [tTwW] (\S+)$/;
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

# The function that an address is in. What is far from every symbol is another program's.
sub name_of {
    my ($symbols, $address) = @_;
    my ($low, $high) = (0, scalar @$symbols);
    while ($low < $high) {
        my $middle = int(($low + $high) / 2);
        if ($symbols->[$middle][0] <= $address) { $low = $middle + 1 } else { $high = $middle }
    }
    return 'elsewhere' if $low == 0 || $address - $symbols->[ $low - 1 ][0] > 0x100000;
    return $symbols->[ $low - 1 ][1];
}

# Reads what the plugin wrote: (reached => {address => instructions}, blocks => [[address, runs, instructions]]).
sub read_counts {
    my ($path) = @_;
    my %counts = (reached => {}, blocks => []);
    open my $file, '<', $path or die "$path: $!\n";
    while (<$file>) {
        my @words = split;
        if ($words[0] eq 'at') { $counts{reached}{ hex $words[1] } = $words[2] }
        else { no warnings 'portable'; push @{ $counts{blocks} }, [ hex $words[0], @words[1, 2] ] }
    }
    return \%counts;
}

# Prints the functions of one line of the benchmark, the dearest first: instructions of one operation.
sub show {
    my ($dir, $kernel, $line) = @_;
    no warnings 'portable';
    my $symbols = symbols("$kernel.full", "$dir/bench");
    my $out = "$dir/run/profile.counts";
    my $plugin = sprintf '%s/count.so,out=%s,start=%s,stop=%s', $dir, $out,
        address_of($symbols, 'timer_start'), address_of($symbols, 'timer_stop');
    my $results = Machine::boot(
        dir => $dir, name => 'profile', system => 'boxwork', kernel => "$kernel.elf", mode => 'exact',
        patterns => [$line], plugin => $plugin,
    );
    print map { "$_: $results->{failed}{$_}\n" } sort keys %{ $results->{failed} };
    my ($name) = grep { $_ ne 'boot.counter' } @{ $results->{order} } or die "no line is called $line\n";
    my ($count, $value) = @{ $results->{lines}{$name} }{qw(count value)};
    printf "%s: %.1f instructions, %d times\n\n%9s %6s %9s  %s\n", $name, $value, $count, 'each', '%', 'blocks',
        'function';
    my (%instructions, %runs, $total);
    for my $block (@{ read_counts($out)->{blocks} }) {
        my $function = name_of($symbols, $block->[0]);
        $instructions{$function} += $block->[2];
        $runs{$function} += $block->[1];
        $total += $block->[2];
    }
    for my $function (sort { $instructions{$b} <=> $instructions{$a} || $a cmp $b } keys %instructions) {
        my $share = 100 * $instructions{$function} / $total;
        last if $share < 0.2;
        printf "%9.1f %6.1f %9.1f  %s\n", $instructions{$function} / $count, $share, $runs{$function} / $count,
            $function;
    }
}

1;
