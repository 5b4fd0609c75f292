// SPDX-License-Identifier: MIT
// vm: smp
// test_life.c - the life of processes: fork, vfork, clone, exec, exit, waiting, adoption, kill.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

static int wait_status(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// A child that runs run() and exits with its result.
static pid_t spawn(int (*run)(void))
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(run());
    return pid;
}

static int do_exec(void)
{
    execl("/bin/busybox", "true", (char *)NULL);
    return 99;
}

static int do_pause(void)
{
    for (;;)
        pause();
    return 0;
}

CASE("every exit code from 0 to 255 arrives")
{
    for (int code = 0; code < 256; code++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(code);
        CHECK_EQUAL(wait_status(pid), code);
    }
}

CASE_LIMIT("a thousand times fork, exec and wait", 120)
{
    for (int i = 0; i < 1000; i++)
        CHECK_EQUAL(wait_status(spawn(do_exec)), 0);
}

CASE("a hundred children at once are all waited for, and no more")
{
    int seen = 0;

    for (int i = 0; i < 100; i++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(i);
        CHECK(pid > 0);
    }
    while (wait(NULL) > 0)
        seen++;
    CHECK_EQUAL(seen, 100);
    CHECK(errno == ECHILD);
}

CASE("a failed exec changes nothing")
{
    char *const none[] = { NULL };

    CHECK(execve("/no/such/file", none, none) < 0 && errno == ENOENT);
    CHECK(execve("/etc/passwd", none, none) < 0 && errno == EACCES);
    CHECK(execve("/bin", none, none) < 0 && errno == EACCES);
}

CASE("arguments that are too long are E2BIG")
{
    size_t size = 200 * 1024;
    char *big = malloc(size);
    char *argv[] = { "true", big, NULL };
    char *const none[] = { NULL };

    memset(big, 'x', size);
    big[size - 1] = '\0';
    CHECK(execve("/bin/busybox", argv, none) < 0 && errno == E2BIG);
    free(big);
}

CASE("arguments and environment arrive as they were given")
{
    pid_t pid = fork();

    if (pid == 0) {
        char *argv[] = { "sh", "-c", "[ \"$1\" = 'a b' ] && [ \"$2\" = '' ] && [ \"$V\" = w ]", "x",
                         "a b", "", NULL };
        char *envp[] = { "V=w", NULL };

        execve("/bin/busybox", argv, envp);
        _exit(99);
    }
    CHECK_EQUAL(wait_status(pid), 0);
}

static void write_script(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

CASE("scripts run by their first line, up to four deep")
{
    char name[32], text[64];
    char *const none[] = { NULL };
    pid_t pid;

    write_script("/tmp/s0", "#! /bin/sh\nexit 6\n");
    for (int i = 1; i < 5; i++) {
        snprintf(name, sizeof(name), "/tmp/s%d", i);
        snprintf(text, sizeof(text), "#!/tmp/s%d\n", i - 1);
        write_script(name, text);
    }
    pid = fork();
    if (pid == 0) {
        execl("/tmp/s3", "s3", (char *)NULL);
        _exit(99);
    }
    CHECK_EQUAL(wait_status(pid), 6);
    CHECK(execve("/tmp/s4", none, none) < 0 && errno == ELOOP);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof(name), "/tmp/s%d", i);
        unlink(name);
    }
}

CASE("a malformed program is ENOEXEC")
{
    char *const none[] = { NULL };

    write_script("/tmp/bad",
                 "\177ELF\002\001\001 and then nothing that makes sense, at some length");
    CHECK(execve("/tmp/bad", none, none) < 0 && errno == ENOEXEC);
    write_script("/tmp/bad", "");
    CHECK(execve("/tmp/bad", none, none) < 0 && errno == ENOEXEC);
    unlink("/tmp/bad");
}

static volatile int shared;

CASE("vfork's child uses its parent's memory, and the parent waits")
{
    pid_t pid;

    shared = 0;
    pid = vfork();
    if (pid == 0) {
        shared = 5;
        _exit(3);
    }
    CHECK_EQUAL(shared, 5);
    CHECK_EQUAL(wait_status(pid), 3);
    pid = vfork();
    if (pid == 0) {
        execl("/bin/busybox", "true", (char *)NULL);
        _exit(99);
    }
    CHECK_EQUAL(wait_status(pid), 0);
}

CASE("clone refuses what would lead out of the box, and what makes no sense")
{
    unsigned long refused[] = { CLONE_PARENT, CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWUSER,
                                CLONE_NEWUTS, CLONE_NEWNET, CLONE_NEWIPC, CLONE_THREAD,
                                CLONE_SIGHAND, CLONE_THREAD | CLONE_SIGHAND };

    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        CHECK(syscall(SYS_clone, refused[i] | SIGCHLD, 0, 0, 0, 0) < 0 && errno == EINVAL);
}

// --- Threads ---

static void *block(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return NULL;
}

static void *lock(void *mutex)
{
    pthread_mutex_lock(mutex);
    return NULL;
}

