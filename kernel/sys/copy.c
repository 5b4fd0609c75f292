// SPDX-License-Identifier: MIT
// copy.c - moving bytes from file to file inside the kernel: sendfile and copy_file_range.
#include "abi/stat.h"
#include "abi/uio.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/note.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/user.h"
#include "kernel/vfs/iobuf.h"
#include "kernel/vfs/node.h"

#define CHUNK ((size_t)16 * 1024)

// Where bytes come from or go: a handle, at its own position or at one of the call's.
struct side {
    struct handle *handle;
    off_t at;       // where the next byte is
    bool own;       // the handle's position is used, and moved
};

static ssize_t write_side(struct side *to, void *bytes, size_t size)
{
    struct iobuf buffer;
    ssize_t done;

    iobuf_kernel(&buffer, bytes, size);
    if (to->own)
        done = handle_write(to->handle, &buffer);
    else
        done = handle_write_at(to->handle, &buffer, to->at);
    if (done > 0 && !to->own)
        to->at += done;
    return done;
}

// Moves one chunk. Returns: bytes moved, 0 at the end of the file, or an error.
static ssize_t move_chunk(struct side *from, struct side *to, void *bytes, size_t size)
{
    struct iobuf buffer;
    ssize_t got, done;

    iobuf_kernel(&buffer, bytes, size);
    got = handle_read_at(from->handle, &buffer, from->at);
    if (got <= 0)
        return got;
    done = write_side(to, bytes, (size_t)got);
    if (done > 0)
        from->at += done;
    return done;
}

static ssize_t move_bytes(struct side *from, struct side *to, size_t size)
{
    size_t chunk = MIN(MAX(size, (size_t)1), CHUNK);
    void *bytes = kmalloc(chunk, account_current());
    ssize_t result = 0;
    size_t done = 0;

    if (bytes == NULL)
        return -ENOMEM;
    while (done < size) {
        result = move_chunk(from, to, bytes, MIN(size - done, chunk));
        if (result <= 0)
            break;
        done += (size_t)result;
        if (thread_relax() || (thread_interrupted() && done < size))
            break;
    }
    kfree(bytes);
    return done != 0 ? (ssize_t)done : result;
}

// Reads where a side begins: at the position the call gives, or at the handle's own.
static int side_begin(struct side *side, struct handle *handle, vaddr_t position_at)
{
    int error;

    side->handle = handle;
    side->own = position_at == 0;
    if (side->own)
        side->at = handle_seek(handle, 0, SEEK_CUR);
    else if ((error = user_load(&side->at, position_at)) != 0)
        return error;
    else if (side->at < 0)
        return -EINVAL;
    return 0;
}

// Leaves the position where the next call goes on.
static int side_end(struct side *side, vaddr_t position_at)
{
    off_t moved;

    if (position_at != 0)
        return user_store(position_at, &side->at);
    moved = handle_seek(side->handle, side->at, SEEK_SET);
    return moved < 0 ? (int)moved : 0;
}

static int64_t send_file(struct handle *to_handle, struct handle *from_handle, vaddr_t position_at,
                         size_t size)
{
    struct side to = { .handle = to_handle, .own = true };
    struct side from;
    int64_t result;
    int error;

    if (!S_ISREG(from_handle->node->mode) && !S_ISBLK(from_handle->node->mode))
        return -EINVAL;
    if ((handle_flags(from_handle) & O_ACCMODE) == O_WRONLY ||
        (handle_flags(to_handle) & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    if (handle_flags(to_handle) & O_APPEND)
        return -EINVAL;
    result = side_begin(&from, from_handle, position_at);
    if (result != 0)
        return result;
    if (from.at < 0)
        return from.at;
    result = move_bytes(&from, &to, MIN(size, (size_t)MAX_RW_COUNT));
    if (result == -EPIPE)
        signal_send_self(SIGPIPE);
    if (result <= 0)
        return restartable(result);
    error = side_end(&from, position_at);
    return error != 0 ? error : result;
}

CALL4(sendfile, int, to_fd, int, from_fd, vaddr_t, position_at, size_t, size)
{
    struct handle *from, *to;
    int64_t result = fd_get_file(from_fd, &from);

    if (result != 0)
        return result;
    result = fd_get_file(to_fd, &to);
    if (result == 0) {
        result = send_file(to, from, position_at, size);
        handle_put(to);
    }
    handle_put(from);
    return result;
}

static int check_range_files(const struct handle *from, const struct handle *to)
{
    if (S_ISDIR(from->node->mode) || S_ISDIR(to->node->mode))
        return -EISDIR;
    if (!S_ISREG(from->node->mode) || !S_ISREG(to->node->mode))
        return -EINVAL;
    if ((handle_flags(from) & O_ACCMODE) == O_WRONLY ||
        (handle_flags(to) & O_ACCMODE) == O_RDONLY || handle_flags(to) & O_APPEND)
        return -EBADF;
    return 0;
}

static int64_t copy_range(struct handle *from_handle, vaddr_t from_at, struct handle *to_handle,
                          vaddr_t to_at, size_t size)
{
    struct side from = { 0 }, to = { 0 };
    int64_t result = check_range_files(from_handle, to_handle);
    int error;

    if (result == 0)
        result = side_begin(&from, from_handle, from_at);
    if (result == 0)
        result = side_begin(&to, to_handle, to_at);
    if (result == 0 && ((uint64_t)from.at + size < size || (uint64_t)to.at + size < size))
        result = -EOVERFLOW;
    if (result != 0)
        return result;
    size = MIN(size, (size_t)MAX_RW_COUNT);
    size = MIN(size, (size_t)MAX((off_t)from_handle->node->size - from.at, (off_t)0));
    if ((off_t)size > INT64_MAX - to.at)
        return -EFBIG;
    if (from_handle->node == to_handle->node && from.at < to.at + (off_t)size &&
        to.at < from.at + (off_t)size)
        return -EINVAL;
    to.own = false; // both positions are moved at the end
    result = move_bytes(&from, &to, size);
    if (result <= 0)
        return restartable(result);
    error = side_end(&from, from_at);
    if (error == 0)
        error = side_end(&to, to_at);
    return error != 0 ? error : result;
}

CALL6(copy_file_range, int, from_fd, vaddr_t, from_at, int, to_fd, vaddr_t, to_at, size_t, size,
      unsigned, flags)
{
    struct handle *from, *to;
    int64_t result;

    if (flags != 0)
        return -EINVAL;
    result = fd_get_file(from_fd, &from);
    if (result != 0)
        return result;
    result = fd_get_file(to_fd, &to);
    if (result == 0) {
        result = copy_range(from, from_at, to, to_at, size);
        handle_put(to);
    }
    handle_put(from);
    return result;
}
