// SPDX-License-Identifier: MIT
// open.c - opening and closing files.
#include "abi/stat.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/path.h"
#include "kernel/sys/user.h"

#define OPEN_KNOWN                                                                          \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |   \
     O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |  \
     O_PATH | O_TMPFILE)

#define O_TMPFILE_ONLY (O_TMPFILE & ~O_DIRECTORY)

// Refuses what is not built; takes away what a call ignores.
// Value: the flags, or a negative errno.
static int64_t open_flags(uint64_t flags)
{
    if (flags & O_PATH)
        return (int64_t)(flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if ((flags & O_ACCMODE) == O_ACCMODE || flags & (O_DIRECT | O_ASYNC))
        return -EINVAL;
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        return -EINVAL;
    if (flags & O_TMPFILE_ONLY &&
        ((flags & O_TMPFILE) != O_TMPFILE || (flags & O_ACCMODE) == O_RDONLY))
        return -EINVAL;
    return (int64_t)(flags | O_LARGEFILE);
}

static int64_t open_path(int dirfd, vaddr_t path, uint64_t wanted, mode_t mode, unsigned walk_flags)
{
    struct path_call call;
    struct handle *handle;
    int64_t flags = open_flags(wanted);
    int error;

    if (flags < 0)
        return flags;
    error = path_begin(&call, dirfd, path, 0);
    if (error != 0)
        return error;
    error = vfs_open(&call.walker, call.text, (unsigned)flags & ~(unsigned)O_CLOEXEC,
                     flags & (O_CREAT | O_TMPFILE_ONLY) ? mode & 07777 : 0, walk_flags, &handle);
    path_end(&call);
    if (error != 0)
        return restartable(error); // a fifo waits for its other end
    return fd_install(handle, (flags & O_CLOEXEC) != 0);
}

CALL3(open, vaddr_t, path, int, flags, mode_t, mode)
{
    return open_path(AT_FDCWD, path, (unsigned)flags & OPEN_KNOWN, mode, 0);
}

CALL4(openat, int, dirfd, vaddr_t, path, int, flags, mode_t, mode)
{
    return open_path(dirfd, path, (unsigned)flags & OPEN_KNOWN, mode, 0);
}

CALL2(creat, vaddr_t, path, mode_t, mode)
{
    return open_path(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, 0);
}

// openat2 refuses what openat ignores.
static int check_how(const struct linux_open_how *how)
{
    if (how->flags & ~(uint64_t)OPEN_KNOWN)
        return -EINVAL;
    if (how->mode != 0 && (how->mode & ~07777UL || !(how->flags & (O_CREAT | O_TMPFILE_ONLY))))
        return -EINVAL;
    if (how->flags & O_PATH &&
        how->flags & ~(uint64_t)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
        return -EINVAL;
    if (how->resolve & ~(uint64_t)(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
                                   RESOLVE_BENEATH))
        return -EINVAL; // RESOLVE_IN_ROOT and RESOLVE_CACHED among them
    return 0;
}

CALL4(openat2, int, dirfd, vaddr_t, path, vaddr_t, from, size_t, size)
{
    struct linux_open_how how;
    int error = user_load_versioned(&how, sizeof(how), sizeof(how), from, size);
    unsigned walk_flags = 0;

    if (error == 0)
        error = check_how(&how);
    if (error != 0)
        return error;
    if (how.resolve & RESOLVE_NO_XDEV)
        walk_flags |= WALK_NO_XDEV;
    if (how.resolve & RESOLVE_NO_SYMLINKS)
        walk_flags |= WALK_NO_SYMLINKS | WALK_NO_MAGIC;
    if (how.resolve & RESOLVE_NO_MAGICLINKS)
        walk_flags |= WALK_NO_MAGIC;
    if (how.resolve & RESOLVE_BENEATH)
        walk_flags |= WALK_BENEATH;
    return open_path(dirfd, path, how.flags, (mode_t)how.mode, walk_flags);
}

CALL1(close, int, fd)
{
    return process_close_fd(process_current(), fd);
}

// CLOSE_RANGE_UNSHARE would give one thread fds of its own, which a process does not have here.
CALL3(close_range, unsigned, first, unsigned, last, unsigned, flags)
{
    if (flags & ~(unsigned)CLOSE_RANGE_CLOEXEC || first > last)
        return -EINVAL;
    fdtab_close_range(fd_table(), first, last, (flags & CLOSE_RANGE_CLOEXEC) != 0);
    return 0;
}
