// SPDX-License-Identifier: MIT
// signalfd.c - signals read from a file.
//
// A signalfd is only a mask: whoever reads or polls it asks for the signals of its own process, as on
// Linux. A call waits on the process's own queue of arrivals. A poll set would stay on that queue when
// the process is gone, so it waits on a queue of the signalfd, which relays fill: one for each process
// that watches the signalfd by a poll set.
//
// Locking: relays_lock (rank CHANNEL) guards all relays: their bucket, by process, and the list of
// their signalfd. A relay's wake-up holds the process's queue lock and takes that of the signalfd's
// queue (rank WAITQ_RELAY). A relay is off the process's queue before either end goes.
#include "kernel/ipc/signalfd.h"

#include "abi/errors.h"
#include "abi/eventfd.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/note.h"
#include "kernel/proc/process.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"

#define RELAY_BUCKETS 64

struct signalfd {
    uint64_t mask;       // one word: read and written without a lock
    struct waitq queue;  // rank WAITQ_RELAY: poll sets
    struct list relays;  // under relays_lock
};

struct relay {
    struct waiter waiter;        // on the process's queue
    struct process *process;
    struct signalfd *signalfd;
    struct list bucket_link;     // under relays_lock
    struct list signalfd_link;   // "
};

static SLAB_CACHE(signalfd_cache, "signalfd", struct signalfd);
static SLAB_CACHE(relay_cache, "signalfd relay", struct relay);
static struct spinlock relays_lock = SPINLOCK_INIT(RANK_CHANNEL);
static atomic_uint relay_count; // changed under relays_lock, so that exits cost nothing without relays
static struct list relays[RELAY_BUCKETS]; // under relays_lock; a head is empty until first used

static void fill_in(struct linux_signalfd_siginfo *to, const struct linux_siginfo *info)
{
    *to = (struct linux_signalfd_siginfo){
        .ssi_signo = (uint32_t)info->si_signo,
        .ssi_errno = info->si_errno,
        .ssi_code = info->si_code,
    };
    if (info->si_code == SI_TIMER) {
        to->ssi_tid = (uint32_t)info->si_timerid;
        to->ssi_overrun = (uint32_t)info->si_overrun;
        to->ssi_int = info->si_value.sival_int;
        to->ssi_ptr = info->si_value.sival_ptr;
        return;
    }
    to->ssi_pid = (uint32_t)info->si_pid;
    to->ssi_uid = info->si_uid;
    if (info->si_signo == SIGCHLD && info->si_code > 0) {
        to->ssi_status = info->si_status;
        to->ssi_utime = (uint64_t)info->si_utime;
        to->ssi_stime = (uint64_t)info->si_stime;
    } else if (info->si_code < 0) {
        to->ssi_int = info->si_value.sival_int;
        to->ssi_ptr = info->si_value.sival_ptr;
    }
}

static uint64_t mask_of(const struct handle *handle)
{
    return __atomic_load_n(&((struct signalfd *)handle->private)->mask, __ATOMIC_RELAXED);
}

// Takes a signal, waiting for one unless that is not wanted. Returns: its number, -EAGAIN, -EINTR.
static int take(struct handle *handle, bool wait, struct linux_siginfo *info)
{
    struct waitq *arrivals = &process_current()->signals->note_readers;
    unsigned number = signal_take(mask_of(handle), info);
    int error;

    if (number != 0)
        return (int)number;
    if (!wait)
        return -EAGAIN;
    error = WAIT_EVENT(arrivals, WAIT_INTERRUPTIBLE, NSEC_NEVER,
                       (number = signal_take(mask_of(handle), info)) != 0);
    return number != 0 ? (int)number : error;
}

static ssize_t signalfd_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct linux_signalfd_siginfo record;
    struct linux_siginfo info;
    ssize_t done = 0;

    (void)position;
    if (buffer->left < sizeof(record))
        return -EINVAL;
    while (buffer->left >= sizeof(record)) {
        int number = take(handle, done == 0 && !handle_nonblocking(handle), &info);

        if (number < 0)
            return done != 0 ? done : number;
        fill_in(&record, &info);
        if (iobuf_put(buffer, &record, sizeof(record)) != 0)
            return done != 0 ? done : -EFAULT;
        done += (ssize_t)sizeof(record);
    }
    return done;
}

static struct list *bucket_of(const struct process *process)
{
    struct list *bucket = &relays[((uintptr_t)process >> 8) % RELAY_BUCKETS];

    if (bucket->next == NULL)
        list_init(bucket);
    return bucket;
}

