// SPDX-License-Identifier: MIT
// sleep.c - nanosleep and clock_nanosleep.
//
// An interrupted sleep for a time is resumed by its deadline, so that a stop or a suspension does
// not lengthen it.
#include "abi/time.h"
#include "kernel/proc/thread.h"
#include "kernel/sched/timer.h"
#include "kernel/sys/clocks.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/user.h"

// restart_data: 0 the deadline, 1 where the rest goes.
static int64_t sleep_on(struct uthread *thread)
{
    nsec_t deadline = thread->restart_data[0];
    vaddr_t rest_to = thread->restart_data[1];
    nsec_t now;

    if (thread_sleep_until(deadline, WAIT_INTERRUPTIBLE) == 0)
        return 0;
    now = clock_now();
    if (rest_to != 0 && user_store_timespec(rest_to, deadline > now ? deadline - now : 0) != 0)
        return -EFAULT;
    thread->restart = sleep_on;
    return -ERESTART_RESTARTBLOCK;
}

static int64_t sleep_for(nsec_t duration, vaddr_t rest_to)
{
    struct uthread *thread = uthread_current();

    thread->restart_data[0] = deadline_after(duration);
    thread->restart_data[1] = rest_to;
    return sleep_on(thread);
}

CALL2(nanosleep, vaddr_t, from, vaddr_t, rest_to)
{
    nsec_t duration;
    int error = user_load_timespec(from, &duration);

    return error != 0 ? error : sleep_for(duration, rest_to);
}

// Which clock a sleep goes by. Value: whether it is the wall clock, or a negative errno.
static int sleep_clock(int clock)
{
    nsec_t now;

    switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
        return 0;
    case CLOCK_REALTIME:
    case CLOCK_TAI:
        return 1;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM:
        return -EOPNOTSUPP;
    default: // the processor time of another
        return clock_read(clock, &now) == 0 ? -EOPNOTSUPP : -EINVAL;
    }
}

CALL4(clock_nanosleep, int, clock, int, flags, vaddr_t, from, vaddr_t, rest_to)
{
    int realtime = sleep_clock(clock);
    nsec_t time;
    int error;

    if (realtime < 0)
        return realtime;
    error = user_load_timespec(from, &time);
    if (error != 0)
        return error;
    if (!(flags & TIMER_ABSTIME))
        return sleep_for(time, rest_to);
    if (thread_sleep_until(clock_to_monotonic(realtime != 0, time), WAIT_INTERRUPTIBLE) == 0)
        return 0;
    return -ERESTARTNOHAND;
}
