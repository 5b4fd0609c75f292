// SPDX-License-Identifier: MIT
// lines_kill.c - the end of a whole tree of processes, and what a process that does nothing holds.

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "helpers.h"

#define FAN 10

// One process of a tree: process i starts 10i+1 to 10i+10, tells its number, and sleeps.
static void __attribute__((noreturn)) tree_node(long index, long size, int tell)
{
    pid_t self;

    for (long i = index * FAN + 1; i <= index * FAN + FAN && i < size; i++) {
        pid_t child = fork();

        if (child < 0)
            _exit(1);
        if (child == 0)
            tree_node(i, size, tell);
    }
    self = getpid();
    write_fully(tell, &self, sizeof(self));
    for (;;)
        pause();
}

// Starts a tree in a process group of its own. Returns its root; the numbers of all are in
// `members`.
static pid_t tree_start(pid_t *members, long size)
{
    int ends[2];
    pid_t root;

    make_pipe(ends);
    root = fork();
    CHECK(root >= 0, "fork");
    if (root == 0) {
        setpgid(0, 0);
        tree_node(0, size, ends[1]);
    }
    read_fully(ends[0], members, (size_t)size * sizeof(pid_t));
    close(ends[0]);
    close(ends[1]);
    for (int i = 0; i < 10; i++)
        sched_yield();
    return root;
}

static long wait_for_all(void)
{
    long count = 0;

    while (waitpid(-1, NULL, 0) > 0)
        count++;
    return count;
}

// From the kill until no process of the tree is left and none is to be waited for.
static void kill_tree(const struct line *line)
{
    long size = line->argument, reaped, there = 0;
    pid_t *members = calloc((size_t)size, sizeof(pid_t));
    pid_t root;

    CHECK(members != NULL, "no memory");
    // What is orphaned comes here, on both systems.
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, "adopt");
    root = tree_start(members, size);
    for (long i = 0; i < size; i++)
        there += kill(members[i], 0) == 0;
    CHECK(there == size, "%ld of %ld processes are there", there, size);
    timer_start();
    CHECK(kill(-root, SIGKILL) == 0, "kill");
    reaped = wait_for_all();
    timer_stop();
    for (long i = 0; i < size; i++)
        CHECK(kill(members[i], 0) < 0 && errno == ESRCH, "process %ld lives", i);
    CHECK(reaped == size, "%ld of %ld reaped", reaped, size);
    report(line->name, 1);
}

static bool is_asleep(pid_t pid)
{
    char path[32], text[512];
    const char *state;
    ssize_t length;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY);
    length = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (length <= 0)
        return false;
    text[length] = '\0';
    state = strrchr(text, ')');
    return state != NULL && state[1] == ' ' && state[2] == 'S';
}

static double free_bytes(void)
{
    struct sysinfo info;

    CHECK(sysinfo(&info) == 0, "sysinfo");
    return (double)info.freeram * info.mem_unit;
}

static void idle_processes(const struct line *line)
{
    struct crowd crowd = { 0 };
    double before, after;

    // The first ones fill caches that the rest finds filled.
    crowd_grow(&crowd, 50);
    before = free_bytes();
    timer_start();
    crowd_grow(&crowd, 50 + line->argument);
    timer_stop();
    after = free_bytes();
    for (long i = 0; i < crowd.count; i++)
        CHECK(is_asleep(crowd.members[i]), "process %ld does not sleep", i);
    report(line->name, line->argument);
    crowd_end(&crowd);
    CHECK(before > after, "%ld processes took no memory", line->argument);
    report_value("idle.memory", line->argument, (before - after) / (double)line->argument, "bytes");
}

const struct line kill_lines[] = {
    { "kill.tree.100", kill_tree, 100, LINE_BUDGET | LINE_WALL },
    { "kill.tree.1000", kill_tree, 1000, LINE_BUDGET | LINE_WALL },
    { "idle.create", idle_processes, 1000, LINE_BUDGET },
    { NULL, NULL, 0, 0 },
};
