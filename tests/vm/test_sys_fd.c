// SPDX-License-Identifier: MIT
// test_sys_fd.c - fds: dup, fcntl, limits, locks, pipes, poll, select, epoll, eventfd, timerfd,
// signalfd.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

static void *volatile const bad_pointer = (void *)16; // never mapped

static int scratch_file(void)
{
    char path[] = "/tmp/sysfdXXXXXX";
    int fd = mkstemp(path);

    CHECK(fd >= 0);
    CHECK_EQUAL(unlink(path), 0);
    return fd;
}

CASE("dup takes the lowest free fd, dup2 the one it is told")
{
    int a = open("/dev/null", O_RDWR);
    int b = dup(a);

    CHECK_EQUAL(b, a + 1);
    CHECK_EQUAL(dup2(a, 40), 40);
    CHECK_EQUAL(dup2(a, a), a);
    FAILS(dup2(99, 99), EBADF);
    FAILS(dup2(99, 3), EBADF);
    FAILS(syscall(SYS_dup2, a, -1), EBADF);
    FAILS(syscall(SYS_dup2, a, 1 << 30), EBADF);
    FAILS(syscall(SYS_dup3, a, a, 0), EINVAL);
    FAILS(syscall(SYS_dup3, a, 41, 1), EINVAL);
    CHECK_EQUAL(dup3(a, 41, O_CLOEXEC), 41);
    CHECK_EQUAL(fcntl(41, F_GETFD), FD_CLOEXEC);
    CHECK_EQUAL(fcntl(40, F_GETFD), 0);
    CHECK_EQUAL(fcntl(a, F_DUPFD, 50), 50);
    CHECK_EQUAL(fcntl(a, F_DUPFD_CLOEXEC, 50), 51);
    FAILS(fcntl(a, F_DUPFD, -1), EINVAL);
    FAILS(fcntl(99, F_DUPFD, 0), EBADF);
    CHECK_EQUAL(syscall(436, 40U, 60U, 0), 0); // close_range
    FAILS(fcntl(50, F_GETFD), EBADF);
    FAILS(syscall(436, 10U, 5U, 0), EINVAL);
}

CASE("the limit on fds is kept")
{
    struct rlimit limit = { 10, 10 };
    int fd = open("/dev/null", O_RDONLY), pipes[2];

    CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (fd >= 0 && fd < 10)
        fd = dup(0);
    CHECK_EQUAL(fd, -1);
    CHECK_EQUAL(errno, EMFILE);
    FAILS(open("/dev/null", O_RDONLY), EMFILE);
    FAILS(pipe(pipes), EMFILE);
    FAILS(dup2(0, 10), EBADF);
    FAILS(fcntl(0, F_DUPFD, 10), EINVAL);
}

CASE("fcntl shows and sets flags")
{
    int fd = scratch_file();

    CHECK_EQUAL(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    CHECK_EQUAL(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK), 0);
    CHECK_EQUAL(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK),
                O_RDWR | O_APPEND | O_NONBLOCK);
    CHECK_EQUAL(write(fd, "abc", 3), 3);
    CHECK_EQUAL(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQUAL(write(fd, "d", 1), 1);
    CHECK_EQUAL(lseek(fd, 0, SEEK_END), 4);
    FAILS(fcntl(fd, 9999), EINVAL);
    FAILS(fcntl(99, F_GETFL), EBADF);
}

CASE("records of fcntl hold off other processes, and only those")
{
    struct flock mine = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
    int fd = scratch_file();
    int status;
    pid_t child;

    CHECK_EQUAL(fcntl(fd, F_SETLK, &mine), 0);
    CHECK_EQUAL(fcntl(fd, F_SETLK, &mine), 0);
    child = fork();
    if (child == 0) {
        struct flock want = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0 };
        struct flock free = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = 5 };

        if (fcntl(fd, F_SETLK, &want) != -1 || (errno != EAGAIN && errno != EACCES))
            _exit(1);
        if (fcntl(fd, F_GETLK, &want) != 0 || want.l_type != F_WRLCK || want.l_pid != getppid() ||
            want.l_start != 10 || want.l_len != 10)
            _exit(2);
        if (fcntl(fd, F_SETLK, &free) != 0)
            _exit(3);
        _exit(0);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
    mine.l_start = 0;
    mine.l_len = 0;
    CHECK_EQUAL(fcntl(fd, F_GETLK, &mine), 0); // the child's went with it
    CHECK_EQUAL(mine.l_type, F_UNLCK);
    mine.l_type = 77;
    FAILS(fcntl(fd, F_SETLK, &mine), EINVAL);
    FAILS(fcntl(fd, F_SETLK, bad_pointer), EFAULT);
}

