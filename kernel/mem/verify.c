// SPDX-License-Identifier: MIT
// verify.c - the ledger's walk: counts everything anew and compares.
//
// The walk takes no locks, as it would stop the machine. It looks at a number that moves with every
// change of a count, walks, and looks again; if anything changed it walks once more. What it reads
// meanwhile may be freed and used for something else, so it follows no pointer that it has not
// found in a list of its own: caches by their number, accounts in a table made before.
#include "kernel/mem/ledger.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/log/log.h"
#include "kernel/mem/account.h"
#include "kernel/mem/frame_state.h"
#include "kernel/mem/slab_state.h"
#include "kernel/sched/thread.h"

#define ATTEMPTS 16
#define ATTEMPTS_WRONG 3 // one may be wrong beside a charge whose frame is not taken yet
#define FRAMES_TO_RELAX 4096
#define DIFFERENCES_MAX 16

struct tally {
    struct account *account;
    unsigned parent; // its place in the table; its own for the root
    int64_t bytes;   // found by the walk, those of the accounts inside included
};

struct difference {
    const char *what, *of;
    int64_t found, counted;
};

struct walk {
    struct tally *tallies; // in the order of their making: a parent before its children
    unsigned *places;      // hash table of tallies: place + 1; 0: none
    unsigned count, room;  // room: a power of two; at most half is used
    uint64_t frames[FRAME_USE_COUNT];
    uint64_t free_listed, free_other;
    int64_t live[SLAB_CACHES_MAX];
    int64_t slots[SLAB_CACHES_MAX]; // of all slabs
    uint64_t strangers;             // frames and objects of no known account
    unsigned difference_count;
    struct difference differences[DIFFERENCES_MAX];
};

static uint64_t changes(void)
{
    return frames_changes() + slab_changes();
}

// Where account is, or would be, in places.
static unsigned *place_of(const struct walk *walk, const struct account *account)
{
    unsigned i = (unsigned)((uintptr_t)account / sizeof(*account)) % walk->room;

    while (walk->places[i] != 0 && walk->tallies[walk->places[i] - 1].account != account)
        i = (i + 1) % walk->room;
    return &walk->places[i];
}

static unsigned count_accounts(void)
{
    uint64_t state = spin_lock_irq_save(&accounts_lock);
    const struct account *account;
    unsigned count = 0;

    list_for_each(account, &account_list, link)
        count++;
    spin_unlock_irq_restore(&accounts_lock, state);
    return count;
}

static void list_accounts(struct walk *walk)
{
    uint64_t state = spin_lock_irq_save(&accounts_lock);
    struct account *account;

    list_for_each(account, &account_list, link) {
        struct tally *tally = &walk->tallies[walk->count];

        if (walk->count == walk->room / 2)
            break;
        tally->account = account;
        tally->bytes = 0;
        tally->parent = account->parent != NULL ? *place_of(walk, account->parent) - 1 : 0;
        *place_of(walk, account) = ++walk->count;
    }
    spin_unlock_irq_restore(&accounts_lock, state);
}

static void charge(struct walk *walk, const struct account *account, uint64_t bytes)
{
    unsigned place = *place_of(walk, account);

    if (place == 0)
        walk->strangers++;
    else
        walk->tallies[place - 1].bytes += (int64_t)bytes;
}

// --- The walk ---

static void walk_slab(struct walk *walk, const struct frame *frame)
{
    const struct slab *slab = frame_ptr(frame);
    const struct slab_cache_state *state = NULL;
    unsigned number = 0;

    for (; state == NULL && number < slab_cache_count(); number++) {
        if (slab_cache_at(number)->cache == slab->cache)
            state = slab_cache_at(number);
    }
    if (state == NULL || state->order != frame->order) {
        walk->strangers++;
        return;
    }
    walk->slots[state->number] += state->capacity;
    for (unsigned i = 0; i < state->capacity; i++) {
        if (slab->owners[i] == NULL)
            continue;
        walk->live[state->number]++;
        charge(walk, slab->owners[i], state->cache->size);
    }
}

// Returns: how many frames the block at address has.
static uint64_t walk_block(struct walk *walk, paddr_t address)
{
    const struct frame *frame = frame_of(address);
    unsigned use = frame->use;
    bool heads = use == FRAME_FREE ? (frame->flags & FRAME_LISTED) != 0 : use != FRAME_RESERVED;
    uint64_t size = heads ? UINT64_C(1) << MIN(frame->order, FRAME_BLOCK_ORDER_MAX) : 1;

    if (use >= FRAME_USE_COUNT) {
        walk->strangers++;
        return 1;
    }
    walk->frames[use] += size;
    if (use == FRAME_FREE && heads)
        walk->free_listed += size;
    else if (use == FRAME_FREE)
        walk->free_other++;
    else if (use == FRAME_SLAB)
        walk_slab(walk, frame);
    else if (frame->account != NULL)
        charge(walk, frame->account, size * PAGE_SIZE);
    return size;
}

