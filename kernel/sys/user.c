// SPDX-License-Identifier: MIT
// user.c - reading and writing what a call's pointers name.
#include "kernel/sys/user.h"

#include <string.h>

#include "kernel/log/planted.h"
#include "kernel/sched/timer.h"

static nsec_t nanoseconds(uint64_t seconds, uint64_t fraction_ns)
{
    nsec_t time;

    if (__builtin_mul_overflow(seconds, NSEC_PER_SEC, &time) ||
        __builtin_add_overflow(time, fraction_ns, &time))
        return NSEC_NEVER;
    return time;
}

int time_from_timespec(const struct linux_timespec *spec, nsec_t *time)
{
    if (spec->tv_sec < 0 || (uint64_t)spec->tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    *time = nanoseconds((uint64_t)spec->tv_sec, (uint64_t)spec->tv_nsec);
    return 0;
}

int time_from_timeval(const struct linux_timeval *value, nsec_t *time)
{
    if (value->tv_sec < 0 || (uint64_t)value->tv_usec >= NSEC_PER_SEC / NSEC_PER_USEC)
        return -EINVAL;
    *time = nanoseconds((uint64_t)value->tv_sec, (uint64_t)value->tv_usec * NSEC_PER_USEC);
    return 0;
}

int user_load_timespec(vaddr_t from, nsec_t *time)
{
    struct linux_timespec spec;
    int error = user_load(&spec, from);

    return error != 0 ? error : time_from_timespec(&spec, time);
}

int user_load_timeval(vaddr_t from, nsec_t *time)
{
    struct linux_timeval value;
    int error = user_load(&value, from);

    return error != 0 ? error : time_from_timeval(&value, time);
}

struct linux_timespec time_to_timespec(nsec_t time)
{
    return (struct linux_timespec){ .tv_sec = (int64_t)(time / NSEC_PER_SEC),
                                    .tv_nsec = (int64_t)(time % NSEC_PER_SEC) };
}

struct linux_timeval time_to_timeval(nsec_t time)
{
    return (struct linux_timeval){ .tv_sec = (int64_t)(time / NSEC_PER_SEC),
                                   .tv_usec = (int64_t)(time % NSEC_PER_SEC / NSEC_PER_USEC) };
}

int user_store_timespec(vaddr_t to, nsec_t time)
{
    struct linux_timespec spec = time_to_timespec(time);

    return user_store(to, &spec);
}

nsec_t deadline_after(nsec_t timeout)
{
    nsec_t deadline;

    if (planted("timeouts-long") && timeout < NSEC_PER_SEC)
        timeout *= 13;
    if (timeout == NSEC_NEVER || __builtin_add_overflow(clock_now(), timeout, &deadline))
        return NSEC_NEVER;
    return deadline;
}

int user_load_sigset(vaddr_t from, size_t size, uint64_t *set)
{
    return size != sizeof(*set) ? -EINVAL : user_load(set, from);
}

static int check_zero(vaddr_t from, size_t size)
{
    char bytes[64];

    for (size_t done = 0; done < size; done += sizeof(bytes)) {
        size_t part = MIN(size - done, sizeof(bytes));
        int error = arch_copy_from_user(bytes, from + done, part);

        if (error != 0)
            return error;
        for (size_t i = 0; i < part; i++) {
            if (bytes[i] != 0)
                return -E2BIG;
        }
    }
    return 0;
}

int user_load_versioned(void *to, size_t known, size_t least, vaddr_t from, size_t size)
{
    int error;

    if (size < least)
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    if (size > known) {
        error = check_zero(from + known, size - known);
        if (error != 0)
            return error;
    }
    memset(to, 0, known);
    return arch_copy_from_user(to, from, MIN(size, known));
}
