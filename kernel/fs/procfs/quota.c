// SPDX-License-Identifier: MIT
// quota.c - /proc/PID/quota: what the box uses, has used at most, and may use.
//
// A limit belongs to who set it: the box itself may tighten it, a box around may loosen it, unless
// a box further out has set it.
// Charges go up the chain of accounts, so a limit above that of a box around is never reached, and
// the least one is shown; but for deadlines, which count from different starts.
// Locking: quota_lock is held from looking at a limit to setting it, so that nobody loosens what is
// being tightened.

#include <string.h>

#include "abi/errors.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/fs/procfs/limit.h"
#include "kernel/fs/procfs/text.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/box.h"
#include "lib/ctl/ctl.h"

#define NOT_KEPT (-1)

static struct mutex quota_lock; // rank PROCFS_CHANGE

void limit_init(void)
{
    mutex_init(&quota_lock, RANK_PROCFS_CHANGE);
}

static bool is_counter(enum quota_key key)
{
    return key <= QUOTA_fds;
}

static enum resource resource_of(enum quota_key key)
{
    static const enum resource resources[] = {
        [QUOTA_memory] = RESOURCE_MEMORY,
        [QUOTA_processes] = RESOURCE_PROCESSES,
        [QUOTA_threads] = RESOURCE_THREADS,
        [QUOTA_fds] = RESOURCE_FDS,
    };

    return resources[key];
}

// The box's own limit; INT64_MAX: none.
static int64_t own_limit(struct box *box, enum quota_key key)
{
    nsec_t time;
    uint64_t state;
    unsigned percent;

    if (is_counter(key))
        return atomic_load(&box->account->counters[resource_of(key)].limit);
    if (key == QUOTA_cpu) {
        percent = atomic_load(&box->account->group.cpu_percent);
        return percent != 0 ? percent : INT64_MAX;
    }
    state = spin_lock_irq_save(&tree_lock);
    time = key == QUOTA_cputime ? box->cputime_limit_ns : box->deadline_ns;
    spin_unlock_irq_restore(&tree_lock, state);
    return time != 0 ? (int64_t)time : INT64_MAX;
}

// Processor time of the box, inner boxes and the dead included. The outermost shares its account
// with the kernel's own threads.
static nsec_t run_time(struct box *box)
{
    struct usage usage;

    if (box->outer != NULL)
        return sched_group_runtime(&box->account->group);
    box_usage(box, &usage);
    return usage.user_ns + usage.kernel_ns;
}

static void counter_get(const struct account *account, enum quota_key key,
                        struct limit_state *state)
{
    enum resource resource = resource_of(key);

    state->used = atomic_load(&account->counters[resource].used);
    state->peak = MAX(state->used, (int64_t)atomic_load(&account->counters[resource].peak));
    if (key == QUOTA_memory) {
        state->limit = (int64_t)account_memory_limit(account);
        return;
    }
    state->limit = INT64_MAX;
    for (; account != NULL; account = account->parent)
        state->limit = MIN(state->limit, (int64_t)atomic_load(&account->counters[resource].limit));
}

// used: the average since the box was started.
static void cpu_get(struct box *box, struct limit_state *state)
{
    nsec_t elapsed = box_elapsed(box), run = run_time(box);

    state->used = elapsed >= NSEC_PER_MSEC ? (int64_t)(run / (elapsed / 100)) : 0;
    state->peak = NOT_KEPT;
    state->limit = 100 * (int64_t)arch_cpu_count();
    for (const struct account *account = box->account; account != NULL; account = account->parent) {
        unsigned percent = atomic_load(&account->group.cpu_percent);

        if (percent != 0)
            state->limit = MIN(state->limit, (int64_t)percent);
    }
}

