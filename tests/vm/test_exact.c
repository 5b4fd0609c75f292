// SPDX-License-Identifier: MIT
// vm: exact
// test_exact.c - the processor in exact guest time: shares by nice, by box and by quota.
//
// A nanosecond is an instruction here, of whichever CPU.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define NSEC 1000000000LL
#define MSEC 1000000LL

static long long now_ns(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return time.tv_sec * NSEC + time.tv_nsec;
}

static void sleep_ms(long ms)
{
    struct timespec time = { ms / 1000, ms % 1000 * MSEC };

    nanosleep(&time, NULL);
}

static int run_on(unsigned cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set);
}

// The CPUs of this machine run in turn, and who pauses ends its turn. Who does not would keep the others stopped for up
// to 100 ms.
static void *spin_for_ever(void *unused)
{
    (void)unused;
    for (;;) {
        for (volatile int i = 0; i < 2000; i++) {
        }
        __builtin_ia32_pause();
    }
    return NULL;
}

// The processor time of a process, read from outside.
static long long process_ns(pid_t pid)
{
    clockid_t clock;

    CHECK_EQUAL(clock_getcpuclockid(pid, &clock), 0);
    return now_ns(clock);
}

// Whether part is what it should be of whole, to so many thousandths of itself.
static bool holds(const char *what, long long part, long long whole, double wanted, double thousandths)
{
    double share = (double)part / (double)whole;

    printf("# %s: %.4f of %lld ms, should be %.4f\n", what, share, whole / MSEC, wanted);
    return share >= wanted * (1 - thousandths / 1000) && share <= wanted * (1 + thousandths / 1000);
}

#define PROCESSES 4

CASE("processes on one CPU share it by nice, within 3 %")
{
    static const int nices[PROCESSES] = { 0, 0, 5, -5 };
    static const double weights[PROCESSES] = { 1024, 1024, 335, 3121 }; // of each nice, in Linux
    long long before[PROCESSES], ran[PROCESSES], all = 0;
    pid_t children[PROCESSES];
    double sum = 0;

    for (int i = 0; i < PROCESSES; i++) {
        sum += weights[i];
        children[i] = fork();
        if (children[i] == 0) {
            run_on(0);
            setpriority(PRIO_PROCESS, 0, nices[i]);
            spin_for_ever(NULL);
        }
    }
    sleep_ms(100);
    for (int i = 0; i < PROCESSES; i++)
        before[i] = process_ns(children[i]);
    sleep_ms(2000);
    for (int i = 0; i < PROCESSES; i++) {
        ran[i] = process_ns(children[i]) - before[i];
        all += ran[i];
    }
    for (int i = 0; i < PROCESSES; i++) {
        char name[16];

        snprintf(name, sizeof(name), "nice %d", nices[i]);
        CHECK(holds(name, ran[i], all, weights[i] / sum, 30));
        kill(children[i], SIGKILL);
        CHECK_EQUAL(waitpid(children[i], NULL, 0), children[i]);
    }
}

// The processor time of a box, from the line "cputime USED ..." of its quota.
static long long box_ns(const struct test_box *box)
{
    char text[1024], *line;

    CHECK(proc_read(box->pid, "quota", text, sizeof(text)) > 0);
    line = strstr(text, "cputime ");
    CHECK(line != NULL);
    return atoll(line + strlen("cputime "));
}

static void end_box(struct test_box *box)
{
    CHECK_EQUAL(box_do(box, "kill"), 0);
    CHECK_EQUAL(box_wait(box->pid), -9);
    box_close(box);
}

// As the program of a box: that many busy threads.
static int command(int argc, char **argv)
{
    pthread_attr_t attributes;
    pthread_t thread;

    if (argc != 3 || strcmp(argv[1], "--busy") != 0)
        return -1;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384);
    for (int i = 1; i < atoi(argv[2]); i++) {
        if (pthread_create(&thread, &attributes, spin_for_ever, NULL) != 0)
            return 1;
    }
    spin_for_ever(NULL);
    return 1;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = command;
}

static void start_busy_box(struct test_box *box, const char *extra, int threads)
{
    CHECK_EQUAL(box_new(box), 0);
    CHECK_EQUAL(box_do(box, "bind bin /bin rx\ngive 1 1\ngive 2 2\n%s", extra), 0);
    CHECK_EQUAL(box_do(box, "exec /bin/test_exact --busy %d\nstart", threads), 0);
}

CASE("quota cpu 25 gives a box 25 +- 1 % of a CPU")
{
    struct test_box box;
    long long before, ran, passed;

    start_busy_box(&box, "quota cpu 25", 1);
    sleep_ms(100);
    before = box_ns(&box);
    passed = now_ns(CLOCK_MONOTONIC);
    sleep_ms(2000);
    ran = box_ns(&box) - before;
    passed = now_ns(CLOCK_MONOTONIC) - passed;
    end_box(&box);
    CHECK(holds("cpu 25", ran, passed, 0.25, 40));
}

CASE("a box with one busy thread gets as much as its sibling with a hundred, within 1 %")
{
    struct test_box one, many;
    long long of_one, of_many;

    start_busy_box(&one, "", 1);
    start_busy_box(&many, "", 100);
    sleep_ms(300);
    of_one = box_ns(&one);
    of_many = box_ns(&many);
    sleep_ms(2000);
    of_one = box_ns(&one) - of_one;
    of_many = box_ns(&many) - of_many;
    end_box(&one);
    end_box(&many);
    CHECK(holds("the one", of_one, of_one + of_many, 0.5, 10));
}