static void walk_frames(struct walk *walk)
{
    unsigned blocks = 0;

    for (unsigned i = 0; i < frame_span_count; i++) {
        for (paddr_t at = frame_spans[i].start; at < frame_spans[i].end;) {
            at += walk_block(walk, at) * PAGE_SIZE;
            if (++blocks % FRAMES_TO_RELAX == 0)
                (void)thread_relax();
        }
    }
}

// --- Comparing ---

static void expect(struct walk *walk, const char *what, const char *of, int64_t found,
                   int64_t counted)
{
    if (found != counted && walk->difference_count < DIFFERENCES_MAX)
        walk->differences[walk->difference_count++] =
            (struct difference){ what, of, found, counted };
}

static void compare_frames(struct walk *walk)
{
    static const char *const names[] = { "free",  "reserved", "kernel", "slab", "stack",
                                         "table", "user",     "cache",  "spare" };
    uint64_t cached = 0, total = 0;

    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
        cached += frames_cached(cpu);
    expect(walk, "frames on free lists", "", (int64_t)walk->free_listed, (int64_t)frames_listed());
    expect(walk, "frames in caches", "", (int64_t)walk->free_other, (int64_t)cached);
    for (unsigned use = 0; use < FRAME_USE_COUNT; use++) {
        total += walk->frames[use];
        if (use > FRAME_RESERVED)
            expect(walk, "frames ", names[use], (int64_t)walk->frames[use],
                   (int64_t)frames_used((enum frame_use)use));
    }
    expect(walk, "all frames", "", (int64_t)total, (int64_t)frames_total());
    expect(walk, "owners that are no account", "", (int64_t)walk->strangers, 0);
}

static void compare_slabs(struct walk *walk)
{
    for (unsigned i = 0; i < slab_cache_count(); i++) {
        struct slab_cache_state *state = slab_cache_at(i);
        const char *name = state->cache->name;

        expect(walk, "objects ", name, walk->live[i], slab_live(state));
        expect(walk, "slots ", name, walk->slots[i],
               slab_live(state) + slab_cached(state) + (int64_t)slab_free_slots(state));
    }
}

static void compare_accounts(struct walk *walk)
{
    for (unsigned i = walk->count; i-- > 0;) {
        const struct tally *tally = &walk->tallies[i];

        expect(walk, "bytes of an account", "", tally->bytes,
               atomic_load(&tally->account->counters[RESOURCE_MEMORY].used));
        if (i != 0 && tally->parent < walk->count)
            walk->tallies[tally->parent].bytes += tally->bytes;
    }
}

static void reset(struct walk *walk)
{
    struct tally *tallies = walk->tallies;
    unsigned *places = walk->places;
    unsigned room = walk->room;

    memset(walk, 0, sizeof(*walk));
    memset(places, 0, room * sizeof(*places));
    walk->tallies = tallies;
    walk->places = places;
    walk->room = room;
}

// Returns: whether nothing changed meanwhile.
static bool attempt(struct walk *walk)
{
    uint64_t before = changes();

    reset(walk);
    list_accounts(walk);
    walk_frames(walk);
    compare_frames(walk);
    compare_slabs(walk);
    compare_accounts(walk);
    return changes() == before;
}

static int report(const struct walk *walk)
{
    for (unsigned i = 0; i < walk->difference_count; i++) {
        const struct difference *difference = &walk->differences[i];

        log_error("ledger: %s%s: %lld found, %lld counted", difference->what, difference->of,
                  (long long)difference->found, (long long)difference->counted);
    }
    return -EIO;
}

static int verify(struct walk *walk)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        if (!attempt(walk))
            continue;
        if (walk->difference_count == 0)
            return 0;
        if (++wrong == ATTEMPTS_WRONG)
            return report(walk);
    }
    return -EBUSY;
}

int ledger_verify(void)
{
    struct walk *walk = kmalloc(sizeof(*walk), NULL);
    int error = -ENOMEM;

    if (walk == NULL)
        return -ENOMEM;
    walk->room = 64;
    while (walk->room / 2 < count_accounts() + 8) // and some that are made meanwhile
        walk->room *= 2;
    walk->tallies = kmalloc(walk->room / 2 * sizeof(*walk->tallies), NULL);
    walk->places = kmalloc(walk->room * sizeof(*walk->places), NULL);
    if (walk->tallies != NULL && walk->places != NULL)
        error = verify(walk);
    kfree(walk->places);
    kfree(walk->tallies);
    kfree(walk);
    return error;
}
