// SPDX-License-Identifier: MIT
// helpers.c - what several lines need.

#include "helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

unsigned char file_byte(size_t offset)
{
    return (unsigned char)(offset * 7 + (offset >> 12));
}

void make_file(const char *path, size_t size)
{
    unsigned char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    size_t offset = 0, length;

    CHECK(fd >= 0, "create %s", path);
    while (offset < size) {
        length = size - offset < sizeof(block) ? size - offset : sizeof(block);
        for (size_t i = 0; i < length; i++)
            block[i] = file_byte(offset + i);
        write_fully(fd, block, length);
        offset += length;
    }
    CHECK(close(fd) == 0, "close %s", path);
}

void make_pipe(int ends[2])
{
    CHECK(pipe(ends) == 0, "pipe");
}

void read_fully(int fd, void *to, size_t size)
{
    char *at = to;
    ssize_t got;

    while (size > 0) {
        got = read(fd, at, size);
        if (got < 0 && errno == EINTR)
            continue;
        CHECK(got > 0, "read");
        at += got;
        size -= (size_t)got;
    }
}

void write_fully(int fd, const void *from, size_t size)
{
    const char *at = from;
    ssize_t put;

    while (size > 0) {
        put = write(fd, at, size);
        if (put < 0 && errno == EINTR)
            continue;
        CHECK(put > 0, "write");
        at += put;
        size -= (size_t)put;
    }
}

int wait_for(pid_t child)
{
    int status = 0;

    CHECK(child > 0, "no child");
    CHECK(waitpid(child, &status, 0) == child, "wait for %d", child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void use_cpu(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    CHECK(sched_setaffinity(0, sizeof(set), &set) == 0, "use CPU %d", cpu);
}

void run_program(char *const arguments[])
{
    pid_t child = fork();

    CHECK(child >= 0, "fork");
    if (child == 0) {
        execv(arguments[0], arguments);
        _exit(127);
    }
    CHECK(wait_for(child) == 0, "%s failed", arguments[0]);
}

void *map_memory(long pages, bool huge)
{
    char *memory = mmap(NULL, (size_t)(pages * PAGE), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(memory != MAP_FAILED, "map %ld pages", pages);
    madvise(memory, (size_t)(pages * PAGE), huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    return memory;
}

bool is_mapped(const void *address)
{
    int ends[2];
    ssize_t put;

    make_pipe(ends);
    put = write(ends[1], address, 1);
    CHECK(put == 1 || errno == EFAULT, "write");
    close(ends[0]);
    close(ends[1]);
    return put == 1;
}

bool any_mapped(const char *memory, long pages)
{
    return is_mapped(memory) || is_mapped(memory + pages / 2 * PAGE) || is_mapped(memory + (pages - 1) * PAGE);
}

static void __attribute__((noreturn)) sleep_for_ever(void)
{
    for (;;)
        pause();
}

void crowd_grow(struct crowd *crowd, long count)
{
    if (count > crowd->room) {
        crowd->members = realloc(crowd->members, (size_t)count * sizeof(pid_t));
        CHECK(crowd->members != NULL, "no memory");
        crowd->room = count;
    }
    while (crowd->count < count) {
        pid_t child = fork();

        CHECK(child >= 0, "fork with %ld processes there", crowd->count);
        if (child == 0)
            sleep_for_ever();
        crowd->members[crowd->count++] = child;
    }
    // All have run as far as their sleep.
    for (int i = 0; i < 3; i++)
        sched_yield();
}

void crowd_end(struct crowd *crowd)
{
    for (long i = 0; i < crowd->count; i++)
        CHECK(kill(crowd->members[i], SIGKILL) == 0, "process %ld of the crowd is gone", i);
    for (long i = 0; i < crowd->count; i++)
        CHECK(wait_for(crowd->members[i]) == -1, "process %ld was not killed", i);
    free(crowd->members);
    *crowd = (struct crowd){ 0 };
}
