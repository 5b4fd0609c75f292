// SPDX-License-Identifier: MIT
// load.h - the operations of the mixed load (test_load.c).
//
// Each does one thing whole, checks what came of it, and leaves nothing: what it made it has taken back
// and waited for. Any number of them run at a time, in the outermost box and in others, where they may be
// killed or suspended anywhere.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// LOAD(name, how often a minute at least, what): the function is load_NAME.
#define LOAD_OPERATIONS                                                                  \
    LOAD(fork, 20, "children end with their codes")                                      \
    LOAD(group, 20, "a process group is killed, orphans are taken in")                   \
    LOAD(spawn, 20, "posix_spawn and vfork run a program")                               \
    LOAD(exec, 20, "exec by one of several threads")                                     \
    LOAD(stop, 20, "stop and continue")                                                  \
    LOAD(threads, 20, "threads under mutexes of all kinds")                              \
    LOAD(futex, 20, "turns by futex, between threads and between processes")             \
    LOAD(condition, 20, "condition variables")                                           \
    LOAD(owner, 20, "robust mutexes whose owners end")                                   \
    LOAD(cancel, 20, "cancellation in calls that block")                                 \
    LOAD(pipe, 20, "bytes through pipes, in order")                                      \
    LOAD(poll, 20, "poll over several pipes")                                            \
    LOAD(epoll, 20, "epoll while others change the set")                                 \
    LOAD(terminal, 20, "a pseudo terminal, its signals and its hang-up")                 \
    LOAD(signals, 20, "handlers, queued values, signalfd")                               \
    LOAD(timers, 20, "timers and sleeps, never early")                                   \
    LOAD(files, 20, "files made, written, read, renamed, removed")                       \
    LOAD(locks, 20, "record locks between processes")                                    \
    LOAD(map, 20, "mappings changed and read while threads run")                         \
    LOAD(shared, 20, "a file mapped by several, written and truncated")                  \
    LOAD(look, 20, "/proc read while what it shows comes and goes")                      \
    LOAD(box, 20, "a box runs a program to its end")                                     \
    LOAD(kill, 20, "a box under the same load is killed")                                \
    LOAD(suspend, 20, "a box under the same load is suspended and goes on")              \
    LOAD(hunger, 20, "a box uses up its memory")                                         \
    LOAD(bomb, 20, "a box uses up its processes, until its deadline")

enum load_number {
#define LOAD(name, least, what) LOAD_##name,
    LOAD_OPERATIONS
#undef LOAD
    LOAD_COUNT
};

#define LOAD(name, least, what) void load_##name(void);
LOAD_OPERATIONS
#undef LOAD

#define LOAD_PROGRAM "/bin/test_load"
#define LOAD_PULSE_FD 9  // in a box: the file with the pulse
#define LOAD_DEPTH_MAX 2 // of boxes in the load

// What whoever looks at a box under load sees of it: mapped from a file.
struct load_pulse {
    _Atomic uint64_t operations;
};

extern struct load_pulse *load_pulse;
extern unsigned load_depth; // how many boxes of the load are around this process

// A random number below a limit, of this process's sequence.
uint32_t load_random(uint32_t below);
// Waits for a child, which must have exited with the code.
void load_exited(pid_t child, int code);
// As load_exited, for one ended by a signal.
void load_signalled(pid_t child, int signal);
// CLOCK_MONOTONIC.
uint64_t load_now_ns(void);
// Runs body(argument) in a child, which then exits with 0.
pid_t load_child(void (*body)(void *), void *argument);
