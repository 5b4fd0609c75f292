// SPDX-License-Identifier: MIT
// note.h - notes and signals: text sent to a process, the first word its type; signals are the
// known types.
//
// A standard signal without text is a pending bit and never fails; texts and real-time signals take
// slots (64, one kept for boxes around). Kill is a flag, never queued. Fault notes are made by the
// kernel alone.
// Locking: signals->lock (rank SIGNAL, within process->lock) guards what is pending and the masks
// of the process's threads; signal_actions->lock what the signals do.
#pragma once

#include "abi/signal.h"
#include "kernel/sched/waitq.h"
#include "kernel/sync/refcount.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/list.h"

struct account;
struct process;
struct trapframe;
struct uthread;

#define NOTE_MAX_BYTES 255
#define NOTES_MAX 64
#define SIGNAL_BIT(number) (UINT64_C(1) << ((number) - 1))

// Who made an info that came from user space whole, so that nobody ends a process in another's name:
// a number in the box of whom it is for, or one of these. In info->si_padding until it is taken.
enum signal_maker {
    SIGNAL_MADE_BY_KERNEL = 0,
    SIGNAL_MADE_OUTSIDE = -1,
    SIGNAL_MADE_UNKNOWN = -2, // there was no memory to keep the info
};

struct signal_action { // as struct linux_sigaction
    uint64_t handler;  // SIG_DFL 0, SIG_IGN 1, or an address
    uint64_t flags;    // SA_*
    uint64_t restorer;
    uint64_t mask;
};

// What each signal does. Shared by CLONE_SIGHAND.
struct signal_actions {
    struct refcount ref;
    struct spinlock lock;                               // rank SIGNAL_ACTIONS
    uint64_t ignored;                                   // by signal bit: its handler is SIG_IGN
    struct signal_action actions[SIGNAL_COUNT + 1];     // by number
};

// Fields: g under lock · a atomic
struct signals {
    struct spinlock lock;                // rank SIGNAL
    struct signal_actions *actions;      // g  counted
    uint64_t pending;                    // g  for the process
    // g  of struct signal_entry.link: infos and texts for the process
    struct list queue;
    unsigned slots;                      // g  in use, those of the threads' queues included
    unsigned continues;                  // g  SIGCONTs sent so far; changed under process->lock too
    // /proc/self/note, signalfd, sigtimedwait: woken at each arrival
    struct waitq note_readers;
    atomic_uint note_open;               // a  how many handles have note open for reading
    // g  of the SIGCHLD that is pending: a child's end allocates nothing
    struct linux_siginfo child_info;
};

// --- Sending. Context: any, no lock above PROCESS held. info NULL: SI_USER from the calling
// process (SI_KERNEL from an interrupt or kernel thread). number 0 only checks. Errors: -EINVAL
// number, -ESRCH ended, -EAGAIN queue full (real-time signals).
int signal_send_process(struct process *process, unsigned number,
                        const struct linux_siginfo *info) MUST_CHECK;
int signal_send_thread(struct uthread *thread, unsigned number,
                       const struct linux_siginfo *info) MUST_CHECK;
// SIGPIPE and the like to the calling thread; never fails.
void signal_send_self(unsigned number);
// A fault of the calling thread: cannot be ignored; ends the process with the reason when it is
// blocked or has no handler.
void signal_fault(unsigned number, int code, vaddr_t address, const char *reason,
                  ...) PRINTF_LIKE(4, 5);
// Sends a note by its text (no newline). Errors: -EINVAL empty or too long, -EAGAIN full, -EPERM a
// forged fault, -ESRCH.
int note_send(struct process *process, const char *text, size_t length) MUST_CHECK;
// Takes the oldest note of the calling process as text; blocks unless nonblocking. Returns its
// length. Errors: -EAGAIN, -EINTR.
ssize_t note_read(char *to, size_t size, bool nonblocking) MUST_CHECK;
// POLLIN if note_read would not block; the queue to wait on is process->signals->note_readers.
unsigned note_poll(void);

