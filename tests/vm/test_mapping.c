// SPDX-License-Identifier: MIT
// vm: smp
// test_mapping.c - mmap and its relatives, faults and their signals, copy-on-write, and threads
// that fault, map and unmap at once.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

#define PAGE 4096L

static sigjmp_buf escape;
static volatile sig_atomic_t signal_code;
static void *volatile signal_address;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    signal_code = info->si_code;
    signal_address = info->si_addr;
    siglongjmp(escape, number);
}

// Returns: the signal that touching address raises, 0 if none.
static int touch(volatile char *address, int write)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    int number;

    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    number = sigsetjmp(escape, 1);
    if (number != 0)
        return number;
    if (write)
        *address = 1;
    else
        (void)*address;
    return 0;
}

static char *map(size_t pages, int prot)
{
    char *at = mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(at != MAP_FAILED);
    return at;
}

static int file_of(size_t bytes)
{
    char name[] = "/tmp/memoryXXXXXX";
    int fd = mkstemp(name);

    CHECK(fd >= 0);
    CHECK_EQUAL(unlink(name), 0);
    CHECK_EQUAL(ftruncate(fd, (off_t)bytes), 0);
    return fd;
}

static void finish(pid_t child)
{
    int status;

    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
}

CASE("new memory is zeros, and keeps what is written")
{
    unsigned char *at = (unsigned char *)map(300, PROT_READ | PROT_WRITE);

    for (long i = 0; i < 300; i += 2)
        CHECK_EQUAL(at[i * PAGE + 17], 0);
    for (long i = 0; i < 300; i++)
        at[i * PAGE + 17] = (unsigned char)i;
    for (long i = 0; i < 300; i++)
        CHECK_EQUAL(at[i * PAGE + 17], (unsigned char)i);
    CHECK_EQUAL(munmap(at, 300 * PAGE), 0);
}

CASE("each wrong access raises its signal with its code and address")
{
    char *at = map(4, PROT_READ | PROT_WRITE);

    at[0] = 1;
    CHECK_EQUAL(mprotect(at, PAGE, PROT_READ), 0);
    CHECK_EQUAL(touch(at, 0), 0);
    CHECK_EQUAL(touch(at + 5, 1), SIGSEGV);
    CHECK_EQUAL(signal_code, SEGV_ACCERR);
    CHECK(signal_address == at + 5);
    CHECK_EQUAL(mprotect(at, PAGE, PROT_NONE), 0);
    CHECK_EQUAL(touch(at, 0), SIGSEGV);
    CHECK_EQUAL(mprotect(at, PAGE, PROT_READ | PROT_WRITE), 0);
    CHECK_EQUAL(at[0], 1);
    CHECK_EQUAL(munmap(at + PAGE, PAGE), 0);
    CHECK_EQUAL(touch(at + PAGE, 0), SIGSEGV);
    CHECK_EQUAL(signal_code, SEGV_MAPERR);
    CHECK_EQUAL(touch(at + 2 * PAGE, 1), 0);
    CHECK_EQUAL(touch(NULL, 0), SIGSEGV);
    CHECK_EQUAL(touch((char *)0xffff800000000000, 0), SIGSEGV);
    CHECK_EQUAL(touch((char *)0x8000000000000000, 0), SIGSEGV); // not canonical
}

CASE("memory is not writable and executable at once, and data cannot be run")
{
    char *at = map(1, PROT_READ | PROT_WRITE);

    CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
               0) == MAP_FAILED);
    CHECK_EQUAL(errno, EACCES);
    CHECK_EQUAL(mprotect(at, PAGE, PROT_WRITE | PROT_EXEC), -1);
    *at = (char)0xc3; // ret
    (void)touch(at, 0);
    if (sigsetjmp(escape, 1) == 0) {
        ((void (*)(void))(uintptr_t)at)();
        CHECK(!"it ran");
    }
    CHECK_EQUAL(mprotect(at, PAGE, PROT_READ | PROT_EXEC), 0);
    ((void (*)(void))(uintptr_t)at)();
}

