// SPDX-License-Identifier: MIT
// test_orphan.c - orphaned process groups: SIGHUP and SIGCONT go to a group with a stopped member when
// an end takes its last tie to the rest of the session, and never to a group that had none.

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

static int told; // writing end of a pipe

static void tell(int signal)
{
    char letter = signal == SIGHUP ? 'H' : 'C';

    (void)!write(told, &letter, 1);
    if (signal == SIGHUP)
        _exit(0);
}

static void wait_stopped(pid_t pid)
{
    int status;

    CHECK_EQUAL(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status));
}

static int status_of(pid_t pid)
{
    int status;

    CHECK_EQUAL(waitpid(pid, &status, 0), pid);
    return status;
}

static pid_t fork_stopped(void)
{
    pid_t child = fork();

    if (child == 0) {
        raise(SIGSTOP);
        _exit(0);
    }
    return child;
}

static pid_t fork_ending(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    return child;
}

// A session of one group: its leader's parent is in another session, so it is orphaned from the start.
static void lead_session(void)
{
    pid_t stopped;

    setsid();
    stopped = fork_stopped();
    wait_stopped(stopped);
    for (int i = 0; i < 20; i++)
        status_of(fork_ending());
    kill(stopped, SIGKILL);
    status_of(stopped);
    _exit(7);
}

CASE("the end of a member of a group that was orphaned before sends nobody SIGHUP")
{
    pid_t leader = fork();

    if (leader == 0)
        lead_session();
    CHECK_EQUAL(status_of(leader), 7 << 8);
}

CASE("nor does the end of a plain member of a group that is not orphaned")
{
    pid_t other = fork();

    if (other == 0) {
        pid_t stopped;

        setpgid(0, 0);
        stopped = fork_stopped();
        wait_stopped(stopped);
        status_of(fork_ending());
        kill(stopped, SIGKILL);
        status_of(stopped);
        _exit(8);
    }
    CHECK_EQUAL(status_of(other), 8 << 8);
}

// The group of the leader's child: the child lives on, a child of its own is stopped. The leader ends once it is.
static void leave_group(int ready)
{
    char byte;

    setsid();
    if (fork() == 0) {
        pid_t stopped;

        setpgid(0, 0);
        signal(SIGHUP, tell);
        stopped = fork();
        if (stopped == 0) {
            signal(SIGCONT, tell);
            raise(SIGSTOP);
            for (;;)
                pause();
        }
        wait_stopped(stopped);
        (void)!write(told, "s", 1);
        for (;;)
            pause();
    }
    (void)!read(ready, &byte, 1);
    _exit(byte == 's' ? 0 : 1);
}

CASE("the end of the last parent outside sends all of a group SIGHUP, if any member is stopped")
{
    int pipe_fds[2];
    int hung_up = 0, continued = 0;
    pid_t leader;
    char got;

    CHECK_EQUAL(pipe(pipe_fds), 0);
    CHECK_EQUAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); // of another session, so the group is orphaned
    told = pipe_fds[1];
    leader = fork();
    if (leader == 0)
        leave_group(pipe_fds[0]);
    close(told);
    CHECK_EQUAL(status_of(leader), 0);
    while (read(pipe_fds[0], &got, 1) == 1) {
        hung_up += got == 'H';
        continued += got == 'C';
    }
    CHECK_EQUAL(hung_up, 2);
    CHECK_EQUAL(continued, 1);
    close(pipe_fds[0]);
    while (wait(NULL) > 0) // a pipe's end closes before its process has gone
        ;
}
