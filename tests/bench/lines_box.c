// SPDX-License-Identifier: MIT
// lines_box.c - Boxwork alone: the life of a box by the files of /proc, and the end of a big one.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "helpers.h"

static const char empty_box[] = "execfd 9 tiny\nstart\n";
static const char furnished_box[] = "bind bin /bin rx\nbind tmp /tmp rwc\nbind etc /etc r\n"
                                    "bind lib /lua r\nbind dev /dev rw\nquota memory 64M\n"
                                    "exec /bin/tiny\nstart\n";

// From the first open to the record read. Returns the status that `wait` gives.
static int live(const char *commands, size_t length)
{
    char text[32], path[48];
    int box = open("/proc/new", O_RDWR), wait;
    ssize_t got = read(box, text, sizeof(text) - 1);

    CHECK(got > 1, "no number of /proc/new");
    text[got - 1] = '\0';
    CHECK(write(box, commands, length) == (ssize_t)length, "a command failed");
    snprintf(path, sizeof(path), "/proc/%s/wait", text);
    wait = open(path, O_RDONLY);
    got = read(wait, text, sizeof(text) - 1);
    CHECK(got > 0, "wait");
    text[got] = '\0';
    close(wait);
    close(box);
    return atoi(text);
}

// That the commands before the start do what they say: names lead where they should, with their rights, and the limit is set.
static void check_furnished(void)
{
    static const struct { const char *file, *wanted; } facts[] = {
        { "ns/bin", "/bin rx\n" }, { "ns/tmp", "/tmp rwc\n" }, { "ns/etc", "/etc r\n" }, { "ns/lib", "/lua r\n" },
        { "ns/dev", "/dev rw\n" }, { "quota", "67108864" },
    };
    size_t length = strlen(furnished_box) - strlen("start\n");
    char text[1024], path[64];
    int box = open("/proc/new", O_RDWR);
    long number;

    CHECK(read(box, text, 32) > 1 && (number = atol(text)) > 0, "no number of /proc/new");
    CHECK(write(box, furnished_box, length) == (ssize_t)length, "a command failed");
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        int fd;
        ssize_t got;

        snprintf(path, sizeof(path), "/proc/%ld/%s", number, facts[i].file);
        fd = open(path, O_RDONLY);
        got = read(fd, text, sizeof(text) - 1);
        text[got > 0 ? got : 0] = '\0';
        close(fd);
        CHECK(strstr(text, facts[i].wanted) != NULL, "%s reads %s", facts[i].file, text);
    }
    close(box);
}

static void box_life(const struct line *line)
{
    long count = repetitions(200), good = 0;
    const char *commands = line->argument == 0 ? empty_box : furnished_box;
    size_t length = strlen(commands);
    int program = open(TINY_PATH, O_RDONLY);

    CHECK(program >= 0 && dup2(program, 9) == 9, "open " TINY_PATH);
    CHECK(live(commands, length) == TINY_STATUS, "the program did not run");
    if (line->argument != 0)
        check_furnished();
    timer_start();
    for (long i = 0; i < count; i++)
        good += live(commands, length) == TINY_STATUS;
    timer_stop();
    CHECK(good == count, "%ld of %ld boxes gave the program's status", good, count);
    report(line->name, count);
}

// The head of the box: this program again, which starts the rest and tells when they stand.
void box_crowd(long size)
{
    struct crowd crowd = { 0 };

    crowd_grow(&crowd, size - 1);
    write_fully(1, "!", 1);
    for (;;)
        pause();
}

static void box_kill(const struct line *line)
{
    char number[32], text[200], path[48], ready;
    int box = open("/proc/new", O_RDWR), wait, ends[2], self = open("/proc/self/exe", O_RDONLY);
    ssize_t got = read(box, number, sizeof(number) - 1);
    size_t length;

    CHECK(got > 1, "no number of /proc/new");
    number[got - 1] = '\0';
    snprintf(path, sizeof(path), "/proc/%s/wait", number);
    make_pipe(ends);
    length = (size_t)snprintf(text, sizeof(text), "give %d 1\nexecfd %d bench crowd %ld\nstart\n",
                              ends[1], self, line->argument);
    CHECK(write(box, text, length) == (ssize_t)length, "a command failed");
    read_fully(ends[0], &ready, 1);
    wait = open(path, O_RDONLY);
    CHECK(wait >= 0, "open wait");
    timer_start();
    CHECK(write(box, "kill\n", 5) == 5, "kill");
    got = read(wait, text, sizeof(text) - 1);
    timer_stop();
    text[got > 0 ? got : 0] = '\0';
    CHECK(atoi(text) == -SIGKILL, "status %s", text);
    // Nobody of it is left: all ends of the pipe but ours are closed.
    close(ends[1]);
    CHECK(read(ends[0], &ready, 1) == 0, "somebody holds the pipe");
    report(line->name, 1);
}

const struct line box_lines[] = {
    { "box.empty", box_life, 0, LINE_BUDGET | LINE_WALL | LINE_BOXWORK },
    { "box.furnished", box_life, 1, LINE_BUDGET | LINE_WALL | LINE_BOXWORK },
    { "box.kill.100", box_kill, 100, LINE_BUDGET | LINE_WALL | LINE_BOXWORK },
    { "box.kill.1000", box_kill, 1000, LINE_BUDGET | LINE_WALL | LINE_BOXWORK },
    { NULL, NULL, 0, 0 },
};
