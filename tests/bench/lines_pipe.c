// SPDX-License-Identifier: MIT
// lines_pipe.c - two processes and pipes between them: round trips and throughput.

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "helpers.h"

#define CHUNK 65536

// Sends each byte back, one higher.
static void __attribute__((noreturn)) echo(int from, int to, int cpu)
{
    unsigned char byte;

    use_cpu(cpu);
    while (read(from, &byte, 1) == 1) {
        byte++;
        if (write(to, &byte, 1) != 1)
            _exit(1);
    }
    _exit(0);
}

// The argument is the processor of the other process.
static void round_trip(const struct line *line)
{
    long count = repetitions(1000), good = 0;
    int there[2], back[2];
    unsigned char byte;
    pid_t child;

    make_pipe(there);
    make_pipe(back);
    use_cpu(0);
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        close(there[1]);
        echo(there[0], back[1], (int)line->argument);
    }
    timer_start();
    for (long i = 0; i < count; i++) {
        byte = (unsigned char)i;
        good += write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1 &&
                byte == (unsigned char)(i + 1);
    }
    timer_stop();
    CHECK(good == count, "%ld of %ld bytes came back", good, count);
    close(there[1]);
    CHECK(wait_for(child) == 0, "the other failed");
    report(line->name, count);
}

// Reads to the end and gives the sum of a byte of each chunk back as its status.
static void __attribute__((noreturn)) drain(int from, long expected)
{
    static char chunk[CHUNK];
    long total = 0;
    ssize_t got;

    while ((got = read(from, chunk, sizeof(chunk))) > 0) {
        if (chunk[0] != 'x' || chunk[got - 1] != 'x')
            _exit(2);
        total += got;
    }
    _exit(total == expected ? 0 : 1);
}

static void throughput(const struct line *line)
{
    static char chunk[CHUNK];
    long count = repetitions(200);
    int ends[2];
    pid_t child;

    memset(chunk, 'x', sizeof(chunk));
    make_pipe(ends);
    use_cpu(0);
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        use_cpu((int)line->argument);
        close(ends[1]);
        drain(ends[0], count * CHUNK);
    }
    close(ends[0]);
    timer_start();
    for (long i = 0; i < count; i++)
        write_fully(ends[1], chunk, sizeof(chunk));
    timer_stop();
    close(ends[1]);
    CHECK(wait_for(child) == 0, "not all came through");
    report(line->name, count);
}

const struct line pipe_lines[] = {
    { "pipe.round_trip", round_trip, 0, LINE_BUDGET | LINE_WALL },
    { "pipe.round_trip.2cpu", round_trip, 1, LINE_WALL | LINE_TWO_CPUS },
    { "pipe.64k", throughput, 0, LINE_BUDGET | LINE_WALL },
    { "pipe.64k.2cpu", throughput, 1, LINE_WALL | LINE_TWO_CPUS },
    { NULL, NULL, 0, 0 },
};
