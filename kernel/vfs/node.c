// SPDX-License-Identifier: MIT
// node.c - nodes and trees: their generic fields; see node.h.

#include "kernel/vfs/node.h"

#include <string.h>

#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/mem/account.h"
#include "kernel/mem/pager.h"
#include "kernel/sched/timer.h"
#include "kernel/vfs/entries.h"

#define ATIME_STEP_NS (24 * 3600 * NSEC_PER_SEC)

static atomic_uint last_device;

void tree_init(struct tree *tree, const char *type, uint32_t magic, struct account *account)
{
    if (account == NULL)
        account = &account_root;
    refcount_init(&tree->ref, 1);
    tree->type = type;
    tree->magic = magic;
    tree->device = linux_makedev(0, atomic_fetch_add(&last_device, 1) + 1);
    tree->account = account;
    mutex_init(&tree->rename_lock, RANK_RENAME);
    spin_init(&tree->links_lock, RANK_LINKS);
    atomic_init(&tree->next_ino, 1);
    tree->root = NULL;
    tree->same_for_all = true;
    account_get(account);
}

static void tree_put(struct tree *tree)
{
    struct account *account = tree->account;

    if (!refcount_put(&tree->ref))
        return;
    if (tree->free != NULL)
        tree->free(tree);
    account_put(account);
}

void node_init(struct node *node, struct tree *tree, const struct node_ops *ops, mode_t mode,
               struct account *account)
{
    nsec_t now = clock_realtime();

    refcount_init(&node->ref, 1);
    node->ops = ops;
    node->tree = tree;
    node->account = account;
    mutex_init(&node->lock, RANK_NODE);
    node->ino = atomic_fetch_add_explicit(&tree->next_ino, 1, memory_order_relaxed);
    node->mode = mode;
    node->nlink = 1;
    node->atime = now;
    node->mtime = now;
    node->ctime = now;
    list_init(&node->links);
    if (tree->root == NULL)
        tree->root = node;
    else
        refcount_get(&tree->ref);
}

void node_fini(struct node *node)
{
    tree_put(node->tree);
}

void node_get(struct node *node)
{
    refcount_get(&node->ref);
}

void node_put(struct node *node)
{
    if (refcount_put(&node->ref))
        node->ops->free(node);
}

static void split_time(nsec_t time, uint64_t *seconds, uint64_t *nanoseconds)
{
    *seconds = time / NSEC_PER_SEC;
    *nanoseconds = time % NSEC_PER_SEC;
}

void node_stat(struct node *node, struct linux_stat *stat)
{
    memset(stat, 0, sizeof(*stat));
    stat->st_dev = node->tree->device;
    stat->st_ino = node->ino;
    stat->st_nlink = node->nlink;
    stat->st_mode = node->mode;
    stat->st_uid = node->uid;
    stat->st_gid = node->gid;
    stat->st_rdev = node->rdev;
    stat->st_size = (int64_t)node->size;
    stat->st_blksize = PAGE_SIZE;
    if (node->pager != NULL)
        stat->st_blocks = (int64_t)(node->pager->page_count * (PAGE_SIZE / 512));
    split_time(node->atime, &stat->st_atime, &stat->st_atime_nsec);
    split_time(node->mtime, &stat->st_mtime, &stat->st_mtime_nsec);
    split_time(node->ctime, &stat->st_ctime, &stat->st_ctime_nsec);
    if (node->ops->stat != NULL)
        node->ops->stat(node, stat);
}

int node_truncate(struct node *node, off_t size)
{
    int error;

    if (node_is_directory(node))
        return -EISDIR;
    if (size < 0 || node->ops->truncate == NULL)
        return -EINVAL;
    mutex_lock(&node->lock);
    error = node->ops->truncate(node, size);
    if (error == 0)
        node_touch(node);
    mutex_unlock(&node->lock);
    return error;
}

void node_touch(struct node *node)
{
    nsec_t now = clock_realtime();

    node->mtime = now;
    node->ctime = now;
}

void node_accessed(struct node *node)
{
    nsec_t atime = node->atime;
    nsec_t now;

    // The clock is read only where the answer may matter: a file that was read since its last
    // change keeps its time.
    if (atime > node->mtime && atime > node->ctime) {
        now = clock_realtime();
        if (now - atime < ATIME_STEP_NS)
            return;
    } else {
        now = clock_realtime();
    }
    node->atime = now;
}

struct node *node_parent_locked(struct node *node)
{
    struct node *parent = node->parent;

    mutex_assert_held(&node->tree->rename_lock);
    // Its last reference may just have gone; then it waits for this lock to clear the link.
    if (parent == NULL || !refcount_get_try(&parent->ref))
        return NULL;
    return parent;
}

bool node_is_beneath_locked(const struct node *node, const struct tree *tree, uint64_t top_ino)
{
    if (node->tree != tree)
        return false;
    // A directory in the tree lies beneath the root, unless it was taken out.
    for (; node != NULL; node = node->parent)
        if (node->ino == top_ino)
            return true;
    return false;
}

// What a search for an entry by its number found.
struct by_ino {
    uint64_t ino;
    char *name;
    size_t length;
};

static bool compare_ino(void *context, const char *name, size_t length, uint64_t ino, unsigned type,
                        off_t next)
{
    struct by_ino *search = context;

    (void)type;
    (void)next;
    if (ino != search->ino || (length == 1 && name[0] == '.') ||
        (length == 2 && name[0] == '.' && name[1] == '.'))
        return true;
    memcpy(search->name, name, length);
    search->length = length;
    return false;
}

// For trees without entries.h: asks the parent what it calls this node.
static ssize_t locate_by_listing(struct node *node, struct node **directory, char name[256])
{
    struct by_ino search = { .ino = node->ino, .name = name };
    struct node *parent = node->parent;
    off_t position = 0;

    if (parent == NULL || parent->ops->readdir == NULL)
        return -ENOENT;
    if (parent->ops->readdir(parent, &position, compare_ino, &search) != 0 || search.length == 0)
        return -ENOENT;
    if (directory != NULL) {
        if (!refcount_get_try(&parent->ref))
            return -ENOENT;
        *directory = parent;
    }
    name[search.length] = '\0';
    return (ssize_t)search.length;
}

ssize_t node_locate(struct node *node, struct node **directory, char name[256])
{
    ssize_t length = entries_locate(node, directory, name);

    return length != -ENOENT ? length : locate_by_listing(node, directory, name);
}
