// SPDX-License-Identifier: MIT
// open.c - open: finds or makes a file, and gives a handle on it.

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/creating.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/node.h"
#include "kernel/vfs/walking.h"

// O_TMPFILE contains O_DIRECTORY.
#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)
#define PATH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

// Makes the handle, which takes over the place's references; what must hold of an existing file is
// checked here.
static int open_place(const struct walker *walker, struct place *place, unsigned flags,
                      struct handle **handle)
{
    struct node *node = place->node;
    int error;

    if (node_is_link(node) && (flags & O_PATH) == 0)
        return -ELOOP;
    if ((flags & O_DIRECTORY) != 0 && !node_is_directory(node))
        return -ENOTDIR;
    error = handle_open_place(place, flags, walker->account, handle);
    if (error != 0 || (flags & O_TRUNC) == 0 || !node_is_regular(node))
        return error;
    error = node_truncate(node, 0);
    if (error != 0)
        handle_put(*handle);
    return error;
}

static int open_existing(const struct walker *walker, const char *path, unsigned flags,
                         unsigned walk_flags, struct handle **handle)
{
    struct place place;
    int error;

    if ((flags & O_NOFOLLOW) != 0)
        walk_flags |= WALK_NOFOLLOW;
    if ((flags & O_DIRECTORY) != 0)
        walk_flags |= WALK_DIRECTORY;
    error = walk(walker, path, walk_flags, &place);
    if (error != 0)
        return error;
    error = open_place(walker, &place, flags, handle);
    if (error != 0)
        place_put(&place);
    return error;
}

// Opens what was just made in directory; takes over the reference on made->node.
static int open_made(const struct walker *walker, const struct place *directory, struct place *made,
                     unsigned flags, struct handle **handle)
{
    int error;

    made->grant = directory->grant;
    grant_get(made->grant);
    error = open_place(walker, made, flags, handle);
    if (error != 0)
        place_put(made);
    return error;
}

// A file that cannot be opened afterwards is not made.
static int create_and_open(struct walking *walking, unsigned flags, mode_t mode,
                           struct handle **handle)
{
    struct creation creation = { .mode = S_IFREG | (mode & 07777) };
    struct place directory;
    struct place made;
    int error = walking_directory(walking, &directory, -EEXIST);

    if (error != 0)
        return error;
    error = place_require(&directory, handle_rights_needed(flags));
    if (error == 0)
        error = create_in(walking->walker, &directory, walking->last, walking->last_length,
                          &creation, &made.node);
    if (error == 0)
        error = open_made(walking->walker, &directory, &made, flags & ~O_TRUNC, handle);
    place_put(&directory);
    return error;
}

static int open_found(const struct walking *walking, struct place *place, unsigned flags,
                      struct handle **handle)
{
    if ((flags & O_EXCL) != 0)
        return -EEXIST;
    if (node_is_directory(place->node))
        return -EISDIR;
    return open_place(walking->walker, place, flags, handle);
}

// The last component exists, or it is made. Another thread may make or remove it between the two
// looks: then again.
static int open_or_create(struct walking *walking, unsigned flags, mode_t mode,
                          struct handle **handle)
{
    bool exclusive = (flags & O_EXCL) != 0;
    int error;

    do {
        struct place place;

        if (walking->kind != LAST_NORMAL)
            return exclusive ? -EEXIST : -EISDIR;
        if (walking->trailing_slash)
            return -EISDIR;
        error = walking_last(walking, !exclusive && (flags & O_NOFOLLOW) == 0, &place);
        if (error == 0) {
            error = open_found(walking, &place, flags, handle);
            place_put(&place);
            return error;
        }
        // Who may make but not look can still make what must not exist.
        if (!walking->stopped_at_last || (error != -ENOENT && !(error == -EACCES && exclusive)))
            return error;
        error = create_and_open(walking, flags, mode, handle);
    } while (error == -EEXIST && !exclusive && !thread_relax());
    return error;
}

static int open_unnamed(const struct walker *walker, const char *path, unsigned flags, mode_t mode,
                        unsigned walk_flags, struct handle **handle)
{
    struct place directory;
    struct place made;
    int error;

    if ((flags & O_ACCMODE) == O_RDONLY)
        return -EINVAL;
    error = walk(walker, path, walk_flags | WALK_DIRECTORY, &directory);
    if (error != 0)
        return error;
    error = create_unnamed_in(walker, &directory, mode, &made.node);
    if (error == 0)
        error = open_made(walker, &directory, &made, flags & ~(O_TMPFILE | O_EXCL), handle);
    place_put(&directory);
    return error;
}

int vfs_open(const struct walker *walker, const char *path, unsigned flags, mode_t mode,
             unsigned walk_flags, struct handle **handle)
{
    struct walking walking;
    int error;

    if ((flags & O_PATH) != 0)
        flags &= PATH_FLAGS;
    if ((flags & TMPFILE_BIT) != 0) {
        if ((flags & O_TMPFILE) != O_TMPFILE || (flags & O_CREAT) != 0)
            return -EINVAL;
        return open_unnamed(walker, path, flags, mode, walk_flags, handle);
    }
    if ((flags & O_CREAT) == 0)
        return open_existing(walker, path, flags, walk_flags, handle);
    if ((flags & O_DIRECTORY) != 0)
        return -EINVAL;
    error = walking_begin(&walking, walker, path, walk_flags);
    if (error != 0)
        return error;
    error = open_or_create(&walking, flags, mode, handle);
    walking_end(&walking);
    return error;
}
