// SPDX-License-Identifier: MIT
// pid.c - numbers of processes and threads within a box.

#include "kernel/proc/pid.h"

#include "abi/errors.h"
#include "kernel/log/planted.h"
#include "kernel/proc/box.h"
#include "kernel/proc/process.h"
#include "kernel/proc/record.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"

void pid_table_init(struct pid_table *table)
{
    table->entries.top = NULL;
    table->groups.top = NULL;
    table->last = 0;
    table->count = 0;
}

static struct pid_entry *entry_of(struct rb_node *node)
{
    return node == NULL ? NULL : rb_entry(node, struct pid_entry, node);
}

// The first entry of a tree numbered at or above number.
static struct pid_entry *lower_bound(const struct rb_root *root, pid_t number)
{
    struct rb_node *node = root->top;
    struct pid_entry *best = NULL;

    while (node != NULL) {
        struct pid_entry *entry = entry_of(node);

        if (entry->number >= number) {
            best = entry;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return best;
}

static struct pid_entry *find(const struct rb_root *root, pid_t number)
{
    struct pid_entry *entry = lower_bound(root, number);

    return entry != NULL && entry->number == number ? entry : NULL;
}

static void insert(struct rb_root *root, struct pid_entry *entry)
{
    struct rb_node **place = &root->top;
    struct rb_node *parent = NULL;

    while (*place != NULL) {
        parent = *place;
        place = entry->number < entry_of(parent)->number ? &parent->left : &parent->right;
    }
    rb_link(&entry->node, parent, place);
    rb_insert(root, &entry->node, NULL);
}

// The first number at or above number that neither a process, a thread nor a group bears; PID_LIMIT
// if none. Before the numbers wrap this looks at one entry; afterwards at the run of used numbers
// that begins at number.
static pid_t first_free(const struct pid_table *table, pid_t number)
{
    struct pid_entry *entry = lower_bound(&table->entries, number);

    while (number < PID_LIMIT) {
        bool used = entry != NULL && entry->number == number;

        if (!used && find(&table->groups, number) == NULL)
            break;
        if (used)
            entry = entry_of(rb_next(&entry->node));
        number++;
    }
    return number;
}

int pid_allocate(struct pid_table *table, struct pid_entry *entry, enum pid_kind kind)
{
    pid_t number = first_free(table, table->last + 1);

    if (number >= PID_LIMIT)
        number = first_free(table, 1);
    if (number >= PID_LIMIT)
        return -EAGAIN;
    entry->number = number;
    entry->kind = kind;
    insert(&table->entries, entry);
    table->last = number;
    table->count++;
    return 0;
}

void pid_release(struct pid_table *table, struct pid_entry *entry)
{
    if (entry->number == 0)
        return;
    rb_remove(&table->entries, &entry->node, NULL);
    entry->number = 0;
    table->count--;
}

struct pid_entry *pid_entry_find(const struct pid_table *table, pid_t number)
{
    return number <= 0 ? NULL : find(&table->entries, number);
}

struct pid_entry *pid_entry_after(const struct pid_table *table, pid_t number)
{
    return number >= PID_LIMIT ? NULL : lower_bound(&table->entries, number + 1);
}

void pid_group_insert(struct pid_table *table, struct pid_entry *entry, pid_t number)
{
    entry->number = number;
    entry->kind = PID_GROUP;
    insert(&table->groups, entry);
}

void pid_group_remove(struct pid_table *table, struct pid_entry *entry)
{
    rb_remove(&table->groups, &entry->node, NULL);
    entry->number = 0;
}

struct pid_entry *pid_group_find(const struct pid_table *table, pid_t number)
{
    return number <= 0 ? NULL : find(&table->groups, number);
}

// The record behind an entry; NULL for a thread's.
static struct record *record_of(struct pid_entry *entry)
{
    if (entry == NULL)
        return NULL;
    if (entry->kind == PID_PROCESS)
        return container_of(entry, struct record, own);
    if (entry->kind == PID_HEAD)
        return container_of(entry, struct record, outer);
    return NULL;
}

static struct uthread *thread_of(struct pid_entry *entry)
{
    if (entry == NULL || entry->kind != PID_THREAD)
        return NULL;
    return container_of(entry, struct uthread, pid);
}

struct process *pid_find(struct box *box, pid_t number)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct record *record = record_of(pid_entry_find(&box->pids, number));
    struct process *process;

    while (planted("pids-global") && record == NULL && box->outer != NULL) {
        box = box->outer;
        record = record_of(pid_entry_find(&box->pids, number));
    }
    process = record == NULL ? NULL : record->process;

    if (process != NULL && !refcount_get_try(&process->ref))
        process = NULL;
    spin_unlock_irq_restore(&tree_lock, irq);
    return process;
}

struct record *pid_find_record(struct box *box, pid_t number, bool threads)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct pid_entry *entry = pid_entry_find(&box->pids, number);
    struct record *record = record_of(entry);

    if (record == NULL && threads && thread_of(entry) != NULL)
        record = thread_of(entry)->process->record;
    if (record != NULL)
        record_get(record);
    spin_unlock_irq_restore(&tree_lock, irq);
    return record;
}

// The thread whose number is its process's, tree_lock held.
static struct uthread *first_thread(struct record *record)
{
    struct process *process = record == NULL ? NULL : record->process;
    struct uthread *thread, *found = NULL;
    uint64_t irq;

    if (process == NULL)
        return NULL;
    irq = spin_lock_irq_save(&process->lock);
    list_for_each(thread, &process->threads, process_link) {
        if (thread->pid.number == 0 && refcount_get_try(&thread->ref)) {
            found = thread;
            break;
        }
    }
    spin_unlock_irq_restore(&process->lock, irq);
    return found;
}

struct uthread *pid_find_thread(struct box *box, pid_t number)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct pid_entry *entry = pid_entry_find(&box->pids, number);
    struct uthread *thread = thread_of(entry);

    if (thread == NULL)
        thread = first_thread(record_of(entry));
    else if (!refcount_get_try(&thread->ref))
        thread = NULL;
    spin_unlock_irq_restore(&tree_lock, irq);
    return thread;
}

pid_t pid_next(struct box *box, pid_t number)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct pid_entry *entry = pid_entry_after(&box->pids, number);
    pid_t next;

    while (entry != NULL && record_of(entry) == NULL)
        entry = entry_of(rb_next(&entry->node));
    next = entry == NULL ? 0 : entry->number;
    spin_unlock_irq_restore(&tree_lock, irq);
    return next;
}
