// unit: kernel/sched/timer_tree.c kernel/sched/load.c lib/base/rbtree.c
// SPDX-License-Identifier: MIT
// test_timers.c - the tree of timers against a naive model; load averages against their definition.

#include "kernel/sched/timer_tree.h"

#include "kernel/sched/load.h"
#include "tests/unit/tap.h"

#define TIMERS 300

static struct timer timers[TIMERS];
static struct timer_tree tree;
static uint64_t seed = 3;

static unsigned draw(unsigned limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

static nsec_t naive_next(void)
{
    nsec_t next = NSEC_NEVER;

    for (unsigned i = 0; i < TIMERS; i++) {
        if (timers[i].armed)
            next = MIN(next, timers[i].deadline);
    }
    return next;
}

static void test_tree(void)
{
    unsigned wrong = 0, armed = 0, cancelled = 0, fired = 0;
    nsec_t now = 0;

    for (unsigned step = 0; step < 200000; step++) {
        struct timer *timer = &timers[draw(TIMERS)];

        now += draw(50);
        if (!timer->armed) {
            timer->deadline = now + draw(5000);
            timer->armed = true;
            timer_tree_insert(&tree, timer);
            armed++;
        } else if (draw(3) == 0) {
            timer_tree_remove(&tree, timer);
            timer->armed = false;
            cancelled++;
        }
        while (timer_tree_next(&tree) <= now) {
            timer = tree.first;
            timer_tree_remove(&tree, timer);
            timer->armed = false;
            fired++;
        }
        wrong += timer_tree_next(&tree) != naive_next();
    }
    ok(armed > 10000 && cancelled > 1000 && fired > 1000, "%u armed, %u cancelled, %u fired", armed,
       cancelled, fired);
    ok(wrong == 0, "the first of the tree is always the earliest deadline");
}

static double load_of(const struct load *load, unsigned which)
{
    return (double)load->averages[which] / (1 << LOAD_SHIFT);
}

static void test_load(void)
{
    struct load load = { 0 };

    load_set_count(&load, 2, 0);
    load_update(&load, 60 * NSEC_PER_SEC);
    ok(load_of(&load, 0) > 1.25 && load_of(&load, 0) < 1.28,
       "two threads for a minute: 1.26 (%.3f)", load_of(&load, 0));
    for (nsec_t now = 60 * NSEC_PER_SEC; now < 1200 * NSEC_PER_SEC; now += 2 * NSEC_PER_SEC) {
        load_set_count(&load, 1, now);
        load_set_count(&load, 0, now + NSEC_PER_SEC);
    }
    load_update(&load, 1200 * NSEC_PER_SEC);
    ok(load_of(&load, 0) > 0.45 && load_of(&load, 0) < 0.55, "half of the time one: 0.5 (%.3f)",
       load_of(&load, 0));
    load_update(&load, 40000 * NSEC_PER_SEC);
    ok(load_of(&load, 2) < 0.001, "half a day of nothing leaves nothing (%.6f)", load_of(&load, 2));
}

int main(void)
{
    test_tree();
    test_load();
    return done_testing();
}