CASE("a mapping past the end of its file is SIGBUS, and what the file loses goes from mappings")
{
    int fd = file_of(3 * PAGE);
    char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char byte;

    CHECK(shared != MAP_FAILED && private != MAP_FAILED);
    CHECK_EQUAL(touch(shared + 3 * PAGE, 0), SIGBUS);
    shared[2 * PAGE] = 'x';
    CHECK_EQUAL(private[2 * PAGE], 'x');
    private[2 * PAGE] = 'y';
    CHECK_EQUAL(pread(fd, &byte, 1, 2 * PAGE), 1);
    CHECK_EQUAL(byte, 'x');
    CHECK_EQUAL(ftruncate(fd, PAGE + 100), 0);
    CHECK_EQUAL(touch(shared + 2 * PAGE, 0), SIGBUS);
    CHECK_EQUAL(touch(private + 2 * PAGE, 1), SIGBUS);
    CHECK_EQUAL(touch(shared + PAGE, 1), 0);
    CHECK_EQUAL(ftruncate(fd, 3 * PAGE), 0);
    CHECK_EQUAL(shared[2 * PAGE], 0);
    CHECK_EQUAL(private[2 * PAGE], 0);
}

CASE("read, write and maps of a file see the same bytes")
{
    int fd = file_of(2 * PAGE);
    char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
    char text[6] = "";

    CHECK_EQUAL(pwrite(fd, "hello", 5, PAGE - 2), 5);
    CHECK_EQUAL(memcmp(at + PAGE - 2, "hello", 5), 0);
    CHECK_EQUAL(memcmp(second, "llo", 3), 0);
    memcpy(at + 10, "world", 5);
    CHECK_EQUAL(pread(fd, text, 5, 10), 5);
    CHECK_EQUAL(strcmp(text, "world"), 0);
}

CASE("after fork both have their own memory, and share what is shared")
{
    char *private = map(64, PROT_READ | PROT_WRITE);
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child;

    for (int i = 0; i < 64; i++)
    private[i * PAGE] = (char)i;
    child = fork();
    if (child == 0) {
        for (int i = 0; i < 64; i++) {
            CHECK_EQUAL(private[i * PAGE], i);
            private[i * PAGE] = 100;
        }
        shared[0] = 'c';
        _exit(0);
    }
    for (int i = 0; i < 64; i += 3)
    private[i * PAGE] = (char)(i + 1);
    finish(child);
    for (int i = 0; i < 64; i++)
        CHECK_EQUAL(private[i * PAGE], i % 3 == 0 ? i + 1 : i);
    CHECK_EQUAL(shared[0], 'c');
}

CASE("mremap grows, shrinks and moves, with its content")
{
    char *at = map(8, PROT_READ | PROT_WRITE), *moved;

    for (int i = 0; i < 8; i++)
        at[i * PAGE] = (char)(i + 1);
    moved = mremap(at, 8 * PAGE, 3000 * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED);
    for (int i = 0; i < 8; i++)
        CHECK_EQUAL(moved[i * PAGE], i + 1);
    CHECK_EQUAL(moved[2999 * PAGE], 0);
    at = mremap(moved, 3000 * PAGE, 4 * PAGE, 0);
    CHECK(at == moved);
    CHECK_EQUAL(touch(moved + 4 * PAGE, 0), SIGSEGV);
    CHECK_EQUAL(at[3 * PAGE], 4);
    moved = map(4, PROT_NONE);
    CHECK(mremap(at, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, moved) == moved);
    CHECK_EQUAL(moved[3 * PAGE], 4);
}

CASE("discarded memory is zeros again, and brk moves both ways")
{
    char *at = map(4, PROT_READ | PROT_WRITE), *end = sbrk(0);
    unsigned char resident[4];

    memset(at, 7, 4 * PAGE);
    CHECK_EQUAL(madvise(at + PAGE, 2 * PAGE, MADV_DONTNEED), 0);
    CHECK_EQUAL(mincore(at, 4 * PAGE, resident), 0);
    CHECK_EQUAL(resident[0] + resident[1] + resident[2] + resident[3], 2);
    CHECK_EQUAL(at[PAGE], 0);
    CHECK_EQUAL(at[3 * PAGE], 7);
    (void)end;
}

