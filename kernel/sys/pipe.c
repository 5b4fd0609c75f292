// SPDX-License-Identifier: MIT
// pipe.c - making files that are no file: pipes, eventfds, timerfds, signalfds, memory files.
#include "abi/eventfd.h"
#include "abi/time.h"
#include "kernel/fs/pipe/pipe.h"
#include "kernel/ipc/eventfd.h"
#include "kernel/ipc/signalfd.h"
#include "kernel/ipc/timerfd.h"
#include "kernel/mem/account.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/memory.h"
#include "kernel/sys/user.h"

static int64_t make_pipe(vaddr_t to, unsigned flags)
{
    struct handle *ends[2];
    int32_t fds[2];
    int error;

    if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    error = probe_for_write(to, sizeof(fds)); // no thread sees fds that nobody is told of
    if (error == 0)
        error = pipe_create(flags, account_current(), &ends[0], &ends[1]);
    if (error != 0)
        return restartable(error);
    fds[0] = fd_install(ends[0], (flags & O_CLOEXEC) != 0);
    if (fds[0] < 0) {
        handle_put(ends[1]);
        return fds[0];
    }
    fds[1] = fd_install(ends[1], (flags & O_CLOEXEC) != 0);
    error = fds[1] < 0 ? fds[1] : user_store(to, &fds);
    if (error != 0) {
        // Another thread has unmapped it; should one have closed one of them, that is as well.
        (void)!process_close_fd(process_current(), fds[0]);
        if (fds[1] >= 0)
            (void)!process_close_fd(process_current(), fds[1]);
    }
    return error;
}

CALL1(pipe, vaddr_t, to)
{
    return make_pipe(to, 0);
}

CALL2(pipe2, vaddr_t, to, unsigned, flags)
{
    return make_pipe(to, flags);
}

static int64_t make_eventfd(unsigned initial, unsigned flags)
{
    struct handle *handle;
    int error = eventfd_create(initial, flags, account_current(), &handle);

    return error != 0 ? error : fd_install(handle, (flags & EFD_CLOEXEC) != 0);
}

CALL1(eventfd, unsigned, initial)
{
    return make_eventfd(initial, 0);
}

CALL2(eventfd2, unsigned, initial, unsigned, flags)
{
    return make_eventfd(initial, flags);
}

CALL2(timerfd_create, int, clock, unsigned, flags)
{
    struct handle *handle;
    int error = timerfd_create(clock, flags, account_current(), &handle);

    return error != 0 ? error : fd_install(handle, (flags & TFD_CLOEXEC) != 0);
}

CALL4(timerfd_settime, int, fd, unsigned, flags, vaddr_t, from, vaddr_t, old_to)
{
    struct linux_itimerspec setting, old;
    struct handle *handle;
    int error = user_load(&setting, from);

    if (error == 0)
        error = fd_get_file(fd, &handle);
    if (error != 0)
        return error;
    error = timerfd_set(handle, flags, &setting, &old);
    handle_put(handle);
    return error == 0 && old_to != 0 ? user_store(old_to, &old) : error;
}

CALL2(timerfd_gettime, int, fd, vaddr_t, to)
{
    struct linux_itimerspec setting;
    struct handle *handle;
    int error = fd_get_file(fd, &handle);

    if (error != 0)
        return error;
    error = timerfd_get(handle, &setting);
    handle_put(handle);
    return error != 0 ? error : user_store(to, &setting);
}

// fd -1: makes one; else changes the mask of that one.
static int64_t make_signalfd(int fd, vaddr_t from, size_t size, unsigned flags)
{
    struct handle *handle;
    uint64_t mask;
    int error = user_load_sigset(from, size, &mask);

    if (error != 0)
        return error;
    if (flags & ~(unsigned)(SFD_CLOEXEC | SFD_NONBLOCK))
        return -EINVAL;
    if (fd == -1) {
        error = signalfd_create(mask, flags, account_current(), &handle);
        return error != 0 ? error : fd_install(handle, (flags & SFD_CLOEXEC) != 0);
    }
    error = fd_get_file(fd, &handle);
    if (error != 0)
        return error;
    error = signalfd_set_mask(handle, mask);
    handle_put(handle);
    return error != 0 ? error : fd;
}

CALL3(signalfd, int, fd, vaddr_t, from, size_t, size)
{
    return make_signalfd(fd, from, size, 0);
}

CALL4(signalfd4, int, fd, vaddr_t, from, size_t, size, unsigned, flags)
{
    return make_signalfd(fd, from, size, flags);
}

#define MEMFD_NAME_MAX 249 // what is left of a name of 255 bytes after "memfd:"

CALL2(memfd_create, vaddr_t, name_from, unsigned, flags)
{
    char name[sizeof("memfd:") + MEMFD_NAME_MAX] = "memfd:";
    struct handle *handle;
    ssize_t length;
    int error;

    if (flags & ~(unsigned)MFD_CLOEXEC)
        return -EINVAL; // neither seals nor huge pages are built
    length = arch_copy_string_from_user(name + 6, name_from, MEMFD_NAME_MAX + 1);
    if (length < 0)
        return length == -ENAMETOOLONG ? -EINVAL : length;
    error = memory_file_create(name, 0, account_current(), &handle);
    return error != 0 ? error : fd_install(handle, (flags & MFD_CLOEXEC) != 0);
}
