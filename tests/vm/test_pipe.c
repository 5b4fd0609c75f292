// SPDX-License-Identifier: MIT
// vm: smp
// test_pipe.c - pipes and FIFOs: order, atomicity, blocking, wake-ups, ends that go, and many at
// once.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

static void *volatile const bad_pointer = (void *)16; // never mapped

static void make(int ends[2])
{
    CHECK_EQUAL(pipe(ends), 0);
}

static void sleep_ms(long ms)
{
    struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&time, NULL);
}

static void finish(pid_t child)
{
    int status;

    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
}

static short events(int fd, short asked)
{
    struct pollfd set = { fd, asked, 0 };

    CHECK(poll(&set, 1, 0) >= 0);
    return set.revents;
}

CASE("a pipe keeps 64 KiB, then says EAGAIN")
{
    char block[5000] = { 0 };
    size_t total = 0;
    ssize_t got;
    int ends[2];

    CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
    while ((got = write(ends[1], block, sizeof(block))) > 0)
        total += (size_t)got;
    CHECK_EQUAL(errno, EAGAIN);
    while (write(ends[1], block, 1) == 1)
        total++;
    CHECK_EQUAL(total, 65536);
    CHECK_EQUAL(events(ends[1], POLLOUT), 0);
    CHECK_EQUAL(events(ends[0], POLLIN), POLLIN);
    while ((got = read(ends[0], block, sizeof(block))) > 0)
        total -= (size_t)got;
    CHECK_EQUAL(total, 0);
    FAILS(read(ends[0], block, 1), EAGAIN);
}

CASE("a write up to PIPE_BUF is whole or not at all")
{
    char block[4096] = { 0 };
    int ends[2];

    CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
    for (unsigned i = 0; i < 15; i++)
        CHECK_EQUAL(write(ends[1], block, 4096), 4096);
    CHECK_EQUAL(write(ends[1], block, 100), 100);
    FAILS(write(ends[1], block, 4096), EAGAIN);
    CHECK_EQUAL(write(ends[1], block, 3996), 3996);
    CHECK_EQUAL(read(ends[0], block, 1), 1);
    FAILS(write(ends[1], block, 2), EAGAIN);
    CHECK_EQUAL(write(ends[1], block, 1), 1);
}

CASE("bytes come out in the order they went in, whatever the pieces")
{
    static unsigned char bytes[70000];
    unsigned char seen = 0;
    unsigned seed = 1;
    size_t total = 0;
    ssize_t got;
    int ends[2];
    pid_t child;

    make(ends);
    child = fork();
    if (child == 0) {
        unsigned char next = 0;

        close(ends[0]);
        for (unsigned i = 0; i < 300; i++) {
            size_t size = (size_t)rand_r(&seed) % sizeof(bytes);

            for (size_t j = 0; j < size; j++)
                bytes[j] = next++;
            if (write(ends[1], bytes, size) != (ssize_t)size)
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], bytes, 1 + (size_t)rand_r(&seed) % sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < got; i++)
            CHECK_EQUAL(bytes[i], seen++);
        total += (size_t)got;
    }
    CHECK_EQUAL(got, 0);
    CHECK(total > 5000000);
    finish(child);
}

CASE("writes of several processes are not mixed")
{
    char line[500], next;
    unsigned lines = 0;
    int ends[2];

    make(ends);
    for (unsigned i = 0; i < 4; i++) {
        if (fork() == 0) {
            memset(line, 'a' + (int)i, sizeof(line));
            line[sizeof(line) - 1] = '\n';
            for (unsigned j = 0; j < 200; j++)
                if (write(ends[1], line, sizeof(line)) != sizeof(line))
                    _exit(1);
            _exit(0);
        }
    }
    close(ends[1]);
    while (read(ends[0], line, 1) == 1) {
        for (unsigned i = 1; i < sizeof(line) - 1; i++) {
            CHECK_EQUAL(read(ends[0], &next, 1), 1);
            CHECK_EQUAL(next, line[0]);
        }
        CHECK_EQUAL(read(ends[0], &next, 1), 1);
        CHECK_EQUAL(next, '\n');
        lines++;
    }
    CHECK_EQUAL(lines, 800);
    for (unsigned i = 0; i < 4; i++) {
        int status;

        CHECK(wait(&status) > 0);
        CHECK_EQUAL(status, 0);
    }
}

