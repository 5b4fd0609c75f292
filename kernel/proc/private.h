// SPDX-License-Identifier: MIT
// private.h - what the files of kernel/proc share with each other and with nobody else.
#pragma once

#include "kernel/proc/process.h"
#include "lib/base/compiler.h"

struct exec_image;
struct uthread;

// process.c

// Makes a process of box with nothing in it but a record (charged to record_account), an
// environment and limits; one reference, linked nowhere. Errors: -ENOMEM, -EAGAIN (quota).
int process_alloc(struct box *box, struct account *record_account,
                  struct process **process) MUST_CHECK;
// Puts what the process holds besides memory: space, fds, directory, image. Thread context; what is
// gone already is skipped.
void process_release_parts(struct process *process);
int directory_create(struct account *account, struct directory **directory) MUST_CHECK;
int directory_copy(struct directory *from, struct account *account,
                   struct directory **directory) MUST_CHECK;
void directory_get(struct directory *directory);
void directory_put(struct directory *directory);

// parts.c

int process_copy_cmdline(struct process *from, struct process *to) MUST_CHECK;

// record.c

int record_create(struct account *account, struct record **record) MUST_CHECK;
// Links a new process: number, parent, group, list of members. tree_lock held; doors tested by the
// caller. Errors: -EAGAIN no number.
int tree_link_member(struct process *process, struct process *parent, struct process *creator);
int tree_link_head(struct process *process, struct process *parent);
// All of the process is freed (for a head: of its box): marks the record done, tells the parent,
// wakes who waits, gives the process's reference back. Context: any.
void record_publish(struct record *record);
// Takes the record out of the tree and from among the numbers; tree_lock held. Its references on
// that account are given back.
void record_unlink(struct record *record);
// The box whose numbers the record stands among is empty: only these go. tree_lock held.
void record_forget_own(struct record *record);
void record_forget_outer(struct record *record);
// Tells the parent that a child has stopped, continued or ended; tree_lock held.
void record_notify_parent(struct record *record, int code, int status);
// The child has something to tell wait4: wakes who waits for it. tree_lock held.
void record_report(struct record *record);
// The parent hears of a child that is done, or, where its action for SIGCHLD says so, the record
// goes at once. tree_lock held.
void record_report_end(struct record *record);

// kill.c

// Who ends a process: a literal, or a process by its number.
struct ender {
    const char *text; // NULL: pid
    pid_t pid;
};
#define ENDED_BY(literal) ((struct ender){ .text = (literal) })

// The first to end the process decides status, reason (NULL: what the status says by itself) and
// who did it; then every thread is told to leave, and for a head every member and inner box is
// ended.
// Returns whether it was the first. Context: thread.
bool process_end(struct process *process, int64_t status, const char *reason, struct ender by);
// Tells every thread but except (may be NULL) to leave; an unstarted process goes to the reaper.
// Context: thread.
void process_kill_threads(struct process *process, struct uthread *except);
// If the calling process or a box around it is ending: waits until the calling thread is told, which
// is soon. For calls that such an end refuses: the program does not live to see that.
void process_await_own_end(void);
// The calling process, as the record of process names it.
struct ender ender_current(const struct process *process);

// exit.c

// The last thread has left, or none ever was: frees all that may block, leaves the tree, takes
// living down. Thread context; the caller still holds the process.
void process_teardown(struct process *process);
void process_thread_reap(struct thread *thread); // for thread_set_reaper

// reaper.c

void reaper_queue(struct process *process); // Context: any
void reaper_expire(struct box *box);        // box->expired is set; Context: any, tree_lock held

// init.c

// the outermost box has settled: process_start_init goes on. Context: any
void init_box_settled(void);

// thread.c

// Links a thread made by uthread_create: gives it a number (its process's if it is the first).
// Errors: -EINVAL it is not the first and the process is new, -ESRCH the process ends, -EAGAIN no
// number, or an exec is under way.
int uthread_link(struct uthread *thread, bool first) MUST_CHECK;
int uthread_link_locked(struct uthread *thread, bool first) MUST_CHECK; // tree_lock held

// signal_calls.c

void signal_thread_leaves(struct uthread *thread); // others take the signals meant for it

// suspend.c

// Whether the thread has to park before user mode.
bool thread_must_park(struct uthread *thread);
// Parks until it has not; returns early when killed.
void thread_park(struct uthread *thread);
// Marks the thread as at rest, or not, for suspenders and job control.
void thread_set_parked(struct uthread *thread, bool parked);
// A thread has parked or left: a stop in progress may be complete. process->lock not held; takes
// tree_lock.
void stop_check_complete(struct process *process);
// A thread has left its process: it keeps no suspender waiting any more.
void suspend_thread_left(void);
// Suspends the calling thread's process where it stands; its threads park on their way to user
// mode.
void process_hold(struct process *process);
// Stops every thread for job control, unless a SIGCONT was sent since the signal was taken.
void process_stop(struct process *process, unsigned signal, unsigned continues);
// SIGCONT or SIGKILL arrives: lifts a stop; process->lock held. Returns whether there was one.
bool process_continue_locked(struct process *process);

// A thread goes on after a stop that the parent was told of: tells it.
void stop_report_continued(struct process *process);

// vfork.c

struct vfork;
int vfork_create(struct account *account, struct vfork **vfork) MUST_CHECK;
void vfork_get(struct vfork *vfork);
void vfork_put(struct vfork *vfork);
void vfork_wait(struct vfork *vfork);            // killable
void vfork_release(struct uthread *thread);      // exec or end: the parent goes on

// exec.c

void exec_image_free(struct exec_image *image);  // NULL is allowed; thread context
// Makes the image of process->image the calling thread's, after the other threads have left. Called
// on the way to user mode.
void exec_image_begin(struct process *process);
// A new process takes over its image; false if it has none.
bool exec_image_take_new(struct process *process, vaddr_t *entry, vaddr_t *sp);

// spawn.c

// process_new in a box that exists: the process takes its own reference on it. Two references: that
// of being alive, and the caller's.
int process_new_in(struct box *box, struct process *parent, unsigned priority,
                   struct process **process) MUST_CHECK;

// fork.c

// Makes a thread that is not linked yet go on as the calling one, as the request says.
void clone_set_up_thread(struct uthread *thread, const struct clone_request *request);
// Writes the number where CLONE_PARENT_SETTID wants it.
void clone_tell_number(const struct clone_request *request, pid_t number);

// usage.c

void rusage_from(const struct usage *usage, struct linux_rusage *out);
