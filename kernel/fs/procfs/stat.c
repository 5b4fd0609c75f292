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
#define FIELDS 52
#define FIELD_RSSLIM 25

// Nice as 19 - prio; the kernel's own priorities lie past its range.
static int nice_of(unsigned priority)
{
    return MAX(PRIORITY_OF_NICE_0 - (int)priority, -20);
}

static int64_t ticks(nsec_t time)
{
    return (int64_t)(time / TICK_NS);
}

// By the numbers that proc(5) gives them. Not kept, and so 0: the terminal, flags, addresses of
// code and data, instruction and stack pointer, what a thread waits at, block delays, guests' time.
static void fill_fields(const struct figures *figures, int64_t fields[FIELDS + 1])
{
    const struct usage *usage = &figures->usage, *children = &figures->children;
    const struct space_figures *space = &figures->space;
    const struct signal_figures *signals = &figures->signals;

    fields[4] = figures->parent;
    fields[5] = figures->group;
    fields[6] = figures->session;
    fields[8] = figures->foreground;
    fields[10] = (int64_t)usage->faults_minor;
    fields[11] = (int64_t)children->faults_minor;
    fields[12] = (int64_t)usage->faults_major;
    fields[13] = (int64_t)children->faults_major;
    fields[14] = ticks(usage->user_ns);
    fields[15] = ticks(usage->kernel_ns);
    fields[16] = ticks(children->user_ns);
    fields[17] = ticks(children->kernel_ns);
    fields[18] = 20 + nice_of(figures->priority);
    fields[19] = nice_of(figures->priority);
    fields[20] = figures->threads;
    fields[22] = ticks(figures->start_ns);
    fields[23] = (int64_t)space->mapped;
    fields[24] = (int64_t)(space->resident / PAGE_SIZE);
    fields[28] = (int64_t)space->stack_top;
    fields[31] = (int64_t)(signals->pending & INT32_MAX);
    fields[32] = (int64_t)(signals->blocked & INT32_MAX);
    fields[33] = (int64_t)(signals->ignored & INT32_MAX);
    fields[34] = (int64_t)(signals->caught & INT32_MAX);
    fields[38] = figures->exit_signal;
    fields[39] = figures->cpu;
    fields[47] = (int64_t)space->brk_start;
    fields[48] = (int64_t)space->arg_start;
    fields[49] = (int64_t)space->arg_end;
    fields[50] = (int64_t)space->env_start;
    fields[51] = (int64_t)space->env_end;
}

int show_stat(const struct subject *subject, struct text *text)
{
    int64_t fields[FIELDS + 1] = { 0 };
    struct figures figures;

    figures_get(subject, &figures);
    fill_fields(&figures, fields);
    text_number(text, figures.tid != 0 ? figures.tid : figures.pid);
    text_print(text, "(%s) %c ", figures.name, figures.state);
    for (unsigned i = 4; i < FIELDS; i++) {
        if (i == FIELD_RSSLIM)
            text_unsigned(text, RLIM_INFINITY);
        else
            text_number(text, fields[i]);
    }
    text_print(text, "%d\n", (int)fields[FIELDS]);
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
