// SPDX-License-Identifier: MIT
// path.h - the path argument of a call: where it begins, and its text.
#pragma once

#include "abi/fcntl.h"
#include "kernel/proc/process.h"
#include "kernel/vfs/walk.h"

#define PATH_FEW_BYTES 128

// Fields: all set by path_begin; freed by path_end. Not to be copied: text may point into it.
struct path_call {
    struct walker walker;
    struct place base;         // counted: cwd, or the directory of dirfd
    char *text;
    char few[PATH_FEW_BYTES];  // holds most paths; longer ones get a buffer of PATH_MAX_BYTES
};

// Decodes dirfd and path. walk_flags: WALK_EMPTY allows an empty path (then dirfd may be any file).
// Errors: -EFAULT, -ENAMETOOLONG, -ENOENT (empty), -EBADF, -ENOTDIR, -ENOMEM; nothing is held then.
int path_begin(struct path_call *call, int dirfd, vaddr_t path, unsigned walk_flags) MUST_CHECK;
void path_end(struct path_call *call);

// A user string in a buffer of PATH_MAX_BYTES, freed by path_free. Errors: -EFAULT, -ENAMETOOLONG,
// -ENOMEM.
int path_load(vaddr_t from, char **text) MUST_CHECK;
char *path_buffer(void) MUST_CHECK;
void path_free(char *text);

// Finds the place that dirfd and path name; at_flags: AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH count,
// others were checked.
int path_find(int dirfd, vaddr_t path, unsigned at_flags, struct place *place) MUST_CHECK;

// AT_* as walk flags.
static inline unsigned path_walk_flags(unsigned at_flags)
{
    return (at_flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) |
           (at_flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
}
