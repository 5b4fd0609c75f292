// SPDX-License-Identifier: MIT
// session.h - sessions and process groups, numbered within their box; the controlling terminal's
// place.
//
// Everything here is under tree_lock. A group lives while a record (living or dead unreaped) is in
// it, and a session's own group as long as the session, so that no number is borne twice. A head
// leads a new session without a terminal.
#pragma once

#include "kernel/proc/pid.h"
#include "lib/base/list.h"

struct account;
struct box;
struct linux_siginfo;
struct process;
struct record;
struct session;

// What the tty code gives with a controlling terminal. Both are called with no lock held, in thread
// context.
struct terminal_ops {
    void (*get)(void *terminal);    // takes a reference; called under tree_lock
    // the session's leader has ended; gives back the session's reference
    void (*hangup)(void *terminal);
};

// Fields: I set once · T under tree_lock
struct session {
    pid_t id;                         // I
    unsigned groups;                  // T  how many it has, its own included
    pid_t foreground;                 // T  number of the foreground group; 0: none
    void *terminal;                   // T  NULL: none
    const struct terminal_ops *ops;   // T
};

struct process_group {
    struct pid_entry entry;   // T  in box->pids.groups
    struct session *session;  // I
    struct box *box;          // I  not counted
    struct list members;      // T  of record.group_link
};

// setsid of the calling process. Returns the session's number. Errors: -EPERM it leads a group,
// -ENOMEM.
int session_create(void) MUST_CHECK;
// setpgid as the calling process may (0: its own number). Errors: -EINVAL, -ESRCH, -EPERM, -EACCES
// (a child that has called exec).
int process_set_group(pid_t pid, pid_t group) MUST_CHECK;
// getpgid, getsid; 0: the caller. Errors: -ESRCH.
int process_get_group(pid_t pid) MUST_CHECK;
int process_get_session(pid_t pid) MUST_CHECK;

// Sends to every process of the group of this box. info NULL: SI_KERNEL. Context: any, also under a
// tty's lock. Errors: -ESRCH none.
int signal_send_group(struct box *box, pid_t number, unsigned signal,
                      const struct linux_siginfo *info) MUST_CHECK;
// kill(-1): every process of the caller's box but its head and the caller. Errors: -ESRCH none.
int signal_send_all(unsigned number, const struct linux_siginfo *info) MUST_CHECK;

// --- For the tty code; all about the calling process's session ---

// Whether the calling process's group has nobody outside it, in its session, to continue it: then
// stop signals of a tty are EIO.
bool group_orphaned(void);
bool session_leader(void);
pid_t session_id_current(void);
// Makes terminal the session's (the session takes the caller's reference). Errors: -EPERM not the
// leader, or has another.
int session_set_terminal(void *terminal, const struct terminal_ops *ops) MUST_CHECK;
// Takes the terminal away (TIOCNOTTY by the leader, hang-up); returns it, with the session's
// reference; NULL if it had none.
void *session_drop_terminal(void);
// The session's terminal, a reference taken; NULL if none.
void *session_terminal(void);
pid_t session_foreground(void);
// tcsetpgrp. Errors: -EPERM the group is not of the session, -ENOTTY.
int session_set_foreground(pid_t group) MUST_CHECK;

// --- Within proc/, tree_lock held ---

struct session *session_alloc(struct account *account) MUST_CHECK;
struct process_group *group_alloc(struct account *account) MUST_CHECK;
void session_free(struct session *session); // NULL is allowed; for those that were not used
void group_free(struct process_group *group);
void group_start(struct process_group *group, struct session *session, struct record *leader);
void group_join(struct process_group *group, struct record *record);
void group_leave(struct record *record); // frees group and session if it was the last
// A process ends: its group, or its children's groups, may become orphaned with stopped members:
// SIGHUP and SIGCONT.
void group_check_orphaned(struct process *ending);
// The leader of a session ends: its foreground group gets SIGHUP and SIGCONT. Returns the terminal
// to hang up after unlocking.
void *session_leader_ends(struct record *leader, const struct terminal_ops **ops);
