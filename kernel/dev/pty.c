// SPDX-License-Identifier: MIT
// pty.c - pseudo terminals: a terminal (the slave, /dev/pts/N) whose device is another process (the master).
//
// Opening /dev/ptmx makes a pair; the handle is the master. Its number is free again when both sides are gone. A box sees in
// /dev/pts the pairs that its own processes made, and no others.
// States: locked -> unlocked (TIOCSPTLCK) -> hung up (the master closed).
// Locking: ptys_lock (rank NAMES) guards the list of pairs; the rest is under tty->lock.
// Sources: pty(7), ioctl_tty(2), pts(4).
#include "kernel/dev/pty.h"

#include "abi/dirent.h"
#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "kernel/dev/tty.h"
#include "kernel/fs/devfs/devfs.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/note.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "kernel/vfs/node.h"
#include "lib/base/fmt.h"

#define OUT_SIZE 4096
#define PTY_MAX 4096 // of a box
#define CHUNK 256
#define SLAVE_MAJOR 136

// Fields: I set once · t under tty.lock · P under ptys_lock
struct pty {
    struct tty tty;              // the slave; counts the pair
    struct list link;            // P  in ptys
    unsigned number;             // P
    struct account *account;     // I  of the box that made it
    struct waitq master_readers; // output of the slave, or its end
    struct waitq master_writers; // room for input
    bool locked;                 // t
    unsigned slaves_open;        // t
    bool slave_was_open;         // t  a master reads EIO only after the last slave left
    uint32_t head, tail;         // t  of out
    uint8_t out[OUT_SIZE];       // t  what the slave sent
};

static SLAB_CACHE(pty_cache, "pty", struct pty);
static struct spinlock ptys_lock = SPINLOCK_INIT(RANK_NAMES);
static struct list ptys = LIST_INIT(ptys); // those of one box by number

static struct pty *pty_of(const struct tty *tty)
{
    return container_of(tty, struct pty, tty);
}

// --- The slave's device: the ring that the master reads ---

static size_t pty_room(const struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    return OUT_SIZE - (pty->tail - pty->head);
}

static size_t pty_write(struct tty *tty, const uint8_t *bytes, size_t count)
{
    struct pty *pty = pty_of(tty);
    size_t taken = MIN(count, pty_room(tty));

    for (size_t i = 0; i < taken; i++)
        pty->out[pty->tail++ % OUT_SIZE] = bytes[i];
    waitq_wake(&pty->master_readers, WAKE_ALL, POLLIN | POLLRDNORM);
    return taken;
}

static size_t pty_pending(const struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    return pty->tail - pty->head;
}

static void pty_flush(struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    pty->head = pty->tail;
}

static void pty_input_room(struct tty *tty)
{
    waitq_wake(&pty_of(tty)->master_writers, WAKE_ALL, POLLOUT | POLLWRNORM);
}

// Handles on the slave are counted, so that the master sees the last one leave.
static int pty_opened(struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    if (pty->locked)
        return -EIO;
    pty->slaves_open++;
    pty->slave_was_open = true;
    return 0;
}

static void pty_closed(struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    if (--pty->slaves_open == 0)
        waitq_wake(&pty->master_readers, WAKE_ALL, POLLHUP);
}

static void pty_free(struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    spin_lock(&ptys_lock);
    list_remove(&pty->link);
    spin_unlock(&ptys_lock);
    account_put(pty->account);
    slab_free(&pty_cache, pty);
}

static const struct tty_driver pty_driver = {
    .opened = pty_opened,
    .closed = pty_closed,
    .write = pty_write,
    .room = pty_room,
    .pending = pty_pending,
    .flush = pty_flush,
    .input_room = pty_input_room,
    .free = pty_free,
};

// --- The master ---

static bool slave_gone(const struct pty *pty)
{
    return pty->slave_was_open && pty->slaves_open == 0;
}

static bool master_readable(struct pty *pty)
{
    uint64_t state = spin_lock_irq_save(&pty->tty.lock);
    bool readable = pty->head != pty->tail || slave_gone(pty);

    spin_unlock_irq_restore(&pty->tty.lock, state);
    return readable;
}

// Takes what is there. Returns 0 if nothing is, -EIO when nothing will come.
static ssize_t master_take(struct pty *pty, uint8_t *to, size_t size)
{
    uint64_t state = spin_lock_irq_save(&pty->tty.lock);
    ssize_t count = 0;

    while ((size_t)count < size && pty->head != pty->tail)
        to[count++] = pty->out[pty->head++ % OUT_SIZE];
    if (count == 0 && slave_gone(pty))
        count = -EIO;
    spin_unlock_irq_restore(&pty->tty.lock, state);
    if (count > 0)
        tty_writable(&pty->tty);
    return count;
}

