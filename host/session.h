// SPDX-License-Identifier: MIT
// session.h - a run from the machine's start to the exit code: bytes, signals, time, and what init
// says.
#pragma once

#include "host/machine.h"
#include "host/options.h"

// Blocks the signals that a session handles; before machine_start.
void session_block_signals(void);

// Serves the machine until it is gone, then ends the launcher with the exit code.
__attribute__((noreturn)) void session_run(struct machine *machine, const struct options *options);