static int many_threads_exit(void)
{
    pthread_t thread;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&mutex);
    for (int i = 0; i < 16; i++)
        pthread_create(&thread, NULL, i % 2 ? block : lock, &mutex);
    usleep(1000);
    return 42;
}

CASE("exit_group ends threads that wait")
{
    CHECK_EQUAL(wait_status(spawn(many_threads_exit)), 42);
}

static void *exec_in_thread(void *unused)
{
    (void)unused;
    execl("/bin/busybox", "sh", "-c", "[ $$ = $WANTED ] && exit 8", (char *)NULL);
    return NULL;
}

static int exec_of_thread(void)
{
    pthread_t thread;
    char wanted[16];

    snprintf(wanted, sizeof(wanted), "%d", getpid());
    setenv("WANTED", wanted, 1);
    pthread_create(&thread, NULL, block, NULL);
    pthread_create(&thread, NULL, exec_in_thread, NULL);
    return do_pause();
}

CASE("exec in a thread ends the others and takes the process's number")
{
    CHECK_EQUAL(wait_status(spawn(exec_of_thread)), 8);
}

static void *exit_thread(void *unused)
{
    (void)unused;
    usleep(2000);
    syscall(SYS_exit, 5);
    return NULL;
}

static int first_thread_leaves(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, exit_thread, NULL);
    syscall(SYS_exit, 3);
    return 99;
}

CASE("the process ends with its last thread, and with the code of its first")
{
    CHECK_EQUAL(wait_status(spawn(first_thread_leaves)), 3);
}

static void *nothing(void *argument)
{
    return argument;
}

CASE_LIMIT("two thousand threads, one after the other and twenty at a time", 60)
{
    pthread_t threads[20];

    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 20; i++)
            CHECK(pthread_create(&threads[i], NULL, nothing, threads) == 0);
        for (int i = 0; i < 20; i++)
            CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

// --- Waiting ---

CASE("a stop and a continuation are reported once each")
{
    pid_t pid = spawn(do_pause);
    int status;

    CHECK(kill(pid, SIGSTOP) == 0);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) &&
          WSTOPSIG(status) == SIGSTOP);
    CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
    CHECK(kill(pid, SIGCONT) == 0);
    CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
    CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK_EQUAL(wait_status(pid), -SIGKILL);
}

CASE("waitid with WNOWAIT looks and takes nothing")
{
    pid_t pid = fork();
    siginfo_t info;

    if (pid == 0)
        _exit(17);
    for (int i = 0; i < 3; i++) {
        memset(&info, 0, sizeof(info));
        CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
        CHECK(info.si_pid == pid && info.si_code == CLD_EXITED && info.si_status == 17);
    }
    CHECK_EQUAL(wait_status(pid), 17);
    CHECK(waitpid(pid, NULL, 0) < 0 && errno == ECHILD);
}

CASE("waiting for a process group")
{
    pid_t first = spawn(do_pause), second = spawn(do_pause);

    CHECK(setpgid(first, first) == 0 && setpgid(second, first) == 0 && getpgid(second) == first);
    CHECK(waitpid(-first, NULL, WNOHANG) == 0);
    CHECK(waitpid(0, NULL, WNOHANG) < 0 && errno == ECHILD);
    CHECK(kill(-first, SIGTERM) == 0);
    CHECK(waitpid(-first, NULL, 0) > 0 && waitpid(-first, NULL, 0) > 0);
    CHECK(waitpid(-first, NULL, 0) < 0 && errno == ECHILD);
}

CASE("a group outlives its leader until the leader is waited for")
{
    pid_t leader = fork(), second;

    if (leader == 0)
        _exit(0);
    CHECK(setpgid(leader, leader) == 0);
    CHECK(waitid(P_PID, (id_t)leader, NULL, WEXITED | WNOWAIT) == 0);
    second = spawn(do_pause);
    CHECK(setpgid(second, leader) == 0);
    CHECK_EQUAL(wait_status(leader), 0);
    CHECK(kill(-leader, SIGKILL) == 0);
    CHECK_EQUAL(wait_status(second), -SIGKILL);
}

CASE("with SIGCHLD ignored children leave nothing, and wait ends with the last")
{
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 5; i++) {
        if (fork() == 0) {
            usleep(3000);
            _exit(i);
        }
    }
    CHECK(wait(NULL) < 0 && errno == ECHILD);
    signal(SIGCHLD, SIG_DFL);
}

