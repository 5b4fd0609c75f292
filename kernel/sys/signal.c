// SPDX-License-Identifier: MIT
// signal.c - handlers, masks and waiting for signals.
#include "abi/signal.h"
#include "kernel/proc/note.h"
#include "kernel/proc/thread.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/user.h"

_Static_assert(sizeof(struct signal_action) == sizeof(struct linux_sigaction),
               "the same four words");

CALL4(rt_sigaction, int, number, vaddr_t, from, vaddr_t, old_to, size_t, size)
{
    struct signal_action action, old;
    int error;

    if (size != sizeof(uint64_t) || number < 1 || number > SIGNAL_COUNT)
        return -EINVAL;
    if (from != 0) {
        error = user_load(&action, from);
        if (error != 0)
            return error;
    }
    error = signal_set_action((unsigned)number, from != 0 ? &action : NULL, &old);
    if (error != 0 || old_to == 0)
        return error;
    return user_store(old_to, &old);
}

CALL4(rt_sigprocmask, int, how, vaddr_t, from, vaddr_t, old_to, size_t, size)
{
    uint64_t old = signal_mask();
    uint64_t set;
    int error;

    if (size != sizeof(set))
        return -EINVAL;
    if (from != 0) {
        error = user_load(&set, from);
        if (error != 0)
            return error;
        if (how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
            return -EINVAL;
        if (how == SIG_BLOCK)
            set |= old;
        else if (how == SIG_UNBLOCK)
            set = old & ~set;
        signal_set_blocked(set);
    }
    return old_to != 0 ? user_store(old_to, &old) : 0;
}

CALL2(rt_sigpending, vaddr_t, to, size_t, size)
{
    uint64_t set = signal_pending_set() & signal_mask();

    return size > sizeof(set) ? -EINVAL : arch_copy_to_user(to, &set, size);
}

CALL2(rt_sigsuspend, vaddr_t, from, size_t, size)
{
    uint64_t mask;
    int error = user_load_sigset(from, size, &mask);

    return error != 0 ? error : signal_suspend(mask);
}

CALL0(pause)
{
    return signal_suspend(signal_mask());
}

// restart_data: 0 the set, 1 where the info goes, 2 the deadline. A handler ends the wait.
static int64_t wait_on(struct uthread *thread)
{
    struct linux_siginfo info;
    int result = signal_wait(thread->restart_data[0], thread->restart_data[2], &info);
    vaddr_t info_to = thread->restart_data[1];

    if (result == -EINTR) {
        thread->restart = wait_on;
        return -ERESTART_RESTARTBLOCK;
    }
    if (result > 0 && info_to != 0 && user_store(info_to, &info) != 0)
        return -EFAULT;
    return result;
}

CALL4(rt_sigtimedwait, vaddr_t, from, vaddr_t, info_to, vaddr_t, timeout_from, size_t, size)
{
    struct uthread *thread = uthread_current();
    nsec_t timeout = NSEC_NEVER;
    uint64_t set;
    int error = user_load_sigset(from, size, &set);

    if (error == 0 && timeout_from != 0)
        error = user_load_timespec(timeout_from, &timeout);
    if (error != 0)
        return error;
    thread->restart_data[0] = set;
    thread->restart_data[1] = info_to;
    thread->restart_data[2] = deadline_after(timeout);
    return wait_on(thread);
}

CALL0(rt_sigreturn)
{
    return signal_return(arch_thread_frame(thread_current()));
}

CALL2(sigaltstack, vaddr_t, from, vaddr_t, old_to)
{
    vaddr_t sp = arch_frame_sp(arch_thread_frame(thread_current()));
    struct linux_stack stack, old;
    int error;

    if (from != 0) {
        error = user_load(&stack, from);
        if (error != 0)
            return error;
    }
    error = signal_set_altstack(from != 0 ? &stack : NULL, &old, sp);
    if (error != 0 || old_to == 0)
        return error;
    return user_store(old_to, &old);
}

CALL0(restart_syscall)
{
    return note_restart_call();
}
