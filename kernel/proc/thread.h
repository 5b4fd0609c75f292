// SPDX-License-Identifier: MIT
// thread.h - a thread of a process: the scheduler's thread, and what user space knows of it.
#pragma once

#include "kernel/proc/note.h"
#include "kernel/proc/pid.h"
#include "kernel/proc/record.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/refcount.h"
#include "lib/base/list.h"

struct process;
struct trapframe;
struct vfork;

// Fields: I set once · p under process->lock · T under tree_lock · g under the process's
// signals->lock · s by the thread itself
struct uthread {
    struct thread thread;          // I  first
    struct refcount ref;           // a
    struct process *process;       // I  counted
    struct pid_entry pid;          // T  its own number, if it is not its process's first thread
    // T  what gettid answers: the process's number for the first thread
    pid_t tid;
    struct list process_link;      // p
    bool killed;                   // p  told to leave; sorted to the end of process->threads
    // p  at rest for suspend or stop, or in a wait that only its vfork child ends
    bool parked;
    uint64_t blocked;              // g  signal mask, bit n-1 for signal n
    uint64_t pending;              // g  signals sent to this thread
    struct list queue;             // g  their infos, of struct signal_entry.link
    uint64_t waiting_for;          // g  the set of a sigtimedwait in progress
    uint64_t saved_mask;           // s  to restore after sigsuspend, ppoll
    bool restore_mask;             // s
    char note[NOTE_MAX_BYTES];     // s  text of the signal whose handler was entered last
    size_t note_length;            // s  0: it had none, or it was read
    struct linux_stack altstack;   // s
    vaddr_t clear_child_tid;       // s
    vaddr_t set_child_tid;         // s  CLONE_CHILD_SETTID: written at its start
    vaddr_t robust_list;           // s
    size_t robust_size;            // s
    struct vfork *vfork;           // p  counted; whoever waits for this thread's exec or end
    // A call to resume after a signal (restart_syscall). data is the call's own.
    int64_t (*restart)(struct uthread *thread); // s
    uint64_t restart_data[6];      // s
    // Where a call last touched user memory in vain, for the end of a strict process. Which call
    // that was, the thread's time in user mode tells: it stands still while a call runs.
    struct bad_pointer {
        vaddr_t address;
        nsec_t user_ns;
        uint8_t access, reason; // enum fault_access, enum fault_reason
    } bad_pointer;                 // s
};

// The calling thread, which must be of a process.
static inline struct uthread *uthread_current(void)
{
    return (struct uthread *)thread_current();
}

static inline struct uthread *uthread_of(struct thread *thread)
{
    return (struct uthread *)thread;
}

void uthread_get(struct uthread *thread);
void uthread_put(struct uthread *thread); // Context: any

// Ends the calling thread (exit, not exit_group); with the last one the process ends, with code if
// it was the first thread's.
void NORETURN uthread_exit_current(int code);

void uthread_usage(const struct uthread *thread, struct usage *usage);

// The thread of the calling process (or, other, of any process of its box) with this number;
// counted, NULL if none.
struct uthread *uthread_find(pid_t tid, bool other);

// --- Within proc/ ---

// Makes a thread of process, not linked to it and without a number; it starts by its trap frame.
// Errors: -ENOMEM, -EAGAIN (quota).
int uthread_create(struct process *process, struct uthread **thread) MUST_CHECK;
// Undoes it for a thread that was never started.
void uthread_destroy(struct uthread *thread);
