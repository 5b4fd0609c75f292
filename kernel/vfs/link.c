// SPDX-License-Identifier: MIT
// link.c - giving names to nodes and taking them away: link, unlink, rmdir, rename.

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "kernel/vfs/creating.h"
#include "kernel/vfs/node.h"
#include "kernel/vfs/walking.h"

static int link_in(const struct walker *walker, const struct place *directory,
                   const struct walking *to, struct node *target)
{
    struct node *node = directory->node;
    int error;

    if (node_is_directory(target))
        return -EPERM;
    error = place_require(directory, RIGHT_CREATE);
    if (error == 0)
        error = check_foreign(walker, directory, target->mode);
    if (error == 0 && node->ops->link == NULL)
        error = -EPERM;
    if (error != 0)
        return error;
    mutex_lock(&node->lock);
    error = node->ops->link(node, to->last, to->last_length, target);
    mutex_unlock(&node->lock);
    return error;
}

// -EEXIST if the name is taken: Linux says so before it looks at anything else.
static int check_absent(struct walking *to)
{
    struct place child;
    int error;

    if (to->kind != LAST_NORMAL)
        return -EEXIST;
    error = walking_last(to, false, &child);
    if (error == 0)
        place_put(&child);
    if (error == -ENOENT || error == -EACCES)
        return to->trailing_slash ? -ENOENT : 0;
    return error == 0 || error == -ENOTDIR ? -EEXIST : error;
}

int vfs_link(const struct walker *from_walker, const char *from, const struct walker *to_walker,
             const char *to, unsigned walk_flags)
{
    struct walking walking;
    struct place source;
    struct place directory;
    int error = walk(from_walker, from, walk_flags, &source);

    if (error != 0)
        return error;
    error = walking_begin(&walking, to_walker, to, 0);
    if (error == 0) {
        error = check_absent(&walking);
        if (error == 0)
            error = walking_directory(&walking, &directory, -EEXIST);
        if (error == 0) {
            error = source.grant != directory.grant
                        ? -EXDEV
                        : link_in(to_walker, &directory, &walking, source.node);
            place_put(&directory);
        }
        walking_end(&walking);
    }
    place_put(&source);
    return error;
}

// Takes an entry away. The node itself, which may be big, is freed after the locks are given back.
LOCKS_NOT_CHECKED
static int remove_in(const struct place *directory, const struct walking *walking,
                     bool remove_directory)
{
    struct node *node = directory->node;
    struct node *victim;
    int error;

    if (node->ops->lookup == NULL)
        return -ENOTDIR;
    error = place_require(directory, RIGHT_CREATE);
    if (error != 0)
        return error;
    error = node->ops->lookup(node, walking->last, walking->last_length, &victim);
    if (error != 0)
        return error;
    if (walking->trailing_slash && !node_is_directory(victim))
        error = -ENOTDIR;
    else if (node->ops->remove == NULL)
        error = -EPERM;
    else if (!remove_directory && node_is_directory(victim))
        error = -EISDIR;
    if (error == 0) {
        if (remove_directory)
            mutex_lock(&node->tree->rename_lock);
        mutex_lock(&node->lock);
        error = node->ops->remove(node, walking->last, walking->last_length, remove_directory);
        mutex_unlock(&node->lock);
        if (remove_directory)
            mutex_unlock(&node->tree->rename_lock);
    }
    node_put(victim);
    return error;
}

static int remove_at(struct walking *walking, bool remove_directory)
{
    struct place directory;
    int error = walking_directory(walking, &directory, -EBUSY);

    if (error != 0)
        return error;
    error = remove_in(&directory, walking, remove_directory);
    place_put(&directory);
    return error;
}

int vfs_unlink(const struct walker *walker, const char *path)
{
    struct walking walking;
    int error = walking_begin(&walking, walker, path, 0);

    if (error != 0)
        return error;
    error = walking.kind != LAST_NORMAL ? -EISDIR : remove_at(&walking, false);
    walking_end(&walking);
    return error;
}

int vfs_rmdir(const struct walker *walker, const char *path)
{
    static const int refusals[] = {
        [LAST_DOT] = -EINVAL, [LAST_DOTDOT] = -ENOTEMPTY, [LAST_ROOT] = -EBUSY
    };
    struct walking walking;
    int error = walking_begin(&walking, walker, path, 0);

    if (error != 0)
        return error;
    error = walking.kind != LAST_NORMAL ? refusals[walking.kind] : remove_at(&walking, true);
    walking_end(&walking);
    return error;
}
