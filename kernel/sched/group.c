// SPDX-License-Identifier: MIT
// group.c - groups of threads: their weight, their limit in percent of a CPU, their time.
//
// A limit is an amount of time in each period of 20 ms, for all CPUs together. Who uses it up is
// throttled: from then on its threads wait where they would return to user mode, so never with a
// lock held. What they ran over in the meantime is taken from the next periods. A group without a
// limit, or with nothing to run, has no timer.
#include "abi/errors.h"
#include "kernel/mem/slab.h"
#include "kernel/sched/runqueue.h"
#include "lib/base/assert.h"

#define PERIOD_NS (20 * NSEC_PER_MSEC)
#define PERIODS_MAX 100000 // passed at once; more change nothing

static int64_t quota_of(const struct sched_group *group)
{
    return (int64_t)(PERIOD_NS / 100) *
           atomic_load_explicit(&group->cpu_percent, memory_order_relaxed);
}

atomic_uint group_limits;

// Begins the period that now lies in.
static void roll_locked(struct sched_group *group, nsec_t now)
{
    int64_t quota = quota_of(group);
    nsec_t passed = (now - group->period_start) / PERIOD_NS;

    if ((int64_t)(now - group->period_start) < (int64_t)PERIOD_NS)
        return;
    group->period_start += passed * PERIOD_NS;
    group->period_left =
        MIN(group->period_left + (int64_t)MIN(passed, (nsec_t)PERIODS_MAX) * quota, quota);
}

// The moment at which something is left again.
static nsec_t refill_time_locked(const struct sched_group *group)
{
    nsec_t periods = (nsec_t)(-group->period_left / quota_of(group)) + 1;

    return group->period_start + periods * PERIOD_NS;
}

static void refill_fired(struct timer *timer)
{
    struct sched_group *group = container_of(timer, struct sched_group, refill);
    uint64_t state = spin_lock_irq_save(&group->limit_lock);
    bool release = true;

    if (atomic_load(&group->cpu_percent) != 0) {
        roll_locked(group, clock_now());
        release = group->period_left > 0;
    }
    if (release)
        atomic_store(&group->throttled, false);
    else
        timer_arm(&group->refill, refill_time_locked(group));
    spin_unlock_irq_restore(&group->limit_lock, state);
    if (release)
        waitq_wake(&group->parked, WAKE_ALL, 0);
}

bool group_limit_charge(struct sched_group *group, nsec_t ran_ns, nsec_t now)
{
    uint64_t state;
    bool left;

    if (likely(atomic_load_explicit(&group->cpu_percent, memory_order_relaxed) == 0))
        return true;
    state = spin_lock_irq_save(&group->limit_lock);
    if (atomic_load(&group->cpu_percent) == 0) {
        spin_unlock_irq_restore(&group->limit_lock, state);
        return true;
    }
    roll_locked(group, now);
    group->period_left -= (int64_t)ran_ns;
    left = group->period_left > 0;
    if (!left && !atomic_load(&group->throttled)) {
        atomic_store(&group->throttled, true);
        timer_arm(&group->refill, refill_time_locked(group));
    }
    spin_unlock_irq_restore(&group->limit_lock, state);
    return left;
}

nsec_t group_limit_left(const struct sched_group *group)
{
    int64_t left = __atomic_load_n(&group->period_left, __ATOMIC_RELAXED);

    if (likely(atomic_load_explicit(&group->cpu_percent, memory_order_relaxed) == 0))
        return NSEC_NEVER;
    if (atomic_load(&group->throttled))
        return 0;
    return (nsec_t)MAX(left, (int64_t)NSEC_PER_USEC);
}

void group_limit_park(struct thread *thread)
{
    for (struct sched_group *group = thread->group; group != NULL; group = group->parent) {
        if (likely(!atomic_load_explicit(&group->throttled, memory_order_relaxed)))
            continue;
        // Ended by a kill alone, and then the thread leaves anyway.
        if (WAIT_EVENT(&group->parked, WAIT_KILLABLE, NSEC_NEVER,
                       !atomic_load(&group->throttled)) != 0)
            return;
    }
}

