// SPDX-License-Identifier: MIT
// unit: tests/unit/mem_host.c kernel/mem/*.c kernel/sync/spinlock.c kernel/sync/rwlock.c kernel/sync/rank.c kernel/log/planted.c lib/base/rbtree.c lib/base/fmt.c
// unit-flags: -DBOXWORK_DEBUG -include tests/unit/mem_host.h
// test_slab.c - objects and buffers against a naive model: all of them filled with a pattern of
// their own, none over another; the ledger's text.

#include "kernel/mem/slab.h"

#include <string.h>

#include "kernel/mem/account.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/ledger.h"
#include "tests/unit/tap.h"

#define OBJECTS 3000
#define ACCOUNTS 4

struct small {
    uint64_t words[3];
};
struct big {
    char bytes[5000];
} ALIGNED(64);

static SLAB_CACHE(small_cache, "small", struct small);
static SLAB_CACHE(big_cache, "big", struct big);

static struct {
    unsigned char *at;
    struct slab_cache *cache; // NULL: kmalloc
    size_t size;
    unsigned char pattern;
    unsigned account;
} objects[OBJECTS];
static struct account *accounts[ACCOUNTS];
static uint64_t seed = 5;

static unsigned draw(unsigned limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

static bool is_all(const unsigned char *bytes, size_t size, unsigned char value)
{
    return bytes[0] == value && memcmp(bytes, bytes + 1, size - 1) == 0;
}

// Returns: false if the new object is not zeroed, crooked.
static bool make(unsigned i)
{
    unsigned kind = draw(8);
    struct account *account = accounts[draw(ACCOUNTS)];
    size_t align = 16;

    objects[i].cache = kind < 4 ? &small_cache : kind == 4 ? &big_cache : NULL;
    if (objects[i].cache != NULL) {
        align = objects[i].cache == &big_cache ? 64 : 8;
        objects[i].size =
            objects[i].cache == &big_cache ? sizeof(struct big) : sizeof(struct small);
        objects[i].at = slab_alloc(objects[i].cache, account);
    } else {
        objects[i].size = 1 + draw(draw(20) == 0 ? 40000 : 700);
        align = objects[i].size >= PAGE_SIZE ? PAGE_SIZE : 16;
        objects[i].at = kmalloc(objects[i].size, account);
    }
    if (objects[i].at == NULL)
        return true;
    if (direct_paddr(objects[i].at) % align != 0 || !is_all(objects[i].at, objects[i].size, 0))
        return false;
    objects[i].pattern = (unsigned char)(1 + draw(255));
    memset(objects[i].at, objects[i].pattern, objects[i].size);
    return true;
}

static bool drop(unsigned i)
{
    bool kept = is_all(objects[i].at, objects[i].size, objects[i].pattern);

    if (objects[i].cache != NULL)
        slab_free(objects[i].cache, objects[i].at);
    else
        kfree(objects[i].at);
    objects[i].at = NULL;
    return kept;
}

static void test_random(void)
{
    unsigned crooked = 0, spoilt = 0, made = 0, dropped = 0, verified = 0;

    for (unsigned step = 0; step < 150000; step++) {
        unsigned i = draw(OBJECTS);

        host_cpu = draw(host_cpu_count);
        if (objects[i].at == NULL) {
            crooked += !make(i);
            made += objects[i].at != NULL;
        } else {
            spoilt += !drop(i);
            dropped++;
        }
        if (step % 10000 == 0)
            verified += ledger_verify() == 0;
    }
    ok(crooked == 0, "each object is zeroed and aligned (seed 5)");
    ok(spoilt == 0, "each keeps what was written until it is freed");
    ok(made > 30000 && dropped > 30000, "%u made, %u freed, by four CPUs", made, dropped);
    ok(verified == 15, "the ledger's recount agreed every time");
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (objects[i].at != NULL)
            spoilt += !drop(i);
    }
    ok(spoilt == 0 && ledger_verify() == 0, "all freed, the recount agrees");
    for (unsigned i = 0; i < ACCOUNTS; i++)
        ok(atomic_load(&accounts[i]->counters[RESOURCE_MEMORY].used) == 0, "account %u is at 0", i);
}

static void test_caches_are_given_back(void)
{
    uint64_t before;
    static void *many[20000];

    for (host_cpu = host_cpu_count; host_cpu-- > 0;)
        ledger_drop_caches();
    host_cpu = 0;
    before = frames_free();
    for (unsigned i = 0; i < ARRAY_LEN(many); i++)
        many[i] = slab_alloc(&small_cache, NULL);
    ok(before - frames_free() > 100, "20,000 objects take %llu frames",
       (unsigned long long)(before - frames_free()));
    for (unsigned i = 0; i < ARRAY_LEN(many); i++)
        slab_free(&small_cache, many[i]);
    ledger_drop_caches();
    ok(frames_free() == before, "which are free again after them");
}

static void test_text(void)
{
    static char text[1000];
    struct small *object = slab_alloc(&small_cache, NULL);
    size_t length = ledger_read(text, sizeof(text));
    char *line = text;
    bool sorted = true;

    ok(length == strlen(text) && strstr(text, "\nsmall 1\n") != NULL,
       "the ledger has a line for the object");
    for (char *next = strchr(line, '\n'); next != NULL && next[1] != '\0';
         next = strchr(line, '\n')) {
        *next = '\0';
        sorted &= strcmp(line, next + 1) < 0;
        line = next + 1;
    }
    ok(sorted, "its lines are sorted");
    slab_free(&small_cache, object);
    memset(text, 0, sizeof(text));
    ledger_read(text, sizeof(text));
    ok(strstr(text, "small") == NULL, "and what there is none of has none");
    ok(ledger_read(text, 10) <= 10, "a short buffer is not overrun");
}

int main(void)
{
    host_start(UINT64_C(32) << 20, 0, 4);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        if (account_create(&account_root, 1, &accounts[i]) != 0)
            return 1;
    }
    test_random();
    test_caches_are_given_back();
    test_text();
    return done_testing();
}
