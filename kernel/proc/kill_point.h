// SPDX-License-Identifier: MIT
// kill_point.h - numbered points in the life of a process, at which a test may have its box killed.
//
// Test builds only (BOXWORK_DEBUG); otherwise a point is nothing. A test arms one point for one box
// (/dev/kill-points, docs/testing.md); when the box passes it the nth time, the box is killed there:
// by the passing thread itself, which goes on with what it was doing, or, for odd n and for every
// point where a thread is about to wait, by the reaper's thread meanwhile.
#pragma once

#include "abi/ctl.h"
#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct box;
struct process;

// KILL_POINT(symbol, name)
#define KILL_POINTS                                                       \
    KILL_POINT(FORK_BEGIN, "fork-begin")     /* nothing is made yet */     \
    KILL_POINT(FORK_COPIED, "fork-copied")   /* the child has its parts */ \
    KILL_POINT(FORK_LINK, "fork-link")       /* about to enter the tree */ \
    KILL_POINT(FORK_START, "fork-start")     /* in the tree */            \
    KILL_POINT(FORK_DONE, "fork-done")       /* it runs */                 \
    KILL_POINT(THREAD_LINK, "thread-link")                                \
    KILL_POINT(THREAD_START, "thread-start")                              \
    KILL_POINT(THREAD_BEGIN, "thread-begin") /* its first step */          \
    KILL_POINT(THREAD_EXIT, "thread-exit")                                \
    KILL_POINT(THREAD_UNLINK, "thread-unlink")                            \
    KILL_POINT(NEW_LINK, "new-link")         /* a box in the box */        \
    KILL_POINT(NEW_LINKED, "new-linked")                                  \
    KILL_POINT(START_LINK, "start-link")                                  \
    KILL_POINT(START_DONE, "start-done")                                  \
    KILL_POINT(EXEC_BEGIN, "exec-begin")                                  \
    KILL_POINT(EXEC_BUILT, "exec-built")                                  \
    KILL_POINT(EXEC_ALONE, "exec-alone")     /* the others have left */    \
    KILL_POINT(EXEC_COMMIT, "exec-commit")   /* the new space is in place */ \
    KILL_POINT(EXEC_DONE, "exec-done")                                    \
    KILL_POINT(EXEC_KEEP, "exec-keep")       /* ctl exec */                \
    KILL_POINT(FAULT, "fault")                                            \
    KILL_POINT(FAULT_DONE, "fault-done")                                  \
    KILL_POINT(HANDLER, "handler")           /* a signal's handler */      \
    KILL_POINT(STOP, "stop")                                              \
    KILL_POINT(PARK, "park")                                              \
    KILL_POINT(EXIT, "exit")                                              \
    KILL_POINT(TEARDOWN, "teardown")         /* the last thread has left */ \
    KILL_POINT(PARTS_FREED, "parts-freed")                                \
    KILL_POINT(TREE_LEFT, "tree-left")                                    \
    KILL_POINT(WAIT_READ, "wait-read")                                    \
    KILL_POINT(WAIT_WRITE, "wait-write")                                  \
    KILL_POINT(WAIT_OPEN, "wait-open")                                    \
    KILL_POINT(WAIT_POLL, "wait-poll")                                    \
    KILL_POINT(WAIT_EPOLL, "wait-epoll")                                  \
    KILL_POINT(WAIT_FUTEX, "wait-futex")                                  \
    KILL_POINT(WAIT_CHILD, "wait-child")                                  \
    KILL_POINT(WAIT_SLEEP, "wait-sleep")                                  \
    KILL_POINT(WAIT_SIGNAL, "wait-signal")                                \
    KILL_POINT(WAIT_VFORK, "wait-vfork")                                  \
    KILL_POINT(WAIT_EXEC, "wait-exec")       /* for the other threads */   \
    KILL_POINT(WAIT_LOCK, "wait-lock")       /* fcntl, flock */            \
    KILL_POINT(WAIT_MUTEX, "wait-mutex")     /* inside the kernel */       \
    KILL_POINT(WAIT_OTHER, "wait-other")

enum kill_point {
    KILL_NEVER,
#define KILL_POINT(symbol, name) KILL_AT_##symbol,
    KILL_POINTS
#undef KILL_POINT
    KILL_AT_CTL, // and one for each ctl command, "ctl-NAME", about to be done
    KILL_POINT_COUNT = KILL_AT_CTL + CTL_COUNT,
};

#ifdef BOXWORK_DEBUG
void kill_point_pass(enum kill_point point, struct process *process);
// What the reaper does for a box whose kill was left to it.
void kill_point_strike(struct box *box);
// The door was found closed: something was refused entry after a kill had begun.
void kill_point_refused(void);

// Arms a point for a box. Errors: -EINVAL no such name, or nth 0.
int kill_point_arm(struct box *box, const char *name, unsigned nth) MUST_CHECK;
// "NAME KILLS" lines, and "refused COUNT". Returns the length.
size_t kill_point_counts(char *text, size_t size);

// process: whose box passes the point.
#define kill_point(point, process) kill_point_pass((point), (process))
#else
#define kill_point(point, process) ((void)0)
#define kill_point_refused() ((void)0)
#endif
