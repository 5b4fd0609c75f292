// SPDX-License-Identifier: MIT
// status.c - /proc/PID/status: in words what a process is, how it ended, and what its box has used.
//
// Up to the line Flags the lines are Linux's. What stands behind it is the record's, and stays when
// the process is gone.

#include <string.h>

#include "abi/errors.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/fs/procfs/figures.h"
#include "kernel/fs/procfs/limit.h"
#include "kernel/fs/procfs/text.h"
#include "kernel/mem/account.h"
#include "kernel/proc/box.h"
#include "kernel/proc/fdtab.h"
#include "kernel/proc/groups.h"
#include "kernel/sync/spinlock.h"

static const char *state_text(char letter)
{
    static const struct {
        char letter;
        const char *text;
    } states[] = {
        { 'R', "R (running)" }, { 'S', "S (sleeping)" }, { 'D', "D (disk sleep)" },
        { 'T', "T (stopped)" }, { 'Z', "Z (zombie)" },
    };

    for (unsigned i = 0; i < ARRAY_LEN(states); i++)
        if (states[i].letter == letter)
            return states[i].text;
    return "X (dead)";
}

// Text of a program's own choosing stays on its line.
static void show_text(struct text *text, const char *name, const char *value)
{
    text_print(text, "%s:\t", name);
    text_add_line(text, value, strlen(value));
    text_add(text, "\n", 1);
}

static void show_kib(struct text *text, const char *name, uint64_t bytes)
{
    text_print(text, "%s:\t%8llu kB\n", name, (unsigned long long)(bytes / 1024));
}

static void show_memory(const struct figures *figures, struct text *text)
{
    const struct space_figures *space = &figures->space;

    show_kib(text, "VmPeak", space->mapped_peak);
    show_kib(text, "VmSize", space->mapped);
    show_kib(text, "VmHWM", MAX(figures->usage.resident_peak, space->resident));
    show_kib(text, "VmRSS", space->resident);
    show_kib(text, "RssAnon", space->resident - MIN(space->shared, space->resident));
    show_kib(text, "RssFile", space->shared);
    show_kib(text, "VmData", space->data);
    show_kib(text, "VmStk", space->stack);
    show_kib(text, "VmExe", space->text);
}

static void show_signals(const struct figures *figures, struct text *text)
{
    const struct signal_figures *signals = &figures->signals;

    text_print(text, "SigQ:\t%u/64\n", signals->queued);
    text_print(text,
               "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%"
               "016llx\n",
               (unsigned long long)signals->thread_pending, (unsigned long long)signals->pending,
               (unsigned long long)signals->blocked, (unsigned long long)signals->ignored,
               (unsigned long long)signals->caught);
}

static void show_flags(const struct process *process, struct text *text)
{
    unsigned flags = atomic_load(&process->flags);

    if (process_is_suspended(process))
        flags |= PROCESS_SUSPENDED;
    text_print(text, "Flags:\t%s%s%s%s\n", flags == PROCESS_NONE ? "NONE" : "",
               (flags & PROCESS_DYING) != 0 ? "DYING " : "",
               (flags & PROCESS_SUSPENDED) != 0 ? "SUSPENDED " : "",
               (flags & PROCESS_STOPPED) != 0 ? "STOPPED " : "");
}

// How many fds there is room for: up to the highest one that is open.
static int fd_room(struct process *process)
{
    struct fdtab *table;
    int last = -1;

    if (process_fds(process, &table) != 0)
        return 0;
    for (int fd = fdtab_next(table, 0); fd >= 0; fd = fdtab_next(table, fd + 1))
        last = fd;
    fdtab_put(table);
    return ALIGN_UP(last + 1, 64);
}

static void show_groups(struct process *process, struct text *text)
{
    struct groups *groups = process_groups(process);

    for (unsigned i = 0; groups != NULL && i < groups->count; i++)
        text_print(text, "%u ", groups->ids[i]);
    text_print(text, "\n");
    groups_put(groups);
}

