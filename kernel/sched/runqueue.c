// SPDX-License-Identifier: MIT
// runqueue.c - a CPU's run queue: threads and groups in nested EEVDF queues.
//
// A group has one weight for the whole machine. On each CPU its entity weighs the part of it that
// the group's runnable threads there have of all its runnable threads: weight * here / everywhere,
// refreshed where threads come and go and where time is charged. So a group gets its share however
// its threads are spread.
#include "kernel/sched/runqueue.h"

#include "lib/base/assert.h"

#define SHARE_SHIFT 10 // keeps weight * weight within 64 bits
#define SHARE_LEAST (EEVDF_UNIT >> 10)

DEFINE_PERCPU(struct runqueue, runqueue);

static struct cpu_group *cpu_group_of(const struct sched_queue *queue)
{
    return container_of(queue, struct cpu_group, queue);
}

void runqueue_init(unsigned cpu, struct thread *idle)
{
    struct runqueue *rq = runqueue_of(cpu);
    nsec_t now = clock_now();

    spin_init(&rq->lock, RANK_RUNQUEUE);
    eevdf_queue_init(&rq->top, NULL, 0);
    list_init(&rq->threads);
    rq->cpu = cpu;
    rq->idle = idle;
    atomic_init(&rq->current, idle);
    rq->charged_until = now;
    rq->slice_end = NSEC_NEVER;
    rq->load = (struct load){ .window_start = now, .since = now };
}

LOCKS_NOT_CHECKED
struct runqueue *runqueue_lock_of(const struct thread *thread, uint64_t *state)
{
    for (;;) {
        unsigned cpu = __atomic_load_n(&thread->cpu, __ATOMIC_RELAXED);
        struct runqueue *rq = runqueue_of(cpu);

        *state = spin_lock_irq_save(&rq->lock);
        if (thread->cpu == cpu)
            return rq;
        spin_unlock_irq_restore(&rq->lock, *state);
    }
}

static uint64_t group_share(struct cpu_group *here)
{
    uint64_t weight = atomic_load_explicit(&here->group->weight, memory_order_relaxed);
    uint64_t all =
        atomic_load_explicit(&here->group->busy_weight, memory_order_relaxed) >> SHARE_SHIFT;
    uint64_t mine = here->queue.weight >> SHARE_SHIFT;

    if (mine >= all)
        return weight;
    return MAX(weight * mine / all, SHARE_LEAST);
}

// The weight of what is runnable in queue's group changed.
static void busy_add(struct sched_queue *queue, uint64_t change)
{
    if (queue->owner != NULL)
        atomic_fetch_add_explicit(&cpu_group_of(queue)->group->busy_weight, change,
                                  memory_order_relaxed);
}

// Makes the groups from queue outwards weigh what they should here.
static void refresh_shares(struct sched_queue *queue)
{
    for (; queue->owner != NULL; queue = queue->owner->queue) {
        struct sched_entity *owner = queue->owner;
        uint64_t old = owner->weight;
        uint64_t share = group_share(cpu_group_of(queue));
        uint64_t change = share > old ? share - old : old - share;

        if (change <= old >> 10)
            return;
        eevdf_reweight(owner, share);
        if (owner->queued)
            busy_add(owner->queue, share - old);
    }
}

static void entity_add(struct sched_queue *queue, struct sched_entity *entity)
{
    for (;;) {
        struct sched_entity *owner = queue->owner;

        eevdf_enqueue(queue, entity);
        busy_add(queue, entity->weight);
        if (owner == NULL)
            return;
        if (owner->queued)
            break;
        eevdf_reweight(owner, group_share(cpu_group_of(queue)));
        entity = owner;
        queue = owner->queue;
    }
    refresh_shares(queue);
}

static void entity_remove(struct sched_entity *entity)
{
    struct sched_queue *queue = entity->queue;

    for (;;) {
        eevdf_dequeue(queue, entity);
        busy_add(queue, -entity->weight);
        if (queue->owner == NULL)
            return;
        if (queue->count != 0)
            break;
        entity = queue->owner;
        queue = entity->queue;
    }
    refresh_shares(queue);
}

static struct sched_queue *queue_of_group(struct runqueue *rq, struct sched_group *group)
{
    return group == NULL || group->cpus == NULL ? &rq->top : &group->cpus[rq->cpu].queue;
}

// A thread came to queue or left it.
static void count_changed(struct runqueue *rq, const struct sched_queue *queue, int change,
                          nsec_t now)
{
    unsigned count = atomic_load_explicit(&rq->runnable, memory_order_relaxed) + (unsigned)change;

    atomic_store_explicit(&rq->runnable, count, memory_order_relaxed);
    load_set_count(&rq->load, count, now);
    for (; queue->owner != NULL; queue = queue->owner->queue) {
        struct load *load = &cpu_group_of(queue)->load;

        load_set_count(load, load->count + (unsigned)change, now);
        if (load_window_over(load, now))
            load_update(load, now);
    }
}

