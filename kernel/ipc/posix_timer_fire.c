// SPDX-License-Identifier: MIT
// posix_timer_fire.c - one timer: arming, expiring, sending its signal.
//
// States: disarmed (expires 0) -> armed -> (expired) -> armed again (interval) or disarmed.
// A timer on a clock is set to its moment. One on processor time cannot be: it is set to the
// earliest moment at which that time could have passed on all CPUs at once, and looks again then,
// so it is late by at most CPU_CHECK_NS of the time it measures. While its signal is still pending
// a timer sends no second one: expirations are counted as overrun. An interval shorter than
// PERIOD_LEAST_NS is expired several times at once, so that no program can keep a CPU in its timer
// interrupt.
// Locking: timer->lock is held while the signal is sent (CHANNEL is before PROCESS and SIGNAL);
// arming and disarming are serialised by the table's mutex.
#include "kernel/ipc/posix_timer_private.h"

#include <limits.h>
#include <string.h>

#include "kernel/arch/arch.h"
#include "kernel/proc/note.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"

#define CPU_CHECK_NS NSEC_PER_MSEC
#define PERIOD_LEAST_NS (20 * NSEC_PER_USEC)

static bool is_cpu_time(const struct posix_timer *timer)
{
    return timer->source != TIMER_MONOTONIC && timer->source != TIMER_REALTIME;
}

// What the source shows; for both clocks the moment of clock_now().
static nsec_t source_now(const struct posix_timer *timer)
{
    nsec_t user_ns, kernel_ns;

    if (!is_cpu_time(timer))
        return clock_now();
    if (timer->source == TIMER_THREAD_CPU)
        thread_times(&timer->clock_thread->thread, &user_ns, &kernel_ns);
    else
        process_times(timer->process, &user_ns, &kernel_ns);
    return timer->source == TIMER_PROCESS_USER ? user_ns : user_ns + kernel_ns;
}

// Without the signal's lock: a signal taken at this very moment makes one expiration count as
// overrun or not.
static bool signal_pending(const struct posix_timer *timer)
{
    uint64_t bit = SIGNAL_BIT(timer->info.si_signo);
    const uint64_t *pending =
        timer->target != NULL ? &timer->target->pending : &timer->process->signals->pending;

    return (__atomic_load_n(pending, __ATOMIC_RELAXED) & bit) != 0;
}

static void send_signal(const struct posix_timer *timer)
{
    unsigned number = (unsigned)timer->info.si_signo;
    int error;

    if (timer->target != NULL)
        error = signal_send_thread(timer->target, number, &timer->info);
    else
        error = signal_send_process(timer->process, number, &timer->info);
    // the receiver has ended, or its queue is full: the expiration is lost, as the manual page says
    (void)error;
}

// Counts the expirations up to now, and moves expires behind it.
static void expire_locked(struct posix_timer *timer, nsec_t now)
{
    uint64_t times = 1;

    if (timer->interval != 0)
        times += (now - timer->expires) / timer->interval;
    if (timer->interval == 0 || timer->interval > (NSEC_NEVER - timer->expires) / times)
        timer->expires = 0;
    else
        timer->expires += times * timer->interval;
    if (timer->info.si_signo == 0)
        return;
    if (signal_pending(timer)) {
        timer->overrun += times;
        return;
    }
    timer->last_overrun = timer->overrun;
    timer->overrun = times - 1;
    send_signal(timer);
}

static void set_hardware_locked(struct posix_timer *timer, nsec_t now, nsec_t least)
{
    nsec_t wait = timer->expires > now ? timer->expires - now : 0;
    nsec_t at;

    if (timer->expires == 0 || timer->expires == NSEC_NEVER)
        return;
    if (is_cpu_time(timer))
        wait = MAX(wait / arch_cpu_count(), CPU_CHECK_NS);
    if (!__builtin_add_overflow(clock_now(), MAX(wait, least), &at))
        timer_arm(&timer->timer, at);
}

