// SPDX-License-Identifier: MIT
// timerfd.c - a timer as a file.
//
// All runs on the monotonic clock: a moment of the time of day is turned into one when the timer is
// set.
#include "kernel/ipc/timerfd.h"

#include "abi/errors.h"
#include "abi/eventfd.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "abi/time.h"
#include "kernel/mem/slab.h"
#include "kernel/sched/waitq.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"

#define SECONDS_MAX INT64_C(9000000000) // beyond, the clock does not come
// A shorter interval expires several times at once, so that no program can keep a CPU in its timer
// interrupt.
#define PERIOD_LEAST_NS (20 * NSEC_PER_USEC)

// Fields: I set once · c under lock
struct timerfd {
    struct spinlock lock; // rank CHANNEL
    struct timer timer;
    nsec_t deadline_ns;   // c  0: disarmed, or expired without an interval
    nsec_t interval_ns;   // c  0: once
    uint64_t expirations; // c  since the last read or setting
    bool realtime;        // I
    struct waitq readers;
};

static SLAB_CACHE(timerfd_cache, "timerfd", struct timerfd);
static const struct handle_ops timerfd_ops;

// Counts what has expired by now and moves the deadline on.
static void expire_locked(struct timerfd *timerfd, nsec_t now)
{
    nsec_t passed = 1;

    if (timerfd->deadline_ns == 0 || now < timerfd->deadline_ns)
        return;
    if (timerfd->interval_ns == 0) {
        timerfd->deadline_ns = 0;
    } else {
        passed += (now - timerfd->deadline_ns) / timerfd->interval_ns;
        timerfd->deadline_ns += passed * timerfd->interval_ns;
    }
    timerfd->expirations += passed;
}

static void fired(struct timer *timer)
{
    struct timerfd *timerfd = container_of(timer, struct timerfd, timer);
    uint64_t state = spin_lock_irq_save(&timerfd->lock);
    nsec_t now = clock_now();

    expire_locked(timerfd, now);
    if (timerfd->deadline_ns != 0)
        timer_arm(timer, MAX(timerfd->deadline_ns, now + PERIOD_LEAST_NS));
    spin_unlock_irq_restore(&timerfd->lock, state);
    waitq_wake(&timerfd->readers, WAKE_ALL, POLLIN);
}

static bool take(struct timerfd *timerfd, uint64_t *expirations)
{
    uint64_t state = spin_lock_irq_save(&timerfd->lock);

    *expirations = timerfd->expirations;
    timerfd->expirations = 0;
    spin_unlock_irq_restore(&timerfd->lock, state);
    return *expirations != 0;
}

static ssize_t timerfd_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct timerfd *timerfd = handle->private;
    uint64_t expirations;
    int error;

    (void)position;
    if (buffer->left < sizeof(expirations))
        return -EINVAL;
    if (!take(timerfd, &expirations)) {
        if (handle_nonblocking(handle))
            return -EAGAIN;
        error = WAIT_EVENT(&timerfd->readers, WAIT_INTERRUPTIBLE, NSEC_NEVER,
                           take(timerfd, &expirations));
        if (error != 0)
            return error;
    }
    error = iobuf_put(buffer, &expirations, sizeof(expirations));
    return error != 0 ? error : (ssize_t)sizeof(expirations);
}

static unsigned timerfd_poll(struct handle *handle, struct poll_table *table)
{
    struct timerfd *timerfd = handle->private;

    poll_wait(table, &timerfd->readers);
    return __atomic_load_n(&timerfd->expirations, __ATOMIC_SEQ_CST) != 0 ? POLLIN | POLLRDNORM : 0;
}

static void timerfd_close(struct handle *handle)
{
    struct timerfd *timerfd = handle->private;

    (void)timer_cancel(&timerfd->timer);
    slab_free(&timerfd_cache, timerfd);
}

static const struct handle_ops timerfd_ops = {
    .read = timerfd_read,
    .poll = timerfd_poll,
    .close = timerfd_close,
};

