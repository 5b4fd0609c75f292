// SPDX-License-Identifier: MIT
// epoll.c - poll sets that stay.
//
// An item watches one handle for one fd: it has a waiter on each wait queue that the handle named.
// A wake-up pushes the item on the set's arrivals, a list without a lock as it happens under the
// queue's lock, in any context, and wakes one thread that waits for the set. Who waits moves
// arrivals to the ready list, asks each handle there what really holds, and drops those with
// nothing; level-triggered items stay on it until they have nothing.
//
// Locking: epoll->mutex guards items and the ready list. links_lock guards handle->poll_sets; an
// item there keeps its set alive. A set that watches sets has a queue of a later rank than theirs,
// by its level; nest_mutex guards levels.
#include "kernel/ipc/epoll.h"

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/vfs/handle.h"

#define LEVELS 5
#define FLAG_BITS (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)

// Fields: m under mutex · a atomic · n under nest_mutex
struct epoll {
    struct refcount ref;                   // a  its handle, and who takes a closed handle out of it
    struct mutex mutex;                    // rank POLL_SET
    struct rb_root items;                  // m  by handle and fd
    struct list ready;                     // m  of item.ready_link
    _Atomic(struct epoll_item *) arrivals; // a
    struct waitq queue;                    // threads that wait for it, and sets that watch it
    struct list watchers;                  // n  of item.watcher_link: items of other sets
    unsigned level;                        // n  0: watches no set
    uint64_t visit;                        // n  the last walk that came here
};

// A waiter on one queue of a handle.
struct epoll_entry {
    struct waiter waiter;
    struct waitq *queue;
    struct epoll_item *item;
    struct epoll_entry *next;
};

// Fields: I set once · m under the set's mutex · a atomic · l under links_lock ·
// n under nest_mutex
struct epoll_item {
    struct rb_node node;    // m
    struct epoll *set;      // I
    struct handle *handle;  // I  not counted: it leaves when the handle is closed
    int fd;                 // I
    atomic_uint events;     // a  wanted, with flag bits; only these: asleep after EPOLLONESHOT
    uint64_t data;          // m
    struct list ready_link; // m
    struct epoll_item *next_arrival; // a  under the arrived flag
    atomic_bool arrived;             // a  on arrivals
    struct list handle_link;         // l
    struct list watcher_link;        // n
    struct epoll_entry *entries;     // m
    struct epoll_entry first_entry;  // most handles have one queue
};

// Registers an item's entries while its handle is asked.
struct item_table {
    struct poll_table table;
    struct epoll_item *item;
};

static SLAB_CACHE(epoll_cache, "epoll", struct epoll);
static SLAB_CACHE(item_cache, "epoll item", struct epoll_item);
static SLAB_CACHE(entry_cache, "epoll entry", struct epoll_entry);
static struct spinlock links_lock = SPINLOCK_INIT(RANK_POLL_LINKS);
static struct mutex nest_mutex;
static uint64_t visits; // under nest_mutex: walks through sets so far
static const struct handle_ops epoll_ops;

static struct epoll *epoll_of(const struct handle *handle)
{
    return handle->ops == &epoll_ops ? handle->private : NULL;
}

static unsigned wanted(const struct epoll_item *item)
{
    unsigned events = atomic_load_explicit(&item->events, memory_order_relaxed) & ~FLAG_BITS;

    return events != 0 ? events | EPOLLERR | EPOLLHUP : 0;
}

// Returns: whether it had not arrived yet.
static bool push_arrival(struct epoll_item *item)
{
    struct epoll *set = item->set;
    struct epoll_item *first = atomic_load_explicit(&set->arrivals, memory_order_relaxed);

    if (atomic_exchange(&item->arrived, true))
        return false;
    do {
        item->next_arrival = first;
    } while (!atomic_compare_exchange_weak(&set->arrivals, &first, item));
    return true;
}

static bool item_wake(struct waiter *waiter, unsigned events)
{
    struct epoll_item *item = container_of(waiter, struct epoll_entry, waiter)->item;
    unsigned wants = wanted(item);

    if (wants == 0 || (events != 0 && !(events & wants)))
        return false;
    // Who has arrived has woken the set already, and stays until somebody asks. So an event goes
    // through each item at most once, also where sets watch sets by many fds.
    if (!push_arrival(item))
        return false;
    waitq_wake(&item->set->queue, 1, POLLIN);
    return atomic_load_explicit(&item->events, memory_order_relaxed) & EPOLLEXCLUSIVE;
}

