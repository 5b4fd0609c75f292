// SPDX-License-Identifier: MIT
// stat.c - /proc/PID/stat, statm and limits, in Linux's formats.

#include "abi/resource.h"
#include "kernel/arch/arch.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/fs/procfs/figures.h"
#include "kernel/fs/procfs/text.h"
#include "kernel/sync/spinlock.h"

#define TICK_NS (NSEC_PER_SEC / 100)
#define PRIORITY_OF_NICE_0 19

// Nice as 19 - prio; the kernel's own priorities lie past its range.
static int nice_of(unsigned priority)
{
    return MAX(PRIORITY_OF_NICE_0 - (int)priority, -20);
}

static unsigned long long ticks(nsec_t time)
{
    return (unsigned long long)(time / TICK_NS);
}

// Fields 1 to 22.
static void show_first(const struct figures *figures, struct text *text)
{
    const struct usage *usage = &figures->usage, *children = &figures->children;
    int nice = nice_of(figures->priority);

    text_print(text, "%d (%s) %c %d %d %d 0 %d 0 ", figures->tid != 0 ? figures->tid : figures->pid,
               figures->name, figures->state, figures->parent, figures->group, figures->session,
               figures->foreground);
    text_print(text, "%llu %llu %llu %llu %llu %llu %llu %llu ",
               (unsigned long long)usage->faults_minor, (unsigned long long)children->faults_minor,
               (unsigned long long)usage->faults_major, (unsigned long long)children->faults_major,
               ticks(usage->user_ns), ticks(usage->kernel_ns), ticks(children->user_ns),
               ticks(children->kernel_ns));
    text_print(text, "%d %d %u 0 %llu ", 20 + nice, nice, figures->threads,
               ticks(figures->start_ns));
}

// Fields 23 to 52. Addresses of code and data are not kept; nor are what a thread waits at, block
// delays and guests' time.
static void show_rest(const struct figures *figures, struct text *text)
{
    const struct space_figures *space = &figures->space;
    const struct signal_figures *signals = &figures->signals;

    text_print(text, "%llu %llu %llu 0 0 %llu 0 0 ", (unsigned long long)space->mapped,
               (unsigned long long)(space->resident / PAGE_SIZE), (unsigned long long)RLIM_INFINITY,
               (unsigned long long)space->stack_top);
    text_print(text, "%llu %llu %llu %llu 0 0 0 %d %u 0 0 0 0 0 0 0 ",
               (unsigned long long)(signals->pending & INT32_MAX),
               (unsigned long long)(signals->blocked & INT32_MAX),
               (unsigned long long)(signals->ignored & INT32_MAX),
               (unsigned long long)(signals->caught & INT32_MAX), figures->exit_signal,
               figures->cpu);
    text_print(text, "%llu %llu %llu %llu %llu 0\n", (unsigned long long)space->brk_start,
               (unsigned long long)space->arg_start, (unsigned long long)space->arg_end,
               (unsigned long long)space->env_start, (unsigned long long)space->env_end);
}

int show_stat(const struct subject *subject, struct text *text)
{
    struct figures figures;

    figures_get(subject, &figures);
    show_first(&figures, text);
    show_rest(&figures, text);
    return 0;
}

int show_statm(const struct subject *subject, struct text *text)
{
    struct figures figures;
    const struct space_figures *space = &figures.space;

    figures_get(subject, &figures);
    text_print(text, "%llu %llu %llu %llu 0 %llu 0\n",
               (unsigned long long)(space->mapped / PAGE_SIZE),
               (unsigned long long)(space->resident / PAGE_SIZE),
               (unsigned long long)(space->shared / PAGE_SIZE),
               (unsigned long long)(space->text / PAGE_SIZE),
               (unsigned long long)((space->data + space->stack) / PAGE_SIZE));
    return 0;
}

static void show_limit(struct text *text, uint64_t limit)
{
    if (limit == RLIM_INFINITY)
        text_print(text, "%-20s ", "unlimited");
    else
        text_print(text, "%-20llu ", (unsigned long long)limit);
}

int show_limits(const struct subject *subject, struct text *text)
{
    static const struct {
        const char *name, *unit;
    } names[RLIM_NLIMITS] = {
        { "Max cpu time", "seconds" },     { "Max file size", "bytes" },
        { "Max data size", "bytes" },      { "Max stack size", "bytes" },
        { "Max core file size", "bytes" }, { "Max resident set", "bytes" },
        { "Max processes", "processes" },  { "Max open files", "files" },
        { "Max locked memory", "bytes" },  { "Max address space", "bytes" },
        { "Max file locks", "locks" },     { "Max pending signals", "signals" },
        { "Max msgqueue size", "bytes" },  { "Max nice priority", "" },
        { "Max realtime priority", "" },   { "Max realtime timeout", "us" },
    };

    text_print(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned i = 0; i < RLIM_NLIMITS; i++) {
        uint64_t state = spin_lock_irq_save(&subject->process->lock);
        uint64_t soft = subject->process->rlimits[i][0], hard = subject->process->rlimits[i][1];

        spin_unlock_irq_restore(&subject->process->lock, state);
        text_print(text, "%-25s ", names[i].name);
        show_limit(text, soft);
        show_limit(text, hard);
        text_print(text, "%-10s\n", names[i].unit);
    }
    return 0;
}
