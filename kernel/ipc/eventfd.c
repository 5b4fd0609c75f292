// SPDX-License-Identifier: MIT
// eventfd.c - a counter as a file.
#include "kernel/ipc/eventfd.h"

#include "abi/errors.h"
#include "abi/eventfd.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "kernel/mem/slab.h"
#include "kernel/sched/waitq.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"

#define COUNT_MAX (UINT64_MAX - 1)

// Fields: I set once · c under lock
struct eventfd {
    struct spinlock lock; // rank CHANNEL
    uint64_t count;       // c
    bool semaphore;       // I  a read takes one
    struct waitq readers;
    struct waitq writers;
};

static SLAB_CACHE(eventfd_cache, "eventfd", struct eventfd);

// Takes what a read takes. Returns: false if there is nothing.
static bool take(struct eventfd *event, uint64_t *taken)
{
    uint64_t state = spin_lock_irq_save(&event->lock);

    *taken = event->semaphore ? MIN(event->count, UINT64_C(1)) : event->count;
    event->count -= *taken;
    spin_unlock_irq_restore(&event->lock, state);
    return *taken != 0;
}

static bool add(struct eventfd *event, uint64_t value)
{
    uint64_t state = spin_lock_irq_save(&event->lock);
    bool fits = value <= COUNT_MAX - event->count;

    if (fits)
        event->count += value;
    spin_unlock_irq_restore(&event->lock, state);
    return fits;
}

static ssize_t eventfd_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct eventfd *event = handle->private;
    uint64_t taken;
    int error;

    (void)position;
    if (buffer->left < sizeof(taken))
        return -EINVAL;
    if (!take(event, &taken)) {
        if (handle_nonblocking(handle))
            return -EAGAIN;
        error = WAIT_EVENT(&event->readers, WAIT_INTERRUPTIBLE, NSEC_NEVER, take(event, &taken));
        if (error != 0)
            return error;
    }
    waitq_wake(&event->writers, WAKE_ALL, POLLOUT);
    error = iobuf_put(buffer, &taken, sizeof(taken));
    return error != 0 ? error : (ssize_t)sizeof(taken);
}

static ssize_t eventfd_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct eventfd *event = handle->private;
    uint64_t value;
    int error;

    (void)position;
    if (buffer->left < sizeof(value))
        return -EINVAL;
    error = iobuf_get(buffer, &value, sizeof(value));
    if (error != 0)
        return error;
    if (value > COUNT_MAX)
        return -EINVAL;
    if (!add(event, value)) {
        if (handle_nonblocking(handle))
            return -EAGAIN;
        error = WAIT_EVENT(&event->writers, WAIT_INTERRUPTIBLE, NSEC_NEVER, add(event, value));
        if (error != 0)
            return error;
    }
    if (value != 0)
        waitq_wake(&event->readers, WAKE_ALL, POLLIN);
    return (ssize_t)sizeof(value);
}

static unsigned eventfd_poll(struct handle *handle, struct poll_table *table)
{
    struct eventfd *event = handle->private;
    uint64_t count;

    poll_wait(table, &event->readers);
    poll_wait(table, &event->writers);
    count = __atomic_load_n(&event->count, __ATOMIC_SEQ_CST);
    return (count > 0 ? POLLIN | POLLRDNORM : 0U) | (count < COUNT_MAX ? POLLOUT | POLLWRNORM : 0U);
}

static void eventfd_close(struct handle *handle)
{
    slab_free(&eventfd_cache, handle->private);
}

static const struct handle_ops eventfd_ops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .close = eventfd_close,
};

int eventfd_create(unsigned initial, unsigned flags, struct account *account,
                   struct handle **handle)
{
    struct eventfd *event;
    int error;

    if (flags & ~(unsigned)(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC))
        return -EINVAL;
    event = slab_alloc(&eventfd_cache, account);
    if (event == NULL)
        return -ENOMEM;
    spin_init(&event->lock, RANK_CHANNEL);
    waitq_init(&event->readers);
    waitq_init(&event->writers);
    event->count = initial;
    event->semaphore = flags & EFD_SEMAPHORE;
    error = handle_create_anonymous("[eventfd]", S_IFREG | 0600, &eventfd_ops, event,
                                    O_RDWR | (flags & EFD_NONBLOCK), account, handle);
    if (error != 0)
        slab_free(&eventfd_cache, event);
    return error;
}
