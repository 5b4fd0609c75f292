// SPDX-License-Identifier: MIT
// mem_host.h - the machine below kernel/mem, for host tests: RAM, CPUs, the interrupt flag, a TLB.
//
// Included before each source of such a test by its line "// unit-flags: -include
// tests/unit/mem_host.h". Physical memory is a sparse mapping of the host, the frame map another;
// the test is whatever CPU host_cpu says. Locks are the kernel's own, ranks checked.
#pragma once

#include "kernel/arch/arch.h"

extern char *host_memory; // physical address 0
extern char *host_frame_map;
extern unsigned host_cpu, host_cpu_count;
extern bool host_irq;
extern struct thread *host_thread;

static inline void *host_direct_ptr(paddr_t address)
{
    return host_memory + address;
}

static inline paddr_t host_direct_paddr(const void *pointer)
{
    return (paddr_t)((const char *)pointer - host_memory);
}

static inline uint64_t host_irq_save(void)
{
    bool was = host_irq;

    host_irq = false;
    return was;
}

#undef FRAME_MAP_BASE
#define FRAME_MAP_BASE ((uintptr_t)host_frame_map)
#define direct_ptr host_direct_ptr
#define direct_paddr host_direct_paddr
#define arch_cpu() host_cpu
#define arch_current() host_thread
#define arch_irq_save host_irq_save
#define arch_irq_restore(state) ((void)(host_irq = (state) != 0))
#define arch_irq_enabled() host_irq
#undef DEFINE_PERCPU
#undef DECLARE_PERCPU
#undef this_cpu
#undef per_cpu
#define DEFINE_PERCPU(type, name) __typeof__(type) percpu_##name[CPU_MAX]
#define DECLARE_PERCPU(type, name) extern __typeof__(type) percpu_##name[CPU_MAX]
#define this_cpu(name) (percpu_##name[host_cpu])
#define per_cpu(name, cpu) (percpu_##name[cpu])

// Sets the machine up: RAM from 1 MiB to low_end, and from 4 GiB on high_size more; then
// frames_init.
void host_start(paddr_t low_end, uint64_t high_size, unsigned cpus);

// What runs while the code under test lets others run. NULL: nothing.
extern void (*host_on_relax)(void);

// The TLB of each CPU: what it would use for a page without walking.
void host_tlb_fill(vaddr_t address, paddr_t page, bool writable);
// How many entries of CPUs that have root loaded are not what the tables say now (rights may be
// less than the tables').
unsigned host_tlb_stale(void);
