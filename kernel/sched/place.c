// SPDX-License-Identifier: MIT
// place.c - where a thread runs that has become runnable: beside a waker that is about to block,
// else on an idle CPU if there is one, else where it ran before.
#include "kernel/sched/runqueue.h"
#include "kernel/sched/timers.h"
#include "lib/base/bits.h"

#define CHARGE_AFTER_NS (20 * NSEC_PER_USEC)

atomic_ulong sched_idle_cpus;
atomic_ulong sched_online_cpus;

// Claims an idle CPU of the set, so that two wake-ups do not choose the same. Returns: false if
// there is none.
static bool claim_idle(uint64_t allowed, unsigned preferred, unsigned *cpu)
{
    uint64_t idle = atomic_load_explicit(&sched_idle_cpus, memory_order_relaxed) & allowed;

    while (idle != 0) {
        unsigned candidate = idle >> preferred & 1 ? preferred : bits_lowest(idle);
        uint64_t bit = UINT64_C(1) << candidate;

        if (atomic_fetch_and(&sched_idle_cpus, ~bit) & bit) {
            *cpu = candidate;
            return true;
        }
        idle &= ~bit;
    }
    return false;
}

static unsigned least_busy(uint64_t allowed, unsigned preferred)
{
    uint64_t least = UINT64_MAX;
    unsigned found = preferred;

    for (uint64_t left = allowed; left != 0; left &= left - 1) {
        unsigned cpu = bits_lowest(left);
        uint64_t weight = __atomic_load_n(&runqueue_of(cpu)->top.weight, __ATOMIC_RELAXED);

        if (weight < least || (weight == least && cpu == preferred)) {
            least = weight;
            found = cpu;
        }
    }
    return found;
}

// Whether this CPU will be free at once: it runs a thread that is used to block right after waking
// another.
static bool waker_leaves(uint64_t allowed)
{
    const struct runqueue *rq = runqueue_mine();
    const struct thread *waker = thread_current();

    return waker->quick_blocks >= SCHED_QUICK_TIMES && (allowed >> rq->cpu & 1) &&
           atomic_load_explicit(&rq->runnable, memory_order_relaxed) == 1;
}

static unsigned choose_cpu(const struct thread *thread, bool is_new)
{
    uint64_t allowed = __atomic_load_n(&thread->affinity, __ATOMIC_RELAXED) &
                       atomic_load_explicit(&sched_online_cpus, memory_order_relaxed);
    unsigned before = thread->cpu;
    unsigned cpu;

    if ((allowed & (allowed - 1)) == 0 && allowed != 0)
        return bits_lowest(allowed);
    if (!is_new && waker_leaves(allowed))
        return arch_cpu();
    if (claim_idle(allowed, before, &cpu))
        return cpu;
    if (is_new || !(allowed >> before & 1))
        return least_busy(allowed, before);
    return before;
}

// Adds thread to rq. Returns: whether rq's CPU must look at its queue.
static bool add_locked(struct runqueue *rq, struct thread *thread)
{
    struct thread *current = runqueue_current(rq);
    nsec_t now = clock_now();

    // A newcomer's place follows from the queue's time, which need not be newer than this.
    if (now - rq->charged_until > CHARGE_AFTER_NS)
        runqueue_charge(rq, now);
    runqueue_add(rq, thread, now);
    if (runqueue_preempts(rq, thread))
        return !(atomic_fetch_or(&current->work, WORK_RESCHEDULE) & WORK_RESCHEDULE);
    if (rq->slice_end != NSEC_NEVER)
        return false;
    // It ran alone, without a slice. How long it may go on is computed at the first look, which is
    // soon enough for any.
    rq->slice_end = now + EEVDF_SLICE_LEAST_NS;
    return true;
}

// Notes that thread, which is on no queue, belongs to cpu.
LOCKS_NOT_CHECKED
static void assign(struct thread *thread, unsigned cpu)
{
    uint64_t state;
    struct runqueue *rq;

    if (thread->cpu == cpu)
        return;
    rq = runqueue_lock_of(thread, &state);
    __atomic_store_n(&thread->cpu, cpu, __ATOMIC_RELAXED);
    spin_unlock_irq_restore(&rq->lock, state);
}

bool sched_insert(struct thread *thread, unsigned cpu)
{
    struct runqueue *rq = runqueue_of(cpu);
    bool allowed, kick;

    spin_lock(&rq->lock);
    allowed = thread->affinity >> cpu & 1;
    kick = allowed && add_locked(rq, thread);
    spin_unlock(&rq->lock);
    if (kick && cpu != arch_cpu())
        arch_ipi_reschedule(cpu);
    else if (kick)
        timers_program(rq->slice_end);
    return allowed;
}

void sched_place(struct thread *thread, bool is_new)
{
    uint64_t irq = arch_irq_save();
    unsigned cpu;

    do {
        cpu = choose_cpu(thread, is_new);
        assign(thread, cpu);
    } while (!sched_insert(thread, cpu)); // its set of CPUs changed meanwhile
    // Counted from here: what it takes to interrupt another CPU is not the waker's doing.
    if (!is_new && arch_cpu_count() > 1)
        thread_current()->woke_ns = clock_now();
    arch_irq_restore(irq);
}
