// SPDX-License-Identifier: MIT
// select.c - select and pselect6.
#include <string.h>

#include "abi/poll.h"
#include "kernel/ipc/poll.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/polling.h"
#include "kernel/sys/user.h"
#include "lib/base/bits.h"

enum { SET_READ, SET_WRITE, SET_EXCEPT, SETS };

// What each set asks, and which events put an fd into its answer.
static const unsigned asked[SETS] = {
    [SET_READ] = POLLIN | POLLRDNORM | POLLRDBAND,
    [SET_WRITE] = POLLOUT | POLLWRNORM | POLLWRBAND,
    [SET_EXCEPT] = POLLPRI,
};
static const unsigned answering[SETS] = {
    [SET_READ] = POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
    [SET_WRITE] = POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR,
    [SET_EXCEPT] = POLLPRI,
};

struct select_call {
    unsigned fds;                // as select's first argument, cut at the limit on fds
    unsigned words;              // of a set
    uint64_t *sets[SETS];        // in, then out; of one allocation
    struct poll_item *items;     // one for each fd that any set names
    unsigned count;
};

static unsigned events_of(const struct select_call *call, unsigned fd)
{
    unsigned events = 0;

    for (unsigned i = 0; i < SETS; i++) {
        if (bits_test(call->sets[i], fd))
            events |= asked[i];
    }
    return events;
}

static unsigned count_fds(const struct select_call *call)
{
    unsigned count = 0;

    for (unsigned i = 0; i < call->words; i++)
        count += bits_count(call->sets[0][i] | call->sets[1][i] | call->sets[2][i]);
    return count;
}

static int load_sets(struct select_call *call, const vaddr_t from[SETS])
{
    size_t size = call->words * sizeof(uint64_t);

    call->sets[0] = kmalloc(MAX(SETS * size, (size_t)1), account_current());
    if (call->sets[0] == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < SETS; i++) {
        call->sets[i] = call->sets[0] + i * call->words;
        if (from[i] != 0 && size != 0 && arch_copy_from_user(call->sets[i], from[i], size) != 0)
            return -EFAULT;
        if (call->fds % 64 != 0)
            call->sets[i][call->words - 1] &= (UINT64_C(1) << call->fds % 64) - 1;
    }
    return 0;
}

static int find_handles(struct select_call *call)
{
    unsigned room = count_fds(call);

    call->items = kmalloc(MAX(room * sizeof(*call->items), (size_t)1), account_current());
    if (call->items == NULL)
        return -ENOMEM;
    for (unsigned fd = 0; fd < call->fds; fd++) {
        unsigned events = events_of(call, fd);
        struct poll_item *item = &call->items[call->count];

        if (events == 0)
            continue;
        item->events = events;
        if (fd_get_file((int)fd, &item->handle) != 0)
            return -EBADF;
        call->count++;
    }
    return 0;
}

// Replaces the sets by the answer. Returns: how many bits it has.
static int answer(struct select_call *call)
{
    unsigned index = 0;
    int bits = 0;

    for (unsigned fd = 0; fd < call->fds; fd++) {
        unsigned revents;

        if (events_of(call, fd) == 0)
            continue;
        revents = call->items[index++].revents;
        for (unsigned i = 0; i < SETS; i++) {
            if (!bits_test(call->sets[i], fd))
                continue;
            if (revents & answering[i])
                bits++;
            else
                bits_clear(call->sets[i], fd);
        }
    }
    return bits;
}

static int store_sets(const struct select_call *call, const vaddr_t to[SETS])
{
    for (unsigned i = 0; i < SETS; i++) {
        if (to[i] != 0 && call->words != 0 &&
            arch_copy_to_user(to[i], call->sets[i], call->words * sizeof(uint64_t)) != 0)
            return -EFAULT;
    }
    return 0;
}

static int64_t select_until(int fds, const vaddr_t at[SETS], nsec_t deadline)
{
    struct select_call call = { .count = 0 };
    int64_t result;

    if (fds < 0)
        return -EINVAL;
    call.fds = (unsigned)MIN((uint64_t)fds, fd_limit());
    call.words = BITS_WORDS(call.fds);
    result = load_sets(&call, at);
    if (result == 0)
        result = find_handles(&call);
    if (result == 0)
        result = poll_items(call.items, call.count, deadline);
    if (result >= 0) {
        int bits = answer(&call);

        result = store_sets(&call, at);
        if (result == 0)
            result = bits;
    }
    poll_put_items(call.items, call.count);
    kfree(call.items);
    kfree(call.sets[0]);
    return result;
}

// Microseconds past a second are allowed here.
static int load_timeout(vaddr_t from, nsec_t *timeout)
{
    struct linux_timeval value;
    int error = user_load(&value, from);

    if (error != 0)
        return error;
    if (value.tv_sec < 0 || value.tv_usec < 0)
        return -EINVAL;
    if (__builtin_add_overflow(value.tv_sec, value.tv_usec / 1000000, &value.tv_sec))
        value.tv_sec = INT64_MAX;
    value.tv_usec %= 1000000;
    return time_from_timeval(&value, timeout);
}

CALL5(select, int, fds, vaddr_t, read_at, vaddr_t, write_at, vaddr_t, except_at,
      vaddr_t, timeout_at)
{
    const vaddr_t at[SETS] = { read_at, write_at, except_at };
    nsec_t timeout = NSEC_NEVER;
    nsec_t deadline;
    int error = timeout_at != 0 ? load_timeout(timeout_at, &timeout) : 0;

    if (error != 0)
        return error;
    deadline = poll_deadline(timeout);
    return poll_end(select_until(fds, at, deadline), timeout_at, deadline, true);
}

CALL6(pselect6, int, fds, vaddr_t, read_at, vaddr_t, write_at, vaddr_t, except_at,
      vaddr_t, timeout_at, vaddr_t, mask_at)
{
    const vaddr_t at[SETS] = { read_at, write_at, except_at };
    struct linux_sigset_argument mask = { 0 };
    nsec_t timeout = NSEC_NEVER;
    nsec_t deadline;
    int error = mask_at != 0 ? user_load(&mask, mask_at) : 0;

    if (error == 0 && timeout_at != 0)
        error = user_load_timespec(timeout_at, &timeout);
    if (error == 0)
        error = poll_set_mask(mask.sigset, mask.size);
    if (error != 0)
        return error;
    deadline = poll_deadline(timeout);
    return poll_end(select_until(fds, at, deadline), timeout_at, deadline, false);
}