void runqueue_add(struct runqueue *rq, struct thread *thread, nsec_t now)
{
    struct sched_queue *queue = queue_of_group(rq, thread->group);

    thread->arrived_ns = now;
    list_push_back(&rq->threads, &thread->run_link);
    entity_add(queue, &thread->entity);
    count_changed(rq, queue, 1, now);
}

void runqueue_remove(struct runqueue *rq, struct thread *thread, nsec_t now)
{
    list_remove(&thread->run_link);
    entity_remove(&thread->entity);
    count_changed(rq, thread->entity.queue, -1, now);
}

void runqueue_charge(struct runqueue *rq, nsec_t now)
{
    struct thread *thread = runqueue_current(rq);
    nsec_t ran = now - rq->charged_until;

    if ((int64_t)ran <= 0)
        return;
    rq->charged_until = now;
    if (thread == rq->idle) {
        rq->idle_ns += ran;
        return;
    }
    thread->runtime_ns += ran;
    for (struct sched_entity *entity = &thread->entity; entity != NULL;) {
        struct sched_queue *queue = entity->queue;

        eevdf_charge(queue, ran);
        if (queue->owner != NULL) {
            struct cpu_group *group = cpu_group_of(queue);

            group->runtime_ns += ran;
            if (!group_limit_charge(group->group, ran, now))
                atomic_fetch_or(&thread->work, WORK_RESCHEDULE);
        }
        entity = queue->owner;
    }
    // Alone, it need not know its weight.
    if (atomic_load_explicit(&rq->runnable, memory_order_relaxed) > 1)
        refresh_shares(thread->entity.queue);
}

void runqueue_refresh(struct runqueue *rq)
{
    const struct thread *thread = runqueue_current(rq);

    if (thread != rq->idle)
        refresh_shares(thread->entity.queue);
}

struct thread *runqueue_pick(struct runqueue *rq, bool other)
{
    const struct sched_entity *yielding = other ? &runqueue_current(rq)->entity : NULL;
    struct sched_queue *queue = &rq->top;

    while (queue->count != 0) {
        struct sched_entity *entity = yielding != NULL && queue == yielding->queue
                                          ? eevdf_pick_other(queue)
                                          : eevdf_pick(queue);

        eevdf_set_current(queue, entity);
        if (entity->inner == NULL)
            return container_of(entity, struct thread, entity);
        queue = entity->inner;
    }
    assert(queue == &rq->top);
    return NULL;
}

bool runqueue_preempts(const struct runqueue *rq, const struct thread *thread)
{
    const struct thread *current = runqueue_current(rq);
    const struct sched_entity *mine = &thread->entity;
    const struct sched_entity *running = &current->entity;

    if (current == rq->idle)
        return true;
    // Up to the queue where the two compete.
    while (mine->queue != running->queue) {
        unsigned mine_depth = mine->queue->depth;
        unsigned running_depth = running->queue->depth;

        if (mine_depth >= running_depth)
            mine = mine->queue->owner;
        if (running_depth >= mine_depth)
            running = running->queue->owner;
    }
    return eevdf_preempts(mine->queue, mine);
}

bool runqueue_slice_over(const struct runqueue *rq)
{
    const struct thread *thread = runqueue_current(rq);

    for (const struct sched_entity *entity = thread == rq->idle ? NULL : &thread->entity;
         entity != NULL; entity = entity->queue->owner) {
        if (entity->spent && entity->queue->count > 1)
            return true;
    }
    return false;
}

void runqueue_set_slice_end(struct runqueue *rq, nsec_t now)
{
    struct thread *thread = runqueue_current(rq);
    bool alone = atomic_load_explicit(&rq->runnable, memory_order_relaxed) == 1;
    nsec_t left = NSEC_NEVER;

    rq->slice_end = NSEC_NEVER;
    if (thread == rq->idle || (alone && !group_limits_exist()))
        return;
    for (const struct sched_entity *entity = &thread->entity; entity != NULL;
         entity = entity->queue->owner) {
        nsec_t limit = entity->queue->owner == NULL
                           ? NSEC_NEVER
                           : group_limit_left(cpu_group_of(entity->queue)->group);

        if (entity->queue->count > 1)
            left = MIN(left, eevdf_time_left(entity->queue));
        // A throttled one goes on as long as it is in the kernel, so there is no moment to wait
        // for.
        if (limit == 0)
            atomic_fetch_or(&thread->work, WORK_RESCHEDULE);
        else
            left = MIN(left, limit);
    }
    if (left != NSEC_NEVER)
        rq->slice_end = now + left;
}

void runqueue_reweight(struct runqueue *rq, struct thread *thread, uint64_t weight)
{
    uint64_t old = thread->entity.weight;

    spin_assert_held(&rq->lock);
    eevdf_reweight(&thread->entity, weight);
    if (!thread->entity.queued)
        return;
    busy_add(thread->entity.queue, weight - old);
    refresh_shares(thread->entity.queue);
}
