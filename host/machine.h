// SPDX-License-Identifier: MIT
// machine.h - the machine that a run has for itself: QEMU, as a child, with nothing on disk.
#pragma once

#include <sys/types.h>

#include "host/options.h"

enum port {
    PORT_STDIN,
    PORT_STDOUT,
    PORT_STDERR,
    PORT_TTY,
    PORT_CONTROL,
    PORT_PING,
    PORT_LOG,
    PORT_COUNT
};

struct machine {
    pid_t pid;
    int ports[PORT_COUNT]; // our ends; -1: not there
    int errors;            // QEMU's standard error
};

// Starts QEMU with the kernel and the archive (a descriptor). Ends the launcher if it cannot be
// started.
void machine_start(struct machine *machine, const struct options *options, const char *kernel,
                   int archive);

// Becomes QEMU with the serial line on our standard input and output.
__attribute__((noreturn)) void machine_become(const struct options *options, const char *kernel,
                                              int archive);
