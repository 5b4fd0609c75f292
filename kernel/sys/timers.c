// SPDX-License-Identifier: MIT
// timers.c - alarm, setitimer, timer_create and its relatives.
#include "abi/signal.h"
#include "abi/time.h"
#include "kernel/ipc/posix_timer.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"
#include "kernel/sys/clocks.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/user.h"

CALL1(alarm, unsigned, seconds)
{
    struct timer_setting setting = { .value = seconds * NSEC_PER_SEC };
    struct timer_setting old;
    int error = interval_timer_set(ITIMER_REAL, &setting, &old);
    nsec_t left = error == 0 ? old.value : 0;

    // Rounded, but an alarm that is set never shows as none.
    if (left != 0 && left < NSEC_PER_SEC)
        return 1;
    return (int64_t)((left + NSEC_PER_SEC / 2) / NSEC_PER_SEC);
}

static struct linux_itimerval to_itimerval(const struct timer_setting *setting)
{
    nsec_t value = setting->value != 0 ? MAX(setting->value, NSEC_PER_USEC) : 0;

    return (struct linux_itimerval){ .it_interval = time_to_timeval(setting->interval),
                                     .it_value = time_to_timeval(value) };
}

CALL2(getitimer, int, which, vaddr_t, to)
{
    struct timer_setting setting;
    struct linux_itimerval value;
    int error = interval_timer_get(which, &setting);

    if (error != 0)
        return error;
    value = to_itimerval(&setting);
    return user_store(to, &value);
}

// No setting given is one that disarms, as Linux has it.
CALL3(setitimer, int, which, vaddr_t, from, vaddr_t, old_to)
{
    struct timer_setting setting = { 0 }, old = { 0 };
    struct linux_itimerval value;
    int error = 0;

    if (from != 0) {
        error = user_load(&value, from);
        if (error == 0)
            error = time_from_timeval(&value.it_value, &setting.value);
        if (error == 0)
            error = time_from_timeval(&value.it_interval, &setting.interval);
    }
    if (error == 0)
        error = interval_timer_set(which, &setting, &old);
    if (error != 0 || old_to == 0)
        return error;
    value = to_itimerval(&old);
    return user_store(old_to, &value);
}

// Which time a clock is, for timers. thread: counted, for a clock of a thread.
static int source_of(int clock, enum timer_source *source, struct uthread **thread)
{
    nsec_t now;

    *thread = NULL;
    switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
        *source = TIMER_MONOTONIC;
        return 0;
    case CLOCK_REALTIME:
    case CLOCK_TAI:
        *source = TIMER_REALTIME;
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        *source = TIMER_PROCESS_CPU;
        return 0;
    case CLOCK_THREAD_CPUTIME_ID:
        *source = TIMER_THREAD_CPU;
        *thread = uthread_current();
        uthread_get(*thread);
        return 0;
    case CLOCK_REALTIME_ALARM: // nothing here wakes a sleeping machine
    case CLOCK_BOOTTIME_ALARM:
        return -EPERM;
    default:
        return clock_read(clock, &now) == 0 ? -EOPNOTSUPP : -EINVAL;
    }
}

CALL3(timer_create, int, clock, vaddr_t, event_from, vaddr_t, number_to)
{
    struct linux_sigevent event;
    enum timer_source source;
    struct uthread *thread;
    int32_t number;
    int error = event_from != 0 ? user_load(&event, event_from) : 0;

    if (error == 0)
        error = source_of(clock, &source, &thread);
    if (error != 0)
        return error;
    number = posix_timer_create(source, thread, event_from != 0 ? &event : NULL);
    if (thread != NULL)
        uthread_put(thread);
    if (number < 0)
        return number;
    error = user_store(number_to, &number);
    if (error != 0 && posix_timer_delete(number) != 0)
        return -EINVAL; // another thread has deleted it meanwhile
    return error;
}

static struct linux_itimerspec to_itimerspec(const struct timer_setting *setting)
{
    return (struct linux_itimerspec){ .it_interval = time_to_timespec(setting->interval),
                                      .it_value = time_to_timespec(setting->value) };
}

CALL4(timer_settime, int, number, int, flags, vaddr_t, from, vaddr_t, old_to)
{
    struct timer_setting setting, old;
    struct linux_itimerspec spec;
    int error;

    if (from == 0)
        return -EINVAL;
    error = user_load(&spec, from);
    if (error == 0)
        error = time_from_timespec(&spec.it_value, &setting.value);
    if (error == 0)
        error = time_from_timespec(&spec.it_interval, &setting.interval);
    if (error == 0)
        error = posix_timer_set(number, (flags & TIMER_ABSTIME) != 0, &setting, &old);
    if (error != 0 || old_to == 0)
        return error;
    spec = to_itimerspec(&old);
    return user_store(old_to, &spec);
}

CALL2(timer_gettime, int, number, vaddr_t, to)
{
    struct timer_setting setting;
    struct linux_itimerspec spec;
    int error = posix_timer_get(number, &setting);

    if (error != 0)
        return error;
    spec = to_itimerspec(&setting);
    return user_store(to, &spec);
}

CALL1(timer_getoverrun, int, number)
{
    return posix_timer_overrun(number);
}

CALL1(timer_delete, int, number)
{
    return posix_timer_delete(number);
}
