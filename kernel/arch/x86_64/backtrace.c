// SPDX-License-Identifier: MIT
// backtrace.c - registers and return addresses, for panics.

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/log/log.h"

#define FRAME_DISTANCE_MAX UINT64_C(0x10000)

// A frame pointer that may be followed: it is read in a panic, when anything may be spoilt.
static bool plausible(uint64_t pointer)
{
    return pointer >= DIRECT_BASE && pointer < UINT64_MAX - 16 && pointer % 8 == 0;
}

unsigned arch_backtrace(uint64_t frame_pointer, uint64_t *addresses, unsigned most)
{
    unsigned count = 0;

    if (frame_pointer == 0)
        frame_pointer = (uint64_t)__builtin_frame_address(0);
    while (count < most && plausible(frame_pointer)) {
        const uint64_t *frame = (const uint64_t *)frame_pointer;

        if (frame[1] < DIRECT_BASE) // the end: user mode or the bottom of a stack
            break;
        addresses[count++] = frame[1];
        if (frame[0] <= frame_pointer || frame[0] - frame_pointer > FRAME_DISTANCE_MAX)
            break;
        frame_pointer = frame[0];
    }
    return count;
}

void arch_frame_print(const struct trapframe *frame)
{
    log_error("rip %04lx:%016lx  rsp %04lx:%016lx  flags %08lx", frame->cs, frame->rip, frame->ss,
              frame->rsp, frame->rflags);
    log_error("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx", frame->rax, frame->rbx, frame->rcx,
              frame->rdx);
    log_error("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx", frame->rsi, frame->rdi, frame->rbp,
              frame->r8);
    log_error("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx", frame->r9, frame->r10, frame->r11,
              frame->r12);
    log_error("r13 %016lx  r14 %016lx  r15 %016lx", frame->r13, frame->r14, frame->r15);
    log_error("cr0 %08lx  cr2 %016lx  cr3 %016lx  cr4 %08lx", read_cr0(), read_cr2(), read_cr3(),
              read_cr4());
    if (frame->vector != TRAP_NONE)
        log_error("trap %lu (%s) code %#lx", frame->vector, trap_name((unsigned)frame->vector),
                  frame->code);
}
