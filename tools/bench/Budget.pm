# SPDX-License-Identifier: MIT
# Budget.pm - what the lines may cost Boxwork: tests/bench/budget.tsv, held against a run.
#
# A row is a line: its name; what it cost when it was last measured anew (the budget); the most that it may cost, 5 % more;
# the least that it ever cost. A figure that rose above the least is explained in the decision about budgets.
package Budget;

use strict;
use warnings;
use Report;

my $TOLERANCE = 1.05; # what a line may cost above its budget
my $NOISE     = 1.01; # what a rebuilt kernel may move a line by, without a change that means to

my $PATH     = 'tests/bench/budget.tsv';
my $DECISION = 'docs/decisions/0008-budgets.md';

sub read_budget {
    return map { { name => $_->[0], budget => $_->[1], limit => $_->[2], least => $_->[3] } } Report::read_tsv($_[0] // $PATH);
}

sub figure { return sprintf $_[0] < 100 ? '%.2f' : '%.1f', $_[0] }

# The budget's text after a run: its figures, and for each the least of them and the old row's.
sub text_of {
    my ($results, @old) = @_;
    my %least = map { $_->{name} => $_->{least} } @old;
    my $text = '';
    for my $name (grep { $_ ne 'boot.counter' && !/^grow\./ } @{ $results->{order} }) {
        my $value = figure($results->{lines}{$name}{value});
        my $least = $least{$name} // $value;
        $least = $value if $value < $least;
        $text .= join("\t", $name, $value, figure($value * $TOLERANCE), $least) . "\n";
    }
    return $text;
}

# What the run says of each row of the budget, as hashes (name, budget, value, of, word): the word is WORSE past the limit,
# MISSED where a goal that must be reached is not, MISSING where nothing was measured. A line that was measured and has no
# budget is UNKNOWN. Linux's figures (line to value) are what goals are shares of.
sub judge {
    my ($budget, $results, $linux, $goals) = @_;
    my (@rows, %known);
    for my $row (@$budget) {
        my $name = $row->{name};
        my $value = $results->{lines}{$name}{value};
        my $goal = $goals->{$name};
        my $of = $linux->{ $goal ? $goal->{against} : $name };
        my $ratio = $of && defined $value ? $value / $of : undef;
        my $must = $goal && $goal->{kind} eq 'must';
        my $word = !defined $value ? 'MISSING'
            : $value > $row->{limit} ? 'WORSE'
            : $must && !Report::is_met($goal, $value, $ratio) ? 'MISSED'
            : $value < $row->{budget} / $TOLERANCE ? 'better'
            :                                        '';
        push @rows, { name => $name, budget => $row->{budget}, value => $value, of => $ratio, word => $word };
        $known{$name} = 1;
    }
    for my $name (grep { !$known{$_} && $_ ne 'boot.counter' && !/^grow\./ } @{ $results->{order} }) {
        push @rows, { name => $name, value => $results->{lines}{$name}{value}, word => 'UNKNOWN' };
    }
    return @rows;
}

sub is_bad { return $_[0]{word} =~ /^(MISSING|WORSE|MISSED|UNKNOWN)$/ }

sub table {
    my $text = sprintf "%-26s %14s %14s %-7s %12s\n", 'line', 'budget', 'measured', '', 'of Linux';
    for my $row (@_) {
        $text .= sprintf "%-26s %14s %14s %-7s %12s\n", $row->{name}, Report::grouped($row->{budget}),
            Report::grouped($row->{value}), $row->{word}, Report::ratio_text($row->{of});
    }
    return $text;
}

sub has_risen { return $_[0]{budget} > $_[0]{least} * $NOISE }

# Whether words like "clock +7, shares -2" add up to a rise, within what a rebuilt kernel moves.
sub adds_up {
    my ($why, $row) = @_;
    my $sum = 0;
    for my $part (split /, /, $why) {
        return 0 unless $part =~ /^[a-z][a-z. ]* ([-+]\d+)$/;
        $sum += $1;
    }
    return abs($sum - ($row->{budget} - $row->{least})) <= $row->{least} * ($NOISE - 1);
}

# What is wrong with the budget itself, a line each: a limit that is no longer 5 % above its budget, and a figure above the least
# that the line ever cost without a row `| line | least | budget | cause +n, cause -n |` in the decision's table, whose parts add up.
sub unexplained {
    my ($decision, @budget) = @_;
    my @problems;
    for my $row (@budget) {
        my ($name, $budget, $least) = @$row{qw(name budget least)};
        push @problems, "$name: the limit is not 5 % above the budget\n" if abs($row->{limit} - $budget * $TOLERANCE) > 0.06;
        push @problems, "$name: the budget is below the least\n" if $budget < $least;
        next unless has_risen($row);
        push @problems, "$name: rose from $least to $budget, and $DECISION does not say why\n"
            unless $decision =~ /^\| \Q$name\E \| \Q$least\E \| \Q$budget\E \| (.+) \|$/m && adds_up($1, $row);
    }
    return join '', @problems;
}

sub decision { return Report::read_text($DECISION) }

1;
