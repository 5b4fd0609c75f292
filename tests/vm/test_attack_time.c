// SPDX-License-Identifier: MIT
// test_attack_time.c - what a hostile program may try to keep the kernel busy with, so that others do not run and a kill is
// not seen.
// vm: smp
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define PAGE 4096

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void on_cpu_0(void)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(0, &one);
    CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
}

// --- Timers ---

#define THREADS 256
#define TIMERS 8000

static void *rest(void *unused)
{
    for (;;)
        pause();
    return unused;
}

// Arms timers that go by the time of all threads together, which are many. Says so, and rests.
static void arm_timers(int said)
{
    const struct itimerspec setting = { { 0, 1000000 }, { 0, 1000000 } };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    pthread_attr_t attributes;
    pthread_t thread;
    int number;

    signal(SIGUSR1, SIG_IGN);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&thread, &attributes, rest, NULL) != 0)
            _exit(1);
    }
    for (int i = 0; i < TIMERS; i++) {
        if (syscall(SYS_timer_create, CLOCK_PROCESS_CPUTIME_ID, &event, &number) != 0 ||
            syscall(SYS_timer_settime, number, 0, &setting, NULL) != 0)
            _exit(2);
    }
    if (write(said, "x", 1) != 1)
        _exit(3);
    rest(NULL);
}

// The longest time between two looks at the clock.
static double longest_gap(double duration)
{
    double begin = seconds(), last = begin, longest = 0;

    while (last - begin < duration) {
        double now = seconds();

        longest = now - last > longest ? now - last : longest;
        last = now;
    }
    return longest;
}

CASE("timers that take long to look at leave the machine to others in between")
{
    double quiet, busy = 0;
    int said[2], status;
    pid_t child;
    char byte;

    on_cpu_0();
    CHECK(pipe(said) == 0);
    quiet = longest_gap(1);
    child = fork();
    if (child == 0)
        arm_timers(said[1]);
    close(said[1]);
    CHECK(read(said[0], &byte, 1) == 1);
    // The machine may itself be kept waiting for once; what the timers take shows each time.
    for (int i = 0; i < 3 && (i == 0 || busy >= 0.15 + 4 * quiet); i++) {
        busy = longest_gap(3);
        printf("# longest gap %.0f ms, %.0f ms without timers\n", busy * 1e3, quiet * 1e3);
    }
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    close(said[0]);
    CHECK(busy < 0.15 + 4 * quiet);
}

// --- Lists ---

#define VARIABLES 60000

static int with_many_variables(int argc, char **argv)
{
    char path[64], target[128];
    double begin;
    ssize_t length;
    int fd;

    if (argc != 2 || strcmp(argv[1], "--many-variables") != 0)
        return -1;
    snprintf(path, sizeof(path), "/proc/self/env/v%06d", VARIABLES - 1);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return 2;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    begin = seconds();
    length = readlink(path, target, sizeof(target) - 1);
    printf("# looked up in %.0f ms\n", (seconds() - begin) * 1e3);
    return length > 0 && strstr(target, "/env/v") != NULL && seconds() - begin < 5 ? 0 : 3;
}

__attribute__((constructor)) static void add_command(void)
{
    vmtest_command = with_many_variables;
}

CASE_LIMIT("the name of a variable among many is found without going through them again for each", 120)
{
    char **variables = calloc(VARIABLES + 1, sizeof(*variables));
    struct rlimit limit = { 32 << 20, 32 << 20 };
    char *const arguments[] = { "test_attack_time", "--many-variables", NULL };
    int status;
    pid_t child;

    for (int i = 0; i < VARIABLES; i++)
        CHECK(asprintf(&variables[i], "v%06d=", i) > 0);
    child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_STACK, &limit);
        execve("/bin/test_attack_time", arguments, variables);
        _exit(9);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_EQUAL(status, 0);
}

CASE("a box has as many names as can be gone through, and no more")
{
    struct test_box box;
    int error = 0, count = 0;

    CHECK_EQUAL(box_new(&box), 0);
    while (error == 0 && count <= 5000)
        error = box_do(&box, "bind n%d /bin r", count++);
    CHECK_EQUAL(error, -ENOSPC);
    CHECK_EQUAL(count, 4097);
    CHECK_EQUAL(box_do(&box, "bind n0 /bin r"), -EEXIST);
    CHECK_EQUAL(box_do(&box, "unbind n0\nbind other /bin r"), 0);
    box_discard(&box);
}

// --- Long calls ---

#define VECTOR_PAGES 12288 // of one byte for each page that is asked about
#define ASKED ((size_t)VECTOR_PAGES * PAGE * PAGE)

// Asks which of 192 GiB of pages are there; the answer goes to one page of memory, mapped over and over.
static void ask_for_long(int said)
{
    int file = (int)syscall(SYS_memfd_create, "answer", 0);
    char *answer = mmap(NULL, (size_t)VECTOR_PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *asked = mmap(NULL, ASKED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (asked == MAP_FAILED || answer == MAP_FAILED || ftruncate(file, PAGE) != 0)
        _exit(1);
    for (int i = 0; i < VECTOR_PAGES; i++) {
        if (mmap(answer + (size_t)i * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
            _exit(2);
    }
    if (write(said, "x", 1) != 1)
        _exit(3);
    _exit(mincore(asked, ASKED, (unsigned char *)answer) == 0 ? 4 : 5);
}

CASE("a kill is seen in the middle of a question about all of memory")
{
    int said[2], status;
    double begin;
    pid_t child;
    char byte;

    CHECK(pipe(said) == 0);
    child = fork();
    if (child == 0)
        ask_for_long(said[1]);
    close(said[1]);
    CHECK(read(said[0], &byte, 1) == 1);
    usleep(50000);
    begin = seconds();
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    printf("# ended after %.0f ms\n", (seconds() - begin) * 1e3);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK(seconds() - begin < 2);
    close(said[0]);
}
