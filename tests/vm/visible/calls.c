// SPDX-License-Identifier: MIT
// calls.c - every system call that takes the number of a process, thread or group.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/visible/visible.h"

// Clocks of processes and threads, as the kernel takes them.
#define PROCESS_CLOCK(pid) ((int)(~(unsigned)(pid) << 3 | 2))
#define THREAD_CLOCK(pid) ((int)(~(unsigned)(pid) << 3 | 6))
#define CAPABILITY_VERSION 0x20080522
#define FUTEX_LOCK_PI 6

static int terminal = -1;

void visible_calls_prepare(void)
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    char path[32];
    int number, locked = 0;

    if (master < 0 || ioctl(master, TIOCGPTN, &number) < 0 ||
        ioctl(master, TIOCSPTLCK, &locked) < 0)
        abort();
    snprintf(path, sizeof(path), "/dev/pts/%d", number);
    if (setsid() < 0 || (terminal = open(path, O_RDWR)) < 0)
        abort();
    signal(SIGTTOU, SIG_IGN);
}

// A call that says -1 and errno.
#define TRY(name, call)                                                                            \
    static int name(pid_t pid)                                                                     \
    {                                                                                              \
        return (call) >= 0 ? 0 : errno;                                                            \
    }

// --- As a process ---

TRY(try_kill, kill(pid, 0))
TRY(try_getpgid, getpgid(pid))
TRY(try_getsid, getsid(pid))
TRY(try_setpgid, setpgid(pid, pid))
TRY(try_getpriority, syscall(SYS_getpriority, PRIO_PROCESS, pid))
TRY(try_setpriority, setpriority(PRIO_PROCESS, (id_t)pid, 1))
TRY(try_wait4, waitpid(pid, NULL, WNOHANG))
TRY(try_ptrace, syscall(SYS_ptrace, PTRACE_ATTACH, pid, 0, 0))
TRY(try_kcmp, syscall(SYS_kcmp, getpid(), pid, 0, 0, 0))
TRY(try_move_pages, syscall(SYS_move_pages, pid, 0, NULL, NULL, NULL, 0))
TRY(try_migrate_pages, syscall(SYS_migrate_pages, pid, 0, NULL, NULL))
TRY(try_ioprio_get, syscall(SYS_ioprio_get, 1, pid))
TRY(try_ioprio_set, syscall(SYS_ioprio_set, 1, pid, 0))
TRY(try_perf, syscall(SYS_perf_event_open, NULL, pid, -1, -1, 0))
TRY(try_core_cookie, prctl(62 /* PR_SCHED_CORE */, 0, pid, 0, 0))
TRY(try_setown, fcntl(0, F_SETOWN, pid))

static int try_sigqueue(pid_t pid)
{
    siginfo_t info = { .si_code = SI_QUEUE };

    return syscall(SYS_rt_sigqueueinfo, pid, 0, &info) == 0 ? 0 : errno;
}

static int try_waitid(pid_t pid)
{
    siginfo_t info;

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? 0 : errno;
}

static int try_prlimit(pid_t pid)
{
    struct rlimit limit;

    return prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == 0 ? 0 : errno;
}

static int try_prlimit_set(pid_t pid)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    return prlimit(pid, RLIMIT_NOFILE, &limit, NULL) == 0 ? 0 : errno;
}

static int try_capget(pid_t pid)
{
    struct { uint32_t version; int pid; } header = { CAPABILITY_VERSION, pid };
    uint32_t data[6];

    return syscall(SYS_capget, &header, data) == 0 ? 0 : errno;
}

static int try_capset(pid_t pid)
{
    struct { uint32_t version; int pid; } header = { CAPABILITY_VERSION, 0 };
    uint32_t data[6];

    if (syscall(SYS_capget, &header, data) != 0)
        return errno;
    header.pid = pid;
    return syscall(SYS_capset, &header, data) == 0 ? 0 : errno;
}

static int try_clock(pid_t pid)
{
    struct timespec now;

    return syscall(SYS_clock_gettime, PROCESS_CLOCK(pid), &now) == 0 ? 0 : errno;
}

static int try_clock_resolution(pid_t pid)
{
    struct timespec unit;

    return syscall(SYS_clock_getres, PROCESS_CLOCK(pid), &unit) == 0 ? 0 : errno;
}

static int try_clock_set(pid_t pid)
{
    struct timespec now = { 0 };

    return syscall(SYS_clock_settime, PROCESS_CLOCK(pid), &now) == 0 ? 0 : errno;
}

static int try_clock_sleep(pid_t pid)
{
    struct timespec time = { .tv_nsec = 1 };

    return syscall(SYS_clock_nanosleep, PROCESS_CLOCK(pid), 0, &time, NULL) == 0 ? 0 : errno;
}

