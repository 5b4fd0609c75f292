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

// Sleeps for 1 to 23 ms, again and again, on the clock or from now. Returns the latest awakening; -1: one was early.
static long long latest_of(int sleeps)
{
    long long latest = 0;

    for (int i = 0; i < sleeps; i++) {
        long long length = MSEC + i * 3700007LL % (22 * MSEC);
        long long until = now_ns(CLOCK_MONOTONIC) + length, late;
        struct timespec moment = { until / NSEC, until % NSEC }, time = { 0, length };

        CHECK_EQUAL(i % 2 == 0 ? nanosleep(&time, NULL)
                               : clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL), 0);
        late = now_ns(CLOCK_MONOTONIC) - until;
        if (late < 0)
            return -1;
        latest = late > latest ? late : latest;
    }
    printf("# at most %lld us late\n", latest / 1000);
    return latest;
}

CASE("sleeps are never early, and at most 0.2 ms late")
{
    long long latest = latest_of(300);

    CHECK(latest >= 0 && latest <= MSEC / 5);
}

// The kernel of this machine panics if it has interrupts off for over 100 ms, here or anywhere.
CASE("two that yield take turns")
{
    volatile long *yields = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long long start;
    long before;
    pid_t child;

    CHECK_EQUAL(run_on(0), 0);
    child = fork();
    if (child == 0) {
        for (;; ++*yields)
            sched_yield();
    }
    while (*yields == 0)
        sched_yield();
    before = *yields;
    start = now_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < 1000; i++)
        CHECK_EQUAL(sched_yield(), 0);
    CHECK_EQUAL(*yields - before, 1000);
    CHECK(now_ns(CLOCK_MONOTONIC) - start < 1000 * MSEC / 50);
    CHECK_EQUAL(kill(child, SIGKILL), 0);
    CHECK_EQUAL(waitpid(child, NULL, 0), child);
}

// A CPU's count on the line NAME of /dev/interrupts.
static long interrupts(const char *name, unsigned cpu)
{
    char text[4096], *line;
    int fd = open("/dev/interrupts", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, sizeof(text) - 1);

    close(fd);
    CHECK(length > 0);
    text[length] = '\0';
    line = strstr(text, name);
    CHECK(line != NULL);
    line = strchr(line, ':') + 1;
    for (unsigned i = 0; i < cpu; i++)
        strtol(line, &line, 10);
    return strtol(line, NULL, 10);
}

#define QUIET 5 // seconds

// The launcher asks the machine now and then whether it still works. That comes as interrupts of a device, at the first CPU, and
// a thread answers.
static bool is_quiet(const char *what, unsigned cpu, long timer, long device, long own)
{
    printf("# CPU %u, %s: %ld timer interrupts and %ld of devices in %d s\n", cpu, what, timer, device, QUIET);
    return timer <= own + device && (cpu == 0 || device == 0);
}

CASE("an idle CPU takes no timer interrupts but those of sleeps that end")
{
    unsigned last = (unsigned)sysconf(_SC_NPROCESSORS_ONLN) - 1;
    long timer, device;

    CHECK_EQUAL(run_on(0), 0);
    sleep_ms(10);
    timer = interrupts("LOC", last);
    device = interrupts("DEV", last);
    sleep_ms(QUIET * 1000);
    timer = interrupts("LOC", last) - timer;
    device = interrupts("DEV", last) - device;
    CHECK(is_quiet("idle", last, timer, device, last == 0 ? 2 : 0));
}

CASE("a CPU with one runnable thread takes no timer interrupts")
{
    unsigned last = (unsigned)sysconf(_SC_NPROCESSORS_ONLN) - 1;
    long long until;
    long timer, device;

    CHECK_EQUAL(run_on(last), 0);
    sleep_ms(10);
    until = now_ns(CLOCK_MONOTONIC) + QUIET * NSEC;
    timer = interrupts("LOC", last);
    device = interrupts("DEV", last);
    while (now_ns(CLOCK_MONOTONIC) < until) {
        for (volatile int i = 0; i < 2000; i++) {
        }
        __builtin_ia32_pause();
    }
    timer = interrupts("LOC", last) - timer;
    device = interrupts("DEV", last) - device;
    CHECK(is_quiet("one thread", last, timer, device, 0));
}

#define PROCESSES 4

// Busy processes on one CPU; weights are Linux's of each nice.
static void share_by_nice(const int nices[PROCESSES], const double weights[PROCESSES])
{
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
    for (int i = 0; i < PROCESSES; i++)
        all += ran[i] = process_ns(children[i]) - before[i];
    for (int i = 0; i < PROCESSES; i++) {
        char name[16];

        snprintf(name, sizeof(name), "nice %d", nices[i]);
        CHECK(holds(name, ran[i], all, weights[i] / sum, 30));
        kill(children[i], SIGKILL);
        CHECK_EQUAL(waitpid(children[i], NULL, 0), children[i]);
    }
}

