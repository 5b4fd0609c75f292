// SPDX-License-Identifier: MIT
// vm: smp
// test_signal.c - signals: handlers, masks, restarts, queues, alternate stacks, waiting for them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

static volatile sig_atomic_t count;
static volatile int order[64];
static siginfo_t last;

static void counting(int number)
{
    if (count < 64)
        order[count] = number;
    count++;
}

static void keeping(int number, siginfo_t *info, void *context)
{
    (void)context;
    last = *info;
    counting(number);
}

static void set_action(int number, void (*handler)(int), int flags)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

    CHECK(sigaction(number, &action, NULL) == 0);
}

static void set_info_action(int number, int flags)
{
    struct sigaction action = { .sa_sigaction = keeping, .sa_flags = SA_SIGINFO | flags };

    CHECK(sigaction(number, &action, NULL) == 0);
}

static void mask(int how, int number)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, number);
    CHECK(sigprocmask(how, &set, NULL) == 0);
}

CASE("a handler runs before kill to oneself returns, and knows the sender")
{
    union sigval value = { .sival_int = 77 };

    set_info_action(SIGUSR1, 0);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    CHECK(count == 1 && last.si_pid == getpid() && last.si_code == SI_USER);
    CHECK(sigqueue(getpid(), SIGUSR1, value) == 0);
    CHECK(count == 2 && last.si_code == SI_QUEUE && last.si_value.sival_int == 77);
}

