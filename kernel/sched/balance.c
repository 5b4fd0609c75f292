// SPDX-License-Identifier: MIT
// balance.c - moving threads between CPUs: an idle CPU takes one, a busy CPU gives some away.
//
// The load of a CPU is the weight of its own queue; a thread's part of it is its share of its
// group's weight there, and moves with it. CPUs with one thread or none take no timer interrupts,
// so it is the busier one that evens loads out, at the ends of its slices. Where no move would make
// loads more even but one would swap who is better off (three threads on two CPUs), the thread that
// ran most lately moves from time to time, so that over seconds all get the same.
#include "kernel/sched/runqueue.h"

#define BALANCE_PERIOD_NS (10 * NSEC_PER_MSEC)
#define ROTATE_AFTER_NS (20 * NSEC_PER_MSEC) // since the last arrival
#define RECENT_NS NSEC_PER_SEC
#define SCAN_MAX 64  // threads looked at for one move
#define MOVES_MAX 32 // in one go
#define CPUS_MAX 16U // looked at for one move

// Whether thread, on rq, may be moved to cpu now.
static bool movable(const struct runqueue *rq, const struct thread *thread, unsigned cpu)
{
    // Acquire: off its CPU, so its registers are saved.
    return thread != runqueue_current(rq) &&
           !atomic_load_explicit(&thread->on_cpu, memory_order_acquire) &&
           (thread->affinity >> cpu & 1);
}

static void take(struct runqueue *rq, struct thread *thread, unsigned cpu, nsec_t now)
{
    runqueue_remove(rq, thread, now);
    __atomic_store_n(&thread->cpu, cpu, __ATOMIC_RELAXED);
}

static struct thread *take_any(struct runqueue *rq, unsigned cpu)
{
    uint64_t state = spin_lock_irq_save(&rq->lock);
    struct thread *found = NULL;
    struct thread *thread;
    nsec_t now = clock_now();

    list_for_each(thread, &rq->threads, run_link) {
        if (movable(rq, thread, cpu)) {
            found = thread;
            break;
        }
    }
    if (found != NULL) {
        runqueue_charge(rq, now);
        take(rq, found, cpu, now);
    }
    spin_unlock_irq_restore(&rq->lock, state);
    return found;
}

bool sched_steal(void)
{
    unsigned self = arch_cpu();
    unsigned most = 1;
    struct runqueue *busiest = NULL;
    struct thread *thread;

    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++) {
        unsigned runnable = atomic_load_explicit(&runqueue_of(cpu)->runnable, memory_order_relaxed);

        if (runnable > most) {
            most = runnable;
            busiest = runqueue_of(cpu);
        }
    }
    if (busiest == NULL || busiest->cpu == self)
        return false;
    thread = take_any(busiest, self);
    if (thread == NULL)
        return false;
    if (!sched_insert(thread, self))
        sched_place(thread, false);
    return true;
}

// What thread adds to the weight of its CPU's own queue.
static uint64_t load_of(const struct thread *thread)
{
    uint64_t load = thread->entity.weight;

    for (const struct sched_queue *queue = thread->entity.queue; queue->owner != NULL;
         queue = queue->owner->queue)
        load = (queue->owner->weight >> 4) * (load >> 4) / MAX(queue->weight >> 8, UINT64_C(1));
    return load;
}

// What thread ran lately: over about the last RECENT_NS, older time counting less.
static nsec_t recent_runtime(struct thread *thread, nsec_t now)
{
    nsec_t passed = now - thread->sampled_ns;
    nsec_t ran = thread->runtime_ns - thread->sampled_runtime_ns;

    if (passed >= RECENT_NS)
        thread->recent_ns = ran / (passed / NSEC_PER_MSEC) * (RECENT_NS / NSEC_PER_MSEC);
    else
        thread->recent_ns +=
            ran - thread->recent_ns / (RECENT_NS / NSEC_PER_USEC) * (passed / NSEC_PER_USEC);
    thread->sampled_ns = now;
    thread->sampled_runtime_ns = thread->runtime_ns;
    return thread->recent_ns;
}

// Of the threads whose move would only swap which CPU is busier, the one that ran most lately: the
// others get more room here. The one that runs just now is ahead by a slice for that alone; where
// it is by more, its turn comes at the end of another slice. NULL: none.
static struct thread *next_in_turn(struct runqueue *rq, unsigned cpu, uint64_t gap, nsec_t now)
{
    nsec_t most = 0;
    struct thread *found = NULL;
    struct thread *thread = list_last(&rq->threads, struct thread, run_link);
    unsigned scanned = 0;

