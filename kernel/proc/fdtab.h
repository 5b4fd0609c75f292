// SPDX-License-Identifier: MIT
// fdtab.h - the table of a process's open files: fd number to handle, with the close-on-exec flag.
//
// Lowest free number in O(log n) by a bitmap of bitmaps; reading an fd takes no lock shared with
// other processes.
#pragma once

#include "kernel/sync/refcount.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct handle;

struct fdtab; // counted; shared by CLONE_FILES

int fdtab_create(struct account *account, struct fdtab **table) MUST_CHECK;
// fork; each handle counted
int fdtab_copy(struct fdtab *from, struct account *account, struct fdtab **table) MUST_CHECK;
void fdtab_get(struct fdtab *table);
void fdtab_put(struct fdtab *table); // the last closes all

// All that install a handle take over the caller's reference on success only.
// the fd; -EMFILE, -ENOMEM
int fdtab_add(struct fdtab *table, struct handle *handle, int lowest, uint64_t limit,
              bool cloexec) MUST_CHECK;
// replaces and closes what was there
int fdtab_set(struct fdtab *table, int fd, struct handle *handle, bool cloexec) MUST_CHECK;
// Counted handle, or -EBADF.
int fdtab_find(struct fdtab *table, int fd, struct handle **handle) MUST_CHECK;
int fdtab_close(struct fdtab *table, int fd) MUST_CHECK; // -EBADF
// Closes (or with cloexec only marks) every open fd in [first, last].
void fdtab_close_range(struct fdtab *table, unsigned first, unsigned last, bool only_mark);
void fdtab_close_on_exec(struct fdtab *table);
int fdtab_flags(struct fdtab *table, int fd) MUST_CHECK;                // FD_CLOEXEC or 0
int fdtab_set_flags(struct fdtab *table, int fd, bool cloexec) MUST_CHECK;
// Whether others than a process and the caller, who has a reference of his own, hold the table.
bool fdtab_shared(const struct fdtab *table);
// The first open fd at or above from, -1 if none: for listing.
int fdtab_next(struct fdtab *table, int from);
