// SPDX-License-Identifier: MIT
// process.c - making and ending processes and threads.
#include "kernel/proc/process.h"

#include "abi/sched.h"
#include "kernel/proc/thread.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/user.h"

CALL0(fork)
{
    return process_clone(&(struct clone_request){ .exit_signal = SIGCHLD });
}

CALL0(vfork)
{
    return process_clone(
        &(struct clone_request){ .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD });
}

// With this old call the pidfd goes where the parent's copy of the number would go.
CALL5(clone, uint64_t, flags, vaddr_t, stack, vaddr_t, parent_tid, vaddr_t, child_tid, vaddr_t, tls)
{
    struct clone_request request = {
        .flags = (uint32_t)flags & ~(uint64_t)CSIGNAL,
        .exit_signal = (int)(flags & CSIGNAL),
        .stack = stack,
        .tls = tls,
        .parent_tid = parent_tid,
        .child_tid = child_tid,
        .pidfd = parent_tid,
    };

    if (flags & CLONE_PIDFD && flags & (CLONE_PARENT_SETTID | CLONE_DETACHED))
        return -EINVAL;
    return process_clone(&request);
}

static int check_clone_args(const struct linux_clone_args *args)
{
    uint64_t top;

    if (args->flags & (CSIGNAL | CLONE_DETACHED | CLONE_INTO_CGROUP) ||
        args->exit_signal > SIGNAL_COUNT)
        return -EINVAL;
    if (args->flags & (CLONE_THREAD | CLONE_PARENT) && args->exit_signal != 0)
        return -EINVAL;
    if (args->set_tid_size != 0 || args->set_tid != 0)
        return -EINVAL; // numbers are given out by the box alone
    if ((args->stack == 0) != (args->stack_size == 0))
        return -EINVAL;
    if (__builtin_add_overflow(args->stack, args->stack_size, &top) || top > USER_END)
        return -EINVAL;
    return 0;
}

CALL2(clone3, vaddr_t, from, size_t, size)
{
    struct linux_clone_args args;
    struct clone_request request;
    int error = user_load_versioned(&args, sizeof(args), CLONE_ARGS_SIZE_VER0, from, size);

    if (error == 0)
        error = check_clone_args(&args);
    if (error != 0)
        return error;
    request = (struct clone_request){
        .flags = args.flags,
        .exit_signal = (int)args.exit_signal,
        .stack = args.stack + args.stack_size,
        .tls = args.tls,
        .parent_tid = args.parent_tid,
        .child_tid = args.child_tid,
        .pidfd = args.pidfd,
    };
    return process_clone(&request);
}

// Members are never moved between boxes, and a thread never leaves its process's names.
CALL1(unshare, uint64_t, flags)
{
    (void)flags;
    return -EINVAL;
}

CALL2(setns, int, fd, int, type)
{
    (void)fd;
    (void)type;
    return -EINVAL;
}

CALL1(exit, int, code)
{
    uthread_exit_current(code & 0xff);
}

CALL1(exit_group, int, code)
{
    process_current_exit(code & 0xff);
}

CALL1(set_tid_address, vaddr_t, address)
{
    struct uthread *thread = uthread_current();

    thread->clear_child_tid = address;
    return thread->tid;
}
