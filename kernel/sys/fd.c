// SPDX-License-Identifier: MIT
// fd.c - fd arguments and results; dup and its relatives, ioctl.
#include "kernel/sys/fd.h"

#include "abi/ioctl.h"
#include "abi/stat.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/user.h"
#include "kernel/vfs/node.h"

int fd_get_file(int fd, struct handle **handle)
{
    int error = fd_get(fd, handle);

    if (unlikely(error == 0 && (*handle)->flags & O_PATH)) {
        handle_put(*handle);
        error = -EBADF;
    }
    if (unlikely(error != 0))
        *handle = NULL;
    return error;
}

int fd_install(struct handle *handle, bool cloexec)
{
    int fd = process_add_fd(process_current(), handle, 0, cloexec);

    if (fd < 0)
        handle_put(handle);
    return fd;
}

CALL1(dup, int, fd)
{
    struct handle *handle;
    int error = fd_get(fd, &handle);

    return error != 0 ? error : fd_install(handle, false);
}

static int64_t dup_as(int old, int new, bool cloexec)
{
    struct handle *handle;
    int error = fd_get(old, &handle);

    if (error != 0)
        return error;
    error = process_add_fd_as(process_current(), handle, new, cloexec);
    if (error != 0)
        handle_put(handle);
    return error != 0 ? error : new;
}

CALL2(dup2, int, old, int, new)
{
    struct handle *handle;
    int error;

    if (old != new)
        return dup_as(old, new, false);
    error = fd_get(old, &handle);
    if (error != 0)
        return error;
    handle_put(handle);
    return new;
}

CALL3(dup3, int, old, int, new, int, flags)
{
    if (flags & ~O_CLOEXEC || old == new)
        return -EINVAL;
    return dup_as(old, new, (flags & O_CLOEXEC) != 0);
}

// What a regular file still has to read.
static int64_t readable_bytes(struct handle *handle, uint64_t argument)
{
    off_t position = handle_seek(handle, 0, SEEK_CUR);
    int64_t left;
    int32_t result;

    if (position < 0)
        return position;
    left = (int64_t)handle->node->size - position;
    result = (int32_t)MIN(MAX(left, INT64_C(0)), (int64_t)INT32_MAX);
    return user_store(argument, &result);
}

static int64_t set_nonblocking(struct handle *handle, uint64_t argument)
{
    int32_t on;
    int error = user_load(&on, argument);

    if (error != 0)
        return error;
    return handle_set_flags(handle, (handle_flags(handle) & ~(unsigned)O_NONBLOCK) |
                                        (on != 0 ? O_NONBLOCK : 0));
}

static int64_t ioctl_of(struct handle *handle, int fd, unsigned command, uint64_t argument)
{
    switch (command) {
    case FIOCLEX:
    case FIONCLEX:
        return fdtab_set_flags(fd_table(), fd, command == FIOCLEX);
    case FIONBIO:
        return set_nonblocking(handle, argument);
    case FIONREAD:
        if (S_ISREG(handle->node->mode))
            return readable_bytes(handle, argument);
        break;
    }
    return restartable(handle_ioctl(handle, command, argument));
}

CALL3(ioctl, int, fd, unsigned, command, uint64_t, argument)
{
    struct handle *handle;
    int64_t result = fd_get_file(fd, &handle);

    if (result != 0)
        return result;
    result = ioctl_of(handle, fd, command, argument);
    handle_put(handle);
    return result;
}