CASE("a wait for a record ends when the record is split free, and a circle is refused")
{
    struct flock first = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
    struct flock second = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1 };
    int fd = scratch_file(), pipes[2], status;
    char byte;
    pid_t child;

    CHECK_EQUAL(pipe(pipes), 0);
    CHECK_EQUAL(fcntl(fd, F_SETLK, &first), 0);
    child = fork();
    if (child == 0) {
        if (fcntl(fd, F_SETLK, &second) != 0 || write(pipes[1], "x", 1) != 1)
            _exit(1);
        _exit(fcntl(fd, F_SETLKW, &first) == 0 ? 0 : 2);
    }
    CHECK_EQUAL(read(pipes[0], &byte, 1), 1);
    usleep(50000);
    FAILS(fcntl(fd, F_SETLKW, &second), EDEADLK);
    first.l_type = F_UNLCK;
    CHECK_EQUAL(fcntl(fd, F_SETLK, &first), 0);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
}

// Each takes the one lock again and again: nobody ever waits for who waits for him.
CASE("processes in turn at one record are no circle")
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET }, free = { .l_type = F_UNLCK };
    int fd = scratch_file(), status;

    for (int i = 0; i < 4; i++) {
        if (fork() != 0)
            continue;
        for (int turn = 0; turn < 1000; turn++) {
            if (fcntl(fd, F_SETLKW, &lock) != 0 || fcntl(fd, F_SETLK, &free) != 0)
                _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < 4; i++) {
        CHECK(waitpid(-1, &status, 0) > 0);
        CHECK_EQUAL(status, 0);
    }
}