static ssize_t master_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    struct pty *pty = handle->private;
    uint8_t chunk[CHUNK];
    ssize_t total = 0;

    (void)position;
    while (buffer->left > 0) {
        ssize_t count = master_take(pty, chunk, MIN(sizeof(chunk), buffer->left));
        int error;

        if (count > 0) {
            error = iobuf_put(buffer, chunk, (size_t)count);
            if (error != 0)
                return total > 0 ? total : error;
            total += count;
            continue;
        }
        if (total > 0 || count < 0)
            return total > 0 ? total : count;
        if (handle_nonblocking(handle))
            return -EAGAIN;
        if (WAIT_EVENT(&pty->master_readers, WAIT_INTERRUPTIBLE, NSEC_NEVER, master_readable(pty)) != 0)
            return -ERESTARTSYS;
    }
    return total;
}

static bool master_writable(struct pty *pty)
{
    uint64_t state = spin_lock_irq_save(&pty->tty.lock);
    bool room = ldisc_room(&pty->tty.ldisc) > 0;

    spin_unlock_irq_restore(&pty->tty.lock, state);
    return room;
}

// Hands the whole chunk to the slave, waiting for room. Returns how many bytes went, or an error if none did.
static ssize_t master_send(struct handle *handle, const uint8_t *bytes, size_t count)
{
    struct pty *pty = handle->private;
    size_t sent = 0;

    for (;;) {
        int error = 0;

        sent += tty_receive(&pty->tty, bytes + sent, count - sent);
        if (sent == count)
            return (ssize_t)sent;
        if (handle_nonblocking(handle))
            error = -EAGAIN;
        else if (WAIT_EVENT(&pty->master_writers, WAIT_INTERRUPTIBLE, NSEC_NEVER, master_writable(pty)) != 0)
            error = -ERESTARTSYS;
        if (error != 0)
            return sent > 0 ? (ssize_t)sent : error;
    }
}

static ssize_t master_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    uint8_t chunk[CHUNK];
    ssize_t total = 0;

    (void)position;
    while (buffer->left > 0) {
        size_t count = MIN(sizeof(chunk), buffer->left);
        int error = iobuf_get(buffer, chunk, count);
        ssize_t sent;

        if (error != 0)
            return total > 0 ? total : error;
        sent = master_send(handle, chunk, count);
        if (sent < 0)
            return total > 0 ? total : sent;
        total += sent;
        if ((size_t)sent < count) // the caller's cursor is not used after a short write
            break;
    }
    return total;
}

static unsigned master_poll(struct handle *handle, struct poll_table *table)
{
    struct pty *pty = handle->private;
    unsigned events = 0;
    uint64_t state;

    poll_wait(table, &pty->master_readers);
    poll_wait(table, &pty->master_writers);
    state = spin_lock_irq_save(&pty->tty.lock);
    if (pty->head != pty->tail)
        events |= POLLIN | POLLRDNORM;
    if (slave_gone(pty))
        events |= POLLHUP;
    if (ldisc_room(&pty->tty.ldisc) > 0)
        events |= POLLOUT | POLLWRNORM;
    spin_unlock_irq_restore(&pty->tty.lock, state);
    return events;
}

static int set_lock(struct pty *pty, uint64_t argument)
{
    int locked;
    int error = arch_copy_from_user(&locked, argument, sizeof(locked));

    uint64_t state;

    if (error != 0)
        return error;
    state = spin_lock_irq_save(&pty->tty.lock);
    pty->locked = locked != 0;
    spin_unlock_irq_restore(&pty->tty.lock, state);
    return 0;
}

static int64_t master_ioctl(struct handle *handle, unsigned command, uint64_t argument)
{
    struct pty *pty = handle->private;
    int value;

    switch (command) {
    case TIOCGPTN:
        value = (int)pty->number;
        return arch_copy_to_user(argument, &value, sizeof(value));
    case TIOCSPTLCK:
        return set_lock(pty, argument);
    case TIOCGPTLCK:
        value = pty->locked;
        return arch_copy_to_user(argument, &value, sizeof(value));
    case TIOCINQ:
        value = (int)(pty->tail - pty->head);
        return arch_copy_to_user(argument, &value, sizeof(value));
    default: { // settings and window are those of the slave
        struct handle slave = { .private = &pty->tty };

        return tty_ioctl(&slave, command, argument);
    }
    }
}

static void master_close(struct handle *handle)
{
    struct pty *pty = handle->private;

    tty_hangup(&pty->tty);
    tty_put(&pty->tty);
}

static const struct handle_ops master_ops = {
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .ioctl = master_ioctl,
    .close = master_close,
};

