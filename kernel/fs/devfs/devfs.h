// SPDX-License-Identifier: MIT
// devfs.h - the tree of devices. Drivers add nodes; which of them a box sees, its names decide.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct handle;
struct handle_ops;
struct node;
struct node_ops;
struct tree;

// Adds NAME or DIR/NAME (directories are made). ops->... get handle->node->rdev and
// devfs_private(handle->node). open may be NULL. Errors: -EEXIST, -ENOMEM.
int devfs_add(const char *name, mode_t mode, dev_t device, const struct handle_ops *ops,
              int (*open)(struct node *, struct handle *), void *private) MUST_CHECK;
// Adds a directory whose entries ops find (lookup, readdir). Errors: as devfs_add.
int devfs_add_directory(const char *name, const struct node_ops *ops) MUST_CHECK;
void *devfs_private(const struct node *node);

// The machine's whole tree (bound to init as /dev), and the default one for boxes: null zero full
// random urandom tty ptmx pts fd (stdin stdout stderr).
struct node *devfs_machine_root(void);
struct node *devfs_default_root(void);
void devfs_init(void);
