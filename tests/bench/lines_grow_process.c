// SPDX-License-Identifier: MIT
// lines_grow_process.c - what starting, killing and awaiting one process costs while many others
// sleep.

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "helpers.h"

#define REPETITIONS 20

static void report_size(const char *what, long size, long count)
{
    char name[64];

    snprintf(name, sizeof(name), "grow.%s.%ld", what, size);
    report(name, count);
}

static void time_spawn(long size)
{
    char *const arguments[] = { (char[]){ TINY_PATH }, NULL };

    for (int i = 0; i < REPETITIONS; i++) {
        pid_t child;
        int status;

        timer_start();
        errno = posix_spawn(&child, TINY_PATH, NULL, NULL, arguments, arguments + 1);
        status = errno == 0 ? wait_for(child) : -1;
        timer_stop();
        CHECK(status == TINY_STATUS, "status %d", status);
    }
    report_size("spawn", size, REPETITIONS);
}

static pid_t start_sleeper(void)
{
    int ends[2];
    char ready;
    pid_t child;

    make_pipe(ends);
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        write_fully(ends[1], "!", 1);
        for (;;)
            pause();
    }
    read_fully(ends[0], &ready, 1);
    close(ends[0]);
    close(ends[1]);
    return child;
}

static void time_kill(long size)
{
    for (int i = 0; i < REPETITIONS; i++) {
        pid_t child = start_sleeper();
        int status;

        timer_start();
        kill(child, SIGKILL);
        status = wait_for(child);
        timer_stop();
        CHECK(status == -1, "status %d", status);
    }
    report_size("kill", size, REPETITIONS);
}

// Of one that is dead already, among all the living children.
static void time_wait(long size)
{
    for (int i = 0; i < REPETITIONS; i++) {
        pid_t child = fork(), reaped;
        siginfo_t info;

        CHECK(child >= 0, "fork");
        if (child == 0)
            _exit(0);
        CHECK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0, "waitid");
        timer_start();
        reaped = waitpid(-1, NULL, 0);
        timer_stop();
        CHECK(reaped == child, "%d was reaped, not %d", reaped, child);
    }
    report_size("wait", size, REPETITIONS);
}

static void grow_processes(const struct line *line)
{
    struct crowd crowd = { 0 };

    for (long size = 1; size <= line->argument; size *= 10) {
        crowd_grow(&crowd, size);
        time_spawn(size);
        time_kill(size);
        time_wait(size);
    }
    crowd_end(&crowd);
}

const struct line grow_process_lines[] = {
    { "grow.processes", grow_processes, 10000, LINE_GROW },
    { NULL, NULL, 0, 0 },
};
