// SPDX-License-Identifier: MIT
// pipe.c - pipes and FIFOs: bytes from those who write to those who read.
//
// A pipe is part of a node without a name; a FIFO's pipe hangs on its node while anybody has the
// FIFO open.
// Locking: pipe->lock (mutex, rank PIPE) is held while bytes are copied, never while waiting for
// any. What waiters look at (bytes, numbers of ends) is atomic. Opening and closing of FIFOs is
// under node->lock as well.
// Wake-ups: each transfer wakes one thread on the other side; one that leaves something for the
// next of its own side wakes that one, so every byte finds its reader and nobody is woken for
// nothing.

#include "kernel/fs/pipe/pipe.h"

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/ioctl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "kernel/arch/arch.h"
#include "kernel/fs/pipe/ring.h"
#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "kernel/vfs/node.h"
#include "lib/base/fmt.h"

#define ATOMIC_SIZE 4096 // PIPE_BUF: writes up to this size are not mixed with others
#define SIZE_MAX_BYTES (1U << 20)

// Fields: p under lock · a atomic · n under node->lock · I set once
struct pipe {
    struct mutex lock;        // rank PIPE
    struct ring ring;         // p
    struct waitq readers;     // who waits for bytes, or for a writer
    atomic_size_t least_need;   // a  bytes of room that the most modest waiting writer needs, or less
    struct waitq writers;     // who waits for room, or for a reader
    atomic_uint reader_count; // a  ends open for reading
    atomic_uint writer_count; // a
    atomic_uint reader_opens; // a  how often it was opened so, for those who wait in open
    atomic_uint writer_opens; // a
    unsigned users;           // n  handles, and opens under way
    struct pipe **slot;       // I  of a FIFO; NULL: the pipe is part of its node
};

struct pipe_node {
    struct node node;
    struct pipe pipe;
};

static SLAB_CACHE(pipe_cache, "pipe", struct pipe_node);
static SLAB_CACHE(fifo_cache, "fifo", struct pipe);
static const struct handle_ops pipe_handle_ops;

static void pipe_init(struct pipe *pipe, struct account *account)
{
    mutex_init(&pipe->lock, RANK_PIPE);
    ring_init(&pipe->ring, account);
    waitq_init(&pipe->readers);
    waitq_init(&pipe->writers);
    atomic_init(&pipe->least_need, SIZE_MAX);
}

static void pipe_fini(struct pipe *pipe)
{
    ring_fini(&pipe->ring);
}

static void wake(struct waitq *queue, unsigned count, unsigned events)
{
    // Whoever waits put itself on the queue before it looked at what the caller has just changed
    // (both are ordered by locked instructions), so an empty queue means that nobody missed the
    // change.
    if (waitq_active(queue))
        waitq_wake(queue, count, events);
}

static void wake_readers(struct pipe *pipe, unsigned count)
{
    wake(&pipe->readers, count, POLLIN | POLLRDNORM);
}

// A little room may be enough for one writer and not for another, so then all look; but none does
// while it is not enough for any.
static void wake_writers(struct pipe *pipe)
{
    size_t room = ring_capacity(&pipe->ring) - ring_used(&pipe->ring);

    if (room >= ATOMIC_SIZE) {
        wake(&pipe->writers, 1, POLLOUT | POLLWRNORM);
    } else if (room >= atomic_load(&pipe->least_need)) {
        // Those that still do not fit say so again.
        atomic_store(&pipe->least_need, SIZE_MAX);
        wake(&pipe->writers, WAKE_ALL, POLLOUT | POLLWRNORM);
    }
}

static bool is_readable(const struct pipe *pipe)
{
    return ring_used(&pipe->ring) != 0 || atomic_load(&pipe->writer_count) == 0;
}

static bool is_writable(const struct pipe *pipe, size_t need)
{
    return ring_capacity(&pipe->ring) - ring_used(&pipe->ring) >= need ||
           atomic_load(&pipe->reader_count) == 0;
}

