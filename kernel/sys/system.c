// SPDX-License-Identifier: MIT
// system.c - the machine as a box sees it: names, memory, randomness, and what is refused because
// it concerns the machine.
#include <string.h>

#include "abi/random.h"
#include "abi/reboot.h"
#include "abi/uname.h"
#include "kernel/log/log.h"
#include "kernel/mem/account.h"
#include "kernel/proc/box.h"
#include "kernel/proc/process.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/timer.h"
#include "kernel/sys/decode.h"
#include "kernel/sync/random.h"
#include "kernel/sys/user.h"

static void copy_hostname(char to[UTSNAME_LENGTH])
{
    uint64_t state = spin_lock_irq_save(&tree_lock);

    memcpy(to, box_current()->hostname, UTSNAME_LENGTH);
    spin_unlock_irq_restore(&tree_lock, state);
}

CALL1(uname, vaddr_t, to)
{
    struct linux_utsname name = { .sysname = UTS_SYSNAME,
                                  .release = UTS_RELEASE,
                                  .version = UTS_VERSION,
                                  .machine = UTS_MACHINE,
                                  .domainname = "(none)" };

    _Static_assert(sizeof(((struct box *)0)->hostname) == UTSNAME_LENGTH, "copied whole");
    copy_hostname(name.nodename);
    return user_store(to, &name);
}

// There is one execution domain, Linux's own without its variants.
CALL1(personality, uint32_t, persona)
{
    return persona == 0 || persona == PERSONALITY_QUERY ? 0 : -EINVAL;
}

CALL2(sethostname, vaddr_t, from, int, length)
{
    char name[UTSNAME_LENGTH] = { 0 };
    uint64_t state;
    int error;

    if (length < 0 || length > HOST_NAME_MAX)
        return -EINVAL;
    error = arch_copy_from_user(name, from, (size_t)length);
    if (error != 0)
        return error;
    state = spin_lock_irq_save(&tree_lock);
    memcpy(box_current()->hostname, name, sizeof(name));
    spin_unlock_irq_restore(&tree_lock, state);
    return 0;
}

// A box has no NIS domain.
CALL2(setdomainname, vaddr_t, from, int, length)
{
    (void)from;
    (void)length;
    return -EPERM;
}

CALL1(sysinfo, vaddr_t, to)
{
    struct account *account = account_current();
    struct linux_sysinfo info = { .mem_unit = 1 };
    unsigned long loads[3];
    unsigned runnable;

    sched_group_loads(&account->group, loads, &runnable);
    for (unsigned i = 0; i < 3; i++)
        info.loads[i] = loads[i];
    info.uptime = (int64_t)(clock_now() / NSEC_PER_SEC);
    info.totalram = account_memory_limit(account);
    info.freeram = account_memory_left(account);
    info.procs = (uint16_t)MIN(atomic_load(&account->counters[RESOURCE_PROCESSES].used), 65535L);
    return user_store(to, &info);
}

CALL3(getrandom, vaddr_t, to, size_t, size, unsigned, flags)
{
    uint8_t bytes[256];
    size_t done = 0;

    if (flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    size = MIN(size, (size_t)INT32_MAX);
    while (done < size) {
        size_t part = MIN(size - done, sizeof(bytes));

        random_bytes(bytes, part);
        if (arch_copy_to_user(to + done, bytes, part) != 0)
            return done != 0 ? (int64_t)done : -EFAULT;
        done += part;
        if (done < size && (thread_relax() || thread_interrupted()))
            break;
    }
    return (int64_t)done;
}

static bool is_reboot_magic(uint32_t magic)
{
    return magic == LINUX_REBOOT_MAGIC2 || magic == LINUX_REBOOT_MAGIC2A ||
           magic == LINUX_REBOOT_MAGIC2B || magic == LINUX_REBOOT_MAGIC2C;
}

// Only the outermost box may end the machine; another box ends by the end of its head.
CALL4(reboot, uint32_t, magic, uint32_t, magic2, uint32_t, command, vaddr_t, argument)
{
    (void)argument;
    if (box_current() != box_outermost())
        return -EPERM;
    if (magic != LINUX_REBOOT_MAGIC1 || !is_reboot_magic(magic2))
        return -EINVAL;
    switch (command) {
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF:
        return 0;
    case LINUX_REBOOT_CMD_RESTART:
        log_info("reboot by pid %d", process_current()->pid);
        arch_reboot();
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF:
        log_info("power off by pid %d", process_current()->pid);
        arch_power_off();
    default:
        return -EINVAL;
    }
}

// What a box sees is bound to names by the box around it: these have nothing to work on.
CALL0(chroot)
{
    return -EPERM;
}

CALL0(pivot_root)
{
    return -EPERM;
}

CALL0(mount)
{
    return -EPERM;
}

CALL0(umount2)
{
    return -EPERM;
}
