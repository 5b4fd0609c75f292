// SPDX-License-Identifier: MIT
// vm: cpus=4 -m 512M
// test_load.c - a mixed load for a while: several workers each do one operation of load/load.h after the
// other, chosen at random, in rounds; after each round the ledger reads as before the first. SECONDS in the
// environment sets how long, SEED the sequence; each operation must have been done as often as it says.
// ONLY=NAME: the workers do that one alone, to look closer; nothing is counted then.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/load/load.h"
#include "tests/vm/vmtest.h"

#define WORKERS 8
#define ROUND_S 10
#define SECONDS 10 // unless the environment says otherwise
#define SECONDS_MAX 3600
#define STUCK_S 120
#define LEDGER_SIZE 16384
#define HUNGER_SIZE (64U << 20)
#define NSEC_PER_SEC 1000000000ULL

struct load_pulse *load_pulse;
unsigned load_depth;

static uint64_t random_state;
static enum load_number only = LOAD_COUNT; // what alone is done

static const struct {
    const char *name, *what;
    unsigned least;
} operations[] = {
#define LOAD(name, least, what) { #name, what, least },
    LOAD_OPERATIONS
#undef LOAD
};

// What the workers say of themselves, in memory that all see.
static struct board {
    atomic_ulong done[LOAD_COUNT];
    struct {
        atomic_uint operation;  // which is under way, LOAD_COUNT: none
        _Atomic uint64_t since; // CLOCK_MONOTONIC, ns
    } workers[WORKERS];
} *board;

uint32_t load_random(uint32_t below)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)((random_state >> 33) % below);
}

static void perform(enum load_number number)
{
    switch (number) {
#define LOAD(name, least, what) case LOAD_##name: load_##name(); break;
        LOAD_OPERATIONS
#undef LOAD
    case LOAD_COUNT:
        break;
    }
}

static enum load_number choose(void)
{
    if (only < LOAD_COUNT)
        return only;
    return (enum load_number)load_random(load_depth < LOAD_DEPTH_MAX ? LOAD_COUNT : LOAD_box);
}

// --- The workers ---

static void work(unsigned worker, unsigned round, uint64_t end_ns)
{
    random_state += ((uint64_t)round << 32) + worker;
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    while (load_now_ns() < end_ns) {
        enum load_number number = choose();

        atomic_store(&board->workers[worker].since, load_now_ns());
        atomic_store(&board->workers[worker].operation, number);
        perform(number);
        atomic_fetch_add(&board->done[number], 1);
    }
    atomic_store(&board->workers[worker].operation, LOAD_COUNT);
}

// Says what each worker that has not ended does, and for how long.
static void report_stuck(const pid_t *workers)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        unsigned number = atomic_load(&board->workers[i].operation);
        uint64_t since = atomic_load(&board->workers[i].since);

        if (workers[i] != 0)
            printf("# worker %u: in %s for %llu s\n", i,
                   number < LOAD_COUNT ? operations[number].name : "nothing",
                   (unsigned long long)((load_now_ns() - since) / NSEC_PER_SEC));
    }
}

// Waits for all workers, each of which must end well and in time.
static void await_workers(pid_t *workers, uint64_t end_ns)
{
    unsigned left = WORKERS;
    int status;

    while (left > 0) {
        pid_t pid = waitpid(-1, &status, WNOHANG);

        CHECK(pid >= 0);
        for (unsigned i = 0; pid > 0 && i < WORKERS; i++) {
            if (workers[i] != pid)
                continue;
            if (status != 0)
                report_stuck(workers);
            CHECK_EQUAL(status, 0);
            workers[i] = 0;
            left--;
        }
        if (load_now_ns() > end_ns + STUCK_S * NSEC_PER_SEC) {
            report_stuck(workers);
            CHECK(!"every operation ends in time");
        }
        if (pid == 0)
            usleep(20000);
    }
}

static void run_round(unsigned round, uint64_t end_ns)
{
    pid_t workers[WORKERS];

    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = fork();
        CHECK(workers[i] >= 0);
        if (workers[i] == 0) {
            work(i, round, end_ns);
            fflush(stdout);
            _exit(0);
        }
    }
    await_workers(workers, end_ns);
}

// A figure of the environment, from 1 to most.
static unsigned number_of(const char *variable, unsigned otherwise, unsigned long most)
{
    const char *text = getenv(variable);
    unsigned long number;
    char *end;

    if (text == NULL)
        return otherwise;
    number = strtoul(text, &end, 10);
    if (*end != '\0' || number == 0 || number > most) {
        printf("# %s=%s: must be a number from 1 to %lu\n", variable, text, most);
        CHECK(!"the figures of the environment make sense");
    }
    return (unsigned)number;
}

