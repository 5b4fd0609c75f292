// SPDX-License-Identifier: MIT
// handle.c - the life of handles: opened, entering another box, closed; see handle.h.

#include "kernel/vfs/handle.h"

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "kernel/mem/slab.h"
#include "kernel/vfs/lock.h"
#include "kernel/vfs/node.h"
#include "kernel/vfs/walk.h"

// What is forgotten once open is done, and what fcntl can change afterwards.
#define FLAGS_OF_OPEN (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC | VFS_OPEN_EXEC)
#define FLAGS_SETTABLE (O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT | O_ASYNC)

static void (*unwatch)(struct handle *handle);
static SLAB_CACHE(handle_cache, "handle", struct handle);

// For what can only be named: links, sockets, O_PATH.
static const struct handle_ops path_handle_ops = { .seekable = false };

unsigned handle_rights_needed(unsigned flags)
{
    static const unsigned by_mode[4] = { RIGHT_READ, RIGHT_WRITE, RIGHT_READ | RIGHT_WRITE,
                                         RIGHT_READ | RIGHT_WRITE };

    if ((flags & O_PATH) != 0)
        return 0;
    if ((flags & VFS_OPEN_EXEC) != 0)
        return RIGHT_EXECUTE;
    return by_mode[flags & O_ACCMODE] | ((flags & O_TRUNC) != 0 ? RIGHT_WRITE : 0);
}

// What may be done through the handle: reading and writing as it was opened, the rest as the grant
// says.
static unsigned rights_gained(unsigned flags, const struct grant *grant)
{
    static const unsigned by_mode[4] = { RIGHT_READ, RIGHT_WRITE, RIGHT_READ | RIGHT_WRITE, 0 };
    unsigned rights = grant->rights & (RIGHT_EXECUTE | RIGHT_CREATE);

    return (flags & O_PATH) != 0 ? 0 : rights | by_mode[flags & O_ACCMODE];
}

static int check_open(struct node *node, struct grant *grant, unsigned flags)
{
    unsigned needed = handle_rights_needed(flags);

    if ((grant->rights & needed) != needed)
        return -EACCES;
    if (grant_is_revoked(grant))
        return -EIO;
    if ((flags & VFS_OPEN_EXEC) != 0 && (!node_is_regular(node) || (node->mode & 0111) == 0))
        return -EACCES;
    if (node_is_directory(node) && (needed & RIGHT_WRITE) != 0)
        return -EISDIR;
    return 0;
}

// Keeps a reference on node and one on grant.
static void handle_init(struct handle *handle, struct node *node, struct grant *grant,
                        unsigned flags, struct account *account)
{
    refcount_init(&handle->ref, 1);
    handle->node = node;
    handle->grant = grant;
    handle->account = account;
    atomic_init(&handle->flags, flags);
    mutex_init(&handle->position_lock, RANK_HANDLE);
    list_init(&handle->poll_sets);
}

static void handle_free(struct handle *handle)
{
    grant_put(handle->grant);
    node_put(handle->node);
    slab_free(&handle_cache, handle);
}

// Lets the node say what operations the handle has.
static int open_node(struct handle *handle, unsigned flags)
{
    struct node *node = handle->node;
    int error = 0;

    handle->ops = node->handle_ops;
    if ((flags & O_PATH) != 0)
        handle->ops = &path_handle_ops;
    else if (node->ops->open != NULL)
        error = node->ops->open(node, handle);
    else if (S_ISSOCK(node->mode))
        error = -ENXIO;
    if (error == 0 && handle->ops == NULL)
        handle->ops = node_is_directory(node) ? &directory_handle_ops : &path_handle_ops;
    return error;
}

int handle_open_place(struct place *place, unsigned flags, struct account *account,
                      struct handle **handle)
{
    int error = check_open(place->node, place->grant, flags);
    struct handle *made;