CASE("processes on one CPU share it by nice, within 3 %")
{
    share_by_nice((int[]){ 0, 0, 5, -5 }, (double[]){ 1024, 1024, 335, 3121 });
    share_by_nice((int[]){ 19, 15, 12, 19 }, (double[]){ 15, 36, 70, 15 });
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

static int be_busy(int threads)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384);
    for (int i = 1; i < threads; i++) {
        if (pthread_create(&thread, &attributes, spin_for_ever, NULL) != 0)
            return 1;
    }
    spin_for_ever(NULL);
    return 1;
}

// As the program of a box: that many busy threads, or that many sleeps.
static int command(int argc, char **argv)
{
    long long latest;

    if (argc == 3 && strcmp(argv[1], "--busy") == 0)
        return be_busy(atoi(argv[2]));
    if (argc != 3 || strcmp(argv[1], "--sleep") != 0)
        return -1;
    latest = latest_of(atoi(argv[2]));
    fflush(stdout);
    return latest < 0 || latest > 5 * MSEC;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = command;
}

static void start_box(struct test_box *box, const char *extra, const char *what, int number)
{
    CHECK_EQUAL(box_new(box), 0);
    CHECK_EQUAL(box_do(box, "bind bin /bin rx\ngive 1 1\ngive 2 2\n%s", extra), 0);
    CHECK_EQUAL(box_do(box, "exec /bin/test_exact %s %d\nstart", what, number), 0);
}

// For boxes that run: their threads spread over the CPUs within this.
static void settle(void)
{
    sleep_ms(300);
}

CASE("quota cpu gives a box its percent of a CPU, +- 1")
{
    struct test_box box;
    long long before, ran, passed;

    for (int threads = 1; threads <= 3; threads += 2) {
        start_box(&box, "quota cpu 25", "--busy", threads);
        settle();
        before = box_ns(&box);
        passed = now_ns(CLOCK_MONOTONIC);
        sleep_ms(2000);
        ran = box_ns(&box) - before;
        passed = now_ns(CLOCK_MONOTONIC) - passed;
        end_box(&box);
        CHECK(holds("cpu 25", ran, passed, 0.25, 40));
    }
}

CASE("quota cputime ends a box when it has run so long, within 5 ms")
{
    struct test_box box;
    long long begun = now_ns(CLOCK_MONOTONIC), passed;
    long long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    start_box(&box, "quota cputime 600ms", "--busy", 4);
    CHECK_EQUAL(box_wait(box.pid), -9);
    passed = now_ns(CLOCK_MONOTONIC) - begun;
    printf("# over after %lld us on %lld CPUs: %s\n", passed / 1000, cpus, box_status(box.pid, "Reason"));
    CHECK(strcmp(box_status(box.pid, "Reason"), "cputime: its processor time was used up") == 0);
    CHECK(passed * cpus >= 600 * MSEC && passed * cpus <= 605 * MSEC);
    box_close(&box);
}

#define BOXES 3

CASE("boxes share by their prio, within 3 %")
{
    static const int prios[BOXES] = { 19, 14, 24 };
    static const double weights[BOXES] = { 1024, 335, 3121 };
    long long before[BOXES], ran[BOXES], all = 0;
    struct test_box boxes[BOXES];
    double sum = 0;

    for (int i = 0; i < BOXES; i++) {
        char prio[8];
        int fd;

        start_box(&boxes[i], "", "--busy", 12);
        snprintf(prio, sizeof(prio), "%d", prios[i]);
        fd = proc_open(boxes[i].pid, "prio", O_WRONLY);
        CHECK(write(fd, prio, strlen(prio)) > 0);
        close(fd);
        sum += weights[i];
    }
    settle();
    for (int i = 0; i < BOXES; i++)
        before[i] = box_ns(&boxes[i]);
    sleep_ms(2000);
    for (int i = 0; i < BOXES; i++)
        all += ran[i] = box_ns(&boxes[i]) - before[i];
    for (int i = 0; i < BOXES; i++) {
        char name[16];

        snprintf(name, sizeof(name), "prio %d", prios[i]);
        CHECK(holds(name, ran[i], all, weights[i] / sum, 30));
        end_box(&boxes[i]);
    }
}

CASE("a box with one busy thread gets as much as its sibling with a hundred, within 1 %")
{
    struct test_box one, many;
    long long of_one, of_many;

    start_box(&one, "", "--busy", 1);
    start_box(&many, "", "--busy", 100);
    settle();
    of_one = box_ns(&one);
    of_many = box_ns(&many);
    sleep_ms(2000);
    of_one = box_ns(&one) - of_one;
    of_many = box_ns(&many) - of_many;
    end_box(&one);
    end_box(&many);
    CHECK(holds("the one", of_one, of_one + of_many, 0.5, 10));
}

CASE("a thread of an idle box that wakes runs within 5 ms beside a hundred busy ones")
{
    struct test_box busy, idle;

    start_box(&busy, "", "--busy", 100);
    settle();
    start_box(&idle, "", "--sleep", 100);
    CHECK_EQUAL(box_wait(idle.pid), 0);
    box_close(&idle);
    end_box(&busy);
}
