#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# life.t - the model of a box's life (life.pml), searched whole by spin; docs/model.md says what of.
#
# The functions, faults and properties are those of the tables of docs/model.md. Each fault must have a counterexample that breaks
# the property named there.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Temp qw(tempdir);
use Test::More;

my $root = getcwd();
my $work = tempdir(CLEANUP => 1);

# How spin words a search that breaks a property.
my %broken = (
    'no lost wake-up'        => qr/^pan:\d+: invalid end state/m,
    'no use after free'      => qr/^pan:\d+: assertion violated\s+!\(\w+_freed\[[^&|]*$/m,
    'published after freed'  => qr/^pan:\d+: assertion violated.*process_freed\[.*parts_freed\[.*stack_freed\[/m,
    'nothing after the door' => qr/^pan:\d+: assertion violated.*box_dying\[/m,
);
# What must happen in some run of the model, or it shows nothing.
my @reached = (undef, 'a thread waits, off its CPU', 'a closed door refuses a new process', 'a child is told to end before its thread starts',
    'a start finds its process told to end', 'the reaper takes down a process that never started');

sub slurp { my ($name) = @_; open my $file, '<', $name or die "$name: $!\n"; local $/; return <$file> }

# Cells of the rows of docs/model.md's table that has this first column.
sub rows {
    my ($heading) = @_;
    my ($table) = slurp('docs/model.md') =~ /^\| \Q$heading\E \|.*\n\|[-|]+\|\n((?:\|.*\n)+)/m;
    return map { [map { ($_ // '') =~ s/^\s+|\s+$//gr } (split /\|/)[1 .. 3]] } split /\n/, $table // '';
}

# Whether the file of the kernel defines the function, or the macro.
sub defines {
    my ($file, $name) = @_;
    return -e $file && slurp($file) =~ /^(?:[a-z][^;={}#]*\b\Q$name\E\([^;{}]*\)\n\{|#define \Q$name\E\()/m;
}

# Builds and runs the search. Returns its output.
sub search {
    my ($name, $spin_options, $cc_options) = @_;
    my $dir = "$work/$name";
    mkdir $dir or die "$dir: $!\n";
    my $out = `cd $dir && spin $spin_options -a $root/tests/model/life.pml 2>&1 &&
        gcc -w -DSAFETY -DCOLLAPSE -DNOFAIR $cc_options -o pan pan.c 2>&1 && ./pan -m10000 -w24 2>&1`;
    return $out;
}

# --- What it is a model of ---
{
    my (%named, @missing);
    for (rows('kernel file')) {
        my ($file, $names) = @$_;
        $file =~ tr/`//d;
        for my $name ($names =~ /`(\w+)`/g) {
            $named{$name} = 1;
            push @missing, "$file: $name" unless defines($file, $name);
        }
    }
    ok(keys %named > 40 && !@missing, 'the kernel has each function that the model stands for') or diag "@missing";
    ok(!defines('kernel/proc/exit.c', 'process_teardow') && !defines('kernel/proc/exit.c', 'process_end'),
        'a function that is only called there is missed');
    my $model = slurp('tests/model/life.pml');
    my %own = map { $_ => 1 } map { $_->[0] =~ /`(\w+)`/ } rows('of the model alone');
    my @unnamed = grep { !$named{$_} && !$own{$_} } $model =~ /^inline (\w+)\(/mg;
    ok(!@unnamed, 'each part of the model has the name of such a function, or is listed as its own') or diag "@unnamed";
}

# --- The model without a fault ---
{
    my $out = search('whole', '-DFAULT=0', '-O0');
    my ($states) = $out =~ /(\d+) states, stored/;
    my ($errors) = $out =~ /errors: (\d+)/;
    ok(defined $errors && $errors == 0 && $out =~ /^Full statespace search/m && $out !~ /max search depth too small|not completed/,
        'no order of steps breaks a property, all of them searched') or diag substr($out, 0, 2000);
    note($states // 'no', ' states');
    ok(($states // 0) > 1_000_000, 'over a million states');
    ok($out =~ /^reached $_$/m, "$reached[$_]") for 1 .. $#reached;
}

# --- With each fault ---
my @faults = rows('FAULT');
ok(@faults >= 6, 'at least six faults are planted');
for (@faults) {
    my ($number, $what, $property) = @$_;
    my $out = search("fault$number", "-DFAULT=$number", '-O0 -DREVERSE');
    like($out, $broken{$property} // qr/^\b$/, "fault $number, $what: $property is broken");
}
done_testing();