static void init_cpu(struct sched_group *group, unsigned cpu)
{
    struct cpu_group *here = &group->cpus[cpu];
    struct sched_group *parent = group->parent;
    struct sched_queue *around =
        parent == NULL || parent->cpus == NULL ? &runqueue_of(cpu)->top : &parent->cpus[cpu].queue;

    here->group = group;
    here->load = (struct load){ .window_start = clock_now(), .since = clock_now() };
    eevdf_entity_init(&here->entity, EEVDF_UNIT, &here->queue);
    here->entity.queue = around;
    eevdf_queue_init(&here->queue, &here->entity, around->depth + 1);
}

int sched_group_init(struct sched_group *group, struct sched_group *parent, struct account *account)
{
    *group = (struct sched_group){ .parent = parent, .account = account, .weight = EEVDF_UNIT };
    spin_init(&group->limit_lock, RANK_GROUP_LIMIT);
    waitq_init(&group->parked);
    timer_init(&group->refill, refill_fired);
    if (parent == NULL)
        return 0;
    group->cpus = kmalloc(arch_cpu_count() * sizeof(struct cpu_group), account);
    if (group->cpus == NULL)
        return -ENOMEM;
    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
        init_cpu(group, cpu);
    return 0;
}

void sched_group_fini(struct sched_group *group)
{
    assert(atomic_load(&group->busy_weight) == 0);
    if (atomic_exchange(&group->cpu_percent, 0) != 0)
        atomic_fetch_sub(&group_limits, 1);
    (void)timer_cancel(&group->refill);
    kfree(group->cpus);
    group->cpus = NULL;
}

unsigned sched_priority_weight(unsigned priority)
{
    return (unsigned)(eevdf_weight(MIN(priority, 39U)) >> (EEVDF_SHIFT - 10));
}

void sched_group_set_weight(struct sched_group *group, unsigned weight)
{
    unsigned bounded = MIN(MAX(weight, sched_priority_weight(0)), sched_priority_weight(39));

    // Seen by each CPU when it next charges one of the group's threads.
    atomic_store(&group->weight, (unsigned long)bounded << (EEVDF_SHIFT - 10));
}

void sched_group_set_percent(struct sched_group *group, unsigned percent)
{
    uint64_t state = spin_lock_irq_save(&group->limit_lock);
    unsigned before = atomic_exchange(&group->cpu_percent, MIN(percent, 100U * CPU_MAX));

    atomic_fetch_add(&group_limits, (percent != 0) - (before != 0));
    group->period_start = clock_now();
    group->period_left = quota_of(group);
    atomic_store(&group->throttled, false);
    spin_unlock_irq_restore(&group->limit_lock, state);
    waitq_wake(&group->parked, WAKE_ALL, 0);
}

static nsec_t busy_time(void)
{
    nsec_t busy = 0;

    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
        busy += clock_now() - sched_idle_time(cpu);
    return busy;
}

nsec_t sched_group_runtime(const struct sched_group *group)
{
    nsec_t total = 0;

    if (group->cpus == NULL)
        return busy_time();
    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++) {
        struct runqueue *rq = runqueue_of(cpu);
        uint64_t state = spin_lock_irq_save(&rq->lock);

        if (group->cpus[cpu].queue.count != 0)
            runqueue_charge(rq, clock_now());
        total += group->cpus[cpu].runtime_ns;
        spin_unlock_irq_restore(&rq->lock, state);
    }
    return total;
}

void sched_group_loads(const struct sched_group *group, unsigned long loads[3], unsigned *runnable)
{
    for (unsigned i = 0; i < 3; i++)
        loads[i] = 0;
    *runnable = 0;
    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++) {
        struct runqueue *rq = runqueue_of(cpu);
        struct load *load = group->cpus == NULL ? &rq->load : &group->cpus[cpu].load;
        uint64_t state = spin_lock_irq_save(&rq->lock);

        load_update(load, clock_now());
        for (unsigned i = 0; i < 3; i++)
            loads[i] += load->averages[i];
        *runnable += load->count;
        spin_unlock_irq_restore(&rq->lock, state);
    }
}
