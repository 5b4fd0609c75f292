// SPDX-License-Identifier: MIT
// kill_point.c - killing a box at a chosen point of its life, for tests.
#include "kernel/proc/kill_point.h"

#ifdef BOXWORK_DEBUG

#include <stdatomic.h>
#include <string.h>

#include "abi/errors.h"
#include "abi/signal.h"
#include "abi/syscall.h"
#include "kernel/proc/box.h"
#include "kernel/proc/private.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/fmt.h"
#include "lib/ctl/ctl.h"

static const char *const names[KILL_AT_CTL] = {
    "never",
#define KILL_POINT(symbol, name) name,
    KILL_POINTS
#undef KILL_POINT
};

static atomic_ulong kills[KILL_POINT_COUNT];
static atomic_ulong refused;

static void print_name(enum kill_point point, char *text, size_t size)
{
    if (point < KILL_AT_CTL)
        fmt_print(text, size, "%s", names[point]);
    else
        fmt_print(text, size, "ctl-%s", ctl_specs[point - KILL_AT_CTL].name);
}

static void strike(struct box *box, enum kill_point point)
{
    char name[24], reason[RECORD_REASON_SIZE];

    print_name(point, name, sizeof(name));
    fmt_print(reason, sizeof(reason), "killed at %s", name);
    atomic_fetch_add(&kills[point], 1);
    box_kill(box, -SIGKILL, reason, "kill point");
}

void kill_point_strike(struct box *box)
{
    strike(box, (enum kill_point)atomic_load(&box->kill_point));
}

// Leaves the kill to the reaper's thread. Context: as thread_block.
static void strike_later(struct box *box)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    if (!atomic_load(&box->dying)) {
        box->expired |= BOX_KILL_POINT;
        reaper_expire(box);
    }
    spin_unlock_irq_restore(&tree_lock, irq);
}

void kill_point_pass(enum kill_point point, struct process *process)
{
    struct box *box = process->box;
    int nth;

    if (likely(atomic_load_explicit(&box->kill_point, memory_order_relaxed) != point))
        return;
    nth = atomic_load(&box->kill_nth);
    if (atomic_fetch_sub(&box->kill_left, 1) != 1)
        return;
    if (point >= KILL_AT_WAIT_READ && point <= KILL_AT_WAIT_OTHER)
        strike_later(box);
    else if (nth % 2 != 0 && point != KILL_AT_CTL + CTL_kill) // that one would come first
        strike_later(box);
    else
        strike(box, point);
}

void kill_point_refused(void)
{
    atomic_fetch_add_explicit(&refused, 1, memory_order_relaxed);
}

// --- Where a thread waits: by the system call that it is in ---

static enum kill_point point_of_call(uint64_t number)
{
    switch (number) {
    case SYS_read: case SYS_readv: case SYS_pread64: case SYS_splice: return KILL_AT_WAIT_READ;
    case SYS_write: case SYS_writev: return KILL_AT_WAIT_WRITE;
    case SYS_open: case SYS_openat: return KILL_AT_WAIT_OPEN;
    case SYS_poll: case SYS_ppoll: case SYS_select: case SYS_pselect6: return KILL_AT_WAIT_POLL;
    case SYS_epoll_wait: case SYS_epoll_pwait: return KILL_AT_WAIT_EPOLL;
    case SYS_futex: return KILL_AT_WAIT_FUTEX;
    case SYS_wait4: case SYS_waitid: return KILL_AT_WAIT_CHILD;
    case SYS_nanosleep: case SYS_clock_nanosleep: return KILL_AT_WAIT_SLEEP;
    case SYS_rt_sigsuspend: case SYS_pause: case SYS_rt_sigtimedwait: return KILL_AT_WAIT_SIGNAL;
    case SYS_vfork: case SYS_clone: case SYS_clone3: return KILL_AT_WAIT_VFORK;
    case SYS_execve: case SYS_execveat: return KILL_AT_WAIT_EXEC;
    case SYS_fcntl: case SYS_flock: return KILL_AT_WAIT_LOCK;
    default: return KILL_AT_WAIT_OTHER;
    }
}

static void about_to_block(enum wait_mode mode)
{
    struct thread *self = thread_current();
    enum kill_point point = KILL_AT_WAIT_MUTEX;

    if (self->process == NULL ||
        atomic_load_explicit(&self->process->box->kill_point, memory_order_relaxed) == KILL_NEVER)
        return;
    if (mode != WAIT_MUTEX)
        point = point_of_call(arch_frame_number(arch_thread_frame(self)));
    kill_point_pass(point, self->process);
}

// --- For /dev/kill-points ---

int kill_point_arm(struct box *box, const char *name, unsigned nth)
{
    char known[24];

    if (nth == 0)
        return -EINVAL;
    for (unsigned point = 1; point < KILL_POINT_COUNT; point++) {
        print_name((enum kill_point)point, known, sizeof(known));
        if (strcmp(name, known) != 0)
            continue;
        thread_set_block_hook(about_to_block);
        atomic_store(&box->kill_nth, (int)nth);
        atomic_store(&box->kill_left, (int)nth);
        atomic_store(&box->kill_point, point);
        return 0;
    }
    return -EINVAL;
}

size_t kill_point_counts(char *text, size_t size)
{
    size_t length = 0;
    char name[24];

    for (unsigned point = 1; point < KILL_POINT_COUNT; point++) {
        print_name((enum kill_point)point, name, sizeof(name));
        length += (size_t)fmt_print(text + length, size - length, "%s %lu\n", name,
                                    atomic_load(&kills[point]));
    }
    return length + (size_t)fmt_print(text + length, size - length, "refused %lu\n",
                                      atomic_load(&refused));
}

#endif
