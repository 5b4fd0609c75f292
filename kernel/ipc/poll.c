// SPDX-License-Identifier: MIT
// poll.c - waiting for one of several handles.
//
// A poll set has an entry on each wait queue that its handles named. A wake-up sets the set's flag
// before it wakes the thread; asking a handle may itself sleep, so the flag, not the thread's
// state, says whether to ask again.
#include "kernel/ipc/poll.h"

#include "abi/errors.h"
#include "abi/poll.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/sched/waitq.h"
#include "kernel/vfs/handle.h"

#define ENTRIES_INLINE 6 // enough for the usual poll; they stand on the stack
#define ENTRIES_CHUNK 64

struct poll_entry {
    struct waiter waiter;
    struct waitq *queue;
    struct poll_set *set;
    unsigned events;
};

struct poll_chunk {
    struct poll_chunk *next;
    struct poll_entry entries[ENTRIES_CHUNK];
};

struct poll_set {
    struct poll_table table;
    struct thread *thread;
    unsigned events; // of the item that is being asked
    atomic_bool triggered;
    unsigned count; // of inline entries, then of the first chunk's
    unsigned chunk_count;
    struct poll_chunk *chunks;
    struct poll_entry entries[ENTRIES_INLINE];
};

static bool wake(struct waiter *waiter, unsigned events)
{
    struct poll_entry *entry = container_of(waiter, struct poll_entry, waiter);

    if (events != 0 && !(events & (entry->events | POLLERR | POLLHUP)))
        return false;
    atomic_store(&entry->set->triggered, true);
    (void)thread_wake(entry->set->thread);
    return false; // takes nothing, so others are woken as well
}

static struct poll_entry *new_entry(struct poll_set *set)
{
    struct poll_chunk *chunk = set->chunks;

    if (set->count < ENTRIES_INLINE)
        return &set->entries[set->count++];
    if (chunk == NULL || set->chunk_count == ENTRIES_CHUNK) {
        chunk = kmalloc(sizeof(*chunk), account_current());
        if (chunk == NULL)
            return NULL;
        chunk->next = set->chunks;
        set->chunks = chunk;
        set->chunk_count = 0;
    }
    return &chunk->entries[set->chunk_count++];
}

static int add(struct poll_table *table, struct waitq *queue)
{
    struct poll_set *set = container_of(table, struct poll_set, table);
    struct poll_entry *entry = new_entry(set);

    if (entry == NULL)
        return -ENOMEM;
    *entry = (struct poll_entry){
        .waiter = { .wake = wake }, .queue = queue, .set = set, .events = set->events
    };
    list_init(&entry->waiter.link);
    waitq_add(queue, &entry->waiter);
    return 0;
}

static void remove_entries(struct poll_entry *entries, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        waitq_remove(entries[i].queue, &entries[i].waiter);
}

static void end(struct poll_set *set)
{
    remove_entries(set->entries, set->count);
    while (set->chunks != NULL) {
        struct poll_chunk *chunk = set->chunks;

        remove_entries(chunk->entries, set->chunk_count);
        set->chunk_count = ENTRIES_CHUNK; // all but the newest are full
        set->chunks = chunk->next;
        kfree(chunk);
    }
}

// Asks all items. wait: also queues on their events, as long as none holds. Returns: how many have
// events.
static int ask(struct poll_set *set, struct poll_item *items, unsigned count, bool wait)
{
    int ready = 0;

    for (unsigned i = 0; i < count; i++) {
        struct poll_item *item = &items[i];

        if (item->handle != NULL) {
            struct poll_table *table = wait && ready == 0 ? &set->table : NULL;

            set->events = item->events;
            item->revents = handle_poll(item->handle, table) & (item->events | POLLERR | POLLHUP);
        }
        if (item->revents != 0)
            ready++;
    }
    return ready;
}

// Waits for the flag and takes it. Returns: 0; -EINTR, -ETIMEDOUT.
static int wait_for_trigger(struct poll_set *set, nsec_t deadline_ns)
{
    int error = 0;

    while (error == 0) {
        thread_block_prepare();
        if (atomic_exchange(&set->triggered, false))
            break;
        error = thread_block(WAIT_INTERRUPTIBLE, deadline_ns);
    }
    thread_block_cancel();
    return error;
}

int poll_items(struct poll_item *items, unsigned count, nsec_t deadline_ns)
{
    struct poll_set set = { .table = { .add = add }, .thread = thread_current() };
    bool first = true;
    int result;

    for (;;) {
        int error;

        result = ask(&set, items, count, first && deadline_ns != 0);
        first = false;
        if (result == 0)
            result = set.table.error;
        if (result != 0 || deadline_ns == 0)
            break;
        error = wait_for_trigger(&set, deadline_ns);
        // What came with the end of the wait is still told.
        if (error != 0) {
            result = ask(&set, items, count, false);
            if (result == 0 && error != -ETIMEDOUT)
                result = error;
            break;
        }
    }
    end(&set);
    return result;
}
