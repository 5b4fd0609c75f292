#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# interface.t - kernel/proc/process.h keeps the names of the systems that Boxwork comes from: each is there, described, and what
# the kernel's own paths go through, not its test device alone.
use strict;
use warnings;
use Test::More;

my @names = qw(process_new process_start process_kill process_exit process_current process_current_exit process_new_thread
    process_thread_exited process_has_thread process_find_child process_get_status process_wait process_wait_any_child
    process_copy_env process_set_cmdline process_get_kernel process_procfs_init process_reaper_init process_add_fs
    process_find_fs process_rm_fs process_add_fd process_add_fd_as process_read_fd process_close_fd process_mmap
    process_mmap_file process_mchmap process_munmap process_dump_memmap probe_for_read probe_for_write);

sub slurp { my ($name) = @_; open my $file, '<', $name or die "$name: $!\n"; local $/; return <$file> }

# The block of the header, between blank lines, that declares the name; undef: none.
sub block_of {
    my ($header, $name) = @_;
    my ($block) = grep { /^\w[^;\/]*\b\Q$name\E\(/m } split /\n\n/, $header;
    return $block;
}

# Files that call the name: on a line within a function, not in a comment.
sub callers {
    my ($name, %sources) = @_;
    return grep { $sources{$_} =~ /^[ \t]+(?![ \t]|\/\/)[^\n"]*?\b\Q$name\E\(/m } sort keys %sources;
}

my $header = slurp('kernel/proc/process.h');
my %sources = map { $_ => slurp($_) }
    grep { !m{^kernel/dev/process_interface} && $_ ne 'kernel/proc/process.h' }
    split /\n/, `find kernel -name '*.[ch]'`;
for my $name (@names) {
    my $block = block_of($header, $name);
    ok(defined $block && $block =~ m{//}, "$name is declared and described");
    my @callers = callers($name, %sources);
    ok(@callers > 0, "$name is called by the kernel's own paths") and note("@callers");
}
ok(!defined block_of($header, 'process_newer') && !defined block_of("// process_x(y)\nint z;", 'process_x'),
    'a name that is not declared is missed');
is_deeply([callers('f', 'a.c' => "int f(int x)\n{\n    // f(1)\n    g(\"f(2)\");\n}\n", 'b.c' => "    return f(3);\n")], ['b.c'],
    'neither its definition nor a comment is a call');
done_testing();
