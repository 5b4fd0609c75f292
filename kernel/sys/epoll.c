// SPDX-License-Identifier: MIT
// epoll.c - the epoll calls.
#include "abi/epoll.h"

#include "kernel/ipc/epoll.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/note.h"
#include "kernel/proc/thread.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/polling.h"
#include "kernel/sys/user.h"

#define EVENTS_FEW 16
#define EVENTS_MOST 1024 // of one call; a caller with room for more calls again
#define EVENTS_ALLOWED (INT32_MAX / (int)sizeof(struct linux_epoll_event))

static int64_t make_set(bool cloexec)
{
    struct handle *handle;
    int error = epoll_create(account_current(), &handle);

    return error != 0 ? error : fd_install(handle, cloexec);
}

CALL1(epoll_create, int, size)
{
    return size <= 0 ? -EINVAL : make_set(false);
}

CALL1(epoll_create1, unsigned, flags)
{
    return flags & ~(unsigned)EPOLL_CLOEXEC ? -EINVAL : make_set(flags != 0);
}

CALL4(epoll_ctl, int, set_fd, int, operation, int, fd, vaddr_t, from)
{
    struct linux_epoll_event event;
    struct handle *set, *target;
    bool removal = operation == EPOLL_CTL_DEL;
    int error = removal ? 0 : user_load(&event, from);

    if (error == 0)
        error = fd_get_file(set_fd, &set);
    if (error != 0)
        return error;
    error = fd_get_file(fd, &target);
    if (error == 0) {
        error = epoll_control(set, operation, fd, target, removal ? NULL : &event);
        handle_put(target);
    }
    handle_put(set);
    return error;
}

static int64_t wait_for_events(int set_fd, vaddr_t to, int most, nsec_t deadline)
{
    struct linux_epoll_event few[EVENTS_FEW];
    struct linux_epoll_event *events = few;
    struct handle *set;
    int64_t result;

    if (most <= 0 || most > EVENTS_ALLOWED)
        return -EINVAL;
    most = MIN(most, EVENTS_MOST);
    result = fd_get_file(set_fd, &set);
    if (result != 0)
        return result;
    if (most > EVENTS_FEW)
        events = kmalloc((size_t)most * sizeof(*events), account_current());
    if (events == NULL)
        result = -ENOMEM;
    else
        result = epoll_wait(set, events, most, deadline);
    handle_put(set);
    if (result > 0 && arch_copy_to_user(to, events, (size_t)result * sizeof(*events)) != 0)
        result = -EFAULT;
    if (events != few)
        kfree(events);
    return result;
}

// restart_data: 0 the set, 1 where events go, 2 how many, 3 the deadline, 4 whether there is a
// mask, 5 the mask. Without a handler it goes on after a stop or a suspension; Linux ends the call
// after a stop.
static int64_t epoll_on(struct uthread *thread)
{
    uint64_t *data = thread->restart_data;
    int64_t result;

    if (data[4] != 0)
        signal_suspend_mask(data[5]);
    result = wait_for_events((int)data[0], data[1], (int)data[2], data[3]);
    if (result != -EINTR)
        return result;
    thread->restart = epoll_on;
    return -ERESTART_RESTARTBLOCK;
}

static int64_t epoll_call(int set_fd, vaddr_t to, int most, nsec_t timeout, vaddr_t mask_from,
                          size_t mask_size)
{
    uint64_t *data = uthread_current()->restart_data;
    uint64_t mask = 0;
    int error = mask_from != 0 ? user_load_sigset(mask_from, mask_size, &mask) : 0;

    if (error != 0)
        return error;
    data[0] = (uint64_t)set_fd;
    data[1] = to;
    data[2] = (uint64_t)most;
    data[3] = poll_deadline(timeout);
    data[4] = mask_from != 0;
    data[5] = mask;
    return epoll_on(uthread_current());
}

static nsec_t from_milliseconds(int timeout)
{
    return timeout < 0 ? NSEC_NEVER : (nsec_t)timeout * NSEC_PER_MSEC;
}

CALL4(epoll_wait, int, set_fd, vaddr_t, to, int, most, int, timeout)
{
    return epoll_call(set_fd, to, most, from_milliseconds(timeout), 0, 0);
}

CALL6(epoll_pwait, int, set_fd, vaddr_t, to, int, most, int, timeout, vaddr_t, mask_from,
      size_t, mask_size)
{
    return epoll_call(set_fd, to, most, from_milliseconds(timeout), mask_from, mask_size);
}

CALL6(epoll_pwait2, int, set_fd, vaddr_t, to, int, most, vaddr_t, timeout_from, vaddr_t, mask_from,
      size_t, mask_size)
{
    nsec_t timeout = NSEC_NEVER;
    int error = timeout_from != 0 ? user_load_timespec(timeout_from, &timeout) : 0;

    return error != 0 ? error : epoll_call(set_fd, to, most, timeout, mask_from, mask_size);
}