static bool relay_wake(struct waiter *waiter, unsigned events)
{
    struct relay *relay = container_of(waiter, struct relay, waiter);

    (void)events;
    waitq_wake(&relay->signalfd->queue, WAKE_ALL, POLLIN);
    return false;
}

static void remove_relay_locked(struct relay *relay)
{
    waitq_remove(&relay->process->signals->note_readers, &relay->waiter);
    list_remove(&relay->bucket_link);
    list_remove(&relay->signalfd_link);
    slab_free(&relay_cache, relay);
    atomic_fetch_sub(&relay_count, 1);
}

static bool has_relay_locked(const struct list *bucket, const struct signalfd *signalfd,
                             const struct process *process)
{
    struct relay *relay;

    list_for_each(relay, bucket, bucket_link) {
        if (relay->signalfd == signalfd && relay->process == process)
            return true;
    }
    return false;
}

// From now on signals for the calling process wake the signalfd's queue too.
static int add_relay(struct signalfd *signalfd)
{
    struct relay *relay = slab_alloc(&relay_cache, account_current());
    struct process *process = process_current();
    struct list *bucket;
    uint64_t state;

    if (relay == NULL)
        return -ENOMEM;
    state = spin_lock_irq_save(&relays_lock);
    bucket = bucket_of(process);
    if (has_relay_locked(bucket, signalfd, process)) {
        slab_free(&relay_cache, relay);
    } else {
        relay->waiter.wake = relay_wake;
        list_init(&relay->waiter.link);
        relay->process = process;
        relay->signalfd = signalfd;
        list_push_back(bucket, &relay->bucket_link);
        list_push_back(&signalfd->relays, &relay->signalfd_link);
        waitq_add(&process->signals->note_readers, &relay->waiter);
        atomic_fetch_add(&relay_count, 1);
    }
    spin_unlock_irq_restore(&relays_lock, state);
    return 0;
}

void signalfd_process_ends(struct process *process)
{
    struct relay *relay, *following;
    uint64_t state;

    if (atomic_load(&relay_count) == 0)
        return;
    state = spin_lock_irq_save(&relays_lock);
    list_for_each_safe(relay, following, bucket_of(process), bucket_link) {
        if (relay->process == process)
            remove_relay_locked(relay);
    }
    spin_unlock_irq_restore(&relays_lock, state);
}

static unsigned signalfd_poll(struct handle *handle, struct poll_table *table)
{
    struct signalfd *signalfd = handle->private;

    if (table != NULL && table->stays) {
        table->error = add_relay(signalfd);
        poll_wait(table, &signalfd->queue);
    } else {
        poll_wait(table, &process_current()->signals->note_readers);
    }
    return signal_pending_set() & mask_of(handle) ? POLLIN | POLLRDNORM : 0;
}

static void signalfd_close(struct handle *handle)
{
    struct signalfd *signalfd = handle->private;
    uint64_t state = spin_lock_irq_save(&relays_lock);
    struct relay *relay;

    while ((relay = list_first(&signalfd->relays, struct relay, signalfd_link)) != NULL)
        remove_relay_locked(relay);
    spin_unlock_irq_restore(&relays_lock, state);
    slab_free(&signalfd_cache, signalfd);
}

static const struct handle_ops signalfd_ops = {
    .read = signalfd_read,
    .poll = signalfd_poll,
    .close = signalfd_close,
};

static uint64_t takeable(uint64_t mask)
{
    return mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
}

int signalfd_create(uint64_t mask, unsigned flags, struct account *account, struct handle **handle)
{
    struct signalfd *signalfd;
    int error;

    if (flags & ~(unsigned)(SFD_NONBLOCK | SFD_CLOEXEC))
        return -EINVAL;
    signalfd = slab_alloc(&signalfd_cache, account);
    if (signalfd == NULL)
        return -ENOMEM;
    signalfd->mask = takeable(mask);
    spin_init(&signalfd->queue.lock, RANK_WAITQ_RELAY);
    list_init(&signalfd->queue.waiters);
    list_init(&signalfd->relays);
    error = handle_create_anonymous("[signalfd]", S_IFREG | 0600, &signalfd_ops, signalfd,
                                    O_RDWR | (flags & SFD_NONBLOCK), account, handle);
    if (error != 0)
        slab_free(&signalfd_cache, signalfd);
    return error;
}

int signalfd_set_mask(struct handle *handle, uint64_t mask)
{
    struct signalfd *signalfd = handle->private;

    if (handle->ops != &signalfd_ops)
        return -EINVAL;
    __atomic_store_n(&signalfd->mask, takeable(mask), __ATOMIC_RELAXED);
    return 0;
}