// The same, for a writer about to wait: says first how much it needs.
static bool is_writable_or_needs(struct pipe *pipe, size_t need)
{
    size_t least = atomic_load(&pipe->least_need);

    while (need < least && !atomic_compare_exchange_weak(&pipe->least_need, &least, need))
        ;
    atomic_thread_fence(memory_order_seq_cst); // before looking at the ring: against wake_writers
    return is_writable(pipe, need);
}

static bool waits_not(const struct handle *handle, const struct iobuf *buffer)
{
    return handle_nonblocking(handle) || (buffer->flags & IOBUF_NOWAIT) != 0;
}

static ssize_t read_some(struct pipe *pipe, struct iobuf *buffer)
{
    ssize_t result;

    mutex_lock(&pipe->lock);
    result = ring_read(&pipe->ring, buffer, buffer->left);
    mutex_unlock(&pipe->lock);
    if (result > 0)
        wake_writers(pipe);
    if (ring_used(&pipe->ring) != 0)
        wake_readers(pipe, 1);
    return result;
}

static ssize_t pipe_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct pipe *pipe = handle->private;

    (void)position;
    if (buffer->left == 0)
        return 0;
    for (;;) {
        ssize_t result = 0;

        if (ring_used(&pipe->ring) != 0)
            result = read_some(pipe, buffer);
        if (result != 0)
            return result;
        if (atomic_load(&pipe->writer_count) == 0 && ring_used(&pipe->ring) == 0)
            return 0;
        if (waits_not(handle, buffer))
            return -EAGAIN;
        result = WAIT_EVENT(&pipe->readers,
                            planted("kill-unseen") ? WAIT_MUTEX : WAIT_INTERRUPTIBLE, NSEC_NEVER,
                            is_readable(pipe));
        if (result != 0)
            return result;
    }
}

// Returns: 0 when there is not room for need bytes.
static ssize_t write_some(struct pipe *pipe, struct iobuf *buffer, size_t need)
{
    ssize_t result = 0;
    size_t room;

    mutex_lock(&pipe->lock);
    room = ring_capacity(&pipe->ring) - ring_used(&pipe->ring);
    if (room >= need)
        result = ring_write(&pipe->ring, buffer, buffer->left);
    room = ring_capacity(&pipe->ring) - ring_used(&pipe->ring);
    mutex_unlock(&pipe->lock);
    if (result > 0) {
        wake_readers(pipe, 1);
        if (room != 0)
            wake_writers(pipe);
    }
    return result;
}

static ssize_t pipe_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct pipe *pipe = handle->private;
    size_t size = buffer->left;
    size_t need = size <= ATOMIC_SIZE ? size : 1;
    ssize_t error = 0;

    (void)position;
    while (buffer->left != 0 && error == 0) {
        ssize_t written;

        if (atomic_load(&pipe->reader_count) == 0) {
            error = -EPIPE;
            break;
        }
        written = write_some(pipe, buffer, need);
        if (written < 0)
            error = written;
        else if (written == 0 && waits_not(handle, buffer))
            error = -EAGAIN;
        else if (written == 0)
            error =
                WAIT_EVENT(&pipe->writers, WAIT_INTERRUPTIBLE, NSEC_NEVER, is_writable_or_needs(pipe, need));
    }
    return size != buffer->left ? (ssize_t)(size - buffer->left) : error;
}

static bool reads(unsigned flags)
{
    return (flags & O_ACCMODE) != O_WRONLY;
}

static bool writes(unsigned flags)
{
    return (flags & O_ACCMODE) != O_RDONLY;
}

