// SPDX-License-Identifier: MIT
// dispatch.c - from the number of a system call to its handler.
#include "kernel/sys/calls.h"

#include "abi/errors.h"
#include "abi/syscall.h"
#include "kernel/arch/arch.h"
#include "kernel/log/planted.h"
#include "kernel/proc/note.h"
#include "kernel/proc/process.h"

static sys_call_fn *const handlers[SYSCALL_LIMIT] = {
#define SERVED(name) [SYS_##name] = sys_##name,
#include "kernel/sys/served.def"
#undef SERVED
};

static const char *const names[SYSCALL_LIMIT] = {
#define SYSCALL(number, name) [number] = #name,
#include "abi/syscalls.def"
#undef SYSCALL
};

void sys_dispatch(struct trapframe *frame)
{
    uint32_t number = (uint32_t)arch_frame_number(frame); // as on Linux, the lower half of rax
    int64_t result = -ENOSYS;

    if (likely(number < SYSCALL_LIMIT) && likely(handlers[number] != NULL)) {
        result = handlers[number](arch_frame_argument(frame, 0), arch_frame_argument(frame, 1),
                                  arch_frame_argument(frame, 2), arch_frame_argument(frame, 3),
                                  arch_frame_argument(frame, 4), arch_frame_argument(frame, 5));
        if (unlikely(result == -EFAULT))
            process_bad_pointer(names[number], arch_frame_ip(frame));
    } else if (planted("numbers-unchecked") && number == SYSCALL_LIMIT) {
        result = 0; // whatever lay behind the table
    }
    if (unlikely(result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK))
        note_set_result(frame, result);
    else
        arch_frame_set_result(frame, result);
}