CASE("flock belongs to the open file")
{
    char path[] = "/tmp/flockXXXXXX";
    int a = mkstemp(path);
    int b = open(path, O_RDONLY);
    int c = dup(a);

    CHECK_EQUAL(unlink(path), 0);
    CHECK_EQUAL(flock(a, LOCK_EX), 0);
    CHECK_EQUAL(flock(c, LOCK_EX | LOCK_NB), 0);
    FAILS(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    CHECK_EQUAL(flock(a, LOCK_SH), 0);
    CHECK_EQUAL(flock(b, LOCK_SH | LOCK_NB), 0);
    FAILS(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    close(a);
    close(c);
    CHECK_EQUAL(flock(b, LOCK_EX | LOCK_NB), 0);
    FAILS(flock(b, 0), EINVAL);
    FAILS(flock(99, LOCK_SH), EBADF);
    close(b);
}

static volatile sig_atomic_t caught;

static void catch(int number)
{
    caught = number;
}

CASE("a pipe without readers gives EPIPE and SIGPIPE, one without writers its end")
{
    int pipes[2];
    char byte;

    CHECK_EQUAL(pipe2(pipes, O_NONBLOCK | O_CLOEXEC), 0);
    CHECK_EQUAL(fcntl(pipes[0], F_GETFD), FD_CLOEXEC);
    FAILS(read(pipes[0], &byte, 1), EAGAIN);
    signal(SIGPIPE, catch);
    close(pipes[0]);
    FAILS(write(pipes[1], "x", 1), EPIPE);
    CHECK_EQUAL(caught, SIGPIPE);
    close(pipes[1]);
    CHECK_EQUAL(pipe(pipes), 0);
    CHECK_EQUAL(write(pipes[1], "ab", 2), 2);
    close(pipes[1]);
    CHECK_EQUAL(read(pipes[0], &byte, 1), 1);
    CHECK_EQUAL(read(pipes[0], &byte, 1), 1);
    CHECK_EQUAL(read(pipes[0], &byte, 1), 0);
    FAILS(pipe2(pipes, 1), EINVAL);
    FAILS(syscall(SYS_pipe, bad_pointer), EFAULT);
}

CASE("poll tells what holds, and waits as long as told")
{
    struct timespec before, after;
    struct pollfd fds[3];
    int pipes[2];

    CHECK_EQUAL(pipe(pipes), 0);
    fds[0] = (struct pollfd){ .fd = pipes[0], .events = POLLIN };
    fds[1] = (struct pollfd){ .fd = pipes[1], .events = POLLOUT };
    fds[2] = (struct pollfd){ .fd = 99, .events = POLLIN };
    CHECK_EQUAL(poll(fds, 1, 0), 0);
    CHECK_EQUAL(poll(fds, 2, 1000), 1);
    CHECK_EQUAL(fds[1].revents, POLLOUT);
    CHECK_EQUAL(poll(fds, 3, 1000), 2);
    CHECK_EQUAL(fds[2].revents, POLLNVAL);
    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK_EQUAL(poll(fds, 1, 50), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >=
          50000000L);
    close(pipes[1]);
    CHECK_EQUAL(poll(fds, 1, -1), 1);
    CHECK_EQUAL(fds[0].revents, POLLHUP);
    FAILS(syscall(SYS_poll, bad_pointer, 1, 0), EFAULT);
    FAILS(syscall(SYS_poll, fds, 1U << 30, 0), EINVAL);
}

CASE("select answers with the sets it was given")
{
    struct timeval none = { 0, 0 }, wrong = { -1, 0 };
    fd_set in, out;
    int pipes[2];

    CHECK_EQUAL(pipe(pipes), 0);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(pipes[0], &in);
    FD_SET(pipes[1], &out);
    CHECK_EQUAL(select(pipes[1] + 1, &in, &out, NULL, &none), 1);
    CHECK(!FD_ISSET(pipes[0], &in) && FD_ISSET(pipes[1], &out));
    CHECK_EQUAL(write(pipes[1], "x", 1), 1);
    FD_SET(pipes[0], &in);
    CHECK_EQUAL(select(pipes[1] + 1, &in, NULL, NULL, NULL), 1);
    CHECK(FD_ISSET(pipes[0], &in));
    FD_SET(99, &in);
    FAILS(select(100, &in, NULL, NULL, &none), EBADF);
    FAILS(select(-1, NULL, NULL, NULL, &none), EINVAL);
    FAILS(syscall(SYS_select, 0, NULL, NULL, NULL, &wrong), EINVAL);
}

CASE("epoll tells levels, edges and single shots")
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = 7 }, got[4];
    int set = epoll_create1(EPOLL_CLOEXEC), pipes[2];
    char byte;

    CHECK_EQUAL(pipe(pipes), 0);
    CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, pipes[0], &event), 0);
    FAILS(epoll_ctl(set, EPOLL_CTL_ADD, pipes[0], &event), EEXIST);
    CHECK_EQUAL(epoll_wait(set, got, 4, 0), 0);
    CHECK_EQUAL(write(pipes[1], "x", 1), 1);
    CHECK_EQUAL(epoll_wait(set, got, 4, 1000), 1);
    CHECK(got[0].events == EPOLLIN && got[0].data.u64 == 7);
    CHECK_EQUAL(epoll_wait(set, got, 4, 0), 1);
    event.events = EPOLLIN | EPOLLET;
    CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_MOD, pipes[0], &event), 0);
    CHECK_EQUAL(epoll_wait(set, got, 4, 0), 1);
    CHECK_EQUAL(epoll_wait(set, got, 4, 0), 0);
    event.events = EPOLLIN | EPOLLONESHOT;
    CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_MOD, pipes[0], &event), 0);
    CHECK_EQUAL(epoll_wait(set, got, 4, 0), 1);
    CHECK_EQUAL(epoll_wait(set, got, 4, 0), 0);
    CHECK_EQUAL(read(pipes[0], &byte, 1), 1);
    CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_DEL, pipes[0], NULL), 0);
    FAILS(epoll_ctl(set, EPOLL_CTL_DEL, pipes[0], NULL), ENOENT);
    FAILS(epoll_ctl(set, EPOLL_CTL_ADD, set, &event), EINVAL);
    FAILS(epoll_ctl(set, EPOLL_CTL_ADD, 99, &event), EBADF);
    FAILS(epoll_ctl(pipes[0], EPOLL_CTL_ADD, pipes[1], &event), EINVAL);
    FAILS(epoll_wait(set, got, 0, 0), EINVAL);
    FAILS(syscall(SYS_epoll_create, 0), EINVAL);
    FAILS(epoll_create1(1), EINVAL);
}

CASE("an eventfd counts")
{
    uint64_t value = 0;
    int fd = eventfd(3, EFD_NONBLOCK);

    CHECK_EQUAL(read(fd, &value, 8), 8);
    CHECK_EQUAL(value, 3);
    FAILS(read(fd, &value, 8), EAGAIN);
    FAILS(read(fd, &value, 4), EINVAL);
    value = 5;
    CHECK_EQUAL(write(fd, &value, 8), 8);
    value = UINT64_MAX;
    FAILS(write(fd, &value, 8), EINVAL);
    value = UINT64_MAX - 1;
    FAILS(write(fd, &value, 8), EAGAIN);
    close(fd);
    fd = eventfd(2, EFD_SEMAPHORE);
    CHECK_EQUAL(read(fd, &value, 8), 8);
    CHECK_EQUAL(value, 1);
    FAILS(eventfd(0, 1 << 20), EINVAL);
}

