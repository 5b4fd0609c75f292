// SPDX-License-Identifier: MIT
// creating.h - making entries, for the files of this folder.
#pragma once

#include "kernel/vfs/walk.h"

struct creation {
    mode_t mode;        // with its type; the umask is taken off by create_in
    const char *target; // of a symlink
};

// Makes an entry; the new node is counted. Errors: -EACCES without the right c, -EEXIST, -EPERM
// (the tree is another box's and takes only regular files, directories and symlinks; or it takes
// nothing), -ENOENT the directory was removed, -ENOMEM.
int create_in(const struct walker *walker, const struct place *directory, const char *name,
              size_t length, const struct creation *creation, struct node **made) MUST_CHECK;
// O_TMPFILE. Errors: as create_in, and -EOPNOTSUPP.
int create_unnamed_in(const struct walker *walker, const struct place *directory, mode_t mode,
                      struct node **made) MUST_CHECK;
// -EPERM where the tree is another box's and so takes no node of this type.
int check_foreign(const struct walker *walker, const struct place *directory,
                  mode_t mode) MUST_CHECK;
