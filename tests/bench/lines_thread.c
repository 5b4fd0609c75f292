// SPDX-License-Identifier: MIT
// lines_thread.c - threads: create and join, yield, a round trip over futexes.

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "abi/futex.h"
#include "bench.h"
#include "helpers.h"

static void *give_back(void *argument)
{
    return (char *)argument + 1;
}

static void create_join(const struct line *line)
{
    long count = repetitions(500), good = 0;
    char base[1];

    timer_start();
    for (long i = 0; i < count; i++) {
        pthread_t thread;
        void *result = NULL;

        good += pthread_create(&thread, NULL, give_back, base) == 0 &&
                pthread_join(thread, &result) == 0 && result == base + 1;
    }
    timer_stop();
    CHECK(good == count, "%ld of %ld threads ran", good, count);
    report(line->name, count);
}

struct yielders {
    long rounds;
    _Atomic int turn;     // who ran last
    _Atomic long changes; // how often that was the other
};

static void yield_rounds(struct yielders *yielders, int self)
{
    for (long i = 0; i < yielders->rounds; i++) {
        if (atomic_exchange_explicit(&yielders->turn, self, memory_order_relaxed) != self)
            atomic_fetch_add_explicit(&yielders->changes, 1, memory_order_relaxed);
        raw_call0(SYS_sched_yield);
    }
}

static void *other_yielder(void *argument)
{
    yield_rounds(argument, 1);
    return NULL;
}

// Only where time is exact: by the clock, a thread that has had less than its share may go on at once,
// on both systems, and a yield is not a switch.
static void yield(const struct line *line)
{
    struct yielders yielders = { .rounds = repetitions(5000) };
    pthread_t other;

    use_cpu(0);
    CHECK(pthread_create(&other, NULL, other_yielder, &yielders) == 0, "create");
    timer_start();
    yield_rounds(&yielders, 0);
    CHECK(pthread_join(other, NULL) == 0, "join");
    timer_stop();
    CHECK(yielders.changes >= yielders.rounds, "the other ran %ld times in %ld yields",
          yielders.changes, 2 * yielders.rounds);
    report(line->name, 2 * yielders.rounds);
}

struct court {
    _Atomic int ball[2]; // a futex each: 1 when the ball lies there
    long rounds;
    long returned;
    int cpu;
};

static void ball_await(_Atomic int *ball)
{
    while (atomic_load(ball) == 0)
        syscall(SYS_futex, ball, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
    atomic_store(ball, 0);
}

static void ball_throw(_Atomic int *ball)
{
    atomic_store(ball, 1);
    syscall(SYS_futex, ball, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

static void *other_player(void *argument)
{
    struct court *court = argument;

    use_cpu(court->cpu);
    for (long i = 0; i < court->rounds; i++) {
        ball_await(&court->ball[1]);
        court->returned++;
        ball_throw(&court->ball[0]);
    }
    return NULL;
}

// The argument is the processor of the other thread.
static void futex_round_trip(const struct line *line)
{
    struct court court = { .rounds = repetitions(1000), .cpu = (int)line->argument };
    pthread_t other;

    use_cpu(0);
    CHECK(pthread_create(&other, NULL, other_player, &court) == 0, "create");
    timer_start();
    for (long i = 0; i < court.rounds; i++) {
        ball_throw(&court.ball[1]);
        ball_await(&court.ball[0]);
    }
    timer_stop();
    CHECK(pthread_join(other, NULL) == 0 && court.returned == court.rounds, "%ld came back",
          court.returned);
    report(line->name, court.rounds);
}

#define WAKE_WARM 10 // sleeps until a busy thread that has just begun has had its first turns

struct spinner {
    _Atomic bool stop;
    _Atomic long rounds;
};

static void *spin(void *argument)
{
    struct spinner *spinner = argument;

    use_cpu(0);
    while (!atomic_load(&spinner->stop))
        atomic_fetch_add_explicit(&spinner->rounds, 1, memory_order_relaxed);
    return NULL;
}

static int64_t clock_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// How late a sleep of a millisecond ends: the timer's interrupt, the wake-up, the switch. The
// argument says whether a busy thread has the CPU meanwhile.
static void wake_latency(const struct line *line)
{
    long count = repetitions(200);
    struct spinner spinner = { 0 };
    int64_t late_ns = 0;
    long busy_sleeps = 0;
    pthread_t busy;

    use_cpu(0);
    prctl(PR_SET_TIMERSLACK, 1); // Linux would wait up to 50 us for others to wake together
    if (line->argument)
        CHECK(pthread_create(&busy, NULL, spin, &spinner) == 0, "create");
    for (long i = -WAKE_WARM; i < count; i++) {
        int64_t until = clock_ns() + 1000000, late;
        long rounds = atomic_load(&spinner.rounds);
        struct timespec moment = { until / 1000000000, until % 1000000000 };

        CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL) == 0, "sleep");
        late = clock_ns() - until;
        CHECK(late >= 0, "%ld ns early", (long)-late);
        busy_sleeps += i >= 0 && atomic_load(&spinner.rounds) > rounds;
        late_ns += i >= 0 ? late : 0;
    }
    atomic_store(&spinner.stop, true);
    if (line->argument) {
        CHECK(pthread_join(busy, NULL) == 0, "join");
        // By the clock the host may stop a CPU for longer than a sleep.
        CHECK(busy_sleeps > (bench_exact ? count - 1 : count / 2), "the other ran in %ld of %ld sleeps", busy_sleeps, count);
    }
    report_value(line->name, count, (double)late_ns / (double)count, "ns");
}

const struct line thread_lines[] = {
    { "thread.create_join", create_join, 0, LINE_BUDGET | LINE_WALL },
    { "thread.yield", yield, 0, LINE_BUDGET },
    { "futex.round_trip", futex_round_trip, 0, LINE_BUDGET | LINE_WALL },
    { "futex.round_trip.2cpu", futex_round_trip, 1, LINE_WALL | LINE_TWO_CPUS },
    { "wake.idle", wake_latency, false, LINE_BUDGET | LINE_WALL },
    { "wake.busy", wake_latency, true, LINE_BUDGET | LINE_WALL },
    { NULL, NULL, 0, 0 },
};
