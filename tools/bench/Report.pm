# SPDX-License-Identifier: MIT
# Report.pm - tables, TSV and charts of what was measured.
#
# Results of a system are a hash: lines (by name: count, value, unit), order, failed (by name: why).
package Report;

use strict;
use warnings;

# The lines of a file of words between tabs, without comments.
sub read_tsv {
    my ($path) = @_;
    my @rows;
    open my $file, '<', $path or die "$path: $!\n";
    while (my $line = <$file>) {
        chomp $line;
        push @rows, [ split /\t/, $line ] unless $line =~ /^\s*(#|$)/;
    }
    return @rows;
}

# By line: the share of Linux's figure or the most of the line's own (neither where there is no figure), must or aim, the line
# of Linux to compare with.
sub goals {
    my %goals;
    for (read_tsv('tests/bench/goals.tsv')) {
        my ($line, $figure, $kind, $against) = @$_;
        my %goal = (kind => $kind, against => $against // $line);
        if ($figure =~ /^=(.*)/) { $goal{most} = $1 } elsif ($figure ne '-') { $goal{share} = $figure }
        $goals{$line} = \%goal;
    }
    return \%goals;
}

# Whether a goal is met by a value and its share of Linux's; undef where it has no figure or nothing was measured.
sub is_met {
    my ($goal, $value, $share) = @_;
    return defined $value ? $value <= $goal->{most} : undef if defined $goal->{most};
    return defined $goal->{share} && defined $share ? $share <= $goal->{share} : undef;
}

# Joins two results line by line: a list of hashes (name, unit, first, second, ratio, and goal and
# met where there is one). The order is the first one's; what only the second has comes after it.
sub join_results {
    my ($first, $second, $goals) = @_;
    my (@rows, %seen);
    for my $name (grep { !$seen{$_}++ } @{ $first->{order} }, @{ $second->{order} }) {
        my $goal = $goals->{$name};
        my $against = $goal ? $goal->{against} : $name;
        next if $name eq 'boot.counter';
        my %row = (
            name   => $name,
            first  => $first->{lines}{$against}{value},
            second => $second->{lines}{$name}{value},
            unit   => ($second->{lines}{$name} // $first->{lines}{$name})->{unit},
        );
        $row{ratio} = $row{second} / $row{first} if defined $row{second} && $row{first};
        my $met = $goal ? is_met($goal, @row{qw(second ratio)}) : undef;
        if (defined $met) {
            $row{goal} = $goal->{share} // grouped($goal->{most});
            $row{met} = $met ? 'yes' : $goal->{kind} eq 'must' ? 'NO' : 'not yet';
        }
        push @rows, \%row;
    }
    return @rows;
}

sub grouped {
    my ($value) = @_;
    return '-' unless defined $value;
    my $text = $value < 100 ? sprintf '%.1f', $value : sprintf '%.0f', $value;
    1 while $text =~ s/^(\d+)(\d{3})/$1,$2/;
    return $text;
}

sub whole {
    my ($value) = @_;
    return defined $value ? grouped(int($value + 0.5) + 0) =~ s/\.0$//r : '-';
}

sub ratio_text {
    my ($ratio) = @_;
    return defined $ratio ? sprintf('%.3f', $ratio) : '-';
}

sub table {
    my ($first_name, $second_name, @rows) = @_;
    my $text = sprintf "%-26s %16s %16s  %-6s %7s %6s %s\n", 'line', $first_name, $second_name,
        'unit', 'ratio', 'goal', 'met';
    for my $row (@rows) {
        $text .= sprintf "%-26s %16s %16s  %-6s %7s %6s %s\n", $row->{name},
            grouped($row->{first}), grouped($row->{second}), $row->{unit},
            ratio_text($row->{ratio}), $row->{goal} // '', $row->{met} // '';
    }
    return $text =~ s/ +$//mgr;
}

sub failures_text {
    my (%results) = @_;
    my $text = '';
    for my $system (sort keys %results) {
        my $failed = $results{$system}{failed};
        $text .= "FAILED on $system: $_: $failed->{$_}\n" for sort keys %$failed;
    }
    return $text;
}

sub write_text {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print $file $text;
    close $file or die "$path: $!\n";
}

sub write_tsv {
    my ($path, $first_name, $second_name, @rows) = @_;
    my $text = join("\t", 'line', 'unit', $first_name, $second_name, 'ratio') . "\n";
    for my $row (@rows) {
        my @values = map { $_ // '-' } @$row{qw(first second)};
        my $ratio = defined $row->{ratio} ? sprintf('%.4f', $row->{ratio}) : '-';
        $text .= join("\t", @$row{qw(name unit)}, @values, $ratio) . "\n";
    }
    write_text($path, $text);
}

# The least figure of each line over several boots of one system; a failure of one is a failure.
sub least {
    my ($first, @more) = @_;
    for my $other (@more) {
        for my $name (keys %{ $other->{lines} }) {
            my $line = $first->{lines}{$name} or next;
            my $value = $other->{lines}{$name}{value};
            $line->{value} = $value if $value < $line->{value};
        }
        $first->{failed}{$_} = $other->{failed}{$_} for keys %{ $other->{failed} };
    }
    return $first;
}

# The growth of one kind of cost: its values by size.
sub growth_of {
    my ($results, $kind) = @_;
    my %values;
    for my $name (@{ $results->{order} }) {
        $values{$1} = $results->{lines}{$name}{value} if $name =~ /^grow\.\Q$kind\E\.(\d+)$/;
    }
    return \%values;
}

# How much dearer one kind is at 10,000 than at 100; undef if it was not measured.
sub growth_factor {
    my ($results, $kind) = @_;
    my $values = growth_of($results, $kind);
    return $values->{100} && $values->{10000} ? $values->{10000} / $values->{100} : undef;
}

# The kinds whose limits Boxwork keeps, or does not: a list of hashes (kind, limit, met). What was
# not measured is not met.
sub growth_rows {
    my ($boxwork) = @_;
    my @rows;
    for (read_tsv('tests/bench/growth.tsv')) {
        my ($kind, $limit) = @$_;
        my $factor = growth_factor($boxwork, $kind);
        my $met = defined $factor && $factor <= $limit ? 'yes' : 'NO';
        push @rows, { kind => $kind, limit => $limit, met => $met };
    }
    return @rows;
}

sub growth_table {
    my (%results) = @_;
    my @systems = sort keys %results;
    my $text = sprintf "%-26s%s %6s %s\n", 'growth, 100 to 10,000',
        join('', map { sprintf '%10s', $_ } @systems), 'limit', 'met';
    for my $row (growth_rows($results{boxwork})) {
        my $cells = '';
        for my $system (@systems) {
            my $factor = growth_factor($results{$system}, $row->{kind});
            $cells .= sprintf '%10s', defined $factor ? sprintf('%.2f', $factor) : '-';
        }
        $text .= sprintf "%-26s%s %6s %s\n", $row->{kind}, $cells, @$row{qw(limit met)};
    }
    return $text;
}

# What a run must reach and has not, a line each: goals of lines (rows as join_results makes them),
# those that have no row among them, and limits of growth.
sub unmet_text {
    my ($rows, $boxwork) = @_;
    my $goals = goals();
    my %met = map { $_->{name} => $_->{met} // '' } @$rows;
    my @must = grep { $goals->{$_}{kind} eq 'must' } sort keys %$goals;
    my @text = map { "NOT REACHED: the goal of $_\n" } grep { ($met{$_} // '') ne 'yes' } @must;
    push @text, map { "NOT KEPT: the limit of growth of $_->{kind}\n" }
        grep { $_->{met} ne 'yes' } growth_rows($boxwork);
    return join '', @text;
}

# The ratios by the clock, a column for each number of CPUs.
sub wall_table {
    my ($dir) = @_;
    my (%ratios, @order);
    my @cpus = grep { -e "$dir/wall-$_.tsv" } 1, 2, 4;
    for my $cpus (@cpus) {
        for my $row (read_tsv("$dir/wall-$cpus.tsv")) {
            my ($name, $ratio) = @$row[0, 4];
            next if $name eq 'line' || ($ratio // '-') !~ /\d/;
            push @order, $name unless $ratios{$name};
            $ratios{$name}{$cpus} = sprintf '%.2f', $ratio;
        }
    }
    my $text = sprintf "%-26s%s\n", 'Boxwork / Linux', join '', map { sprintf '%8s', "$_ CPU" } @cpus;
    for my $name (@order) {
        my $cells = join '', map { sprintf '%8s', $ratios{$name}{$_} // '-' } @cpus;
        $text .= sprintf "%-26s%s\n", $name, $cells;
    }
    return $text;
}

sub read_text {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}

# Puts the tables of the last runs into a document, each between its two marks. What was not run stays
# as it is.
sub document {
    my ($dir, $path) = @_;
    my $text = read_text($path);
    my %tables;
    for my $name (grep { -e "$dir/$_.txt" } qw(exact limits)) {
        $tables{$name} = read_text("$dir/$name.txt");
    }
    $tables{wall} = wall_table($dir) if glob "$dir/wall-*.tsv";
    for my $name (sort keys %tables) {
        $text =~ s/(<!-- $name -->\n```\n).*?(```\n<!-- end -->)/$1$tables{$name}$2/s
            or die "$path has no place for $name\n";
    }
    write_text($path, $text);
}

sub gnuplot {
    my ($script) = @_;
    open my $gnuplot, '|-', 'gnuplot' or die "gnuplot: $!\n";
    print $gnuplot $script;
    close $gnuplot or die "gnuplot failed\n";
}

# A bar for each line: Boxwork's share of Linux's cost.
sub chart_ratios {
    my ($path, $title, @rows) = @_;
    my @bars = grep { defined $_->{ratio} && $_->{name} !~ /^grow\./ } @rows;
    return unless @bars;
    my $number = @bars;
    my $data = join '',
        map { sprintf "\"%s\" %g %d\n", @{ $bars[$_] }{qw(name ratio)}, $number - $_ } 0 .. $#bars;
    my $height = 60 + 18 * @bars;
    gnuplot(<<"END");
set terminal svg size 900,$height font 'sans,11' noenhanced
set output '$path'
set title '$title'
\$data << EOD
${data}EOD
set xrange [0:1.3]
set yrange [0:$number+1]
set grid x
set arrow from 1,graph 0 to 1,graph 1 nohead dt 2
set lmargin 28
unset key
set style fill solid 0.7
shown(x) = x > 1.3 ? 1.3 : x
plot \$data using (0):3:(0):(shown(\$2)):(\$3-0.35):(\$3+0.35):ytic(1) \\
    with boxxyerror lc rgb '#4477aa'
END
}

# Cost against size for one kind, of each system.
sub chart_growth {
    my ($path, $kind, %results) = @_;
    my ($blocks, @plots) = ('');
    for my $system (sort keys %results) {
        my $values = growth_of($results{$system}, $kind);
        next unless %$values;
        my @points = map { "$_ $values->{$_}\n" } sort { $a <=> $b } keys %$values;
        $blocks .= "\$$system << EOD\n" . join('', @points) . "EOD\n";
        push @plots, "\$$system using 1:2 with linespoints lw 2 title '$system'";
    }
    return unless @plots;
    my $plots = join ', ', @plots;
    gnuplot(<<"END");
set terminal svg size 640,400 font 'sans,11' noenhanced
set output '$path'
set title '$kind: instructions of one operation'
set logscale xy
set xrange [0.8:12500]
set grid
set key top left
set xlabel 'how many there are'
${blocks}plot $plots
END
}

1;
