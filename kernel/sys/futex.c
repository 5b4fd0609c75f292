// SPDX-License-Identifier: MIT
// futex.c - futex, robust lists.
#include "kernel/ipc/futex.h"

#include "abi/time.h"
#include "kernel/proc/thread.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/user.h"

static bool has_timeout(unsigned operation)
{
    switch (operation) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_WAIT_REQUEUE_PI:
        return true;
    default:
        return false;
    }
}

// restart_data: 0 operation and flag, 1 address, 2 value, 3 value3, 4 address2, 5 the deadline.
static int64_t futex_on(struct uthread *thread)
{
    struct futex_request request = {
        .operation = (unsigned)thread->restart_data[0] & ~(unsigned)FUTEX_PRIVATE_FLAG,
        .private = (thread->restart_data[0] & FUTEX_PRIVATE_FLAG) != 0,
        .address = thread->restart_data[1],
        .value = (uint32_t)thread->restart_data[2],
        .value3 = (uint32_t)thread->restart_data[3],
        .address2 = thread->restart_data[4],
        .deadline_ns = thread->restart_data[5],
    };
    int64_t result = futex_operate(&request);

    if (result != -EINTR)
        return result;
    if (request.deadline_ns == NSEC_NEVER)
        return -ERESTARTSYS;
    thread->restart = futex_on;
    return -ERESTART_RESTARTBLOCK;
}

static int64_t futex_wait_call(vaddr_t address, unsigned flags, uint32_t value,
                               vaddr_t timeout_from, vaddr_t address2, uint32_t value3)
{
    struct uthread *thread = uthread_current();
    struct linux_timespec timeout;
    nsec_t deadline = NSEC_NEVER;
    int error;

    if (timeout_from != 0) {
        error = user_load(&timeout, timeout_from);
        if (error == 0)
            error = futex_deadline(flags, &timeout, &deadline);
        if (error != 0)
            return error;
    }
    thread->restart_data[0] = flags & ~(unsigned)FUTEX_CLOCK_REALTIME;
    thread->restart_data[1] = address;
    thread->restart_data[2] = value;
    thread->restart_data[3] = value3;
    thread->restart_data[4] = address2;
    thread->restart_data[5] = deadline;
    return futex_on(thread);
}

CALL6(futex, vaddr_t, address, unsigned, flags, uint32_t, value, uint64_t, timeout_or_value2,
      vaddr_t, address2, uint32_t, value3)
{
    struct futex_request request = {
        .operation = flags & (unsigned)FUTEX_CMD_MASK,
        .private = (flags & FUTEX_PRIVATE_FLAG) != 0,
        .address = address,
        .value = value,
        .value2 = (uint32_t)timeout_or_value2,
        .value3 = value3,
        .address2 = address2,
        .deadline_ns = NSEC_NEVER,
    };

    if (flags & FUTEX_CLOCK_REALTIME && request.operation != FUTEX_WAIT &&
        request.operation != FUTEX_WAIT_BITSET && request.operation != FUTEX_WAIT_REQUEUE_PI &&
        request.operation != FUTEX_LOCK_PI2)
        return -ENOSYS;
    if (has_timeout(request.operation))
        return futex_wait_call(address, flags, value, timeout_or_value2, address2, value3);
    return restartable(futex_operate(&request));
}

CALL2(set_robust_list, vaddr_t, head, size_t, size)
{
    struct uthread *thread = uthread_current();

    if (size != sizeof(struct linux_robust_list_head))
        return -EINVAL;
    thread->robust_list = head;
    thread->robust_size = size;
    return 0;
}

CALL3(get_robust_list, pid_t, tid, vaddr_t, head_to, vaddr_t, size_to)
{
    struct uthread *thread = uthread_current();
    uint64_t size = sizeof(struct linux_robust_list_head);
    uint64_t head;

    if (tid < 0)
        return -ESRCH;
    if (tid == 0) {
        head = thread->robust_list;
    } else {
        thread = uthread_find(tid, true);
        if (thread == NULL)
            return -ESRCH;
        head = thread->robust_list;
        uthread_put(thread);
    }
    if (user_store(size_to, &size) != 0 || user_store(head_to, &head) != 0)
        return -EFAULT;
    return 0;
}
