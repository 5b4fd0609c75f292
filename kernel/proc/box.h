// SPDX-License-Identifier: MIT
// box.h - boxes: a head process, its members, and the boxes they make.
//
// A box owns names, account, numbers. Boxes form a tree at most BOX_DEPTH_MAX deep; all walks over
// it are loops over lists, never recursion.
// Two counters, each standing for one in the box around while it is not 0:
// living     its processes, and inner boxes with living processes. Taken down by a process's last
//            thread, which may still block. Whoever brings it to 0 frees the box's names, numbers
//            and IPC, then goes on to the box around.
// unsettled  structs of processes and inner boxes (each is a reference on the box). Taken down as
//            each struct is freed, for the last thread of a process in the next thread's switch
//            code. At 0 the account folds, the head's record is published, its waiters wake, all
//            under spin locks.
// The door: dying is set under tree_lock; linking a process or box tests it in every box around.
#pragma once

#include <stdatomic.h>

#include "kernel/proc/pid.h"
#include "kernel/proc/record.h"
#include "kernel/sched/timer.h"
#include "lib/base/list.h"
#include "lib/base/types.h"

#define BOX_DEPTH_MAX 32

struct account;
struct names;
struct process;

// Fields: I set once · T under tree_lock · a atomic
struct box {
    struct box *outer;        // I  counted; NULL for the outermost
    unsigned depth;           // I  0 for the outermost
    struct process *head;     // T  not counted; NULL once its struct is gone
    struct record *head_record; // I  counted
    // T  counted; NULL once living is 0; its own processes read it without the lock
    struct names *names;
    struct account *account;  // I
    struct pid_table pids;    // T  numbers of processes and threads
    struct list members;      // T  of process.member_link, the head included: those not told to end
    struct list killed;       // T  of process.member_link: those told to end
    struct list boxes;        // T  of box_link: boxes directly inside, not told to end
    struct list killed_boxes; // T  of box_link
    struct list box_link;     // T
    struct list walk_link;    // T  in the list of a kill in progress
    struct list deadline_link; // T  in the reaper's list
    atomic_bool dying;        // a  set under tree_lock
    atomic_bool started;      // a  the head has been started
    atomic_long living;       // a
    atomic_long unsettled;    // a
    atomic_long stopped;      // a  processes stopped by job control
    atomic_bool suspended;    // a  from outside: holds every thread, those of inner boxes too
    atomic_uint priority;     // a  its weight beside the threads and boxes of the box around
    struct timer deadline;    // armed at start when quota deadline is set
    struct timer cputime;     // armed while a limit of cputime is set
    nsec_t deadline_ns;       // T  duration since start; 0: none
    nsec_t cputime_limit_ns;  // T  0: none
    unsigned expired;         // T  which of the two fired, for the reaper: enum box_expiry
    bool write_execute;       // T  ctl wx
    bool strict;              // T
    bool leash;               // T
    // T  ctl keep: a fault leaves the process suspended instead of ending it
    bool keep;
    // T  by key of abi/ctl.h: 1 + depth of the outermost box that has set the limit; 0: none has
    uint8_t limit_setters[8];
    char hostname[65];        // T
    struct list loans;        // dev/tty_loan.c: terminals that get back their settings at its end
    struct usage usage;       // T  of its processes that are gone, inner boxes included
    _Atomic nsec_t idle_shown; // a  the most that /proc/uptime and /proc/stat have told
#ifdef BOXWORK_DEBUG
    atomic_uint kill_point;   // a  enum kill_point, armed by a test
    atomic_int kill_nth;      // a  the pass at which it kills
    atomic_int kill_left;     // a  passes up to then
#endif
};

enum box_expiry { BOX_DEADLINE = 1, BOX_CPUTIME = 2, BOX_KILL_POINT = 4 };

extern struct box *box_outermost(void);

// The box of the calling thread; the outermost for a kernel thread. No reference.
struct box *box_current(void);

// Whether inner is outer or lies inside it.
bool box_within(const struct box *inner, const struct box *outer);

// Closes the door of the head's box and ends every member and every box inside. First wins.
// Context: thread.
void box_kill(struct box *box, int64_t status, const char *reason, const char *by);

// Its names, counted; NULL once its last process has gone. Takes tree_lock.
struct names *box_names(struct box *box);

// A reference keeps the box from settling, so it is given back soon.
void box_get(struct box *box);
void box_put(struct box *box); // Context: any

// The box's share of what the box around it has: as that of a thread of this priority, 0-39.
void box_set_priority(struct box *box, unsigned priority);

// 0: none. Counted from the head's start. Errors: -ESRCH dying.
int box_set_deadline(struct box *box, nsec_t duration) MUST_CHECK;
int box_set_cputime(struct box *box, nsec_t limit) MUST_CHECK;
nsec_t box_elapsed(const struct box *box); // since the start; 0 before it
// What all of the box has used, inner boxes and the dead included, up to now. Takes tree_lock.
void box_usage(struct box *box, struct usage *usage);

// What other parts free when the last process of a box has gone (abstract sockets, IPC keys).
// Thread context, may block. Never removed.
struct box_end_hook {
    void (*end)(struct box *box);
    struct box_end_hook *next;
};
void box_add_end_hook(struct box_end_hook *hook);

// --- Within proc/ ---

// unlinked, with an account of its own; one reference. -EAGAIN, -ENOMEM
int box_create(struct box *outer, struct box **box) MUST_CHECK;
void box_destroy_unlinked(struct box *box);
// Whether box or one around it is dying; tree_lock held.
bool box_is_dying(const struct box *box);
// The same, asked of somebody who is about to enter the box.
bool box_door_closed(const struct box *box);
// The box after box in a walk over top and all boxes in it, those told to end included; NULL at the
// end. tree_lock held.
struct box *box_tree_next(const struct box *top, const struct box *box);
// A process of the box has freed everything (thread context): living goes down.
void box_process_left(struct box *box);
void box_started(struct box *box);     // the head runs: the deadline counts from now
void box_stop_timers(struct box *box); // the head ends. Thread context
