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

// What page i holds: never 0, which a page that was lost would have.
static char mark(long i)
{
    return (char)(i % 127 + 1);
}

static void touch(char *memory, long pages)
{
    for (long i = 0; i < pages; i++)
        memory[i * PAGE] = mark(i);
}

// Whether pages from all over hold their marks: the first, the last and those at eighths between.
static bool is_touched(const char *memory, long pages)
{
    bool good = true;

    for (long i = 0; i < 8 && pages > 0; i++)
        good = good && memory[i * pages / 8 * PAGE] == mark(i * pages / 8);
    return good && (pages == 0 || memory[(pages - 1) * PAGE] == mark(pages - 1));
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
            _exit(is_touched(memory, pages) ? CHILD_STATUS : 1);
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
