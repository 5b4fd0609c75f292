// SPDX-License-Identifier: MIT
// anonymous.c - nodes without a name: what pipes, eventfds, epoll sets and sockets have as their
// file.

#include <string.h>

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/statfs.h"
#include "kernel/log/log.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/lock.h"
#include "kernel/vfs/node.h"
#include "kernel/vfs/walk.h"
#include "lib/base/fmt.h"

struct anonymous_node {
    struct node node;
    char name[32];
    bool opened; // by who made it; nobody can open it again
};

static SLAB_CACHE(anonymous_cache, "anonymous node", struct anonymous_node);

struct tree anonymous_tree;
struct grant *anonymous_grant;

static void anonymous_free(struct node *node)
{
    node_fini(node);
    slab_free(&anonymous_cache, container_of(node, struct anonymous_node, node));
}

static ssize_t anonymous_describe(const struct node *node, char *to, size_t size)
{
    const char *name = container_of(node, struct anonymous_node, node)->name;

    if (S_ISSOCK(node->mode))
        return fmt_print(to, size, "socket:[%lu]", (unsigned long)node->ino);
    if (S_ISFIFO(node->mode))
        return fmt_print(to, size, "pipe:[%lu]", (unsigned long)node->ino);
    return fmt_print(to, size, "anon_inode:[%s]", name);
}

// What a handle means is known to who made it: a second one, by a link of /proc, would mean
// nothing.
static int anonymous_open(struct node *node, struct handle *handle)
{
    struct anonymous_node *anonymous = container_of(node, struct anonymous_node, node);

    (void)handle;
    if (anonymous->opened)
        return -ENXIO;
    anonymous->opened = true;
    return 0;
}

static const struct node_ops anonymous_ops = {
    .open = anonymous_open,
    .describe = anonymous_describe,
    .free = anonymous_free,
};

static struct node *anonymous_create(const char *name, mode_t mode, struct account *account)
{
    struct anonymous_node *made = slab_alloc(&anonymous_cache, account);

    if (made == NULL)
        return NULL;
    node_init(&made->node, &anonymous_tree, &anonymous_ops, mode, account);
    fmt_print(made->name, sizeof(made->name), "%s", name);
    return &made->node;
}

int handle_create_anonymous(const char *name, mode_t mode, const struct handle_ops *ops,
                            void *private, unsigned flags, struct account *account,
                            struct handle **handle)
{
    struct node *node = anonymous_create(name, mode, account);
    int error;

    if (node == NULL)
        return -ENOMEM;
    node->handle_ops = ops;
    error = handle_open(node, anonymous_grant, flags, account, handle);
    if (error == 0)
        (*handle)->private = private;
    node_put(node);
    return error;
}

void vfs_init(void)
{
    struct node *root;

    lock_init();
    mapping_init();
    tree_init(&anonymous_tree, "anon", ANON_INODE_FS_MAGIC, &account_root);
    root = anonymous_create("root", S_IFDIR | 0700, &account_root);
    if (root == NULL || grant_create(NULL, root, RIGHT_ALL, &account_root, &anonymous_grant) != 0)
        panic("no memory for the anonymous tree");
}

// What the node says of itself, cut at size.
static ssize_t describe_node(const struct node *node, char *to, size_t size)
{
    char text[NAME_MAX_BYTES + 1];
    ssize_t length;

    if (node->ops->describe == NULL)
        return -ENOENT;
    length = node->ops->describe(node, text, sizeof(text));
    length = MIN(length, (ssize_t)sizeof(text) - 1);
    length = MIN(length, (ssize_t)size);
    if (length > 0)
        memcpy(to, text, (size_t)length);
    return length;
}

size_t handle_describe(struct handle *handle, struct names *names, char *to, size_t size)
{
    static const char unreachable[] = "(unreachable)";
    struct place place = { handle->grant, handle->node };
    ssize_t length = place_path(&place, names, to, size);

    if (length < 0)
        length = describe_node(handle->node, to, size);
    if (length < 0) {
        length = (ssize_t)MIN(size, sizeof(unreachable) - 1);
        memcpy(to, unreachable, (size_t)length);
    }
    return (size_t)length;
}
