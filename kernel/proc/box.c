// SPDX-License-Identifier: MIT
// box.c - the object: making it, emptying it when nothing in it lives, settling it when nothing of
// it is left.

#include "kernel/proc/box.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/ns/names.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/private.h"
#include "kernel/proc/process.h"
#include "kernel/proc/session.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"

#define PROCESSES_DEFAULT 4096
#define THREADS_DEFAULT 8192
#define FDS_DEFAULT 65536

struct spinlock tree_lock = SPINLOCK_INIT(RANK_TREE);

static SLAB_CACHE(box_cache, "box", struct box);

static struct box outermost;
static struct box_end_hook *end_hooks;

static void deadline_fire(struct timer *timer);
static void cputime_fire(struct timer *timer);

static void box_init(struct box *box, struct account *account)
{
    box->account = account;
    pid_table_init(&box->pids);
    list_init(&box->members);
    list_init(&box->killed);
    list_init(&box->boxes);
    list_init(&box->killed_boxes);
    list_init(&box->box_link);
    list_init(&box->walk_link);
    list_init(&box->deadline_link);
    list_init(&box->loans);
    timer_init(&box->deadline, deadline_fire);
    timer_init(&box->cputime, cputime_fire);
    memcpy(box->hostname, "boxwork", sizeof("boxwork"));
    atomic_init(&box->unsettled, 1);
}

struct box *box_outermost(void)
{
    if (outermost.account == NULL)
        box_init(&outermost, &account_root);
    return &outermost;
}

struct box *box_current(void)
{
    return process_current()->box;
}

bool box_within(const struct box *inner, const struct box *outer)
{
    while (inner != NULL && inner->depth > outer->depth)
        inner = inner->outer;
    return inner == outer;
}

void box_add_end_hook(struct box_end_hook *hook)
{
    hook->next = end_hooks;
    end_hooks = hook;
}

int box_create(struct box *outer, struct box **box)
{
    struct account *account;
    struct box *made;
    int error;

    if (outer->depth + 1 >= BOX_DEPTH_MAX)
        return -EAGAIN;
    error = account_create(outer->account, 0, &account);
    if (error != 0)
        return error;
    error = -ENOMEM;
    made = slab_alloc(&box_cache, account);
    if (made == NULL)
        goto close;
    box_init(made, account);
    error = names_create(account, &made->names);
    if (error != 0)
        goto free;
    account_set_limit(account, RESOURCE_PROCESSES, PROCESSES_DEFAULT);
    account_set_limit(account, RESOURCE_THREADS, THREADS_DEFAULT);
    account_set_limit(account, RESOURCE_FDS, FDS_DEFAULT);
    made->depth = outer->depth + 1;
    made->outer = outer;
    memcpy(made->hostname, outer->hostname, sizeof(made->hostname));
    box_get(outer);
    *box = made;
    return 0;

free:
    slab_free(&box_cache, made);
close:
    account_close(account);
    return error;
}

void box_destroy_unlinked(struct box *box)
{
    struct account *account = box->account;
    struct box *outer = box->outer;

    assert(atomic_load(&box->unsettled) == 1);
    if (box->names != NULL)
        names_put(box->names);
    slab_free(&box_cache, box);
    account_close(account);
    box_put(outer);
}

bool box_is_dying(const struct box *box)
{
    spin_assert_held(&tree_lock);
    while (box != NULL && !atomic_load(&box->dying))
        box = box->outer;
    return box != NULL;
}

bool box_door_closed(const struct box *box)
{
    if (planted("door-open") || !box_is_dying(box))
        return false;
    kill_point_refused();
    return true;
}

struct names *box_names(struct box *box)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct names *names = box->names;

    if (names != NULL)
        names_get(names);
    spin_unlock_irq_restore(&tree_lock, irq);
    return names;
}

static struct box *first_inner(const struct box *box)
{
    struct box *inner = list_first(&box->boxes, struct box, box_link);

    return inner != NULL ? inner : list_first(&box->killed_boxes, struct box, box_link);
}

// The box after box in its outer box's two lists.
static struct box *next_sibling(const struct box *box)
{
    struct list *next = box->box_link.next;

    if (next == &box->outer->boxes)
        return list_first(&box->outer->killed_boxes, struct box, box_link);
    return next == &box->outer->killed_boxes ? NULL : list_entry(next, struct box, box_link);
}

struct box *box_tree_next(const struct box *top, const struct box *box)
{
    struct box *next = first_inner(box);

    while (next == NULL && box != top) {
        next = next_sibling(box);
        box = box->outer;
    }
    return next;
}

// Takes up to 64 records out of the box's numbers. Returns false when none is left.
static bool release_numbers(struct box *box)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    struct pid_entry *entry = NULL;

    for (unsigned i = 0; i < 64; i++) {
        entry = pid_entry_after(&box->pids, 0);
        if (entry == NULL)
            break;
        if (entry->kind == PID_PROCESS)
            record_forget_own(container_of(entry, struct record, own));
        else
            record_forget_outer(container_of(entry, struct record, outer));
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    return entry != NULL;
}