// --- What the system calls of a thread need; all about the calling thread ---

// Either pointer may be NULL. Errors: -EINVAL number, or SIGKILL, SIGSTOP.
int signal_set_action(unsigned number, const struct signal_action *action,
                      struct signal_action *old) MUST_CHECK;
uint64_t signal_mask(void);
void signal_set_blocked(uint64_t mask); // SIGKILL and SIGSTOP are left out
uint64_t signal_pending_set(void);      // the thread's and the process's
// sigaltstack; sp tells whether it is in use. Errors: -EPERM in use, -EINVAL flags, -ENOMEM too
// small.
int signal_set_altstack(const struct linux_stack *stack, struct linux_stack *old,
                        vaddr_t sp) MUST_CHECK;
// sigsuspend: waits for a signal under mask. Returns -ERESTARTNOHAND.
int64_t signal_suspend(uint64_t mask) MUST_CHECK;
// ppoll, pselect, epoll_pwait: sets mask until the way back to user mode, or, if a handler is
// entered there, until it returns.
void signal_suspend_mask(uint64_t mask);
// sigtimedwait. Returns the number. Errors: -EAGAIN time over, -EINTR.
int signal_wait(uint64_t set, nsec_t deadline_ns, struct linux_siginfo *info) MUST_CHECK;
// signalfd: takes one of set if there is one. Returns the number, 0 if none.
unsigned signal_take(uint64_t set, struct linux_siginfo *info);
// rt_sigreturn: restores the frame. Returns the result to set, that of the interrupted call.
int64_t signal_return(struct trapframe *frame) MUST_CHECK;
// Whether a signal that is not blocked waits for the calling thread.
bool signal_pending_current(void);

// --- The way back to user mode ---

// Sets a call's result; for ERESTART* it makes sure that note_return_to_user runs before user mode
// and settles the restart.
void note_set_result(struct trapframe *frame, int64_t result);
// Until no work is left: reschedules, dies, parks, delivers signals, restarts calls. The
// return_to_user handler.
void note_return_to_user(struct trapframe *frame);
// restart_syscall: calls uthread->restart; -EINTR without one.
int64_t note_restart_call(void) MUST_CHECK;

// Results of a call that a signal or a suspension interrupted; never seen by user space.
#define ERESTARTSYS 512           // restart if SA_RESTART or no handler
#define ERESTARTNOHAND 514        // restart only if no handler ran
#define ERESTART_RESTARTBLOCK 516 // call uthread->restart if no handler ran, else EINTR

// --- Names: abi/notes.def has the table ---

const char *signal_name(unsigned number);      // "SIGTERM"; "signal 70" never: numbers are 1-64
const char *signal_note_type(unsigned number); // "terminate"; NULL if it has none
// The signal of a note's first word; 0 if unknown.
unsigned signal_of_note(const char *text, size_t length);

// --- Within proc/ ---

int signals_create(struct account *account, struct signals **signals) MUST_CHECK; // all default
int signals_fork(struct signals *from, struct account *account, bool share_actions,
                 struct signals **signals) MUST_CHECK;
void signals_destroy(struct signals *signals); // Context: any
// exec: handlers become default, ignored stay; actions are no longer shared. actions: from
// signal_actions_create, used up.
void signals_exec(struct signals *signals, struct signal_actions *actions);
int signal_actions_create(struct account *account, struct signal_actions **actions) MUST_CHECK;
void signal_actions_put(struct signal_actions *actions);
// Drops what is queued for a thread or the process.
void signal_flush_thread(struct uthread *thread);
void signal_flush_process(struct process *process);
// Recomputes WORK_NOTE of a thread after its mask or pending set changed; signals->lock held.
void signal_recompute(struct uthread *thread);
// As signal_send_process with process->lock held (the caller may hold tree_lock). Never for
// SIGKILL.
int signal_send_locked(struct process *process, struct uthread *thread, unsigned number,
                       const struct linux_siginfo *info) MUST_CHECK;
