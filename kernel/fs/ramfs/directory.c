// SPDX-License-Identifier: MIT
// directory.c - directories in memory.
//
// A directory that was removed has nlink 0: nothing can be made in it any more. nlink of a
// directory is 2 and one for each directory in it; its size grows by ENTRY_SIZE with each entry, as
// tmpfs shows it.
// Locking: the caller holds directory->lock (and what node.h says of each operation); a child's
// lock is taken inside.

#include <string.h>

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "kernel/fs/ramfs/private.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/sched/timer.h"

#define ENTRY_SIZE 20

static struct entries *entries_of(struct node *directory)
{
    return &ramfs_node_of(directory)->entries;
}

static bool is_removed(const struct node *directory)
{
    return directory->nlink == 0;
}

static int directory_lookup(struct node *directory, const char *name, size_t length,
                            struct node **child)
{
    return entries_find(entries_of(directory), name, length, child);
}

static void entry_came(struct node *directory, const struct node *child)
{
    directory->size += ENTRY_SIZE;
    if (node_is_directory(child))
        directory->nlink++;
    node_touch(directory);
}

static void entry_went(struct node *directory, const struct node *child)
{
    directory->size -= ENTRY_SIZE;
    if (node_is_directory(child))
        directory->nlink--;
    node_touch(directory);
}

// Labels of a new node: a set-group-ID directory passes its group on, and the bit to directories.
static void set_labels(struct node *node, const struct node *directory, uid_t uid, gid_t gid)
{
    node->uid = uid;
    node->gid = gid;
    if ((directory->mode & S_ISGID) != 0) {
        node->gid = directory->gid;
        if (node_is_directory(node))
            node->mode |= S_ISGID;
    }
}

static int directory_create(struct node *directory, const char *name, size_t length, mode_t mode,
                            const struct symlink_text *symlink, uid_t uid, gid_t gid,
                            struct node **child)
{
    struct account *account = account_current();
    struct ramfs_node *made;
    struct entry *entry;
    int error;

    if (is_removed(directory))
        return -ENOENT;
    entry = entry_create(name, length, account);
    if (entry == NULL)
        return -ENOMEM;
    made = ramfs_node_create(directory->tree, mode, symlink, account);
    if (made == NULL) {
        kfree(entry);
        return -ENOMEM;
    }
    set_labels(&made->node, directory, uid, gid);
    if (S_ISDIR(mode))
        made->node.parent = directory; // nobody sees the node yet
    error = entries_add(directory, entries_of(directory), entry, &made->node);
    if (error != 0) {
        kfree(entry);
        node_put(&made->node);
        return error;
    }
    entry_came(directory, &made->node);
    *child = &made->node;
    return 0;
}

static int directory_create_unnamed(struct node *directory, mode_t mode, uid_t uid, gid_t gid,
                                    struct node **child)
{
    struct ramfs_node *made;

    if (is_removed(directory))
        return -ENOENT;
    made = ramfs_node_create(directory->tree, mode, NULL, account_current());
    if (made == NULL)
        return -ENOMEM;
    set_labels(&made->node, directory, uid, gid);
    made->node.nlink = 0;
    made->unnamed = true;
    *child = &made->node;
    return 0;
}

static void drop_link(struct node *node)
{
    mutex_lock_nested(&node->lock);
    node->nlink--;
    node->ctime = clock_realtime();
    mutex_unlock(&node->lock);
}

// Errors: -ENOENT the last name is gone already.
static int add_link(struct ramfs_node *target)
{
    int error = -ENOENT;

    mutex_lock_nested(&target->node.lock);
    if (target->node.nlink != 0 || target->unnamed) {
        target->node.nlink++;
        target->node.ctime = clock_realtime();
        error = 0;
    }
    mutex_unlock(&target->node.lock);
    return error;
}

static int directory_link(struct node *directory, const char *name, size_t length,
                          struct node *target)
{
    struct entry *entry;
    int error;

    if (is_removed(directory))
        return -ENOENT;
    entry = entry_create(name, length, account_current());
    if (entry == NULL)
        return -ENOMEM;
    error = add_link(ramfs_node_of(target));
    if (error == 0) {
        error = entries_add(directory, entries_of(directory), entry, target);
        if (error != 0)
            drop_link(target);
    }
    if (error != 0) {
        kfree(entry);
        return error;
    }
    entry_came(directory, target);
    return 0;
}

// Closes an empty directory for good. Errors: -ENOTEMPTY.
static int close_directory(struct node *node)
{
    int error = -ENOTEMPTY;

    mutex_lock_nested(&node->lock);
    if (entries_of(node)->count == 0) {
        node->nlink = 0;
        node->parent = NULL; // the caller holds the rename lock
        node->ctime = clock_realtime();
        error = 0;
    }
    mutex_unlock(&node->lock);
    return error;
}