static int add_entry(struct poll_table *table, struct waitq *queue)
{
    struct epoll_item *item = container_of(table, struct item_table, table)->item;
    struct epoll_entry *entry = &item->first_entry;

    if (item->entries != NULL) {
        entry = slab_alloc(&entry_cache, account_current());
        if (entry == NULL)
            return -ENOMEM;
    }
    *entry = (struct epoll_entry){
        .waiter = { .wake = item_wake }, .queue = queue, .item = item, .next = item->entries
    };
    list_init(&entry->waiter.link);
    item->entries = entry;
    waitq_add(queue, &entry->waiter);
    return 0;
}

// Moves arrivals to the ready list, in their order.
static void gather(struct epoll *set)
{
    struct epoll_item *item = atomic_exchange(&set->arrivals, NULL);
    struct list arrived;

    list_init(&arrived);
    while (item != NULL) {
        struct epoll_item *next = item->next_arrival;

        // From here on a wake-up makes it arrive anew.
        atomic_store(&item->arrived, false);
        if (list_empty(&item->ready_link))
            list_push_front(&arrived, &item->ready_link);
        item = next;
    }
    list_splice_back(&set->ready, &arrived);
}

static unsigned ask(struct epoll_item *item, struct poll_table *table)
{
    return handle_poll(item->handle, table) & wanted(item);
}

// --- Items ---

static struct epoll_item *item_of(struct rb_node *node)
{
    return node != NULL ? rb_entry(node, struct epoll_item, node) : NULL;
}

static bool item_before(const struct epoll_item *item, const struct handle *handle, int fd)
{
    return item->handle < handle || (item->handle == handle && item->fd < fd);
}

// The first item not before handle and fd; NULL if none.
static struct epoll_item *find_from(struct epoll *set, const struct handle *handle, int fd)
{
    struct rb_node *node = set->items.top;
    struct epoll_item *found = NULL;

    while (node != NULL) {
        if (item_before(item_of(node), handle, fd)) {
            node = node->right;
        } else {
            found = item_of(node);
            node = node->left;
        }
    }
    return found;
}

static struct epoll_item *find(struct epoll *set, const struct handle *handle, int fd)
{
    struct epoll_item *item = find_from(set, handle, fd);

    return item != NULL && item->handle == handle && item->fd == fd ? item : NULL;
}

static void insert(struct epoll *set, struct epoll_item *item)
{
    struct rb_node **place = &set->items.top;
    struct rb_node *parent = NULL;

    while (*place != NULL) {
        parent = *place;
        place =
            item_before(item_of(parent), item->handle, item->fd) ? &parent->right : &parent->left;
    }
    rb_link(&item->node, parent, place);
    rb_insert(&set->items, &item->node, NULL);
    spin_lock(&links_lock);
    list_push_back(&item->handle->poll_sets, &item->handle_link);
    spin_unlock(&links_lock);
}

// Takes the item out of everything and frees it. The set's mutex is held, and nest_mutex if it
// watches a set.
static void item_remove(struct epoll_item *item)
{
    struct epoll_entry *entry = item->entries;

    for (; entry != NULL; entry = entry->next)
        waitq_remove(entry->queue, &entry->waiter);
    // Nothing wakes it any more; what did is off the arrivals after this.
    gather(item->set);
    list_remove(&item->ready_link);
    list_remove(&item->watcher_link);
    rb_remove(&item->set->items, &item->node, NULL);
    spin_lock(&links_lock);
    list_remove(&item->handle_link);
    spin_unlock(&links_lock);
    while (item->entries != NULL) {
        entry = item->entries;
        item->entries = entry->next;
        if (entry != &item->first_entry)
            slab_free(&entry_cache, entry);
    }
    slab_free(&item_cache, item);
}

// --- Sets within sets ---

// Whether target is set, or watches it through others. Each set is visited once.
static bool is_watched_by(struct epoll *set, const struct epoll *target, uint64_t visit)
{
    struct epoll_item *watcher;

    if (set == target)
        return true;
    if (set->visit == visit)
        return false;
    set->visit = visit;
    list_for_each(watcher, &set->watchers, watcher_link) {
        if (is_watched_by(watcher->set, target, visit)) // at most LEVELS deep
            return true;
    }
    return false;
}

// Makes set's queue one of at least this level, and those of the sets that watch it later ones.
static int raise_level(struct epoll *set, unsigned level)
{
    struct epoll_item *watcher;

    if (level >= LEVELS)
        return -ELOOP;
    if (set->level >= level)
        return 0;
    list_for_each(watcher, &set->watchers, watcher_link) {
        int error = raise_level(watcher->set, level + 1); // at most LEVELS deep

        if (error != 0)
            return error;
    }
    set->level = level;
    set->queue.lock.rank = RANK_WAITQ_INNER + level;
    return 0;
}

