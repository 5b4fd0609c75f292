// SPDX-License-Identifier: MIT
// vm: smp
// test_clock.c - the clock as programs read it: by the vDSO, by the system call, on every CPU.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/vdso.h"
#include "tests/vm/vmtest.h"

#define NSEC 1000000000LL
#define PAGE 4096
#define CLOCKS 9
#define THREADS 4
#define READINGS 100000

static const int clocks[CLOCKS] = {
    CLOCK_REALTIME,         CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
    CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,  CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM,
    CLOCK_TAI,
};

static int asked_clock;
static void ask_clock(void)
{
    struct timespec time;

    (void)clock_gettime(asked_clock, &time);
}

static void ask_day(void)
{
    struct timeval time;

    (void)gettimeofday(&time, NULL);
}

static void ask_seconds(void)
{
    (void)time(NULL);
}

static void ask_by_call(void)
{
    struct timespec time;

    (void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
}

static bool nothing_calls(void)
{
    for (unsigned i = 0; i < CLOCKS; i++) {
        asked_clock = clocks[i];
        ask_clock(); // musl looks for the vDSO
        if (vdso_calls_kernel(ask_clock))
            return false;
    }
    return !vdso_calls_kernel(ask_day) && !vdso_calls_kernel(ask_seconds);
}

CASE("the clock is read without a system call")
{
    CHECK(vdso_calls_kernel(ask_by_call));
    // Time enough for a bad clock to be found.
    for (unsigned i = 0; i < 20; i++) {
        CHECK(nothing_calls());
        usleep(100000);
    }
}

static long long by_call(int clock)
{
    struct timespec time;

    CHECK(syscall(SYS_clock_gettime, clock, &time) == 0);
    CHECK(time.tv_nsec >= 0 && time.tv_nsec < NSEC);
    return time.tv_sec * NSEC + time.tv_nsec;
}

static long long by_vdso(int clock)
{
    struct timespec time;

    CHECK(vdso_clock_gettime(clock, &time) == 0);
    CHECK(time.tv_nsec >= 0 && time.tv_nsec < NSEC);
    return time.tv_sec * NSEC + time.tv_nsec;
}

CASE("the vDSO and the system call tell one time on every clock")
{
    for (unsigned i = 0; i < CLOCKS; i++) {
        for (unsigned j = 0; j < 1000; j++) {
            long long before = by_call(clocks[i]);
            long long between = by_vdso(clocks[i]);
            long long after = by_call(clocks[i]);

            CHECK(before <= between && between <= after);
        }
    }
}

CASE("what the vDSO does not know it asks the kernel")
{
    struct timespec time;

    CHECK(vdso_clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
    CHECK(vdso_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0);
    CHECK(vdso_clock_getres(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
    CHECK_EQUAL(vdso_clock_gettime(10, &time), -EINVAL);
    CHECK_EQUAL(vdso_clock_gettime(12, &time), -EINVAL);
    CHECK_EQUAL(vdso_clock_gettime(31, &time), -EINVAL);
    CHECK_EQUAL(vdso_clock_gettime(32, &time), -EINVAL);
    CHECK_EQUAL(vdso_clock_gettime(0x7fffffff, &time), -EINVAL);
    CHECK_EQUAL(vdso_clock_getres(12, &time), -EINVAL);
}

CASE("gettimeofday, time and clock_getres of the vDSO are the calls'")
{
    struct timeval day;
    struct timezone zone = { 1, 1 };
    time_t seconds;

    CHECK(vdso_gettimeofday(&day, &zone) == 0);
    CHECK(zone.tz_minuteswest == 0 && zone.tz_dsttime == 0);
    for (unsigned i = 0; i < 1000; i++) {
        long long before = by_call(CLOCK_REALTIME) / 1000;

        CHECK(vdso_gettimeofday(&day, NULL) == 0);
        CHECK(before <= day.tv_sec * 1000000LL + day.tv_usec);
        CHECK(day.tv_sec * 1000000LL + day.tv_usec <= by_call(CLOCK_REALTIME) / 1000);
        CHECK(vdso_time(&seconds) >= day.tv_sec);
        CHECK(seconds <= by_call(CLOCK_REALTIME) / NSEC);
    }
    for (unsigned i = 0; i < CLOCKS; i++) {
        struct timespec mine = { 1, 0 }, kernel = { 2, 0 };

        CHECK(vdso_clock_getres(clocks[i], &mine) == 0);
        CHECK(vdso_clock_getres(clocks[i], NULL) == 0);
        CHECK(syscall(SYS_clock_getres, clocks[i], &kernel) == 0);
        CHECK(mine.tv_sec == kernel.tv_sec && mine.tv_nsec == kernel.tv_nsec);
    }
}

// --- CPUs ---

static void pin(unsigned cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}

CASE("getcpu of the vDSO names the CPU that the thread runs on")
{
    unsigned count = (unsigned)sysconf(_SC_NPROCESSORS_ONLN), cpu, node;

    for (unsigned round = 0; round < 20; round++) {
        pin(round % count);
        node = 99;
        CHECK(vdso_getcpu(&cpu, &node, NULL) == 0);
        CHECK_EQUAL(cpu, round % count);
        CHECK_EQUAL(node, 0);
        CHECK(vdso_getcpu(NULL, NULL, NULL) == 0);
        CHECK_EQUAL(sched_getcpu(), round % count);
    }
}

static _Atomic long long latest;
static atomic_uint backwards;

// Nobody reads less than what somebody has already read.
static void *read_and_compare(void *argument)
{
    pin((unsigned)(uintptr_t)argument % (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
    for (unsigned i = 0; i < READINGS; i++) {
        long long before = atomic_load(&latest);
        long long now = i % 16 == 0 ? by_call(CLOCK_MONOTONIC) : by_vdso(CLOCK_MONOTONIC);

        if (now < before)
            atomic_fetch_add(&backwards, 1);
        while (before < now && !atomic_compare_exchange_weak(&latest, &before, now))
            ;
    }
    return NULL;
}

CASE("the clock never runs backwards from one CPU to the next")
{
    pthread_t threads[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, read_and_compare, (void *)i) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_EQUAL(backwards, 0);
}

CASE("a sleep is never early by the vDSO's clock")
{
    for (long ns = 1; ns < 100000000; ns = ns * 7 + 1) {
        struct timespec time = { 0, ns };
        long long before = by_vdso(CLOCK_MONOTONIC);

        CHECK(nanosleep(&time, NULL) == 0);
        CHECK(by_vdso(CLOCK_MONOTONIC) - before >= ns);
    }
}

CASE("the wall clock and the clock go on together")
{
    long long begun = by_vdso(CLOCK_MONOTONIC), day = by_vdso(CLOCK_REALTIME);
    long long drift;

    for (unsigned i = 0; i < 10; i++)
        usleep(100000);
    drift = (by_vdso(CLOCK_REALTIME) - day) - (by_vdso(CLOCK_MONOTONIC) - begun);
    CHECK(drift >= -1000000000 && drift < 1000000000);
}

// --- The mapping ---

// The lines of maps that have this name; *line is the last.
static unsigned lines_of(const char *name, char *line, size_t size)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned count = 0;
    char text[512];

    CHECK(maps != NULL);
    while (fgets(text, sizeof(text), maps) != NULL) {
        if (strstr(text, name) == NULL)
            continue;
        count++;
        snprintf(line, size, "%s", text);
    }
    fclose(maps);
    return count;
}

static char *mapping(void)
{
    return (char *)getauxval(AT_SYSINFO_EHDR);
}

CASE("maps shows [vvar] read-only, and [vdso] above it that may be executed")
{
    char line[512], wanted[64];
    uintptr_t code = (uintptr_t)mapping();

    CHECK_EQUAL(lines_of("[vvar]", line, sizeof(line)), 1);
    snprintf(wanted, sizeof(wanted), "%08lx-%08lx r--p ", code - PAGE, code);
    CHECK(strncmp(line, wanted, strlen(wanted)) == 0);
    CHECK_EQUAL(lines_of("[vdso]", line, sizeof(line)), 1);
    snprintf(wanted, sizeof(wanted), "%08lx-%08lx r-xp ", code, code + PAGE);
    CHECK(strncmp(line, wanted, strlen(wanted)) == 0);
}

// How a child ends that does something: its signal, or -1.
static int signal_of(void (*act)(void))
{
    pid_t child = fork();
    int status;

    CHECK(child >= 0);
    if (child == 0) {
        act();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void write_code(void)
{
    *(volatile char *)mapping() = 0;
}

static void write_data(void)
{
    *(volatile char *)(mapping() - PAGE) = 0;
}

static void run_data(void)
{
    void (*volatile run)(void) = (void (*)(void))(mapping() - PAGE);

    run();
}

static void run_data_first_touched(void)
{
    (void)madvise(mapping() - PAGE, 2 * PAGE, MADV_DONTNEED);
    run_data();
}

CASE("neither page can be written, and the clock's cannot be executed")
{
    CHECK_EQUAL(signal_of(write_code), SIGSEGV);
    CHECK_EQUAL(signal_of(write_data), SIGSEGV);
    CHECK_EQUAL(signal_of(run_data), SIGSEGV);
    CHECK_EQUAL(signal_of(run_data_first_touched), SIGSEGV);
}

CASE("their rights and place cannot be changed")
{
    for (int page = -1; page <= 0; page++) {
        char *at = mapping() + page * PAGE;

        CHECK(mprotect(at, PAGE, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
        CHECK(mprotect(at, PAGE, PROT_READ | PROT_EXEC) == -1 && errno == EACCES);
        CHECK(mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
    }
    CHECK(nothing_calls());
}

CASE("the clock's page tells no more than the clock")
{
    const unsigned char *page = (const unsigned char *)mapping() - PAGE;

    for (unsigned i = 64; i < PAGE; i++)
        CHECK_EQUAL(page[i], 0);
}

static void unmap_data(void)
{
    char line[512];

    if (munmap(mapping() - PAGE, PAGE) != 0 || lines_of("[vvar]", line, sizeof(line)) != 0 ||
        lines_of("[vdso]", line, sizeof(line)) != 1 || memcmp(mapping(), "\177ELF", 4) != 0)
        _exit(1);
    by_vdso(CLOCK_MONOTONIC);
}

static void unmap_all(void)
{
    char line[512];

    if (munmap(mapping() - PAGE, 2 * PAGE) != 0 || lines_of("[vvar]", line, sizeof(line)) != 0 ||
        lines_of("[vdso]", line, sizeof(line)) != 0)
        _exit(1);
    by_call(CLOCK_MONOTONIC);
}

static void map_over(void)
{
    char *at = mapping();

    if (mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at)
        _exit(1);
    for (unsigned i = 0; i < PAGE; i++)
        if (at[i] != 0)
            _exit(2);
    at[0] = 1;
}

CASE("a program may take them out, in part or both")
{
    CHECK_EQUAL(signal_of(unmap_data), SIGSEGV);
    CHECK_EQUAL(signal_of(unmap_all), 0);
    CHECK_EQUAL(signal_of(map_over), 0);
    CHECK(nothing_calls());
}

static void read_in_child(void)
{
    pid_t child;
    int status;

    if (!nothing_calls())
        _exit(1);
    child = fork(); // and from a child of a child
    if (child == 0)
        _exit(nothing_calls() ? 0 : 1);
    if (waitpid(child, &status, 0) != child || status != 0)
        _exit(1);
}

CASE("a child made by fork reads the clock as its parent does")
{
    CHECK_EQUAL(signal_of(read_in_child), 0);
}

CASE("touching them takes no memory of the program's")
{
    long before, after, ignored;
    FILE *statm = fopen("/proc/self/statm", "r");

    CHECK(statm != NULL && fscanf(statm, "%ld %ld", &ignored, &before) == 2);
    (void)madvise(mapping() - PAGE, 2 * PAGE, MADV_DONTNEED);
    by_vdso(CLOCK_MONOTONIC);
    statm = freopen("/proc/self/statm", "r", statm);
    CHECK(statm != NULL && fscanf(statm, "%ld %ld", &ignored, &after) == 2);
    fclose(statm);
    CHECK_EQUAL(after, before);
}

// --- Another program ---

#define SHOW "show-mapping"

static int show(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], SHOW) != 0)
        return -1;
    printf("%lx %d\n", getauxval(AT_SYSINFO_EHDR), nothing_calls());
    return 0;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = show;
}

static unsigned long place_in_new_program(void)
{
    FILE *program = popen("/bin/test_clock " SHOW, "r");
    unsigned long place;
    int good;

    CHECK(program != NULL && fscanf(program, "%lx %d", &place, &good) == 2);
    CHECK(pclose(program) == 0);
    CHECK(good == 1);
    return place;
}

CASE("each program has them at a place of its own")
{
    unsigned long first = place_in_new_program(), second = place_in_new_program();

    CHECK(first != 0 && first % PAGE == 0);
    CHECK(first != second);
}
