// SPDX-License-Identifier: MIT
// usercopy.S - the instructions that touch user memory, each with an entry in the exception table.
//
// SMAP is lifted (stac) around them alone. user.c has checked the ranges. Every function returns 0,
// or -1 after a fault that could not be resolved; a fault leaves by label 3, which is in the table.

#include "kernel/arch/x86_64/asm.h"

    .text

// Bytes 0f 01 cb and 0f 01 ca, written by boot over a no-operation where the CPU has SMAP.
.macro SMAP_SITE bytes
9:  nopl (%rax)
    .pushsection .smap_sites, "a"
    .quad 9b
    .quad \bytes
    .popsection
.endm
#define STAC SMAP_SITE 0xcb010f
#define CLAC SMAP_SITE 0xca010f

.macro MAY_FAULT instruction, fixup, kind
    .pushsection .extable, "a"
    .quad \instruction, \fixup, \kind
    .popsection
.endm

// int user_copy(void *to, const void *from, size_t size)
    .globl user_copy
user_copy:
    STAC
    mov %rdx, %rcx
    and $7, %edx
    shr $3, %rcx
1:  rep movsq
    mov %edx, %ecx
2:  rep movsb
    xor %eax, %eax
    CLAC
    ret
3:  mov $-1, %eax
    CLAC
    ret
    MAY_FAULT 1b, 3b, EXTABLE_COPY
    MAY_FAULT 2b, 3b, EXTABLE_COPY

// int user_zero(void *to, size_t size)
    .globl user_zero
user_zero:
    STAC
    mov %rsi, %rcx
    and $7, %esi
    shr $3, %rcx
    xor %eax, %eax
1:  rep stosq
    mov %esi, %ecx
2:  rep stosb
    CLAC
    ret
3:  mov $-1, %eax
    CLAC
    ret
    MAY_FAULT 1b, 3b, EXTABLE_COPY
    MAY_FAULT 2b, 3b, EXTABLE_COPY

// ssize_t user_string(char *to, const char *from, size_t size): up to and with the NUL.
// Returns: its length without it; size if there was none; -1.
    .globl user_string
user_string:
    STAC
    xor %eax, %eax
    jmp 2f
1:  movb (%rsi, %rax), %cl
    movb %cl, (%rdi, %rax)
    test %cl, %cl
    jz 4f
    inc %rax
2:  cmp %rdx, %rax
    jb 1b
4:  CLAC
    ret
3:  mov $-1, %rax
    CLAC
    ret
    MAY_FAULT 1b, 3b, EXTABLE_COPY

// int user_get_8|16|32|64(void *to, const void *from), int user_put_...(void *to, const void *from)
.macro SINGLE name, load, store, register
    .globl user_get_\name, user_put_\name
user_get_\name:
    STAC
1:  \load (%rsi), \register
    CLAC
    \store \register, (%rdi)
    xor %eax, %eax
    ret
    MAY_FAULT 1b, user_single_failed, EXTABLE_COPY
user_put_\name:
    \load (%rsi), \register
    STAC
1:  \store \register, (%rdi)
    CLAC
    xor %eax, %eax
    ret
    MAY_FAULT 1b, user_single_failed, EXTABLE_COPY
.endm
SINGLE 8, movb, movb, %al
SINGLE 16, movw, movw, %ax
SINGLE 32, movl, movl, %eax
SINGLE 64, movq, movq, %rax
user_single_failed:
    mov $-1, %eax
    CLAC
    ret

// int user_load_nofault(const uint32_t *from, uint32_t *value)
    .globl user_load_nofault
user_load_nofault:
    STAC
1:  mov (%rdi), %eax
    CLAC
    mov %eax, (%rsi)
    xor %eax, %eax
    ret
    MAY_FAULT 1b, user_single_failed, EXTABLE_NOFAULT

// int user_cmpxchg_nofault(uint32_t *at, uint32_t expected, uint32_t desired, uint32_t *old)
    .globl user_cmpxchg_nofault
user_cmpxchg_nofault:
    mov %esi, %eax
    STAC
1:  lock cmpxchg %edx, (%rdi)
    CLAC
    mov %eax, (%rcx)
    xor %eax, %eax
    ret
    MAY_FAULT 1b, user_single_failed, EXTABLE_NOFAULT

// int user_xsave(void *area, bool xsave), int user_xrstor(const void *area, bool xsave): the FPU
// state in the components that XCR0 names. The area is the user's: a malformed one raises #GP here.
    .globl user_xsave, user_xrstor
user_xsave:
    mov $-1, %eax
    mov %eax, %edx
    STAC
    test %sil, %sil
    jz 2f
1:  xsave64 (%rdi)
    jmp 4f
2:  fxsave64 (%rdi)
4:  CLAC
    xor %eax, %eax
    ret
    MAY_FAULT 1b, user_single_failed, EXTABLE_COPY
    MAY_FAULT 2b, user_single_failed, EXTABLE_COPY
user_xrstor:
    mov $-1, %eax
    mov %eax, %edx
    STAC
    test %sil, %sil
    jz 2f
1:  xrstor64 (%rdi)
    jmp 4f
2:  fxrstor64 (%rdi)
4:  CLAC
    xor %eax, %eax
    ret
    MAY_FAULT 1b, user_single_failed, EXTABLE_COPY
    MAY_FAULT 2b, user_single_failed, EXTABLE_COPY