    if (thread == NULL || now - thread->arrived_ns < ROTATE_AFTER_NS)
        return NULL;
    list_for_each(thread, &rq->threads, run_link) {
        uint64_t load = load_of(thread);
        nsec_t recent = recent_runtime(thread, now);

        if (thread == runqueue_current(rq))
            recent -= MIN(recent, 2 * EEVDF_SLICE_NS);
        if (++scanned > SCAN_MAX)
            break;
        if (!(thread->affinity >> cpu & 1) || gap + load / 8 < load || gap > load + load / 8)
            continue;
        if (found == NULL || recent > most) {
            most = recent;
            found = thread;
        }
    }
    if (found == NULL || movable(rq, found, cpu))
        return found;
    rq->balance_at = now;
    return NULL;
}

// The thread whose move to cpu, less loaded than rq by gap, evens them out best; NULL: none.
static struct thread *best_move(struct runqueue *rq, unsigned cpu, uint64_t gap)
{
    uint64_t least = gap;
    struct thread *best = NULL;
    struct thread *thread;
    unsigned scanned = 0;

    list_for_each(thread, &rq->threads, run_link) {
        uint64_t load, left;

        if (++scanned > SCAN_MAX)
            break;
        if (!movable(rq, thread, cpu))
            continue;
        load = load_of(thread);
        left = gap > 2 * load ? gap - 2 * load : 2 * load - gap;
        if (left + load / 8 < least) {
            least = left;
            best = thread;
        }
    }
    return best;
}

// The weight of a CPU's own queue. A CPU that runs one thread alone does not follow what happens to
// its group elsewhere, so it is told now.
static uint64_t weight_of(struct runqueue *rq)
{
    uint64_t weight;

    spin_lock(&rq->lock);
    runqueue_refresh(rq);
    weight = rq->top.weight;
    spin_unlock(&rq->lock);
    return weight;
}

// Looks at some CPUs, others each time; of several that are alike, each in its turn.
static unsigned least_loaded(const struct runqueue *rq, uint64_t *weight)
{
    unsigned count = arch_cpu_count();
    unsigned found = rq->cpu;
    unsigned first = (unsigned)(rq->balance_at / BALANCE_PERIOD_NS);

    for (unsigned i = 0; i < MIN(count, CPUS_MAX); i++) {
        unsigned cpu = (first + i) % count;
        uint64_t other;

        if (cpu == rq->cpu ||
            !(atomic_load_explicit(&sched_online_cpus, memory_order_relaxed) >> cpu & 1))
            continue;
        other = weight_of(runqueue_of(cpu));
        if (found == rq->cpu || other < *weight) {
            found = cpu;
            *weight = other;
        }
    }
    return found;
}

// Moves one thread to the least loaded CPU. Returns: false if nothing is to be gained.
static bool balance_once(struct runqueue *rq, nsec_t now)
{
    uint64_t weight = 0;
    unsigned cpu = least_loaded(rq, &weight);
    struct thread *thread = NULL;
    uint64_t state;

    if (cpu == rq->cpu)
        return false;
    state = spin_lock_irq_save(&rq->lock);
    runqueue_refresh(rq);
    if (rq->top.weight > weight) {
        thread = best_move(rq, cpu, rq->top.weight - weight);
        if (thread == NULL)
            thread = next_in_turn(rq, cpu, rq->top.weight - weight, now);
    }
    if (thread != NULL)
        take(rq, thread, cpu, now);
    spin_unlock_irq_restore(&rq->lock, state);
    if (thread == NULL)
        return false;
    if (!sched_insert(thread, cpu))
        sched_place(thread, false);
    return true;
}

// Whether a thread here may run on another CPU: else nobody else's queue need be looked at.
static bool any_may_leave(struct runqueue *rq)
{
    uint64_t others = atomic_load_explicit(&sched_online_cpus, memory_order_relaxed) &
                      ~(UINT64_C(1) << rq->cpu);
    uint64_t state = spin_lock_irq_save(&rq->lock);
    unsigned scanned = 0;
    bool found = false;
    struct thread *thread;

    list_for_each(thread, &rq->threads, run_link) {
        found = (thread->affinity & others) != 0;
        if (found || ++scanned == SCAN_MAX)
            break;
    }
    spin_unlock_irq_restore(&rq->lock, state);
    return found;
}

void sched_balance(struct runqueue *rq, nsec_t now)
{
    if (now < rq->balance_at || atomic_load_explicit(&rq->runnable, memory_order_relaxed) < 2)
        return;
    rq->balance_at = now + BALANCE_PERIOD_NS;
    if (!any_may_leave(rq))
        return;
    for (unsigned moves = 0; moves < MOVES_MAX && balance_once(rq, now); moves++) {
    }
}
