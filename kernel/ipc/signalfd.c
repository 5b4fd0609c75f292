// SPDX-License-Identifier: MIT
// signalfd.c - signals read from a file.
//
// A signalfd is only a mask: whoever reads or polls it asks for the signals of its own process, as
// on Linux. Waiting is on the process's queue of arrivals, which goes with the process. A poll set
// would stay on that queue after the process is gone, so a signalfd cannot be watched by one
// (EPERM).
#include "kernel/ipc/signalfd.h"

#include "abi/errors.h"
#include "abi/eventfd.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/note.h"
#include "kernel/proc/process.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"

struct signalfd {
    uint64_t mask; // one word: read and written without a lock
};

static SLAB_CACHE(signalfd_cache, "signalfd", struct signalfd);

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

static unsigned signalfd_poll(struct handle *handle, struct poll_table *table)
{
    if (table != NULL && table->stays) {
        table->error = -EPERM;
        return 0;
    }
    poll_wait(table, &process_current()->signals->note_readers);
    return signal_pending_set() & mask_of(handle) ? POLLIN | POLLRDNORM : 0;
}

static void signalfd_close(struct handle *handle)
{
    slab_free(&signalfd_cache, handle->private);
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
