// SPDX-License-Identifier: MIT
// test_held.c - who is held, and who waits for an end: suspension beside job control, calls that a suspension
// interrupts, statuses as wait4 and `wait` show them.
//
// vm: smp
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/vm/program.h"

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

// Memory shared with children.
static struct shared {
    atomic_uint counter;
    atomic_int ready;
    atomic_int word;
    atomic_int grandchild;
} *shared;

static void share(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
}

static void tell(pid_t pid, const char *command)
{
    int fd = proc_open(pid, "ctl", O_WRONLY);

    CHECK(fd >= 0);
    CHECK_EQUAL(write(fd, command, strlen(command)), strlen(command));
    close(fd);
}

// --- Suspension and stop ---

static void check_flags(pid_t pid, const char *flags)
{
    const char *is = box_status(pid, "Flags");

    if (strcmp(is, flags) != 0)
        printf("# Flags are %s\n", is);
    CHECK(strcmp(is, flags) == 0);
}

static void check_stands(void)
{
    unsigned before = atomic_load(&shared->counter);

    usleep(20000);
    CHECK_EQUAL(atomic_load(&shared->counter), before);
}

static void await_progress(void)
{
    unsigned before = atomic_load(&shared->counter);

    while (atomic_load(&shared->counter) == before)
        sched_yield();
}

CASE("suspension and stop hold a process each by itself: it goes on when neither does")
{
    int status;
    pid_t pid;

    share();
    pid = fork();
    if (pid == 0) {
        for (;;)
            atomic_fetch_add(&shared->counter, 1);
    }
    await_progress();
    tell(pid, "suspend");
    check_flags(pid, "SUSPENDED ");
    CHECK(kill(pid, SIGCONT) == 0);
    check_flags(pid, "SUSPENDED ");
    check_stands();
    CHECK(kill(pid, SIGSTOP) == 0);
    tell(pid, "start"); // now it takes the signal
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    check_flags(pid, "STOPPED ");
    tell(pid, "suspend");
    check_flags(pid, "SUSPENDED STOPPED ");
    tell(pid, "start");
    check_flags(pid, "STOPPED ");
    check_stands();
    tell(pid, "suspend");
    CHECK(kill(pid, SIGCONT) == 0);
    check_flags(pid, "SUSPENDED ");
    check_stands();
    tell(pid, "start");
    check_flags(pid, "NONE");
    await_progress();
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

// --- Calls that a suspension interrupts ---

#define FIFO "/tmp/held-fifo"
#define LIMIT_MS 20000

static int ends[2]; // a pipe

// Each call returns 0 if it ended as it would have without a suspension, else an errno, or 250.
static int done(long result, long wanted)
{
    if (result == wanted)
        return 0;
    return result < 0 ? errno : 250;
}

static int call_read(void)
{
    char byte;

    return done(read(ends[0], &byte, 1), 1);
}

static int call_poll(void)
{
    struct pollfd entry = { .fd = ends[0], .events = POLLIN };

    return done(poll(&entry, 1, LIMIT_MS), 1);
}

static int call_epoll(void)
{
    struct epoll_event event = { .events = EPOLLIN };
    int set = epoll_create1(EPOLL_CLOEXEC);

    epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event);
    return done(epoll_wait(set, &event, 1, LIMIT_MS), 1);
}

static void release_pipe(pid_t pid)
{
    (void)pid;
    CHECK(write(ends[1], "x", 1) == 1);
}

static int call_futex(void)
{
    long result = syscall(SYS_futex, &shared->word, FUTEX_WAIT, 0, NULL, NULL, 0);

    // It may begin anew only after the word has been changed.
    return result < 0 && errno == EAGAIN && atomic_load(&shared->word) == 1 ? 0 : done(result, 0);
}

static void release_futex(pid_t pid)
{
    (void)pid;
    atomic_store(&shared->word, 1);
    CHECK(syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1, NULL, NULL, 0) >= 0);
}