static void fire(struct timer *hardware)
{
    struct posix_timer *timer = container_of(hardware, struct posix_timer, timer);
    uint64_t state = spin_lock_irq_save(&timer->lock);
    nsec_t now;

    if (timer->expires != 0) {
        now = source_now(timer);
        if (now >= timer->expires)
            expire_locked(timer, now);
        set_hardware_locked(timer, now, PERIOD_LEAST_NS);
    }
    spin_unlock_irq_restore(&timer->lock, state);
}

void posix_timer_init(struct posix_timer *timer, enum timer_source source,
                      struct uthread *clock_thread, struct uthread *target)
{
    memset(timer, 0, sizeof(*timer));
    timer_init(&timer->timer, fire);
    spin_init(&timer->lock, RANK_CHANNEL);
    timer->process = process_current();
    timer->source = source;
    timer->clock_thread = clock_thread;
    timer->target = target;
    if (clock_thread != NULL)
        uthread_get(clock_thread);
    if (target != NULL)
        uthread_get(target);
}

// After this no expiry is under way and none will come.
static void disarm(struct posix_timer *timer)
{
    uint64_t state = spin_lock_irq_save(&timer->lock);

    timer->expires = 0; // so that fire, if it runs now elsewhere, does not arm again
    timer->interval = 0;
    spin_unlock_irq_restore(&timer->lock, state);
    timer_cancel(&timer->timer);
}

void posix_timer_fini(struct posix_timer *timer)
{
    disarm(timer);
    if (timer->clock_thread != NULL)
        uthread_put(timer->clock_thread);
    if (timer->target != NULL)
        uthread_put(timer->target);
}

// An absolute moment of the wall clock, by the monotonic one.
static nsec_t from_wall_clock(nsec_t moment)
{
    nsec_t wall = clock_realtime();
    nsec_t now = clock_now();
    nsec_t result;

    if (moment <= wall)
        return now;
    return __builtin_add_overflow(now, moment - wall, &result) ? NSEC_NEVER : result;
}

void posix_timer_arm(struct posix_timer *timer, bool absolute, const struct timer_setting *setting)
{
    nsec_t expires = setting->value;
    uint64_t state;
    nsec_t now;

    disarm(timer);
    if (setting->value == 0)
        return;
    state = spin_lock_irq_save(&timer->lock);
    now = source_now(timer);
    if (absolute && timer->source == TIMER_REALTIME)
        expires = from_wall_clock(expires);
    else if (!absolute && __builtin_add_overflow(now, expires, &expires))
        expires = NSEC_NEVER;
    timer->expires = MAX(expires, (nsec_t)1);
    timer->interval = setting->interval;
    timer->overrun = 0;
    timer->last_overrun = 0;
    if (timer->info.si_signo != 0)
        set_hardware_locked(timer, now, 0);
    spin_unlock_irq_restore(&timer->lock, state);
}

// An armed timer never shows 0, which would mean disarmed.
void posix_timer_read(struct posix_timer *timer, struct timer_setting *setting)
{
    uint64_t state = spin_lock_irq_save(&timer->lock);

    *setting = (struct timer_setting){ .interval = timer->interval };
    if (timer->expires != 0) {
        nsec_t now = source_now(timer);

        if (timer->info.si_signo == 0 && now >= timer->expires)
            expire_locked(timer, now);
        if (timer->expires != 0)
            setting->value = timer->expires > now ? timer->expires - now : 1;
    }
    spin_unlock_irq_restore(&timer->lock, state);
}

uint64_t posix_timer_count_overrun(struct posix_timer *timer)
{
    uint64_t state = spin_lock_irq_save(&timer->lock);
    uint64_t count = 0;

    if (timer->info.si_signo != 0)
        count = signal_pending(timer) ? timer->last_overrun : timer->overrun;
    spin_unlock_irq_restore(&timer->lock, state);
    return MIN(count, (uint64_t)INT_MAX);
}
