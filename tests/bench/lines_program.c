// SPDX-License-Identifier: MIT
// lines_program.c - real programs: a shell script of 1,000 commands, gzip and sha256sum through
// pipes, Lua.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "helpers.h"

#define MIB (1 << 20)
#define COMMANDS 1000

// Four commands a round: a program; one with its output to a file; a substitution; a builtin.
static void write_script(const char *path)
{
    FILE *script = fopen(path, "w");

    CHECK(script != NULL, "create %s", path);
    fprintf(script, "cd %s\nn=0\n", SCRATCH);
    for (int i = 0; i < COMMANDS / 4; i++)
        fprintf(script,
                "%s true\n%s echo %d >out\nn=$(%s expr $n + 1)\n[ \"$n\" = %d ] || exit 1\n",
                BUSYBOX_PATH, BUSYBOX_PATH, i, BUSYBOX_PATH, i + 1);
    fprintf(script, "read last <out && [ \"$last\" = %d ]\n", COMMANDS / 4 - 1);
    CHECK(fclose(script) == 0, "write %s", path);
}

static void shell_script(const struct line *line)
{
    static char path[] = SCRATCH "/script";
    char *arguments[] = { (char[]){ BUSYBOX_PATH }, (char[]){ "sh" }, path, NULL };

    write_script(path);
    timer_start();
    run_program(arguments);
    timer_stop();
    report(line->name, COMMANDS);
}

// What goes into the filters: words of 16 letters, chosen by a generator that is the same
// everywhere.
static void fill_block(unsigned char *block, size_t size, uint32_t *state)
{
    for (size_t i = 0; i < size; i++) {
        if (i % 8 == 0)
            *state = *state * 1664525 + 1013904223;
        block[i] = (unsigned char)('a' + ((*state >> 24) + i % 8) % 16);
    }
}

static void __attribute__((noreturn)) produce(int to, long megabytes)
{
    static unsigned char block[65536];
    uint32_t state = 1;

    for (long i = 0; i < megabytes * (MIB / (long)sizeof(block)); i++) {
        fill_block(block, sizeof(block), &state);
        write_fully(to, block, sizeof(block));
    }
    _exit(0);
}

struct filter {
    pid_t producer, program;
    int output;
};

static void filter_start(struct filter *filter, const char *applet, long megabytes)
{
    int in[2], out[2];

    make_pipe(in);
    make_pipe(out);
    filter->producer = fork();
    if (filter->producer == 0) {
        close(in[0]);
        close(out[0]);
        close(out[1]);
        produce(in[1], megabytes);
    }
    filter->program = fork();
    if (filter->program == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        execl(BUSYBOX_PATH, BUSYBOX_PATH, applet, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(in[1]);
    close(out[1]);
    filter->output = out[0];
}

static void filter_end(const struct filter *filter)
{
    CHECK(wait_for(filter->producer) == 0, "the producer failed");
    CHECK(wait_for(filter->program) == 0, "the filter failed");
    close(filter->output);
}

static long filter_megabytes(void)
{
    return bench_exact ? 4 : 64;
}

static uint32_t little_endian(const unsigned char *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

// The end of what gzip writes tells the CRC of what it read (of 4 and of 64 MiB, by zlib) and how much that was.
static void gzip(const struct line *line)
{
    static unsigned char block[65536];
    long megabytes = filter_megabytes(), total = 0;
    static const uint32_t sums[] = { 0x288df46c, 0x2ce5cd9c };
    unsigned char last[8] = { 0 };
    struct filter filter;
    ssize_t got;

    timer_start();
    filter_start(&filter, "gzip", megabytes);
    while ((got = read(filter.output, block, sizeof(block))) > 0) {
        for (ssize_t i = got < 8 ? 0 : got - 8; i < got; i++) {
            memmove(last, last + 1, 7);
            last[7] = block[i];
        }
        total += got;
    }
    filter_end(&filter);
    timer_stop();
    CHECK(little_endian(last) == sums[megabytes == 64], "another content was packed");
    CHECK(little_endian(last + 4) == megabytes * MIB, "the size at the end is wrong");
    CHECK(total > megabytes * MIB / 20 && total < megabytes * MIB, "%ld bytes", total);
    report(line->name, megabytes);
}

static void sha256(const struct line *line)
{
    // Of 4 and of 64 MiB, by coreutils' sha256sum.
    static const char *const digests[] = {
        "5b52aadd14150908ba692e0508432e34be9918ef58cfbe6ce7fffb20d2191c81",
        "886c735611d1c411be4bbddd5d61b134f6c314987e32820f543551945d495b23",
    };
    long megabytes = filter_megabytes();
    struct filter filter;
    char text[64];

    timer_start();
    filter_start(&filter, "sha256sum", megabytes);
    read_fully(filter.output, text, sizeof(text));
    filter_end(&filter);
    timer_stop();
    CHECK(memcmp(text, digests[megabytes == 64], sizeof(text)) == 0, "the digest is %.64s", text);
    report(line->name, megabytes);
}

static void lua(const struct line *line)
{
    static const char *const scripts[] = { "/lua/fib.lua", "/lua/sort.lua", "/lua/strings.lua" };
    char path[64];
    char *arguments[] = { (char[]){ LUA_PATH }, path, NULL };
    long count = repetitions(1);

    snprintf(path, sizeof(path), "%s", scripts[line->argument]);
    for (long i = 0; i < count; i++) {
        timer_start();
        // A script fails if its result is not what it knows it to be.
        run_program(arguments);
        timer_stop();
    }
    report(line->name, count);
}

const struct line program_lines[] = {
    { "program.script", shell_script, 0, LINE_BUDGET | LINE_WALL },
    { "program.gzip", gzip, 0, LINE_BUDGET | LINE_WALL },
    { "program.sha256", sha256, 0, LINE_BUDGET | LINE_WALL },
    { "program.lua.fib", lua, 0, LINE_BUDGET | LINE_WALL },
    { "program.lua.sort", lua, 1, LINE_BUDGET | LINE_WALL },
    { "program.lua.strings", lua, 2, LINE_BUDGET | LINE_WALL },
    { NULL, NULL, 0, 0 },
};