CASE("a signal that is blocked waits, once")
{
    sigset_t pending;

    set_action(SIGUSR1, counting, 0);
    mask(SIG_BLOCK, SIGUSR1);
    for (int i = 0; i < 3; i++)
        raise(SIGUSR1);
    CHECK(count == 0 && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
    mask(SIG_UNBLOCK, SIGUSR1);
    CHECK_EQUAL(count, 1);
}

CASE("real-time signals queue in order, lowest number first")
{
    set_action(SIGRTMIN, counting, 0);
    set_action(SIGRTMIN + 1, counting, 0);
    mask(SIG_BLOCK, SIGRTMIN);
    mask(SIG_BLOCK, SIGRTMIN + 1);
    for (int i = 0; i < 5; i++) {
        CHECK(raise(SIGRTMIN + 1) == 0);
        CHECK(raise(SIGRTMIN) == 0);
    }
    sigset_t all;
    sigemptyset(&all);
    sigaddset(&all, SIGRTMIN);
    sigaddset(&all, SIGRTMIN + 1);
    CHECK(sigprocmask(SIG_UNBLOCK, &all, NULL) == 0);
    CHECK_EQUAL(count, 10);
}

CASE("a full queue of real-time signals is EAGAIN, standard ones never fail")
{
    int sent = 0;

    mask(SIG_BLOCK, SIGRTMIN);
    mask(SIG_BLOCK, SIGUSR1);
    while (raise(SIGRTMIN) == 0 && sent < 1000)
        sent++;
    CHECK(sent == 63 && errno == EAGAIN);
    CHECK(raise(SIGUSR1) == 0);
}

CASE("the action's mask and the signal itself are blocked in its handler")
{
    struct sigaction action = { .sa_handler = counting };
    sigset_t now;

    sigaddset(&action.sa_mask, SIGUSR2);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    raise(SIGUSR1);
    CHECK(count == 1 && sigprocmask(SIG_BLOCK, NULL, &now) == 0 && !sigismember(&now, SIGUSR1));
}

static void again(int number)
{
    count++;
    if (count < 3)
        raise(number);
}

CASE("SA_NODEFER lets a handler interrupt itself, SA_RESETHAND runs once")
{
    struct sigaction now;

    set_action(SIGUSR1, again, SA_NODEFER);
    raise(SIGUSR1);
    CHECK_EQUAL(count, 3);
    set_action(SIGUSR2, counting, (int)SA_RESETHAND);
    raise(SIGUSR2);
    CHECK(count == 4 && sigaction(SIGUSR2, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
}

static void alarm_soon(void)
{
    struct itimerval timer = { .it_value = { .tv_usec = 20000 } };

    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

CASE("a read is EINTR without SA_RESTART, and goes on with it")
{
    int fds[2];
    char byte;
    pid_t pid;

    CHECK(pipe(fds) == 0);
    set_action(SIGALRM, counting, 0);
    alarm_soon();
    CHECK(read(fds[0], &byte, 1) < 0 && errno == EINTR && count == 1);
    set_action(SIGALRM, counting, SA_RESTART);
    alarm_soon();
    pid = fork();
    if (pid == 0) {
        usleep(60000);
        _exit(write(fds[1], "y", 1) == 1 ? 0 : 1);
    }
    CHECK(read(fds[0], &byte, 1) == 1 && byte == 'y' && count == 2);
    CHECK(waitpid(pid, NULL, 0) == pid);
}

CASE("nanosleep that is interrupted tells what is left; a stop leaves it unseen")
{
    struct timespec time = { .tv_sec = 5 }, left;
    struct timespec shortly = { .tv_nsec = 150000000 };
    pid_t parent = getpid(), pid;

    set_action(SIGALRM, counting, 0);
    alarm_soon();
    CHECK(nanosleep(&time, &left) < 0 && errno == EINTR && left.tv_sec == 4);
    pid = fork();
    if (pid == 0) {
        usleep(20000);
        kill(parent, SIGSTOP);
        usleep(20000);
        kill(parent, SIGCONT);
        _exit(0);
    }
    CHECK(nanosleep(&shortly, &left) == 0);
    CHECK(waitpid(pid, NULL, 0) == pid);
}

CASE("sigsuspend waits under its mask and restores the old one")
{
    sigset_t none, now;

    sigemptyset(&none);
    set_action(SIGALRM, counting, 0);
    mask(SIG_BLOCK, SIGALRM);
    alarm_soon();
    CHECK(sigsuspend(&none) < 0 && errno == EINTR && count == 1);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGALRM));
}

CASE("ppoll lets a blocked signal in for its own time")
{
    struct timespec time = { .tv_sec = 5 };
    sigset_t none;

    sigemptyset(&none);
    set_action(SIGALRM, counting, 0);
    mask(SIG_BLOCK, SIGALRM);
    raise(SIGALRM);
    CHECK(count == 0);
    CHECK(ppoll(NULL, 0, &time, &none) < 0 && errno == EINTR && count == 1);
}

CASE("sigtimedwait takes a signal, or ends with its time")
{
    struct timespec shortly = { .tv_nsec = 20000000 };
    siginfo_t info;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    mask(SIG_BLOCK, SIGUSR1);
    CHECK(sigtimedwait(&set, &info, &shortly) < 0 && errno == EAGAIN);
    raise(SIGUSR1);
    CHECK(sigtimedwait(&set, &info, &shortly) == SIGUSR1 && info.si_signo == SIGUSR1);
    CHECK(sigtimedwait(&set, &info, &shortly) < 0 && errno == EAGAIN);
}

static sigjmp_buf back;

static void jump(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    last = *info;
    siglongjmp(back, 1);
}

CASE("a fault's handler knows the address and may jump out")
{
    struct sigaction action = { .sa_sigaction = jump, .sa_flags = SA_SIGINFO };

    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    for (int i = 0; i < 100; i++) {
        if (sigsetjmp(back, 1) == 0) {
            *(volatile int *)(uintptr_t)(0x1000 + i * 8) = 1;
            CHECK(!"reached");
        }
        CHECK(last.si_addr == (void *)(uintptr_t)(0x1000 + i * 8) && last.si_code == SEGV_MAPERR);
    }
}

static int dive(int depth)
{
    volatile char page[4096];

    page[0] = 1;
    return depth == 0 ? 0 : dive(depth - 1) + page[0];
}

CASE("a stack overflow is handled on the alternate stack")
{
    struct sigaction action = { .sa_sigaction = jump, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 }, old;

    CHECK(sigaltstack(&stack, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);
    if (sigsetjmp(back, 1) == 0)
        dive(1 << 20);
    CHECK(sigaltstack(NULL, &old) == 0 && old.ss_sp == stack.ss_sp && !(old.ss_flags & SS_ONSTACK));
}

CASE("a handler without a stack to run on ends the process, and does not hang")
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        set_action(SIGSEGV, counting, 0);
        dive(1 << 20);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

CASE("a fault while its signal is blocked or ignored ends the process")
{
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            if (i == 0)
                signal(SIGSEGV, SIG_IGN);
            else
                mask(SIG_BLOCK, SIGSEGV);
            *(volatile int *)(uintptr_t)(8 + i) = 1;
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
              WTERMSIG(status) == SIGSEGV);
    }
}

static void clobber(int number)
{
    volatile double value = number;

    count++;
    for (int i = 0; i < 100; i++)
        value = value * 1.5 + i;
}

CASE("floating-point registers survive a handler")
{
    double sum = 0, expected = 0;

    set_action(SIGALRM, clobber, SA_RESTART);
    for (int i = 0; i < 1000; i++)
        expected += i * 0.5;
    struct itimerval timer = { .it_value = { .tv_usec = 1000 },
                               .it_interval = { .tv_usec = 1000 } };
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    while (count < 20) {
        sum = 0;
        for (int i = 0; i < 1000; i++)
            sum += i * 0.5;
        CHECK(sum == expected);
    }
    timer = (struct itimerval){ 0 };
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static volatile pthread_t handled_by;

static void who(int number)
{
    handled_by = pthread_self();
    counting(number);
}

static void *wait_for_signal(void *unused)
{
    (void)unused;
    while (count == 0)
        usleep(1000);
    return NULL;
}

// By kill, by a note, by a note with text.
static void send_self(int way)
{
    static const char *const notes[] = { NULL, "user1", "user1 with text" };
    int fd = open("/proc/self/note", O_WRONLY | O_CLOEXEC);

    if (way == 0)
        CHECK(kill(getpid(), SIGUSR1) == 0);
    else
        CHECK(write(fd, notes[way], strlen(notes[way])) == (ssize_t)strlen(notes[way]));
    close(fd);
}

CASE("a signal for the process goes to a thread that does not block it")
{
    pthread_t thread;

    set_action(SIGUSR1, who, 0);
    for (int way = 0; way < 3; way++) {
        count = 0;
        mask(SIG_UNBLOCK, SIGUSR1);
        CHECK(pthread_create(&thread, NULL, wait_for_signal, NULL) == 0); // its mask is this thread's
        mask(SIG_BLOCK, SIGUSR1);
        send_self(way);
        CHECK(pthread_join(thread, NULL) == 0 && count == 1 && pthread_equal(handled_by, thread));
    }
}

CASE("SIGCHLD tells which child ended and how")
{
    pid_t pid;

    set_info_action(SIGCHLD, SA_RESTART);
    pid = fork();
    if (pid == 0)
        _exit(9);
    CHECK(waitpid(pid, NULL, 0) == pid);
    CHECK(count == 1 && last.si_pid == pid && last.si_code == CLD_EXITED && last.si_status == 9);
}

CASE("SIGKILL and SIGSTOP can be neither caught nor blocked")
{
    struct sigaction action = { .sa_handler = counting };
    sigset_t all, now;

    CHECK(sigaction(SIGKILL, &action, NULL) < 0 && errno == EINVAL);
    CHECK(sigaction(SIGSTOP, &action, NULL) < 0 && errno == EINVAL);
    sigfillset(&all);
    CHECK(sigprocmask(SIG_SETMASK, &all, NULL) == 0 && sigprocmask(SIG_SETMASK, NULL, &now) == 0);
    CHECK(!sigismember(&now, SIGKILL) && !sigismember(&now, SIGSTOP));
}

CASE("kill finds nobody outside, and refuses bad numbers")
{
    CHECK(kill(getpid(), 65) < 0 && errno == EINVAL);
    CHECK(kill(999999, 0) < 0 && errno == ESRCH);
    CHECK(kill(-999999, 0) < 0 && errno == ESRCH);
    CHECK(kill(getpid(), 0) == 0);
}

CASE("an ignored signal that is set to be handled later does not come")
{
    signal(SIGUSR1, SIG_IGN);
    mask(SIG_BLOCK, SIGUSR1);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN); // takes it off the queue
    set_action(SIGUSR1, counting, 0);
    mask(SIG_UNBLOCK, SIGUSR1);
    CHECK_EQUAL(count, 0);
}

#define STOPS 300

CASE("a stop and a continue sent right after each other leave the process running")
{
    for (int i = 0; i < STOPS; i++) {
        pid_t child = fork();
        int status;

        CHECK(child >= 0);
        if (child == 0) {
            for (int yields = 0; yields < i % 8; yields++)
                sched_yield();
            _exit(3);
        }
        for (int yields = 0; yields < i % 5; yields++)
            sched_yield();
        CHECK_EQUAL(kill(child, SIGSTOP), 0);
        CHECK_EQUAL(kill(child, SIGCONT), 0);
        CHECK(waitpid(child, &status, 0) == child && status == 3 << 8);
    }
}
