#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# bench.t - what the benchmark reports is judged: goals of lines, and limits of growth.
use strict;
use warnings;
use lib 'tools/bench';
use Report;
use Test::More;

# Results in which every goal is just reached, or every limit just kept.
sub good_rows {
    my $goals = Report::goals();
    return map { { name => $_, met => 'yes' } } grep { $goals->{$_}{ratio} ne '-' } sort keys %$goals;
}

sub good_growth {
    my %results = (lines => {}, order => [], failed => {});
    for (Report::read_tsv('tests/bench/growth.tsv')) {
        my ($kind, $limit) = @$_;
        push @{ $results{order} }, "grow.$kind.100", "grow.$kind.10000";
        $results{lines}{"grow.$kind.100"} = { value => 1000 };
        $results{lines}{"grow.$kind.10000"} = { value => 1000 * $limit };
    }
    return \%results;
}

my @kinds = map { $_->[0] } Report::read_tsv('tests/bench/growth.tsv');
is(Report::unmet_text([ good_rows() ], good_growth()), '', 'nothing is said where all is reached');

for my $kind (@kinds) {
    my $growth = good_growth();
    $growth->{lines}{"grow.$kind.10000"}{value} += 20;
    like(Report::unmet_text([ good_rows() ], $growth), qr/^NOT KEPT: .* $kind\n$/, "growth of $kind past its limit");
    @{ $growth->{order} } = grep { !/^grow\.\Q$kind\E\./ } @{ $growth->{order} };
    like(Report::unmet_text([ good_rows() ], $growth), qr/^NOT KEPT: .* $kind\n$/, "growth of $kind not measured");
}

my $goals = Report::goals();
for my $name (grep { $goals->{$_}{kind} eq 'must' } sort keys %$goals) {
    my @rows = map { $_->{name} eq $name ? { name => $name, met => 'NO' } : $_ } good_rows();
    like(Report::unmet_text(\@rows, good_growth()), qr/^NOT REACHED: .* \Q$name\E\n$/, "$name misses its goal");
    @rows = grep { $_->{name} ne $name } good_rows();
    like(Report::unmet_text(\@rows, good_growth()), qr/^NOT REACHED: .* \Q$name\E\n$/, "$name is not measured");
}

my %linux = (order => ['call.null'], lines => { 'call.null' => { value => 100, unit => 'ns' } });
for my $case ([ 35, 'yes' ], [ 36, 'NO' ]) {
    my ($value, $met) = @$case;
    my %boxwork = (order => ['call.null'], lines => { 'call.null' => { value => $value, unit => 'ns' } });
    my ($row) = Report::join_results(\%linux, \%boxwork, $goals);
    is($row->{met}, $met, "call.null at $value of 100: $met");
}
done_testing();
