// SPDX-License-Identifier: MIT
// vdso_image.S - the vDSO as it is mapped into programs: a page of its own.

    .section .rodata.vdso, "a"
    .balign 4096
    .globl vdso_image
vdso_image:
    .incbin VDSO_IMAGE
    .org vdso_image + 4096 // an error if it has more
    .section .note.GNU-stack, "", @progbits