static int call_sigtimedwait(void)
{
    struct timespec limit = { .tv_sec = LIMIT_MS / 1000 };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return done(sigtimedwait(&set, NULL, &limit), SIGUSR1);
}

static void release_signal(pid_t pid)
{
    CHECK(kill(pid, SIGUSR1) == 0);
}

static int call_nanosleep(void)
{
    struct timespec length = { .tv_nsec = 500000000 }, begin, end;
    int result;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    result = done(nanosleep(&length, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (result == 0 && (end.tv_sec - begin.tv_sec) * 1000000000L + end.tv_nsec - begin.tv_nsec < length.tv_nsec)
        return 250; // early
    return result;
}

static void release_nothing(pid_t pid)
{
    (void)pid;
}

static int call_open(void)
{
    int fd = open(FIFO, O_RDONLY | O_CLOEXEC);

    return fd >= 0 ? 0 : errno;
}

static void release_fifo(pid_t pid)
{
    int fd;

    while ((fd = open(FIFO, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
        CHECK(errno == ENXIO && kill(pid, 0) == 0);
        sched_yield();
    }
    shared->word = fd; // open until the child has seen it
}

static int call_wait(void)
{
    pid_t pid = fork();

    if (pid == 0)
        pause_for_ever();
    atomic_store(&shared->grandchild, pid);
    return done(waitpid(pid, NULL, 0), pid);
}

static void release_wait(pid_t pid)
{
    while (atomic_load(&shared->grandchild) == 0) {
        CHECK(kill(pid, 0) == 0);
        sched_yield();
    }
    CHECK(kill(atomic_load(&shared->grandchild), SIGKILL) == 0);
}

static const struct {
    const char *name;
    int (*call)(void);
    void (*release)(pid_t pid);
} calls[] = {
    { "read of a pipe", call_read, release_pipe },
    { "poll", call_poll, release_pipe },
    { "epoll_wait", call_epoll, release_pipe },
    { "futex", call_futex, release_futex },
    { "sigtimedwait", call_sigtimedwait, release_signal },
    { "nanosleep", call_nanosleep, release_nothing },
    { "open of a FIFO", call_open, release_fifo },
    { "wait4", call_wait, release_wait },
};

// Waits until the process sleeps, or has ended.
static void await_sleep(pid_t pid)
{
    char letter;

    do {
        sched_yield();
        letter = box_status(pid, "State")[0];
    } while (letter != 'S' && letter != 'Z');
}

static int suspend_in_call(size_t i)
{
    int status;
    pid_t pid;

    atomic_store(&shared->ready, 0);
    atomic_store(&shared->word, 0);
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid = fork();
    if (pid == 0) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigprocmask(SIG_BLOCK, &set, NULL);
        atomic_store(&shared->ready, 1);
        _exit(calls[i].call());
    }
    while (!atomic_load(&shared->ready))
        sched_yield();
    for (int round = 0; round < 3; round++) {
        await_sleep(pid);
        tell(pid, "suspend");
        tell(pid, "start");
    }
    await_sleep(pid);
    calls[i].release(pid);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    close(ends[0]);
    close(ends[1]);
    return WEXITSTATUS(status);
}

CASE("a call that a suspension interrupts goes on unseen, whatever it waits for")
{
    int failed = 0;

    share();
    CHECK(mkfifo(FIFO, 0600) == 0);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        int error = suspend_in_call(i);

        if (error != 0)
            printf("# %s: %s\n", calls[i].name, error == 250 ? "another result" : strerror(error));
        failed += error != 0;
    }
    CHECK(unlink(FIFO) == 0);
    CHECK_EQUAL(failed, 0);
}

PROGRAM("pause")
{
    say('p');
    pause_for_ever();
    return 1;
}

CASE("a deadline ends a suspended box too")
{
    struct test_box box;
    int report = box_program(&box, "", "pause");

    CHECK(report >= 0 && hear(report) == 'p');
    CHECK(box_do(&box, "suspend\nquota deadline 200ms") == 0);
    CHECK_EQUAL(box_wait(box.pid), -9);
    CHECK(strcmp(box_status(box.pid, "By"), "deadline") == 0);
    close(report);
    box_close(&box);
}

// --- Statuses ---

CASE("wait shows any status that kill is given, wait4 what Linux has for it")
{
    static const struct {
        const char *command;
        long long status;
        int exited, signal;
    } kills[] = {
        { "kill 300", 300, 44, 0 },  { "kill 0", 0, 0, 0 },     { "kill -15", -15, 0, 15 },
        { "kill -64", -64, 0, 64 },  { "kill -65", -65, 0, 9 }, { "kill -100", -100, 0, 9 },
    };

    for (size_t i = 0; i < sizeof(kills) / sizeof(kills[0]); i++) {
        struct test_box box;
        int report = box_program(&box, "", "pause"), status;

        CHECK(report >= 0 && hear(report) == 'p');
        CHECK(box_do(&box, kills[i].command) == 0);
        CHECK_EQUAL(box_wait(box.pid), kills[i].status);
        CHECK(waitpid(box.pid, &status, 0) == box.pid);
        if (kills[i].signal == 0)
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) == kills[i].exited);
        else
            CHECK(WIFSIGNALED(status) && WTERMSIG(status) == kills[i].signal);
        close(report);
        box_close(&box);
    }
}

