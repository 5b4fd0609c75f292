// SPDX-License-Identifier: MIT
// prctl.c - prctl, arch_prctl, capabilities.
//
// Capabilities: authority comes from membership in a box and from grants, never from a uid. What is
// shown follows the labels: with euid 0 the sets hold what Linux's rules among labels need
// (changing owners, uids and gids, killing within the box), else nothing. They can be set to what
// they are, and to nothing else.
#include "abi/prctl.h"

#include <string.h>

#include "kernel/proc/box.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/user.h"

// CHOWN 0, DAC_OVERRIDE 1, DAC_READ_SEARCH 2, FOWNER 3, FSETID 4, KILL 5, SETGID 6, SETUID 7.
#define CAPABILITIES_SHOWN 0xff

static int64_t set_name(vaddr_t from)
{
    char name[16] = { 0 };
    ssize_t length = arch_copy_string_from_user(name, from, sizeof(name));

    if (length == -ENAMETOOLONG)
        length = arch_copy_from_user(name, from, sizeof(name) - 1) == 0 ? 15 : -EFAULT;
    if (length < 0)
        return length;
    name[length] = '\0';
    memcpy(thread_current()->name, name, sizeof(name));
    if (uthread_current()->tid == process_current()->pid)
        process_set_name(process_current(), name);
    return 0;
}

static int64_t get_name(vaddr_t to)
{
    char name[16] = { 0 };

    memcpy(name, thread_current()->name, sizeof(name) - 1);
    return user_store(to, &name);
}

static int64_t set_death_signal(uint64_t number)
{
    struct process *process = process_current();
    uint64_t state;

    if (number > SIGNAL_COUNT)
        return -EINVAL;
    state = spin_lock_irq_save(&process->lock);
    process->parent_death_signal = (unsigned)number;
    spin_unlock_irq_restore(&process->lock, state);
    return 0;
}

static int64_t set_subreaper(bool on)
{
    uint64_t state = spin_lock_irq_save(&tree_lock);

    process_current()->subreaper = on;
    spin_unlock_irq_restore(&tree_lock, state);
    return 0;
}

static int64_t store_int(vaddr_t to, int32_t value)
{
    return user_store(to, &value);
}

CALL5(prctl, int, operation, uint64_t, a, uint64_t, b, uint64_t, c, uint64_t, d)
{
    struct process *process = process_current();

    switch (operation) {
    case PR_SET_NAME:
        return set_name(a);
    case PR_GET_NAME:
        return get_name(a);
    case PR_SET_PDEATHSIG:
        return set_death_signal(a);
    case PR_GET_PDEATHSIG:
        return store_int(a, (int32_t)process->parent_death_signal);
    case PR_SET_CHILD_SUBREAPER:
        return set_subreaper(a != 0);
    case PR_GET_CHILD_SUBREAPER:
        return store_int(a, process->subreaper);
    case PR_GET_DUMPABLE: // no core is written, and nobody outside is kept from looking in
        return 1;
    case PR_SET_DUMPABLE:
        return a == 1 ? 0 : -EINVAL;
    case PR_GET_KEEPCAPS:
    case PR_GET_SECCOMP:
    case PR_GET_TIMING:
    case PR_GET_SECUREBITS:
        return 0;
    case PR_SET_NO_NEW_PRIVS: // execve never raises rights here, so it holds from the start
        return a != 1 || b != 0 || c != 0 || d != 0 ? -EINVAL : 0;
    case PR_GET_NO_NEW_PRIVS:
        return a != 0 || b != 0 || c != 0 || d != 0 ? -EINVAL : 1;
    case PR_GET_TID_ADDRESS:
        return user_store(a, &uthread_current()->clear_child_tid);
    case PR_CAPBSET_READ:
        return a > CAP_LAST_CAP ? -EINVAL : (int)(UINT64_C(CAPABILITIES_SHOWN) >> a & 1);
    default:
        return -EINVAL;
    }
}

CALL2(arch_prctl, int, operation, uint64_t, argument)
{
    struct thread *thread = thread_current();
    uint64_t base;

    switch (operation) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (argument >= USER_END)
            return -EPERM;
        if (operation == ARCH_SET_FS)
            arch_set_fs_base(thread, argument);
        else
            arch_set_gs_base(thread, argument);
        return 0;
    case ARCH_GET_FS:
    case ARCH_GET_GS:
        base = operation == ARCH_GET_FS ? arch_fs_base(thread) : arch_gs_base(thread);
        return user_store(argument, &base);
    default:
        return -EINVAL;
    }
}

// How many words of sets a version has; writes the version that is known into the header when it is
// another. Errors: -EFAULT, -EINVAL (no version).
static int check_header(vaddr_t at, struct linux_cap_header *header, unsigned *words)
{
    int error = user_load(header, at);

    if (error != 0)
        return error;
    *words = header->version == LINUX_CAPABILITY_VERSION_1 ? 1 : 2;
    if (header->version == LINUX_CAPABILITY_VERSION_1 ||
        header->version == LINUX_CAPABILITY_VERSION_2 ||
        header->version == LINUX_CAPABILITY_VERSION_3)
        return 0;
    header->version = LINUX_CAPABILITY_VERSION_3;
    return user_store(at, header) != 0 ? -EFAULT : -EINVAL;
}

static int effective_uid(pid_t pid, uid_t *uid)
{
    struct process *process;

    if (pid < 0)
        return -EINVAL;
    process = pid_find(box_current(), pid != 0 ? pid : process_current()->pid);
    if (process == NULL)
        return -ESRCH;
    *uid = process->euid;
    process_put(process);
    return 0;
}

CALL2(capget, vaddr_t, header_at, vaddr_t, to)
{
    struct linux_cap_data data[2] = { { 0 } };
    struct linux_cap_header header;
    unsigned words;
    uid_t uid;
    int error = check_header(header_at, &header, &words);

    if (to == 0 && (error == 0 || error == -EINVAL))
        return 0; // the caller asks for the version alone
    if (error == 0)
        error = effective_uid(header.pid, &uid);
    if (error != 0)
        return error;
    if (uid == 0)
        data[0].effective = data[0].permitted = CAPABILITIES_SHOWN;
    return arch_copy_to_user(to, data, words * sizeof(data[0]));
}

CALL2(capset, vaddr_t, header_at, vaddr_t, from)
{
    struct linux_cap_data data[2] = { { 0 } };
    struct linux_cap_header header;
    uint32_t held = process_current()->euid == 0 ? CAPABILITIES_SHOWN : 0;
    unsigned words;
    int error = check_header(header_at, &header, &words);

    if (error == 0)
        error = arch_copy_from_user(data, from, words * sizeof(data[0]));
    if (error != 0)
        return error;
    if (header.pid != 0 && header.pid != process_current()->pid)
        return -EPERM;
    if (data[0].effective != held || data[0].permitted != held || data[0].inheritable != 0 ||
        data[1].effective != 0 || data[1].permitted != 0 || data[1].inheritable != 0)
        return -EPERM;
    return 0;
}
