// SPDX-License-Identifier: MIT
// unit: kernel/mem/radix.c
// test_radix.c - the index of a file's pages against an array; every allocation of a node fails
// once.

#include "kernel/mem/radix.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/slab.h"
#include "tests/unit/tap.h"

#define KEYS 600

static struct radix radix;
static uint64_t keys[KEYS]; // sorted
static bool there[KEYS];
static long live, fail_at;
static uint64_t seed = 9;

void *slab_alloc(struct slab_cache *cache, struct account *account)
{
    (void)account;
    if (fail_at > 0 && --fail_at == 0)
        return NULL;
    live++;
    return calloc(1, cache->size);
}

void slab_free(struct slab_cache *cache, void *object)
{
    (void)cache;
    live--;
    free(object);
}

static unsigned draw(unsigned limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

// Dense runs, and some far away.
static void choose_keys(void)
{
    for (unsigned i = 0; i < KEYS; i++)
        keys[i] = i < KEYS / 2 ? i : ((uint64_t)draw(1U << 30) << draw(34)) + KEYS + i;
    keys[KEYS - 1] = UINT64_MAX;
    qsort(keys, KEYS, sizeof(keys[0]), compare);
}

static bool check_next(unsigned from)
{
    uint64_t key = keys[from];
    void *value = radix_next(&radix, &key);
    unsigned i = from;

    while (i < KEYS && !there[i])
        i++;
    return i == KEYS ? value == NULL : value == &keys[i] && key == keys[i];
}

static void test_random(void)
{
    unsigned wrong = 0, put = 0, taken = 0, failed = 0;

    for (unsigned step = 0; step < 100000; step++) {
        unsigned i = draw(KEYS);

        if (there[i]) {
            wrong += radix_remove(&radix, keys[i]) != &keys[i];
            there[i] = false;
            taken++;
        } else {
            long before = live;
            int error;

            fail_at = draw(20) == 0 ? 1 + draw(3) : 0;
            error = radix_insert(&radix, keys[i], &keys[i], NULL);
            fail_at = 0;
            there[i] = error == 0;
            put += error == 0;
            failed += error != 0;
            // What a failure leaves is at most a higher top.
            wrong += error != 0 && (error != -ENOMEM || live > before + 16);
        }
        i = draw(KEYS);
        wrong += radix_find(&radix, keys[i]) != (there[i] ? &keys[i] : NULL);
        wrong += !check_next(draw(KEYS));
        wrong += radix_find(&radix, keys[i] ^ (UINT64_C(1) << 62)) != NULL &&
                 keys[i] < UINT64_C(1) << 62 && i < KEYS / 2;
    }
    ok(wrong == 0, "100,000 random steps (seed 9)");
    ok(put > 20000 && taken > 20000 && failed > 200, "%u put in, %u taken out, %u refused", put,
       taken, failed);
    for (unsigned i = 0; i < KEYS; i++)
        (void)radix_remove(&radix, keys[i]);
    ok(live == 0 && radix.top == NULL, "empty, it has no node");
    ok(radix_remove(&radix, 5) == NULL && radix_find(&radix, 5) == NULL, "and finds nothing");
}

int main(void)
{
    choose_keys();
    test_random();
    return done_testing();
}
