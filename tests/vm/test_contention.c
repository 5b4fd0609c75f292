// SPDX-License-Identifier: MIT
// vm: smp
// test_contention.c - a process, or a box, on each CPU: none ever waits for a lock of another.
//
// /dev/contention counts by rank how often somebody had to wait for a lock. Each process stays on its CPU and does one thing again
// and again; what is looked at is how much the counts grow while all of them do.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define CPUS_MOST 64
#define TEXT_SIZE 4096
#define PAGE 4096
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

// Shared by all: how many are ready, how many are done.
struct shared {
    atomic_uint ready, done;
    atomic_bool go, end;
    char before[TEXT_SIZE], after[TEXT_SIZE];
};
static struct shared *shared;
static unsigned cpus; // of the machine

static void run_on(unsigned cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    CHECK_EQUAL(sched_setaffinity(0, sizeof(set), &set), 0);
}

static void read_counts(char text[TEXT_SIZE])
{
    int fd = open("/dev/contention", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, TEXT_SIZE - 1);

    CHECK(length > 0);
    text[length] = '\0';
    close(fd);
}

// Prints the ranks that grew. Returns by how much all together.
static long growth(const char *before, const char *after)
{
    long all = 0, was, is;
    char name[32], same[32];
    int a, b;

    while (sscanf(before, "%31s %ld\n%n", name, &was, &a) == 2 && sscanf(after, "%31s %ld\n%n", same, &is, &b) == 2) {
        CHECK(strcmp(name, same) == 0);
        // Of the log, where the kernel reports how long the host has stopped it.
        if (strcmp(name, "LOG") == 0 || strcmp(name, "UART") == 0)
            is = was;
        if (is != was)
            printf("# %s: %ld times\n", name, is - was);
        all += is - was;
        before += a;
        after += b;
    }
    CHECK(*before == '\0' && *after == '\0');
    return all;
}

static void *partner(void *word)
{
    for (;;) {
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, NULL);
        atomic_store((atomic_uint *)word, 0);
        syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1);
    }
    return NULL;
}

static void work(unsigned cpu, void (*what)(unsigned cpu), int times)
{
    run_on(cpu);
    what(cpu); // whatever is made at the first time is made now
    atomic_fetch_add(&shared->ready, 1);
    while (!atomic_load(&shared->go))
        __builtin_ia32_pause();
    for (int i = 0; i < times; i++)
        what(cpu);
    atomic_fetch_add(&shared->done, 1);
    // Goes on until the counts are read, so that no end of a process is counted.
    while (!atomic_load(&shared->end))
        __builtin_ia32_pause();
    _exit(0);
}

// Memory that processes made by fork share, and boxes by an open file.
static int share(void)
{
    int fd = open("/tmp/contention", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && unlink("/tmp/contention") == 0 && ftruncate(fd, sizeof(*shared)) == 0);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(shared != MAP_FAILED);
    memset(shared, 0, sizeof(*shared));
    return fd;
}

// The others stand ready, one on each CPU but this; this process does it here. Who else would read the counts?
static void measure(void (*what)(unsigned cpu), int times)
{
    unsigned others = cpus - 1;

    run_on(0);
    what(0);
    while (atomic_load(&shared->ready) < others)
        sched_yield();
    read_counts(shared->before);
    atomic_store(&shared->go, true);
    for (int i = 0; i < times; i++)
        what(0);
    while (atomic_load(&shared->done) < others)
        __builtin_ia32_pause();
    read_counts(shared->after);
    atomic_store(&shared->end, true);
}

// Returns how often somebody waited.
static long by_processes(void (*what)(unsigned cpu), int times)
{
    pid_t children[CPUS_MOST];

    close(share());
    for (unsigned cpu = 1; cpu < cpus; cpu++) {
        children[cpu] = fork();
        if (children[cpu] == 0)
            work(cpu, what, times);
    }
    measure(what, times);
    for (unsigned cpu = 1; cpu < cpus; cpu++)
        CHECK_EQUAL(waitpid(children[cpu], NULL, 0), children[cpu]);
    return growth(shared->before, shared->after);
}

static void null_call(unsigned cpu)
{
    (void)cpu;
    syscall(SYS_getppid);
}

CASE("null calls on every CPU wait for no lock")
{
    CHECK_EQUAL(by_processes(null_call, 100000), 0);
}

static void fault(unsigned cpu)
{
    char *pages = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)cpu;
    for (int i = 0; i < 16; i++)
        pages[i * PAGE] = 1;
    munmap(pages, 16 * PAGE);
}

CASE("faults on every CPU wait for no lock")
{
    CHECK_EQUAL(by_processes(fault, 3000), 0);
}

static void open_same(unsigned cpu)
{
    int fd = open("/tmp/same/file", O_RDONLY | O_CLOEXEC);

    (void)cpu;
    CHECK(fd >= 0 && close(fd) == 0);
}

static void open_own(unsigned cpu)
{
    char path[32];
    int fd;

    snprintf(path, sizeof(path), "/tmp/same/%u", cpu);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && close(fd) == 0);
}

