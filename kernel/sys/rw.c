// SPDX-License-Identifier: MIT
// rw.c - read and write in their eight forms, and lseek.
#include "abi/stat.h"
#include "abi/uio.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/user.h"
#include "kernel/sys/vector.h"
#include "kernel/vfs/iobuf.h"
#include "kernel/vfs/node.h"

// Positions of the calls that name none.
#define AT_POSITION INT64_C(-1)

// A write into a pipe or socket that nobody reads also sends SIGPIPE.
static int64_t write_result(ssize_t result)
{
    if (unlikely(result == -EPIPE))
        signal_send_self(SIGPIPE);
    return restartable(result);
}

static int64_t read_from(struct handle *handle, struct iobuf *buffer, int64_t position)
{
    ssize_t result;

    if (position == AT_POSITION)
        result = handle_read(handle, buffer);
    else
        result = handle_read_at(handle, buffer, position);
    return restartable(result);
}

static int64_t write_to(struct handle *handle, struct iobuf *buffer, int64_t position)
{
    ssize_t result;

    if (position == AT_POSITION)
        result = handle_write(handle, buffer);
    else
        result = handle_write_at(handle, buffer, position);
    return write_result(result);
}

static int64_t read_buffer(int fd, struct iobuf *buffer, int64_t position)
{
    struct handle *handle;
    int64_t result = fd_get_file(fd, &handle);

    if (unlikely(result != 0))
        return result;
    result = read_from(handle, buffer, position);
    handle_put(handle);
    return result;
}

static int64_t write_buffer(int fd, struct iobuf *buffer, int64_t position)
{
    struct handle *handle;
    int64_t result = fd_get_file(fd, &handle);

    if (unlikely(result != 0))
        return result;
    result = write_to(handle, buffer, position);
    handle_put(handle);
    return result;
}

// A range that leaves the user's half is refused whole, by standing where the first byte faults.
static void user_buffer(struct iobuf *buffer, vaddr_t address, size_t size)
{
    if (size > USER_END || address > USER_END - size)
        address = USER_END;
    iobuf_user(buffer, address, MIN(size, (size_t)MAX_RW_COUNT));
}

CALL3(read, int, fd, vaddr_t, to, size_t, size)
{
    struct iobuf buffer;

    user_buffer(&buffer, to, size);
    return read_buffer(fd, &buffer, AT_POSITION);
}

CALL3(write, int, fd, vaddr_t, from, size_t, size)
{
    struct iobuf buffer;

    user_buffer(&buffer, from, size);
    return write_buffer(fd, &buffer, AT_POSITION);
}

CALL4(pread64, int, fd, vaddr_t, to, size_t, size, int64_t, position)
{
    struct iobuf buffer;

    if (position < 0)
        return -EINVAL;
    user_buffer(&buffer, to, size);
    return read_buffer(fd, &buffer, position);
}

CALL4(pwrite64, int, fd, vaddr_t, from, size_t, size, int64_t, position)
{
    struct iobuf buffer;

    if (position < 0)
        return -EINVAL;
    user_buffer(&buffer, from, size);
    return write_buffer(fd, &buffer, position);
}

// Of the flags, a hint for polled devices asks for nothing here, and what is written is where it
// stays at once. Not waiting is known to what waits for others alone: pipes.
static int decode_flags(const struct handle *handle, unsigned flags, unsigned *buffer_flags)
{
    mode_t mode = handle->node->mode;

    *buffer_flags = 0;
    if (flags & ~(unsigned)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
        return -EOPNOTSUPP;
    if (flags & RWF_NOWAIT && !S_ISREG(mode) && !S_ISFIFO(mode))
        return -EOPNOTSUPP;
    if (flags & RWF_NOWAIT)
        *buffer_flags |= IOBUF_NOWAIT;
    if (flags & RWF_APPEND)
        *buffer_flags |= IOBUF_APPEND;
    return 0;
}

static int64_t move_by_handle(struct handle *handle, vaddr_t iovecs, int count, int64_t position,
                              unsigned flags, bool write)
{
    struct vector vector;
    unsigned buffer_flags;
    int64_t result = decode_flags(handle, flags, &buffer_flags);

    if (result == 0)
        result = vector_load(&vector, iovecs, count);
    if (result != 0)
        return result;
    vector.buffer.flags = buffer_flags;
    if (write)
        result = write_to(handle, &vector.buffer, position);
    else
        result = read_from(handle, &vector.buffer, position);
    vector_free(&vector);
    return result;
}

static int64_t move_vector_flags(int fd, vaddr_t iovecs, int count, int64_t position,
                                 unsigned flags, bool write)
{
    struct handle *handle;
    int64_t result;

    if (position < AT_POSITION)
        return -EINVAL;
    result = fd_get_file(fd, &handle);
    if (result != 0)
        return result;
    result = move_by_handle(handle, iovecs, count, position, flags, write);
    handle_put(handle);
    return result;
}

static int64_t move_vector(int fd, vaddr_t iovecs, int count, int64_t position, bool write)
{
    return move_vector_flags(fd, iovecs, count, position, 0, write);
}

CALL3(readv, int, fd, vaddr_t, iovecs, int, count)
{
    return move_vector(fd, iovecs, count, AT_POSITION, false);
}

CALL3(writev, int, fd, vaddr_t, iovecs, int, count)
{
    return move_vector(fd, iovecs, count, AT_POSITION, true);
}

// The position comes in two halves; the high one is 0 on x86-64.
CALL4(preadv, int, fd, vaddr_t, iovecs, int, count, int64_t, position)
{
    return position < 0 ? -EINVAL : move_vector(fd, iovecs, count, position, false);
}

CALL4(pwritev, int, fd, vaddr_t, iovecs, int, count, int64_t, position)
{
    return position < 0 ? -EINVAL : move_vector(fd, iovecs, count, position, true);
}

CALL6(preadv2, int, fd, vaddr_t, iovecs, int, count, int64_t, position, uint64_t, high, int, flags)
{
    (void)high;
    return move_vector_flags(fd, iovecs, count, position, (unsigned)flags, false);
}

CALL6(pwritev2, int, fd, vaddr_t, iovecs, int, count, int64_t, position, uint64_t, high, int, flags)
{
    (void)high;
    return move_vector_flags(fd, iovecs, count, position, (unsigned)flags, true);
}

CALL3(lseek, int, fd, int64_t, offset, int, whence)
{
    struct handle *handle;
    int64_t result;

    if (whence < SEEK_SET || whence > SEEK_HOLE)
        whence = -1; // after the fd has been looked at
    result = fd_get_file(fd, &handle);
    if (result != 0)
        return result;
    result = whence < 0 ? -EINVAL : handle_seek(handle, offset, whence);
    handle_put(handle);
    return result;
}
