// SPDX-License-Identifier: MIT
// attributes.c - stat, and changes of mode, owner and times. Mode bits and owners are labels: they
// are kept and shown, and grant nothing.

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "kernel/ns/names.h"
#include "kernel/sched/timer.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/node.h"
#include "kernel/vfs/walk.h"

#define MODE_BITS 07777

int vfs_stat(const struct walker *walker, const char *path, unsigned walk_flags,
             struct linux_stat *stat)
{
    struct place place;
    int error = walk(walker, path, walk_flags, &place);

    if (error != 0)
        return error;
    error = place_require(&place, RIGHT_READ);
    if (error == 0)
        node_stat(place.node, stat);
    place_put(&place);
    return error;
}

// Begins a change: on success the node is locked.
LOCKS_NOT_CHECKED
static int begin_change(const struct place *place)
{
    struct node *node = place->node;
    int error = place_require(place, RIGHT_WRITE);

    if (error != 0)
        return error;
    mutex_lock(&node->lock);
    if (node->ops->set_attributes != NULL)
        error = node->ops->set_attributes(node);
    if (error != 0)
        mutex_unlock(&node->lock);
    return error;
}

LOCKS_NOT_CHECKED
static void end_change(const struct place *place)
{
    place->node->ctime = clock_realtime();
    mutex_unlock(&place->node->lock);
}

int place_chmod(const struct place *place, mode_t mode)
{
    struct node *node = place->node;
    int error;

    if (node_is_link(node))
        return -EOPNOTSUPP;
    error = begin_change(place);
    if (error != 0)
        return error;
    node->mode = (node->mode & ~MODE_BITS) | (mode & MODE_BITS);
    end_change(place);
    return 0;
}

// What a new owner must not inherit: set-user-ID, and set-group-ID where it means running as the
// group.
static mode_t without_set_id(mode_t mode)
{
    mode &= ~S_ISUID;
    return (mode & 0010) != 0 ? mode & ~S_ISGID : mode;
}

int place_chown(const struct place *place, uid_t uid, gid_t gid)
{
    struct node *node = place->node;
    int error = begin_change(place);

    if (error != 0)
        return error;
    if (uid != (uid_t)-1)
        node->uid = uid;
    if (gid != (gid_t)-1)
        node->gid = gid;
    if (!node_is_directory(node))
        node->mode = without_set_id(node->mode);
    end_change(place);
    return 0;
}

int place_set_times(const struct place *place, nsec_t atime, nsec_t mtime, bool set_atime,
                    bool set_mtime)
{
    struct node *node = place->node;
    int error;

    if (!set_atime && !set_mtime)
        return 0;
    error = begin_change(place);
    if (error != 0)
        return error;
    if (set_atime)
        node->atime = atime;
    if (set_mtime)
        node->mtime = mtime;
    end_change(place);
    return 0;
}

// Writing into a directory is making entries in it. "/" is where the root tree says.
static int access_directory(const struct place *place, unsigned mode)
{
    struct names *names = names_of_root(place->node);
    struct place tree = *place;
    int error = 0;

    if (names != NULL) {
        tree.grant = names_tree(names);
        names_put(names);
        if (tree.grant == NULL)
            return (mode & W_OK) != 0 ? -EROFS : 0;
    }
    if ((mode & (R_OK | X_OK)) != 0)
        error = place_require(&tree, RIGHT_READ);
    if (error == 0 && (mode & W_OK) != 0)
        error = place_require(&tree, RIGHT_CREATE);
    if (names != NULL)
        grant_put(tree.grant);
    return error;
}

int place_access(const struct place *place, unsigned mode)
{
    unsigned rights = 0;

    if (node_is_directory(place->node))
        return access_directory(place, mode);
    if ((mode & R_OK) != 0)
        rights |= RIGHT_READ;
    if ((mode & W_OK) != 0)
        rights |= RIGHT_WRITE;
    if ((mode & X_OK) != 0) {
        // Of a file without any x bit nobody can say that it is a program, whatever the grant
        // allows.
        if ((place->node->mode & 0111) == 0)
            return -EACCES;
        rights |= RIGHT_EXECUTE;
    }
    return place_require(place, rights);
}

ssize_t vfs_readlink(const struct walker *walker, const char *path, char *to, size_t size)
{
    struct place place;
    ssize_t result = walk(walker, path, WALK_NOFOLLOW | WALK_EMPTY, &place);

    if (result != 0)
        return result;
    result = place_require(&place, RIGHT_READ);
    if (result == 0) {
        if (!node_is_link(place.node) || place.node->ops->readlink == NULL)
            result = -EINVAL;
        else
            result = place.node->ops->readlink(place.node, to, size);
    }
    place_put(&place);
    return result;
}

int place_truncate(const struct place *place, off_t size)
{
    int error = node_is_directory(place->node) ? -EISDIR : place_require(place, RIGHT_WRITE);

    return error != 0 ? error : node_truncate(place->node, size);
}