    if (error != 0)
        return error;
    made = slab_alloc(&handle_cache, account);
    if (made == NULL)
        return -ENOMEM;
    handle_init(made, place->node, place->grant, flags, account);
    made->rights = rights_gained(flags, place->grant);
    error = open_node(made, flags);
    if (error != 0) {
        slab_free(&handle_cache, made); // the references stay the place's
        return error;
    }
    // The node saw all flags; what was about the opening alone does not stay.
    atomic_store_explicit(&made->flags, flags & ~FLAGS_OF_OPEN, memory_order_relaxed);
    *place = (struct place){ NULL, NULL };
    *handle = made;
    return 0;
}

int handle_open(struct node *node, struct grant *grant, unsigned flags, struct account *account,
                struct handle **handle)
{
    struct place place = { grant, node };
    int error;

    place_get(&place);
    error = handle_open_place(&place, flags, account, handle);
    if (error != 0)
        place_put(&place);
    return error;
}

void handle_get(struct handle *handle)
{
    refcount_get(&handle->ref);
}

void handle_set_unwatch(void (*function)(struct handle *handle))
{
    unwatch = function;
}

// A set that is closed at this moment takes its item off the list by two stores: while only one of
// them is seen, it still uses the handle, and unwatch waits for it.
static bool may_be_watched(const struct handle *handle)
{
    const struct list *sets = &handle->poll_sets;

    return __atomic_load_n(&sets->next, __ATOMIC_ACQUIRE) != sets ||
           __atomic_load_n(&sets->prev, __ATOMIC_ACQUIRE) != sets;
}

// An origin has no origin itself, so this goes at most one step deep.
void handle_put(struct handle *handle)
{
    while (handle != NULL && refcount_put(&handle->ref)) {
        struct handle *origin = handle->origin;

        if (may_be_watched(handle))
            unwatch(handle);
        lock_fd_closed(handle, handle->node);
        if (origin == NULL && handle->ops->close != NULL)
            handle->ops->close(handle);
        handle_free(handle);
        handle = origin;
    }
}

// Access mode as the rights have it, so that F_GETFL tells the truth.
static unsigned flags_with_rights(unsigned flags, unsigned rights)
{
    if ((flags & O_PATH) != 0 || (flags & O_DIRECTORY) != 0)
        return flags;
    flags &= ~O_ACCMODE;
    if ((rights & RIGHT_WRITE) == 0)
        return flags | O_RDONLY;
    return flags | ((rights & RIGHT_READ) != 0 ? O_RDWR : O_WRONLY);
}

int handle_enter_box(struct handle *from, unsigned rights, struct account *account,
                     struct handle **handle)
{
    unsigned flags = handle_flags(from);
    // What lies beneath a directory is reached by the grant's rights; a file only as it was opened.
    bool as_grant = node_is_directory(from->node) || (flags & O_PATH) != 0;
    unsigned most = rights & (as_grant ? from->grant->rights : from->rights);
    struct handle *made;
    struct grant *grant;
    int error;

    if (grant_is_revoked(from->grant))
        return -EIO;
    made = slab_alloc(&handle_cache, account);
    if (made == NULL)
        return -ENOMEM;
    error = grant_create(from->grant, from->node, most, account, &grant);
    if (error != 0) {
        slab_free(&handle_cache, made);
        return error;
    }
    grant->handed_over = true;
    node_get(from->node);
    handle_init(made, from->node, grant, flags_with_rights(flags, most), account);
    made->rights = from->rights & rights;
    made->ops = from->ops;
    made->private = from->private;
    made->fixed_flags = (from->fixed_flags | flags) & O_APPEND;
    made->origin = from->origin != NULL ? from->origin : from;
    handle_get(made->origin);
    *handle = made;
    return 0;
}

int handle_set_flags(struct handle *handle, unsigned flags)
{
    unsigned before = handle_flags(handle);
    unsigned after;

    if ((before & O_PATH) != 0)
        return -EBADF;
    do {
        after = (before & ~FLAGS_SETTABLE) | (flags & FLAGS_SETTABLE) | handle->fixed_flags;
    } while (!atomic_compare_exchange_weak(&handle->flags, &before, after));
    return 0;
}

bool handle_nonblocking(const struct handle *handle)
{
    return (handle_flags(handle) & O_NONBLOCK) != 0;
}
