// SPDX-License-Identifier: MIT
// lines_memory.c - mapping memory and giving it back, touched and untouched.

#include <errno.h>
#include <sys/mman.h>

#include "bench.h"
#include "helpers.h"

static bool touch(char *memory, long pages)
{
    long zeros = 0;

    for (long i = 0; i < pages; i++) {
        zeros += memory[i * PAGE] == 0;
        memory[i * PAGE] = 1;
    }
    return zeros == pages;
}

static void write_touch(char *memory, long pages)
{
    for (long i = 0; i < pages; i++)
        *(volatile char *)(memory + i * PAGE) = 1;
}

static char *map_pages(long pages)
{
    return mmap(NULL, (size_t)(pages * PAGE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
}

static void map_unmap(const struct line *line)
{
    long count = repetitions(500), pages = line->argument, good = 0;
    char *memory = NULL;

    timer_start();
    for (long i = 0; i < count; i++) {
        memory = map_pages(pages);
        good += munmap(memory, (size_t)(pages * PAGE)) == 0;
    }
    timer_stop();
    CHECK(good == count && !any_mapped(memory, pages), "%ld of %ld were unmapped", good, count);
    memory = map_pages(pages);
    CHECK(touch(memory, pages), "what was mapped is not zero");
    report(line->name, count);
}

// Small pages: what a region of this size costs at its dearest. The lines `huge` let the system
// choose.
static void map_touch(const struct line *line, bool huge)
{
    long pages = line->argument;
    long count = repetitions(pages <= 1 ? 500 : pages <= 50 ? 50 : 10);
    char *memory = NULL;

    for (long i = 0; i < count; i++) {
        int unmapped;

        timer_start();
        memory = map_pages(pages);
        if (!huge)
            madvise(memory, (size_t)(pages * PAGE), MADV_NOHUGEPAGE);
        write_touch(memory, pages);
        timer_stop();
        CHECK(memory[(pages - 1) * PAGE] == 1, "what was written is not there");
        timer_start();
        unmapped = munmap(memory, (size_t)(pages * PAGE));
        timer_stop();
        CHECK(unmapped == 0, "munmap");
    }
    CHECK(!any_mapped(memory, pages), "still mapped");
    memory = map_memory(pages, huge);
    CHECK(touch(memory, pages), "what was mapped is not zero");
    report(line->name, count);
}

static void map_touch_small(const struct line *line)
{
    map_touch(line, false);
}

static void map_touch_huge(const struct line *line)
{
    map_touch(line, true);
}

const struct line memory_lines[] = {
    { "map.unmap.1", map_unmap, 1, LINE_BUDGET | LINE_WALL },
    { "map.unmap.50", map_unmap, 50, LINE_BUDGET },
    { "map.unmap.500", map_unmap, 500, LINE_BUDGET },
    { "map.unmap.1500", map_unmap, 1500, LINE_BUDGET | LINE_WALL },
    { "map.touch.1", map_touch_small, 1, LINE_BUDGET | LINE_WALL },
    { "map.touch.50", map_touch_small, 50, LINE_BUDGET },
    { "map.touch.500", map_touch_small, 500, LINE_BUDGET },
    { "map.touch.1500", map_touch_small, 1500, LINE_BUDGET | LINE_WALL },
    { "map.touch.1500.huge", map_touch_huge, 1500, LINE_BUDGET },
    { NULL, NULL, 0, 0 },
};