CASE("the last writer's end is end of file, the last reader's EPIPE and SIGPIPE")
{
    char byte = 'x';
    int status;
    int ends[2];
    pid_t child;

    make(ends);
    CHECK_EQUAL(write(ends[1], &byte, 1), 1);
    close(ends[1]);
    CHECK_EQUAL(events(ends[0], POLLIN), POLLIN | POLLHUP);
    CHECK_EQUAL(read(ends[0], &byte, 1), 1);
    CHECK_EQUAL(read(ends[0], &byte, 1), 0);
    CHECK_EQUAL(events(ends[0], POLLIN), POLLHUP);
    close(ends[0]);
    make(ends);
    close(ends[0]);
    CHECK_EQUAL(events(ends[1], POLLOUT) & POLLERR, POLLERR);
    child = fork();
    if (child == 0) {
        (void)!write(ends[1], &byte, 1);
        _exit(0);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    signal(SIGPIPE, SIG_IGN);
    FAILS(write(ends[1], &byte, 1), EPIPE);
}

CASE("a blocked reader and a blocked writer see the other end go")
{
    static char block[100000];
    int ends[2];
    pid_t child;

    make(ends);
    child = fork();
    if (child == 0) {
        close(ends[1]);
        _exit(read(ends[0], block, 1) == 0 ? 0 : 1);
    }
    sleep_ms(20);
    close(ends[1]);
    finish(child);
    close(ends[0]);
    make(ends);
    child = fork();
    if (child == 0) {
        close(ends[0]);
        signal(SIGPIPE, SIG_IGN);
        // What went in before counts.
        if (write(ends[1], block, sizeof(block)) != 65536)
            _exit(1);
        _exit(write(ends[1], block, 1) == -1 && errno == EPIPE ? 0 : 2);
    }
    sleep_ms(20);
    close(ends[0]);
    finish(child);
}

CASE("each of many blocked readers gets its byte")
{
    char byte;
    int ends[2];

    make(ends);
    for (unsigned i = 0; i < 10; i++)
        if (fork() == 0)
            _exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
    sleep_ms(20);
    CHECK_EQUAL(write(ends[1], "0123456789", 10), 10);
    for (unsigned i = 0; i < 10; i++) {
        int status;

        CHECK(wait(&status) > 0);
        CHECK_EQUAL(status, 0);
    }
}

CASE("each of many blocked writers gets its room")
{
    static char block[65536];
    char bytes[4096];
    size_t total = 0;
    int ends[2];

    make(ends);
    CHECK_EQUAL(write(ends[1], block, sizeof(block)), sizeof(block));
    for (unsigned i = 0; i < 8; i++)
        if (fork() == 0)
            _exit(write(ends[1], block, 1 + i * 500) == (ssize_t)(1 + i * 500) ? 0 : 1);
    sleep_ms(20);
    close(ends[1]);
    for (;;) {
        ssize_t got = read(ends[0], bytes, 1 + total % sizeof(bytes));

        CHECK(got >= 0);
        if (got == 0)
            break;
        total += (size_t)got;
    }
    CHECK_EQUAL(total, 65536 + 8 + 500 * 28);
    while (wait(NULL) > 0)
        continue;
}

CASE("a signal ends a wait, a kill too")
{
    char byte;
    int ends[2];
    int status;
    pid_t child;

    make(ends);
    child = fork();
    if (child == 0)
        _exit(read(ends[0], &byte, 1) == -1);
    sleep_ms(20);
    kill(child, SIGKILL);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

CASE("FIONREAD counts, the size can be changed, bytes survive it")
{
    static char in[100000], out[100000];
    int ends[2];
    int count;

    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (char)(i * 7);
    make(ends);
    CHECK_EQUAL(fcntl(ends[0], F_GETPIPE_SZ), 65536);
    CHECK_EQUAL(write(ends[1], in, 10000), 10000);
    CHECK_EQUAL(read(ends[0], out, 5000), 5000);
    CHECK_EQUAL(ioctl(ends[0], FIONREAD, &count), 0);
    CHECK_EQUAL(count, 5000);
    CHECK_EQUAL(fcntl(ends[1], F_SETPIPE_SZ, 100000), 131072);
    CHECK_EQUAL(write(ends[1], in + 10000, 90000), 90000);
    FAILS(fcntl(ends[1], F_SETPIPE_SZ, 65536), EBUSY);
    FAILS(fcntl(ends[1], F_SETPIPE_SZ, 1 << 24), EPERM);
    CHECK_EQUAL(read(ends[0], out + 5000, 95000), 95000);
    CHECK_EQUAL(memcmp(in, out, sizeof(in)), 0);
    CHECK_EQUAL(fcntl(ends[1], F_SETPIPE_SZ, 1), 4096);
    FAILS(fcntl(0, F_SETPIPE_SZ, 4096), EBADF);
}

CASE("bad addresses fail and lose nothing")
{
    char *pages = aligned_alloc(4096, 4096);
    int ends[2];
    char text[10];

    CHECK(pages != NULL);
    make(ends);
    FAILS(write(ends[1], bad_pointer, 5), EFAULT);
    CHECK_EQUAL(write(ends[1], "hello", 5), 5);
    FAILS(read(ends[0], bad_pointer, 5), EFAULT);
    CHECK_EQUAL(read(ends[0], text, 10), 5);
    CHECK_EQUAL(memcmp(text, "hello", 5), 0);
    FAILS(read(ends[1], text, 1), EBADF);
    FAILS(write(ends[0], text, 1), EBADF);
    FAILS(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
    FAILS(pread(ends[0], text, 1, 0), ESPIPE);
}

CASE("a pipe is opened again by /proc/self/fd")
{
    char path[64], text[8];
    int ends[2];
    int again;

    make(ends);
    CHECK_EQUAL(write(ends[1], "left", 4), 4);
    close(ends[1]);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    again = open(path, O_RDONLY);
    CHECK(again >= 0);
    CHECK_EQUAL(read(again, text, 8), 4);
    CHECK_EQUAL(read(ends[0], text, 8), 0);
}

CASE("opening a FIFO waits for the other side")
{
    char path[] = "/tmp/fifoXXXXXX", text[8];
    int fd;
    pid_t child;

    CHECK(mktemp(path) != NULL);
    CHECK_EQUAL(mkfifo(path, 0600), 0);
    FAILS(open(path, O_WRONLY | O_NONBLOCK), ENXIO);
    fd = open(path, O_RDONLY | O_NONBLOCK);
    CHECK(fd >= 0);
    CHECK_EQUAL(read(fd, text, 1), 0);
    close(fd);
    for (int i = 0; i < 200; i++) { // the writer may have gone before the reader looks again
        child = fork();
        if (child == 0) {
            fd = open(path, O_WRONLY);
            _exit(fd >= 0 && write(fd, "hello", 5) == 5 ? 0 : 1);
        }
        fd = open(path, O_RDONLY);
        CHECK(fd >= 0);
        CHECK_EQUAL(read(fd, text, 8), 5);
        CHECK_EQUAL(read(fd, text, 8), 0);
        finish(child);
        close(fd);
    }
    fd = open(path, O_RDWR);
    CHECK(fd >= 0);
    CHECK_EQUAL(write(fd, "x", 1), 1);
    CHECK_EQUAL(read(fd, text, 1), 1);
    CHECK_EQUAL(unlink(path), 0);
}

CASE("a process that waits in open of a FIFO can be killed")
{
    char path[] = "/tmp/fifoXXXXXX";
    int status;
    pid_t child;

    CHECK(mktemp(path) != NULL);
    CHECK_EQUAL(mkfifo(path, 0600), 0);
    child = fork();
    if (child == 0)
        _exit(open(path, O_RDONLY));
    sleep_ms(20);
    kill(child, SIGKILL);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
    FAILS(open(path, O_WRONLY | O_NONBLOCK), ENXIO);
    CHECK_EQUAL(unlink(path), 0);
}

CASE_LIMIT("a token goes ten thousand times around a ring of processes", 60)
{
    enum { COUNT = 5, ROUNDS = 2000 };
    int ends[COUNT][2];
    char token = 0;

    for (unsigned i = 0; i < COUNT; i++)
        make(ends[i]);
    for (unsigned i = 1; i < COUNT; i++) {
        if (fork() == 0) {
            for (unsigned j = 0; j < ROUNDS; j++)
                if (read(ends[i - 1][0], &token, 1) != 1 || write(ends[i][1], &token, 1) != 1)
                    _exit(1);
            _exit(0);
        }
    }
    for (unsigned j = 0; j < ROUNDS; j++) {
        token = (char)j;
        CHECK_EQUAL(write(ends[0][1], &token, 1), 1);
        CHECK_EQUAL(read(ends[COUNT - 1][0], &token, 1), 1);
        CHECK_EQUAL(token, (char)j);
    }
    while (wait(NULL) > 0)
        continue;
}
