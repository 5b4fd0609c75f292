// SPDX-License-Identifier: MIT
// test_memory.c - address spaces under random use: every byte is checked against a plain model of it.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define PAGE 4096
#define AREAS 24
#define STEPS 4000

struct area {
    unsigned char *at;
    size_t pages;
    unsigned char mark[512]; // what each page was filled with; 0: untouched
};

static struct area areas[AREAS];
static unsigned seed;
static unsigned mapped, moved, shrunk, grown, unmapped, discarded, forked, refused;

static unsigned pick(unsigned below)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % below;
}

static void check(const struct area *area)
{
    for (size_t i = 0; i < area->pages; i++) {
        CHECK_EQUAL(area->at[i * PAGE], area->mark[i]);
        CHECK_EQUAL(area->at[i * PAGE + PAGE - 1], area->mark[i]);
    }
}

static void fill(struct area *area)
{
    for (size_t i = pick(area->pages); i < area->pages; i += 1 + pick(4)) {
        area->mark[i] = (unsigned char)(1 + pick(255));
        memset(area->at + i * PAGE, area->mark[i], PAGE);
    }
}

static void map_area(struct area *area)
{
    size_t pages = 1 + pick(128);
    void *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED) {
        refused++;
        return;
    }
    area->at = at;
    area->pages = pages;
    memset(area->mark, 0, sizeof(area->mark));
    mapped++;
}

static void remap_area(struct area *area)
{
    size_t pages = 1 + pick(512);
    void *at = mremap(area->at, area->pages * PAGE, pages * PAGE, MREMAP_MAYMOVE);

    if (at == MAP_FAILED) {
        CHECK_EQUAL(errno, ENOMEM);
        refused++;
        return;
    }
    moved += at != area->at;
    shrunk += pages < area->pages;
    grown += pages > area->pages;
    if (pages > area->pages)
        memset(area->mark + area->pages, 0, pages - area->pages);
    else
        memset(area->mark + pages, 0, area->pages - pages);
    area->at = at;
    area->pages = pages;
}

static void discard(struct area *area)
{
    size_t from = pick(area->pages), count = 1 + pick(area->pages - from);

    CHECK(madvise(area->at + from * PAGE, count * PAGE, MADV_DONTNEED) == 0);
    memset(area->mark + from, 0, count);
    discarded++;
}

// A child sees what was there, and what it writes stays its own.
static void fork_and_check(void)
{
    pid_t child = fork();
    int status;

    if (child < 0) {
        refused++;
        return;
    }
    if (child == 0) {
        for (int i = 0; i < AREAS; i++) {
            if (areas[i].at != NULL) {
                check(&areas[i]);
                areas[i].at[0]++;
            }
        }
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0 || WIFSIGNALED(status)); // a full quota may end it
    forked++;
}

static void step(void)
{
    struct area *area = &areas[pick(AREAS)];

    if (area->at == NULL) {
        map_area(area);
        return;
    }
    switch (pick(8)) {
    case 0:
    case 1:
    case 2:
        remap_area(area);
        break;
    case 3:
        discard(area);
        break;
    case 4:
        check(area);
        CHECK(munmap(area->at, area->pages * PAGE) == 0);
        area->at = NULL;
        unmapped++;
        break;
    case 5:
        if (pick(16) == 0)
            fork_and_check();
        break;
    default:
        fill(area);
    }
    if (area->at != NULL)
        check(area);
}

static void run_steps(unsigned start)
{
    seed = start;
    for (int i = 0; i < STEPS; i++)
        step();
    for (int i = 0; i < AREAS; i++) {
        if (areas[i].at != NULL)
            munmap(areas[i].at, areas[i].pages * PAGE);
    }
    printf("# seed %u: %u mapped, %u moved, %u shrunk, %u grown, %u discarded, %u unmapped, %u forked, %u refused\n", start,
           mapped, moved, shrunk, grown, discarded, unmapped, forked, refused);
}

CASE_LIMIT("random maps, moves, discards and forks keep every byte", 60)
{
    run_steps((unsigned)getpid() * 7919);
    CHECK(mapped > 50 && moved > 50 && shrunk > 50 && grown > 50 && discarded > 50 && forked > 5);
}

static void full(int signal)
{
    (void)signal;
    _exit(77); // a touch of memory that the quota does not allow
}

CASE_LIMIT("and so they do while memory runs out", 120)
{
    int refusals = 0;

    for (int round = 0; round < 30; round++) {
        char path[64], text[32];
        int fd = open("/proc/new", O_RDWR | O_CLOEXEC);
        int pid;

        CHECK(fd >= 0 && read(fd, text, sizeof(text)) > 0);
        pid = atoi(text);
        snprintf(text, sizeof(text), "%d", round);
        snprintf(path, sizeof(path), "quota memory %dK\n", 300 + round * 100);
        CHECK(write(fd, "bind bin /bin rx\ngive 1 1\n", 26) == 26 && write(fd, path, strlen(path)) > 0);
        CHECK(write(fd, "exec /bin/test_memory --steps\nstart\n", 36) == 36);
        refusals += box_wait(pid) != 0;
        close(fd);
    }
    printf("# %d of 30 were ended by their quota\n", refusals);
    CHECK(refusals > 0);
}

// The second case runs this program again, in a box with little memory.
static int command(int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], "--steps") != 0)
        return -1;
    signal(SIGSEGV, full);
    signal(SIGBUS, full);
    run_steps((unsigned)time(NULL));
    return 0;
}

__attribute__((constructor)) static void register_command(void)
{
    vmtest_command = command;
}
