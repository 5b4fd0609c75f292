// SPDX-License-Identifier: MIT
// perturb.c - the schedule perturber of debug builds.
#include "kernel/sched/perturb.h"

#ifdef BOXWORK_DEBUG

#include <string.h>

#include "kernel/arch/arch.h"
#include "kernel/log/log.h"
#include "kernel/sched/sched.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/fmt.h"

#define ONE_IN 32 // points at which a thread gives way

static bool active;
static uint64_t seed;
static DEFINE_PERCPU(uint64_t, draws);

void perturb_init(void)
{
    char text[24];

    if (!boot_option("perturb", text, sizeof(text)))
        return;
    if (fmt_parse_u64(text, strlen(text), UINT64_MAX, &seed) != 0)
        panic("perturb=%s: not a number", text);
    active = true;
    rank_set_release_hook(perturb_point);
    log_info("perturb: seed %lu", (unsigned long)seed);
}

// The n-th number of this CPU: splitmix64 of seed, CPU and n.
static uint64_t draw(void)
{
    uint64_t value =
        seed + ((uint64_t)arch_cpu() << 56) + ++this_cpu(draws) * UINT64_C(0x9e3779b97f4a7c15);

    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

void perturb_point(void)
{
    struct thread *self = thread_current();

    if (!active || self == NULL || self->is_idle || !arch_irq_enabled() || spin_held() != 0)
        return;
    // Between preparing to wait and waiting, or on its way out, a thread is left alone.
    if (atomic_load(&self->state) != THREAD_RUNNABLE)
        return;
    if (draw() % ONE_IN == 0)
        thread_yield();
}

#endif