// --- Control ---

static void make_ready(struct epoll_item *item)
{
    if (list_empty(&item->ready_link))
        list_push_back(&item->set->ready, &item->ready_link);
    waitq_wake(&item->set->queue, 1, POLLIN);
}

static int add(struct epoll *set, int fd, struct handle *target,
               const struct linux_epoll_event *event)
{
    struct epoll *inner = epoll_of(target);
    struct item_table table = { .table = { .add = add_entry, .stays = true } };
    struct epoll_item *item;

    if (find(set, target, fd) != NULL)
        return -EEXIST;
    if (inner != NULL &&
        (is_watched_by(set, inner, ++visits) || raise_level(set, inner->level + 1) != 0))
        return -ELOOP;
    item = slab_alloc(&item_cache, account_current());
    if (item == NULL)
        return -ENOMEM;
    item->set = set;
    item->handle = target;
    item->fd = fd;
    item->data = event->data;
    atomic_init(&item->events, event->events);
    list_init(&item->ready_link);
    list_init(&item->handle_link);
    list_init(&item->watcher_link);
    insert(set, item);
    if (inner != NULL)
        list_push_back(&inner->watchers, &item->watcher_link);
    table.item = item;
    if (ask(item, &table.table) != 0)
        make_ready(item);
    if (table.table.error != 0)
        item_remove(item);
    return table.table.error;
}

static int modify(struct epoll_item *item, const struct linux_epoll_event *event)
{
    unsigned old = atomic_load(&item->events);

    if ((old | event->events) & EPOLLEXCLUSIVE)
        return -EINVAL;
    item->data = event->data;
    // In one order with wake-ups: one that missed the new events happened before the question
    // below.
    atomic_store(&item->events, event->events);
    if (ask(item, NULL) != 0)
        make_ready(item);
    return 0;
}

static int control_locked(struct epoll *set, int operation, int fd, struct handle *target,
                          const struct linux_epoll_event *event)
{
    struct epoll_item *item;

    if (operation == EPOLL_CTL_ADD)
        return add(set, fd, target, event);
    item = find(set, target, fd);
    if (item == NULL)
        return -ENOENT;
    if (operation == EPOLL_CTL_MOD)
        return modify(item, event);
    item_remove(item);
    return 0;
}

LOCKS_NOT_CHECKED
int epoll_control(struct handle *handle, int operation, int fd, struct handle *target,
                  const struct linux_epoll_event *event)
{
    struct epoll *set = epoll_of(handle);
    bool nested = epoll_of(target) != NULL;
    int error;

    if (set == NULL || epoll_of(target) == set || operation < EPOLL_CTL_ADD ||
        operation > EPOLL_CTL_MOD)
        return -EINVAL;
    if (target->ops->poll == NULL)
        return -EPERM;
    if (operation == EPOLL_CTL_ADD && (event->events & EPOLLEXCLUSIVE) &&
        (nested || (event->events & EPOLLONESHOT)))
        return -EINVAL;
    if (nested)
        mutex_lock(&nest_mutex);
    mutex_lock(&set->mutex);
    error = control_locked(set, operation, fd, target, event);
    mutex_unlock(&set->mutex);
    if (nested)
        mutex_unlock(&nest_mutex);
    return error;
}

// --- Waiting ---

static bool may_have_events(struct epoll *set)
{
    return atomic_load(&set->arrivals) != NULL ||
           __atomic_load_n(&set->ready.next, __ATOMIC_SEQ_CST) != &set->ready;
}

// Stores what a ready item has. Returns: whether it has anything.
static bool report(struct epoll_item *item, struct linux_epoll_event *event)
{
    unsigned flags = atomic_load(&item->events) & FLAG_BITS;
    unsigned events;

    list_remove(&item->ready_link);
    events = ask(item, NULL);
    if (events == 0)
        return false;
    *event = (struct linux_epoll_event){ .events = events, .data = item->data };
    if (flags & EPOLLONESHOT)
        atomic_store(&item->events, flags);
    else if (!(flags & EPOLLET))
        list_push_back(&item->set->ready, &item->ready_link);
    return true;
}

