// SPDX-License-Identifier: MIT
// syscall.h - the numbers of the system calls: SYS_read, SYS_write, …
#pragma once

enum syscall_number {
#define SYSCALL(number, name) SYS_##name = (number),
#include "abi/syscalls.def"
#undef SYSCALL
    SYSCALL_LIMIT // one past the greatest
};
