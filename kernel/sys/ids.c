// SPDX-License-Identifier: MIT
// ids.c - numbers of processes, groups and sessions; uids and gids.
//
// uids and gids are labels: they follow Linux's rules among themselves (euid 0 may set any), and no
// rights check reads them.
#include "kernel/mem/account.h"
#include "kernel/proc/groups.h"
#include "kernel/proc/process.h"
#include "kernel/proc/session.h"
#include "kernel/proc/thread.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/user.h"

#define UNCHANGED ((uint32_t)-1)

CALL0(getpid)
{
    return process_current()->pid;
}

CALL0(getppid)
{
    return atomic_load_explicit(&process_current()->parent_pid, memory_order_relaxed);
}

CALL0(gettid)
{
    return uthread_current()->tid;
}

CALL1(getpgid, pid_t, pid)
{
    return pid < 0 ? -ESRCH : process_get_group(pid);
}

CALL0(getpgrp)
{
    return process_get_group(0);
}

CALL2(setpgid, pid_t, pid, pid_t, group)
{
    if (group < 0 || (group == 0 && pid < 0))
        return -EINVAL;
    if (pid < 0)
        return -ESRCH;
    return process_set_group(pid, group);
}

CALL1(getsid, pid_t, pid)
{
    return pid < 0 ? -ESRCH : process_get_session(pid);
}

CALL0(setsid)
{
    return session_create();
}

// The three numbers of one kind, uids or gids, of the calling process.
struct ids {
    uint32_t real, effective, saved;
};

static struct ids load_ids(bool group)
{
    struct process *process = process_current();

    if (group)
        return (struct ids){ process->gid, process->egid, process->sgid };
    return (struct ids){ process->uid, process->euid, process->suid };
}

// Both under the lock, since other threads of the process may read and set them at once.
static int64_t change_ids(bool group, int (*change)(struct ids *, bool, const uint32_t[3]),
                          const uint32_t wanted[3])
{
    struct process *process = process_current();
    uint64_t state = spin_lock_irq_save(&process->lock);
    struct ids ids = load_ids(group);
    int error = change(&ids, process->euid == 0, wanted);

    if (error == 0 && group) {
        process->gid = ids.real;
        process->egid = ids.effective;
        process->sgid = ids.saved;
    } else if (error == 0) {
        process->uid = ids.real;
        process->euid = ids.effective;
        process->suid = ids.saved;
    }
    spin_unlock_irq_restore(&process->lock, state);
    return error;
}

static bool is_one_of(const struct ids *ids, uint32_t id)
{
    return id == ids->real || id == ids->effective || id == ids->saved;
}

// setuid: the privileged set all three.
static int change_one(struct ids *ids, bool privileged, const uint32_t wanted[3])
{
    if (privileged)
        ids->real = ids->saved = wanted[0];
    else if (wanted[0] != ids->real && wanted[0] != ids->saved)
        return -EPERM;
    ids->effective = wanted[0];
    return 0;
}

// setreuid: the saved one follows the effective one when the real one is set, or the effective one
// to another than the real one.
static int change_two(struct ids *ids, bool privileged, const uint32_t wanted[3])
{
    uint32_t old_real = ids->real;

    if (!privileged && wanted[0] != UNCHANGED && wanted[0] != ids->real &&
        wanted[0] != ids->effective)
        return -EPERM;
    if (!privileged && wanted[1] != UNCHANGED && !is_one_of(ids, wanted[1]))
        return -EPERM;
    if (wanted[0] != UNCHANGED)
        ids->real = wanted[0];
    if (wanted[1] != UNCHANGED)
        ids->effective = wanted[1];
    if (wanted[0] != UNCHANGED || (wanted[1] != UNCHANGED && wanted[1] != old_real))
        ids->saved = ids->effective;
    return 0;
}

static int change_three(struct ids *ids, bool privileged, const uint32_t wanted[3])
{
    for (unsigned i = 0; i < 3; i++) {
        if (!privileged && wanted[i] != UNCHANGED && !is_one_of(ids, wanted[i]))
            return -EPERM;
    }
    if (wanted[0] != UNCHANGED)
        ids->real = wanted[0];
    if (wanted[1] != UNCHANGED)
        ids->effective = wanted[1];
    if (wanted[2] != UNCHANGED)
        ids->saved = wanted[2];
    return 0;
}

