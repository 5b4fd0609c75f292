// SPDX-License-Identifier: MIT
// pid.h - numbers: every box numbers its own processes, threads and the heads made in it, in one
// space.
//
// 1 to 2^30-1, increasing, reused only after all others; the head is 1. Finding is O(log n). There
// is no global pid. A number that a process group still bears is not given out again. Locked by
// tree_lock.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/rbtree.h"
#include "lib/base/types.h"

#define PID_LIMIT (1 << 30)

struct box;
struct process;
struct uthread;

enum pid_kind {
    PID_PROCESS, // in a struct record: a member, or the head in its own box
    PID_HEAD,    // in a struct record: the head of a box made in this one
    PID_THREAD,  // in a struct uthread: one that is not its process's first
    PID_GROUP,   // in a struct process_group
};

// Embedded in what has a number.
struct pid_entry {
    struct rb_node node;
    pid_t number; // 0: has none
    enum pid_kind kind;
};

struct pid_table {
    struct rb_root entries;
    struct rb_root groups; // of the pid_entry of each struct process_group
    pid_t last;            // given out
    unsigned count;        // of entries
};

void pid_table_init(struct pid_table *table);
// Gives entry the next free number. Errors: -EAGAIN all in use.
int pid_allocate(struct pid_table *table, struct pid_entry *entry, enum pid_kind kind) MUST_CHECK;
// Takes entry out of the table. An entry without a number is left alone.
void pid_release(struct pid_table *table, struct pid_entry *entry);
struct pid_entry *pid_entry_find(const struct pid_table *table, pid_t number);
// The first entry numbered above number; NULL at the end: for readdir.
struct pid_entry *pid_entry_after(const struct pid_table *table, pid_t number);

void pid_group_insert(struct pid_table *table, struct pid_entry *entry, pid_t number);
void pid_group_remove(struct pid_table *table, struct pid_entry *entry);
struct pid_entry *pid_group_find(const struct pid_table *table, pid_t number);

// The living process with this number as box sees it: a member, or the head of a box made in it.
// Counted; NULL if none. Takes tree_lock.
struct process *pid_find(struct box *box, pid_t number);
// The living thread with this number (a process's number finds its first thread). Counted; NULL if
// none.
struct uthread *pid_find_thread(struct box *box, pid_t number);
// The smallest number above number that a process of the box or a head made in it bears, the dead
// unreaped included; 0 at the end. For readdir of /proc.
pid_t pid_next(struct box *box, pid_t number);
