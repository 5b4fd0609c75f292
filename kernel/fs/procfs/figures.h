// SPDX-License-Identifier: MIT
// figures.h - internal to procfs: what stat, statm and status tell of a process or a thread.
#pragma once

#include "kernel/proc/record.h"
#include "lib/base/types.h"

struct proc_node;
struct subject;

// In bytes.
struct space_figures {
    uint64_t mapped, mapped_peak, resident, shared, text, data, stack;
    uint64_t arg_start, arg_end, env_start, env_end, brk_start, stack_top;
};

struct signal_figures {
    uint64_t pending, thread_pending, blocked, ignored, caught;
    unsigned queued;
};

struct figures {
    char name[16];
    char state;             // a letter of stat
    pid_t pid, tid, parent; // as the directory's reader knows them; tid 0: the whole process
    pid_t group, session;
    int foreground; // tpgid; -1: none
    int exit_signal;
    unsigned threads;
    unsigned cpu;
    unsigned priority;
    nsec_t start_ns;
    struct usage usage; // of the thread, or of all
    struct usage children;
    struct space_figures space;
    struct signal_figures signals;
};

// The process lives. What is gone already reads as 0.
void figures_get(const struct subject *subject, struct figures *figures);
// The number of the parent, 0 for a head seen from inside.
pid_t figures_parent(const struct proc_node *node);
