// SPDX-License-Identifier: MIT
// ramfs.h - file trees that lie in memory.
//
// What is made in one is charged to the box of the thread whose call made it.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct account;
struct node;
struct tree;

// Makes an empty tree that belongs to the box of account. The caller owns one reference on
// (*tree)->root; the tree goes when the last reference on the root and on nodes that are held
// otherwise goes. Errors: -ENOMEM.
int ramfs_create(struct account *account, struct tree **tree) MUST_CHECK;

// A regular file without a name, for memfd_create and shared anonymous mappings. name is what /proc
// shows. One reference is the caller's. Errors: -ENOMEM.
int ramfs_create_anonymous(const char *name, struct account *account,
                           struct node **node) MUST_CHECK;

// Unpacks one or more cpio archives ("newc"), one behind the other, below the directory root. What
// exists is replaced, directories are kept. Device nodes are left out. Errors: -EINVAL malformed;
// -ENOMEM; what came before stays.
int ramfs_unpack(struct node *root, const void *archive, size_t size) MUST_CHECK;

void ramfs_init(void);
