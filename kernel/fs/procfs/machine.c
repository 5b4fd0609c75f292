// SPDX-License-Identifier: MIT
// machine.c - files about the machine, in Linux's formats; totals are those of the box that asks.

#include "kernel/fs/procfs/machine.h"

#include "abi/uname.h"
#include "kernel/arch/arch.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/fs/procfs/limit.h"
#include "kernel/fs/procfs/text.h"
#include "kernel/mem/account.h"
#include "kernel/mem/frame.h"
#include "kernel/proc/box.h"
#include "kernel/proc/pid.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/timer.h"
#include "lib/base/fmt.h"

#define USER_HZ 100
#define TICK_NS (NSEC_PER_SEC / USER_HZ)
#define GROUPS_MAX 65536 // what libcs expect
#define FD_MOST 1048576
#define CAP_LAST 40 // of Linux 6.1

int show_version(const struct subject *subject, struct text *text)
{
    (void)subject;
    text_print(text, "%s version %s (boxwork) %s\n", UTS_SYSNAME, UTS_RELEASE, UTS_VERSION);
    return 0;
}

// What the box has used, and the time of all CPUs together in which it did not run: other boxes do
// not show.
static nsec_t idle_time(struct box *box, struct usage *usage)
{
    nsec_t shown = atomic_load(&box->idle_shown);
    nsec_t all, idle;

    box_usage(box, usage);
    all = clock_now() * arch_cpu_count();
    idle = all - MIN(usage->user_ns + usage->kernel_ns, all);
    // Usage is summed over a while, so that a later sum may leave less: what was told once stays.
    while (shown < idle && !atomic_compare_exchange_weak(&box->idle_shown, &shown, idle))
        continue;
    return MAX(shown, idle);
}

int show_uptime(const struct subject *subject, struct text *text)
{
    struct usage usage;
    nsec_t idle = idle_time(subject->box, &usage) / (NSEC_PER_SEC / 100);
    nsec_t up = clock_now() / (NSEC_PER_SEC / 100);

    text_print(text, "%llu.%02llu %llu.%02llu\n", (unsigned long long)(up / 100),
               (unsigned long long)(up % 100), (unsigned long long)(idle / 100),
               (unsigned long long)(idle % 100));
    return 0;
}

int show_loadavg(const struct subject *subject, struct text *text)
{
    const struct counter *threads = &subject->box->account->counters[RESOURCE_THREADS];
    unsigned long loads[3];
    unsigned runnable;

    sched_group_loads(&subject->box->account->group, loads, &runnable);
    for (unsigned i = 0; i < 3; i++) {
        unsigned long hundredths = (loads[i] * 100 + 32768) >> 16;

        text_print(text, "%lu.%02lu ", hundredths / 100, hundredths % 100);
    }
    text_print(text, "%u/%ld %d\n", runnable, atomic_load(&threads->used), subject->box->pids.last);
    return 0;
}

static void print_kib(struct text *text, const char *name, uint64_t bytes)
{
    text_print(text, "%-15s %8llu kB\n", name, (unsigned long long)(bytes / 1024));
}

int show_meminfo(const struct subject *subject, struct text *text)
{
    uint64_t left = account_memory_left(subject->box->account);

    print_kib(text, "MemTotal:", account_memory_limit(subject->box->account));
    print_kib(text, "MemFree:", left);
    print_kib(text, "MemAvailable:", left);
    print_kib(text, "Buffers:", 0);
    print_kib(text, "SwapCached:", 0);
    print_kib(text, "SwapTotal:", 0);
    print_kib(text, "SwapFree:", 0);
    // What frames are used for is known of the machine alone, so it is for its own box alone.
    if (subject->box->outer != NULL)
        return 0;
    print_kib(text, "Cached:", frames_used(FRAME_CACHE) * PAGE_SIZE);
    print_kib(text, "Shmem:", frames_used(FRAME_CACHE) * PAGE_SIZE);
    print_kib(text, "AnonPages:", frames_used(FRAME_USER) * PAGE_SIZE);
    print_kib(text, "Slab:", frames_used(FRAME_SLAB) * PAGE_SIZE);
    print_kib(text, "KernelStack:", frames_used(FRAME_STACK) * PAGE_SIZE);
    print_kib(text, "PageTables:", frames_used(FRAME_TABLE) * PAGE_SIZE);
    return 0;
}

