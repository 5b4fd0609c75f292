// SPDX-License-Identifier: MIT
// thread.c - making, starting and freeing threads; their priority, affinity and times.
#include "kernel/sched/thread.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/kmap.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/space.h"
#include "kernel/sched/runqueue.h"
#include "kernel/sched/thread_private.h"
#include "lib/base/assert.h"
#include "lib/base/fmt.h"

#define PRIORITY_DEFAULT 19
#define PRIORITY_MAX 63

static SLAB_CACHE(kernel_thread_cache, "kernel thread", struct thread);
static struct slab_cache fpu_cache = { .name = "fpu area", .align = 64, .raw = true };

void thread_init_caches(void)
{
    fpu_cache.size = arch_fpu_size();
}

static void block_timer_fired(struct timer *timer)
{
    thread_time_out(container_of(timer, struct thread, block_timer));
}

// All fields but those that the owner sets (process, space, account).
static void set_up(struct thread *thread, const char *name, struct sched_group *group,
                   unsigned priority)
{
    nsec_t now = clock_now();

    memset(&thread->arch, 0, sizeof(thread->arch));
    fmt_print(thread->name, sizeof(thread->name), "%s", name);
    atomic_init(&thread->work, 0);
    atomic_init(&thread->wait_bits, 0);
    atomic_init(&thread->state, THREAD_NEW);
    atomic_init(&thread->on_cpu, false);
    atomic_init(&thread->woken, true);
    atomic_init(&thread->timed_out, false);
    thread->is_idle = false;
    thread->cpu = arch_cpu();
    thread->affinity = UINT64_MAX;
    thread->group = group;
    thread->priority = MIN(priority, (unsigned)PRIORITY_MAX);
    eevdf_entity_init(&thread->entity, eevdf_weight(thread->priority), NULL);
    list_init(&thread->run_link);
    timer_init(&thread->block_timer, block_timer_fired);
    thread->recent_ns = 0;
    thread->sampled_ns = now;
    thread->sampled_runtime_ns = 0;
    thread->woke_ns = 0;
    thread->quick_blocks = 0;
    thread->start_ns = now;
    thread->runtime_ns = 0;
    thread->switches_voluntary = 0;
    thread->switches_forced = 0;
    thread->faults_minor = 0;
    thread->faults_major = 0;
    thread->waiting_for = NULL;
    thread->mutex_count = 0;
    thread->full = NULL;
}

// A thread with a stack. fpu: also what it needs to run programs.
static int make(struct thread *thread, void (*entry)(void *), void *argument,
                struct account *account, bool fpu)
{
    thread->stack_top = kstack_alloc(account);
    if (thread->stack_top == 0)
        return -ENOMEM;
    thread->entry = entry;
    thread->argument = argument;
    arch_thread_init(thread, sched_thread_begin, thread);
    thread->arch.fpu = NULL;
    if (fpu) {
        thread->arch.fpu = slab_alloc(&fpu_cache, account);
        if (thread->arch.fpu == NULL) {
            kstack_free(thread->stack_top);
            return -ENOMEM;
        }
        arch_fpu_init(thread->arch.fpu);
    }
    return 0;
}

int thread_init(struct thread *thread, const char *name, void (*entry)(void *), void *argument,
                struct account *account, struct sched_group *group, unsigned priority)
{
    set_up(thread, name, group, priority);
    thread->account = account;
    return make(thread, entry, argument, account, true);
}

void thread_fini(struct thread *thread)
{
    kstack_free(thread->stack_top);
    slab_free(&fpu_cache, thread->arch.fpu);
    thread->stack_top = 0;
    thread->arch.fpu = NULL;
}

void thread_init_idle(struct thread *thread, unsigned cpu)
{
    set_up(thread, "idle", NULL, 0);
    fmt_print(thread->name, sizeof(thread->name), "idle/%u", cpu);
    thread->is_idle = true;
    thread->cpu = cpu;
    thread->affinity = UINT64_C(1) << cpu;
    atomic_init(&thread->state, THREAD_RUNNABLE);
    atomic_init(&thread->on_cpu, true);
}

