// SPDX-License-Identifier: MIT
// memory_file.c - a file of memory without a name, for memfd_create and shared anonymous mappings.
#include "abi/fcntl.h"
#include "kernel/fs/ramfs/ramfs.h"
#include "kernel/sys/memory.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/node.h"

int memory_file_create(const char *name, size_t size, struct account *account,
                       struct handle **handle)
{
    struct node *node;
    int error = ramfs_create_anonymous(name, account, &node);

    if (error != 0)
        return error;
    error = handle_open(node, anonymous_grant, O_RDWR | O_LARGEFILE, account, handle);
    node_put(node);
    if (error == 0 && size != 0) {
        error = handle_truncate(*handle, (off_t)size);
        if (error != 0)
            handle_put(*handle);
    }
    return error;
}
