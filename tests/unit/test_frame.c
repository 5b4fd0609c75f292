// SPDX-License-Identifier: MIT
// unit: tests/unit/mem_host.c kernel/mem/*.c kernel/sync/spinlock.c kernel/sync/rwlock.c kernel/sync/rank.c kernel/log/planted.c lib/base/rbtree.c lib/base/fmt.c
// unit-flags: -DBOXWORK_DEBUG -include tests/unit/mem_host.h
// test_frame.c - frames against a naive map of who has what; accounts; the ledger's recount.

#include "kernel/mem/frame.h"

#include <string.h>

#include "kernel/mem/account.h"
#include "kernel/mem/frame_state.h"
#include "kernel/mem/ledger.h"
#include "kernel/mem/slab.h"
#include "tests/unit/tap.h"

#define LOW_END (UINT64_C(20) << 20)
#define HIGH_SIZE (UINT64_C(8) << 20)
#define BLOCKS 6000

static struct frame *blocks[BLOCKS];
static uint8_t *owned; // by frame number: somebody has it
static uint64_t seed = 11;

static unsigned draw(unsigned limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

static bool is_ram(paddr_t address)
{
    return (address >= 0x100000 && address < LOW_END) ||
           (address >= UINT64_C(4) << 30 && address < (UINT64_C(4) << 30) + HIGH_SIZE);
}

// Marks a block; false if it is not wholly free RAM, or crooked.
static bool claim(const struct frame *frame, unsigned order, bool take)
{
    paddr_t start = frame_paddr(frame);

    if (start % (PAGE_SIZE << order) != 0)
        return false;
    for (uint64_t i = 0; i < UINT64_C(1) << order; i++) {
        uint64_t number = (start >> PAGE_SHIFT) + i;

        if (!is_ram(number << PAGE_SHIFT) || owned[number] == take)
            return false;
        owned[number] = take;
    }
    return true;
}

static void test_random(struct account *account)
{
    unsigned wrong = 0, made = 0, refused = 0, given = 0, high = 0;
    uint64_t before = frames_free();

    for (unsigned step = 0; step < 120000; step++) {
        unsigned i = draw(BLOCKS);
        struct frame **block = &blocks[i];

        host_cpu = draw(host_cpu_count);
        if (*block == NULL) {
            unsigned order = draw(8) == 0 ? draw(FRAME_BLOCK_ORDER_MAX + 1) : 0;

            if (frame_alloc(account, FRAME_USER, order, 0, block) != 0) {
                *block = NULL;
                refused++;
                continue;
            }
            made++;
            high += frame_paddr(*block) >= UINT64_C(4) << 30;
            wrong += !claim(*block, order, true) || (*block)->order != order;
        } else {
            wrong += !claim(*block, (*block)->order, false);
            frame_put(*block);
            *block = NULL;
            given++;
        }
    }
    ok(wrong == 0, "every block is free RAM, aligned, and nobody else's (seed 11)");
    ok(made > 20000 && given > 20000 && refused > 100 && high > 1000,
       "%u made (%u above 4 GiB), %u refused, %u given back", made, high, refused, given);
    ok(ledger_verify() == 0, "the ledger's recount agrees with half the memory in use");
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (blocks[i] != NULL)
            frame_put(blocks[i]);
    }
    ok(frames_free() == before, "all given back: %llu frames are free as before",
       (unsigned long long)before);
    ok(atomic_load(&account->counters[RESOURCE_MEMORY].used) == 0, "the account is at 0 again");
}

static void test_coalescing(void)
{
    struct frame *block;
    unsigned largest = 0;

    for (host_cpu = 0; host_cpu < host_cpu_count; host_cpu++)
        frames_drain_cpu();
    host_cpu = 0;
    while (frame_alloc(NULL, FRAME_KERNEL, FRAME_BLOCK_ORDER_MAX, 0, &block) == 0 && largest < 64)
        blocks[largest++] = block;
    // 20 MiB less the first, the frame map and the zero frame; 8 MiB above.
    ok(largest >= 5, "%u largest blocks are whole again", largest);
    while (largest > 0)
        frame_put(blocks[--largest]);
}

