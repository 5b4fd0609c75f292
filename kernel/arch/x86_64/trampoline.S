// SPDX-License-Identifier: MIT
// trampoline.S - what another CPU runs first: copied to a page below 1 MiB, where it starts in real
// mode with CS:IP = page:0 (Intel SDM 3A 9.4.3). It knows no address but those relative to its
// page.

#include "kernel/arch/x86_64/asm.h"

    .section .rodata
    .code16
    .globl trampoline_start
trampoline_start:
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    lgdtl trampoline_gdt_pointer - trampoline_start
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmpl *(trampoline_target - trampoline_start)

    .balign 4
trampoline_target:
    .long trampoline_32 - trampoline_start // smp.c adds the page's address
    .short 0x18
trampoline_gdt_pointer:
    .short 4 * 8 - 1
    .long trampoline_gdt - trampoline_start // likewise

    .balign 8
trampoline_gdt:
    .quad 0, 0
    .quad 0x00cf92000000ffff // 0x10: data
    .quad 0x00cf9a000000ffff // 0x18: 32-bit code

    .code32
trampoline_32:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $ap_start_32, %eax
    jmp *%eax

    .globl trampoline_end, trampoline_target_at, trampoline_gdt_at
trampoline_end:
    .set trampoline_target_at, trampoline_target - trampoline_start
    .set trampoline_gdt_at, trampoline_gdt_pointer + 2 - trampoline_start
