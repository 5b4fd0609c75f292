// SPDX-License-Identifier: MIT
// content.c - a file's size and how its content is kept: truncate, fallocate, sync, advice.
#include "abi/signal.h"
#include "abi/stat.h"
#include "kernel/proc/note.h"
#include "kernel/proc/process.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/path.h"
#include "kernel/sys/user.h"
#include "kernel/vfs/node.h"

// A file that is to grow past the process's limit: the call fails, and a signal says why.
static int check_growth(const struct node *node, int64_t size)
{
    if (!node_is_regular(node) || (uint64_t)size <= node->size ||
        (uint64_t)size <= process_rlimit(RLIMIT_FSIZE))
        return 0;
    signal_send_self(SIGXFSZ);
    return -EFBIG;
}

CALL2(truncate, vaddr_t, path, int64_t, size)
{
    struct place place;
    int error;

    if (size < 0)
        return -EINVAL;
    error = path_find(AT_FDCWD, path, 0, &place);
    if (error != 0)
        return error;
    error = check_growth(place.node, size);
    if (error == 0)
        error = place_truncate(&place, size);
    place_put(&place);
    return error;
}

CALL2(ftruncate, int, fd, int64_t, size)
{
    struct handle *handle;
    int error;

    if (size < 0)
        return -EINVAL;
    error = fd_get_file(fd, &handle);
    if (error != 0)
        return error;
    error = check_growth(handle->node, size);
    if (error == 0)
        error = handle_truncate(handle, size);
    handle_put(handle);
    return error;
}

CALL4(fallocate, int, fd, unsigned, mode, int64_t, offset, int64_t, size)
{
    struct handle *handle;
    int64_t end;
    int error;

    error = fd_get_file(fd, &handle);
    if (error != 0)
        return error;
    if (offset >= 0 && size > 0 && !(mode & FALLOC_FL_KEEP_SIZE) &&
        !__builtin_add_overflow(offset, size, &end))
        error = check_growth(handle->node, end);
    if (error == 0)
        error = handle_allocate(handle, mode, offset, size);
    handle_put(handle);
    return restartable(error);
}

// Runs check on the node of an fd.
static int64_t with_node(int fd, int (*check)(struct handle *))
{
    struct handle *handle;
    int error = fd_get_file(fd, &handle);

    if (error != 0)
        return error;
    error = check(handle);
    handle_put(handle);
    return error;
}

CALL1(fsync, int, fd)
{
    return with_node(fd, handle_sync);
}

CALL1(fdatasync, int, fd)
{
    return with_node(fd, handle_sync);
}

CALL1(syncfs, int, fd)
{
    struct handle *handle;
    int error = fd_get_file(fd, &handle);

    if (error != 0)
        return error;
    handle_put(handle);
    return 0;
}

// All trees are in memory: what was written is there.
CALL0(sync)
{
    return 0;
}

static int not_a_stream(struct handle *handle)
{
    mode_t mode = handle->node->mode;

    return S_ISREG(mode) || S_ISBLK(mode) || S_ISDIR(mode) || S_ISLNK(mode) ? 0 : -ESPIPE;
}

CALL4(sync_file_range, int, fd, int64_t, offset, int64_t, size, unsigned, flags)
{
    int64_t end;
    int64_t error = with_node(fd, not_a_stream);

    if (error == -EBADF)
        return error;
    if (flags & ~(unsigned)(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                            SYNC_FILE_RANGE_WAIT_AFTER) ||
        offset < 0 || size < 0 || __builtin_add_overflow(offset, size, &end))
        return -EINVAL;
    return error;
}

// Advice changes nothing that a program can see.
static int no_pipe(struct handle *handle)
{
    return S_ISFIFO(handle->node->mode) ? -ESPIPE : 0;
}

CALL4(fadvise64, int, fd, int64_t, offset, int64_t, size, int, advice)
{
    int64_t error = with_node(fd, no_pipe);

    (void)offset;
    if (error != 0)
        return error;
    return size < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE ? -EINVAL : 0;
}

static int may_read_ahead(struct handle *handle)
{
    if ((handle_flags(handle) & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    return S_ISREG(handle->node->mode) || S_ISBLK(handle->node->mode) ? 0 : -EINVAL;
}

CALL3(readahead, int, fd, int64_t, offset, size_t, size)
{
    (void)offset;
    (void)size;
    return with_node(fd, may_read_ahead);
}