CASE("a pidfd is readable when the process has ended")
{
    pid_t pid = fork();
    struct pollfd fd;

    if (pid == 0) {
        usleep(20000);
        _exit(0);
    }
    fd = (struct pollfd){ .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
    CHECK(fd.fd >= 0 && poll(&fd, 1, 0) == 0);
    CHECK(poll(&fd, 1, 10000) == 1 && (fd.revents & POLLIN));
    CHECK_EQUAL(wait_status(pid), 0);
    close(fd.fd);
}

// --- Orphans ---

CASE("an orphan is taken in by the head of the box, and leaves no record")
{
    int here[2], there[2];
    pid_t seen[2], pid;
    struct pollfd end;

    CHECK(pipe(here) == 0 && pipe(there) == 0);
    pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            while (getppid() == pid || getppid() != 1)
                usleep(1000);
            seen[0] = getpid();
            seen[1] = getppid();
            if (write(here[1], seen, sizeof(seen)) < 0 || read(there[0], seen, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    CHECK_EQUAL(wait_status(pid), 0);
    CHECK(read(here[0], seen, sizeof(seen)) == sizeof(seen) && seen[1] == 1);
    end = (struct pollfd){ .fd = (int)syscall(SYS_pidfd_open, seen[0], 0), .events = POLLIN };
    CHECK(end.fd >= 0 && write(there[1], "x", 1) == 1);
    CHECK(poll(&end, 1, 20000) == 1);
    CHECK(kill(seen[0], 0) < 0 && errno == ESRCH);
    close(end.fd);
    for (int i = 0; i < 2; i++) {
        close(here[i]);
        close(there[i]);
    }
}

CASE("a subreaper is given the orphans below it")
{
    pid_t pid;
    int status;

    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            usleep(5000);
            _exit(33);
        }
        _exit(0);
    }
    CHECK_EQUAL(wait_status(pid), 0);
    CHECK(wait(&status) > 0 && WEXITSTATUS(status) == 33);
    CHECK(wait(NULL) < 0 && errno == ECHILD);
}

static void check_parent_death(int signal)
{
    int fds[2], status;
    pid_t pid;
    char byte;

    CHECK(pipe(fds) == 0);
    pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, signal);
            if (write(fds[1], "x", 1) == 1)
                do_pause();
        }
        if (read(fds[0], &byte, 1) < 0)
            _exit(1);
        _exit(0);
    }
    close(fds[1]);
    CHECK_EQUAL(wait_status(pid), 0);
    CHECK(wait(&status) > 0 && WIFSIGNALED(status) && WTERMSIG(status) == signal); // adopted
    CHECK(read(fds[0], &byte, 1) == 0);
    close(fds[0]);
}

CASE("the signal asked for comes when the parent dies")
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    check_parent_death(SIGTERM);
    check_parent_death(SIGKILL);
}

// --- Kill ---

static int fork_for_ever(void)
{
    for (;;) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
}

static int vfork_for_ever(void)
{
    for (;;) {
        pid_t pid = vfork();

        if (pid == 0) {
            execl("/bin/busybox", "true", (char *)NULL);
            _exit(1);
        }
        waitpid(pid, NULL, 0);
    }
}

static int threads_for_ever(void)
{
    for (;;) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, nothing, NULL) == 0)
            pthread_join(thread, NULL);
    }
    return 0;
}

static int fault_for_ever(void)
{
    for (;;) {
        char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        memset(at, 1, 1 << 20);
        munmap(at, 1 << 20);
    }
    return 0;
}

CASE_LIMIT("kill reaches a process whatever it is doing", 120)
{
    int (*const doings[])(void) = { do_pause, fork_for_ever, vfork_for_ever, threads_for_ever,
                                    fault_for_ever };
    int count = 0;

    // What the killed leave behind comes to us, so that all is gone when we have waited.
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    for (int i = 0; i < 100; i++) {
        pid_t pid = spawn(doings[i % 5]);

        usleep((useconds_t)(i * 37 % 3000));
        CHECK(kill(pid, SIGKILL) == 0);
        CHECK_EQUAL(wait_status(pid), -SIGKILL);
        count++;
        while (wait(NULL) > 0)
            ;
    }
    CHECK_EQUAL(count, 100);
}

CASE_LIMIT("a bomb of 500 processes ends with its box, by one kill", 120)
{
    struct test_box box;
    char text[4096];
    bool full = false;

    CHECK(box_shell(&box, "quota processes 500",
                    "bomb() { bomb & bomb & sleep 1000; }; exec 2>/dev/null; bomb") == 0);
    for (int i = 0; i < 2000 && !full; i++) {
        usleep(20000);
        CHECK(proc_read(box.pid, "quota", text, sizeof(text)) > 0);
        full = strstr(text, "processes 500") != NULL;
    }
    CHECK(full);
    CHECK(box_do(&box, "kill") == 0);
    CHECK_EQUAL(box_wait(box.pid), -9);
    box_close(&box);
}

CASE("a suspended box can be given another program, and keeps its number")
{
    struct test_box box;

    CHECK(box_shell(&box, "", "sleep 100 & sleep 100") == 0);
    CHECK_EQUAL(box_do(&box, "exec /bin/busybox true"), -EBUSY);
    CHECK(box_do(&box, "suspend") == 0);
    CHECK(box_do(&box, "exec /bin/busybox sh -c 'exit $(( $$ + 8 ))'") == 0);
    CHECK(box_do(&box, "start") == 0);
    CHECK_EQUAL(box_wait(box.pid), 9);
    box_close(&box);
}
