// SPDX-License-Identifier: MIT
// ctl.h - internal to procfs: a ctl handle, and what its commands do.
#pragma once

#include "kernel/fs/procfs/entry.h"
#include "kernel/sync/spinlock.h"

struct ctl_command;

#define CTL_REPORT_SIZE 720 // two lines at least

// What a ctl handle has. Fields: I set once · r under lock
struct ctl_file {
    struct record *record;        // I  counted
    bool creation;                // I  of /proc/new: its close ends or reaps the box
    struct spinlock lock;         // rank PROCFS
    size_t report_length;         // r
    char report[CTL_REPORT_SIZE]; // r
};

// Makes the private part of a handle. Takes a reference on record, which may be NULL until it is
// set. Errors: -ENOMEM.
int ctl_file_create(struct record *record, bool creation, struct ctl_file **file) MUST_CHECK;
void ctl_file_destroy(struct ctl_file *file);
// Adds a line to what is to be read; the oldest lines go when there is no room.
void ctl_report(struct ctl_file *file, const char *line, size_t length);

// Does one command that was parsed and is allowed. Errors: docs/proc/ctl.md; nothing of it was done
// then.
int ctl_do(const struct subject *subject, const struct ctl_command *command) MUST_CHECK;
