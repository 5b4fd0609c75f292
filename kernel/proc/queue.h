// SPDX-License-Identifier: MIT
// queue.h - what is pending for a process and its threads: the parts that signal.c, signal_calls.c,
// deliver.c and note.c share.
//
// All functions want signals->lock held.
#pragma once

#include "kernel/proc/note.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"

// A queued signal or note. number 0 in info.si_signo: a note of no known type.
struct signal_entry {
    struct list link;
    struct linux_siginfo info;
    size_t length; // of text; 0: none
    char text[];
};

#define SIGNAL_SET_STOP \
    (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNAL_SET_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

// A signal taken off a queue.
struct signal_taken {
    unsigned number;
    struct linux_siginfo info;
    pid_t maker;                    // enum signal_maker, or a number
    unsigned continues;             // signals->continues as it was taken
    size_t length;                  // of text; 0: none
    char text[NOTE_MAX_BYTES + 1];
};

// Takes a signal of set, the thread's own before the process's, faults first, then by number.
// Returns false if there is none.
bool queue_take(struct uthread *thread, uint64_t set, struct signal_taken *taken);
// The same from the process's queue alone.
bool queue_take_process(struct process *process, uint64_t set, struct signal_taken *taken);
// Adds to the thread's queue, or with NULL to the process's. text NULL: none. around: may use the
// last slot. Errors: -EAGAIN.
int queue_add(struct process *process, struct uthread *thread, unsigned number,
              const struct linux_siginfo *info, const char *text, size_t length,
              bool around) MUST_CHECK;
// Drops all signals of set from the process and its threads; process->lock held too.
void queue_drop(struct process *process, uint64_t set);
void queue_remove(struct process *process, struct signal_entry *entry);

// What the process does at a signal.
struct signal_action signal_action_of(struct process *process, unsigned number);
bool signal_default_ignored(unsigned number);
// Tells a thread that can take the signal; process->lock held too.
void signal_tell(struct process *process, struct uthread *thread, unsigned number);

// --- Sending, for note.c; no lock held ---

int signal_send_text(struct process *process, unsigned number, const struct linux_siginfo *info,
                     const char *text, size_t length) MUST_CHECK;
// Whether the caller is a process of a box around that of process. Interrupts are on, or it is not.
bool signal_sender_is_around(const struct process *process);
// The info of a signal that the calling process sends to process.
void signal_info_user(const struct process *to, unsigned number, int code,
                      struct linux_siginfo *info);

// The alternate stack as it stands when the stack pointer is sp: with SS_ONSTACK if it is in use.
struct linux_stack signal_altstack_now(vaddr_t sp);