CALL0(getuid)
{
    return process_current()->uid;
}

CALL0(geteuid)
{
    return process_current()->euid;
}

CALL0(getgid)
{
    return process_current()->gid;
}

CALL0(getegid)
{
    return process_current()->egid;
}

CALL1(setuid, uint32_t, id)
{
    return id == UNCHANGED ? -EINVAL : change_ids(false, change_one, (uint32_t[3]){ id });
}

CALL1(setgid, uint32_t, id)
{
    return id == UNCHANGED ? -EINVAL : change_ids(true, change_one, (uint32_t[3]){ id });
}

CALL2(setreuid, uint32_t, real, uint32_t, effective)
{
    return change_ids(false, change_two, (uint32_t[3]){ real, effective });
}

CALL2(setregid, uint32_t, real, uint32_t, effective)
{
    return change_ids(true, change_two, (uint32_t[3]){ real, effective });
}

CALL3(setresuid, uint32_t, real, uint32_t, effective, uint32_t, saved)
{
    return change_ids(false, change_three, (uint32_t[3]){ real, effective, saved });
}

CALL3(setresgid, uint32_t, real, uint32_t, effective, uint32_t, saved)
{
    return change_ids(true, change_three, (uint32_t[3]){ real, effective, saved });
}

static int64_t store_ids(bool group, vaddr_t real_to, vaddr_t effective_to, vaddr_t saved_to)
{
    struct ids ids = load_ids(group);

    if (user_store(real_to, &ids.real) != 0 || user_store(effective_to, &ids.effective) != 0 ||
        user_store(saved_to, &ids.saved) != 0)
        return -EFAULT;
    return 0;
}

CALL3(getresuid, vaddr_t, real_to, vaddr_t, effective_to, vaddr_t, saved_to)
{
    return store_ids(false, real_to, effective_to, saved_to);
}

CALL3(getresgid, vaddr_t, real_to, vaddr_t, effective_to, vaddr_t, saved_to)
{
    return store_ids(true, real_to, effective_to, saved_to);
}

// The label of file access is the effective one: it cannot be set apart, which this call reports by
// leaving it.
CALL1(setfsuid, uint32_t, id)
{
    (void)id;
    return process_current()->euid;
}

CALL1(setfsgid, uint32_t, id)
{
    (void)id;
    return process_current()->egid;
}

CALL2(getgroups, int, room, vaddr_t, to)
{
    struct groups *groups = process_groups(process_current());
    int count = groups != NULL ? (int)groups->count : 0;
    int64_t result = count;

    if (room < 0 || (room != 0 && room < count))
        result = -EINVAL;
    else if (room != 0 && count != 0 &&
             arch_copy_to_user(to, groups->ids, (size_t)count * sizeof(groups->ids[0])) != 0)
        result = -EFAULT;
    groups_put(groups);
    return result;
}

// Copies a list of count numbers, none of which may be the one that stands for none.
static int load_groups(vaddr_t from, unsigned count, struct groups **groups)
{
    struct groups *made;
    int error = groups_create(count, account_current(), &made);

    if (error != 0)
        return error;
    error = arch_copy_from_user(made->ids, from, count * sizeof(made->ids[0]));
    for (unsigned i = 0; i < count && error == 0; i++) {
        if (made->ids[i] == UNCHANGED)
            error = -EINVAL;
    }
    if (error != 0)
        groups_put(made);
    else
        *groups = made;
    return error;
}

CALL2(setgroups, int, count, vaddr_t, from)
{
    struct groups *groups = NULL;
    int error;

    if (process_current()->euid != 0)
        return -EPERM;
    if (count < 0 || count > GROUPS_MAX)
        return -EINVAL;
    error = count != 0 ? load_groups(from, (unsigned)count, &groups) : 0;
    if (error == 0)
        process_set_groups(process_current(), groups);
    return error;
}
