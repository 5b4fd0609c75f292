#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# lint-edges.pl - checks who includes whom: a file includes its own layer and those below, nothing above.
#
# usage: tools/lint-edges.pl FILE...   Prints each forbidden edge; exits 1 if there is one.
# The layers are those of docs/architecture.md. An exception stands here, with its reason, or nowhere.
use strict;
use warnings;

my %layer;
my $level = 0;
for my $row ([qw(init sys)], [qw(dev fs)], [qw(proc ipc)], [qw(ns vfs)], [qw(mem sched)], [qw(sync log)]) {
    $layer{$_} = $level for @$row;
    $level++;
}

# "from to": the edge that is allowed against the order.
my %allowed = map { $_ => 1 } (
    # The switch code and the traps save into struct thread.
    'kernel/arch/x86_64 kernel/sched/thread.h',
);

my $bad = 0;

sub forbid {
    my ($file, $line, $included, $why) = @_;
    print "$file:$line: includes $included: $why\n";
    $bad = 1;
}

sub check {
    my ($file, $line, $included) = @_;
    return unless $included =~ m{^(abi|lib|kernel|user|host|tests)/};
    (my $folder = $file) =~ s{/[^/]*$}{};
    return if $allowed{"$folder $included"};
    if ($file =~ m{^abi/}) {
        forbid($file, $line, $included, 'abi/ includes nothing of ours') unless $included =~ m{^abi/};
    } elsif ($file =~ m{^lib/}) {
        forbid($file, $line, $included, 'lib/ includes lib/ and abi/ alone') unless $included =~ m{^(lib|abi)/};
    } elsif ($file =~ m{^kernel/arch/}) {
        forbid($file, $line, $included, 'arch/ is below all but sync, log and lib')
            unless $included =~ m{^(lib|abi|kernel/(arch|sync|log))/};
    } elsif ($file =~ m{^kernel/([^/]+)/}) {
        my $own = $1;
        forbid($file, $line, $included, 'only kernel/arch includes it')
            if $included =~ m{^kernel/arch/} && $included ne 'kernel/arch/arch.h';
        forbid($file, $line, $included, 'the kernel does not include it')
            if $included =~ m{^(user|host|tests)/};
        return unless $included =~ m{^kernel/([^/]+)/} && $1 ne 'arch';
        forbid($file, $line, $included, "no layer for $own or $1")
            unless defined $layer{$own} && defined $layer{$1};
        forbid($file, $line, $included, "$1 is above $own") if $layer{$1} < $layer{$own};
        forbid($file, $line, $included, 'nothing else includes the headers of sys')
            if $1 eq 'sys' && $own ne 'sys' && $own ne 'init';
    }
}

for my $file (@ARGV) {
    open(my $in, '<', $file) or die "$file: $!\n";
    while (<$in>) {
        check($file, $., $1) if /^\s*#\s*include\s+"([^"]+)"/;
    }
    close($in);
}
exit $bad;
