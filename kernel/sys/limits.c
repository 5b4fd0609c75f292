// SPDX-License-Identifier: MIT
// limits.c - resource limits, usage, and nice.
#include "abi/resource.h"

#include "kernel/proc/box.h"
#include "kernel/proc/process.h"
#include "kernel/proc/session.h"
#include "kernel/proc/thread.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/nice.h"
#include "kernel/sys/user.h"

static int64_t limit_calls(unsigned which, vaddr_t from, vaddr_t old_to)
{
    uint64_t limit[2], old[2];
    int error;

    if (which >= RLIM_NLIMITS)
        return -EINVAL;
    if (from != 0) {
        error = user_load(&limit, from);
        if (error == 0)
            error = process_set_rlimit(process_current(), which, limit, old);
        if (error != 0)
            return error;
    } else {
        old[0] = process_current()->rlimits[which][0];
        old[1] = process_current()->rlimits[which][1];
    }
    return old_to != 0 ? user_store(old_to, &old) : 0;
}

CALL2(getrlimit, unsigned, which, vaddr_t, to)
{
    return which < RLIM_NLIMITS && to == 0 ? -EFAULT : limit_calls(which, 0, to);
}

CALL2(setrlimit, unsigned, which, vaddr_t, from)
{
    return which < RLIM_NLIMITS && from == 0 ? -EFAULT : limit_calls(which, from, 0);
}

// Limits of another process are shown, and changed by nobody else.
CALL4(prlimit64, pid_t, pid, unsigned, which, vaddr_t, from, vaddr_t, old_to)
{
    struct process *process;
    uint64_t old[2];

    if (pid == 0 || pid == process_current()->pid)
        return limit_calls(which, from, old_to);
    if (which >= RLIM_NLIMITS)
        return -EINVAL;
    process = pid_find(box_current(), pid);
    if (process == NULL)
        return -ESRCH;
    old[0] = process->rlimits[which][0];
    old[1] = process->rlimits[which][1];
    process_put(process);
    if (from != 0)
        return -EPERM;
    return old_to != 0 ? user_store(old_to, &old) : 0;
}

static struct linux_rusage thread_rusage(void)
{
    struct uthread *thread = uthread_current();
    struct usage usage = { 0 };
    struct linux_rusage rusage;

    process_usage(process_current(), &rusage); // for the memory, which threads share
    uthread_usage(thread, &usage);
    rusage.ru_utime = time_to_timeval(usage.user_ns);
    rusage.ru_stime = time_to_timeval(usage.kernel_ns);
    rusage.ru_minflt = (int64_t)usage.faults_minor;
    rusage.ru_majflt = (int64_t)usage.faults_major;
    rusage.ru_nvcsw = (int64_t)usage.switches_voluntary;
    rusage.ru_nivcsw = (int64_t)usage.switches_forced;
    return rusage;
}

CALL2(getrusage, int, who, vaddr_t, to)
{
    struct linux_rusage rusage;

    switch (who) {
    case RUSAGE_SELF:
        process_usage(process_current(), &rusage);
        break;
    case RUSAGE_CHILDREN:
        process_children_usage(process_current(), &rusage);
        break;
    case RUSAGE_THREAD:
        rusage = thread_rusage();
        break;
    default:
        return -EINVAL;
    }
    return user_store(to, &rusage);
}

// nice 19 to -20 is prio 0 to 39.
static int nice_of(const struct process *process)
{
    return 19 - (int)process_priority(process);
}

struct nice_walk {
    int which;
    pid_t group;
    uid_t uid;
    bool set;
    int nice;     // to set
    int best;     // the least found, 20 less it is what getpriority returns
    bool found;
    bool refused;
};

// Lowering is always allowed, raising up to what RLIMIT_NICE says, as euid 0 up to the most.
int nice_set(struct process *process, int nice)
{
    if (nice < nice_of(process) && process_current()->euid != 0 &&
        (uint64_t)(20 - nice) > process_rlimit(RLIMIT_NICE))
        return -EACCES;
    process_set_priority(process, (unsigned)(19 - nice));
    return 0;
}

static void visit_process(struct nice_walk *walk, struct process *process)
{
    int now = nice_of(process);

    walk->found = true;
    walk->best = MIN(walk->best, now);
    if (walk->set && nice_set(process, walk->nice) != 0)
        walk->refused = true;
}

static bool concerns(const struct nice_walk *walk, pid_t pid, const struct process *process)
{
    if (walk->which == PRIO_USER)
        return process->uid == walk->uid;
    return process_get_group(pid) == walk->group;
}

// Groups and users are found by looking at every process of the box.
static void walk_box(struct nice_walk *walk)
{
    pid_t pid = 0;

    while ((pid = pid_next(box_current(), pid)) != 0 && !thread_relax()) {
        struct process *process = pid_find(box_current(), pid);

        if (process == NULL)
            continue;
        if (process->box == box_current() && concerns(walk, pid, process))
            visit_process(walk, process);
        process_put(process);
    }
}

static int walk_nice(struct nice_walk *walk, int which, int id)
{
    struct process *process;
    int group;

    walk->which = which;
    walk->best = 20;
    switch (which) {
    case PRIO_PROCESS:
        process = id == 0 ? pid_find(box_current(), process_current()->pid)
                          : pid_find(box_current(), id);
        if (process == NULL)
            return -ESRCH;
        visit_process(walk, process);
        process_put(process);
        break;
    case PRIO_PGRP:
        group = id == 0 ? process_get_group(0) : id;
        if (group < 0)
            return group;
        walk->group = group;
        walk_box(walk);
        break;
    case PRIO_USER:
        walk->uid = id == 0 ? process_current()->uid : (uid_t)id;
        walk_box(walk);
        break;
    default:
        return -EINVAL;
    }
    if (!walk->found)
        return -ESRCH;
    return walk->refused ? -EACCES : 0;
}

// Returns 20 less the nice value, so that it is never negative.
CALL2(getpriority, int, which, int, id)
{
    struct nice_walk walk = { .set = false };
    int error = walk_nice(&walk, which, id);

    return error != 0 ? error : 20 - walk.best;
}

CALL3(setpriority, int, which, int, id, int, nice)
{
    struct nice_walk walk = { .set = true };

    walk.nice = MAX(-20, MIN(nice, 19));
    return walk_nice(&walk, which, id);
}
