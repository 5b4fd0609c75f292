// SPDX-License-Identifier: MIT
// poll.c - poll and ppoll.
#include "abi/poll.h"

#include "kernel/ipc/poll.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/note.h"
#include "kernel/proc/thread.h"
#include "kernel/sched/timer.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/polling.h"
#include "kernel/sys/user.h"

#define FEW 8

nsec_t poll_deadline(nsec_t timeout)
{
    return timeout == 0 ? 0 : deadline_after(timeout);
}

int poll_set_mask(vaddr_t from, size_t size)
{
    uint64_t mask;
    int error;

    if (from == 0)
        return 0;
    error = user_load_sigset(from, size, &mask);
    if (error == 0)
        signal_suspend_mask(mask);
    return error;
}

void poll_put_items(struct poll_item *items, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (items[i].handle != NULL)
            handle_put(items[i].handle);
    }
}

// One call's arguments: what user space gave, and what is asked.
struct poll_call {
    struct linux_pollfd *fds;
    struct poll_item *items;
    void *memory;
    struct linux_pollfd few_fds[FEW];
    struct poll_item few_items[FEW];
};

static int poll_load(struct poll_call *call, vaddr_t from, unsigned count)
{
    size_t fds_size = ALIGN_UP(count * sizeof(*call->fds), (size_t)16);

    call->fds = call->few_fds;
    call->items = call->few_items;
    call->memory = NULL;
    if (count > FEW) {
        call->memory = kmalloc(fds_size + count * sizeof(*call->items), account_current());
        if (call->memory == NULL)
            return -ENOMEM;
        call->fds = call->memory;
        call->items = (struct poll_item *)((char *)call->memory + fds_size);
    }
    return count == 0 ? 0 : arch_copy_from_user(call->fds, from, count * sizeof(*call->fds));
}

static void find_handles(struct poll_call *call, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct poll_item *item = &call->items[i];

        *item = (struct poll_item){ .events = (uint16_t)call->fds[i].events };
        if (call->fds[i].fd >= 0 && fd_get_file(call->fds[i].fd, &item->handle) != 0)
            item->revents = POLLNVAL;
    }
}

static int64_t poll_until(vaddr_t at, unsigned count, nsec_t deadline)
{
    struct poll_call call;
    int64_t result;

    if (count > fd_limit())
        return -EINVAL;
    result = poll_load(&call, at, count);
    if (result == 0) {
        find_handles(&call, count);
        result = poll_items(call.items, count, deadline);
        poll_put_items(call.items, count);
        for (unsigned i = 0; i < count; i++)
            call.fds[i].revents = (int16_t)call.items[i].revents;
        if (result >= 0 && count != 0 &&
            arch_copy_to_user(at, call.fds, count * sizeof(*call.fds)) != 0)
            result = -EFAULT;
    }
    kfree(call.memory);
    return result;
}

// restart_data: 0 the array, 1 its length, 2 the deadline.
static int64_t poll_on(struct uthread *thread)
{
    int64_t result = poll_until(thread->restart_data[0], (unsigned)thread->restart_data[1],
                                thread->restart_data[2]);

    if (result != -EINTR)
        return result;
    thread->restart = poll_on;
    return -ERESTART_RESTARTBLOCK;
}

CALL3(poll, vaddr_t, at, unsigned, count, int, timeout_ms)
{
    struct uthread *thread = uthread_current();
    nsec_t timeout = timeout_ms < 0 ? NSEC_NEVER : (nsec_t)timeout_ms * NSEC_PER_MSEC;

    thread->restart_data[0] = at;
    thread->restart_data[1] = count;
    thread->restart_data[2] = poll_deadline(timeout);
    return poll_on(thread);
}

// The timeout is left at what remains of it, so that the call can be repeated as it stands.
int64_t poll_end(int64_t result, vaddr_t timeout_at, nsec_t deadline, bool timeval)
{
    nsec_t now = clock_now();
    nsec_t rest = deadline > now ? deadline - now : 0;
    struct linux_timeval value = time_to_timeval(rest);
    int error = 0;

    if (timeout_at != 0 && deadline != NSEC_NEVER)
        error = timeval ? user_store(timeout_at, &value) : user_store_timespec(timeout_at, rest);
    if (result != -EINTR)
        return result; // the events count more than a timeout that cannot be written
    return error != 0 ? -EINTR : -ERESTARTNOHAND;
}

CALL5(ppoll, vaddr_t, at, unsigned, count, vaddr_t, timeout_at, vaddr_t, mask_from,
      size_t, mask_size)
{
    nsec_t timeout = NSEC_NEVER;
    nsec_t deadline;
    int error = timeout_at != 0 ? user_load_timespec(timeout_at, &timeout) : 0;

    if (error == 0)
        error = poll_set_mask(mask_from, mask_size);
    if (error != 0)
        return error;
    deadline = poll_deadline(timeout);
    return poll_end(poll_until(at, count, deadline), timeout_at, deadline, false);
}
