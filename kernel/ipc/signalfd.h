// SPDX-License-Identifier: MIT
// signalfd.h - signals read from a file: those of the process that reads.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct handle;
struct process;

// Makes a signalfd for the signals of mask (SIGKILL and SIGSTOP are left out). flags: SFD_NONBLOCK
// (others belong to the fd).
// Errors: -EINVAL unknown flags, -ENOMEM.
int signalfd_create(uint64_t mask, unsigned flags, struct account *account,
                    struct handle **handle) MUST_CHECK;

// Gives it another mask. Errors: -EINVAL no signalfd.
int signalfd_set_mask(struct handle *handle, uint64_t mask) MUST_CHECK;

// The process's threads have left, and its queue of signals is about to go: poll sets forget it. No
// lock is held.
void signalfd_process_ends(struct process *process);
