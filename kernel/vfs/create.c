// SPDX-License-Identifier: MIT
// create.c - making entries: files, directories, symlinks, FIFOs and socket nodes.

#include <string.h>

#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/vfs/creating.h"
#include "kernel/vfs/node.h"
#include "kernel/vfs/walking.h"

#define MODE_BITS 07777

int check_foreign(const struct walker *walker, const struct place *directory, mode_t mode)
{
    if (directory->node->tree->account == walker->account)
        return 0;
    return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) ? 0 : -EPERM;
}

// Without the right to create, an entry that exists is still reported as such where it may be seen:
// mkdir -p relies on it.
static int refuse(const struct place *directory, const char *name, size_t length, int error)
{
    const struct node_ops *ops = directory->node->ops;
    struct node *child;

    if (ops->lookup == NULL || place_require(directory, RIGHT_READ) != 0 ||
        ops->lookup(directory->node, name, length, &child) != 0)
        return error;
    node_put(child);
    return -EEXIST;
}

int create_in(const struct walker *walker, const struct place *directory, const char *name,
              size_t length, const struct creation *creation, struct node **made)
{
    struct node *node = directory->node;
    struct symlink_text symlink = { creation->target, directory->grant->top->ino };
    mode_t mode = S_ISLNK(creation->mode) ? creation->mode : creation->mode & ~walker->umask;
    int error = place_require(directory, RIGHT_CREATE);

    if (error == 0)
        error = check_foreign(walker, directory, creation->mode);
    if (error == 0 && node->ops->create == NULL)
        error = node_is_directory(node) ? -EPERM : -ENOTDIR;
    if (error != 0)
        return refuse(directory, name, length, error);
    mutex_lock(&node->lock);
    error = node->ops->create(node, name, length, mode, creation->target != NULL ? &symlink : NULL,
                              walker->uid, walker->gid, made);
    mutex_unlock(&node->lock);
    return error;
}

int create_unnamed_in(const struct walker *walker, const struct place *directory, mode_t mode,
                      struct node **made)
{
    const struct node_ops *ops = directory->node->ops;
    int error = place_require(directory, RIGHT_CREATE);

    if (error != 0)
        return error;
    if (ops->create_unnamed == NULL)
        return -EOPNOTSUPP;
    return ops->create_unnamed(directory->node, S_IFREG | (mode & MODE_BITS & ~walker->umask),
                               walker->uid, walker->gid, made);
}

// What all calls that make an entry by a path share. slash_allowed: "name/" may be made (a
// directory).
static int create_at(const struct walker *walker, const char *path, const struct creation *creation,
                     bool slash_allowed)
{
    struct walking walking;
    struct place directory;
    struct node *made;
    int error = walking_begin(&walking, walker, path, 0);

    if (error != 0)
        return error;
    error =
        walking.kind != LAST_NORMAL ? -EEXIST : walking_directory(&walking, &directory, -EEXIST);
    if (error == 0) {
        if (walking.trailing_slash && !slash_allowed)
            error = refuse(&directory, walking.last, walking.last_length, -ENOENT);
        else
            error =
                create_in(walker, &directory, walking.last, walking.last_length, creation, &made);
        if (error == 0)
            node_put(made);
        place_put(&directory);
    }
    walking_end(&walking);
    return error;
}

int vfs_mkdir(const struct walker *walker, const char *path, mode_t mode)
{
    struct creation creation = { .mode = S_IFDIR | (mode & (0777 | S_ISVTX)) };

    return create_at(walker, path, &creation, true);
}

int vfs_mknod(const struct walker *walker, const char *path, mode_t mode, dev_t device)
{
    struct creation creation = { .mode = mode & (S_IFMT | MODE_BITS) };

    (void)device;
    switch (mode & S_IFMT) {
    case 0:
        creation.mode |= S_IFREG;
        break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        break;
    case S_IFCHR:
    case S_IFBLK:
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
    return create_at(walker, path, &creation, false);
}

int vfs_symlink(const struct walker *walker, const char *target, const char *path)
{
    struct creation creation = { .mode = S_IFLNK | 0777, .target = target };
    size_t length = strnlen(target, PATH_MAX_BYTES);

    if (length == 0)
        return -ENOENT;
    if (length == PATH_MAX_BYTES)
        return -ENAMETOOLONG;
    return create_at(walker, path, &creation, false);
}