static void test_tags(void)
{
    struct frame *frame;

    ok(frame_alloc(NULL, FRAME_CACHE, 0, FRAME_ZERO, &frame) == 0 && frames_used(FRAME_CACHE) == 1,
       "a frame is counted under its use");
    memset(frame_ptr(frame), 7, PAGE_SIZE);
    frame_get(frame);
    frame_put(frame);
    ok(frames_used(FRAME_CACHE) == 1, "it stays while there is a reference");
    frame_put(frame);
    ok(frames_used(FRAME_CACHE) == 0 &&
           frame_alloc(NULL, FRAME_CACHE, 0, FRAME_ZERO, &frame) == 0 &&
           *(char *)frame_ptr(frame) == 0,
       "used again it is filled with zeros where that was asked for");
    frame_put(frame);
}

static void test_accounts(void)
{
    struct account *outer, *inner = NULL, *full = NULL;
    struct frame *frame, *other;

    ok(account_create(&account_root, 2, &outer) == 0 && account_create(outer, 3, &inner) == 0,
       "two accounts");
    account_set_limit(outer, RESOURCE_MEMORY, 8 * PAGE_SIZE);
    ok(frame_alloc(inner, FRAME_USER, 3, 0, &frame) != 0 && account_last_full() == outer,
       "the outer limit refuses, and is named");
    ok(frame_alloc(inner, FRAME_USER, 2, 0, &frame) == 0, "what fits is given");
    ok(atomic_load(&outer->counters[RESOURCE_MEMORY].used) > (long)(4 * PAGE_SIZE) &&
           atomic_load(&inner->counters[RESOURCE_MEMORY].used) == (long)(4 * PAGE_SIZE),
       "it is counted in both");
    ok(account_charge(inner, RESOURCE_THREADS, 3, &full) == 0, "threads are charged");
    account_set_limit(outer, RESOURCE_THREADS, 3);
    ok(account_charge(inner, RESOURCE_THREADS, 1, &full) < 0 && full == outer, "up to the limit");
    account_uncharge(inner, RESOURCE_THREADS, 3);
    account_close(inner);
    ok(ledger_verify() == 0, "a closed account with a charge still adds up");
    account_close(outer);
    ok(frame_alloc(NULL, FRAME_USER, 0, 0, &other) == 0 && ledger_verify() == 0,
       "a chain of closed accounts too");
    frame_put(other);
    frame_put(frame); // the last charge: both structs go
    ok(atomic_load(&account_root.counters[RESOURCE_MEMORY].used) == (long)PAGE_SIZE &&
           account_list.next->next == &account_list,
       "with the last charge both are gone, and the root has what it had");
    ok(ledger_verify() == 0, "the recount agrees");
}

static void test_chain(void)
{
    static struct account *chain[200];
    struct account *parent = &account_root;
    void *object;

    for (unsigned i = 0; i < ARRAY_LEN(chain); i++) {
        if (account_create(parent, 1, &chain[i]) != 0)
            exit(1);
        parent = chain[i];
    }
    object = kmalloc(100, parent);
    for (unsigned i = ARRAY_LEN(chain); i-- > 0;)
        account_close(chain[i]);
    ok(account_list.next->next != &account_list,
       "a chain of 200 closed accounts is kept by one object");
    kfree(object);
    ok(account_list.next->next == &account_list, "and goes with it");
}

static void test_leak_is_seen(void)
{
    struct frame *frame;

    if (frame_alloc(NULL, FRAME_USER, 0, 0, &frame) != 0)
        exit(1);
    frame->use = FRAME_CACHE;
    ok(ledger_verify() != 0, "a frame with a wrong tag is found");
    frame->use = FRAME_USER;
    frame->account = NULL;
    ok(ledger_verify() != 0, "a frame that lost its payer is found");
    frame->account = &account_root;
    frame_put(frame);
    ok(ledger_verify() == 0, "mended, the recount agrees");
}

int main(void)
{
    struct account *account;

    owned = calloc(1, (UINT64_C(6) << 30) >> PAGE_SHIFT);
    host_start(LOW_END, HIGH_SIZE, 3);
    ok(ledger_verify() == 0, "after start-up the recount agrees");
    if (account_create(&account_root, 1, &account) != 0)
        return 1;
    test_random(account);
    account_close(account);
    host_cpu = 0;
    test_coalescing();
    test_tags();
    test_accounts();
    test_chain();
    test_leak_is_seen();
    return done_testing();
}
