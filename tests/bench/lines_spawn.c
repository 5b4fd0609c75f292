// SPDX-License-Identifier: MIT
// lines_spawn.c - starting a tiny program and waiting for its end, in each of the ways there are.

#include <errno.h>
#include <spawn.h>
#include <unistd.h>

#include "bench.h"
#include "helpers.h"

static char *const tiny_arguments[] = { (char[]){ TINY_PATH }, NULL };
static char *const no_environment[] = { NULL };

static pid_t start_by_spawn(void)
{
    pid_t child = -1;

    errno = posix_spawn(&child, TINY_PATH, NULL, NULL, tiny_arguments, no_environment);
    return errno == 0 ? child : -1;
}

static pid_t __attribute__((noinline)) start_by_vfork(void)
{
    pid_t child = vfork();

    if (child == 0) {
        execve(TINY_PATH, tiny_arguments, no_environment);
        _exit(127);
    }
    return child;
}

static pid_t start_by_fork(void)
{
    pid_t child = fork();

    if (child == 0) {
        execve(TINY_PATH, tiny_arguments, no_environment);
        _exit(127);
    }
    return child;
}

enum { BY_SPAWN, BY_VFORK, BY_FORK };

static void spawn(const struct line *line)
{
    static pid_t (*const start[])(void) = { start_by_spawn, start_by_vfork, start_by_fork };
    long count = repetitions(200);

    // Once without the clock: the program's pages come into the cache.
    CHECK(wait_for(start[line->argument]()) == TINY_STATUS, "the program did not run");
    for (long i = 0; i < count; i++) {
        pid_t child;
        int status;

        timer_start();
        child = start[line->argument]();
        status = wait_for(child);
        timer_stop();
        CHECK(status == TINY_STATUS, "status %d", status);
    }
    report(line->name, count);
}

const struct line spawn_lines[] = {
    { "spawn.posix_spawn", spawn, BY_SPAWN, LINE_BUDGET | LINE_WALL },
    { "spawn.vfork_exec", spawn, BY_VFORK, LINE_BUDGET },
    { "spawn.fork_exec", spawn, BY_FORK, LINE_BUDGET | LINE_WALL },
    { NULL, NULL, 0, 0 },
};
