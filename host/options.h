// SPDX-License-Identifier: MIT
// options.h - what the launcher's command line says.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum command { COMMAND_RUN, COMMAND_SHELL, COMMAND_BOOT };

#define OPTION_LIST_MAX 1024

struct options {
    enum command command;
    bool interactive;                             // -i: standard input is passed on
    bool terminal;                                // -t
    const char *environment[OPTION_LIST_MAX + 1]; // -e: K=V; closed by NULL
    size_t environment_count;
    const char *binds[OPTION_LIST_MAX + 1]; // --bind: "NAME PATH RIGHTS"
    size_t bind_count;
    const char *directory; // -w
    uint64_t memory;       // -m, bytes
    unsigned cpus;         // --cpus
    const char *processes; // --pids; NULL: no limit of its own
    const char *timeout;   // --timeout, as it was given; NULL: none
    uint64_t timeout_ns;
    uint64_t hang_ns;    // --hang
    const char *log;     // --log
    const char *machine; // --machine
    const char *kernel;  // --kernel
    const char *archive; // --archive
    const char *append;  // --append
    const char *cdrom;   // --cdrom: boots from there; NULL: the kernel is loaded directly
    const char *bios;    // --bios
    const char *qemu;    // --qemu
    bool exact;          // --exact
    char **program;      // PROGRAM ARGS…, closed by NULL
};

// Reads the command line; what is wrong with it ends the launcher (report.h), as does --help.
void options_read(struct options *options, char **argv);