static unsigned pipe_poll(struct handle *handle, struct poll_table *table)
{
    struct pipe *pipe = handle->private;
    unsigned flags = handle_flags(handle);
    unsigned events = 0;

    if (reads(flags)) {
        poll_wait(table, &pipe->readers);
        if (ring_used(&pipe->ring) != 0)
            events |= POLLIN | POLLRDNORM;
        // Not before the first writer came: a server may wait on a FIFO that nobody has opened yet.
        if (atomic_load(&pipe->writer_count) == 0 && atomic_load(&pipe->writer_opens) != 0)
            events |= POLLHUP;
    }
    if (writes(flags)) {
        poll_wait(table, &pipe->writers);
        if (ring_capacity(&pipe->ring) - ring_used(&pipe->ring) >= ATOMIC_SIZE)
            events |= POLLOUT | POLLWRNORM;
        if (atomic_load(&pipe->reader_count) == 0)
            events |= POLLERR;
    }
    return events;
}

static int64_t pipe_ioctl(struct handle *handle, unsigned command, uint64_t argument)
{
    struct pipe *pipe = handle->private;
    int used = (int)ring_used(&pipe->ring);

    if (command != FIONREAD)
        return -ENOTTY;
    return arch_copy_to_user(argument, &used, sizeof(used));
}

// An end is there. Who waits in open for the other side looks.
static void add_end(struct pipe *pipe, unsigned flags)
{
    if (reads(flags)) {
        atomic_fetch_add(&pipe->reader_count, 1);
        atomic_fetch_add(&pipe->reader_opens, 1);
        wake(&pipe->writers, WAKE_ALL, 0);
    }
    if (writes(flags)) {
        atomic_fetch_add(&pipe->writer_count, 1);
        atomic_fetch_add(&pipe->writer_opens, 1);
        wake(&pipe->readers, WAKE_ALL, 0);
    }
}

static void remove_end(struct pipe *pipe, unsigned flags)
{
    bool unseen = planted("close-unseen");

    if (reads(flags) && atomic_fetch_sub(&pipe->reader_count, 1) == 1 && !unseen)
        wake(&pipe->writers, WAKE_ALL, POLLERR | POLLOUT | POLLWRNORM);
    if (writes(flags) && atomic_fetch_sub(&pipe->writer_count, 1) == 1 && !unseen)
        wake(&pipe->readers, WAKE_ALL, POLLHUP | POLLIN | POLLRDNORM);
}

// Gives a FIFO's pipe back; the last user frees it with the bytes in it.
static void fifo_put(struct node *node, struct pipe *pipe)
{
    bool last;

    mutex_lock(&node->lock);
    last = --pipe->users == 0;
    if (last)
        *pipe->slot = NULL;
    mutex_unlock(&node->lock);
    if (last) {
        pipe_fini(pipe);
        slab_free(&fifo_cache, pipe);
    }
}

static void pipe_close(struct handle *handle)
{
    struct pipe *pipe = handle->private;

    remove_end(pipe, handle_flags(handle));
    if (pipe->slot != NULL)
        fifo_put(handle->node, pipe);
}

static const struct handle_ops pipe_handle_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .close = pipe_close,
};

// POSIX: a reader waits for a writer and the other way round; one that came and went meanwhile
// counts as well. Whether one is there is asked before this end can be seen: a peer that waited for
// it may be done with it, and gone, at once.
static int open_end(struct pipe *pipe, struct handle *handle)
{
    unsigned flags = handle_flags(handle);
    bool reader = (flags & O_ACCMODE) == O_RDONLY;
    unsigned opens_before = atomic_load(reader ? &pipe->writer_opens : &pipe->reader_opens);
    bool alone = (flags & O_ACCMODE) != O_RDWR &&
                 atomic_load(reader ? &pipe->writer_count : &pipe->reader_count) == 0;
    int error = 0;

    if (alone && !reader && (flags & O_NONBLOCK) != 0)
        return -ENXIO;
    add_end(pipe, flags);
    if (alone && reader && (flags & O_NONBLOCK) == 0)
        error = WAIT_EVENT(&pipe->readers, WAIT_INTERRUPTIBLE, NSEC_NEVER,
                           atomic_load(&pipe->writer_opens) != opens_before);
    else if (alone && !reader)
        error = WAIT_EVENT(&pipe->writers, WAIT_INTERRUPTIBLE, NSEC_NEVER,
                           atomic_load(&pipe->reader_opens) != opens_before);
    if (error != 0) {
        remove_end(pipe, flags);
        return error;
    }
    handle->private = pipe;
    handle->ops = &pipe_handle_ops;
    return 0;
}

