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

// Ends with how many of `count` programs ran as they should; begins when the gate is closed.
static void __attribute__((noreturn)) spawn_on(int cpu, int gate, long count)
{
    long good = 0;
    char none;

    use_cpu(cpu);
    good -= wait_for(start_by_spawn()) != TINY_STATUS;
    (void)!read(gate, &none, 1);
    for (long i = 0; i < count; i++)
        good += wait_for(start_by_spawn()) == TINY_STATUS;
    _exit(good == count ? 0 : 1);
}

// A process on each CPU starts programs, all at a time: how it scales with the CPUs that there are.
static void spawn_all_cpus(const struct line *line)
{
    long count = repetitions(200), cpus = sysconf(_SC_NPROCESSORS_ONLN);
    pid_t spawners[64];
    int gate[2];

    CHECK(cpus <= 64, "%ld CPUs", cpus);
    make_pipe(gate);
    for (long cpu = 0; cpu < cpus; cpu++) {
        spawners[cpu] = fork();
        CHECK(spawners[cpu] >= 0, "fork");
        if (spawners[cpu] == 0) {
            close(gate[1]);
            spawn_on((int)cpu, gate[0], count);
        }
    }
    close(gate[0]);
    usleep(100000); // they stand at the gate
    timer_start();
    close(gate[1]);
    for (long cpu = 0; cpu < cpus; cpu++)
        CHECK(wait_for(spawners[cpu]) == 0, "a program did not run on CPU %ld", cpu);
    timer_stop();
    report(line->name, count * cpus);
}

const struct line spawn_lines[] = {
    { "spawn.posix_spawn", spawn, BY_SPAWN, LINE_BUDGET | LINE_WALL },
    { "spawn.vfork_exec", spawn, BY_VFORK, LINE_BUDGET },
    { "spawn.fork_exec", spawn, BY_FORK, LINE_BUDGET | LINE_WALL },
    { "spawn.all_cpus", spawn_all_cpus, 0, LINE_BUDGET | LINE_WALL },
    { NULL, NULL, 0, 0 },
};
