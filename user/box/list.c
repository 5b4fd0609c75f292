// SPDX-License-Identifier: MIT
// list.c - `box ps`, `box top` and `box kill`.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/fmt.h"
#include "user/box/report.h"
#include "user/box/run.h"
#include "user/box/walk.h"

#define NSEC_PER_S UINT64_C(1000000000)

static int take_boxes(struct walk_entry **entries)
{
    int count = walk_boxes(entries);

    if (count < 0)
        fail(EXIT_FAILED, "/proc: %s", strerror(-count));
    return count;
}

static void print_head(const char *cpu)
{
    printf("%-10s %5s %7s %5s %7s %7s %8s S COMMAND\n", "BOX", "PROCS", "THREADS", "FILES",
           "MEMORY", "LIMIT", cpu);
}

// cpu: seconds, or percent.
static void print_entry(const struct walk_entry *entry, double cpu)
{
    const struct box_record *record = &entry->record;
    char memory[SIZE_TEXT], limit[SIZE_TEXT];

    printf("%-10s %5lld %7lld %5lld %7s %7s %8.2f %c %*s%s\n", entry->name,
           (long long)record->processes, (long long)record->threads, (long long)record->fds,
           size_text(memory, record->memory), size_text(limit, entry->memory_limit), cpu,
           record->state, 2 * (int)entry->depth, "", entry->command);
}

int ps_command(char **words)
{
    struct walk_entry *entries;
    int count;

    if (words[0] != NULL)
        fail(EXIT_FAILED, "ps: it takes no words, not %s", words[0]);
    count = take_boxes(&entries);
    print_head("SECONDS");
    for (int i = 0; i < count; i++)
        print_entry(&entries[i], (double)entries[i].cpu_ns / (double)NSEC_PER_S);
    free(entries);
    return 0;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NSEC_PER_S + (uint64_t)now.tv_nsec;
}

// What a box used before: of the same name and not more than it has used now.
static int64_t used_before(const struct walk_entry *entries, int count,
                           const struct walk_entry *entry)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(entries[i].name, entry->name) == 0 && entries[i].cpu_ns <= entry->cpu_ns)
            return entries[i].cpu_ns;
    }
    return 0;
}

static int compare_use(const void *one, const void *other)
{
    const struct walk_entry *a = one, *b = other;

    return a->cpu_ns > b->cpu_ns ? -1 : a->cpu_ns < b->cpu_ns;
}

// Prints what boxes used of a CPU since before, most first.
static void print_top(const struct walk_entry *before, int before_count,
                      const struct walk_entry *after, int count, uint64_t elapsed_ns)
{
    struct walk_entry *sorted = malloc((size_t)count * sizeof(*sorted));

    if (sorted == NULL)
        fail(EXIT_FAILED, "out of memory");
    memcpy(sorted, after, (size_t)count * sizeof(*sorted));
    for (int i = 0; i < count; i++)
        sorted[i].cpu_ns -= used_before(before, before_count, &sorted[i]);
    qsort(sorted, (size_t)count, sizeof(*sorted), compare_use);
    printf(isatty(1) ? "\033[H\033[J" : "\n");
    print_head("CPU%");
    for (int i = 0; i < count; i++) {
        sorted[i].depth = 0;
        print_entry(&sorted[i], 100.0 * (double)sorted[i].cpu_ns / (double)elapsed_ns);
    }
    fflush(stdout);
    free(sorted);
}

static void read_top_options(char **words, nsec_t *delay, uint64_t *times)
{
    for (; words[0] != NULL; words += 2) {
        const char *value = words[1];

        if (strcmp(words[0], "-d") != 0 && strcmp(words[0], "-n") != 0)
            fail(EXIT_FAILED, "top: unknown option %s", words[0]);
        if (value == NULL)
            fail(EXIT_FAILED, "top: %s wants a value", words[0]);
        if (words[0][1] == 'd' &&
            (fmt_parse_duration(value, strlen(value), delay) != 0 || *delay == 0))
            fail(EXIT_FAILED, "top: -d wants a time above 0, not %s", value);
        if (words[0][1] == 'n' &&
            (fmt_parse_u64(value, strlen(value), UINT32_MAX, times) != 0 || *times == 0))
            fail(EXIT_FAILED, "top: -n wants a number above 0, not %s", value);
    }
}

int top_command(char **words)
{
    uint64_t delay_ns = 2 * NSEC_PER_S, times = 0, started = now_ns();
    struct walk_entry *before, *after;
    int before_count, count;

    read_top_options(words, &delay_ns, &times);
    before_count = take_boxes(&before);
    for (uint64_t i = 0; times == 0 || i < times; i++) {
        struct timespec delay = { .tv_sec = (time_t)(delay_ns / NSEC_PER_S),
                                  .tv_nsec = (long)(delay_ns % NSEC_PER_S) };
        uint64_t now;

        if (nanosleep(&delay, NULL) != 0)
            break;
        count = take_boxes(&after);
        now = now_ns();
        print_top(before, before_count, after, count, now - started);
        free(before);
        before = after;
        before_count = count;
        started = now;
    }
    free(before);
    return 0;
}

// Ends one box and waits for its end. Returns an exit code.
static int kill_box(const char *name, const char *command)
{
    char directory[WALK_DIRECTORY], text[32], box[WALK_DIRECTORY + 8];
    int error = walk_directory(name, directory);
    ssize_t size;

    if (error != 0)
        fail(EXIT_FAILED, "kill: %s is no box: 5, or 5/2 for box 2 in box 5", name);
    snprintf(box, sizeof(box), "%s/box", directory);
    if (access(directory, F_OK) != 0)
        error = -ESRCH;
    else if (access(box, F_OK) != 0)
        error = -ECHILD;
    else
        error = box_write_file(directory, "ctl", command);
    if (error == -ECHILD) {
        fprintf(stderr, "box: %s is no box, or has ended\n", name);
        return EXIT_FAILED;
    }
    if (error == 0) {
        size = box_read_file(directory, "wait", text, sizeof(text));
        error = size < 0 && size != -ENOENT && size != -ESRCH ? (int)size : 0;
    }
    if (error != 0)
        fprintf(stderr, "box: %s: %s\n", name, strerror(-error));
    return error != 0 ? EXIT_FAILED : 0;
}

int kill_command(char **words)
{
    char command[64] = "kill";
    int code = 0;

    if (words[0] != NULL && strcmp(words[0], "-s") == 0) {
        int64_t status;

        if (words[1] == NULL ||
            fmt_parse_i64(words[1], strlen(words[1]), INT64_MIN, INT64_MAX, &status) != 0)
            fail(EXIT_FAILED, "kill: -s wants a number, as 7 or -15");
        snprintf(command, sizeof(command), "kill %lld", (long long)status);
        words += 2;
    }
    if (words[0] == NULL)
        fail(EXIT_FAILED, "kill: which box? box ps lists them");
    for (; words[0] != NULL; words++) {
        int result = kill_box(words[0], command);

        code = result != 0 ? result : code;
    }
    return code;
}