// Nothing in the box lives any more: frees its names, numbers, IPC. May block.
static void box_empty(struct box *box)
{
    struct names *names;
    uint64_t irq;

    for (struct box_end_hook *hook = end_hooks; hook != NULL; hook = hook->next)
        hook->end(box);
    irq = spin_lock_irq_save(&tree_lock);
    names = box->names;
    box->names = NULL;
    spin_unlock_irq_restore(&tree_lock, irq);
    names_clear(names);
    names_put(names);
    while (release_numbers(box))
        thread_relax();
}

void box_process_left(struct box *box)
{
    while (box != NULL && atomic_fetch_sub(&box->living, 1) == 1) {
        box_empty(box);
        box = box->outer;
    }
}

void box_get(struct box *box)
{
    atomic_fetch_add(&box->unsettled, 1);
}

static void fill_record(const struct box *box, struct record *record)
{
    struct counter *counters = box->account->counters;

    record->usage = box->usage;
    record->end_ns = clock_now();
    record->memory_peak = atomic_load(&counters[RESOURCE_MEMORY].peak);
    record->processes_peak = atomic_load(&counters[RESOURCE_PROCESSES].peak);
    record->threads_peak = atomic_load(&counters[RESOURCE_THREADS].peak);
    record->fds_peak = atomic_load(&counters[RESOURCE_FDS].peak);
}

// Nothing is left of the box but this struct: the account folds, the record is published. Any
// context. Returns the box around, on which the box's reference is now the caller's.
static struct box *box_settle(struct box *box)
{
    struct record *record = box->head_record;
    struct account *account = box->account;
    struct box *outer = box->outer;
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    list_remove(&box->box_link);
    fill_record(box, record);
    if (outer != NULL)
        usage_add(&outer->usage, &box->usage);
    spin_unlock_irq_restore(&tree_lock, irq);
    if (outer != NULL) {
        slab_free(&box_cache, box);
        record->left_bytes = atomic_load(&account->counters[RESOURCE_MEMORY].used);
        account_close(account);
    }
    record_publish(record);
    if (outer == NULL)
        init_box_settled();
    return outer;
}

void box_put(struct box *box)
{
    while (box != NULL && atomic_fetch_sub(&box->unsettled, 1) == 1)
        box = box_settle(box);
}

// --- Time: the deadline, and the limit of processor time ---

static void expire(struct box *box, unsigned what)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    if (!atomic_load(&box->dying)) {
        box->expired |= what;
        reaper_expire(box);
    }
    spin_unlock_irq_restore(&tree_lock, irq);
}

static void deadline_fire(struct timer *timer)
{
    expire(container_of(timer, struct box, deadline), BOX_DEADLINE);
}

// Arms the timer for when the limit would be reached if all CPUs worked for the box; tree_lock
// held.
static void cputime_arm(struct box *box)
{
    nsec_t used = sched_group_runtime(&box->account->group);
    nsec_t left = used >= box->cputime_limit_ns ? 0 : box->cputime_limit_ns - used;

    timer_arm(&box->cputime, clock_now() + MAX(left / arch_cpu_count(), NSEC_PER_MSEC));
}

static void cputime_fire(struct timer *timer)
{
    struct box *box = container_of(timer, struct box, cputime);
    uint64_t irq = spin_lock_irq_save(&tree_lock);
    bool over = sched_group_runtime(&box->account->group) >= box->cputime_limit_ns;

    if (!over && !atomic_load(&box->dying) && box->cputime_limit_ns != 0)
        cputime_arm(box);
    spin_unlock_irq_restore(&tree_lock, irq);
    if (over)
        expire(box, BOX_CPUTIME);
}

void box_set_priority(struct box *box, unsigned priority)
{
    atomic_store(&box->priority, priority);
    if (!planted("box-weightless"))
        sched_group_set_weight(&box->account->group, sched_priority_weight(priority));
}

nsec_t box_elapsed(const struct box *box)
{
    return atomic_load(&box->started) ? clock_now() - box->head_record->start_ns : 0;
}

static void deadline_arm(struct box *box)
{
    if (box->deadline_ns != 0 && atomic_load(&box->started))
        timer_arm(&box->deadline, box->head_record->start_ns + box->deadline_ns);
}

int box_set_deadline(struct box *box, nsec_t duration)
{
    uint64_t irq;
    bool dying;

    timer_cancel(&box->deadline);
    irq = spin_lock_irq_save(&tree_lock);
    dying = atomic_load(&box->dying);
    if (!dying) {
        box->deadline_ns = duration;
        deadline_arm(box);
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    return dying ? -ESRCH : 0;
}

int box_set_cputime(struct box *box, nsec_t limit)
{
    uint64_t irq;
    bool dying;

    timer_cancel(&box->cputime);
    irq = spin_lock_irq_save(&tree_lock);
    dying = atomic_load(&box->dying);
    if (!dying) {
        box->cputime_limit_ns = limit;
        if (limit != 0)
            cputime_arm(box);
    }
    spin_unlock_irq_restore(&tree_lock, irq);
    return dying ? -ESRCH : 0;
}

void box_started(struct box *box)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    box->head_record->start_ns = clock_now();
    atomic_store(&box->started, true);
    if (!atomic_load(&box->dying))
        deadline_arm(box);
    spin_unlock_irq_restore(&tree_lock, irq);
}

void box_stop_timers(struct box *box)
{
    timer_cancel(&box->deadline);
    timer_cancel(&box->cputime);
}
