// SPDX-License-Identifier: MIT
// sync_host.h - the machine below kernel/sync, for host tests: each thread is a CPU.
//
// Included before each source of such a test by its line "// unit-flags: -include
// tests/unit/sync_host.h".
#pragma once

#include "kernel/arch/arch.h"

extern _Thread_local unsigned host_cpu;
extern _Thread_local bool host_irq;

static inline uint64_t host_irq_save(void)
{
    bool was = host_irq;

    host_irq = false;
    return was;
}

#define arch_cpu() host_cpu
#define arch_irq_save host_irq_save
#define arch_irq_restore(state) ((void)(host_irq = (state) != 0))
#define arch_irq_enabled() host_irq
#undef DEFINE_PERCPU
#undef this_cpu
#define DEFINE_PERCPU(type, name) __typeof__(type) percpu_##name[CPU_MAX]
#define this_cpu(name) (percpu_##name[host_cpu])
