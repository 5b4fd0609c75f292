// SPDX-License-Identifier: MIT
// tty.c - terminals: what comes from the device, hang-ups, and the handles that processes read and write.
//
// Sources: termios(3), ioctl_tty(2), credentials(7), POSIX.1-2017 chapter 11.
#include "kernel/dev/tty.h"

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/signal.h"
#include "abi/stat.h"
#include "kernel/fs/devfs/devfs.h"
#include "kernel/proc/note.h"
#include "kernel/proc/process.h"
#include "kernel/proc/session.h"
#include "kernel/sched/timer.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "kernel/vfs/node.h"

#define CHUNK 256 // bytes copied between two looks at the terminal

// --- The terminal and its device ---

static struct tty *tty_of(struct ldisc *ldisc)
{
    return container_of(ldisc, struct tty, ldisc);
}

static void push(struct tty *tty)
{
    if (tty->driver->push != NULL)
        tty->driver->push(tty);
}

// Echo that finds no room is lost, as on a real line. Whoever hands in input pushes it.
static void echo(struct ldisc *ldisc, const uint8_t *bytes, size_t count)
{
    struct tty *tty = tty_of(ldisc);

    if (!tty->hung_up && tty->driver->room(tty) >= count)
        tty->driver->write(tty, bytes, count);
}

static void drop_output(struct ldisc *ldisc)
{
    struct tty *tty = tty_of(ldisc);

    tty->driver->flush(tty);
}

static const struct ldisc_ops ldisc_ops = { .echo = echo, .drop_output = drop_output };

void tty_init(struct tty *tty, const struct tty_driver *driver, dev_t device,
              struct account *account)
{
    refcount_init(&tty->ref, 1);
    spin_init(&tty->lock, RANK_TTY);
    tty->driver = driver;
    tty->device = device;
    tty->account = account;
    list_init(&tty->loans);
    ldisc_init(&tty->ldisc, &ldisc_ops);
    waitq_init(&tty->readers);
    waitq_init(&tty->writers);
}

void tty_get(struct tty *tty)
{
    refcount_get(&tty->ref);
}

void tty_put(struct tty *tty)
{
    if (!refcount_put(&tty->ref))
        return;
    tty_loans_drop(tty);
    if (tty->driver->free != NULL)
        tty->driver->free(tty);
}

// tty->lock held. A group that has gone is nobody to tell.
static void signal_foreground(struct tty *tty, unsigned number)
{
    if (tty->box != NULL && tty->foreground != 0 &&
        signal_send_group(tty->box, tty->foreground, number, NULL) != 0)
        tty->foreground = 0;
}

// tty->lock held. Does what input meant beyond the ring.
static void follow(struct tty *tty, const struct ldisc_event *event)
{
    if (event->signal != 0)
        signal_foreground(tty, event->signal);
    if (event->readable)
        waitq_wake(&tty->readers, WAKE_ALL, POLLIN | POLLRDNORM);
    if (event->output_resumed)
        waitq_wake(&tty->writers, WAKE_ALL, POLLOUT | POLLWRNORM);
}

size_t tty_receive(struct tty *tty, const uint8_t *bytes, size_t count)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);
    struct ldisc_event all = { 0 };
    size_t taken = 0;

    while (taken < count && ldisc_room(&tty->ldisc) > 0) {
        struct ldisc_event event;

        ldisc_input(&tty->ldisc, bytes[taken++], &event);
        if (event.signal != 0)
            signal_foreground(tty, event.signal);
        all.readable |= event.readable;
        all.output_resumed |= event.output_resumed;
    }
    push(tty);
    follow(tty, &all);
    spin_unlock_irq_restore(&tty->lock, state);
    return taken;
}

void tty_hold_input(struct tty *tty)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);

    ldisc_hold(&tty->ldisc);
    spin_unlock_irq_restore(&tty->lock, state);
}

void tty_ask_input(struct tty *tty)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);
    struct ldisc_event event;

    if (tty->ldisc.held) {
        ldisc_release(&tty->ldisc, &event);
        push(tty);
        follow(tty, &event);
        if (tty->driver->input_room != NULL)
            tty->driver->input_room(tty);
    }
    spin_unlock_irq_restore(&tty->lock, state);
}

void tty_writable(struct tty *tty)
{
    waitq_wake(&tty->writers, WAKE_ALL, POLLOUT | POLLWRNORM);
}

