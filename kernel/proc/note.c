// SPDX-License-Identifier: MIT
// note.c - notes as text: the table of types, sending by text, and reading the queue.

#include "kernel/proc/note.h"

#include <string.h>

#include "abi/errors.h"
#include "abi/poll.h"
#include "kernel/proc/private.h"
#include "kernel/proc/queue.h"
#include "kernel/sync/spinlock.h"

struct note_type {
    unsigned number;
    const char *name; // of the signal
    const char *text;
    bool forgeable;
};

static const struct note_type types[] = {
#define NOTE(signal, text, forgeable) { signal, #signal, text, forgeable },
#include "abi/notes.def"
#undef NOTE
};

static const struct note_type *type_of(unsigned number)
{
    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].number == number)
            return &types[i];
    }
    return NULL;
}

const char *signal_name(unsigned number)
{
    const struct note_type *type = type_of(number);

    if (type != NULL)
        return type->name;
    return number == SIGSTKFLT ? "SIGSTKFLT" : "a real-time signal";
}

const char *signal_note_type(unsigned number)
{
    const struct note_type *type = type_of(number);

    return type == NULL ? NULL : type->text;
}

// The type that text begins with; *exact: it is all of the text.
static const struct note_type *type_of_text(const char *text, size_t length, bool *exact)
{
    const char *blank = memchr(text, ' ', length);
    size_t word = blank == NULL ? length : (size_t)(blank - text);

    *exact = word == length;
    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        if (strlen(types[i].text) == word && memcmp(types[i].text, text, word) == 0)
            return &types[i];
    }
    return NULL;
}

unsigned signal_of_note(const char *text, size_t length)
{
    bool exact;
    const struct note_type *type = type_of_text(text, length, &exact);

    return type == NULL ? 0 : type->number;
}

// A note of no known type: for whoever reads the queue; if nobody does, the process ends by it.
static int send_unknown(struct process *process, const char *text, size_t length,
                        const struct linux_siginfo *info)
{
    bool around = signal_sender_is_around(process);
    struct signals *signals = process->signals;
    uint64_t irq, signals_irq;
    int error = -ESRCH;

    if (atomic_load(&signals->note_open) == 0) {
        process_kill_reason(process, -SIGTERM, "%.*s", (int)length, text);
        return 0;
    }
    // An ending process has emptied its queue, or will.
    irq = spin_lock_irq_save(&process->lock);
    signals_irq = spin_lock_irq_save(&signals->lock);
    if (!(atomic_load(&process->flags) & PROCESS_DYING))
        error = queue_add(process, NULL, 0, info, text, length, around);
    spin_unlock_irq_restore(&signals->lock, signals_irq);
    spin_unlock_irq_restore(&process->lock, irq);
    if (error == 0)
        waitq_wake(&signals->note_readers, WAKE_ALL, 0);
    return error;
}

int note_send(struct process *process, const char *text, size_t length)
{
    const struct note_type *type;
    struct linux_siginfo info;
    bool exact;

    if (length == 0 || length > NOTE_MAX_BYTES || memchr(text, '\0', length) != NULL)
        return -EINVAL;
    if (atomic_load(&process->flags) & PROCESS_DYING)
        return -ESRCH;
    type = type_of_text(text, length, &exact);
    if (type != NULL && !type->forgeable)
        return -EPERM;
    if (type != NULL && type->number == SIGKILL) {
        process_kill_reason(process, -SIGKILL, "%.*s", (int)length, text);
        return 0;
    }
    signal_info_user(process, type == NULL ? 0 : type->number, SI_USER, &info);
    if (type == NULL)
        return send_unknown(process, text, length, &info);
    if (exact)
        return signal_send_process(process, type->number, &info);
    return signal_send_text(process, type->number, &info, text, length);
}

// --- Reading: the text that came with the calling thread's handler first, then the queue ---

static size_t copy_text(char *to, size_t size, const char *text, size_t length)
{
    length = MIN(length, size);
    memcpy(to, text, length);
    return length;
}

// Takes the oldest queued note or signal as text; signals->lock held. Returns its length, 0 if
// there is none.
static size_t take_queued(struct process *process, char *to, size_t size)
{
    struct signals *signals = process->signals;
    struct signal_entry *entry = list_first(&signals->queue, struct signal_entry, link);
    struct signal_taken taken;
    const char *type;
    unsigned number;

    if (entry != NULL && entry->info.si_signo == 0) {
        size_t length = copy_text(to, size, entry->text, entry->length);

        queue_remove(process, entry);
        return length;
    }
    if (signals->pending == 0)
        return 0;
    number = entry != NULL ? (unsigned)entry->info.si_signo : 0;
    if (!queue_take_process(process, number != 0 ? SIGNAL_BIT(number) : UINT64_MAX, &taken))
        return 0;
    if (taken.length != 0)
        return copy_text(to, size, taken.text, taken.length);
    type = signal_note_type(taken.number);
    if (type == NULL)
        type = "signal";
    return copy_text(to, size, type, strlen(type));
}

static size_t try_read(struct process *process, char *to, size_t size)
{
    struct uthread *self = uthread_current();
    size_t length = copy_text(to, size, self->note, self->note_length);
    uint64_t irq;

    self->note_length = 0;
    if (length != 0)
        return length;
    irq = spin_lock_irq_save(&process->signals->lock);
    length = take_queued(process, to, size);
    spin_unlock_irq_restore(&process->signals->lock, irq);
    return length;
}

ssize_t note_read(char *to, size_t size, bool nonblocking)
{
    struct process *process = process_current();
    size_t length = 0;
    int error;

    if (size == 0)
        return 0;
    length = try_read(process, to, size);
    if (length != 0 || nonblocking)
        return length != 0 ? (ssize_t)length : -EAGAIN;
    error = WAIT_EVENT(&process->signals->note_readers, WAIT_INTERRUPTIBLE, NSEC_NEVER,
                       (length = try_read(process, to, size)) != 0);
    return length != 0 ? (ssize_t)length : error;
}

unsigned note_poll(void)
{
    struct signals *signals = process_current()->signals;
    uint64_t irq = spin_lock_irq_save(&signals->lock);
    bool ready = uthread_current()->note_length != 0 || signals->pending != 0 ||
                 !list_empty(&signals->queue);

    spin_unlock_irq_restore(&signals->lock, irq);
    return ready ? POLLIN : 0;
}
