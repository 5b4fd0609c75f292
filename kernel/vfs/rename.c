// SPDX-License-Identifier: MIT
// rename.c - moving an entry within a grant.
//
// Under the tree's rename lock no directory moves or goes, so what is an ancestor of what stands
// still; only one thread at a time holds two directories of a tree, so these may be locked in
// either order.

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "kernel/vfs/creating.h"
#include "kernel/vfs/node.h"
#include "kernel/vfs/walking.h"

// One side: where the entry is, or will be.
struct side {
    struct walking walking;
    struct place directory;
    struct node *node; // the entry's, counted; NULL: there is none
};

// special: what a path that ends in "/", "." or ".." is answered with.
static int side_begin(struct side *side, const struct walker *walker, const char *path, int special)
{
    int error;

    side->node = NULL;
    error = walking_begin(&side->walking, walker, path, 0);
    if (error != 0)
        return error;
    error = side->walking.kind != LAST_NORMAL
                ? special
                : walking_directory(&side->walking, &side->directory, -EBUSY);
    if (error != 0)
        walking_end(&side->walking);
    return error;
}

static void side_end(struct side *side)
{
    if (side->node != NULL)
        node_put(side->node);
    place_put(&side->directory);
    walking_end(&side->walking);
}

static int side_lookup(struct side *side)
{
    struct node *directory = side->directory.node;

    if (directory->ops->lookup == NULL)
        return -ENOTDIR;
    return directory->ops->lookup(directory, side->walking.last, side->walking.last_length,
                                  &side->node);
}

// Whether directory or something above it is node.
static bool is_ancestor_locked(const struct node *node, const struct node *directory)
{
    return node_is_directory(node) && node_is_beneath_locked(directory, node->tree, node->ino);
}

// What the names ask for against what is there. The types are checked again by the file system,
// under the locks.
static int check_sides(struct side *from, struct side *to, unsigned flags)
{
    // What a slash at the end of the new name asks to be a directory.
    const struct node *named = (flags & RENAME_EXCHANGE) != 0 ? to->node : from->node;

    if (to->node != NULL && (flags & RENAME_NOREPLACE) != 0)
        return -EEXIST;
    if (to->node == NULL && (flags & RENAME_EXCHANGE) != 0)
        return -ENOENT;
    if ((from->walking.trailing_slash && !node_is_directory(from->node)) ||
        (to->walking.trailing_slash && !node_is_directory(named)))
        return -ENOTDIR;
    if (is_ancestor_locked(from->node, to->directory.node))
        return -EINVAL;
    if (to->node != NULL && is_ancestor_locked(to->node, from->directory.node))
        return (flags & RENAME_EXCHANGE) != 0 ? -EINVAL : -ENOTEMPTY;
    return 0;
}

LOCKS_NOT_CHECKED
static int rename_locked(struct side *from, struct side *to, unsigned flags)
{
    struct node *source = from->directory.node;
    struct node *target = to->directory.node;
    int error = side_lookup(from);

    if (error != 0)
        return error;
    error = side_lookup(to);
    if (error == 0 || error == -ENOENT)
        error = check_sides(from, to, flags);
    if (error != 0 || from->node == to->node)
        return error;
    mutex_lock(&source->lock);
    if (target != source)
        mutex_lock_nested(&target->lock);
    error = source->ops->rename(source, from->walking.last, from->walking.last_length, target,
                                to->walking.last, to->walking.last_length, flags);
    if (target != source)
        mutex_unlock(&target->lock);
    mutex_unlock(&source->lock);
    return error;
}

static int rename_sides(struct side *from, struct side *to, unsigned flags)
{
    struct tree *tree = from->directory.node->tree;
    int error;

    if (from->directory.grant != to->directory.grant)
        return -EXDEV;
    error = place_require(&from->directory, RIGHT_CREATE);
    if (error == 0 && from->directory.node->ops->rename == NULL)
        error = -EPERM;
    if (error != 0)
        return error;
    mutex_lock(&tree->rename_lock);
    error = rename_locked(from, to, flags);
    mutex_unlock(&tree->rename_lock);
    return error;
}

static int check_flags(unsigned flags)
{
    unsigned both = RENAME_NOREPLACE | RENAME_EXCHANGE;

    return (flags & ~both) != 0 || (flags & both) == both ? -EINVAL : 0;
}

int vfs_rename(const struct walker *from_walker, const char *from, const struct walker *to_walker,
               const char *to, unsigned flags)
{
    struct side old;
    struct side new;
    int error = check_flags(flags);

    if (error != 0)
        return error;
    error = side_begin(&old, from_walker, from, -EBUSY);
    if (error != 0)
        return error;
    error = side_begin(&new, to_walker, to, (flags & RENAME_NOREPLACE) != 0 ? -EEXIST : -EBUSY);
    if (error == 0) {
        error = rename_sides(&old, &new, flags);
        side_end(&new);
    }
    side_end(&old);
    return error;
}