CASE("the end of a box sends no SIGCHLD to its maker")
{
    sigset_t set, pending;
    struct test_box box;
    int report;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    report = box_program(&box, "", "pause");
    CHECK(report >= 0 && hear(report) == 'p');
    CHECK(box_do(&box, "kill 3") == 0 && box_wait(box.pid) == 3);
    CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGCHLD));
    if (fork() == 0)
        _exit(0);
    CHECK(sigwaitinfo(&set, NULL) == SIGCHLD); // as the end of a child does
    CHECK(wait(NULL) > 0);
    close(report);
    box_close(&box);
}

CASE("many may read wait at a time, and all learn the same")
{
    enum { READERS = 8 };
    pid_t readers[READERS];
    struct test_box box;
    int report = box_program(&box, "", "pause"), status;

    CHECK(report >= 0 && hear(report) == 'p');
    share();
    for (int i = 0; i < READERS; i++) {
        readers[i] = fork();
        if (readers[i] == 0) {
            atomic_fetch_add(&shared->ready, 1);
            _exit(box_wait(box.pid) == 5 ? 0 : 1);
        }
    }
    while (atomic_load(&shared->ready) < READERS)
        sched_yield();
    for (int i = 0; i < READERS; i++)
        await_sleep(readers[i]);
    CHECK(box_do(&box, "kill 5") == 0);
    for (int i = 0; i < READERS; i++)
        CHECK(waitpid(readers[i], &status, 0) == readers[i] && status == 0);
    CHECK_EQUAL(box_wait(box.pid), 5); // and again
    close(report);
    box_close(&box);
}

PROGRAM("read-given-wait")
{
    char text[32];

    return read(4, text, sizeof(text)) < 0 && errno == EDEADLK ? 6 : 1;
}

// Gives a box in this one a handle on this box's own `wait`.
PROGRAM("give-own-wait")
{
    int wait = open("/proc/1/wait", O_RDONLY | O_CLOEXEC);
    struct test_box inner;

    if (wait < 0 || box_new(&inner) != 0 ||
        box_do(&inner, "bind bin /bin rx\ngive %d 4\nexec /bin/test_held read-given-wait\nstart", wait) != 0)
        return 2;
    return (int)box_wait(inner.pid);
}

CASE("wait on a box around oneself is EDEADLK, by a handle that was given as well")
{
    struct test_box box;
    int report = box_program(&box, "", "give-own-wait");

    CHECK(report >= 0);
    CHECK_EQUAL(box_wait(box.pid), 6);
    close(report);
    box_close(&box);
}