static int try_clock_timer(pid_t pid)
{
    int timer;

    if (syscall(SYS_timer_create, PROCESS_CLOCK(pid), NULL, &timer) != 0)
        return errno;
    syscall(SYS_timer_delete, timer);
    return 0;
}

static int try_pidfd(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int try_read_memory(pid_t pid)
{
    char bytes[8];
    struct iovec here = { bytes, sizeof(bytes) };

    return syscall(SYS_process_vm_readv, pid, &here, 1, &here, 1, 0) >= 0 ? 0 : errno;
}

static int try_write_memory(pid_t pid)
{
    char bytes[8] = "";
    struct iovec here = { bytes, sizeof(bytes) };

    return syscall(SYS_process_vm_writev, pid, &here, 1, &here, 1, 0) >= 0 ? 0 : errno;
}

static int try_setown_ex(pid_t pid)
{
    struct f_owner_ex owner = { F_OWNER_PID, pid };

    return fcntl(0, F_SETOWN_EX, &owner) == 0 ? 0 : errno;
}

// A child with a number of the caller's choice.
static int try_chosen(pid_t pid)
{
    uint64_t arguments[11] = { [4] = SIGCHLD, [8] = (uintptr_t)&pid, [9] = 1 };
    long child = syscall(SYS_clone3, arguments, sizeof(arguments));

    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid((pid_t)child, NULL, 0);
    return child > 0 ? 0 : errno;
}

// --- As a thread ---

TRY(try_tkill, syscall(SYS_tkill, pid, 0))
TRY(try_tgkill, syscall(SYS_tgkill, pid, pid, 0))
TRY(try_getscheduler, syscall(SYS_sched_getscheduler, pid))

static int try_tgsigqueue(pid_t pid)
{
    siginfo_t info = { .si_code = SI_QUEUE };

    return syscall(SYS_rt_tgsigqueueinfo, pid, pid, 0, &info) == 0 ? 0 : errno;
}

static int try_getaffinity(pid_t pid)
{
    cpu_set_t set;

    return sched_getaffinity(pid, sizeof(set), &set) == 0 ? 0 : errno;
}

static int try_setaffinity(pid_t pid)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    return sched_setaffinity(pid, sizeof(set), &set) == 0 ? 0 : errno;
}

static int try_setscheduler(pid_t pid)
{
    struct sched_param param = { 0 };

    return syscall(SYS_sched_setscheduler, pid, SCHED_OTHER, &param) == 0 ? 0 : errno;
}

static int try_getparam(pid_t pid)
{
    struct sched_param param;

    return syscall(SYS_sched_getparam, pid, &param) == 0 ? 0 : errno;
}

static int try_setparam(pid_t pid)
{
    struct sched_param param = { 0 };

    return syscall(SYS_sched_setparam, pid, &param) == 0 ? 0 : errno;
}

static int try_getattr(pid_t pid)
{
    uint32_t attributes[12];

    return syscall(SYS_sched_getattr, pid, attributes, sizeof(attributes), 0) == 0 ? 0 : errno;
}

static int try_setattr(pid_t pid)
{
    uint32_t attributes[12] = { sizeof(attributes), SCHED_OTHER, 0, 0, 1 }; // nice 1

    return syscall(SYS_sched_setattr, pid, attributes, 0) == 0 ? 0 : errno;
}

static int try_interval(pid_t pid)
{
    struct timespec time;

    return syscall(SYS_sched_rr_get_interval, pid, &time) == 0 ? 0 : errno;
}

static int try_robust_list(pid_t pid)
{
    void *head;
    size_t size;

    return syscall(SYS_get_robust_list, pid, &head, &size) == 0 ? 0 : errno;
}

static int try_thread_clock(pid_t pid)
{
    struct timespec now;

    return syscall(SYS_clock_gettime, THREAD_CLOCK(pid), &now) == 0 ? 0 : errno;
}

static int try_timer_thread(pid_t pid)
{
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
    int timer;

    event.sigev_notify_thread_id = pid;
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) != 0)
        return errno;
    syscall(SYS_timer_delete, timer);
    return 0;
}

// A word that names its owner; the wait for it is over at once.
static int try_futex_owner(pid_t pid)
{
    static uint32_t word;
    struct timespec past = { 0 };
    int error;

    word = (uint32_t)pid;
    error = syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, &past, NULL, 0) == 0 ? 0 : errno;
    return error == ETIMEDOUT ? 0 : error;
}

// --- As a group ---

TRY(try_kill_group, kill(-pid, 0))
TRY(try_wait4_group, waitpid(-pid, NULL, WNOHANG))
TRY(try_getpriority_group, syscall(SYS_getpriority, PRIO_PGRP, pid))
TRY(try_setpriority_group, setpriority(PRIO_PGRP, (id_t)pid, 1))
TRY(try_ioprio_group, syscall(SYS_ioprio_get, 2, pid))
TRY(try_setown_group, fcntl(0, F_SETOWN, -pid))
TRY(try_foreground, ioctl(terminal, TIOCSPGRP, &pid))

