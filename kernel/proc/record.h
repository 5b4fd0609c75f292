// SPDX-License-Identifier: MIT
// record.h - the record: what the tree of processes knows of one of them, living or dead.
//
// It carries what must outlive the process: numbers, parent, process group, and at the end status,
// reason, who did it, totals. A process, its entry among its box's numbers, and handles under /proc
// each hold a reference. It is of a fixed size and charged to the box that waits for it: a member's
// to its own box, a head's to the box around.
//
// States: living (process set) -> claimed (status fixed) -> done (all is freed, waiters woken) ->
// reaped (no number any more).
#pragma once

#include "kernel/proc/pid.h"
#include "kernel/sched/waitq.h"
#include "kernel/sync/refcount.h"
#include "lib/base/list.h"
#include "lib/base/types.h"

struct box;
struct process;
struct process_group;

#define RECORD_REASON_SIZE 256 // the text of any note, and a NUL

// What was used: of a thread, a process, or a box with its dead.
struct usage {
    nsec_t user_ns, kernel_ns;
    uint64_t faults_minor, faults_major;
    uint64_t switches_voluntary, switches_forced;
    uint64_t resident_peak; // bytes
};
void usage_add(struct usage *to, const struct usage *from);

// Fields: I set once · T under tree_lock · a atomic · d fixed once done is set
struct record {
    struct refcount ref;      // a
    struct process *process;  // T  not counted; NULL once the struct is gone
    // T  not counted; whose table has the entry own. NULL once the box is empty, or a member is
    // reaped
    struct box *box;
    struct pid_entry own;     // T
    // T  heads: not counted; whose table has the entry outer. NULL once reaped
    struct box *outer_box;
    struct pid_entry outer;   // T
    pid_t pid, outer_pid;     // I  outer_pid 0 for members
    bool head;                // I
    struct process *parent;   // T  not counted; who made it, or adopted it; NULL: nobody is told
    struct list child_link;   // T  in parent->children until reaped
    struct list report_link;  // T  in parent->reports while it has something to tell wait4
    struct process_group *group; // T  until reaped; NULL: none
    struct list group_link;   // T
    pid_t group_id, session_id; // T  numbers in its own box
    int exit_signal;          // T  sent to the parent at the end; SIGCHLD for a fork, 0 for heads
    // T  nobody will ask: an adopted orphan, or its creation handle is closed
    bool reap_when_done;
    bool created_handle;      // T  heads: its creation handle is open
    uid_t uid;                // T  for the SIGCHLD info
    unsigned stop_signal;     // T  job control: stopped by this signal, not yet waited for
    bool continued;           // T  continued, not yet waited for
    struct usage children;    // T  of its children that were waited for

    bool claimed;             // T  someone has decided how it ends
    int64_t status;           // T  as `wait` shows it; fixed once claimed
    char reason[RECORD_REASON_SIZE]; // T  "; empty: what the status says by itself
    // T  "; who did it, a literal: "kernel", "box around", "deadline"; NULL: by_pid
    const char *by_text;
    pid_t by_pid;             // T  "; a process, by its number in its own box

    atomic_bool done;         // a  set last, after all is freed; then waiters are woken
    struct waitq waiters;     // of /proc/PID/wait, process_wait, pidfds
    char name[16];            // d  comm
    nsec_t start_ns, end_ns;  // d  start_ns at once
    struct usage usage;       // d  the whole box for a head
    int64_t memory_peak, processes_peak, threads_peak, fds_peak; // d  heads
    int64_t left_bytes;       // d  what others still hold of the box's memory
};

#define RECORD_BY_SIZE 32

// How it ended and who did it, in words; tree_lock held, or the record is done.
void record_reason(const struct record *record, char text[RECORD_REASON_SIZE]);
void record_by(const struct record *record, char text[RECORD_BY_SIZE]);

void record_get(struct record *record);
void record_put(struct record *record); // Context: any

// The living process, counted; NULL when it has ended (handles answer ESRCH). Takes tree_lock.
struct process *record_process(struct record *record);
// As pid_find, but of the dead unreaped too; counted. threads: a thread's number finds its
// process's record.
struct record *pid_find_record(struct box *box, pid_t number, bool threads);

// The creation handle (/proc/new) of a head closes: ends a box that was never started or is on a
// leash, and reaps the record, now or at death.
void record_creation_closed(struct record *record);
