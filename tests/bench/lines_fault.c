// SPDX-License-Identifier: MIT
// lines_fault.c - a fault a page: written, read before it was written, copied after a fork; and
// unmapping what was touched.

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "helpers.h"

#define PAGES 2000L

static void fault_write(const struct line *line)
{
    char *memory = map_memory(PAGES, false);
    long sum = 0;

    timer_start();
    for (long i = 0; i < PAGES; i++)
        *(volatile char *)(memory + i * PAGE) = 1;
    timer_stop();
    for (long i = 0; i < PAGES; i++)
        sum += memory[i * PAGE] + memory[i * PAGE + PAGE - 1];
    CHECK(sum == PAGES, "%ld of %ld pages hold what was written", sum, PAGES);
    report(line->name, PAGES);
}

static void unmap_touched(const struct line *line)
{
    char *memory = map_memory(PAGES, false);

    for (long i = 0; i < PAGES; i++)
        *(volatile char *)(memory + i * PAGE) = 1;
    timer_start();
    munmap(memory, PAGES * PAGE);
    timer_stop();
    CHECK(!any_mapped(memory, PAGES), "still mapped");
    report(line->name, PAGES);
}

static void fault_read(const struct line *line)
{
    char *memory = map_memory(PAGES, false);
    long sum = 0;

    timer_start();
    for (long i = 0; i < PAGES; i++)
        sum += *(volatile char *)(memory + i * PAGE);
    timer_stop();
    CHECK(sum == 0, "new memory is not zero");
    report(line->name, PAGES);
}

// A child writes what it shares with its parent. It reports; its parent looks at its own memory.
static void fault_copy(const struct line *line)
{
    char *memory = map_memory(PAGES, false);
    pid_t child;

    for (long i = 0; i < PAGES; i++)
        memory[i * PAGE] = 1;
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        timer_start();
        for (long i = 0; i < PAGES; i++)
            *(volatile char *)(memory + i * PAGE) = 2;
        timer_stop();
        report(line->name, PAGES);
        _exit(memory[(PAGES - 1) * PAGE] == 2 ? 0 : 1);
    }
    CHECK(wait_for(child) == 0, "the child's memory");
    for (long i = 0; i < PAGES; i++)
        CHECK(memory[i * PAGE] == 1, "the child wrote into page %ld of its parent", i);
}

const struct line fault_lines[] = {
    { "fault.write", fault_write, 0, LINE_BUDGET | LINE_WALL },
    { "unmap.page", unmap_touched, 0, LINE_BUDGET | LINE_WALL },
    { "fault.read", fault_read, 0, LINE_BUDGET },
    { "fault.copy", fault_copy, 0, LINE_BUDGET },
    { NULL, NULL, 0, 0 },
};
