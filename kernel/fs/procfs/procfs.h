// SPDX-License-Identifier: MIT
// procfs.h - the tree of processes and boxes: /proc. docs/proc/ has a page a file.
#pragma once

#include "lib/base/types.h"

struct box;
struct handle;
struct node;

// The top of the tree, which shows each reader its own box; after process_procfs_init. Borrowed.
struct node *procfs_root(void);

// Whether handle is on a /proc file of a process of box: such a one cannot be given into that box.
bool procfs_handle_is_of(const struct handle *handle, const struct box *box);
