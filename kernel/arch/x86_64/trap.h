// SPDX-License-Identifier: MIT
// trap.h - traps inside arch: the interrupt table and what is called from entry.S.
#pragma once

#include "kernel/arch/arch.h"

// Interrupt vectors. Device interrupts get the vectors from VECTOR_DEVICE on.
enum trap_vector {
    VECTOR_DEBUG = 1,
    VECTOR_NMI = 2,
    VECTOR_BREAKPOINT = 3,
    VECTOR_OVERFLOW = 4,
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_GENERAL_PROTECTION = 13,
    VECTOR_PAGE_FAULT = 14,
    VECTOR_MACHINE_CHECK = 18,
    VECTOR_EXCEPTIONS = 32, // below: exceptions of the CPU
    VECTOR_DEVICE = 0x30,
    VECTOR_TIMER = 0xf0,
    VECTOR_RESCHEDULE = 0xf1,
    VECTOR_TLB = 0xf2,
    VECTOR_ERROR = 0xfe,
    VECTOR_SPURIOUS = 0xff,
};

// Stacks of their own, by number in the TSS (1 to 7).
enum trap_stack { STACK_DOUBLE_FAULT = 1, STACK_NMI = 2, STACK_MACHINE_CHECK = 3, STACK_COUNT = 3 };

extern struct trap_handlers trap_handlers;

// Fills the interrupt table; once. Then each CPU loads it.
void trap_init(void);
void trap_init_cpu(void);

// Runs handler(argument), interrupts off, for interrupts of this vector.
void trap_set_interrupt(unsigned vector, void (*handler)(void *), void *argument);

// Called from entry.S, interrupts off.
void trap_user(struct trapframe *frame);      // from user mode
void trap_kernel(struct trapframe *frame);    // from the kernel
void trap_special(struct trapframe *frame);   // NMI, double fault, machine check
void trap_user_work(struct trapframe *frame); // before user mode, work pending

// "page fault" and the like.
const char *trap_name(unsigned vector);