int thread_create_kernel(const char *name, void (*entry)(void *), void *argument)
{
    struct thread *thread = slab_alloc(&kernel_thread_cache, NULL);
    int error;

    if (thread == NULL)
        return -ENOMEM;
    set_up(thread, name, NULL, PRIORITY_DEFAULT);
    error = make(thread, entry, argument, NULL, false);
    if (error != 0) {
        slab_free(&kernel_thread_cache, thread);
        return error;
    }
    thread_start(thread);
    return 0;
}

void thread_free_kernel(struct thread *thread)
{
    thread_fini(thread);
    slab_free(&kernel_thread_cache, thread);
}

void thread_start(struct thread *thread)
{
    assert(atomic_load(&thread->state) == THREAD_NEW);
    atomic_store(&thread->state, THREAD_RUNNABLE);
    sched_place(thread, true);
}

void thread_set_space(struct space *space)
{
    uint64_t irq = arch_irq_save();
    struct thread *self = thread_current();
    struct space *from = self->space;

    self->space = space;
    if (from != space)
        space_switch(from, space);
    arch_irq_restore(irq);
}

LOCKS_NOT_CHECKED
void thread_set_priority(struct thread *thread, unsigned priority)
{
    uint64_t state;
    struct runqueue *rq = runqueue_lock_of(thread, &state);

    runqueue_charge(rq, clock_now());
    thread->priority = MIN(priority, (unsigned)PRIORITY_MAX);
    runqueue_reweight(rq, thread, eevdf_weight(thread->priority));
    spin_unlock_irq_restore(&rq->lock, state);
}

void thread_inherit_affinity(struct thread *thread)
{
    assert(atomic_load(&thread->state) == THREAD_NEW);
    thread->affinity = __atomic_load_n(&thread_current()->affinity, __ATOMIC_RELAXED);
}

LOCKS_NOT_CHECKED
int thread_set_affinity(struct thread *thread, uint64_t cpus)
{
    struct runqueue *rq;
    uint64_t state;
    bool move_waiting, leave_running;
    unsigned cpu;

    if ((cpus & atomic_load(&sched_online_cpus)) == 0)
        return -EINVAL;
    rq = runqueue_lock_of(thread, &state);
    thread->affinity = cpus;
    cpu = rq->cpu;
    leave_running = runqueue_current(rq) == thread && !(cpus >> cpu & 1);
    // One whose registers are still being saved is seen to by that CPU, or moves when it is next
    // switched from.
    move_waiting = !leave_running && thread->entity.queued && !(cpus >> cpu & 1) &&
                   !atomic_load_explicit(&thread->on_cpu, memory_order_acquire);
    if (move_waiting)
        runqueue_remove(rq, thread, clock_now());
    if (leave_running)
        atomic_fetch_or(&thread->work, WORK_RESCHEDULE);
    spin_unlock_irq_restore(&rq->lock, state);
    if (move_waiting)
        sched_place(thread, false);
    if (leave_running && thread == thread_current())
        sched_switch(SWITCH_PREEMPT);
    else if (leave_running)
        arch_ipi_reschedule(cpu);
    return 0;
}

LOCKS_NOT_CHECKED
void thread_times(const struct thread *thread, nsec_t *user_ns, nsec_t *kernel_ns)
{
    uint64_t state;
    struct runqueue *rq = runqueue_lock_of(thread, &state);
    nsec_t total, user;

    if (runqueue_current(rq) == thread)
        runqueue_charge(rq, clock_now());
    total = thread->runtime_ns;
    spin_unlock_irq_restore(&rq->lock, state);
    // The two are measured by different clocks, so they may differ by rounding.
    user = MIN(arch_thread_user_ns(thread), total);
    *user_ns = user;
    *kernel_ns = total - user;
}
