#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# documents.t - the pages of docs/proc, docs/notes.md and docs/man say what the tables in the sources say: every file of /proc, every
# ctl command with its words and rights, every key of a quota, every type of note, and one example of libbox.
use strict;
use warnings;
use Test::More;

sub slurp { my ($name) = @_; open my $file, '<', $name or die "$name: $!\n"; local $/; return <$file> }

# The text of a table in a source, from its name to the line that closes it.
sub table {
    my ($source, $name) = @_;
    my ($text) = slurp($source) =~ /\b\Q$name\E\[\] = \{\n(.*?)\n\};/s;
    die "$source has no table $name\n" unless defined $text;
    return $text;
}

# The names of the files in a table of /proc.
sub files { return table(@_) =~ /(?:\.name = |\b[A-Z_]+\(\s*)"([^"]+)"/g }

# The rows of the Markdown tables in a text, as lists of cells; \| is a bar in a cell.
sub rows {
    my ($text) = @_;
    my @lines = grep { !/^\|[-|: ]+\|$/ } grep { /^\|.*\|$/ } split /\n/, $text;
    return map { [map { s/^\s+|\s+$//gr =~ s/\\\|/|/gr } split /(?<!\\)\|/, substr($_, 1, -1), -1] } @lines;
}

sub quoted { return $_[0] =~ /`([^`]+)`/g }

sub same {
    my ($got, $wanted, $fact) = @_;
    my %got = map { $_ => 1 } @$got;
    my %wanted = map { $_ => 1 } @$wanted;
    my @missing = grep { !$got{$_} } sort keys %wanted;
    my @more = grep { !$wanted{$_} } sort keys %got;
    ok(@$wanted > 1 && !@missing && !@more, $fact) or diag "missing: @missing; too many: @more";
}

# --- /proc ---
my $readme = slurp('docs/proc/README.md');
{
    my @entries = files('kernel/fs/procfs/pid.c', 'pid_entries');
    my @pages = map { m{/(\w+)\.md$} } glob 'docs/proc/*.md';
    same([grep { !/^(?:README|machine|new)$/ } @pages], \@entries, 'each file of /proc/PID has a page, and each page a file');
    my @wrong = grep { slurp("docs/proc/$_.md") !~ m{\A# /proc/(?:PID|HEAD)/\Q$_\E(?:/(?:TID/)?)?\n} } @entries;
    ok(!@wrong, 'which begins with its path') or diag "@wrong";
    same([map { s/\.md$//r } grep { /^\w+\.md$/ } $readme =~ /\]\(([^)]+)\)/g], [grep { $_ ne 'README' } @pages],
        'and all pages are listed');
}
{
    my %tables = ('' => 'root_entries', 'sys/kernel/' => 'kernel_entries', 'sys/vm/' => 'vm_entries', 'sys/fs/' => 'sys_fs_entries');
    my (@files, @said);
    for my $prefix (keys %tables) {
        push @files, map { "$prefix$_" } files('kernel/fs/procfs/root.c', $tables{$prefix});
    }
    my ($links, $rest) = map { my $want = $_; [grep { /^(?:new|self|thread-self)$/ ? !$want : $want } @files] } 0, 1;
    for (rows(slurp('docs/proc/machine.md'))) {
        my ($names, $text) = @$_;
        for my $name (quoted($names)) {
            push @said, $name =~ s/…$// ? map { "$name$_" } split ' ', (quoted($text))[0] : $name;
        }
    }
    same(\@said, [grep { $_ ne 'sys' } @$rest], 'each file about the machine stands in machine.md, and is there');
    my @missing = grep { $readme !~ m{(?:`/proc/|\[)\Q$_\E[`\]]} } @$links;
    ok(@$links == 3 && !@missing, 'new, self and thread-self stand in the list') or diag "@missing";
}

# --- ctl and quota ---
{
    # A line for each command: its name, how many words it takes, the right, who.
    my (@wanted, %said);
    for (slurp('abi/ctl.h') =~ /^    CTL_COMMAND\((.*?)\)(?: \\)?$/mg) {
        my ($name, $arguments, $right, $where) = split /, /, $_, 4;
        my ($must, $may) = $arguments =~ /"([^?"]*)\??([^"]*)"/;
        my $most = ("$must$may" =~ /\*/) ? 'any' : length "$must$may";
        push @wanted, join ' ', $name, length($must =~ s/\*//r), $most, $right eq 'CTL_STEER' ? 'w' : 'x',
            ($where =~ /SPENDS/ ? 'spends ' : '') . ($where =~ /INSIDE/ ? 'inside' : 'outside');
    }
    for (rows(slurp('docs/proc/ctl.md'))) {
        my ($usage, undef, $right, $inside) = @$_;
        my ($name, @words) = split ' ', ($usage =~ /^`(.*)`$/)[0] // next;
        my $least = grep { !/^\[/ && !/…$/ } @words;
        my $most = grep({ /…$/ } @words) ? 'any' : @words;
        my $said = $said{$name} //= { least => $least, most => $most };
        $said->{least} = $least if $least < $said->{least};
        $said->{most} = $most if $most eq 'any' || $most > $said->{most};
        $said->{rest} = join ' ', substr($right, 0, 1), ($right =~ /¹/ ? 'spends ' : '') . ($inside eq 'no' ? 'outside' : 'inside');
    }
    same([map { "$_ $said{$_}{least} $said{$_}{most} $said{$_}{rest}" } keys %said], \@wanted,
        'the commands of ctl.md are those of abi/ctl.h, with as many words, the right, and who may');
    my @keys = slurp('abi/ctl.h') =~ /^    QUOTA_KEY\((\w+), \w+\)/mg;
    my ($table) = slurp('docs/proc/quota.md') =~ /^(\| key .*?)\n\n/ms;
    my (undef, @quota) = rows($table);
    same([map { quoted($_->[0]) } @quota], \@keys, 'and the keys of quota.md');
}

# --- Notes ---
{
    my $text = slurp('docs/notes.md');
    my ($types) = $text =~ /^(\| type .*?)\n\n/ms;
    my @said;
    for (rows($types)) {
        my @cells = @$_;
        push @said, join ' ', @cells[0 .. 2] if $cells[0] =~ /^`/;
        push @said, join ' ', @cells[3 .. 5] if $cells[3] =~ /^`/;
    }
    my @wanted = map { my ($signal, $type, $may) = @$_; "`$type` $signal " . ($may eq 'true' ? 'yes' : 'no') }
        map { [/^NOTE\((\w+), "(\w+)", (\w+)\)$/] } slurp('abi/notes.def') =~ /^(NOTE\(.*)$/mg;
    same(\@said, \@wanted, 'the types of docs/notes.md are those of abi/notes.def');
    my %numbers = reverse slurp('abi/signal.h') =~ /^#define (SIG[A-Z0-9]+) (\d+)$/mg;
    my @none = grep { $_ && $_ < 32 && "@wanted" !~ / $numbers{$_} / } keys %numbers;
    my ($sentence) = $text =~ /^(Real-time signals.* no type.*)$/m;
    ok(defined $sentence && !grep({ $sentence !~ /\b$numbers{$_}\b/ } @none), 'and what has no type is said')
        or diag map { "$numbers{$_} " } @none;
}

# --- The example of libbox ---
{
    my $wanted = qr/(struct box box;\n.*?box_close\(&box\);)/s;
    my ($page) = slurp('docs/man/libbox.3') =~ $wanted;
    my ($header) = slurp('user/libbox/box.h') =~ s{^//(?: {5})?}{}mgr =~ $wanted;
    my ($test) = slurp('tests/vm/test_libbox.c') =~ s/^    //mgr =~ $wanted;
    $page = $page =~ s/\\e/\\/gr =~ s/^\t/    /mgr;
    ok(defined $test && $header eq $test, 'the example at the head of box.h is the one that a test runs')
        or diag $header, "\n", $test;
    is($page, $test, 'and that of libbox.3 too');
}

# --- The record as JSON ---
{
    my @launcher = slurp('host/report.c') =~ /\.key = "(\w+)"/g;
    my @box = slurp('user/box/report.c') =~ /,\\"(\w+_(?:ns|peak|bytes))\\":/g;
    is("@box", "@launcher", 'the figures of the launcher\'s record and of box run\'s have the same keys, in one order');
    ok(@box == 7, 'which are seven');
}

# --- The checks are checked ---
is_deeply([rows("text\n| a | `b` |\n|---|---|\n| c \\| d | |\n")], [['a', '`b`'], ['c | d', '']], 'rows of a table are found');
done_testing();
