// SPDX-License-Identifier: MIT
// lines_call.c - single system calls: the null call, a byte of /dev/zero, open and close, stat, a
// signal.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "helpers.h"

static void null_call(const struct line *line)
{
    long count = repetitions(10000), sum = 0;
    long parent = getppid();

    CHECK(parent > 0 && parent != getpid(), "no parent");
    timer_start();
    for (long i = 0; i < count; i++)
        sum += raw_call0(SYS_getppid);
    timer_stop();
    CHECK(sum == count * parent, "getppid changed its mind");
    report(line->name, count);
}

static void read_zero(const struct line *line)
{
    long count = repetitions(10000), good = 0;
    int zero = open("/dev/zero", O_RDONLY);
    unsigned char byte;

    CHECK(zero >= 0, "open /dev/zero");
    timer_start();
    for (long i = 0; i < count; i++) {
        byte = 0xff;
        good += raw_call3(SYS_read, zero, (long)&byte, 1) == 1 && byte == 0;
    }
    timer_stop();
    CHECK(good == count, "%ld of %ld reads gave a zero", good, count);
    report(line->name, count);
}

static void open_close(const struct line *line)
{
    static const char path[] = SCRATCH "/file";
    long count = repetitions(2000), good = 0;
    struct stat made, opened;
    long fd;

    make_file(path, 100);
    CHECK(stat(path, &made) == 0, "stat");
    timer_start();
    for (long i = 0; i < count; i++) {
        fd = raw_call3(SYS_open, (long)path, O_RDONLY, 0);
        good += raw_call1(SYS_close, fd) == 0;
    }
    timer_stop();
    CHECK(good == count, "%ld of %ld files closed", good, count);
    // That open gives this file, and that close takes its fd away.
    fd = raw_call3(SYS_open, (long)path, O_RDONLY, 0);
    CHECK(fstat((int)fd, &opened) == 0 && opened.st_ino == made.st_ino, "another file was opened");
    close((int)fd);
    CHECK(fstat((int)fd, &opened) < 0 && errno == EBADF, "a closed fd lives");
    unlink(path);
    report(line->name, count);
}

// Makes SCRATCH/1/2/.../file with so many components in all.
static void make_deep_file(char *path, size_t size, long components)
{
    size_t length = (size_t)snprintf(path, size, "%s", SCRATCH);

    for (long i = 1; i < components - 1; i++) {
        length += (size_t)snprintf(path + length, size - length, "/dir%ld", i);
        CHECK(mkdir(path, 0755) == 0 || errno == EEXIST, "mkdir %s", path);
    }
    if (components > 1) {
        snprintf(path + length, size - length, "/file");
        make_file(path, 123);
    }
}

static void stat_path(const struct line *line)
{
    long count = repetitions(5000), good = 0;
    struct stat status;
    mode_t type = line->argument == 1 ? S_IFDIR : S_IFREG;
    char path[200];

    make_deep_file(path, sizeof(path), line->argument);
    timer_start();
    for (long i = 0; i < count; i++) {
        status.st_mode = 0;
        good += stat(path, &status) == 0 && (status.st_mode & S_IFMT) == type;
    }
    timer_stop();
    CHECK(good == count, "%ld of %ld were right", good, count);
    CHECK(type == S_IFDIR || status.st_size == 123, "size %ld", (long)status.st_size);
    report(line->name, count);
}

static void proc_stat(const struct line *line)
{
    long count = repetitions(1000), good = 0;
    char text[1024];
    ssize_t length = 0;
    int fd, pid = 0;

    timer_start();
    for (long i = 0; i < count; i++) {
        fd = open("/proc/self/stat", O_RDONLY);
        length = read(fd, text, sizeof(text) - 1);
        good += length > 0 && close(fd) == 0;
    }
    timer_stop();
    text[length > 0 ? length : 0] = '\0';
    CHECK(good == count && sscanf(text, "%d", &pid) == 1 && pid == getpid(), "%ld read, pid %d",
          good, pid);
    report(line->name, count);
}

static volatile long signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static void signal_handler(const struct line *line)
{
    long count = repetitions(2000);
    struct sigaction action = { .sa_handler = on_signal };
    pid_t self = getpid();

    CHECK(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
    timer_start();
    for (long i = 0; i < count; i++)
        raw_call3(SYS_kill, self, SIGUSR1, 0);
    timer_stop();
    CHECK(signals == count, "%ld of %ld signals were handled", signals, count);
    report(line->name, count);
}

static void clock_call(const struct line *line)
{
    long count = repetitions(5000), good = 0;
    struct timespec before, after;

    clock_gettime(CLOCK_MONOTONIC, &before);
    timer_start();
    for (long i = 0; i < count; i++) {
        good += clock_gettime(CLOCK_MONOTONIC, &after) == 0;
        good -= after.tv_sec < before.tv_sec ||
                (after.tv_sec == before.tv_sec && after.tv_nsec < before.tv_nsec);
        before = after;
    }
    timer_stop();
    CHECK(good == count, "time ran backwards %ld times", count - good);
    report(line->name, count);
}

const struct line call_lines[] = {
    { "call.null", null_call, 0, LINE_BUDGET | LINE_WALL },
    { "call.read_zero", read_zero, 0, LINE_BUDGET | LINE_WALL },
    { "call.open_close", open_close, 0, LINE_BUDGET | LINE_WALL },
    { "call.stat.1", stat_path, 1, LINE_BUDGET },
    { "call.stat.8", stat_path, 8, LINE_BUDGET | LINE_WALL },
    { "call.proc_stat", proc_stat, 0, LINE_BUDGET },
    { "call.clock", clock_call, 0, LINE_BUDGET },
    { "signal.handler", signal_handler, 0, LINE_BUDGET | LINE_WALL },
    { NULL, NULL, 0, 0 },
};
