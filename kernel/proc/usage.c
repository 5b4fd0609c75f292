// SPDX-License-Identifier: MIT
// usage.c - what threads, processes and boxes have used, and the limits that a process sets itself.

#include "abi/errors.h"
#include "kernel/mem/space.h"
#include "kernel/proc/box.h"
#include "kernel/proc/private.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"

void usage_add(struct usage *to, const struct usage *from)
{
    to->user_ns += from->user_ns;
    to->kernel_ns += from->kernel_ns;
    to->faults_minor += from->faults_minor;
    to->faults_major += from->faults_major;
    to->switches_voluntary += from->switches_voluntary;
    to->switches_forced += from->switches_forced;
    to->resident_peak = MAX(to->resident_peak, from->resident_peak);
}

void uthread_usage(const struct uthread *thread, struct usage *usage)
{
    *usage = (struct usage){
        .faults_minor = thread->thread.faults_minor,
        .faults_major = thread->thread.faults_major,
        .switches_voluntary = thread->thread.switches_voluntary,
        .switches_forced = thread->thread.switches_forced,
    };
    thread_times(&thread->thread, &usage->user_ns, &usage->kernel_ns);
}

// process->lock held.
static void total_locked(struct process *process, struct usage *usage)
{
    struct uthread *thread;

    *usage = process->usage;
    list_for_each(thread, &process->threads, process_link) {
        struct usage one;

        uthread_usage(thread, &one);
        usage_add(usage, &one);
    }
    if (process->space != NULL) {
        uint64_t pages = (uint64_t)atomic_load(&process->space->pages_resident);

        usage->resident_peak = MAX(usage->resident_peak, pages * PAGE_SIZE);
    }
}

void process_usage_total(struct process *process, struct usage *usage)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);

    total_locked(process, usage);
    spin_unlock_irq_restore(&process->lock, irq);
}

void rusage_from(const struct usage *usage, struct linux_rusage *out)
{
    *out = (struct linux_rusage){
        .ru_utime = { .tv_sec = (int64_t)(usage->user_ns / NSEC_PER_SEC),
                      .tv_usec = (int64_t)(usage->user_ns % NSEC_PER_SEC / NSEC_PER_USEC) },
        .ru_stime = { .tv_sec = (int64_t)(usage->kernel_ns / NSEC_PER_SEC),
                      .tv_usec = (int64_t)(usage->kernel_ns % NSEC_PER_SEC / NSEC_PER_USEC) },
        .ru_maxrss = (int64_t)(usage->resident_peak / 1024),
        .ru_minflt = (int64_t)usage->faults_minor,
        .ru_majflt = (int64_t)usage->faults_major,
        .ru_nvcsw = (int64_t)usage->switches_voluntary,
        .ru_nivcsw = (int64_t)usage->switches_forced,
    };
}

void process_usage(struct process *process, struct linux_rusage *usage)
{
    struct usage total;

    process_usage_total(process, &total);
    rusage_from(&total, usage);
}

void process_times(struct process *process, nsec_t *user_ns, nsec_t *kernel_ns)
{
    struct usage total;

    process_usage_total(process, &total);
    *user_ns = total.user_ns;
    *kernel_ns = total.kernel_ns;
}

void process_children_usage(struct process *process, struct linux_rusage *usage)
{
    struct usage children;
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    children = process->record->children;
    spin_unlock_irq_restore(&tree_lock, irq);
    rusage_from(&children, usage);
}

// Adds what the processes of one box, and its dead, have used; tree_lock held.
static void add_box(struct box *box, struct usage *usage)
{
    struct list *lists[] = { &box->members, &box->killed };

    usage_add(usage, &box->usage);
    for (unsigned i = 0; i < ARRAY_LEN(lists); i++) {
        struct process *process;

        list_for_each(process, lists[i], member_link) {
            struct usage one;
            uint64_t irq = spin_lock_irq_save(&process->lock);

            total_locked(process, &one);
            spin_unlock_irq_restore(&process->lock, irq);
            usage_add(usage, &one);
        }
    }
}

void box_usage(struct box *top, struct usage *usage)
{
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    *usage = (struct usage){ 0 };
    for (struct box *box = top; box != NULL; box = box_tree_next(top, box))
        add_box(box, usage);
    spin_unlock_irq_restore(&tree_lock, irq);
}

int process_set_rlimit(struct process *process, unsigned which, const uint64_t limit[2],
                       uint64_t old[2])
{
    uint64_t irq;
    int error = 0;

    if (which >= RLIM_NLIMITS || (limit != NULL && limit[0] > limit[1]))
        return -EINVAL;
    if (limit != NULL && which == RLIMIT_NOFILE && limit[1] > NOFILE_MOST)
        return -EPERM;
    irq = spin_lock_irq_save(&process->lock);
    if (old != NULL) {
        old[0] = process->rlimits[which][0];
        old[1] = process->rlimits[which][1];
    }
    if (limit != NULL && limit[1] > process->rlimits[which][1] && process->euid != 0)
        error = -EPERM;
    if (limit != NULL && error == 0) {
        process->rlimits[which][0] = limit[0];
        process->rlimits[which][1] = limit[1];
        if (which == RLIMIT_STACK && process->space != NULL)
            process->space->stack_limit = limit[0];
    }
    spin_unlock_irq_restore(&process->lock, irq);
    return error;
}

uint64_t process_rlimit(unsigned which)
{
    return process_current()->rlimits[which][0];
}
