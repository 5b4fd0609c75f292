// SPDX-License-Identifier: MIT
// nothing.S - a kernel that ends its machine at once: what is then measured is the launcher and QEMU. Entered by PVH.
    .section .note.pvh, "a", @note
    .long 4, 8, 18 // sizes of name and value; XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad _start

    .text
    .code32
    .globl _start
_start:
    xor %eax, %eax
    mov $0xf4, %dx // isa-debug-exit
    out %al, %dx
1:  hlt
    jmp 1b
