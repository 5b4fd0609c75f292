// SPDX-License-Identifier: MIT
// rw.c - read and write in their eight forms, and lseek.
#include "abi/uio.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/user.h"
#include "kernel/sys/vector.h"
#include "kernel/vfs/iobuf.h"

// Positions of the calls that name none.
#define AT_POSITION INT64_C(-1)

// A write into a pipe or socket that nobody reads also sends SIGPIPE.
static int64_t write_result(ssize_t result)
{
    if (unlikely(result == -EPIPE))
        signal_send_self(SIGPIPE);
    return restartable(result);
}

static int64_t read_buffer(int fd, struct iobuf *buffer, int64_t position)
{
    struct handle *handle;
    int64_t result = fd_get_file(fd, &handle);

    if (unlikely(result != 0))
        return result;
    if (position == AT_POSITION)
        result = handle_read(handle, buffer);
    else
        result = handle_read_at(handle, buffer, position);
    handle_put(handle);
    return restartable(result);
}

static int64_t write_buffer(int fd, struct iobuf *buffer, int64_t position)
{
    struct handle *handle;
    int64_t result = fd_get_file(fd, &handle);

    if (unlikely(result != 0))
        return result;
    if (position == AT_POSITION)
        result = handle_write(handle, buffer);
    else
        result = handle_write_at(handle, buffer, position);
    handle_put(handle);
    return write_result(result);
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

static int64_t move_vector(int fd, vaddr_t iovecs, int count, int64_t position, bool write)
{
    struct vector vector;
    int64_t result = vector_load(&vector, iovecs, count);

    if (result != 0)
        return result;
    if (write)
        result = write_buffer(fd, &vector.buffer, position);
    else
        result = read_buffer(fd, &vector.buffer, position);
    vector_free(&vector);
    return result;
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

// A hint for polled devices is the one flag that asks for nothing here.
static int64_t move_vector_flags(int fd, vaddr_t iovecs, int count, int64_t position,
                                 unsigned flags, bool write)
{
    if (flags & ~(unsigned)RWF_HIPRI)
        return -EOPNOTSUPP;
    if (position < AT_POSITION)
        return -EINVAL;
    return move_vector(fd, iovecs, count, position, write);
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
