#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# bench.t - what the benchmark reports is judged: goals of lines, limits of growth, the budget and its rises, the shortest paths.
use strict;
use warnings;
use lib 'tools/bench';
use Budget;
use Limits;
use Report;
use Test::More;

# Results in which every goal is just reached, or every limit just kept.
sub good_rows {
    my $goals = Report::goals();
    return map { { name => $_, met => 'yes' } } grep { $goals->{$_}{kind} eq 'must' } sort keys %$goals;
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

# A goal that is the most of the line itself.
my %idle = (order => ['idle.memory'], lines => { 'idle.memory' => { value => 32768, unit => 'bytes' } });
for my $case ([ 32768, 'yes' ], [ 32769, 'not yet' ]) {
    my ($value, $met) = @$case;
    my %boxwork = (order => ['idle.memory'], lines => { 'idle.memory' => { value => $value, unit => 'bytes' } });
    my ($row) = Report::join_results(\%idle, \%boxwork, $goals);
    is($row->{met}, $met, "idle.memory of $value bytes: $met");
}

# The budget: every row measured as it stands, but one line.
my @budget = Budget::read_budget();
my %linux_figures = map { @$_[0, 1] } Report::read_tsv('tests/bench/linux.tsv');

sub judged {
    my ($name, $value) = @_;
    my %results = (order => [], lines => {});
    for my $row (@budget) {
        my $of_line = $row->{name} eq $name ? $value : $row->{budget};
        next unless defined $of_line;
        push @{ $results{order} }, $row->{name};
        $results{lines}{ $row->{name} } = { value => $of_line };
    }
    if (!grep { $_->{name} eq $name } @budget) {
        push @{ $results{order} }, $name;
        $results{lines}{$name} = { value => $value };
    }
    return join ' ', map { "$_->{name}:$_->{word}" } grep { $_->{word} ne '' } Budget::judge(\@budget, \%results, \%linux_figures, $goals);
}

for my $row (@budget) {
    my ($name, $budget) = @$row{qw(name budget)};
    is(judged($name, $budget), '', "$name as measured is within its budget");
    is(judged($name, $budget * 1.051), "$name:WORSE", "$name, 5.1 % dearer, is not");
    is(judged($name, undef), "$name:MISSING", "$name has to be measured");
    is(judged($name, $budget * 0.9), "$name:better", "$name, 10 % cheaper, is told");
}
is(judged('call.new', 100), 'call.new:UNKNOWN', 'a line has a budget');
ok(Budget::is_bad({ word => $_ }), "$_ fails") for qw(WORSE MISSING MISSED UNKNOWN);
ok(!Budget::is_bad({ word => $_ }), "'$_' does not") for ('', 'better');
{
    my @loose = ({ name => 'call.null', budget => 200, limit => 210, least => 100 });
    my %results = (order => ['call.null'], lines => { 'call.null' => { value => 200 } });
    my ($row) = Budget::judge(\@loose, \%results, { 'call.null' => 330 }, $goals);
    is($row->{word}, 'MISSED', 'a goal is missed, whatever the budget');
    ($row) = Budget::judge(\@loose, \%results, {}, $goals);
    is($row->{word}, 'MISSED', 'and where nothing of Linux is stored to compare with');
}

# A rise has its reason.
my @risen = ({ name => 'call.null', budget => '102.0', limit => '107.1', least => '100.0' });
my $why = "| line | least | budget | why |\n|---|---|---|---|\n| call.null | 100.0 | 102.0 | more +2 |\n";
is(Budget::unexplained($why, @risen), '', 'a rise that is explained');
like(Budget::unexplained('', @risen), qr/^call.null: rose from 100.0 to 102.0/, 'a rise that is not');
like(Budget::unexplained($why =~ s/102/103/r, @risen), qr/^call.null: rose/, 'the reason is of this figure');
like(Budget::unexplained($why =~ s/\+2/+5/r, @risen), qr/^call.null: rose/, 'its parts add up to the rise');
like(Budget::unexplained($why =~ s/more \+2/+2/r, @risen), qr/^call.null: rose/, 'a reason has words');
is(Budget::unexplained('', { %{ $risen[0] }, budget => '100.9', limit => '105.9' }), '', 'a rebuilt kernel moves a line by 1 %');
like(Budget::unexplained('', { %{ $risen[0] }, budget => '100.0', limit => '106.0' }), qr/limit/, 'a limit is 5 % above');
like(Budget::unexplained('', { %{ $risen[0] }, budget => '99.0', limit => '103.9' }), qr/least/, 'the least is the least');
is(Budget::unexplained(Budget::decision(), @budget), '', 'the budget of this tree is explained');
my %risen = map { $_->{name} => 1 } grep { Budget::has_risen($_) } @budget;
is(join(' ', grep { !$risen{$_} } Budget::decision() =~ /^\| ([a-z_.0-9]+\.[a-z_.0-9]+) \| \d/mg), '', 'and nothing is explained that did not rise');
{
    my %results = (order => [qw(boot.counter a b grow.x.1)], lines => { a => { value => 90 }, b => { value => 110 } });
    my $text = Budget::text_of(\%results, { name => 'a', least => '100.0' }, { name => 'b', least => '100.0' });
    is($text, "a\t90.00\t94.50\t90.00\nb\t110.0\t115.5\t100.0\n", 'a new budget keeps the least that there was');
}

# The shortest paths: sums of parts, one for each line that is measured on one CPU.
is(Limits::value_of('2*call + 3 + page*2', { call => 35, page => 512 }), 2 * 35 + 3 + 1024, 'a sum of parts');
is(eval { Limits::value_of('cal + 1', { call => 35 }) }, undef, 'a part has to be known');
is(eval { Limits::value_of('2 - 1', {}) }, undef, 'only sums are read');
my @limits = @{ (Limits::read_limits('tests/bench/limits.tsv'))[1] };
my %limited = map { $_->{name} => 1 } @limits;
my @measured = grep { !/^boot\.(least_memory|image)$/ } map { $_->{name} } @budget;
is(join(' ', grep { !$limited{$_} } @measured), '', 'each line has a shortest path');
my $lines = join '', map { Report::read_text($_) } glob 'tests/bench/lines_*.c';
is(join(' ', grep { $lines !~ /"\Q$_\E"/ && !/^boot\./ } keys %limited), '', 'and each shortest path a line');
my %budgeted = map { $_->{name} => 1 } @budget;
my @exact = map { /^\s+\{ "([^"]+)", .*\b(LINE_\w+.*)\},$/ ? [ $1, $2 ] : () } split /\n/, $lines;
@exact = map { $_->[0] } grep { $_->[1] !~ /LINE_(GROW|TWO_CPUS)/ } @exact;
ok(@exact > 45, 'the lines of one CPU are found in their tables');
is(join(' ', grep { !$budgeted{$_} } @exact), '', 'and each of them has a budget');
my ($null) = grep { $_->{name} eq 'call.null' } @limits;
is_deeply([ @$null{qw(counted kernel)} ], [ 'call.null', 39 ], 'the null call: its program is counted, its kernel 39');
like(Limits::table({ 'call.null' => 94 }, { %$null, own => 8 }), qr/^call\.null +8 +39 +47 +94 +2\.0 /m, 'as a table');

# The document has both tables whole.
my $document = Report::read_text('docs/performance.md');
my %told = map { $_ => $document =~ /<!-- $_ -->\n```\n(.*?)```/s ? $1 : '' } qw(exact limits);
is(join(' ', grep { $told{limits} !~ /^\Q$_\E /m } sort keys %limited), '', 'docs/performance.md has each shortest path');
is(join(' ', grep { $told{exact} !~ /^\Q$_\E /m } sort keys %budgeted), '', 'and each line');
done_testing();