// Gives the pair the lowest number that is free in its box. Errors: -ENOSPC.
static int number_pair(struct pty *pty)
{
    struct pty *other;
    unsigned number = 0;

    spin_lock(&ptys_lock);
    list_for_each(other, &ptys, link) {
        if (other->account != pty->account)
            continue;
        if (other->number != number)
            break;
        number++;
    }
    if (number < PTY_MAX) {
        pty->number = number;
        pty->tty.device = SLAVE_MAJOR << 8 | number;
        list_push_back(&other->link, &pty->link); // before the first greater one, or last
    }
    spin_unlock(&ptys_lock);
    return number < PTY_MAX ? 0 : -ENOSPC;
}

static int open_master(struct node *node, struct handle *handle)
{
    struct pty *pty = slab_alloc(&pty_cache, handle->account);
    int error;

    (void)node;
    if (pty == NULL)
        return -ENOMEM;
    tty_init(&pty->tty, &pty_driver, 0, handle->account);
    list_init(&pty->link);
    waitq_init(&pty->master_readers);
    waitq_init(&pty->master_writers);
    pty->locked = true;
    pty->account = handle->account;
    error = number_pair(pty);
    if (error != 0) {
        slab_free(&pty_cache, pty);
        return error;
    }
    account_get(pty->account);
    handle->private = pty;
    handle->ops = &master_ops;
    return 0;
}

// --- /dev/pts ---

struct slave_node {
    struct node node;
    struct pty *pty; // counted through its tty
};

static SLAB_CACHE(slave_node_cache, "pty node", struct slave_node);

static int open_slave(struct node *node, struct handle *handle)
{
    return tty_handle_open(handle, &container_of(node, struct slave_node, node)->pty->tty);
}

static void free_slave_node(struct node *node)
{
    struct slave_node *slave = container_of(node, struct slave_node, node);
    struct pty *pty = slave->pty;

    node_fini(node);
    slab_free(&slave_node_cache, slave);
    tty_put(&pty->tty);
}

static const struct node_ops slave_node_ops = { .open = open_slave, .free = free_slave_node };

// The pair with this number that the caller's box may see, counted; NULL if none.
static struct pty *find_pair(unsigned number)
{
    struct pty *pty;

    spin_lock(&ptys_lock);
    list_for_each(pty, &ptys, link) {
        if (pty->number == number && pty->account == account_current() &&
            refcount_get_try(&pty->tty.ref)) {
            spin_unlock(&ptys_lock);
            return pty;
        }
    }
    spin_unlock(&ptys_lock);
    return NULL;
}

static int lookup(struct node *directory, const char *name, size_t length, struct node **child)
{
    struct slave_node *slave;
    struct pty *pty = NULL;
    uint64_t number;

    if (fmt_parse_u64(name, length, PTY_MAX - 1, &number) == 0 && (name[0] != '0' || length == 1))
        pty = find_pair((unsigned)number);
    if (pty == NULL)
        return -ENOENT;
    slave = slab_alloc(&slave_node_cache, account_current());
    if (slave == NULL) {
        tty_put(&pty->tty);
        return -ENOMEM;
    }
    node_init(&slave->node, directory->tree, &slave_node_ops, S_IFCHR | 0620, account_current());
    slave->node.rdev = pty->tty.device;
    slave->node.ino = 0x1000 + number;
    slave->node.handle_ops = &tty_handle_ops;
    slave->pty = pty;
    *child = &slave->node;
    return 0;
}

// The least number at or above from that the caller's box may see; PTY_MAX at the end.
static unsigned next_number(unsigned from)
{
    unsigned number = PTY_MAX;
    struct pty *pty;

    spin_lock(&ptys_lock);
    list_for_each(pty, &ptys, link) {
        if (pty->number >= from && pty->account == account_current()) {
            number = pty->number;
            break;
        }
    }
    spin_unlock(&ptys_lock);
    return number;
}

static int readdir(struct node *directory, off_t *position, readdir_emit_fn *emit, void *context)
{
    (void)directory;
    for (;;) {
        unsigned number = next_number((unsigned)*position);
        char name[12];
        int length;

        if (number >= PTY_MAX)
            return 0;
        length = fmt_print(name, sizeof(name), "%u", number);
        if (!emit(context, name, (size_t)length, 0x1000 + number, DT_CHR, number + 1))
            return 0;
        *position = number + 1;
    }
}

static const struct node_ops pts_directory_ops = { .lookup = lookup, .readdir = readdir };

void pty_init_devices(void)
{
    int error = devfs_add("ptmx", S_IFCHR | 0666, 5 << 8 | 2, &master_ops, open_master, NULL);

    assert(error == 0);
    error = devfs_add_directory("pts", &pts_directory_ops);
    assert(error == 0);
}