int timerfd_create(int clock, unsigned flags, struct account *account, struct handle **handle)
{
    struct timerfd *timerfd;
    int error;

    if (flags & ~(unsigned)(TFD_NONBLOCK | TFD_CLOEXEC))
        return -EINVAL;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
        clock != CLOCK_REALTIME_ALARM && clock != CLOCK_BOOTTIME_ALARM)
        return -EINVAL;
    timerfd = slab_alloc(&timerfd_cache, account);
    if (timerfd == NULL)
        return -ENOMEM;
    spin_init(&timerfd->lock, RANK_CHANNEL);
    timer_init(&timerfd->timer, fired);
    waitq_init(&timerfd->readers);
    timerfd->realtime = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
    error = handle_create_anonymous("[timerfd]", S_IFREG | 0600, &timerfd_ops, timerfd,
                                    O_RDWR | (flags & TFD_NONBLOCK), account, handle);
    if (error != 0)
        slab_free(&timerfd_cache, timerfd);
    return error;
}

static int to_ns(const struct linux_timespec *time, nsec_t *ns)
{
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= (int64_t)NSEC_PER_SEC)
        return -EINVAL;
    *ns = (nsec_t)MIN(time->tv_sec, SECONDS_MAX) * NSEC_PER_SEC + (nsec_t)time->tv_nsec;
    return 0;
}

static void from_ns(nsec_t ns, struct linux_timespec *time)
{
    time->tv_sec = (int64_t)(ns / NSEC_PER_SEC);
    time->tv_nsec = (int64_t)(ns % NSEC_PER_SEC);
}

static void describe_locked(struct timerfd *timerfd, nsec_t now, struct linux_itimerspec *setting)
{
    expire_locked(timerfd, now);
    from_ns(timerfd->interval_ns, &setting->it_interval);
    from_ns(timerfd->deadline_ns == 0 ? 0 : timerfd->deadline_ns - now, &setting->it_value);
}

// The moment of the monotonic clock that value means; 0: none.
static nsec_t deadline_of(const struct timerfd *timerfd, nsec_t value, bool absolute, nsec_t now)
{
    nsec_t offset = clock_realtime() - now;

    if (value == 0)
        return 0;
    if (!absolute)
        return now + value;
    if (timerfd->realtime)
        value = value > offset ? value - offset : 0;
    return MAX(value, (nsec_t)1); // a moment long past expires at once
}

int timerfd_set(struct handle *handle, unsigned flags, const struct linux_itimerspec *setting,
                struct linux_itimerspec *old)
{
    struct timerfd *timerfd = handle->private;
    nsec_t now = clock_now();
    nsec_t value, interval;
    uint64_t state;
    int error;

    if (handle->ops != &timerfd_ops ||
        (flags & ~(unsigned)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)))
        return -EINVAL;
    error = to_ns(&setting->it_value, &value);
    if (error == 0)
        error = to_ns(&setting->it_interval, &interval);
    if (error != 0)
        return error;
    state = spin_lock_irq_save(&timerfd->lock);
    if (old != NULL)
        describe_locked(timerfd, now, old);
    timerfd->deadline_ns = deadline_of(timerfd, value, flags & TFD_TIMER_ABSTIME, now);
    timerfd->interval_ns = interval;
    timerfd->expirations = 0;
    // A disarmed timer that still fires finds no deadline and does nothing.
    timer_arm(&timerfd->timer, timerfd->deadline_ns != 0 ? timerfd->deadline_ns : NSEC_NEVER);
    spin_unlock_irq_restore(&timerfd->lock, state);
    return 0;
}

int timerfd_get(struct handle *handle, struct linux_itimerspec *setting)
{
    struct timerfd *timerfd = handle->private;
    uint64_t state;

    if (handle->ops != &timerfd_ops)
        return -EINVAL;
    state = spin_lock_irq_save(&timerfd->lock);
    describe_locked(timerfd, clock_now(), setting);
    spin_unlock_irq_restore(&timerfd->lock, state);
    return 0;
}
