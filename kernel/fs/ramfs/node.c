// SPDX-License-Identifier: MIT
// node.c - the nodes of trees in memory: how they are made and freed.
//
// An entry keeps its node; a directory does not keep its parent (node.h). So the last reference on
// a directory may take a whole tree with it. That is done by a loop over a list, however deep the
// tree is.

#include <string.h>

#include "abi/errors.h"
#include "abi/stat.h"
#include "abi/statfs.h"
#include "kernel/fs/pipe/pipe.h"
#include "kernel/fs/ramfs/private.h"
#include "kernel/fs/ramfs/ramfs.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "lib/base/fmt.h"

static SLAB_CACHE(node_cache, "ram node", struct ramfs_node);
static SLAB_CACHE(tree_cache, "ram tree", struct tree);

// The tree of files without names.
static struct tree anonymous_files;

static void free_content(struct ramfs_node *node)
{
    if (node_is_regular(&node->node))
        pager_fini(&node->pager);
    kfree(node->text);
}

static void free_node(struct ramfs_node *node)
{
    free_content(node);
    node_fini(&node->node);
    slab_free(&node_cache, node);
}

// The directory's memory goes: a child that lives on has no parent any more.
static void forget_parent(struct node *child)
{
    if (!node_is_directory(child))
        return;
    mutex_lock(&child->tree->rename_lock);
    child->parent = NULL;
    mutex_unlock(&child->tree->rename_lock);
}

// Takes the entries out; what nobody else holds joins the list.
static void empty_directory(struct ramfs_node *directory, struct ramfs_node **dying)
{
    struct node *child;

    while ((child = entries_take_any(&directory->node, &directory->entries)) != NULL) {
        forget_parent(child);
        if (refcount_put(&child->ref)) {
            ramfs_node_of(child)->next_dying = *dying;
            *dying = ramfs_node_of(child);
        }
        (void)thread_relax();
    }
}

void ramfs_free(struct node *node)
{
    struct ramfs_node *dying = ramfs_node_of(node);

    while (dying != NULL) {
        struct ramfs_node *next = dying;

        dying = next->next_dying;
        if (node_is_directory(&next->node))
            empty_directory(next, &dying);
        free_node(next);
    }
}

static ssize_t link_readlink(struct node *node, char *to, size_t size)
{
    size_t length = MIN(size, node->size);

    memcpy(to, ramfs_node_of(node)->text, length);
    return (ssize_t)length;
}

static int pipe_open(struct node *node, struct handle *handle)
{
    return fifo_open(node, handle, &ramfs_node_of(node)->pipe);
}

static ssize_t anonymous_describe(const struct node *node, char *to, size_t size)
{
    return fmt_print(to, size, "/memfd:%s (deleted)", ramfs_node_of(node)->text);
}

static const struct node_ops link_ops = { .readlink = link_readlink, .free = ramfs_free };
static const struct node_ops fifo_ops = { .open = pipe_open, .free = ramfs_free };
static const struct node_ops socket_ops = { .free = ramfs_free };
static const struct node_ops anonymous_file_ops = {
    .truncate = ramfs_file_truncate,
    .allocate = ramfs_file_allocate,
    .seek_data = ramfs_file_seek_data,
    .describe = anonymous_describe,
    .free = ramfs_free,
};

static const struct node_ops *ops_for(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return &ramfs_directory_ops;
    case S_IFLNK:
        return &link_ops;
    case S_IFIFO:
        return &fifo_ops;
    case S_IFSOCK:
        return &socket_ops;
    default:
        return &ramfs_file_ops;
    }
}

static char *copy_text(const char *text, struct account *account)
{
    size_t size = strlen(text) + 1;
    char *copy = kmalloc(size, account);

    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

struct ramfs_node *ramfs_node_create(struct tree *tree, mode_t mode,
                                     const struct symlink_text *symlink, struct account *account)
{
    struct ramfs_node *made = slab_alloc(&node_cache, account);

    if (made == NULL)
        return NULL;
    if (symlink != NULL) {
        made->text = copy_text(symlink->target, account);
        if (made->text == NULL) {
            slab_free(&node_cache, made);
            return NULL;
        }
        made->node.size = strlen(symlink->target);
        made->node.held_ino = symlink->held_ino;
    }
    node_init(&made->node, tree, ops_for(mode), mode, account);
    if (S_ISDIR(mode)) {
        entries_init(&made->entries);
        made->node.nlink = 2;
        made->node.handle_ops = &directory_handle_ops;
    } else if (S_ISREG(mode)) {
        ramfs_file_init(made, account);
    }
    return made;
}

static int ramfs_statfs(struct tree *tree, struct linux_statfs *statfs)
{
    statfs->f_type = (int64_t)tree->magic;
    statfs->f_bsize = PAGE_SIZE;
    statfs->f_frsize = PAGE_SIZE;
    statfs->f_blocks = account_memory_limit(account_current()) / PAGE_SIZE;
    statfs->f_bfree = account_memory_left(account_current()) / PAGE_SIZE;
    statfs->f_bavail = statfs->f_bfree;
    statfs->f_namelen = 255;
    return 0;
}

static void tree_free(struct tree *tree)
{
    slab_free(&tree_cache, tree);
}

int ramfs_create(struct account *account, struct tree **tree)
{
    struct tree *made = slab_alloc(&tree_cache, account);
    struct ramfs_node *root;

    if (made == NULL)
        return -ENOMEM;
    tree_init(made, "tmpfs", TMPFS_MAGIC, account);
    made->free = tree_free;
    made->statfs = ramfs_statfs;
    root = ramfs_node_create(made, S_IFDIR | 0755, NULL, account);
    if (root == NULL) {
        account_put(made->account);
        slab_free(&tree_cache, made);
        return -ENOMEM;
    }
    *tree = made;
    return 0;
}

int ramfs_create_anonymous(const char *name, struct account *account, struct node **node)
{
    char *text = copy_text(name, account);
    struct ramfs_node *made = NULL;

    if (text != NULL)
        made = ramfs_node_create(&anonymous_files, S_IFREG | 0777, NULL, account);
    if (made == NULL) {
        kfree(text);
        return -ENOMEM;
    }
    made->text = text;
    made->node.ops = &anonymous_file_ops;
    made->node.nlink = 0;
    *node = &made->node;
    return 0;
}

// The tree of anonymous files has no root and is never freed.
void ramfs_init(void)
{
    static struct node no_root;

    tree_init(&anonymous_files, "tmpfs", TMPFS_MAGIC, &account_root);
    anonymous_files.statfs = ramfs_statfs;
    anonymous_files.root = &no_root;
}