void limit_get(struct box *box, enum quota_key key, struct limit_state *state)
{
    if (is_counter(key)) {
        counter_get(box->account, key, state);
        return;
    }
    if (key == QUOTA_cpu) {
        cpu_get(box, state);
        return;
    }
    state->used = (int64_t)(key == QUOTA_cputime ? run_time(box) : box_elapsed(box));
    state->peak = state->used;
    state->limit = own_limit(box, key);
    // A deadline is not comparable: each counts from the start of its own box.
    for (box = box->outer; box != NULL && key == QUOTA_cputime; box = box->outer)
        state->limit = MIN(state->limit, own_limit(box, key));
}

void limit_print(struct text *text, enum quota_key key, int64_t value)
{
    if (value == INT64_MAX)
        text_print(text, "none");
    else if (value == NOT_KEPT)
        text_print(text, "-");
    else
        text_print(text, "%lld%s", (long long)value,
                   quota_key_unit(key) == QUOTA_DURATION ? "ns" : "");
}

int show_quota(const struct subject *subject, struct text *text)
{
    for (unsigned key = 0; key < QUOTA_COUNT; key++) {
        struct limit_state state;

        limit_get(subject->box, key, &state);
        text_print(text, "%s ", quota_key_name(key));
        limit_print(text, key, state.used);
        text_print(text, " ");
        limit_print(text, key, state.peak);
        text_print(text, " ");
        limit_print(text, key, state.limit);
        text_print(text, "\n");
    }
    return 0;
}

// Whether the caller may put limit in the place of the present one; then it becomes one of those
// who set it.
static bool may_set(const struct subject *subject, enum quota_key key, int64_t limit)
{
    struct box *box = subject->box;
    unsigned setter = box_current()->depth + 1;
    bool around = subject->relation == RELATION_AROUND;
    bool allowed;
    uint64_t state;

    allowed = limit <= own_limit(box, key);
    state = spin_lock_irq_save(&tree_lock);
    if (!allowed)
        allowed = around && (box->limit_setters[key] == 0 || setter <= box->limit_setters[key]);
    if (allowed && around && (box->limit_setters[key] == 0 || setter < box->limit_setters[key]))
        box->limit_setters[key] = (uint8_t)setter;
    spin_unlock_irq_restore(&tree_lock, state);
    return allowed;
}

static int apply(struct box *box, enum quota_key key, int64_t limit)
{
    nsec_t time = limit == INT64_MAX ? 0 : (nsec_t)limit;

    if (is_counter(key)) {
        account_set_limit(box->account, resource_of(key), limit);
        return 0;
    }
    if (key == QUOTA_cpu) {
        sched_group_set_percent(&box->account->group, (unsigned)time);
        return 0;
    }
    return key == QUOTA_cputime ? box_set_cputime(box, time) : box_set_deadline(box, time);
}

int limit_set(const struct subject *subject, enum quota_key key, int64_t limit)
{
    int error;

    if (limit == 0 && !is_counter(key))
        return -EINVAL;
    mutex_lock(&quota_lock);
    error = may_set(subject, key, limit) ? apply(subject->box, key, limit) : -EPERM;
    mutex_unlock(&quota_lock);
    return error;
}

static int store_line(const struct subject *subject, const struct ctl_command *line)
{
    enum quota_key key;
    int64_t limit;
    int error;

    if (line->word_count != 2)
        return -EINVAL;
    error = quota_parse_key(ctl_word(line, 0), &key);
    if (error == 0)
        error = quota_parse_limit(key, ctl_word(line, 1), &limit);
    return error != 0 ? error : limit_set(subject, key, limit);
}

// Lines of KEY LIMIT.
int store_quota(const struct subject *subject, const char *data, size_t size)
{
    char *words = kmalloc(size + 1, account_current());
    struct ctl_reader reader;
    struct ctl_command line;
    int result;

    if (words == NULL)
        return -ENOMEM;
    ctl_reader_init(&reader, data, size, words);
    while ((result = ctl_next_words(&reader, &line)) == 1) {
        result = store_line(subject, &line);
        if (result != 0)
            break;
    }
    kfree(words);
    return result;
}
