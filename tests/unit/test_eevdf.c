// unit: kernel/sched/eevdf.c lib/base/rbtree.c
// SPDX-License-Identifier: MIT
// test_eevdf.c - the EEVDF queue in a simulated clock: picks against a naive model, shares, lag,
// latency.

#include "kernel/sched/eevdf.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

#define ENTITIES 100

static uint64_t seed = 7;

static unsigned draw(unsigned limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

static struct sched_queue queue;
static struct sched_entity entities[ENTITIES];
static nsec_t ran[ENTITIES];

static bool before(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}

// V by its definition, in 128 bits, rounded down.
static uint64_t naive_average(void)
{
    __int128 sum = 0, weight = 0, average;

    for (unsigned i = 0; i < ENTITIES; i++) {
        if (!entities[i].queued)
            continue;
        sum +=
            (__int128)(int64_t)(entities[i].vruntime - queue.zero) * (__int128)entities[i].weight;
        weight += entities[i].weight;
    }
    if (weight == 0)
        return queue.zero;
    average = sum / weight - (sum % weight < 0 ? 1 : 0);
    return queue.zero + (uint64_t)average;
}

// The earliest deadline among the eligible that do not run, by looking at all.
static struct sched_entity *naive_candidate(void)
{
    uint64_t average = naive_average();
    struct sched_entity *best = NULL;

    for (unsigned i = 0; i < ENTITIES; i++) {
        struct sched_entity *entity = &entities[i];

        if (entity->queued && entity != queue.current && !before(average, entity->vruntime) &&
            (best == NULL || before(entity->deadline, best->deadline)))
            best = entity;
    }
    return best;
}

static bool pick_is_right(void)
{
    struct sched_entity *candidate = naive_candidate();
    struct sched_entity *picked = eevdf_pick(&queue);
    struct sched_entity *current = queue.current;
    bool stays =
        current != NULL &&
        (candidate == NULL || (!before(candidate->deadline, current->deadline) &&
                               (!current->spent || !before(naive_average(), current->vruntime))));

    if (queue.count == 0)
        return picked == NULL;
    if (stays)
        return picked == current;
    return picked != NULL && candidate != NULL && picked->deadline == candidate->deadline;
}

static void reset(void)
{
    memset(entities, 0, sizeof(entities));
    memset(ran, 0, sizeof(ran));
    eevdf_queue_init(&queue, NULL, 0);
    queue.zero = UINT64_MAX - 5 * NSEC_PER_SEC; // virtual time wraps within each test
}

// Runs the queue for a time. on_tick is called before each pick.
static void run(nsec_t until, nsec_t (*step)(void))
{
    for (nsec_t now = 0; now < until;) {
        struct sched_entity *entity = eevdf_pick(&queue);
        nsec_t stretch;

        eevdf_set_current(&queue, entity);
        stretch = eevdf_time_left(&queue);
        if (step != NULL)
            stretch = MIN(stretch, step());
        eevdf_charge(&queue, stretch);
        ran[entity - entities] += stretch;
        now += stretch;
    }
}

static void test_weights(void)
{
    static const unsigned priorities[] = { 10, 13, 15, 19, 19, 24, 27, 30 };
    double total_weight = 0, worst = 0;
    nsec_t span = 100 * NSEC_PER_SEC;

    reset();
    for (unsigned i = 0; i < ARRAY_LEN(priorities); i++) {
        eevdf_entity_init(&entities[i], eevdf_weight(priorities[i]), NULL);
        eevdf_enqueue(&queue, &entities[i]);
        total_weight += (double)entities[i].weight;
    }
    run(span, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(priorities); i++) {
        double due = (double)span * (double)entities[i].weight / total_weight;
        double off = ((double)ran[i] - due) / due;

        worst = MAX(worst, off < 0 ? -off : off);
    }
    ok(worst < 0.01, "shares follow weights from nice 9 to -11 within 1 %% (worst %.3f %%)",
       worst * 100);
}

static nsec_t short_step(void)
{
    return 1 + draw(200000);
}

static void test_odd_steps(void)
{
    double worst = 0;
    nsec_t span = 60 * NSEC_PER_SEC;

    reset();
    for (unsigned i = 0; i < ENTITIES; i++) {
        eevdf_entity_init(&entities[i], eevdf_weight(19), NULL);
        eevdf_enqueue(&queue, &entities[i]);
    }
    run(span, short_step);
    for (unsigned i = 0; i < ENTITIES; i++) {
        double off = ((double)ran[i] * ENTITIES - (double)span) / (double)span;

        worst = MAX(worst, off < 0 ? -off : off);
    }
    ok(worst < 0.01, "100 equals looked at in odd steps get the same within 1 %% (worst %.3f %%)",
       worst * 100);
}

static bool lag_is_bounded(void)
{
    for (unsigned i = 0; i < ENTITIES; i++) {
        struct sched_entity *entity = &entities[i];
        int64_t lag = (int64_t)(queue.zero - entity->vruntime);
        // In time: what an entity is owed is at most a slice of each kind of competitor that may
        // run first.
        double owed = (double)lag * (double)entity->weight / (double)EEVDF_UNIT;

        if (entity->queued && (owed > 4 * EEVDF_SLICE_NS || owed < -4.0 * EEVDF_SLICE_NS))
            return false;
    }
    return true;
}

// Random life: arrivals, departures, runs, weights, yields; V, the pick and the lag are checked at
// each step.
static void test_model(void)
{
    unsigned wrong_average = 0, wrong_pick = 0, unbounded = 0, sleeps = 0, wakes = 0, yields = 0;

    reset();
    for (unsigned i = 0; i < ENTITIES; i++)
        eevdf_entity_init(&entities[i], eevdf_weight(draw(40)), NULL);
    for (unsigned step = 0; step < 200000; step++) {
        struct sched_entity *entity = &entities[draw(ENTITIES)];

        switch (draw(8)) {
        case 0:
            if (!entity->queued) {
                eevdf_enqueue(&queue, entity);
                wakes++;
            }
            break;
        case 1:
            if (entity->queued && queue.count > 1) {
                eevdf_dequeue(&queue, entity);
                sleeps++;
            }
            break;
        case 2:
            if (queue.current != NULL && queue.count > 1) {
                eevdf_yield(&queue);
                yields++;
            }
            break;
        default:
            wrong_pick += !pick_is_right();
            entity = eevdf_pick(&queue);
            if (entity == NULL)
                break;
            eevdf_set_current(&queue, entity);
            eevdf_charge(&queue, MIN(eevdf_time_left(&queue), (nsec_t)draw(4000000)));
        }
        wrong_average += naive_average() != queue.zero;
        unbounded += !lag_is_bounded();
    }
    ok(sleeps > 5000 && wakes > 5000 && yields > 5000,
       "the model saw %u sleeps, %u wakes, %u yields", sleeps, wakes, yields);
    ok(wrong_average == 0, "V is the weighted average at each of 200,000 steps");
    ok(wrong_pick == 0, "the pick is the eligible one with the earliest deadline (%u wrong)",
       wrong_pick);
    ok(unbounded == 0, "lag stays within four slices (%u beyond)", unbounded);
}

// One that sleeps half of the time among three that never do gets what it asks for, soon.
static void test_sleeper(void)
{
    nsec_t now = 0, wake_at = 0, worst_wait = 0, got = 0, busy_left = 0;
    unsigned wakes = 0;

    reset();
    for (unsigned i = 0; i < 4; i++)
        eevdf_entity_init(&entities[i], EEVDF_UNIT, NULL);
    for (unsigned i = 1; i < 4; i++)
        eevdf_enqueue(&queue, &entities[i]);
    while (now < 20 * NSEC_PER_SEC) {
        struct sched_entity *entity;
        nsec_t stretch;

        if (!entities[0].queued && now >= wake_at) {
            eevdf_enqueue(&queue, &entities[0]);
            busy_left = NSEC_PER_MSEC;
            wakes++;
        }
        entity = eevdf_pick(&queue);
        eevdf_set_current(&queue, entity);
        stretch = MIN(eevdf_time_left(&queue), UINT64_C(100000));
        if (entity == &entities[0])
            stretch = MIN(stretch, busy_left);
        eevdf_charge(&queue, stretch);
        now += stretch;
        if (entity != &entities[0])
            continue;
        busy_left -= stretch;
        got += stretch;
        if (busy_left == 0) {
            worst_wait = MAX(worst_wait, now - wake_at);
            eevdf_dequeue(&queue, entity);
            wake_at = now + 9 * NSEC_PER_MSEC;
        }
    }
    ok(wakes > 1000, "a sleeper that wants 1 ms in 10 woke %u times", wakes);
    ok(worst_wait < 12 * NSEC_PER_MSEC, "it never waited longer than the others' slices (%.2f ms)",
       (double)worst_wait / 1e6);
    ok(got > 1500 * NSEC_PER_MSEC, "and got what it wanted (%.0f ms of 20 s)", (double)got / 1e6);
}

static void test_reweight(void)
{
    double part;

    reset();
    for (unsigned i = 0; i < 2; i++) {
        eevdf_entity_init(&entities[i], EEVDF_UNIT, NULL);
        eevdf_enqueue(&queue, &entities[i]);
    }
    for (unsigned round = 0; round < 2000; round++) {
        eevdf_reweight(&entities[0], EEVDF_UNIT / (1 + round % 7));
        run(10 * NSEC_PER_MSEC, NULL);
        eevdf_reweight(&entities[0], EEVDF_UNIT);
        run(10 * NSEC_PER_MSEC, NULL);
    }
    // Half of the time equal; else shares of 1/2, 1/3 ... 1/8.
    part = (double)ran[0] / (double)(ran[0] + ran[1]);
    ok(part > 0.365 && part < 0.385, "an entity whose weight changes gets the average share (%.4f)",
       part);
}

int main(void)
{
    test_weights();
    test_odd_steps();
    test_model();
    test_sleeper();
    test_reweight();
    ok(eevdf_weight(19) == EEVDF_UNIT && eevdf_weight(0) < EEVDF_UNIT / 50 &&
           eevdf_weight(63) > eevdf_weight(39) * 200,
       "priority 19 is nice 0; the kernel's levels are heavier than all others");
    return done_testing();
}
