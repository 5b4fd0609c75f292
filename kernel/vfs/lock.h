// SPDX-License-Identifier: MIT
// lock.h - advisory locks on files: records of fcntl, records of open files, whole files of flock.
//
// Advisory: they hold off other lockers, never a read or write. Waiting for one ends at a signal or
// kill.
#pragma once

#include <stdatomic.h>

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct handle;
struct node;

enum lock_kind {
    LOCK_RECORD, // of fcntl: an owner is a process's fd table or a handle
    LOCK_WHOLE,  // of flock: an owner is a handle
};

// A lock, or one that is asked for.
struct lock_request {
    enum lock_kind kind;
    const void *owner;       // locks of one owner never conflict
    struct account *account; // of the owner's box
    pid_t pid;               // shown by F_GETLK in that box; -1: an open file's
    bool exclusive;
    uint64_t start, end;     // bytes, end included; INT64_MAX: to the end, wherever that moves
};

// Start-up.
void lock_init(void);

// Takes a lock on the handle's node: what the owner has in the range is replaced. wait: waits for
// those of others.
// Errors: -EAGAIN another's is in the way, -EDEADLK that one waits for a lock of this owner,
// -EINTR, -ENOMEM.
int lock_take(struct handle *handle, const struct lock_request *request, bool wait) MUST_CHECK;
// Gives up what the owner has in the range. Errors: -ENOMEM (a lock is split).
int lock_drop(struct handle *handle, const struct lock_request *request) MUST_CHECK;
// A lock that is in the way of request, into *found. Returns: false if none is.
bool lock_find(struct handle *handle, const struct lock_request *request,
               struct lock_request *found);

// An fd of table on handle's node is closed: the table's records on that node go (the rule of
// fcntl(2)). The handle goes: its own locks go.
// how many locks there are, so that both cost nothing where there are none
extern atomic_long lock_count;
void lock_owner_leaves(const void *owner, struct node *node);
static inline void lock_fd_closed(const void *owner, struct node *node)
{
    if (unlikely(atomic_load_explicit(&lock_count, memory_order_relaxed) != 0))
        lock_owner_leaves(owner, node);
}
