// SPDX-License-Identifier: MIT
// locks.c - the lock commands of fcntl, and flock.
#include "kernel/sys/locks.h"

#include "kernel/mem/account.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/user.h"
#include "kernel/vfs/lock.h"
#include "kernel/vfs/node.h"

static bool is_open_file_command(int command)
{
    return command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

// Where l_start counts from.
static int64_t lock_base(struct handle *handle, int whence)
{
    switch (whence) {
    case SEEK_SET:
        return 0;
    case SEEK_CUR:
        return handle_seek(handle, 0, SEEK_CUR);
    case SEEK_END:
        return (int64_t)handle->node->size;
    default:
        return -EINVAL;
    }
}

// The bytes that a struct linux_flock names. A negative length counts back from the start.
static int lock_range(struct handle *handle, const struct linux_flock *flock,
                      struct lock_request *request)
{
    int64_t base = lock_base(handle, flock->l_whence);
    int64_t start, end;

    if (base < 0)
        return (int)base;
    if (__builtin_add_overflow(base, flock->l_start, &start))
        return -EOVERFLOW;
    if (start < 0)
        return -EINVAL;
    if (flock->l_len == 0) {
        end = INT64_MAX;
    } else if (flock->l_len > 0) {
        if (__builtin_add_overflow(start, flock->l_len - 1, &end))
            return -EOVERFLOW;
    } else {
        end = start - 1;
        if (__builtin_add_overflow(start, flock->l_len, &start) || start < 0)
            return -EINVAL;
    }
    request->start = (uint64_t)start;
    request->end = (uint64_t)end;
    return 0;
}

static int decode_lock(struct handle *handle, int command, const struct linux_flock *flock,
                       struct lock_request *request)
{
    bool open_file = is_open_file_command(command);

    if (open_file && flock->l_pid != 0)
        return -EINVAL;
    if (flock->l_type != F_RDLCK && flock->l_type != F_WRLCK && flock->l_type != F_UNLCK)
        return -EINVAL;
    *request = (struct lock_request){
        .kind = LOCK_RECORD,
        .owner = open_file ? (const void *)handle : fd_table(),
        .account = account_current(),
        .pid = open_file ? -1 : process_current()->pid,
        .exclusive = flock->l_type == F_WRLCK,
    };
    return lock_range(handle, flock, request);
}

// The numbers of another box's processes mean nothing here.
static pid_t shown_pid(const struct lock_request *found)
{
    if (found->pid == -1)
        return -1;
    return found->account == account_current() ? found->pid : 0;
}

static int64_t get_lock(struct handle *handle, const struct lock_request *request,
                        struct linux_flock *flock, uint64_t to)
{
    struct lock_request found;

    if (flock->l_type == F_UNLCK)
        return -EINVAL;
    if (lock_find(handle, request, &found)) {
        flock->l_type = found.exclusive ? F_WRLCK : F_RDLCK;
        flock->l_whence = SEEK_SET;
        flock->l_start = (int64_t)found.start;
        flock->l_len = found.end == INT64_MAX ? 0 : (int64_t)(found.end - found.start + 1);
        flock->l_pid = shown_pid(&found);
    } else {
        flock->l_type = F_UNLCK;
    }
    return user_store(to, flock);
}

static bool still_open(const struct handle *handle, int fd)
{
    struct handle *now;
    bool same;

    if (fd_get(fd, &now) != 0)
        return false;
    same = now == handle;
    handle_put(now);
    return same;
}

static int64_t set_lock(struct handle *handle, int fd, int command,
                        const struct lock_request *request, int type)
{
    unsigned mode = handle_flags(handle) & O_ACCMODE;
    int error;

    if (type == F_UNLCK)
        return lock_drop(handle, request);
    if (mode == (type == F_RDLCK ? O_WRONLY : O_RDONLY))
        return -EBADF;
    error = lock_take(handle, request, command == F_SETLKW || command == F_OFD_SETLKW);
    if (error != 0)
        return restartable(error);
    if (request->owner == handle || still_open(handle, fd))
        return 0;
    // Taken while another thread closed the fd, it would belong to nobody.
    lock_owner_leaves(request->owner, handle->node);
    return -EBADF;
}

int64_t lock_command(struct handle *handle, int fd, int command, uint64_t argument)
{
    struct linux_flock flock;
    struct lock_request request;
    int error = user_load(&flock, argument);

    if (error == 0)
        error = decode_lock(handle, command, &flock, &request);
    if (error != 0)
        return error;
    if (command == F_GETLK || command == F_OFD_GETLK)
        return get_lock(handle, &request, &flock, argument);
    return set_lock(handle, fd, command, &request, flock.l_type);
}

// A lock of the other type is given up before the new one is asked for, as flock(2) says.
static int64_t lock_whole(struct handle *handle, int operation)
{
    struct lock_request request = {
        .kind = LOCK_WHOLE,
        .owner = handle,
        .account = account_current(),
        .exclusive = (operation & ~LOCK_NB) == LOCK_EX,
        .end = INT64_MAX,
    };
    int error;

    if ((operation & ~LOCK_NB) == LOCK_UN)
        return lock_drop(handle, &request);
    error = lock_take(handle, &request, false);
    if (error != -EAGAIN)
        return error;
    error = lock_drop(handle, &request);
    if (error == 0)
        error = lock_take(handle, &request, !(operation & LOCK_NB));
    return restartable(error);
}

CALL2(flock, int, fd, int, operation)
{
    struct handle *handle;
    int64_t result;
    int kind = operation & ~LOCK_NB;

    if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
        return -EINVAL;
    result = fd_get_file(fd, &handle);
    if (result != 0)
        return result;
    result = lock_whole(handle, operation);
    handle_put(handle);
    return result;
}
