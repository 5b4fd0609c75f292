// SPDX-License-Identifier: MIT
// walk.h - finds boxes under /proc, and how much each uses.
#pragma once

#include <stddef.h>

#include "user/libbox/box.h"

#define WALK_DIRECTORY 640 // 32 boxes deep, "/box/1073741823" each
#define WALK_NAME 384
#define WALK_COMMAND 80

struct walk_entry {
    char directory[WALK_DIRECTORY]; // "/proc/5/box/2"
    char name[WALK_NAME];           // "5/2"; "." for the caller's own box
    unsigned depth;
    char command[WALK_COMMAND]; // its head's program and arguments
    int64_t memory_limit;       // bytes; INT64_MAX: none is known
    struct box_record record;
    int64_t cpu_ns; // user and kernel time together
};

// Lists the caller's own box and all boxes in it that still are, in the order of the tree.
// Returns how many, or a negative errno; *entries is to be freed.
int walk_boxes(struct walk_entry **entries);

// "/proc/5/box/2" for "5/2". Errors: -EINVAL no numbers, -ENAMETOOLONG.
int walk_directory(const char *name, char directory[WALK_DIRECTORY]);
