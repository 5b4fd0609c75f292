// SPDX-License-Identifier: MIT
// private.h - what the files of this folder share.
#pragma once

#include "kernel/mem/pager.h"
#include "kernel/vfs/entries.h"
#include "kernel/vfs/handle.h"

struct iobuf;
struct pipe;

// Fields: I set once · n under node.lock
struct ramfs_node {
    struct node node;
    struct ramfs_node *next_dying; // on the list of what is being freed
    char *text;                    // I  a symlink's target; an anonymous file's name
    bool unnamed;                  // n  made by O_TMPFILE, and link may still name it
    union {
        struct entries entries; // directories; see entries.h
        struct pager pager;     // regular files
        struct pipe *pipe;      // FIFOs: n
    };
};

static inline struct ramfs_node *ramfs_node_of(const struct node *node)
{
    return container_of(node, struct ramfs_node, node);
}

extern const struct node_ops ramfs_directory_ops;
extern const struct node_ops ramfs_file_ops;
extern const struct handle_ops ramfs_file_handle_ops;

// A node of the type in mode, charged to account. NULL: no memory.
struct ramfs_node *ramfs_node_create(struct tree *tree, mode_t mode,
                                     const struct symlink_text *symlink, struct account *account);
// ops->free of all nodes.
void ramfs_free(struct node *node);

void ramfs_file_init(struct ramfs_node *file, struct account *account);
// Writes at position, up to limit. Returns bytes, or an error if none: -EFBIG position is at the
// limit. Locks: node.lock held.
ssize_t ramfs_file_write(struct ramfs_node *file, struct iobuf *buffer, off_t position,
                         uint64_t limit);
int ramfs_file_truncate(struct node *node, off_t size);
int ramfs_file_allocate(struct node *node, unsigned mode, off_t offset, off_t size);
off_t ramfs_file_seek_data(struct node *node, off_t offset, bool hole);
