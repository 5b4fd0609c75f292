// SPDX-License-Identifier: MIT
// walking.h - a walk under way, for the files of this folder: walk.c moves it, open.c and the
// others look at where it stands.
//
// A walk goes to the directory of the last component and stops there (walk_to_last): the caller
// decides whether the last one is looked up (walk_last), made, or removed. If the last is a symlink
// to be followed, walk_follow_last goes on to the last component of its text, and so on.
#pragma once

#include "kernel/vfs/walk.h"

enum last_kind {
    LAST_NORMAL, // a name
    LAST_DOT,    // "."
    LAST_DOTDOT, // ".."
    LAST_ROOT,   // none: the path was slashes alone
};

struct link_text;
struct tree;

// A directory that a part of the path may not leave: by "..", by an absolute symlink.
struct hold {
    const struct tree *tree;
    uint64_t top_ino;
    int error; // what leaving it means: -ELOOP, -EXDEV
};

// The references: grant_counted and node_counted say which of the two this walk must put.
struct walking {
    const struct walker *walker;
    unsigned flags; // enum walk_flags
    struct grant *grant;
    struct node
        *node; // where the walk stands: after walk_to_last, the directory of the last component
    bool grant_counted;
    bool node_counted;
    const char *rest;        // of the innermost text
    struct link_text *links; // texts of symlinks under way, innermost first
    unsigned link_count;
    struct hold beneath; // WALK_BENEATH: the base; tree NULL: none
    enum last_kind kind;
    const char *last; // not NUL-terminated
    size_t last_length;
    bool trailing_slash;
    bool stopped_at_last; // walking_last failed at the last component itself, not on the way there
};

// Begins at the base or at "/", and stands at the directory of the last component. Errors: as walk;
// then nothing is held.
int walking_begin(struct walking *walking, const struct walker *walker, const char *path,
                  unsigned flags) MUST_CHECK;
void walking_end(struct walking *walking);

// Looks the last component up; follow: goes on through symlinks, so that last may change. The child
// is counted.
// Errors: as walk; -ENOENT with the walk standing where the name is missing. kind other than
// LAST_NORMAL: the place itself.
int walking_last(struct walking *walking, bool follow, struct place *child) MUST_CHECK;

// The directory in which the last component is made or removed, counted. From "/" it is the top of
// the root tree.
// Errors: -EROFS "/" without a root tree; for_name where the component is a name of the box;
// -EACCES another box's "/".
int walking_directory(struct walking *walking, struct place *directory, int for_name) MUST_CHECK;
