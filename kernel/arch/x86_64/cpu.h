// SPDX-License-Identifier: MIT
// cpu.h - one CPU: its registers, what it can do, its descriptor tables.
#pragma once

#include "kernel/arch/arch.h"
#include "kernel/arch/x86_64/asm.h"

// What CPUID says, of those things that change what the kernel does.
struct cpu_features {
    bool smep, smap, umip, fsgsbase, page_1g, rdrand, rdseed;
    bool xsave, xsaveopt;
    uint64_t xcr0;      // the state components in use; 3 (x87, SSE) without XSAVE
    uint32_t fpu_size;  // bytes of an XSAVE or FXSAVE area
    char name[49];
};
extern struct cpu_features cpu_features;

// Intel SDM 3A 8.7.
struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
} PACKED;
DECLARE_PERCPU(struct tss, arch_tss);

// Reads the features; once, first of all.
void cpu_detect(void);
// Writes stac and clac over the no-operations that stand for them. Before the image's text is
// protected.
void cpu_patch_smap(void);
// Loads descriptor tables and control registers of this CPU, whose per-CPU data begin offset after
// the template.
void cpu_init(unsigned number, uint64_t offset);
// Sets XCR0 and the CR4 bits of the FPU on this CPU.
void fpu_init_cpu(void);

// Start-up: makes per-CPU areas and stacks for count CPUs.
void percpu_init(unsigned count);
// The top of a CPU's first stack (not the boot CPU's).
vaddr_t percpu_stack_top(unsigned cpu);

struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_result cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result result;

    __asm__ volatile("cpuid"
                     : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                     : "a"(leaf), "c"(subleaf));
    return result;
}

static inline uint64_t read_msr(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void write_msr(uint32_t msr, uint64_t value)
{
    uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);

    __asm__ volatile("wrmsr" : : "c"(msr), "a"(low), "d"(high) : "memory");
}

static inline uint64_t read_cr0(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static inline void write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint64_t read_cr2(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

static inline uint64_t read_cr3(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

static inline void write_cr3(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline uint64_t read_cr4(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static inline void write_cr4(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}
