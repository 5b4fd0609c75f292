// SPDX-License-Identifier: MIT
// futex.h - waiting for a word of user memory to change.
#pragma once

#include "abi/futex.h"
#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct linux_timespec;

// One futex call, decoded. Which fields count depends on the operation, as in futex(2).
struct futex_request {
    unsigned operation; // FUTEX_*, without the flag bits
    bool private;       // FUTEX_PRIVATE_FLAG
    vaddr_t address;
    uint32_t value;  // expected word, or how many to wake
    uint32_t value2; // how many to requeue (the fourth argument)
    uint32_t value3; // expected word, bitset or operation (the sixth argument)
    vaddr_t address2;
    nsec_t deadline_ns; // of clock_now(); NSEC_NEVER: none
};

// Start-up; memory works, other CPUs may not run yet.
void futex_init(void);

// The deadline for the call operation_flags (with its flag bits), whose timeout argument is
// relative or a moment of one of two clocks. Errors: -EINVAL not a valid time.
int futex_deadline(unsigned operation_flags, const struct linux_timespec *timeout,
                   nsec_t *deadline_ns) MUST_CHECK;

// Returns what the system call returns. Errors: -EAGAIN the word differs; -ETIMEDOUT; -EINTR a
// signal or kill came; -EFAULT, -EINVAL, -ENOSYS; -EDEADLK, -EPERM, -ESRCH of the locks with an
// owner. Context: thread.
int64_t futex_operate(const struct futex_request *request) MUST_CHECK;

// Wakes one waiter, as the kernel does at clear_child_tid. Bad addresses are ignored.
void futex_wake_address(vaddr_t address);

// The calling thread, numbered tid, ends: every lock in its robust list, and every lock with an
// owner that others wait for, passes on with FUTEX_OWNER_DIED. head: 0 if none was set. Bad
// pointers end the walk. Context: in its space.
void futex_thread_exit(vaddr_t head, uint32_t tid);
