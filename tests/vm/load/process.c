// SPDX-License-Identifier: MIT
// process.c - the mixed load: processes made, run, stopped and ended.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/load/load.h"
#include "tests/vm/vmtest.h"

#define CHILDREN 4
#define GRANDCHILDREN 3

extern char **environ;

void load_exited(pid_t child, int code)
{
    int status;

    CHECK(child > 0);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, code << 8);
}

void load_signalled(pid_t child, int signal)
{
    int status;

    CHECK(child > 0);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
    CHECK_EQUAL(WTERMSIG(status), signal);
}

pid_t load_child(void (*body)(void *), void *argument)
{
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        body(argument);
        _exit(0);
    }
    return child;
}

void load_fork(void)
{
    unsigned count = 1 + load_random(CHILDREN);
    pid_t children[CHILDREN];

    for (unsigned i = 0; i < count; i++) {
        children[i] = fork();
        CHECK(children[i] >= 0);
        if (children[i] == 0)
            _exit(10 + (int)i);
    }
    for (unsigned i = 0; i < count; i++)
        load_exited(children[i], 10 + (int)i);
}

// A child and its children, in a group of their own, each of which says that it is there.
static void be_family(int ready)
{
    setpgid(0, 0);
    for (int i = 0; i < GRANDCHILDREN; i++) {
        if (fork() == 0)
            break;
    }
    CHECK(write(ready, "x", 1) == 1);
    for (;;)
        pause();
}

// The worker is a subreaper, so that the orphans come to it.
void load_group(void)
{
    int ends[2], status;
    char bytes[1];
    pid_t child;

    CHECK(pipe(ends) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0)
        be_family(ends[1]);
    for (int i = 0; i < GRANDCHILDREN + 1; i++)
        CHECK(read(ends[0], bytes, 1) == 1);
    CHECK(kill(-child, SIGKILL) == 0);
    close(ends[0]);
    close(ends[1]);
    for (int i = 0; i < GRANDCHILDREN + 1; i++) {
        CHECK(waitpid(-1, &status, 0) > 0);
        CHECK_EQUAL(status, SIGKILL);
    }
    CHECK(waitpid(-1, &status, 0) < 0 && errno == ECHILD);
}

void load_spawn(void)
{
    unsigned code = load_random(100);
    char text[8];
    char *argv[] = { LOAD_PROGRAM, "exit", text, NULL };
    pid_t child;

    snprintf(text, sizeof(text), "%u", code);
    if (load_random(2) == 0) {
        CHECK_EQUAL(posix_spawn(&child, LOAD_PROGRAM, NULL, NULL, argv, environ), 0);
    } else {
        child = vfork();
        if (child == 0) {
            execv(LOAD_PROGRAM, argv);
            _exit(111);
        }
    }
    load_exited(child, (int)code);
}

static void *rest_or_spin(void *spins)
{
    for (;;) {
        if (spins == NULL)
            pause();
    }
    return NULL;
}

static void *leave_by_exec(void *unused)
{
    execl(LOAD_PROGRAM, LOAD_PROGRAM, "exit", "44", (char *)NULL);
    return unused;
}

static void exec_from_thread(void *unused)
{
    pthread_t thread;

    (void)unused;
    for (unsigned i = load_random(4); i > 0; i--)
        CHECK_EQUAL(pthread_create(&thread, NULL, rest_or_spin, (void *)(uintptr_t)(i % 2)), 0);
    CHECK_EQUAL(pthread_create(&thread, NULL, leave_by_exec, NULL), 0);
    for (;;)
        pause();
}

void load_exec(void)
{
    load_exited(load_child(exec_from_thread, NULL), 44);
}

static void pause_for_ever(void *unused)
{
    pthread_t thread;

    if (load_random(2) == 0)
        pthread_create(&thread, NULL, rest_or_spin, unused);
    for (;;)
        pause();
}

void load_stop(void)
{
    pid_t child = load_child(pause_for_ever, NULL);
    int status;

    for (unsigned i = 1 + load_random(3); i > 0; i--) {
        CHECK(kill(child, SIGSTOP) == 0);
        CHECK_EQUAL(waitpid(child, &status, WUNTRACED), child);
        CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
        CHECK(kill(child, SIGCONT) == 0);
        CHECK_EQUAL(waitpid(child, &status, WCONTINUED), child);
        CHECK(WIFCONTINUED(status));
    }
    if (load_random(2) == 0) {
        CHECK(kill(child, SIGSTOP) == 0);
    }
    CHECK(kill(child, SIGKILL) == 0);
    load_signalled(child, SIGKILL);
}
