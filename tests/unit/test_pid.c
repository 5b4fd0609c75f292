// SPDX-License-Identifier: MIT
// unit: kernel/proc/pid.c lib/base/rbtree.c
// test_pid.c - numbers within a box: increasing, reused only after all others, never while borne.

#include "kernel/proc/pid.h"

#include <string.h>

#include "kernel/proc/record.h"
#include "kernel/sync/spinlock.h"
#include "tests/unit/tap.h"

#define ENTRIES 2000

struct spinlock tree_lock;

uint64_t spin_lock_irq_save(struct spinlock *lock)
{
    (void)lock;
    return 0;
}

void spin_unlock_irq_restore(struct spinlock *lock, uint64_t state)
{
    (void)lock;
    (void)state;
}

void record_get(struct record *record)
{
    refcount_get(&record->ref);
}

static struct pid_entry entries[ENTRIES], group;
static uint64_t seed = 3;

static unsigned draw(unsigned limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

static void test_order(struct pid_table *table)
{
    ok(pid_allocate(table, &entries[0], PID_PROCESS) == 0 && entries[0].number == 1,
       "the first number is 1");
    ok(pid_allocate(table, &entries[1], PID_PROCESS) == 0 && entries[1].number == 2, "then 2");
    pid_release(table, &entries[1]);
    ok(entries[1].number == 0 && pid_entry_find(table, 2) == NULL, "a number is given back");
    ok(pid_allocate(table, &entries[1], PID_PROCESS) == 0 && entries[1].number == 3,
       "and not given out again while there are others");
    pid_release(table, &entries[2]);
    ok(table->count == 2, "releasing what has no number does nothing");
}

static void test_wrap(struct pid_table *table)
{
    table->last = PID_LIMIT - 2;
    ok(pid_allocate(table, &entries[2], PID_PROCESS) == 0 && entries[2].number == PID_LIMIT - 1,
       "the last number is 2^30-1");
    pid_group_insert(table, &group, 2);
    ok(pid_allocate(table, &entries[3], PID_PROCESS) == 0 && entries[3].number == 4,
       "after it come those that are free, but not a group's");
    ok(pid_group_find(table, 2) == &group && pid_group_find(table, 3) == NULL, "groups are found");
    pid_group_remove(table, &group);
}

// Random numbers come and go near the wrap, against a plain search.
static void test_random(struct pid_table *table)
{
    unsigned wrong = 0;

    table->last = PID_LIMIT - 500;
    for (unsigned i = 0; i < 50000; i++) {
        struct pid_entry *entry = &entries[draw(ENTRIES)];
        pid_t last = table->last;

        if (entry->number != 0) {
            pid_t number = entry->number;

            pid_release(table, entry);
            wrong += pid_entry_find(table, number) != NULL;
            continue;
        }
        if (pid_allocate(table, entry, PID_THREAD) != 0)
            wrong++;
        wrong += pid_entry_find(table, entry->number) != entry;
        for (pid_t skipped = last + 1; skipped < entry->number; skipped++)
            wrong += pid_entry_find(table, skipped) == NULL;
        if (i % 5000 == 4999)
            table->last = PID_LIMIT - 100;
    }
    ok(wrong == 0, "50,000 random calls give the next free number each time (seed 3)");
}

static void test_listing(struct pid_table *table)
{
    unsigned count = 0;
    pid_t last = 0;
    bool ascending = true;

    for (struct pid_entry *entry; (entry = pid_entry_after(table, last)) != NULL; count++) {
        ascending = ascending && entry->number > last;
        last = entry->number;
    }
    ok(count == table->count && ascending, "a listing shows each once, in order");
}

int main(void)
{
    struct pid_table table;

    pid_table_init(&table);
    test_order(&table);
    test_wrap(&table);
    test_random(&table);
    test_listing(&table);
    return done_testing();
}