static int try_waitid_group(pid_t pid)
{
    siginfo_t info;

    return waitid(P_PGID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? 0 : errno;
}

// Of a child made for it, which joins the group.
static int try_join(pid_t pid)
{
    pid_t child = fork();
    int error;

    if (child == 0)
        for (;;)
            pause();
    error = setpgid(child, pid) == 0 ? 0 : errno;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return error;
}

const struct visible_try visible_calls[] = {
    { .name = "`kill`", .run = try_kill },
    { .name = "`rt_sigqueueinfo`", .run = try_sigqueue },
    { .name = "`pidfd_open`", .run = try_pidfd },
    { .name = "`wait4`", .run = try_wait4, .reaps = true },
    { .name = "`waitid`", .run = try_waitid },
    { .name = "`getpgid`", .run = try_getpgid },
    { .name = "`getsid`", .run = try_getsid },
    { .name = "`setpgid`", .run = try_setpgid },
    { .name = "`getpriority`", .run = try_getpriority },
    { .name = "`setpriority`", .run = try_setpriority },
    { .name = "`prlimit64`, to see", .run = try_prlimit },
    { .name = "`prlimit64`, to set", .run = try_prlimit_set },
    { .name = "`capget`", .run = try_capget },
    { .name = "`capset`", .run = try_capset },
    { .name = "`clock_gettime` of its clock", .run = try_clock },
    { .name = "`clock_getres` of its clock", .run = try_clock_resolution },
    { .name = "`clock_settime` of its clock", .run = try_clock_set },
    { .name = "`clock_nanosleep` by its clock", .run = try_clock_sleep },
    { .name = "`timer_create` by its clock", .run = try_clock_timer },
    { .name = "`tkill`", .run = try_tkill },
    { .name = "`tgkill`", .run = try_tgkill },
    { .name = "`rt_tgsigqueueinfo`", .run = try_tgsigqueue },
    { .name = "`sched_getaffinity`", .run = try_getaffinity },
    { .name = "`sched_setaffinity`", .run = try_setaffinity },
    { .name = "`sched_getscheduler`", .run = try_getscheduler },
    { .name = "`sched_setscheduler`", .run = try_setscheduler },
    { .name = "`sched_getparam`", .run = try_getparam },
    { .name = "`sched_setparam`", .run = try_setparam },
    { .name = "`sched_getattr`", .run = try_getattr },
    { .name = "`sched_setattr`", .run = try_setattr },
    { .name = "`sched_rr_get_interval`", .run = try_interval },
    { .name = "`get_robust_list`", .run = try_robust_list },
    { .name = "`clock_gettime` of a thread's", .run = try_thread_clock },
    { .name = "`timer_create`, `SIGEV_THREAD_ID`", .run = try_timer_thread },
    { .name = "`futex`, `FUTEX_LOCK_PI`: the owner", .run = try_futex_owner },
    { .name = "`kill` of a group", .run = try_kill_group },
    { .name = "`wait4` of a group", .run = try_wait4_group, .reaps = true },
    { .name = "`waitid`, `P_PGID`", .run = try_waitid_group },
    { .name = "`setpgid` into a group", .run = try_join },
    { .name = "`getpriority`, `PRIO_PGRP`", .run = try_getpriority_group },
    { .name = "`setpriority`, `PRIO_PGRP`", .run = try_setpriority_group },
    { .name = "`ioctl`, `TIOCSPGRP`", .run = try_foreground },
    { .name = "`fcntl`, `F_SETOWN`", .run = try_setown },
    { .name = "`fcntl`, `F_SETOWN` of a group", .run = try_setown_group },
    { .name = "`fcntl`, `F_SETOWN_EX`", .run = try_setown_ex },
    { .name = "`clone3`, `set_tid`", .run = try_chosen },
    { .name = "`prctl`, `PR_SCHED_CORE`", .run = try_core_cookie },
    { .name = "`ptrace`", .run = try_ptrace },
    { .name = "`process_vm_readv`", .run = try_read_memory },
    { .name = "`process_vm_writev`", .run = try_write_memory },
    { .name = "`kcmp`", .run = try_kcmp },
    { .name = "`move_pages`", .run = try_move_pages },
    { .name = "`migrate_pages`", .run = try_migrate_pages },
    { .name = "`ioprio_get`", .run = try_ioprio_get },
    { .name = "`ioprio_get` of a group", .run = try_ioprio_group },
    { .name = "`ioprio_set`", .run = try_ioprio_set },
    { .name = "`perf_event_open`", .run = try_perf },
};
const size_t visible_call_count = sizeof(visible_calls) / sizeof(visible_calls[0]);
