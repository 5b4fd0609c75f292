// SPDX-License-Identifier: MIT
// fcntl.c - fcntl and flock.
#include "abi/fcntl.h"

#include "kernel/fs/pipe/pipe.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/locks.h"
#include "kernel/sys/user.h"

// Commands that work on a handle that only names a place.
static bool needs_no_file(int command)
{
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_GETFD ||
           command == F_SETFD || command == F_GETFL;
}

static int64_t duplicate(struct handle *handle, uint64_t lowest, bool cloexec)
{
    int fd;

    if (lowest >= fd_limit())
        return -EINVAL;
    handle_get(handle);
    fd = process_add_fd(process_current(), handle, (int)lowest, cloexec);
    if (fd < 0)
        handle_put(handle);
    return fd;
}

// What open takes and does not keep.
#define OPENING_FLAGS (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

static int64_t set_flags(struct handle *handle, uint64_t flags)
{
    if (flags & (O_ASYNC | O_DIRECT))
        return -EINVAL;
    return handle_set_flags(handle, (unsigned)flags);
}

static int64_t command_on(struct handle *handle, int fd, int command, uint64_t argument)
{
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(handle, (uint32_t)argument, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return fdtab_flags(fd_table(), fd);
    case F_SETFD:
        return fdtab_set_flags(fd_table(), fd, (argument & FD_CLOEXEC) != 0);
    case F_GETFL:
        return handle_flags(handle) & ~(unsigned)OPENING_FLAGS;
    case F_SETFL:
        return set_flags(handle, argument);
    case F_GETPIPE_SZ:
        return pipe_size(handle);
    case F_SETPIPE_SZ:
        return (int64_t)argument < 0 ? -EINVAL : pipe_set_size(handle, (uint32_t)argument);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return lock_command(handle, fd, command, argument);
    default: // owners, leases, seals, directory notes
        return -EINVAL;
    }
}

CALL3(fcntl, int, fd, int, command, uint64_t, argument)
{
    struct handle *handle;
    int64_t result = needs_no_file(command) ? fd_get(fd, &handle) : fd_get_file(fd, &handle);

    if (result != 0)
        return result;
    result = command_on(handle, fd, command, argument);
    handle_put(handle);
    return result;
}
