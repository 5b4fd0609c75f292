// SPDX-License-Identifier: MIT
// lines_fork.c - fork, exit and wait, with more and less memory touched.

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "helpers.h"

#define CHILD_STATUS 9

static void touch(char *memory, long pages)
{
    for (long i = 0; i < pages; i++)
        memory[i * PAGE] = (char)(i + 1);
}

static void fork_exit(const struct line *line)
{
    long pages = line->argument << 8;
    long count = line->argument <= 1 ? repetitions(200) : line->argument <= 64 ? 10 : 2;
    char *memory = NULL;
    int status;

    if (pages > 0) {
        memory = map_memory(pages, false);
        touch(memory, pages);
    }
    for (long i = 0; i < count; i++) {
        timer_start();
        pid_t child = fork();
        // The child sees what its parent had.
        if (child == 0)
            _exit(pages == 0 || memory[(pages - 1) * PAGE] == (char)pages ? CHILD_STATUS : 1);
        status = wait_for(child);
        timer_stop();
        CHECK(status == CHILD_STATUS, "status %d", status);
    }
    report(line->name, count);
}

const struct line fork_lines[] = {
    { "fork.exit", fork_exit, 0, LINE_BUDGET | LINE_WALL },
    { "fork.exit.1m", fork_exit, 1, LINE_BUDGET },
    { "fork.exit.64m", fork_exit, 64, LINE_BUDGET },
    { "fork.exit.512m", fork_exit, 512, LINE_BUDGET | LINE_WALL },
    { NULL, NULL, 0, 0 },
};