static int collect(struct epoll *set, struct linux_epoll_event *events, int most)
{
    struct list round;
    int count = 0;
    bool more;

    mutex_lock(&set->mutex);
    gather(set);
    // Level-triggered items go to the end of the list for the next call, so this round is a list of
    // its own.
    list_init(&round);
    list_splice_back(&round, &set->ready);
    while (!list_empty(&round) && count < most)
        count += report(list_first(&round, struct epoll_item, ready_link), &events[count]);
    list_splice_back(&round, &set->ready);
    list_splice_back(&set->ready, &round);
    more = !list_empty(&set->ready);
    mutex_unlock(&set->mutex);
    // Another thread may wait, and the wake-up came to this one alone.
    if (more && count != 0)
        waitq_wake(&set->queue, 1, POLLIN);
    return count;
}

int epoll_wait(struct handle *handle, struct linux_epoll_event *events, int most,
               nsec_t deadline_ns)
{
    struct epoll *set = epoll_of(handle);

    if (set == NULL || most < 1)
        return -EINVAL;
    for (;;) {
        int count = collect(set, events, most);
        int error;

        if (count != 0 || deadline_ns == 0)
            return count;
        error = WAIT_EVENT(&set->queue, WAIT_INTERRUPTIBLE, deadline_ns, may_have_events(set));
        if (error == 0)
            continue;
        // The wake-up may have come to this thread alone.
        if (may_have_events(set))
            waitq_wake(&set->queue, 1, POLLIN);
        return error == -ETIMEDOUT ? 0 : error;
    }
}

// --- The handle of a set ---

static unsigned epoll_poll(struct handle *handle, struct poll_table *table)
{
    struct epoll *set = epoll_of(handle);
    struct epoll_item *item, *following;
    unsigned events = 0;

    poll_wait(table, &set->queue);
    mutex_lock_nested(&set->mutex); // a set that watches this one may be locked
    gather(set);
    list_for_each_safe(item, following, &set->ready, ready_link) {
        if (ask(item, NULL) != 0) {
            events = POLLIN | POLLRDNORM;
            break;
        }
        list_remove(&item->ready_link);
    }
    mutex_unlock(&set->mutex);
    return events;
}

static void epoll_drop(struct epoll *set)
{
    if (refcount_put(&set->ref))
        slab_free(&epoll_cache, set);
}

static void epoll_close(struct handle *handle)
{
    struct epoll *set = epoll_of(handle);

    mutex_lock(&nest_mutex);
    mutex_lock(&set->mutex);
    while (set->items.top != NULL)
        item_remove(item_of(set->items.top));
    mutex_unlock(&set->mutex);
    mutex_unlock(&nest_mutex);
    epoll_drop(set);
}

static const struct handle_ops epoll_ops = {
    .poll = epoll_poll,
    .close = epoll_close,
};

// A set that watches the handle, with a reference; NULL: none.
static struct epoll *watching_set(struct handle *handle)
{
    struct epoll_item *item;
    struct epoll *set = NULL;

    spin_lock(&links_lock);
    item = list_first(&handle->poll_sets, struct epoll_item, handle_link);
    if (item != NULL) {
        set = item->set;
        refcount_get(&set->ref);
    }
    spin_unlock(&links_lock);
    return set;
}

// Takes a handle that is being closed out of all sets.
LOCKS_NOT_CHECKED
static void unwatch(struct handle *handle)
{
    bool nested = epoll_of(handle) != NULL;
    struct epoll *set;

    if (nested)
        mutex_lock(&nest_mutex);
    while ((set = watching_set(handle)) != NULL) {
        struct epoll_item *item;

        mutex_lock(&set->mutex);
        while ((item = find_from(set, handle, INT32_MIN)) != NULL && item->handle == handle)
            item_remove(item);
        mutex_unlock(&set->mutex);
        epoll_drop(set);
    }
    if (nested)
        mutex_unlock(&nest_mutex);
}

void epoll_init(void)
{
    mutex_init(&nest_mutex, RANK_POLL_NEST);
    handle_set_unwatch(unwatch);
}

int epoll_create(struct account *account, struct handle **handle)
{
    struct epoll *set = slab_alloc(&epoll_cache, account);
    int error;

    if (set == NULL)
        return -ENOMEM;
    refcount_init(&set->ref, 1);
    mutex_init(&set->mutex, RANK_POLL_SET);
    list_init(&set->ready);
    waitq_init_inner(&set->queue);
    list_init(&set->watchers);
    error = handle_create_anonymous("[eventpoll]", S_IFREG | 0600, &epoll_ops, set, O_RDWR, account,
                                    handle);
    if (error != 0)
        slab_free(&epoll_cache, set);
    return error;
}
