// SPDX-License-Identifier: MIT
// percpu.c - the copies of the per-CPU data, and each CPU's own stacks.
//
// The copies lie one after another, so their addresses rise with the CPU's number. A CPU has a slot
// of address space for stacks: for double fault, NMI, machine check and (not on the boot CPU) the
// first thread, a hole before each.

#include <string.h>

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/trap.h"

#define STACKS_BASE UINT64_C(0xffffff0040000000)
#define SLOT_SIZE (16 * PAGE_SIZE)
#define TRAP_STACK_SIZE (2 * PAGE_SIZE)

extern char percpu_start[], percpu_end[];

uint64_t arch_percpu_offsets[CPU_MAX];

static vaddr_t slot(unsigned cpu)
{
    return STACKS_BASE + cpu * SLOT_SIZE;
}

static vaddr_t trap_stack_top(unsigned cpu, unsigned stack)
{
    return slot(cpu) + stack * (PAGE_SIZE + TRAP_STACK_SIZE);
}

vaddr_t percpu_stack_top(unsigned cpu)
{
    return slot(cpu) + SLOT_SIZE;
}

static void map_stack(vaddr_t top, size_t size)
{
    arch_map_early(top - size, arch_early_alloc(size / PAGE_SIZE), size, PAGE_READ | PAGE_WRITE);
}

static void make_stacks(unsigned cpu)
{
    struct tss *tss = &per_cpu(arch_tss, cpu);

    for (unsigned stack = 1; stack <= STACK_COUNT; stack++) {
        vaddr_t top = trap_stack_top(cpu, stack);
        uint64_t *word = (uint64_t *)(top - 16); // keeps the frame below it aligned

        map_stack(top, TRAP_STACK_SIZE);
        *word = arch_percpu_offsets[cpu]; // for entry.S
        tss->ist[stack - 1] = (uint64_t)word;
    }
    if (cpu != 0)
        map_stack(percpu_stack_top(cpu), KSTACK_SIZE);
}

void percpu_init(unsigned count)
{
    size_t size = (size_t)(percpu_end - percpu_start);
    char *copies = direct_ptr(arch_early_alloc(ALIGN_UP(count * size, PAGE_SIZE) / PAGE_SIZE));

    for (unsigned cpu = 0; cpu < count; cpu++) {
        char *copy = copies + cpu * size;

        memcpy(copy, percpu_start, size);
        arch_percpu_offsets[cpu] = (uint64_t)copy - (uint64_t)percpu_start;
        per_cpu(arch_offset, cpu) = arch_percpu_offsets[cpu];
        per_cpu(arch_cpu_number, cpu) = cpu;
        make_stacks(cpu);
    }
}
