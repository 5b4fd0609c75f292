// SPDX-License-Identifier: MIT
// boot.c - start-up of the machine on the boot CPU, from boot.S to kernel_main.

#include "kernel/arch/x86_64/boot.h"

#include "kernel/arch/x86_64/acpi.h"
#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/irq_watch.h"
#include "kernel/arch/x86_64/time.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/log/log.h"

void NORETURN arch_boot(paddr_t information, bool multiboot2, uint64_t tsc);

// Each step uses only what those before it made: the trap table gives a message for any mistake;
// the tables of RAM are needed by the page tables, these by ACPI, which says how many CPUs get
// per-CPU data.
void arch_boot(paddr_t information, bool multiboot2, uint64_t tsc)
{
    boot_info.entry_tsc = tsc;
    trap_init();
    cpu_detect();
    cpu_patch_smap();
    boot_info_parse(information, multiboot2);
    paging_init();
    boot_modules_move();
    acpi_init();
    lapic_init(acpi_interrupts.lapic);
    smp_init();
    cpu_init(0, arch_percpu_offsets[0]);
    lapic_init_cpu();
    ioapic_init();
    machine_init();
    time_init();
    irq_watch_init();
    kernel_main();
}
