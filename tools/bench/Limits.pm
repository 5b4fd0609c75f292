# SPDX-License-Identifier: MIT
# Limits.pm - the least that each line can cost, from tests/bench/limits.tsv.
package Limits;

use strict;
use warnings;
use Report;

# The value of a sum of parts, like "2*call + page". Parts are a hash: name to number.
sub value_of {
    my ($sum, $parts) = @_;
    my $numbers = $sum =~ s/([a-z]+)/$parts->{$1} \/\/ die "limits.tsv: no part is called $1\n"/ger;
    die "limits.tsv: $sum: no sum of parts\n" unless $numbers =~ /^[\d.]+(?: ?[+*] ?[\d.]+)*$/;
    my $value = 0;
    for my $product (split /\s*\+\s*/, $numbers) {
        my $factor = 1;
        $factor *= $_ for split /\s*\*\s*/, $product;
        $value += $factor;
    }
    return $value;
}

# The parts, in order (hashes: name, sum, value, what), and the lines (hashes: name; own, a number, or counted, the line to
# count; sum and what it comes to for the kernel; why).
sub read_limits {
    my ($path) = @_;
    my (%values, %seen, @parts, @limits);
    for (Report::read_tsv($path)) {
        my ($kind, $name, @rest) = @$_;
        die "$path: $kind: a row is a part or a line\n" unless $kind =~ /^(part|line)$/;
        die "$path: $kind $name stands twice\n" if $seen{"$kind $name"}++;
        if ($kind eq 'part') {
            $values{$name} = value_of($rest[0], \%values);
            push @parts, { name => $name, sum => $rest[0], value => $values{$name}, what => $rest[1] };
            next;
        }
        my ($own, $sum, $why) = @rest;
        my %limit = (name => $name, sum => $sum, why => $why // '', kernel => value_of($sum, \%values));
        if ($own =~ /^counted ?(.*)$/) { $limit{counted} = $1 || $name } else { $limit{own} = $own }
        push @limits, \%limit;
    }
    return (\@parts, \@limits);
}

sub parts_table {
    my $text = sprintf "%-10s %6s  %s\n", 'part', 'instr', 'what';
    for my $part (@_) {
        my $sum = $part->{sum} =~ /[a-z]/ ? "$part->{sum}: " : '';
        $text .= sprintf "%-10s %6d  %s\n", $part->{name}, $part->{value}, "$sum$part->{what}";
    }
    return $text;
}

# The limits against what was measured (line to value).
sub table {
    my ($measured, @limits) = @_;
    my $text = sprintf "%-20s %11s %9s %11s %11s %6s  %s\n", 'line', 'program', 'kernel', 'shortest', 'boxwork', 'times',
        'the kernel\'s part';
    for my $limit (@limits) {
        my $shortest = $limit->{own} + $limit->{kernel};
        my $value = $measured->{ $limit->{name} };
        $text .= sprintf "%-20s %11s %9s %11s %11s %6s  %s\n", $limit->{name},
            map({ Report::whole($_) } $limit->{own}, $limit->{kernel}, $shortest, $value),
            defined $value ? sprintf('%.1f', $value / $shortest) : '-', $limit->{sum};
    }
    return $text;
}

1;