void tty_hangup(struct tty *tty)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);

    tty->hung_up = true;
    signal_foreground(tty, SIGHUP);
    signal_foreground(tty, SIGCONT);
    waitq_wake(&tty->readers, WAKE_ALL, POLLIN | POLLHUP);
    waitq_wake(&tty->writers, WAKE_ALL, POLLOUT | POLLHUP);
    spin_unlock_irq_restore(&tty->lock, state);
}

void tty_set_window(struct tty *tty, const struct linux_winsize *window)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);
    bool differs = tty->window.ws_row != window->ws_row || tty->window.ws_col != window->ws_col ||
                   tty->window.ws_xpixel != window->ws_xpixel ||
                   tty->window.ws_ypixel != window->ws_ypixel;

    tty->window = *window;
    if (differs)
        signal_foreground(tty, SIGWINCH);
    spin_unlock_irq_restore(&tty->lock, state);
}

// --- Reading ---

// How many bytes a read of size waits for, and how long for the first and for each further one.
struct read_rule {
    size_t least;      // 0: a read never waits
    nsec_t timeout_ns; // NSEC_NEVER: none
    bool between;      // the timeout runs from the last byte, and only once there is one
};

static struct read_rule read_rule(const struct tty *tty, size_t size)
{
    const struct linux_termios *termios = &tty->ldisc.termios;
    nsec_t timeout = termios->c_cc[VTIME] * 100 * NSEC_PER_MSEC;
    size_t least = termios->c_cc[VMIN];

    if (termios->c_lflag & ICANON)
        return (struct read_rule){ .least = 1, .timeout_ns = NSEC_NEVER };
    if (least == 0)
        return (struct read_rule){ .least = timeout != 0, .timeout_ns = timeout };
    if (timeout == 0)
        timeout = NSEC_NEVER;
    least = MIN(least, size);
    return (struct read_rule){ .least = least, .timeout_ns = timeout, .between = true };
}

static size_t readable(struct tty *tty)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);
    size_t count = ldisc_readable(&tty->ldisc);

    spin_unlock_irq_restore(&tty->lock, state);
    return count;
}

// Waits until a read may return. Returns 0 also when the time is over and there is nothing.
static int wait_readable(struct tty *tty, size_t size, bool nonblocking)
{
    struct read_rule rule = read_rule(tty, size);
    size_t have = readable(tty);

    while (have < rule.least && !tty->hung_up) {
        bool timed = rule.timeout_ns != NSEC_NEVER && (!rule.between || have > 0);
        nsec_t deadline = timed ? clock_now() + rule.timeout_ns : NSEC_NEVER;
        int error;

        if (nonblocking)
            return have > 0 ? 0 : -EAGAIN;
        error = WAIT_EVENT(&tty->readers, WAIT_INTERRUPTIBLE, deadline,
                           readable(tty) != have || tty->hung_up);
        if (error == -ETIMEDOUT)
            return 0;
        if (error != 0)
            return have > 0 ? 0 : -ERESTARTSYS;
        have = readable(tty);
        rule = read_rule(tty, size);
    }
    return 0;
}

static ssize_t tty_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct tty *tty = handle->private;
    uint8_t chunk[CHUNK];
    ssize_t total = 0;
    bool ended = false;
    int error = tty_check_foreground(tty, SIGTTIN);

    (void)position;
    if (error == 0)
        tty_ask_input(tty);
    if (error == 0 && buffer->left > 0)
        error = wait_readable(tty, buffer->left, handle_nonblocking(handle));
    if (error != 0)
        return error;
    while (buffer->left > 0 && !ended) {
        uint64_t state = spin_lock_irq_save(&tty->lock);
        size_t count = ldisc_read(&tty->ldisc, chunk, MIN(sizeof(chunk), buffer->left), &ended);

        if (tty->driver->input_room != NULL && (count > 0 || ended))
            tty->driver->input_room(tty);
        spin_unlock_irq_restore(&tty->lock, state);
        if (count == 0)
            break;
        error = iobuf_put(buffer, chunk, count);
        if (error != 0)
            return total > 0 ? total : error;
        total += (ssize_t)count;
    }
    return total;
}

// --- Writing ---

static bool can_write(struct tty *tty)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);
    bool can = tty->hung_up ||
               (!tty->ldisc.stopped && tty->driver->room(tty) >= LDISC_EXPANSION);

    spin_unlock_irq_restore(&tty->lock, state);
    return can;
}

