// SPDX-License-Identifier: MIT
// tlb.c - makes other CPUs forget translations, and waits until they have.
//
// Each CPU has one request of its own, which it fills in and then announces by setting its bit in
// every target's mask, with an interrupt where the mask was empty. A target takes its mask whole,
// serves each initiator in it, and clears its own bit in that initiator's set of those still owing.
// Initiators wait with interrupts on, so they serve each other.

#include <stdatomic.h>

#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/log/log.h"
#include "kernel/sync/patience.h"
#include "lib/base/assert.h"
#include "lib/base/bits.h"

#define PAGES_ONE_BY_ONE 32 // more than these: everything

struct tlb_request {
    vaddr_t start;
    size_t npages;
    atomic_ulong owing; // bit n: CPU n has not answered
};
static DEFINE_PERCPU(struct tlb_request, tlb_request);
static DEFINE_PERCPU(atomic_ulong, tlb_initiators); // bit n: CPU n has a request for this one

static void flush(vaddr_t start, size_t npages)
{
    if (npages > PAGES_ONE_BY_ONE) {
        // A new root drops user translations; the kernel's are global.
        if (start >= DIRECT_BASE)
            arch_tlb_flush_all();
        else
            __asm__ volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax", "memory");
        return;
    }
    for (size_t i = 0; i < npages; i++)
        arch_tlb_flush_page(start + i * PAGE_SIZE);
}

static void serve(void)
{
    uint64_t initiators = atomic_exchange(&this_cpu(tlb_initiators), 0);

    while (initiators != 0) {
        unsigned cpu = bits_lowest(initiators);
        struct tlb_request *request = &per_cpu(tlb_request, cpu);

        initiators &= initiators - 1;
        flush(request->start, request->npages);
        // Release: the initiator goes on, and reuses the request, only after the flush.
        atomic_fetch_and_explicit(&request->owing, ~(UINT64_C(1) << arch_cpu()),
                                  memory_order_release);
    }
}

static void tlb_interrupt(void *argument)
{
    (void)argument;
    serve();
}

void tlb_init(void)
{
    trap_set_interrupt(VECTOR_TLB, tlb_interrupt, NULL);
}

static void announce(uint64_t targets)
{
    unsigned self = arch_cpu();

    while (targets != 0) {
        unsigned cpu = bits_lowest(targets);

        targets &= targets - 1;
        // Sequentially consistent: the request's fields are written before the bit is seen. Where
        // other bits are set already, an interrupt is on its way whose handler has not taken the
        // mask yet.
        if (atomic_fetch_or(&per_cpu(tlb_initiators, cpu), UINT64_C(1) << self) == 0)
            lapic_send(smp_apic_id(cpu), VECTOR_TLB);
    }
}

void arch_tlb_shootdown(uint64_t cpus, vaddr_t start, size_t npages)
{
    uint64_t self = UINT64_C(1) << arch_cpu();
    uint64_t targets = cpus & ~self;
    struct tlb_request *request;
    struct patience patience;

    if (cpus & self)
        flush(start, npages);
    if (targets == 0)
        return;
    assert(arch_irq_enabled());
    request = &this_cpu(tlb_request);
    request->start = start;
    request->npages = npages;
    atomic_store(&request->owing, targets);
    announce(targets);
    patience = patience_begin();
    while (atomic_load_explicit(&request->owing, memory_order_acquire) != 0) {
        arch_relax();
        if (patience_is_over(&patience))
            panic("CPUs %#lx do not answer a TLB shootdown", atomic_load(&request->owing));
    }
}
