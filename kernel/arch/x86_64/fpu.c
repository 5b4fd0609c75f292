// SPDX-License-Identifier: MIT
// fpu.c - x87, SSE and AVX state. The kernel uses none of it, so the registers always hold the
// state of the user thread that runs, or ran last, on this CPU.
//
// Sources: Intel SDM 1 13 (XSAVE), 2A FXSAVE.

#include <string.h>

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/thread.h"
#include "kernel/sched/thread.h"

#define CONTROL_WORD 0x37f // all x87 exceptions masked, 64-bit precision
#define MXCSR 0x1f80       // all SSE exceptions masked
#define CONTROL_WORD_AT 0 // offsets in the area
#define MXCSR_AT 24
#define FXSAVE_SIZE 512
#define XSAVE_HEADER_SIZE 64

void fpu_init_cpu(void)
{
    if (!cpu_features.xsave) {
        cpu_features.fpu_size = FXSAVE_SIZE;
        return;
    }
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)cpu_features.xcr0),
                     "d"((uint32_t)(cpu_features.xcr0 >> 32)));
    // What the components now in XCR0 need.
    cpu_features.fpu_size = cpuid(13, 0).ebx;
}

size_t arch_fpu_size(void)
{
    return cpu_features.fpu_size;
}

void arch_fpu_init(void *area)
{
    uint16_t control = CONTROL_WORD;
    uint32_t mxcsr = MXCSR;

    // A header of zeros says that every component is in its initial state.
    memset(area, 0, cpu_features.fpu_size);
    memcpy((char *)area + CONTROL_WORD_AT, &control, sizeof(control));
    memcpy((char *)area + MXCSR_AT, &mxcsr, sizeof(mxcsr));
}

void fpu_save(void *area)
{
    if (cpu_features.xsaveopt)
        __asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else if (cpu_features.xsave)
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void fpu_load(const void *area)
{
    if (cpu_features.xsave)
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

void fpu_load_initial(void)
{
    // Header and all but the two control words are zeros, for any size up to the standard
    // components'.
    static struct {
        uint16_t control;
        uint8_t zeros[22];
        uint32_t mxcsr;
        uint8_t more[FXSAVE_SIZE + XSAVE_HEADER_SIZE - 28]; // no component beyond is read
    } ALIGNED(64) const initial = { .control = CONTROL_WORD, .mxcsr = MXCSR };

    fpu_load(&initial);
}

void arch_fpu_reset(void)
{
    fpu_load_initial();
}

void arch_fpu_copy(struct thread *to)
{
    // The whole area, not by xsaveopt: that may leave out what it wrote to the other area last.
    memset(to->arch.fpu, 0, cpu_features.fpu_size);
    if (cpu_features.xsave)
        __asm__ volatile("xsave64 (%0)" : : "r"(to->arch.fpu), "a"(-1), "d"(-1) : "memory");
    else
        fpu_save(to->arch.fpu);
}
