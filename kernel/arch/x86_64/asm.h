// SPDX-License-Identifier: MIT
// asm.h - numbers that both assembly and C of this folder use. No declarations.
#pragma once

// Segment selectors; the user's are those that Linux programs see in signal frames. The order is
// what syscall and sysret ask for (AMD64 APM 2 6.1.1). There is no 32-bit user code segment.
#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define SYSRET_BASE 0x23
#define USER_DS 0x2b
#define USER_CS 0x33
#define CPU_NUMBER_SELECTOR 0x3b // its limit is the CPU's number, for programs (vdso.c)
#define TSS_SELECTOR 0x40

#define CR0_MP 0x2
#define CR0_EM 0x4
#define CR0_TS 0x8
#define CR0_NE 0x20
#define CR0_WP 0x10000
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define CR4_PGE 0x80
#define CR4_OSFXSR 0x200
#define CR4_OSXMMEXCPT 0x400
#define CR4_UMIP 0x800
#define CR4_FSGSBASE 0x10000
#define CR4_OSXSAVE 0x40000
#define CR4_SMEP 0x100000
#define CR4_SMAP 0x200000

#define MSR_APIC_BASE 0x1b
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_SFMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define EFER_SCE 0x1
#define EFER_LME 0x100
#define EFER_NXE 0x800

#define FLAGS_CF 0x1
#define FLAGS_FIXED 0x2
#define FLAGS_TF 0x100
#define FLAGS_IF 0x200
#define FLAGS_DF 0x400
#define FLAGS_NT 0x4000
#define FLAGS_RF 0x10000
#define FLAGS_AC 0x40000

// Offsets in struct trapframe, struct thread and struct tss; thread.c checks them.
#define FRAME_R15 0
#define FRAME_R11 48
#define FRAME_R10 56
#define FRAME_R9 64
#define FRAME_R8 72
#define FRAME_RAX 80
#define FRAME_RDX 96
#define FRAME_RSI 104
#define FRAME_RDI 112
#define FRAME_VECTOR 120
#define FRAME_RIP 136
#define FRAME_CS 144
#define FRAME_RFLAGS 152
#define FRAME_RSP 160
#define FRAME_SIZE 176
#define FRAME_VECTOR_SYSCALL 256
#define THREAD_USER_CYCLES 8
#define THREAD_USER_SINCE 16
#define THREAD_STACK_TOP 48
#define THREAD_WORK 104
#define TSS_RSP0 4

// Kinds of entries of the exception table: what a page fault at that instruction means.
#define EXTABLE_COPY 0    // resolve the fault and try again, or else go to the fixup
#define EXTABLE_NOFAULT 1 // go to the fixup at once

#define IMAGE_OFFSET 0xffffffff80000000
#define MULTIBOOT2_MAGIC 0x36d76289
