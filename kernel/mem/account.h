// SPDX-License-Identifier: MIT
// account.h - what a box uses and may use: counters and limits that are charged up the chain.
//
// An account belongs to a box; its parent is the account of the box around it; the machine's is the
// root. A charge counts in every account up to the root, or in none. Every allocator takes an
// account; NULL means the root's.
// States: open -> closed (its box ended: account_close) -> gone (closed, and nothing is charged to
// it any more). What outlives a closed account is still counted by its ancestors, so giving it back
// skips the closed one.
// Locking: counters are atomic; a charge never blocks. Context: any.
#pragma once

#include <stdatomic.h>

#include "kernel/sched/sched.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/compiler.h"
#include "lib/base/list.h"
#include "lib/base/types.h"

enum resource {
    RESOURCE_MEMORY, // bytes
    RESOURCE_PROCESSES,
    RESOURCE_THREADS,
    RESOURCE_FDS,
    RESOURCE_COUNT
};

#define LIMIT_NONE INT64_MAX

struct counter {
    atomic_long used;
    atomic_long peak;
    atomic_long limit; // LIMIT_NONE: no limit of its own
};

// Fields: I set once · a atomic · A under accounts_lock
struct account {
    struct account *parent;                  // I  NULL for the root
    struct counter counters[RESOURCE_COUNT]; // a
    // a  what is charged to it directly, +1 for each account_get, +1 while open
    atomic_long names;
    atomic_bool closed; // a
    unsigned depth;     // I  0 for the root
    // I  the head's number in the box around it, for messages
    pid_t box_number;
    struct sched_group group; // its threads' share of the CPUs
    struct list link;         // A  in account_list
};

extern struct account account_root;

// All accounts that still have a struct, the root's first: for the ledger's walk.
extern struct spinlock accounts_lock; // rank ACCOUNT
extern struct list account_list;

// Makes an account below parent, paid for by parent. Errors: -ENOMEM.
int account_create(struct account *parent, pid_t box_number, struct account **account) MUST_CHECK;

// The box has ended: the account goes as soon as nothing names it. The caller's pointer is dead
// afterwards, unless it charged something that still stands.
void account_close(struct account *account);

// Charges amount to account and all around it. Errors: -ENOMEM (memory) or -EAGAIN (the others)
// when a limit would be passed:
// nothing is charged, and *full (if not NULL) names the account whose limit it was. account NULL:
// the root's.
int account_charge(struct account *account, enum resource resource, int64_t amount,
                   struct account **full) MUST_CHECK;
void account_uncharge(struct account *account, enum resource resource, int64_t amount);

// Keeps the struct readable for somebody that stores a pointer to it beyond what is charged.
void account_get(struct account *account);
void account_put(struct account *account);

// A limit may be below use: then nothing is taken, and new charges fail.
void account_set_limit(struct account *account, enum resource resource, int64_t limit);

// Bytes that account may use: the least limit on the way up, the machine's memory at most.
uint64_t account_memory_limit(const struct account *account);
// What is left of that beside what account itself uses; of the root's, what is free in the machine.
// What others use does not show: a charge may fail earlier.
uint64_t account_memory_left(const struct account *account);

// The account of the calling thread's box; the root's for kernel threads. Set by proc at each
// thread's start.
struct account *account_current(void);

// Which account refused the calling thread's last failing charge, for "memory quota of box 3 is
// full"; the root's: the machine itself.
void account_note_full(struct account *full);
struct account *account_last_full(void);