// Sends as much of bytes as there is room for. Returns how many, or -EIO after a hang-up.
static ssize_t send(struct tty *tty, const uint8_t *bytes, size_t count)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);
    size_t sent = 0;

    while (sent < count && !tty->hung_up && !tty->ldisc.stopped &&
           tty->driver->room(tty) >= LDISC_EXPANSION) {
        uint8_t out[LDISC_EXPANSION];
        unsigned length = ldisc_output(&tty->ldisc, bytes[sent++], out);

        tty->driver->write(tty, out, length);
    }
    push(tty);
    if (tty->hung_up && sent == 0) {
        spin_unlock_irq_restore(&tty->lock, state);
        return -EIO;
    }
    spin_unlock_irq_restore(&tty->lock, state);
    return (ssize_t)sent;
}

// Sends the whole chunk, waiting for room. Returns how many bytes went, or an error if none did.
static ssize_t send_all(struct handle *handle, const uint8_t *bytes, size_t count)
{
    struct tty *tty = handle->private;
    size_t sent = 0;

    for (;;) {
        ssize_t now = send(tty, bytes + sent, count - sent);
        int error = 0;

        if (now < 0)
            return sent > 0 ? (ssize_t)sent : now;
        sent += (size_t)now;
        if (sent == count)
            return (ssize_t)sent;
        if (handle_nonblocking(handle))
            error = -EAGAIN;
        else if (WAIT_EVENT(&tty->writers, WAIT_INTERRUPTIBLE, NSEC_NEVER, can_write(tty)) != 0)
            error = -ERESTARTSYS;
        if (error != 0)
            return sent > 0 ? (ssize_t)sent : error;
    }
}

static ssize_t tty_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct tty *tty = handle->private;
    uint8_t chunk[CHUNK];
    ssize_t total = 0;
    int error = 0;

    (void)position;
    if (tty->ldisc.termios.c_lflag & TOSTOP)
        error = tty_check_foreground(tty, SIGTTOU);
    while (error == 0 && buffer->left > 0) {
        size_t count = MIN(sizeof(chunk), buffer->left);
        ssize_t sent;

        error = iobuf_get(buffer, chunk, count);
        if (error != 0)
            break;
        sent = send_all(handle, chunk, count);
        if (sent < 0) {
            error = (int)sent;
            break;
        }
        total += sent;
        if ((size_t)sent < count) // the caller's cursor is not used after a short write
            break;
    }
    return total > 0 ? total : error;
}

static unsigned tty_poll(struct handle *handle, struct poll_table *table)
{
    struct tty *tty = handle->private;
    unsigned events = 0;

    tty_ask_input(tty);
    poll_wait(table, &tty->readers);
    poll_wait(table, &tty->writers);
    if (readable(tty) > 0 || tty->hung_up)
        events |= POLLIN | POLLRDNORM;
    if (can_write(tty))
        events |= POLLOUT | POLLWRNORM;
    return events | (tty->hung_up ? POLLHUP | POLLERR : 0);
}

static void tty_close(struct handle *handle)
{
    struct tty *tty = handle->private;

    if (tty->driver->closed != NULL) {
        uint64_t state = spin_lock_irq_save(&tty->lock);

        tty->driver->closed(tty);
        spin_unlock_irq_restore(&tty->lock, state);
    }
    tty_put(tty);
}

const struct handle_ops tty_handle_ops = {
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
    .close = tty_close,
};

// --- Device nodes ---

static int open_device(struct node *node, struct handle *handle)
{
    return tty_handle_open(handle, devfs_private(node));
}

int tty_add_device(const char *name, struct tty *tty)
{
    return devfs_add(name, S_IFCHR | 0620, tty->device, &tty_handle_ops, open_device, tty);
}

static int open_controlling(struct node *node, struct handle *handle)
{
    struct tty *tty = session_terminal();
    int error;

    (void)node;
    if (tty == NULL)
        return -ENXIO;
    error = tty_handle_open(handle, tty);
    tty_put(tty);
    return error;
}

void tty_init_devices(void)
{
    int error = devfs_add("tty", S_IFCHR | 0666, 5 << 8, &tty_handle_ops, open_controlling, NULL);

    assert(error == 0);
    tty_loans_init();
}
