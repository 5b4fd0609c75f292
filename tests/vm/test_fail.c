// SPDX-License-Identifier: MIT
// test_fail.c - the nth allocation fails, for every n: the call fails as it should, or does
// without; nothing is left.
//
// Each operation is tried with the first, second, ... allocation of the process refused, until it
// no longer asks for so many.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define ALLOCATIONS_MAX 400

static int ledger = -1;

static void fail_nth(int nth)
{
    char text[32];

    if (ledger < 0)
        ledger = open("/dev/ledger", O_WRONLY | O_CLOEXEC);
    CHECK(ledger >= 0);
    snprintf(text, sizeof(text), "fail-nth %d", nth);
    CHECK(write(ledger, text, strlen(text)) == (ssize_t)strlen(text));
}

static bool memory_error(void)
{
    return errno == ENOMEM || errno == EAGAIN || errno == EMFILE || errno == ENFILE ||
           errno == ENOSPC;
}

// What became of an operation with its nth allocation refused.
enum outcome { DONE, REFUSED, WRONG };

// Tries it in a process of its own, which a refused page may end.
static enum outcome try_nth(bool (*operation)(void), int nth)
{
    pid_t pid = fork();
    int status;

    CHECK(pid >= 0);
    if (pid == 0) {
        bool good;

        fail_nth(nth);
        errno = 0;
        good = operation();
        if (!good && !memory_error())
            vmtest_fail(__FILE__, __LINE__, "the error is one of memory", nth);
        fail_nth(0);
        _exit(good ? DONE : REFUSED);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGKILL ? REFUSED : WRONG;
    return WEXITSTATUS(status) == DONE || WEXITSTATUS(status) == REFUSED ? WEXITSTATUS(status) : WRONG;
}

// Runs the operation (true: it succeeded) until it has succeeded eight times in a row; every
// failure must be one of memory.
static void each_allocation(bool (*operation)(void))
{
    int refused = 0, passed = 0;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int nth = 1; nth < ALLOCATIONS_MAX && passed < 8; nth++) {
        enum outcome outcome = try_nth(operation, nth);

        CHECK(outcome != WRONG);
        passed = outcome == DONE ? passed + 1 : 0;
        refused += outcome == REFUSED;
    }
    while (wait(NULL) > 0) // children of those that a refused page ended
        ;
    CHECK(passed == 8 && refused > 0);
}

static bool do_fork(void)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(7);
    if (pid < 0)
        return false;
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
    return true;
}

static bool do_vfork(void)
{
    pid_t pid = vfork();
    int status;

    if (pid == 0)
        _exit(7);
    if (pid < 0)
        return false;
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
    return true;
}

static void *nothing(void *argument)
{
    return argument;
}

static bool do_thread(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, nothing, NULL);

    if (error != 0) {
        errno = error;
        return false;
    }
    CHECK(pthread_join(thread, NULL) == 0);
    return true;
}

static bool do_box(void)
{
    struct test_box box;
    int error = box_new(&box);

    if (error != 0) {
        errno = -error;
        return false;
    }
    error = box_do(&box, "bind bin /bin rx");
    if (error == 0)
        error = box_do(&box, "give 1 1");
    if (error == 0)
        error = box_do(&box, "exec /bin/busybox true");
    if (error == 0)
        error = box_do(&box, "start");
    if (error != 0) {
        box_discard(&box);
        errno = -error;
        return false;
    }
    if (box_wait(box.pid) != 0) // the wait itself may have been refused
        error = errno;
    fail_nth(0);
    CHECK(box_wait(box.pid) == 0);
    box_close(&box);
    errno = error;
    return error == 0;
}

static bool do_queue(void)
{
    union sigval value = { .sival_int = 1 };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (sigqueue(getpid(), SIGRTMIN, value) < 0)
        return false;
    CHECK(sigwaitinfo(&set, NULL) == SIGRTMIN);
    return true;
}

static bool do_pidfd(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

static bool do_group(void)
{
    pid_t parent = getpid(), pid = fork();
    int error;

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == parent)
            pause();
        _exit(0);
    }
    if (pid < 0)
        return false;
    error = setpgid(pid, pid) == 0 ? 0 : errno;
    kill(pid, SIGKILL);
    CHECK(waitpid(pid, NULL, 0) == pid);
    errno = error;
    return error == 0;
}

CASE_LIMIT("fork", 60)
{
    each_allocation(do_fork);
}

CASE_LIMIT("vfork", 60)
{
    each_allocation(do_vfork);
}

CASE_LIMIT("a thread", 60)
{
    each_allocation(do_thread);
}

CASE_LIMIT("a box, from /proc/new to its end", 60)
{
    each_allocation(do_box);
}

CASE_LIMIT("a queued signal", 60)
{
    each_allocation(do_queue);
}

CASE_LIMIT("a pidfd", 60)
{
    each_allocation(do_pidfd);
}

CASE_LIMIT("a process group", 60)
{
    each_allocation(do_group);
}

// exec in a child, which tells by its exit code: 1 refused and still itself, 2 ended for lack of
// memory while it began.
CASE_LIMIT("exec", 60)
{
    int refused = 0, passed = 0;

    for (int nth = 1; nth < ALLOCATIONS_MAX && passed < 8; nth++) {
        pid_t pid = fork();
        int status;

        CHECK(pid >= 0);
        if (pid == 0) {
            fail_nth(nth);
            execl("/bin/busybox", "sh", "-c", "exit 5", (char *)NULL);
            fail_nth(0);
            _exit(memory_error() ? 1 : 99);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        if (WIFEXITED(status))
            CHECK(WEXITSTATUS(status) == 5 || WEXITSTATUS(status) == 1 || WEXITSTATUS(status) == 2 ||
                  WEXITSTATUS(status) == 127 /* its libc found no memory */);
        passed = WIFEXITED(status) && WEXITSTATUS(status) == 5 ? passed + 1 : 0;
        refused += passed == 0;
    }
    CHECK(passed == 8 && refused > 0);
}
