// SPDX-License-Identifier: MIT
// inject.c - fault injection: the nth allocation of a process fails. Test builds only.
#include "kernel/mem/inject.h"

#ifdef BOXWORK_DEBUG

#include <stdatomic.h>

#include "kernel/mem/ledger.h"
#include "kernel/sched/thread.h"

static _Atomic(struct process *) victim;
static atomic_ulong countdown;

void alloc_fail_set(struct process *process, uint64_t nth)
{
    atomic_store(&countdown, nth);
    atomic_store(&victim, nth != 0 ? process : NULL);
}

bool alloc_should_fail(void)
{
    struct process *process = atomic_load_explicit(&victim, memory_order_relaxed);
    struct thread *thread;

    if (likely(process == NULL))
        return false;
    thread = thread_current();
    if (thread == NULL || thread->process != process || atomic_fetch_sub(&countdown, 1) != 1)
        return false;
    atomic_store(&victim, NULL);
    return true;
}

#endif