CASE("opens of one path, and of a path each, on every CPU wait for no lock")
{
    char path[32];

    CHECK_EQUAL(mkdir("/tmp/same", 0700), 0);
    CHECK_EQUAL(close(open("/tmp/same/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        snprintf(path, sizeof(path), "/tmp/same/%u", cpu);
        CHECK_EQUAL(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    }
    CHECK_EQUAL(by_processes(open_same, 10000), 0);
    CHECK_EQUAL(by_processes(open_own, 10000), 0);
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        snprintf(path, sizeof(path), "/tmp/same/%u", cpu);
        CHECK_EQUAL(unlink(path), 0);
    }
    CHECK(unlink("/tmp/same/file") == 0 && rmdir("/tmp/same") == 0);
}

static void open_file(unsigned cpu)
{
    int fd = open(cpu == 0 ? "/tmp/cpu0/file" : "/own/file", O_RDONLY | O_CLOEXEC);

    CHECK(fd >= 0 && close(fd) == 0);
}

#define SHARED_FD 3

// The program of a box.
static int command(int argc, char **argv)
{
    if (argc != 4 || strcmp(argv[1], "--open") != 0)
        return -1;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, SHARED_FD, 0);
    if (shared == MAP_FAILED)
        return 1;
    work((unsigned)atoi(argv[2]), open_file, atoi(argv[3]));
    return 1;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = command;
    cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

static void make_file(unsigned cpu)
{
    char path[32];

    snprintf(path, sizeof(path), "/tmp/cpu%u", cpu);
    CHECK_EQUAL(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "/tmp/cpu%u/file", cpu);
    CHECK_EQUAL(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
}

static void remove_file(unsigned cpu)
{
    char path[32];

    snprintf(path, sizeof(path), "/tmp/cpu%u/file", cpu);
    CHECK_EQUAL(unlink(path), 0);
    snprintf(path, sizeof(path), "/tmp/cpu%u", cpu);
    CHECK_EQUAL(rmdir(path), 0);
}

CASE("boxes that open files of their own on every CPU wait for no lock")
{
    struct test_box boxes[CPUS_MOST];
    int times = 10000, fd = share();

    make_file(0);
    for (unsigned cpu = 1; cpu < cpus; cpu++) {
        make_file(cpu);
        CHECK_EQUAL(box_new(&boxes[cpu]), 0);
        CHECK_EQUAL(box_do(&boxes[cpu], "bind bin /bin rx\nbind own /tmp/cpu%u rw\ngive 1 1\ngive %d %d", cpu, fd,
                           SHARED_FD), 0);
        CHECK_EQUAL(box_do(&boxes[cpu], "exec /bin/test_contention --open %u %d\nstart", cpu, times), 0);
    }
    measure(open_file, times);
    for (unsigned cpu = 1; cpu < cpus; cpu++) {
        CHECK_EQUAL(box_wait(boxes[cpu].pid), 0);
        box_close(&boxes[cpu]);
        remove_file(cpu);
    }
    remove_file(0);
    close(fd);
    CHECK_EQUAL(growth(shared->before, shared->after), 0);
}

// The waiters of a word hang in one of 64 buckets a CPU, by the word's address and its process. Two words of two processes may
// lie in one by chance; hardly twice in a row.
#define TRIES 2
static atomic_uint words[TRIES];
static unsigned try, started; // number of the try, from 1; the last whose partner was started

// A round trip with a thread of this process.
static void futex_trip(unsigned cpu)
{
    atomic_uint *word = &words[try - 1];
    pthread_t thread;

    (void)cpu;
    if (started != try)
        CHECK(pthread_create(&thread, NULL, partner, word) == 0);
    started = try;
    atomic_store(word, 1);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1);
    while (atomic_load(word) == 1)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 1, NULL);
}

#define FILE_SIZE 65536
static int file;

// A file that all processes have open, with all its pages.
static void make_file_of_all(void)
{
    file = open("/tmp/one", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(file >= 0);
    for (int at = 0; at < FILE_SIZE; at += PAGE)
        CHECK_EQUAL(pwrite(file, "x", 1, at), 1);
}

static void read_file(unsigned cpu)
{
    char bytes[256];
    struct stat status;

    CHECK_EQUAL(pread(file, bytes, sizeof(bytes), cpu * PAGE), (long)sizeof(bytes));
    CHECK(stat("/tmp/one", &status) == 0 && fstat(file, &status) == 0);
}

CASE("reads and stats of one file on every CPU wait for no lock")
{
    make_file_of_all();
    CHECK_EQUAL(by_processes(read_file, 10000), 0);
    CHECK(unlink("/tmp/one") == 0 && close(file) == 0);
}

// Takes the pages out of its table, and the pages of the file in again.
static void fault_file(unsigned cpu)
{
    static char *window;

    if (window == NULL)
        window = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(window != MAP_FAILED);
    CHECK_EQUAL(madvise(window, FILE_SIZE, MADV_DONTNEED), 0);
    for (int at = 0; at < FILE_SIZE; at += PAGE)
        ((volatile char *)window)[at + (int)cpu] = 1;
}

CASE("faults on one mapped file on every CPU wait for no lock")
{
    make_file_of_all();
    CHECK_EQUAL(by_processes(fault_file, 3000), 0);
    CHECK(unlink("/tmp/one") == 0 && close(file) == 0);
}

CASE("round trips by futex on every CPU wait for no lock")
{
    long waits = 1;

    for (try = 1; try <= TRIES && waits != 0; try++)
        waits = by_processes(futex_trip, 3000);
    CHECK_EQUAL(waits, 0);
}
