// SPDX-License-Identifier: MIT
// smp.c - the other CPUs: their start, interrupts to them, and their stop in a panic.
//
// A CPU is started alone, waited for, then the next: so one trampoline and one pair of start
// variables serve all.
// Source: Intel SDM 3A 9.4 (MP initialisation).

#include <stdatomic.h>
#include <string.h>

#include "kernel/arch/x86_64/acpi.h"
#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/boot.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/time.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/log/log.h"
#include "kernel/log/planted.h"
#include "kernel/sched/thread.h"

#define TRAMPOLINE_PAGE 8 // physical 0x8000: free once boot data are copied, and RAM on every PC
#define START_TIMEOUT_NS (10 * NSEC_PER_SEC)

extern const char trampoline_start[], trampoline_end[];
extern const char trampoline_target_at[], trampoline_gdt_at[]; // absolute symbols: offsets

void NORETURN ap_main(void);

// For boot.S: the stack and root table of the CPU that is being started.
uint64_t ap_stack_top, ap_root;
static unsigned ap_number;
static uint64_t ap_counter; // its time-stamp counter
static void (*ap_entry)(void);
static atomic_uint started; // how many CPUs run, the boot CPU included

static unsigned cpu_count = 1;
static uint32_t apic_ids[CPU_MAX];

// What cpu_stop saw, for the panic's account of each CPU.
static atomic_bool stop_requested;
static uint64_t stopped_at[CPU_MAX];

unsigned arch_cpu_count(void)
{
    return cpu_count;
}

uint32_t smp_apic_id(unsigned cpu)
{
    return apic_ids[cpu];
}

// Numbers the CPUs: the boot CPU is 0, the others follow in the MADT's order.
void smp_init(void)
{
    apic_ids[0] = lapic_id();
    for (unsigned i = 0; i < acpi_interrupts.cpu_count && cpu_count < CPU_MAX; i++) {
        if (acpi_interrupts.apic_ids[i] != apic_ids[0])
            apic_ids[cpu_count++] = acpi_interrupts.apic_ids[i];
    }
    percpu_init(cpu_count);
    atomic_init(&started, 1);
}

static void reschedule_interrupt(void *argument)
{
    (void)argument;
    trap_handlers.reschedule();
}

static void copy_trampoline(void)
{
    char *to = direct_ptr(TRAMPOLINE_PAGE * PAGE_SIZE);
    uint32_t base = TRAMPOLINE_PAGE * PAGE_SIZE, address;

    memcpy(to, trampoline_start, (size_t)(trampoline_end - trampoline_start));
    memcpy(&address, to + (uintptr_t)trampoline_target_at, sizeof(address));
    address += base;
    memcpy(to + (uintptr_t)trampoline_target_at, &address, sizeof(address));
    memcpy(&address, to + (uintptr_t)trampoline_gdt_at, sizeof(address));
    address += base;
    memcpy(to + (uintptr_t)trampoline_gdt_at, &address, sizeof(address));
}

// Waits until the CPU that is being started has counted itself.
static bool wait_for(unsigned count, nsec_t timeout_ns)
{
    nsec_t until = arch_clock_ns() + timeout_ns;

    // Acquire: with what it wrote before.
    while (atomic_load_explicit(&started, memory_order_acquire) != count) {
        arch_relax();
        if (arch_clock_ns() > until)
            return false;
    }
    return true;
}

static bool start(unsigned cpu)
{
    unsigned count = atomic_load(&started) + 1;

    ap_number = cpu;
    ap_stack_top = percpu_stack_top(cpu);
    lapic_send_init(apic_ids[cpu]);
    lapic_send_startup(apic_ids[cpu], TRAMPOLINE_PAGE);
    if (wait_for(count, START_TIMEOUT_NS / 10))
        return true;
    lapic_send_startup(apic_ids[cpu], TRAMPOLINE_PAGE); // the second time, as the sequence says
    return wait_for(count, START_TIMEOUT_NS);
}

void arch_cpus_start(void (*entry)(void))
{
    trap_set_interrupt(VECTOR_RESCHEDULE, reschedule_interrupt, NULL);
    tlb_init();
    if (cpu_count == 1)
        return;
    copy_trampoline();
    ap_root = arch_kernel_root();
    ap_entry = entry;
    for (unsigned cpu = 1; cpu < cpu_count; cpu++) {
        uint64_t before = arch_cycles();

        // It may still come later, and find the next one's stack: so this is the end.
        if (!start(cpu))
            panic("CPU %u (APIC id %u) does not start", cpu, apic_ids[cpu]);
        clock_compare(cpu, before, ap_counter);
    }
    log_info("%u CPUs", cpu_count);
}

void ap_main(void)
{
    cpu_init(ap_number, arch_percpu_offsets[ap_number]);
    lapic_init_cpu();
    ap_counter = arch_cycles() + (planted("clock-apart") ? UINT64_C(1) << 40 : 0);
    // Release: the boot CPU may read it, and write the next one's variables.
    atomic_fetch_add_explicit(&started, 1, memory_order_release);
    ap_entry();
    panic("CPU %u has left its loop", arch_cpu());
}

void arch_ipi_reschedule(unsigned cpu)
{
    lapic_send(apic_ids[cpu], VECTOR_RESCHEDULE);
}

bool cpu_stop_requested(void)
{
    return atomic_load(&stop_requested);
}

void cpu_stop(const struct trapframe *frame)
{
    stopped_at[arch_cpu()] = frame->rip;
    for (;;)
        __asm__ volatile("cli; hlt");
}

void arch_cpus_stop(void)
{
    atomic_store(&stop_requested, true);
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        if (cpu != arch_cpu() && cpu < atomic_load(&started))
            lapic_send_nmi(apic_ids[cpu]);
    }
    // Time to say where they were; none is waited for, it may be stuck.
    for (unsigned i = 0; i < 100000; i++)
        arch_relax();
}

void arch_cpu_describe(unsigned cpu, const char **thread_name, uint64_t *ip)
{
    const struct thread *thread = cpu < cpu_count && arch_percpu_offsets[0] != 0
                                      ? per_cpu(arch_current, cpu)
                                      : NULL;

    *thread_name = thread != NULL ? thread->name : "nothing yet";
    *ip = stopped_at[cpu];
}