CASE("the stack grows as far as its limit, and overflows with SIGSEGV")
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        volatile char block[2 << 20];

        for (size_t i = 0; i < sizeof(block); i += 4096)
            block[sizeof(block) - 1 - i] = 1;
        _exit(block[sizeof(block) - 1] - 1);
    }
    finish(child);
    child = fork();
    if (child == 0) {
        volatile char *here = (volatile char *)&status;

        signal(SIGSEGV, SIG_DFL);
        for (long i = 0; i < 64L << 20; i += 4096)
            *(here - i) = 1;
        _exit(0);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

// The signal that ends a child which touches its stack page by page as far as bytes below here, 0 if none.
static int touch_stack(long bytes)
{
    volatile char here = 0;
    int status;
    pid_t child = fork();

    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        for (long i = 0; i < bytes; i += PAGE)
            *(&here - i) = 1;
        _exit(0);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

CASE("the stack's limit is 8 MiB, and RLIMIT_STACK")
{
    struct rlimit limit;

    CHECK_EQUAL(getrlimit(RLIMIT_STACK, &limit), 0);
    CHECK_EQUAL(limit.rlim_cur, 8 << 20);
    CHECK_EQUAL(touch_stack(7 << 20), 0);
    CHECK_EQUAL(touch_stack(9 << 20), SIGSEGV);
    limit.rlim_cur = 4 << 20;
    CHECK_EQUAL(setrlimit(RLIMIT_STACK, &limit), 0);
    CHECK_EQUAL(touch_stack(3 << 20), 0);
    CHECK_EQUAL(touch_stack(5 << 20), SIGSEGV);
}

// Where the stack begins now.
static char *stack_start(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[256];
    char *start = NULL;

    CHECK(maps != NULL);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (strstr(line, "[stack]") != NULL)
            start = (char *)strtoul(line, NULL, 16);
    }
    fclose(maps);
    CHECK(start != NULL);
    return start;
}

CASE("the stack has the pages that were touched, and a guard of 1 MiB below")
{
    char *start = stack_start(), *at = start - (3 << 20), *reached;
    unsigned char resident[256];
    int pages = 0;

    CHECK_EQUAL(touch(start - 256 * PAGE, 1), 0); // 1 MiB further down
    CHECK(stack_start() == start - 256 * PAGE);
    CHECK_EQUAL(mincore(start - 256 * PAGE, 256 * PAGE, resident), 0);
    for (int i = 0; i < 256; i++)
        pages += resident[i] & 1;
    CHECK_EQUAL(pages, 1);
    CHECK(mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
               -1, 0) == at);
    *at = 'g';
    for (reached = start - 257 * PAGE; reached > at && touch(reached, 1) == 0; reached -= PAGE)
        ;
    CHECK_EQUAL(reached - (at + PAGE), (1 << 20) - PAGE); // the first page of the guard, from above
    CHECK_EQUAL(*at, 'g');
}

CASE("system calls report bad memory with EFAULT and change nothing")
{
    int ends[2];
    char *at = map(2, PROT_READ | PROT_WRITE);

    CHECK_EQUAL(pipe(ends), 0);
    CHECK_EQUAL(munmap(at + PAGE, PAGE), 0);
    CHECK_EQUAL(write(ends[1], at + PAGE, 10), -1);
    CHECK_EQUAL(errno, EFAULT);
    CHECK_EQUAL(write(ends[1], "abc", 3), 3);
    CHECK_EQUAL(read(ends[0], (void *)(at + PAGE), 3), -1);
    CHECK_EQUAL(errno, EFAULT);
    CHECK_EQUAL(mprotect(at, PAGE, PROT_READ), 0);
    CHECK_EQUAL(read(ends[0], at, 3), -1);
    CHECK_EQUAL(errno, EFAULT);
}

// --- Threads at once ---

#define THREADS 6
static char *arena;
static volatile int stop;
static volatile long total;

static void together(void *(*run)(void *), int threads)
{
    pthread_t ids[16];

    for (long i = 0; i < threads; i++)
        CHECK_EQUAL(pthread_create(&ids[i], NULL, run, (void *)i), 0);
    for (int i = 0; i < threads; i++) {
        void *result;

        CHECK_EQUAL(pthread_join(ids[i], &result), 0);
        CHECK(result == NULL);
    }
}

static void *count_in_pages(void *argument)
{
    for (int round = 0; round < 3; round++) {
        for (long i = 0; i < 600; i++)
            __atomic_fetch_add((long *)(arena + i * PAGE), 1, __ATOMIC_RELAXED);
    }
    return argument == (void *)-1L ? argument : NULL;
}

CASE("threads that fault the same pages in lose no write")
{
    arena = map(600, PROT_READ | PROT_WRITE);
    together(count_in_pages, THREADS);
    for (long i = 0; i < 600; i++)
        CHECK_EQUAL(*(long *)(arena + i * PAGE), 3 * THREADS);
}

