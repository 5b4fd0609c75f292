// SPDX-License-Identifier: MIT
// test_sys_process.c - processes, ids, limits, memory calls, signals and timers, against their
// manual pages.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

static void *volatile const bad_pointer = (void *)16; // never mapped

#define PAGE 4096UL

CASE("wait4 reports exits and signals, and says when there is nothing")
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(300 % 256);
    FAILS(waitpid(child, &status, 0x100), EINVAL);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 44);
    FAILS(waitpid(child, &status, 0), ECHILD);
    FAILS(waitpid(-1, &status, 0), ECHILD);
    child = fork();
    if (child == 0)
        pause();
    CHECK_EQUAL(waitpid(child, &status, WNOHANG), 0);
    CHECK_EQUAL(kill(child, SIGKILL), 0);
    CHECK_EQUAL(waitpid(-1, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

CASE("waitid leaves what it is told to leave, and tells stops")
{
    siginfo_t info;
    pid_t child = fork();

    if (child == 0) {
        raise(SIGSTOP);
        usleep(100000);
        _exit(7);
    }
    FAILS(waitid(P_PID, (id_t)child, &info, 0), EINVAL);
    CHECK_EQUAL(waitid(P_PID, (id_t)child, &info, WSTOPPED), 0);
    CHECK(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP && info.si_pid == child);
    CHECK_EQUAL(kill(child, SIGCONT), 0);
    CHECK_EQUAL(waitid(P_PID, (id_t)child, &info, WCONTINUED), 0);
    CHECK_EQUAL(info.si_code, CLD_CONTINUED);
    CHECK_EQUAL(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    CHECK(info.si_code == CLD_EXITED && info.si_status == 7);
    CHECK_EQUAL(waitid(P_ALL, 0, &info, WEXITED), 0);
    CHECK_EQUAL(info.si_pid, child);
    child = fork();
    if (child == 0)
        _exit(0);
    CHECK_EQUAL(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    FAILS(waitid(P_PID, (id_t)child, &info, WSTOPPED), ECHILD); // it will not stop any more
    CHECK_EQUAL(waitid(P_PID, (id_t)child, &info, WEXITED), 0);
    FAILS(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
}

CASE("a pidfd waits for its process and signals it")
{
    siginfo_t info;
    pid_t child = fork();
    int fd;

    if (child == 0)
        pause();
    fd = (int)syscall(434, child, 0);
    CHECK(fd >= 0);
    CHECK_EQUAL(syscall(424, fd, SIGTERM, NULL, 0), 0);
    CHECK_EQUAL(syscall(SYS_waitid, 3, fd, &info, WEXITED, NULL), 0);
    CHECK(info.si_code == CLD_KILLED && info.si_status == SIGTERM);
    FAILS(syscall(434, 1 << 29, 0), ESRCH);
    FAILS(syscall(434, getpid(), 77), EINVAL);
    FAILS(syscall(434, 0, 0), EINVAL);
}

CASE("execve says why it fails and changes nothing")
{
    char *argv[] = { "x", NULL };
    char *bad[] = { "x", (char *)bad_pointer, NULL };
    int fd;

    FAILS(execve("/nowhere", argv, NULL), ENOENT);
    FAILS(execve("/tmp", argv, NULL), EACCES);
    FAILS(execve(bad_pointer, argv, NULL), EFAULT);
    FAILS(execve("/bin/busybox", bad, NULL), EFAULT);
    fd = open("/tmp/garbage", O_CREAT | O_WRONLY, 0755);
    CHECK_EQUAL(write(fd, "garbage that is no program", 26), 26);
    close(fd);
    FAILS(execve("/tmp/garbage", argv, NULL), ENOEXEC);
    CHECK_EQUAL(chmod("/tmp/garbage", 0644), 0);
    FAILS(execve("/tmp/garbage", argv, NULL), EACCES);
    CHECK_EQUAL(unlink("/tmp/garbage"), 0);
}

CASE("clone refuses flags that make no sense together")
{
    FAILS(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0), EINVAL);
    FAILS(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0), EINVAL);
    FAILS(syscall(435, bad_pointer, 64), EFAULT);
    FAILS(syscall(435, bad_pointer, 8), EINVAL);
    FAILS(syscall(SYS_setns, 0, 0x12345), EINVAL);
    FAILS(syscall(SYS_unshare, 0), EINVAL);
    FAILS(syscall(SYS_unshare, 0x00020000 /* CLONE_NEWNS */), EINVAL);
}

CASE("groups and sessions follow their rules")
{
    pid_t child;
    int status;

    FAILS(getpgid(1 << 29), ESRCH);
    FAILS(setpgid(0, -1), EINVAL);
    FAILS(setpgid(1 << 29, 0), ESRCH);
    child = fork();
    if (child == 0) {
        if (setpgid(0, 0) != 0 || getpgrp() != getpid())
            _exit(1);
        if (setsid() != -1 || errno != EPERM)
            _exit(2);
        child = fork();
        if (child == 0)
            _exit(setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid() ? 0 : 3);
        waitpid(child, &status, 0);
        _exit(WEXITSTATUS(status));
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
}

CASE("uids follow Linux's rules among themselves")
{
    uid_t real, effective, saved;

    CHECK_EQUAL(syscall(SYS_setresuid, 10, 20, 30), 0);
    CHECK_EQUAL(getresuid(&real, &effective, &saved), 0);
    CHECK(real == 10 && effective == 20 && saved == 30);
    FAILS(syscall(SYS_setresuid, -1, 0, -1), EPERM);
    CHECK_EQUAL(syscall(SYS_setresuid, -1, 30, -1), 0);
    FAILS(syscall(SYS_setuid, 99), EPERM);
    CHECK_EQUAL(syscall(SYS_setuid, 10), 0);
    CHECK_EQUAL(geteuid(), 10);
    FAILS(syscall(SYS_setreuid, 99, -1), EPERM);
    FAILS(syscall(SYS_setuid, -1), EINVAL);
}

CASE("limits are kept, and a hard limit is not raised")
{
    struct rlimit limit = { 5000, 6000 }, got;

    FAILS(syscall(SYS_getrlimit, 99, &got), EINVAL);
    FAILS(syscall(SYS_getrlimit, RLIMIT_CORE, bad_pointer), EFAULT);
    CHECK_EQUAL(syscall(SYS_setrlimit, RLIMIT_FSIZE, &limit), 0);
    CHECK_EQUAL(syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &got), 0);
    CHECK(got.rlim_cur == 5000 && got.rlim_max == 6000);
    limit.rlim_cur = 7000;
    FAILS(syscall(SYS_setrlimit, RLIMIT_FSIZE, &limit), EINVAL);
    FAILS(getpriority(77, 0), EINVAL);
    FAILS(getpriority(PRIO_PROCESS, 1 << 29), ESRCH);
    CHECK_EQUAL(setpriority(PRIO_PROCESS, 0, 5), 0);
    CHECK_EQUAL(getpriority(PRIO_PROCESS, 0), 5);
}

CASE("names of processes and the machine")
{
    struct utsname name;
    char comm[16] = { 0 };

    CHECK_EQUAL(prctl(PR_SET_NAME, "a name that is too long"), 0);
    CHECK_EQUAL(prctl(PR_GET_NAME, comm), 0);
    CHECK(strcmp(comm, "a name that is ") == 0);
    CHECK_EQUAL(prctl(PR_SET_PDEATHSIG, SIGTERM), 0);
    FAILS(prctl(PR_SET_PDEATHSIG, 77), EINVAL);
    FAILS(prctl(9999), EINVAL);
    CHECK_EQUAL(uname(&name), 0);
    CHECK(strcmp(name.machine, "x86_64") == 0);
    FAILS(syscall(SYS_uname, bad_pointer), EFAULT);
}

CASE("mmap and its relatives check what they are given")
{
    char *map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char resident[3];

    CHECK(map != MAP_FAILED);
    FAILS((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    FAILS(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
    FAILS(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0), EBADF);
    FAILS(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1), EINVAL);
    FAILS(syscall(SYS_mmap, map + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                  -1, 0), EINVAL);
    FAILS(syscall(SYS_mmap, map, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1, 0),
          EEXIST);
    FAILS(syscall(SYS_munmap, map + 1, PAGE), EINVAL);
    FAILS(syscall(SYS_munmap, map, 0), EINVAL);
    CHECK_EQUAL(munmap(map + PAGE, PAGE), 0);
    FAILS(mprotect(map, 3 * PAGE, PROT_READ), ENOMEM);
    CHECK_EQUAL(mprotect(map, PAGE, PROT_READ | PROT_WRITE), 0); // Linux has changed the first page
    FAILS(syscall(SYS_mprotect, map + 1, PAGE, PROT_READ), EINVAL);
    FAILS(madvise(map, 3 * PAGE, MADV_WILLNEED), ENOMEM);
    FAILS(madvise(map, PAGE, 9999), EINVAL);
    FAILS(msync(map, 3 * PAGE, MS_SYNC), ENOMEM);
    FAILS(msync(map, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    map[0] = 1;
    CHECK_EQUAL(mincore(map, PAGE, resident), 0);
    CHECK_EQUAL(resident[0] & 1, 1);
    FAILS(mincore(map, 3 * PAGE, resident), ENOMEM);
    CHECK_EQUAL(madvise(map, PAGE, MADV_DONTNEED), 0);
    CHECK_EQUAL(map[0], 0);
    CHECK_EQUAL(mlock(map, PAGE), 0);
    FAILS(mlock(map, 3 * PAGE), ENOMEM);
    FAILS(syscall(SYS_mremap, map, PAGE, 0, 0, 0), EINVAL);
    FAILS(syscall(SYS_mremap, map, PAGE, PAGE, 64, 0), EINVAL);
}

CASE("mremap moves content, brk moves the end")
{
    char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *moved;
    long end = syscall(SYS_brk, 0);

    map[5] = 'x';
    moved = mremap(map, PAGE, 10 * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED && moved[5] == 'x');
    moved[9 * PAGE] = 'y';
    CHECK_EQUAL(munmap(moved, 10 * PAGE), 0);
    CHECK_EQUAL(syscall(SYS_brk, end + 8192), end + 8192);
    *(volatile char *)(end + 8191) = 1;
    CHECK_EQUAL(syscall(SYS_brk, end), end);
    CHECK_EQUAL(syscall(SYS_brk, 16), end);
}

CASE("a shared anonymous mapping is one for parent and child")
{
    volatile int *word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                              0);
    pid_t child = fork();

    if (child == 0) {
        *word = 42;
        _exit(0);
    }
    CHECK_EQUAL(waitpid(child, NULL, 0), child);
    CHECK_EQUAL(*word, 42);
}

static volatile sig_atomic_t caught, caught_value;
static volatile int caught_code;

static void catch(int number, siginfo_t *info, void *context)
{
    (void)context;
    caught = number;
    caught_code = info->si_code;
    caught_value = info->si_value.sival_int;
}

static void handle(int number, int flags)
{
    struct sigaction action = { .sa_sigaction = catch, .sa_flags = SA_SIGINFO | flags };

    CHECK_EQUAL(sigaction(number, &action, NULL), 0);
}

CASE("signals say who sent them and carry values")
{
    union sigval value = { .sival_int = 77 };

    handle(SIGUSR1, 0);
    CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
    CHECK(caught == SIGUSR1 && caught_code == SI_USER);
    CHECK_EQUAL(raise(SIGUSR1), 0);
    CHECK_EQUAL(caught_code, SI_TKILL);
    CHECK_EQUAL(sigqueue(getpid(), SIGUSR1, value), 0);
    CHECK(caught_code == SI_QUEUE && caught_value == 77);
    CHECK_EQUAL(kill(getpid(), 0), 0);
    FAILS(kill(getpid(), 65), EINVAL);
    FAILS(kill(getpid(), -1), EINVAL);
    FAILS(kill(1 << 29, 0), ESRCH);
    FAILS(syscall(SYS_tgkill, getpid(), 1 << 29, SIGUSR1), ESRCH);
    FAILS(syscall(SYS_tgkill, -1, getpid(), SIGUSR1), EINVAL);
    FAILS(syscall(SYS_rt_sigaction, SIGKILL, &value, NULL, 8), EINVAL);
    FAILS(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
    FAILS(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
    FAILS(syscall(SYS_rt_sigaction, SIGUSR1, bad_pointer, NULL, 8), EFAULT);
}

CASE("masks hold signals back, sigpending shows them, sigtimedwait takes them")
{
    struct timespec none = { 0, 0 };
    sigset_t set, pending;
    siginfo_t info;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    FAILS(sigtimedwait(&set, &info, &none), EAGAIN);
    CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
    CHECK_EQUAL(sigpending(&pending), 0);
    CHECK(sigismember(&pending, SIGUSR1));
    CHECK_EQUAL(sigtimedwait(&set, &info, &none), SIGUSR1);
    CHECK_EQUAL(info.si_pid, getpid());
    FAILS(syscall(SYS_rt_sigprocmask, 99, &set, NULL, 8), EINVAL);
    CHECK_EQUAL(syscall(SYS_rt_sigprocmask, 99, NULL, NULL, 8), 0);
    FAILS(syscall(SYS_rt_sigprocmask, SIG_BLOCK, bad_pointer, NULL, 8), EFAULT);
    FAILS(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL);
}

CASE("a handler interrupts a sleep, which tells what is left; SA_RESTART repeats a read")
{
    struct itimerval soon = { .it_value = { 0, 20000 } };
    struct timespec sleep = { 5, 0 }, left = { 0, 0 };
    int pipes[2];
    char byte;
    pid_t child;

    handle(SIGALRM, 0);
    CHECK_EQUAL(setitimer(ITIMER_REAL, &soon, NULL), 0);
    FAILS(nanosleep(&sleep, &left), EINTR);
    CHECK(caught == SIGALRM && left.tv_sec == 4);
    CHECK_EQUAL(pipe(pipes), 0);
    CHECK_EQUAL(setitimer(ITIMER_REAL, &soon, NULL), 0);
    FAILS(read(pipes[0], &byte, 1), EINTR);
    handle(SIGALRM, SA_RESTART);
    child = fork();
    if (child == 0) {
        usleep(100000);
        _exit(write(pipes[1], "x", 1) == 1 ? 0 : 1);
    }
    caught = 0;
    CHECK_EQUAL(setitimer(ITIMER_REAL, &soon, NULL), 0);
    CHECK_EQUAL(read(pipes[0], &byte, 1), 1);
    CHECK_EQUAL(caught, SIGALRM);
    CHECK_EQUAL(waitpid(child, NULL, 0), child);
}

CASE("sleeps are never early, and refuse times that are none")
{
    clockid_t theirs;
    struct timespec time = { 0, 30000000 }, wrong = { 0, 1000000000 }, until;
    int64_t before = now_ns(CLOCK_MONOTONIC);

    CHECK_EQUAL(nanosleep(&time, NULL), 0);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 30000000);
    clock_gettime(CLOCK_REALTIME, &until);
    before = now_ns(CLOCK_MONOTONIC);
    until.tv_sec++;
    CHECK_EQUAL(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 900000000);
    FAILS(syscall(SYS_nanosleep, &wrong, NULL), EINVAL);
    FAILS(syscall(SYS_nanosleep, bad_pointer, NULL), EFAULT);
    FAILS(syscall(SYS_clock_nanosleep, 77, 0, &time, NULL), EINVAL);
    FAILS(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &time, NULL), EOPNOTSUPP);
    CHECK_EQUAL(clock_getcpuclockid(getppid(), &theirs), 0);
    FAILS(syscall(SYS_clock_nanosleep, theirs, 0, &time, NULL), EOPNOTSUPP);
    FAILS(syscall(SYS_clock_nanosleep, -8 * 4000000 + 2, 0, &time, NULL), EINVAL); // of nobody
    FAILS(syscall(SYS_clock_gettime, 77, &time), EINVAL);
    FAILS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, bad_pointer), EFAULT);
    FAILS(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &time), EINVAL);
}

CASE("alarm tells what was left of the one before")
{
    alarm(0);
    CHECK_EQUAL(alarm(10), 0);
    CHECK_EQUAL(alarm(5), 10);
    CHECK_EQUAL(alarm(0), 5);
    CHECK_EQUAL(alarm(0), 0);
}

CASE("a POSIX timer sends its value, counts overruns and stops")
{
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2,
                              .sigev_value.sival_int = 9 };
    struct itimerspec setting = { .it_value = { 0, 10000000 }, .it_interval = { 0, 5000000 } },
        left;
    struct timespec sleep = { 0, 100000000 };
    sigset_t set;
    siginfo_t info;
    timer_t timer;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    CHECK_EQUAL(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    CHECK_EQUAL(timer_settime(timer, 0, &setting, NULL), 0);
    CHECK_EQUAL(timer_gettime(timer, &left), 0);
    CHECK(left.it_interval.tv_nsec == 5000000 && left.it_value.tv_nsec > 0);
    CHECK_EQUAL(nanosleep(&sleep, NULL), 0);
    CHECK_EQUAL(sigwaitinfo(&set, &info), SIGUSR2);
    CHECK(info.si_code == SI_TIMER && info.si_value.sival_int == 9);
    CHECK(timer_getoverrun(timer) >= 10);
    CHECK_EQUAL(timer_delete(timer), 0);
    FAILS(syscall(SYS_timer_gettime, 0, &left), EINVAL);
    FAILS(syscall(SYS_timer_delete, 99), EINVAL);
    FAILS(syscall(SYS_timer_create, 77, NULL, &timer), EINVAL);
    event.sigev_signo = 99;
    FAILS(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer), EINVAL);
    FAILS(syscall(SYS_timer_settime, 99, 0, &setting, NULL), EINVAL);
    FAILS(syscall(SYS_setitimer, 9, NULL, NULL), EINVAL);
}

CASE("ITIMER_VIRTUAL counts time in user mode")
{
    struct itimerval setting = { .it_value = { 0, 30000 } };
    struct tms tms;

    handle(SIGVTALRM, 0);
    CHECK_EQUAL(setitimer(ITIMER_VIRTUAL, &setting, NULL), 0);
    while (caught != SIGVTALRM)
        ;
    CHECK(times(&tms) != -1);
    CHECK(tms.tms_utime >= 2);
}

CASE("the scheduler's calls answer for the one policy there is")
{
    struct sched_param param = { 0 };
    unsigned long set[16] = { 0 };

    CHECK_EQUAL(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
    CHECK_EQUAL(syscall(SYS_sched_getparam, 0, &param), 0);
    CHECK_EQUAL(syscall(SYS_sched_get_priority_max, SCHED_FIFO), 99);
    FAILS(syscall(SYS_sched_get_priority_max, 77), EINVAL);
    CHECK(syscall(SYS_sched_getaffinity, 0, sizeof(set), set) >= 8);
    CHECK(set[0] & 1);
    set[0] = 0;
    FAILS(syscall(SYS_sched_setaffinity, 0, sizeof(set), set), EINVAL);
    FAILS(syscall(SYS_sched_getaffinity, 0, 4, set), EINVAL);
    FAILS(syscall(SYS_sched_getaffinity, 1 << 29, sizeof(set), set), ESRCH);
}
