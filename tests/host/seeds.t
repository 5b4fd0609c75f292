#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# seeds.t - the documents keep to what they say: docs/seeds.md, docs/notes.md, docs/man, the box by hand.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

my $dir  = tempdir(CLEANUP => 1);
my $root = getcwd();

sub slurp { my ($name) = @_; open my $file, '<', $name or die "$name: $!"; local $/; return <$file> }
sub spew { my ($name, $text) = @_; open my $file, '>', $name or die "$name: $!"; print $file $text; close $file }

# check(directory, words): exit code and output of check-seeds there.
sub check {
    my ($where, @words) = @_;
    my $out = `cd $where && $root/tools/check-seeds @words 2>&1`;
    return ($? >> 8, $out);
}

# --- The rows ---
{
    my ($code, $out) = check('.');
    ok($code == 0, 'every row of docs/seeds.md and docs/notes.md names cases that exist, and every name of the seeds has a row') or diag $out;
}
# --- The check is checked ---
make_path("$dir/docs", "$dir/tests/vm", "$dir/tests/host", "$dir/tap");
spew("$dir/tests/vm/test_a.c", qq{CASE("one thing")\n{\n}\nCASE_LIMIT("a long "\n     "fact", 5)\n{\n}\n});
spew("$dir/docs/notes.md", "nothing\n");
sub names { spew("$dir/tests/host/seed-names.txt", join '', map { "$_\n" } @_) }
sub rows { spew("$dir/docs/seeds.md", "| x | shown by |\n|---|---|\n" . join '', map { "| a `row` of it | $_ |\n" } @_) }
names('# a remark', 'row', 'a `row` of it');
rows('`a: one thing`', '`a: a long fact` `a: one thing`');
is((check($dir))[0], 0, 'cases that exist are found, in parts too');
rows('`a: another thing`');
is((check($dir))[0], 1, 'a case that does not exist is noticed');
rows('`b: one thing`');
is((check($dir))[0], 1, 'and a program that does not');
rows('one thing');
is((check($dir))[0], 1, 'and a row without a case');
rows('`a: one thing`');
names('row', 'column');
like((check($dir))[1], qr/column has no row/, 'and a name without a row');
names('ro');
is((check($dir))[0], 1, 'for which a part of a word is not enough');
names('row');
sub ran {
    my (%logs) = @_;
    unlink glob "$dir/tap/*";
    spew("$dir/tap/$_", $logs{$_}) for keys %logs;
    return (check($dir, '--ran', 'tap'))[0];
}
is(ran('a.2.tap' => "ok 1 - one thing # 12 ms\n1..1\n"), 0, 'a case that passed is found in the log of its program');
is(ran('a.tap' => "ok 1 - one thing\n1..1\n"), 0, 'which may have no number of CPUs');
is(ran('a.2.tap' => "1..0\n"), 1, 'one that did not run is noticed');
is(ran('aa.2.tap' => "ok 1 - one thing\n1..1\n"), 1, 'and one of the same words that another program ran');
is(ran('a.1.tap' => "not ok 1 - one thing\n", 'a.2.tap' => "ok 1 - one thing\n"), 1, 'and one that failed once');
is(ran('a.2.tap' => "ok 1 - one thing else\n"), 1, 'and one that has other words');
is((check($dir, '--ran', 'nowhere'))[0] != 0, 1, 'logs have to be there');
is(system("tests/keep sh -c 'exit 3' >/dev/null") >> 8, 3, 'a test that is kept ends as it ends');
is(system("tests/keep sh -c 'kill -9 \$\$' >/dev/null") >> 8, 137, 'by a signal too');

# --- The box by hand ---
{
    my ($block) = slurp('docs/proc/README.md') =~ /A box by hand.*?```sh\n(.*?)```/s;
    my $script = slurp('user/demos/by-hand.sh') =~ s/^#.*\n//mgr;
    is($script, $block, 'the box by hand of the documents is the script that the tests run');
}

# --- Types of notes ---
{
    my %told;
    for (split /\n/, slurp('docs/notes.md')) {
        while (/`(\w+)` \| (SIG\w+) \| (yes|no) \|/g) { $told{$1} = $3 eq 'yes' ? "$2 true" : "$2 false" }
    }
    my %types = map { /^NOTE\((SIG\w+), "(\w+)", (true|false)\)/ ? ($2 => "$1 $3") : () } split /\n/, slurp('abi/notes.def');
    is(scalar(keys %types), 30, 'the table of notes has 30 types');
    is_deeply(\%told, \%types, 'docs/notes.md tells each type of note, its signal, and whether it may be sent');
}

# --- Manual pages ---
{
    my %functions = map { $_ => 1 } slurp('user/libbox/box.h') =~ /^(?:int|void|size_t|ssize_t) (box_\w+)\(/mg;
    my $pages = join '', map { slurp($_) } glob 'docs/man/*.3';
    my @missing = grep { $pages !~ /^\.Fo? "?(?:\w+ )?$_\b/m && $pages !~ /^\.Fn $_\b/m } sort keys %functions;
    ok(keys %functions > 20 && !@missing, 'every function of libbox has a manual page') or diag "@missing";
    my @unknown = grep { !$functions{$_} } $pages =~ /^\.F[no] (box_\w+)/mg;
    ok(!@unknown, 'and no page has a function that libbox has not') or diag "@unknown";
}
{
    my $warnings = join '', map { `groff -mandoc -Tutf8 -ww -z $_ 2>&1` } glob 'docs/man/*';
    is($warnings, '', 'manual pages are set without a warning');
}
{
    my $usage = slurp('user/box/main.c');
    my $page = slurp('docs/man/box.1');
    my @options = $usage =~ /^\s+"  (-{1,2}\w+)/mg;
    my @missing = grep { my $bare = s/^-//r; $page !~ /^\.It Fl \Q$bare\E\b/m } @options;
    ok(@options > 10 && !@missing, 'every option of box stands in its manual page') or diag "@missing";
}
done_testing();