static void print_cpu_line(struct text *text, const char *name, nsec_t user, nsec_t system,
                           nsec_t idle)
{
    text_print(text, "%s %llu 0 %llu %llu 0 0 0 0 0 0\n", name,
               (unsigned long long)(user / TICK_NS), (unsigned long long)(system / TICK_NS),
               (unsigned long long)(idle / TICK_NS));
}

// Which of the CPUs the box used is not kept, so each has an equal part.
int show_machine_stat(const struct subject *subject, struct text *text)
{
    unsigned cpus = arch_cpu_count(), runnable;
    nsec_t booted = clock_realtime() - clock_now();
    unsigned long loads[3];
    struct usage usage;
    nsec_t idle = idle_time(subject->box, &usage);
    char name[16];

    sched_group_loads(&subject->box->account->group, loads, &runnable);
    print_cpu_line(text, "cpu ", usage.user_ns, usage.kernel_ns, idle);
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        fmt_print(name, sizeof(name), "cpu%u", cpu);
        print_cpu_line(text, name, usage.user_ns / cpus, usage.kernel_ns / cpus, idle / cpus);
    }
    text_print(text,
               "intr 0\nctxt %llu\nbtime %llu\nprocesses %d\nprocs_running %u\nprocs_blocked 0\n",
               (unsigned long long)usage.switches_voluntary + usage.switches_forced,
               (unsigned long long)(booted / NSEC_PER_SEC), subject->box->pids.last, runnable);
    return 0;
}

int show_cpuinfo(const struct subject *subject, struct text *text)
{
    char model[64];

    (void)subject;
    arch_cpu_name(model, sizeof(model));
    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
        text_print(text, "processor\t: %u\nmodel name\t: %s\nsiblings\t: 1\ncpu cores\t: 1\n\n",
                   cpu, model);
    return 0;
}

int show_filesystems(const struct subject *subject, struct text *text)
{
    (void)subject;
    text_print(text, "nodev\tproc\nnodev\tram\nnodev\tdev\nnodev\tanon\n");
    return 0;
}

int show_swaps(const struct subject *subject, struct text *text)
{
    (void)subject;
    text_print(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return 0;
}

int show_ostype(const struct subject *subject, struct text *text)
{
    (void)subject;
    text_print(text, "%s\n", UTS_SYSNAME);
    return 0;
}

int show_osrelease(const struct subject *subject, struct text *text)
{
    (void)subject;
    text_print(text, "%s\n", UTS_RELEASE);
    return 0;
}

int show_os_version(const struct subject *subject, struct text *text)
{
    (void)subject;
    text_print(text, "%s\n", UTS_VERSION);
    return 0;
}

int show_hostname(const struct subject *subject, struct text *text)
{
    char name[sizeof(subject->box->hostname)];
    uint64_t state = spin_lock_irq_save(&tree_lock);

    for (size_t i = 0; i < sizeof(name); i++)
        name[i] = subject->box->hostname[i];
    spin_unlock_irq_restore(&tree_lock, state);
    name[sizeof(name) - 1] = '\0';
    text_print(text, "%s\n", name);
    return 0;
}

int show_pid_max(const struct subject *subject, struct text *text)
{
    (void)subject;
    text_print(text, "%d\n", PID_LIMIT);
    return 0;
}

int show_threads_max(const struct subject *subject, struct text *text)
{
    struct limit_state threads;

    limit_get(subject->box, QUOTA_threads, &threads);
    text_print(text, "%lld\n", (long long)MIN(threads.limit, (int64_t)INT32_MAX));
    return 0;
}

int show_ngroups_max(const struct subject *subject, struct text *text)
{
    (void)subject;
    text_print(text, "%d\n", GROUPS_MAX);
    return 0;
}

int show_cap_last_cap(const struct subject *subject, struct text *text)
{
    (void)subject;
    text_print(text, "%d\n", CAP_LAST);
    return 0;
}

// Memory is charged when it is touched, so any size may be mapped.
int show_overcommit_memory(const struct subject *subject, struct text *text)
{
    (void)subject;
    text_print(text, "1\n");
    return 0;
}

int show_nr_open(const struct subject *subject, struct text *text)
{
    (void)subject;
    text_print(text, "%d\n", FD_MOST);
    return 0;
}

int show_file_max(const struct subject *subject, struct text *text)
{
    struct limit_state fds;

    limit_get(subject->box, QUOTA_fds, &fds);
    text_print(text, "%lld\n", (long long)fds.limit);
    return 0;
}
