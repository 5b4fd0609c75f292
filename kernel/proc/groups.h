// SPDX-License-Identifier: MIT
// groups.h - the supplementary groups of a process: labels like its gid, read by no rights check.
#pragma once

#include "kernel/sync/refcount.h"
#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct process;

#define GROUPS_MAX 65536

// A list never changes: a process has another one set. Fields: I set once · a atomic
struct groups {
    struct refcount ref; // a
    unsigned count;      // I
    gid_t ids[];         // I  filled in by who made it
};

// One reference. Errors: -ENOMEM.
int groups_create(unsigned count, struct account *account, struct groups **groups) MUST_CHECK;
void groups_put(struct groups *groups); // NULL is allowed

// Counted; NULL: none.
struct groups *process_groups(struct process *process);
// Takes over the reference on groups; NULL: none.
void process_set_groups(struct process *process, struct groups *groups);
