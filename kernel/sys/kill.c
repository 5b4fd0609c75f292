// SPDX-License-Identifier: MIT
// kill.c - sending signals. A caller reaches the members of its own box and the heads of the boxes
// made in it.
#include "abi/signal.h"
#include "kernel/proc/box.h"
#include "kernel/proc/note.h"
#include "kernel/proc/process.h"
#include "kernel/proc/session.h"
#include "kernel/proc/thread.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/user.h"

// For members of the caller's own box.
static struct linux_siginfo info_from_caller(int number)
{
    struct process *process = process_current();
    struct linux_siginfo info = { .si_signo = number, .si_code = SI_USER };

    info.si_pid = process->pid;
    info.si_uid = process->uid;
    return info;
}

// made: an info that the caller made itself; NULL: none, the kernel makes it.
static void note_maker(struct linux_siginfo *made, const struct process *target)
{
    pid_t number = process_number(process_current(), target->box);

    if (made != NULL)
        made->si_padding = number != 0 ? number : SIGNAL_MADE_OUTSIDE;
}

static int64_t send_to_number(pid_t pid, int number, struct linux_siginfo *made)
{
    struct process *process = pid_find(box_current(), pid);
    struct record *record;
    int error;

    if (process == NULL) {
        // The dead who wait to be reaped take signals and do nothing.
        record = pid_find_record(box_current(), pid, false);
        if (record == NULL)
            return -ESRCH;
        record_put(record);
        return 0;
    }
    note_maker(made, process);
    error = signal_send_process(process, (unsigned)number, made);
    process_put(process);
    return error == -ESRCH ? 0 : error;
}

CALL2(kill, pid_t, pid, int, number)
{
    struct linux_siginfo info = info_from_caller(number);
    int group;

    if (number < 0 || number > SIGNAL_COUNT)
        return -EINVAL;
    if (pid > 0)
        return send_to_number(pid, number, NULL);
    if (pid == -1)
        return signal_send_all((unsigned)number, &info);
    if (pid == INT32_MIN)
        return -ESRCH;
    group = pid == 0 ? process_get_group(0) : -pid;
    return group < 0 ? group : signal_send_group(box_current(), group, (unsigned)number, &info);
}

// group: the process that the thread must belong to, or -1: any.
static int64_t send_to_thread(pid_t group, pid_t tid, int number, struct linux_siginfo *made)
{
    struct uthread *thread;
    int error = -ESRCH;

    if (tid <= 0 || number < 0 || number > SIGNAL_COUNT)
        return -EINVAL;
    thread = uthread_find(tid, true);
    if (thread == NULL)
        return -ESRCH;
    if (group == -1 || thread->process->pid == group) {
        note_maker(made, thread->process);
        error = signal_send_thread(thread, (unsigned)number, made);
    }
    uthread_put(thread);
    return error;
}

CALL2(tkill, pid_t, tid, int, number)
{
    return send_to_thread(-1, tid, number, NULL);
}

CALL3(tgkill, pid_t, group, pid_t, tid, int, number)
{
    return group <= 0 ? -EINVAL : send_to_thread(group, tid, number, NULL);
}

// An info of the caller's making may not look like the kernel's or like kill's, unless it is for
// itself.
static int load_info(vaddr_t from, int number, bool self, struct linux_siginfo *info)
{
    int error = user_load(info, from);

    if (error != 0)
        return error;
    info->si_signo = number;
    return !self && (info->si_code >= 0 || info->si_code == SI_TKILL) ? -EPERM : 0;
}

CALL3(rt_sigqueueinfo, pid_t, pid, int, number, vaddr_t, from)
{
    struct linux_siginfo info;
    int error = load_info(from, number, pid == process_current()->pid, &info);

    if (error != 0)
        return error;
    if (number < 0 || number > SIGNAL_COUNT)
        return -EINVAL;
    return pid <= 0 ? -ESRCH : send_to_number(pid, number, &info);
}

CALL4(rt_tgsigqueueinfo, pid_t, group, pid_t, tid, int, number, vaddr_t, from)
{
    struct linux_siginfo info;
    int error;

    if (group <= 0 || tid <= 0)
        return -EINVAL;
    error = load_info(from, number, group == process_current()->pid, &info);
    return error != 0 ? error : send_to_thread(group, tid, number, &info);
}

CALL4(pidfd_send_signal, int, fd, int, number, vaddr_t, from, unsigned, flags)
{
    struct linux_siginfo info;
    struct process *process;
    int error;

    if (flags != 0)
        return -EINVAL;
    error = fd_get_process(fd, RIGHT_WRITE, &process);
    if (error != 0)
        return error;
    if (number < 0 || number > SIGNAL_COUNT)
        error = -EINVAL;
    if (error == 0 && from != 0) {
        error = load_info(from, number, process == process_current(), &info);
        if (error == 0 && info.si_signo != number)
            error = -EINVAL;
    }
    if (error == 0 && from != 0)
        note_maker(&info, process);
    if (error == 0)
        error = signal_send_process(process, (unsigned)number, from != 0 ? &info : NULL);
    process_put(process);
    return error;
}