// What removing the entry does to the node: a directory is closed, another loses a link.
static int give_up(struct node *node)
{
    if (node_is_directory(node))
        return close_directory(node);
    drop_link(node);
    return 0;
}

static int directory_remove(struct node *directory, const char *name, size_t length,
                            bool remove_directory)
{
    struct node *child;
    int error = entries_find(entries_of(directory), name, length, &child);

    if (error != 0)
        return error;
    if (node_is_directory(child) != remove_directory)
        error = remove_directory ? -ENOTDIR : -EISDIR;
    else
        error = give_up(child);
    if (error == 0) {
        node_put(entries_remove(directory, entries_of(directory), name, length));
        entry_went(directory, child);
    }
    node_put(child);
    return error;
}

// A rename, with both entries looked up.
struct move {
    struct node *from;
    const char *old_name;
    size_t old_length;
    struct node *to;
    const char *new_name;
    size_t new_length;
    struct node *node;   // counted
    struct node *victim; // counted; what new_name names now; NULL: nothing
};

static void set_parent(struct node *node, struct node *parent)
{
    if (node_is_directory(node))
        node->parent = parent;
    node->ctime = clock_realtime();
}

static int exchange(struct move *move)
{
    if (move->victim == NULL)
        return -ENOENT;
    node_put(entries_replace(move->from, entries_of(move->from), move->old_name, move->old_length,
                             move->victim));
    node_put(entries_replace(move->to, entries_of(move->to), move->new_name, move->new_length,
                             move->node));
    set_parent(move->victim, move->from);
    set_parent(move->node, move->to);
    entry_went(move->from, move->node);
    entry_came(move->from, move->victim);
    entry_went(move->to, move->victim);
    entry_came(move->to, move->node);
    return 0;
}

// Puts the node under its new name; the entry of a name that exists stays and names another node.
static int take_place(struct move *move)
{
    struct entry *entry;
    int error;

    if (move->victim != NULL) {
        error = give_up(move->victim);
        if (error != 0)
            return error;
        node_put(entries_replace(move->to, entries_of(move->to), move->new_name, move->new_length,
                                 move->node));
        entry_went(move->to, move->victim);
        return 0;
    }
    entry = entry_create(move->new_name, move->new_length, account_current());
    if (entry == NULL)
        return -ENOMEM;
    error = entries_add(move->to, entries_of(move->to), entry, move->node);
    if (error != 0)
        kfree(entry);
    return error;
}

static int replace(struct move *move)
{
    int error;

    if (move->victim != NULL && node_is_directory(move->node) != node_is_directory(move->victim))
        return node_is_directory(move->node) ? -ENOTDIR : -EISDIR;
    error = take_place(move);
    if (error != 0)
        return error;
    node_put(entries_remove(move->from, entries_of(move->from), move->old_name, move->old_length));
    set_parent(move->node, move->to);
    entry_went(move->from, move->node);
    entry_came(move->to, move->node);
    return 0;
}

static int directory_rename(struct node *from, const char *old_name, size_t old_length,
                            struct node *to, const char *new_name, size_t new_length,
                            unsigned flags)
{
    struct move move = { from, old_name, old_length, to, new_name, new_length, NULL, NULL };
    int error;

    if (is_removed(to))
        return -ENOENT;
    error = entries_find(entries_of(from), old_name, old_length, &move.node);
    if (error != 0)
        return error;
    if (entries_find(entries_of(to), new_name, new_length, &move.victim) != 0)
        move.victim = NULL;
    if (move.victim == move.node)
        error = 0;
    else if (move.victim != NULL && (flags & RENAME_NOREPLACE) != 0)
        error = -EEXIST;
    else
        error = (flags & RENAME_EXCHANGE) != 0 ? exchange(&move) : replace(&move);
    node_put(move.node);
    if (move.victim != NULL)
        node_put(move.victim);
    return error;
}

static int directory_readdir(struct node *directory, off_t *position, readdir_emit_fn *emit,
                             void *context)
{
    if (is_removed(directory))
        return -ENOENT;
    entries_list(directory, entries_of(directory), position, emit, context);
    node_accessed(directory);
    return 0;
}

const struct node_ops ramfs_directory_ops = {
    .lookup = directory_lookup,
    .create = directory_create,
    .create_unnamed = directory_create_unnamed,
    .link = directory_link,
    .remove = directory_remove,
    .rename = directory_rename,
    .readdir = directory_readdir,
    .free = ramfs_free,
};