static enum load_number number_of_operation(const char *name)
{
    unsigned number = 0;

    while (number < LOAD_COUNT && strcmp(name, operations[number].name) != 0)
        number++;
    return (enum load_number)number;
}

// Prints how often each was done. Returns whether that is often enough.
static bool report_counts(unsigned seconds)
{
    bool enough = true;

    for (unsigned i = 0; i < LOAD_COUNT; i++) {
        unsigned long done = atomic_load(&board->done[i]);
        unsigned long least = (unsigned long)operations[i].least * seconds / 60;

        printf("# %s: %lu times (at least %lu): %s\n", operations[i].name, done, least, operations[i].what);
        enough = enough && done >= least;
    }
    return enough;
}

CASE_LIMIT("all kinds of work at a time, round by round, leave nothing", SECONDS_MAX + 300)
{
    static char before[LEDGER_SIZE];
    unsigned seconds = number_of("SECONDS", SECONDS, SECONDS_MAX), seed = number_of("SEED", (unsigned)time(NULL), UINT32_MAX);
    uint64_t now_ns = load_now_ns(), end_ns = now_ns + seconds * NSEC_PER_SEC;
    unsigned round = 0;

    printf("# seed %u, %u s in rounds of %u s, %u workers\n", seed, seconds, ROUND_S, WORKERS);
    fflush(stdout);
    random_state = (uint64_t)seed << 16;
    if (getenv("ONLY") != NULL) {
        only = number_of_operation(getenv("ONLY"));
        CHECK(only < LOAD_COUNT);
    }
    board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(board != MAP_FAILED);
    memset(board, 0, sizeof(*board)); // its page counts from here on
    CHECK(ledger_take(before, sizeof(before)));
    while (now_ns < end_ns) {
        uint64_t round_ns = now_ns + ROUND_S * NSEC_PER_SEC;

        run_round(round++, round_ns < end_ns ? round_ns : end_ns);
        if (!ledger_same(before)) {
            printf("# after round %u\n", round);
            CHECK(!"the ledger reads as before the first round");
        }
        now_ns = load_now_ns();
    }
    printf("# %u rounds\n", round);
    CHECK(report_counts(seconds) || only < LOAD_COUNT);
}

// --- What this program does in boxes ---

static int work_for_ever(void)
{
    random_state += (uint64_t)getpid() << 32;
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    for (;;) {
        perform(choose());
        atomic_fetch_add(&load_pulse->operations, 1);
    }
}

// The load itself, until killed. The head only waits: it keeps no record of orphans, which are counted.
static int load_inside(unsigned depth, unsigned seed)
{
    int status;

    load_depth = depth;
    random_state = seed;
    load_pulse = mmap(NULL, sizeof(*load_pulse), PROT_READ | PROT_WRITE, MAP_SHARED, LOAD_PULSE_FD, 0);
    CHECK(load_pulse != MAP_FAILED && close(LOAD_PULSE_FD) == 0);
    for (unsigned workers = 1 + load_random(3); workers > 0; workers--) {
        if (fork() == 0)
            return work_for_ever();
    }
    waitpid(-1, &status, 0);
    printf("# a worker in a box ended: %#x\n", status);
    return 1;
}

// Takes memory, by itself or with children, until the box has none left.
static int hunger(bool children)
{
    volatile char *at = mmap(NULL, HUNGER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(at != MAP_FAILED);
    for (size_t i = 0; i < HUNGER_SIZE; i += 4096) {
        at[i] = 1;
        if (children && i % (64 << 10) == 0 && fork() == 0)
            children = load_random(2) == 0;
    }
    return 0;
}

static int bomb(void)
{
    while (fork() >= -1)
        ;
    return 0;
}

static int command(int argc, char **argv)
{
    unsigned number = argc >= 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;

    if (argc < 3)
        return -1;
    if (strcmp(argv[1], "exit") == 0)
        return (int)number;
    if (strcmp(argv[1], "hunger") == 0)
        return hunger(number != 0);
    if (strcmp(argv[1], "bomb") == 0)
        return bomb();
    if (argc == 4 && strcmp(argv[1], "inside") == 0)
        return load_inside(number, (unsigned)strtoul(argv[3], NULL, 10));
    return -1;
}

__attribute__((constructor)) static void register_command(void)
{
    vmtest_command = command;
}