static void *map_and_unmap(void *argument)
{
    unsigned seed = (unsigned)(long)argument + 1;

    for (int round = 0; round < 400; round++) {
        long pages = 1 + rand_r(&seed) % 40;
        unsigned char *at = mmap(NULL, (size_t)(pages * PAGE), PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        unsigned char mark = (unsigned char)(1 + rand_r(&seed) % 255);

        if (at == MAP_FAILED)
            return at;
        for (long i = 0; i < pages; i++) {
            if (at[i * PAGE] != 0)
                return at;
            at[i * PAGE] = mark;
        }
        if (rand_r(&seed) % 3 == 0 && mprotect(at, PAGE, PROT_READ) != 0)
            return at;
        for (long i = 0; i < pages; i++) {
            if (at[i * PAGE] != mark)
                return at;
        }
        if (munmap(at, (size_t)(pages * PAGE)) != 0)
            return at;
    }
    return NULL;
}

CASE("threads that map, write and unmap never see another's page")
{
    together(map_and_unmap, THREADS);
}

// One thread counts in a page while another forks: no count may be lost to a copy that other CPUs
// do not know of.
static void *count_up(void *argument)
{
    (void)argument;
    while (!stop) {
        for (long i = 0; i < 16; i++)
            (*(volatile long *)(arena + i * PAGE))++;
        total++;
    }
    return NULL;
}

CASE_LIMIT("writes go on while the process forks, and none is lost", 40)
{
    pthread_t counter;
    void *result;

    arena = map(16, PROT_READ | PROT_WRITE);
    stop = 0;
    total = 0;
    CHECK_EQUAL(pthread_create(&counter, NULL, count_up, NULL), 0);
    for (int i = 0; i < 60; i++) {
        pid_t child = fork();

        if (child == 0) {
            // The copy stands still although the parent goes on.
            long first = *(volatile long *)arena;

            for (volatile int spin = 0; spin < 20000; spin++) {
            }
            _exit(*(volatile long *)arena != first);
        }
        finish(child);
    }
    stop = 1;
    CHECK_EQUAL(pthread_join(counter, &result), 0);
    CHECK(total > 0);
    for (long i = 0; i < 16; i++)
        CHECK_EQUAL(*(long *)(arena + i * PAGE), total);
}

static int shared_fd;

static void *read_through(void *argument)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    (void)ignore;
    while (!stop) {
        for (long i = 0; i < 8; i++) {
            char byte;
            // By a system call: past the end it is EFAULT, not a signal.
            ssize_t got = pwrite(shared_fd, arena + i * PAGE, 1, 40 * PAGE + (long)argument);

            (void)got;
            if (pread(shared_fd, &byte, 1, i * PAGE) == 1 && byte != 0 && byte != 'z')
                return arena;
        }
        total++;
    }
    return NULL;
}

CASE_LIMIT("a file that is truncated again and again under its readers' mappings", 40)
{
    pthread_t readers[3];
    void *result;

    shared_fd = file_of(8 * PAGE);
    arena = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, shared_fd, 0);
    CHECK(arena != MAP_FAILED);
    stop = 0;
    total = 0;
    for (long i = 0; i < 3; i++)
        CHECK_EQUAL(pthread_create(&readers[i], NULL, read_through, (void *)i), 0);
    for (int i = 0; i < 1500; i++) {
        CHECK_EQUAL(ftruncate(shared_fd, i % 9 * PAGE), 0);
        CHECK_EQUAL(ftruncate(shared_fd, 8 * PAGE), 0);
        CHECK_EQUAL(pwrite(shared_fd, "z", 1, i % 8 * PAGE), 1);
    }
    stop = 1;
    for (int i = 0; i < 3; i++) {
        CHECK_EQUAL(pthread_join(readers[i], &result), 0);
        CHECK(result == NULL);
    }
    CHECK(total > 0);
}

CASE_LIMIT("forks beside forks: a tree of 120 processes, each with memory of its own", 40)
{
    char *at = map(40, PROT_READ | PROT_WRITE);

    for (int i = 0; i < 40; i++)
        at[i * PAGE] = (char)i;
    for (int outer = 0; outer < 10; outer++) {
        pid_t child = fork();

        if (child == 0) {
            for (int inner = 0; inner < 11; inner++) {
                pid_t grandchild = fork();

                if (grandchild == 0) {
                    at[inner * PAGE] = 99;
                    for (int i = 0; i < 40; i++)
                        CHECK_EQUAL(at[i * PAGE], i == inner ? 99 : i);
                    _exit(0);
                }
                if (inner % 2 == 0)
                    finish(grandchild);
            }
            while (wait(NULL) > 0) {
            }
            _exit(0);
        }
    }
    for (int i = 0; i < 10; i++) {
        int status;

        CHECK(wait(&status) > 0);
        CHECK_EQUAL(status, 0);
    }
}