static void show_living(const struct subject *subject, struct text *text)
{
    struct process *process = subject->process;
    struct figures figures;

    figures_get(subject, &figures);
    show_text(text, "Name", figures.name);
    text_print(text,
               "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
               state_text(figures.state), figures.pid,
               figures.tid != 0 ? figures.tid : figures.pid, figures.parent);
    text_print(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", process->uid, process->euid,
               process->suid, process->euid, process->gid, process->egid, process->sgid,
               process->egid);
    text_print(text, "FDSize:\t%d\nGroups:\t", fd_room(process));
    show_groups(process, text);
    show_memory(&figures, text);
    text_print(text, "Threads:\t%u\n", figures.threads);
    show_signals(&figures, text);
    text_print(text, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
               (unsigned long long)figures.usage.switches_voluntary,
               (unsigned long long)figures.usage.switches_forced);
    show_flags(process, text);
}

static void show_dead(const struct subject *subject, struct text *text)
{
    const struct record *record = subject->record;

    show_text(text, "Name", record->name);
    text_print(text, "State:\t%s\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nThreads:\t0\nFlags:\tDYING\n",
               state_text('Z'), subject->node->number, subject->node->number,
               figures_parent(subject->node));
}

// "-" stands for what is not decided yet.
static void show_end(const struct record *record, struct text *text)
{
    char reason[RECORD_REASON_SIZE], by[RECORD_BY_SIZE];
    uint64_t state = spin_lock_irq_save(&tree_lock);
    bool claimed = record->claimed;
    int64_t status = record->status;

    record_reason(record, reason);
    record_by(record, by);
    spin_unlock_irq_restore(&tree_lock, state);
    if (!claimed) {
        text_print(text, "Exit:\t-\nReason:\t-\nBy:\t-\n");
        return;
    }
    text_print(text, "Exit:\t%lld\n", (long long)status);
    show_text(text, "Reason", reason);
    text_print(text, "By:\t%s\n", by);
}

static const struct {
    const char *name;
    enum quota_key key;
} box_lines[] = {
    { "BoxMemory", QUOTA_memory },
    { "BoxProcesses", QUOTA_processes },
    { "BoxThreads", QUOTA_threads },
    { "BoxFds", QUOTA_fds },
};

static void show_times(const struct usage *usage, struct text *text)
{
    text_print(text, "BoxUser:\t%llu ns\nBoxKernel:\t%llu ns\n", (unsigned long long)usage->user_ns,
               (unsigned long long)usage->kernel_ns);
}

static void show_box(struct box *box, struct text *text)
{
    struct usage usage;

    box_usage(box, &usage);
    show_times(&usage, text);
    for (unsigned i = 0; i < ARRAY_LEN(box_lines); i++) {
        struct limit_state state;

        limit_get(box, box_lines[i].key, &state);
        text_print(text, "%s:\t%lld %lld\n", box_lines[i].name, (long long)state.used,
                   (long long)state.peak);
    }
}

// Of a box that is gone: nothing is used any more.
static void show_dead_box(const struct record *record, struct text *text)
{
    const int64_t peaks[] = { record->memory_peak, record->processes_peak, record->threads_peak,
                              record->fds_peak };

    show_times(&record->usage, text);
    for (unsigned i = 0; i < ARRAY_LEN(box_lines); i++)
        text_print(text, "%s:\t0 %lld\n", box_lines[i].name, (long long)peaks[i]);
    text_print(text, "Left:\t%lld\n", (long long)record->left_bytes);
}

// The box of a member that has ended, counted; NULL when the member is reaped or the box is gone.
static struct box *box_of_dead(struct record *record)
{
    uint64_t state = spin_lock_irq_save(&tree_lock);
    struct box *box = record->box;

    if (box != NULL && !record->head)
        box_get(box);
    else
        box = NULL;
    spin_unlock_irq_restore(&tree_lock, state);
    return box;
}

int show_status(const struct subject *subject, struct text *text)
{
    struct box *box = subject->box;
    bool dead = subject->process == NULL;

    if (dead)
        show_dead(subject, text);
    else
        show_living(subject, text);
    show_end(subject->record, text);
    if (dead)
        box = box_of_dead(subject->record);
    if (box != NULL)
        show_box(box, text);
    else if (subject->record->head && atomic_load(&subject->record->done))
        show_dead_box(subject->record, text);
    if (dead && box != NULL)
        box_put(box);
    return 0;
}
