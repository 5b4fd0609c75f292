// SPDX-License-Identifier: MIT
// lines_grow_object.c - what a call costs while there are many fds, regions or directory entries.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "helpers.h"
#include "poll_set.h"

#define REPETITIONS 50
#define FAULT_PAGES 32L

static void report_size(const char *what, long size, long count)
{
    char name[64];

    snprintf(name, sizeof(name), "grow.%s.%ld", what, size);
    report(name, count);
}

static void time_open(const char *what, const char *path, long size)
{
    long good = 0;

    timer_start();
    for (int i = 0; i < REPETITIONS; i++) {
        int fd = open(path, O_RDONLY);

        good += fd >= 0 && close(fd) == 0;
    }
    timer_stop();
    CHECK(good == REPETITIONS, "%ld opened", good);
    report_size(what, size, REPETITIONS);
}

// A file in the middle of a directory.
static void grow_entries(const struct line *line)
{
    static const char directory[] = SCRATCH "/many";
    char path[64];
    long there = 0;

    CHECK(mkdir(directory, 0755) == 0, "mkdir");
    for (long size = 1; size <= line->argument; size *= 10) {
        for (; there < size; there++) {
            snprintf(path, sizeof(path), "%s/entry%ld", directory, there);
            make_file(path, 0);
        }
        snprintf(path, sizeof(path), "%s/entry%ld", directory, size / 2);
        time_open("open_entries", path, size);
    }
    while (there > 0) {
        snprintf(path, sizeof(path), "%s/entry%ld", directory, --there);
        CHECK(unlink(path) == 0, "unlink %s", path);
    }
    rmdir(directory);
}

static void grow_fds(const struct line *line)
{
    long there = 3;
    int null = open("/dev/null", O_RDONLY);

    CHECK(null >= 0, "open /dev/null");
    for (long size = 1; size <= line->argument; size *= 10) {
        for (; there < size; there++)
            CHECK(dup(null) >= 0, "dup with %ld there", there);
        time_open("open_fds", "/dev/null", size);
    }
}

// Poll's work grows with its fds, so its figure is a fd's. Epoll's does not.
static void grow_poll(const struct line *line)
{
    struct poll_set set = { 0 };
    int epoll;

    for (long size = 1; size <= line->argument; size *= 10) {
        poll_set_grow(&set, size);
        poll_set_wake_last(&set);
        CHECK(poll_set_time_poll(&set, REPETITIONS) == REPETITIONS, "poll");
        report_size("poll_fd", size, REPETITIONS * size);
        epoll = poll_set_make_epoll(&set);
        CHECK(poll_set_time_epoll(&set, epoll, REPETITIONS) == REPETITIONS, "epoll");
        report_size("epoll", size, REPETITIONS);
        close(epoll);
        poll_set_calm_last(&set);
    }
}

// Regions of a page that cannot be merged: every other one is read-only. Returns the middle of free
// space among them.
static void add_regions(char *base, long from, long to)
{
    for (long i = from; i < to; i++) {
        int protection = i % 2 == 0 ? PROT_READ : PROT_READ | PROT_WRITE;

        CHECK(mmap(base + i * 2 * PAGE, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                   -1, 0) != MAP_FAILED,
              "map with %ld regions", i);
    }
}

static void time_fault(char *memory, long size)
{
    long rounds = 5;

    for (long round = 0; round < rounds; round++) {
        CHECK(mmap(memory, FAULT_PAGES * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory,
              "map");
        madvise(memory, FAULT_PAGES * PAGE, MADV_NOHUGEPAGE);
        timer_start();
        for (long i = 0; i < FAULT_PAGES; i++)
            *(volatile char *)(memory + i * PAGE) = 1;
        timer_stop();
        CHECK(memory[0] == 1 && munmap(memory, FAULT_PAGES * PAGE) == 0, "unmap");
    }
    report_size("fault", size, rounds * FAULT_PAGES);
}

static void time_map(char *memory, long size)
{
    long good = 0;

    timer_start();
    for (int i = 0; i < REPETITIONS; i++)
        good += mmap(memory, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                     -1, 0) == memory &&
                munmap(memory, PAGE) == 0;
    timer_stop();
    CHECK(good == REPETITIONS && !is_mapped(memory), "%ld maps", good);
    report_size("map", size, REPETITIONS);
}

// The regions lie on both sides of what is touched.
static void grow_regions(const struct line *line)
{
    long half = line->argument / 2 + 1, there = 0;
    size_t span = (size_t)(4 * half + FAULT_PAGES + 2) * PAGE;
    char *base = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    char *middle = base + 2 * half * PAGE, *upper = middle + (FAULT_PAGES + 1) * PAGE;

    CHECK(base != MAP_FAILED && munmap(base, span) == 0, "no room");
    for (long size = 1; size <= line->argument; size *= 10) {
        add_regions(base, there, (size + 1) / 2);
        add_regions(upper, there, (size + 1) / 2);
        there = (size + 1) / 2;
        time_fault(middle, size);
        time_map(middle, size);
    }
}

const struct line grow_object_lines[] = {
    { "grow.entries", grow_entries, 10000, LINE_GROW },
    { "grow.fds", grow_fds, 10000, LINE_GROW },
    { "grow.poll", grow_poll, 10000, LINE_GROW },
    { "grow.regions", grow_regions, 10000, LINE_GROW },
    { NULL, NULL, 0, 0 },
};