static struct pipe *fifo_get(struct node *node, struct pipe **slot)
{
    struct pipe *pipe;

    mutex_lock(&node->lock);
    pipe = *slot;
    if (pipe == NULL) {
        pipe = slab_alloc(&fifo_cache, account_current());
        if (pipe != NULL) {
            pipe_init(pipe, account_current());
            pipe->slot = slot;
            *slot = pipe;
        }
    }
    if (pipe != NULL)
        pipe->users++;
    mutex_unlock(&node->lock);
    return pipe;
}

int fifo_open(struct node *node, struct handle *handle, struct pipe **slot)
{
    struct pipe *pipe = fifo_get(node, slot);
    int error;

    if (pipe == NULL)
        return -ENOMEM;
    error = open_end(pipe, handle);
    if (error != 0)
        fifo_put(node, pipe);
    return error;
}

static struct pipe_node *pipe_node_of(struct node *node)
{
    return container_of(node, struct pipe_node, node);
}

// A new end: pipe_create's, or one by a link of /proc. Unlike a FIFO's it waits for nobody: what it
// is opened for may be the bytes of a writer that has gone.
static int pipe_node_open(struct node *node, struct handle *handle)
{
    struct pipe *pipe = &pipe_node_of(node)->pipe;

    add_end(pipe, handle_flags(handle));
    handle->private = pipe;
    handle->ops = &pipe_handle_ops;
    return 0;
}

static ssize_t pipe_node_describe(const struct node *node, char *to, size_t size)
{
    return fmt_print(to, size, "pipe:[%lu]", (unsigned long)node->ino);
}

static void pipe_node_free(struct node *node)
{
    struct pipe_node *pipe_node = pipe_node_of(node);

    pipe_fini(&pipe_node->pipe);
    node_fini(node);
    slab_free(&pipe_cache, pipe_node);
}

static const struct node_ops pipe_node_ops = {
    .open = pipe_node_open,
    .describe = pipe_node_describe,
    .free = pipe_node_free,
};

int pipe_create(unsigned flags, struct account *account, struct handle **read_end,
                struct handle **write_end)
{
    struct pipe_node *made;
    int error;

    if ((flags & ~(O_NONBLOCK | O_CLOEXEC)) != 0)
        return -EINVAL;
    made = slab_alloc(&pipe_cache, account);
    if (made == NULL)
        return -ENOMEM;
    node_init(&made->node, &anonymous_tree, &pipe_node_ops, S_IFIFO | 0600, account);
    pipe_init(&made->pipe, account);
    error = handle_open(&made->node, anonymous_grant, O_RDONLY | flags, account, read_end);
    if (error == 0) {
        error = handle_open(&made->node, anonymous_grant, O_WRONLY | flags, account, write_end);
        if (error != 0)
            handle_put(*read_end);
    }
    node_put(&made->node);
    return error;
}

int64_t pipe_size(struct handle *handle)
{
    if (handle->ops != &pipe_handle_ops)
        return -EBADF;
    return (int64_t)ring_capacity(&((struct pipe *)handle->private)->ring);
}

int64_t pipe_set_size(struct handle *handle, size_t size)
{
    struct pipe *pipe = handle->private;
    unsigned pages = 1;
    int error = 0;

    if (handle->ops != &pipe_handle_ops)
        return -EBADF;
    if (size > INT32_MAX)
        return -EINVAL;
    if (size > SIZE_MAX_BYTES)
        return -EPERM;
    while (pages * PAGE_SIZE < size)
        pages *= 2;
    mutex_lock(&pipe->lock);
    if (pages != pipe->ring.page_count)
        error = ring_resize(&pipe->ring, pages);
    mutex_unlock(&pipe->lock);
    if (error != 0)
        return error;
    wake_writers(pipe);
    return (int64_t)(pages * PAGE_SIZE);
}
