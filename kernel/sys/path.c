// SPDX-License-Identifier: MIT
// path.c - the path argument of a call: where it begins, and its text.
//
// Short paths stand in the call's own frame; a long one gets a slab buffer, for which a kernel
// stack has no room.
#include "kernel/sys/path.h"

#include "abi/errors.h"
#include "kernel/arch/arch.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/fd.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/node.h"

struct path_text {
    char bytes[PATH_MAX_BYTES];
};

static struct slab_cache path_cache = {
    .name = "path", .size = sizeof(struct path_text), .align = 16, .raw = true
};

char *path_buffer(void)
{
    return slab_alloc(&path_cache, account_current());
}

void path_free(char *text)
{
    slab_free(&path_cache, text);
}

int path_load(vaddr_t from, char **text)
{
    char *buffer = path_buffer();
    ssize_t length;

    if (buffer == NULL)
        return -ENOMEM;
    length = arch_copy_string_from_user(buffer, from, PATH_MAX_BYTES);
    if (length < 0) {
        path_free(buffer);
        return (int)length;
    }
    *text = buffer;
    return 0;
}

static int load_text(struct path_call *call, vaddr_t from)
{
    ssize_t length = arch_copy_string_from_user(call->few, from, sizeof(call->few));

    if (length == -ENAMETOOLONG)
        return path_load(from, &call->text);
    call->text = call->few;
    return length < 0 ? (int)length : 0;
}

static void free_text(struct path_call *call)
{
    if (call->text != call->few)
        path_free(call->text);
}

// A relative path begins at dirfd's node instead of cwd.
static int begin_at(struct path_call *call, int dirfd)
{
    struct handle *handle;
    int error = fd_get(dirfd, &handle);

    if (error != 0)
        return error;
    if (!node_is_directory(handle->node) && call->text[0] != '\0') {
        handle_put(handle);
        return -ENOTDIR;
    }
    call->base.grant = handle->grant;
    call->base.node = handle->node;
    place_get(&call->base);
    handle_put(handle);
    return 0;
}

int path_begin(struct path_call *call, int dirfd, vaddr_t path, unsigned walk_flags)
{
    int error = load_text(call, path);

    if (error != 0)
        return error;
    if (call->text[0] == '\0' && !(walk_flags & WALK_EMPTY)) {
        free_text(call);
        return -ENOENT;
    }
    if (call->text[0] == '/') {
        process_walker(&call->walker, &call->base, false);
        return 0;
    }
    process_walker(&call->walker, &call->base, dirfd == AT_FDCWD);
    if (dirfd != AT_FDCWD)
        error = begin_at(call, dirfd);
    if (error != 0)
        free_text(call);
    return error;
}

void path_end(struct path_call *call)
{
    if (call->base.node != NULL)
        place_put(&call->base);
    free_text(call);
}

int path_find(int dirfd, vaddr_t path, unsigned at_flags, struct place *place)
{
    struct path_call call;
    int error = path_begin(&call, dirfd, path, path_walk_flags(at_flags));

    if (error != 0)
        return error;
    error = walk(&call.walker, call.text, path_walk_flags(at_flags), place);
    path_end(&call);
    return error;
}
