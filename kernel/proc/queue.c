// SPDX-License-Identifier: MIT
// queue.c - the queues of pending signals and notes.
//
// A standard signal is a bit, with one entry for its info where memory allowed; real-time signals
// and texts are an entry each and take slots. A bit is set as long as an entry of its number is
// queued.

#include "kernel/proc/queue.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/box.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/bits.h"

struct note_entry {
    struct signal_entry entry;
    char text[NOTE_MAX_BYTES + 1];
};

static SLAB_CACHE(signal_cache, "signal", struct signal_entry);
static SLAB_CACHE(note_cache, "note", struct note_entry);

#define SIGNAL_SET_FAULTS                                                                       \
    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |       \
     SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))

// Whether an entry takes one of the NOTES_MAX slots.
static bool takes_slot(const struct signal_entry *entry)
{
    return entry->length != 0 || entry->info.si_signo == 0 || entry->info.si_signo >= SIGRTMIN;
}

static void entry_free(struct signal_entry *entry)
{
    slab_free(entry->length != 0 ? &note_cache : &signal_cache, entry);
}

void queue_remove(struct process *process, struct signal_entry *entry)
{
    list_remove(&entry->link);
    if (takes_slot(entry))
        process->signals->slots--;
    entry_free(entry);
}

int queue_add(struct process *process, struct uthread *thread, unsigned number,
              const struct linux_siginfo *info, const char *text, size_t length, bool around)
{
    struct signals *signals = process->signals;
    uint64_t *pending = thread != NULL ? &thread->pending : &signals->pending;
    bool slot = length != 0 || number == 0 || number >= SIGRTMIN;
    struct signal_entry *entry;

    spin_assert_held(&signals->lock);
    if (!slot && (*pending & SIGNAL_BIT(number)))
        return 0;
    if (number == SIGCHLD && length == 0 && thread == NULL && info->si_code > 0) {
        *pending |= SIGNAL_BIT(number);
        signals->child_info = *info;
        return 0;
    }
    if (slot && signals->slots >= (around ? NOTES_MAX : NOTES_MAX - 1))
        return -EAGAIN;
    entry = slab_alloc(length != 0 ? &note_cache : &signal_cache, process->box->account);
    if (entry == NULL && slot)
        return -EAGAIN;
    if (number != 0)
        *pending |= SIGNAL_BIT(number);
    if (entry == NULL)
        return 0; // the bit is enough
    entry->info = *info;
    entry->info.si_signo = (int32_t)number;
    entry->length = length;
    memcpy(entry->text, text, length);
    list_push_back(thread != NULL ? &thread->queue : &signals->queue, &entry->link);
    signals->slots += slot;
    return 0;
}

// Takes signal number off one queue.
static void take_from(struct process *process, struct list *queue, uint64_t *pending,
                      unsigned number,
                      struct signal_taken *taken)
{
    struct signal_entry *entry, *following, *first = NULL;
    bool more = false;

    *taken = (struct signal_taken){ .number = number, .info.si_signo = (int32_t)number };
    list_for_each_safe(entry, following, queue, link) {
        if (entry->info.si_signo != (int32_t)number)
            continue;
        more = first != NULL;
        if (more)
            break;
        first = entry;
    }
    if (!more)
        *pending &= ~SIGNAL_BIT(number);
    if (first == NULL && number == SIGCHLD)
        taken->info = process->signals->child_info;
    else if (first == NULL)
        taken->maker = SIGNAL_MADE_UNKNOWN;
    if (first == NULL)
        return;
    taken->info = first->info;
    taken->maker = first->info.si_padding;
    taken->info.si_padding = 0;
    taken->length = first->length;
    memcpy(taken->text, first->text, first->length);
    queue_remove(process, first);
}

bool queue_take(struct uthread *thread, uint64_t set, struct signal_taken *taken)
{
    struct process *process = thread->process;
    struct signals *signals = process->signals;
    uint64_t own = thread->pending & set, all = signals->pending & set;

    if (own & SIGNAL_SET_FAULTS)
        own &= SIGNAL_SET_FAULTS;
    if (own != 0)
        take_from(process, &thread->queue, &thread->pending, bits_lowest(own) + 1, taken);
    else if (all != 0)
        return queue_take_process(process, all, taken);
    return own != 0;
}

bool queue_take_process(struct process *process, uint64_t set, struct signal_taken *taken)
{
    struct signals *signals = process->signals;
    uint64_t all = signals->pending & set;

    if (all != 0)
        take_from(process, &signals->queue, &signals->pending, bits_lowest(all) + 1, taken);
    return all != 0;
}

static void drop_from(struct process *process, struct list *queue, uint64_t *pending, uint64_t set)
{
    struct signal_entry *entry, *following;

    if ((*pending & set) == 0)
        return;
    *pending &= ~set;
    list_for_each_safe(entry, following, queue, link) {
        if (entry->info.si_signo != 0 && (SIGNAL_BIT(entry->info.si_signo) & set))
            queue_remove(process, entry);
    }
}

void queue_drop(struct process *process, uint64_t set)
{
    struct uthread *thread;

    drop_from(process, &process->signals->queue, &process->signals->pending, set);
    list_for_each(thread, &process->threads, process_link)
        drop_from(process, &thread->queue, &thread->pending, set);
}

static void flush(struct process *process, struct list *queue, uint64_t *pending)
{
    uint64_t irq = spin_lock_irq_save(&process->signals->lock);
    struct signal_entry *entry;

    *pending = 0;
    while ((entry = list_first(queue, struct signal_entry, link)) != NULL)
        queue_remove(process, entry);
    spin_unlock_irq_restore(&process->signals->lock, irq);
}

void signal_flush_thread(struct uthread *thread)
{
    flush(thread->process, &thread->queue, &thread->pending);
}

void signal_flush_process(struct process *process)
{
    flush(process, &process->signals->queue, &process->signals->pending);
}