CASE("a timerfd expires")
{
    struct itimerspec setting = { .it_value = { 0, 20000000 }, .it_interval = { 0, 10000000 } };
    struct itimerspec left;
    uint64_t times;
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);

    CHECK_EQUAL(timerfd_settime(fd, 0, &setting, NULL), 0);
    CHECK_EQUAL(timerfd_gettime(fd, &left), 0);
    CHECK(left.it_value.tv_nsec > 0 && left.it_interval.tv_nsec == 10000000);
    CHECK_EQUAL(read(fd, &times, 8), 8);
    CHECK(times >= 1);
    setting.it_value.tv_nsec = 2000000000;
    FAILS(timerfd_settime(fd, 0, &setting, NULL), EINVAL);
    FAILS(timerfd_create(77, 0), EINVAL);
    FAILS(timerfd_settime(0, 0, &(struct itimerspec){ 0 }, NULL), EINVAL);
}

CASE("a signalfd reads blocked signals")
{
    struct signalfd_siginfo info;
    struct pollfd poll_fd;
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    fd = signalfd(-1, &set, SFD_NONBLOCK);
    CHECK(fd >= 0);
    FAILS(read(fd, &info, sizeof(info)), EAGAIN);
    CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
    poll_fd = (struct pollfd){ .fd = fd, .events = POLLIN };
    CHECK_EQUAL(poll(&poll_fd, 1, 1000), 1);
    CHECK_EQUAL(read(fd, &info, sizeof(info)), sizeof(info));
    CHECK_EQUAL(info.ssi_signo, SIGUSR1);
    CHECK_EQUAL(info.ssi_pid, getpid());
    FAILS(read(fd, &info, 8), EINVAL);
    FAILS(signalfd(0, &set, 0), EINVAL);
    FAILS(signalfd(-1, &set, 1), EINVAL);
}

CASE("epoll watches a signalfd, also when the process that added it is gone")
{
    struct epoll_event event = { .events = EPOLLIN }, got;
    int set = epoll_create1(0), fd, status;
    sigset_t signals;
    pid_t child;

    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    CHECK_EQUAL(sigprocmask(SIG_BLOCK, &signals, NULL), 0);
    fd = signalfd(-1, &signals, SFD_NONBLOCK);
    child = fork();
    if (child == 0)
        _exit(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : 1);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
    CHECK_EQUAL(epoll_wait(set, &got, 1, 0), 0);
    CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL), 0);
    CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
    child = fork();
    if (child == 0) {
        usleep(20000);
        _exit(kill(getppid(), SIGUSR1));
    }
    CHECK_EQUAL(epoll_wait(set, &got, 1, 5000), 1);
    CHECK_EQUAL(waitpid(child, NULL, 0), child);
}

CASE("a memory file holds what is written, and maps it")
{
    int fd = (int)syscall(SYS_memfd_create, "name", 1);
    char *map;

    CHECK(fd >= 0);
    CHECK_EQUAL(ftruncate(fd, 5000), 0);
    map = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    map[4999] = 'x';
    CHECK_EQUAL(pwrite(fd, "y", 1, 0), 1);
    CHECK_EQUAL(map[0], 'y');
    CHECK_EQUAL(pread(fd, map + 1, 1, 4999), 1);
    CHECK_EQUAL(map[1], 'x');
    FAILS(syscall(SYS_memfd_create, "name", 64), EINVAL);
    FAILS(syscall(SYS_memfd_create, bad_pointer, 0), EFAULT);
}

static void *open_by_thread_self(void *fd)
{
    char path[48];

    snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", *(int *)fd);
    *(int *)fd = open(path, O_RDONLY);
    return NULL;
}

CASE("/proc/thread-self/fd is what the thread's process has open")
{
    int fd = scratch_file(), again = fd;
    struct stat first, second;
    pthread_t thread;

    CHECK_EQUAL(pthread_create(&thread, NULL, open_by_thread_self, &again), 0);
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    CHECK(again >= 0 && again != fd);
    CHECK(fstat(fd, &first) == 0 && fstat(again, &second) == 0);
    CHECK_EQUAL(second.st_ino, first.st_ino);
    close(fd);
    close(again);
    FAILS(open("/proc/thread-self/fd/77", O_RDONLY), ENOENT);
}
