// SPDX-License-Identifier: MIT
// time.c - reading and setting clocks.
#include "abi/time.h"

#include "abi/resource.h"
#include "kernel/proc/box.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"
#include "kernel/sched/timer.h"
#include "kernel/sys/clocks.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/user.h"

// A negative clock names a process or thread: ~number above three bits, of which bit 2 says thread
// and the lower two which time: 0 user and kernel, 1 user, 2 as 0.
struct cpu_clock {
    pid_t number; // 0: the caller
    bool thread;
    unsigned which;
};

static bool decode_cpu_clock(int clock, struct cpu_clock *cpu)
{
    if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID) {
        *cpu = (struct cpu_clock){ .thread = clock == CLOCK_THREAD_CPUTIME_ID, .which = 2 };
        return true;
    }
    if (clock >= 0)
        return false;
    *cpu = (struct cpu_clock){ .number = (int)(~(unsigned)clock >> 3), .thread = (clock & 4) != 0,
                               .which = clock & 3 };
    return cpu->which != 3;
}

static nsec_t choose(unsigned which, nsec_t user_ns, nsec_t kernel_ns)
{
    return which == 1 ? user_ns : user_ns + kernel_ns;
}

static int thread_time(const struct cpu_clock *cpu, nsec_t *now)
{
    struct uthread *thread = uthread_current();
    nsec_t user_ns, kernel_ns;

    if (cpu->number != 0)
        thread = uthread_find(cpu->number, false);
    if (thread == NULL)
        return -EINVAL;
    thread_times(&thread->thread, &user_ns, &kernel_ns);
    if (cpu->number != 0)
        uthread_put(thread);
    *now = choose(cpu->which, user_ns, kernel_ns);
    return 0;
}

static int process_time(const struct cpu_clock *cpu, nsec_t *now)
{
    struct process *process = cpu->number != 0 ? pid_find(box_current(), cpu->number)
                                               : process_current();
    nsec_t user_ns, kernel_ns;

    if (process == NULL)
        return -EINVAL;
    process_times(process, &user_ns, &kernel_ns);
    if (cpu->number != 0)
        process_put(process);
    *now = choose(cpu->which, user_ns, kernel_ns);
    return 0;
}

int clock_read(int clock, nsec_t *now)
{
    unsigned bit = clock >= 0 && clock <= CLOCK_TAI ? 1U << clock : 0;
    struct cpu_clock cpu;

    if (bit & CLOCKS_MONOTONIC)
        *now = clock_now();
    else if (bit & CLOCKS_WALL)
        *now = clock_realtime();
    else if (!decode_cpu_clock(clock, &cpu))
        return -EINVAL;
    else
        return cpu.thread ? thread_time(&cpu, now) : process_time(&cpu, now);
    return 0;
}

nsec_t clock_to_monotonic(bool realtime, nsec_t moment)
{
    nsec_t now = clock_now();
    nsec_t wall = clock_realtime();
    nsec_t result;

    if (!realtime || moment == NSEC_NEVER)
        return moment;
    if (moment <= wall)
        return now;
    return __builtin_add_overflow(now, moment - wall, &result) ? NSEC_NEVER : result;
}

CALL2(clock_gettime, int, clock, vaddr_t, to)
{
    nsec_t now;
    int error = clock_read(clock, &now);

    return error != 0 ? error : user_store_timespec(to, now);
}

CALL2(clock_getres, int, clock, vaddr_t, to)
{
    nsec_t now;
    int error = clock_read(clock, &now);

    return error != 0 || to == 0 ? error : user_store_timespec(to, CLOCK_RESOLUTION_NS);
}

// The machine's clock is one for all boxes: only the outermost may set it.
static int set_clock(nsec_t now)
{
    return box_current() == box_outermost() ? clock_set_realtime(now) : -EPERM;
}

CALL2(clock_settime, int, clock, vaddr_t, from)
{
    nsec_t now;
    int error;

    if (clock != CLOCK_REALTIME)
        return -EINVAL;
    error = user_load_timespec(from, &now);
    return error != 0 ? error : set_clock(now);
}

CALL2(gettimeofday, vaddr_t, to, vaddr_t, zone_to)
{
    struct linux_timezone zone = { 0, 0 };
    struct linux_timeval now = time_to_timeval(clock_realtime());
    int error = to != 0 ? user_store(to, &now) : 0;

    if (error == 0 && zone_to != 0)
        error = user_store(zone_to, &zone);
    return error;
}

CALL2(settimeofday, vaddr_t, from, vaddr_t, zone_from)
{
    struct linux_timezone zone;
    nsec_t now;
    int error = zone_from != 0 ? user_load(&zone, zone_from) : 0;

    if (error == 0 && from != 0)
        error = user_load_timeval(from, &now);
    if (error != 0)
        return error;
    if (zone_from != 0 && (zone.tz_minuteswest != 0 || zone.tz_dsttime != 0))
        return -EINVAL; // the kernel keeps UTC alone
    if (from == 0)
        return box_current() == box_outermost() ? 0 : -EPERM;
    return set_clock(now);
}

CALL1(time, vaddr_t, to)
{
    int64_t seconds = (int64_t)(clock_realtime() / NSEC_PER_SEC);

    if (to != 0 && user_store(to, &seconds) != 0)
        return -EFAULT;
    return seconds;
}

static int64_t ticks(nsec_t time)
{
    return (int64_t)(time / (NSEC_PER_SEC / USER_HZ));
}

static int64_t timeval_ticks(const struct linux_timeval *value)
{
    return value->tv_sec * USER_HZ + value->tv_usec / (1000000 / USER_HZ);
}

CALL1(times, vaddr_t, to)
{
    struct linux_rusage children;
    struct linux_tms tms;
    nsec_t user_ns, kernel_ns;

    if (to != 0) {
        process_times(process_current(), &user_ns, &kernel_ns);
        process_children_usage(process_current(), &children);
        tms.tms_utime = ticks(user_ns);
        tms.tms_stime = ticks(kernel_ns);
        tms.tms_cutime = timeval_ticks(&children.ru_utime);
        tms.tms_cstime = timeval_ticks(&children.ru_stime);
        if (user_store(to, &tms) != 0)
            return -EFAULT;
    }
    return ticks(clock_now());
}
