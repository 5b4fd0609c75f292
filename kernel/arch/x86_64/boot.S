// SPDX-License-Identifier: MIT
// boot.S - from the loader's 32-bit protected mode, paging off, to arch_boot in 64-bit mode.
//
// The early page tables map the first 4 GiB three times with 2 MiB pages: at 0, at DIRECT_BASE, and
// (the first GiB) at -2 GiB. They stay: other CPUs start on them too.
// Sources: Multiboot2 1.6 (3.1.2), Xen docs/misc/pvh.pandoc, Intel SDM 3A 10.8.5.

#include "kernel/arch/x86_64/asm.h"

    .section .boot.header, "a"
    .balign 8
multiboot2_header:
    .long 0xe85250d6, 0, multiboot2_header_end - multiboot2_header
    .long -(0xe85250d6 + 0 + (multiboot2_header_end - multiboot2_header))
    // Modules on page boundaries (tag 6).
    .short 6, 0
    .long 8
    // The end tag.
    .short 0, 0
    .long 8
multiboot2_header_end:

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, 18 // name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long pvh_entry

    .section .boot.bss, "aw", @nobits
    .balign 4096
    .globl boot_pml4
boot_pml4:
    .skip 4096
boot_pdpt_low:
    .skip 4096
boot_pdpt_high:
    .skip 4096
boot_pd:
    .skip 4 * 4096

    .section .boot.data, "aw"
    .balign 8
    .globl boot_gdt
boot_gdt:
    .quad 0, 0
    .quad 0x00af9a000000ffff // KERNEL_CS
    .quad 0x00cf92000000ffff // KERNEL_DS
boot_gdt_pointer:
    .short boot_gdt_pointer - boot_gdt - 1
    .long boot_gdt

// Turns on long mode with the early tables and goes on at target. Keeps esi, edi.
.macro ENTER_LONG_MODE target
    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov $boot_pml4, %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    rdmsr
    or $(EFER_LME | EFER_NXE | EFER_SCE), %eax
    wrmsr
    mov %cr0, %eax
    or $(CR0_PG | CR0_WP | 1), %eax
    mov %eax, %cr0
    lgdt boot_gdt_pointer
    ljmp $KERNEL_CS, $\target
.endm

// Null selectors, and GS base 0: until this CPU has a copy, its per-CPU data are the template
// itself.
.macro CLEAR_SEGMENTS
    mov $KERNEL_DS, %eax
    mov %eax, %ss
    xor %eax, %eax
    xor %edx, %edx
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    mov $MSR_GS_BASE, %ecx
    wrmsr
.endm

    .section .boot.text, "ax"
    .code32
    .globl multiboot2_entry
multiboot2_entry:
    mov $1, %edi
    jmp start_32

    .globl pvh_entry
pvh_entry:
    xor %edi, %edi

start_32: // edi: 1 for multiboot2; ebx: the physical address of what the loader tells
    cli
    cld
    rdtsc
    mov %eax, boot_tsc
    mov %edx, boot_tsc + 4
    mov %ebx, %esi

    // Long mode and no-execute: CPUID 0x80000001 EDX bits 29 and 20.
    mov $0x80000001, %eax
    cpuid
    and $0x20100000, %edx
    cmp $0x20100000, %edx
    jne refuse

    // Four tables of 512 pages of 2 MiB: present, writable, large.
    mov $boot_pd, %eax
    mov $0x83, %ecx
1:  mov %ecx, (%eax)
    movl $0, 4(%eax)
    add $8, %eax
    add $0x200000, %ecx
    cmp $boot_pd + 4 * 4096, %eax
    jne 1b
    movl $boot_pd + 0x0003, boot_pdpt_low
    movl $boot_pd + 0x1003, boot_pdpt_low + 8
    movl $boot_pd + 0x2003, boot_pdpt_low + 16
    movl $boot_pd + 0x3003, boot_pdpt_low + 24
    movl $boot_pd + 0x0003, boot_pdpt_high + 510 * 8
    movl $boot_pdpt_low + 3, boot_pml4
    movl $boot_pdpt_low + 3, boot_pml4 + 256 * 8
    movl $boot_pdpt_high + 3, boot_pml4 + 511 * 8
    ENTER_LONG_MODE start_64

refuse: // says why on the first serial port
    mov $refusal, %esi
1:  lodsb
    test %al, %al
    jz 2f
    mov $0x3f8, %dx
    out %al, %dx
    jmp 1b
2:  hlt
    jmp 2b

// Another CPU comes here from the trampoline, in 32-bit protected mode.
    .globl ap_start_32
ap_start_32:
    ENTER_LONG_MODE ap_start_64

    .code64
start_64:
    CLEAR_SEGMENTS
    movabs $boot_stack_top, %rsp
    xor %ebp, %ebp
    push %rbp
    xchg %esi, %edi // arch_boot(information, multiboot2, tsc)
    mov $boot_tsc, %edx
    mov (%rdx), %rdx
    movabs $arch_boot, %rax
    jmp *%rax

ap_start_64:
    CLEAR_SEGMENTS
    movabs $ap_stack_top, %rax
    mov (%rax), %rsp
    movabs $ap_root, %rax
    mov (%rax), %rax
    movabs $1f, %rcx
    jmp *%rcx

    .text
    // In the image, so that the early tables may go. SIPI starts one CPU at a time: no other reads
    // these.
1:  mov %rax, %cr3
    xor %ebp, %ebp
    push %rbp
    jmp ap_main

    .section .boot.data, "aw"
    .balign 8
boot_tsc:
    .quad 0
refusal:
    .asciz "boxwork: this CPU has no 64-bit mode with no-execute pages\n"

    .section .bss.guard, "aw", @nobits
    .balign 4096
    .globl boot_stack_guard
boot_stack_guard: // not mapped in the kernel's root
    .skip 4096
    .skip 16384
    .globl boot_stack_top
boot_stack_top:
