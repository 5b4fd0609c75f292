// SPDX-License-Identifier: MIT
// sched.c - yielding, affinity, policies. There is one policy for user space, SCHED_OTHER with its
// variants by name.
#include <stdatomic.h>

#include "abi/sched.h"

#include "kernel/log/planted.h"
#include "kernel/proc/box.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"
#include "kernel/sched/eevdf.h"
#include "kernel/sync/spinlock.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/nice.h"
#include "kernel/sys/user.h"

// For fault=irqs-off: once, interrupts stay off for longer than they may.
static void stay_off(void)
{
    static atomic_bool done;
    nsec_t until = clock_now() + 150 * NSEC_PER_MSEC;
    uint64_t state = arch_irq_save();

    while (!atomic_load(&done) && clock_now() < until) {
    }
    atomic_store(&done, true);
    arch_irq_restore(state);
}

// What the checks of a checking kernel must find.
static void misbehave(void)
{
    static struct spinlock low = SPINLOCK_INIT(RANK_ENV), high = SPINLOCK_INIT(RANK_PROCFS);

    if (planted("irqs-off"))
        stay_off();
    if (planted("lock-order")) {
        spin_lock(&high);
        spin_lock(&low);
        spin_unlock(&low);
        spin_unlock(&high);
    }
    if (planted("sleep-locked")) {
        spin_lock(&low);
        thread_yield();
        spin_unlock(&low);
    }
}

CALL0(sched_yield)
{
    misbehave();
    if (planted("yield-sleeps"))
        return thread_sleep_until(clock_now() + NSEC_PER_MSEC, WAIT_KILLABLE);
    thread_yield();
    return 0;
}

// The thread that a call names, 0 for the caller's own; counted.
static int find_thread(pid_t tid, struct uthread **thread)
{
    if (tid < 0)
        return -EINVAL;
    if (tid == 0) {
        *thread = uthread_current();
        uthread_get(*thread);
        return 0;
    }
    *thread = uthread_find(tid, true);
    return *thread != NULL ? 0 : -ESRCH;
}

CALL3(sched_getaffinity, pid_t, tid, unsigned, size, vaddr_t, to)
{
    unsigned cpus = arch_cpu_count();
    struct uthread *thread;
    uint64_t set;
    int error;

    if (size % sizeof(uint64_t) != 0 || size < sizeof(set))
        return -EINVAL;
    error = tid < 0 ? -ESRCH : find_thread(tid, &thread);
    if (error != 0)
        return error;
    set = thread->thread.affinity & (cpus >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << cpus) - 1);
    uthread_put(thread);
    error = user_store(to, &set);
    return error != 0 ? error : (int64_t)sizeof(set);
}

CALL3(sched_setaffinity, pid_t, tid, unsigned, size, vaddr_t, from)
{
    struct uthread *thread;
    uint64_t set = 0;
    int error = arch_copy_from_user(&set, from, MIN((size_t)size, sizeof(set)));

    if (error == 0)
        error = tid < 0 ? -ESRCH : find_thread(tid, &thread);
    if (error != 0)
        return error;
    error = thread_set_affinity(&thread->thread, set);
    uthread_put(thread);
    return error;
}

// Whether the caller may ask about tid at all. Value: 0 or the errno.
static int check_thread(pid_t tid)
{
    struct uthread *thread;
    int error = find_thread(tid, &thread);

    if (error == 0)
        uthread_put(thread);
    return error;
}

static bool is_policy(int policy)
{
    return policy == SCHED_OTHER || policy == SCHED_FIFO || policy == SCHED_RR ||
           policy == SCHED_BATCH || policy == SCHED_IDLE || policy == SCHED_DEADLINE;
}

// Real-time policies would let a box starve those around it.
static int check_policy(int policy, int priority)
{
    policy &= ~SCHED_RESET_ON_FORK;
    if (!is_policy(policy))
        return -EINVAL;
    if (policy == SCHED_FIFO || policy == SCHED_RR)
        return priority < 1 || priority > 99 ? -EINVAL : -EPERM;
    if (policy != SCHED_OTHER)
        return policy == SCHED_DEADLINE ? -EPERM : -EINVAL;
    return priority != 0 ? -EINVAL : 0;
}

CALL3(sched_setscheduler, pid_t, tid, int, policy, vaddr_t, from)
{
    struct linux_sched_param param;
    int error;

    if (policy < 0 || tid < 0 || from == 0)
        return -EINVAL;
    error = user_load(&param, from);
    if (error == 0)
        error = check_thread(tid);
    return error != 0 ? error : check_policy(policy, param.sched_priority);
}

CALL1(sched_getscheduler, pid_t, tid)
{
    int error = check_thread(tid);

    return error != 0 ? error : SCHED_OTHER;
}

CALL2(sched_setparam, pid_t, tid, vaddr_t, from)
{
    struct linux_sched_param param;
    int error;

    if (tid < 0 || from == 0)
        return -EINVAL;
    error = user_load(&param, from);
    if (error == 0)
        error = check_thread(tid);
    return error != 0 ? error : check_policy(SCHED_OTHER, param.sched_priority);
}

CALL2(sched_getparam, pid_t, tid, vaddr_t, to)
{
    struct linux_sched_param param = { 0 };
    int error;

    if (tid < 0 || to == 0)
        return -EINVAL;
    error = check_thread(tid);
    return error != 0 ? error : user_store(to, &param);
}

CALL4(sched_getattr, pid_t, tid, vaddr_t, to, unsigned, size, unsigned, flags)
{
    struct linux_sched_attr attr = { .sched_policy = SCHED_OTHER };
    struct uthread *thread;
    int error;

    if (tid < 0 || to == 0 || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE || flags != 0)
        return -EINVAL;
    error = find_thread(tid, &thread);
    if (error != 0)
        return error;
    attr.size = (uint32_t)MIN((size_t)size, sizeof(attr));
    attr.sched_nice = 19 - (int)process_priority(thread->process);
    uthread_put(thread);
    return arch_copy_to_user(to, &attr, attr.size);
}

// Sets the nice value of the thread's process, which all its threads have in common.
static int set_attributes(struct uthread *thread, const struct linux_sched_attr *attr)
{
    int error = check_policy((int)attr->sched_policy, (int)attr->sched_priority);

    return error != 0 ? error : nice_set(thread->process, MAX(-20, MIN(attr->sched_nice, 19)));
}

// A caller whose struct holds more than is known is told how much is.
static int load_attributes(vaddr_t from, struct linux_sched_attr *attr)
{
    const uint32_t known = sizeof(*attr);
    uint32_t size;
    int error = user_load(&size, from);

    if (error != 0)
        return error;
    if (size == 0)
        size = SCHED_ATTR_SIZE_VER0;
    error = size < SCHED_ATTR_SIZE_VER0
                ? -E2BIG
                : user_load_versioned(attr, sizeof(*attr), SCHED_ATTR_SIZE_VER0, from, size);
    if (error == -E2BIG && user_store(from, &known) != 0)
        error = -EFAULT;
    return error;
}

CALL3(sched_setattr, pid_t, tid, vaddr_t, from, unsigned, flags)
{
    struct linux_sched_attr attr;
    struct uthread *thread;
    int error;

    if (tid < 0 || from == 0 || flags != 0)
        return -EINVAL;
    error = load_attributes(from, &attr);
    if (error != 0)
        return error;
    if ((int32_t)attr.sched_policy < 0 || attr.sched_flags != 0)
        return -EINVAL;
    error = find_thread(tid, &thread);
    if (error != 0)
        return error;
    error = set_attributes(thread, &attr);
    uthread_put(thread);
    return error == -EACCES ? -EPERM : error;
}

CALL1(sched_get_priority_max, int, policy)
{
    if (!is_policy(policy))
        return -EINVAL;
    return policy == SCHED_FIFO || policy == SCHED_RR ? 99 : 0;
}

CALL1(sched_get_priority_min, int, policy)
{
    if (!is_policy(policy))
        return -EINVAL;
    return policy == SCHED_FIFO || policy == SCHED_RR ? 1 : 0;
}

CALL2(sched_rr_get_interval, pid_t, tid, vaddr_t, to)
{
    int error = check_thread(tid);

    return error != 0 ? error : user_store_timespec(to, EEVDF_SLICE_NS);
}

CALL3(getcpu, vaddr_t, cpu_to, vaddr_t, node_to, vaddr_t, unused)
{
    uint32_t cpu = arch_cpu();
    uint32_t node = 0;

    (void)unused;
    if ((cpu_to != 0 && user_store(cpu_to, &cpu) != 0) ||
        (node_to != 0 && user_store(node_to, &node) != 0))
        return -EFAULT;
    return 0;
}
