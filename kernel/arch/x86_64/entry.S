// SPDX-License-Identifier: MIT
// entry.S - the ways into the kernel and out of it: system calls, traps, interrupts; and the switch
// of stacks.
//
// All build a struct trapframe. From user mode it lies at the top of the thread's kernel stack.
// GS: the user's base while in user mode, this CPU's per-CPU offset in the kernel; swapgs exchanges
// the two and stands only where the way came from, or goes to, user mode. NMI, double fault and
// machine check can come between syscall and swapgs, so they run on stacks of their own, whose
// topmost word is this CPU's offset, and save GS base by value.
// Time: thread->arch.user_cycles grows on the way in by the counter's distance from user_since,
// which is set on the way out and is 0 in the kernel.
// Sources: Intel SDM 3A 6.14, 5.8.8; AMD64 APM 2 6.1.1.

#include "kernel/arch/x86_64/asm.h"

// The compiler's offsets of per-CPU variables are relative to the template: gs:name is this CPU's.
#define PERCPU(name) %gs:percpu_##name(%rip)

    .section .text.entry, "ax"

.macro PUSH_REGISTERS
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
.endm

// Leaves the stack at the vector.
.macro POP_REGISTERS
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
.endm

// The time in user mode ends. Leaves the current thread in rcx; uses rax, rdx.
.macro ACCOUNT_ENTRY
    mov PERCPU(arch_current), %rcx
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    sub THREAD_USER_SINCE(%rcx), %rax
    movq $0, THREAD_USER_SINCE(%rcx)
    add %rax, THREAD_USER_CYCLES(%rcx)
.endm

// It begins. Current thread in rcx; uses rax, rdx.
.macro ACCOUNT_EXIT
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, THREAD_USER_SINCE(%rcx)
.endm

// clac, where the CPU has it: boot writes it over the no-operation of the same length.
.macro CLAC
9:  nopl (%rax)
    .pushsection .smap_sites, "a"
    .quad 9b
    .quad 0xca010f
    .popsection
.endm

    .globl syscall_entry
    .balign 64
syscall_entry: // interrupts off (SFMASK); rcx: return address; r11: flags
    swapgs
    mov %rsp, PERCPU(arch_user_rsp)
    mov %gs:percpu_arch_tss + TSS_RSP0(%rip), %rsp
    push $USER_DS
    push PERCPU(arch_user_rsp)
    push %r11
    push $USER_CS
    push %rcx
    push %rax
    push $FRAME_VECTOR_SYSCALL
    PUSH_REGISTERS
    ACCOUNT_ENTRY
    sti
    xor %ebp, %ebp
    mov %rsp, %rdi
    call *trap_handlers(%rip) // .syscall, the first
    cli
    mov PERCPU(arch_current), %rcx
    cmpl $0, THREAD_WORK(%rcx)
    jne user_work
    // A frame that a signal return or a program start has rewritten does not say TRAP_SYSCALL any
    // more, and its address may be one that sysret must not be given (SDM 2B, SYSRET: a fault in
    // ring 0 on the user's stack).
    cmpl $FRAME_VECTOR_SYSCALL, FRAME_VECTOR(%rsp)
    jne user_iret
    mov FRAME_RIP(%rsp), %rdx
    shr $47, %rdx
    jnz user_iret
    ACCOUNT_EXIT
    // The compiler's callee-saved registers still hold the user's values, but for rbp.
    mov FRAME_RIP(%rsp), %rcx
    mov FRAME_RFLAGS(%rsp), %r11
    mov 32(%rsp), %rbp
    mov FRAME_R10(%rsp), %r10
    mov FRAME_R9(%rsp), %r9
    mov FRAME_R8(%rsp), %r8
    mov FRAME_RAX(%rsp), %rax
    mov FRAME_RDX(%rsp), %rdx
    mov FRAME_RSI(%rsp), %rsi
    mov FRAME_RDI(%rsp), %rdi
    mov FRAME_RSP(%rsp), %rsp
    swapgs
    sysretq

// The frame at rsp, interrupts off: does what must be done before user mode, then leaves.
user_exit:
    mov PERCPU(arch_current), %rcx
    cmpl $0, THREAD_WORK(%rcx)
    je user_iret
user_work:
    mov %rsp, %rdi
    call trap_user_work
    jmp user_exit

user_iret:
    // An address that is not canonical would fault here, in the kernel; the last user page is never
    // mapped and faults in user mode instead. The other fields hold values that the CPU pushed or
    // the kernel chose.
    mov FRAME_RIP(%rsp), %rax
    shr $47, %rax
    jz 1f
    movabs $0x7ffffffff000, %rax
    mov %rax, FRAME_RIP(%rsp)
1:  mov PERCPU(arch_current), %rcx
    ACCOUNT_EXIT
    POP_REGISTERS
    add $16, %rsp
    swapgs
    iretq

    .globl arch_enter_user
arch_enter_user:
    cli
    mov PERCPU(arch_current), %rcx
    mov THREAD_STACK_TOP(%rcx), %rsp
    sub $FRAME_SIZE, %rsp
    xor %ebp, %ebp
    jmp user_exit

// Every trap and interrupt but those of vectors 2, 8 and 18; the stub pushed error code (or 0) and
// vector.
trap_common:
    cld
    CLAC
    PUSH_REGISTERS
    mov %rsp, %rdi
    testb $3, FRAME_CS(%rsp)
    jz 1f
    swapgs
    ACCOUNT_ENTRY
    xor %ebp, %ebp
    call trap_user
    jmp user_exit
1:  call trap_kernel
    POP_REGISTERS
    add $16, %rsp
    iretq

// Vectors 2, 8 and 18, from anywhere, on a stack of their own.
trap_paranoid:
    cld
    CLAC
    PUSH_REGISTERS
    mov $MSR_GS_BASE, %ecx
    rdmsr
    mov %eax, %ebx
    mov %edx, %r12d
    mov FRAME_SIZE(%rsp), %eax
    mov FRAME_SIZE + 4(%rsp), %edx
    wrmsr
    mov %rsp, %rdi
    call trap_special
    mov $MSR_GS_BASE, %ecx
    mov %ebx, %eax
    mov %r12d, %edx
    wrmsr
    POP_REGISTERS
    add $16, %rsp
    iretq

// One stub a vector, 16 bytes each; trap.c computes their addresses. The CPU pushes an error code
// for 8, 10 to 14, 17, 21, 29 and 30 (SDM 3A 6.15).
    .globl trap_stubs
    .balign 16
trap_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .set has_code, vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
    .set has_code, has_code || vector == 29 || vector == 30
    .if !has_code
    push $0
    .endif
    push $vector
    .if vector == 2 || vector == 8 || vector == 18
    jmp trap_paranoid
    .else
    jmp trap_common
    .endif
    .set vector, vector + 1
    .endr

// struct thread *switch_stacks(uint64_t *save, uint64_t load, struct thread *from): returns from,
// on the other stack.
    .globl switch_stacks
switch_stacks:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    mov %rdx, %rax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

// Where a new thread's stack returns to first: rbx is its function, r12 the argument.
    .globl thread_begin
thread_begin:
    mov %r12, %rdi
    call *%rbx
    ud2
