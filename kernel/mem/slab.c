// SPDX-License-Identifier: MIT
// slab.c - caches of objects of one size, and memory of any size on top.
//
// A slab is a block of frames: a header, for each object the account that pays for it, then the
// objects. Free objects of a slab are chained by index through their first bytes. Each CPU has a
// magazine of free objects for each cache, so that most calls take no lock.
// States of an object:  free in its slab -> free in a CPU's magazine -> live (owner set) -> ...
// Locking: cache->state->lock (rank SLAB) guards the slabs; a magazine is its CPU's own, with
// interrupts off.
#include "kernel/mem/slab.h"

#include <string.h>

#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/inject.h"
#include "kernel/mem/ledger.h"
#include "kernel/mem/slab_state.h"
#include "lib/base/assert.h"

#define MAGAZINE_SIZE 13
#define MAGAZINE_BATCH 7
#define SLAB_ORDER_MAX 3
#define OBJECTS_WANTED 8 // in a slab, so that the header is a small part of it
#define NO_OBJECT UINT16_MAX

struct magazine {
    int64_t live;     // this CPU's share of the count of live objects; may be negative
    uint64_t changes; // of live, so that the ledger's walk knows whether the machine stood still
    unsigned count;
    void *objects[MAGAZINE_SIZE];
};

static DEFINE_PERCPU(struct magazine[SLAB_CACHES_MAX], slab_magazines);

static struct slab_cache_state states[SLAB_CACHES_MAX];
static atomic_uint state_count;
static struct spinlock registry_lock = SPINLOCK_INIT(RANK_SLAB);

static uintptr_t objects_of(const struct slab *slab)
{
    return (uintptr_t)slab + slab->cache->state->first_offset;
}

static void *object_at(const struct slab *slab, unsigned index)
{
    return (void *)(objects_of(slab) + index * slab->cache->size);
}

static inline unsigned number_of(const struct slab_cache_state *state, const struct slab *slab,
                                 const void *object)
{
    uintptr_t offset = (uintptr_t)object - (uintptr_t)slab - state->first_offset;

    return (unsigned)(offset * state->reciprocal >> 32);
}

// The same for a pointer that came from outside.
static inline unsigned index_of(const struct slab_cache_state *state, const struct slab *slab,
                                const void *object)
{
    unsigned index = number_of(state, slab, object);

    assert(index < state->capacity &&
           (uintptr_t)object == (uintptr_t)slab + state->first_offset + index * state->stride);
    return index;
}

static struct slab *slab_of(const void *object)
{
    struct frame *frame = frame_of(direct_paddr(object));

    assert(frame->use == FRAME_SLAB);
    return frame->owner;
}

// --- Registration ---

// How many objects fit into a block of this order, and where the first begins.
static unsigned fit(const struct slab_cache *cache, unsigned order, size_t *first)
{
    size_t bytes = PAGE_SIZE << order;
    unsigned capacity =
        (unsigned)((bytes - sizeof(struct slab)) / (cache->size + sizeof(struct account *)));

    for (; capacity > 0; capacity--) {
        *first = ALIGN_UP(sizeof(struct slab) + capacity * sizeof(struct account *), cache->align);
        if (*first + capacity * cache->size <= bytes)
            break;
    }
    return capacity;
}

static NOINLINE void register_cache(struct slab_cache *cache)
{
    uint64_t irq = spin_lock_irq_save(&registry_lock);

    if (cache->state == NULL) {
        unsigned number = atomic_load(&state_count);
        struct slab_cache_state *state = &states[number];

        assert(number < SLAB_CACHES_MAX);
        cache->align = MAX(cache->align, (size_t)8);
        cache->size = ALIGN_UP(MAX(cache->size, (size_t)8), cache->align);
        while (fit(cache, state->order, &state->first_offset) < OBJECTS_WANTED &&
               state->order < SLAB_ORDER_MAX)
            state->order++;
        state->capacity = fit(cache, state->order, &state->first_offset);
        assert(state->capacity > 0);
        state->stride = cache->size;
        state->number = number;
        state->cache = cache;
        // Exact for multiples of size below 2^32 / size * size; a slab is far smaller.
        state->reciprocal = (UINT64_C(1) << 32) / cache->size + 1;
        spin_init(&state->lock, RANK_SLAB);
        list_init(&state->partial);
        list_init(&state->full);
        atomic_store(&state_count, number + 1);
        atomic_store_explicit(&cache->state, state, memory_order_release);
    }
    spin_unlock_irq_restore(&registry_lock, irq);
}

static struct slab_cache_state *state_of(struct slab_cache *cache)
{
    struct slab_cache_state *state = atomic_load_explicit(&cache->state, memory_order_acquire);

    if (unlikely(state == NULL)) {
        register_cache(cache);
        state = cache->state;
    }
    return state;
}

// --- Slabs; state->lock held ---

static void *take_object(struct slab_cache_state *state)
{
    struct slab *slab = list_first(&state->partial, struct slab, link);
    void *object;

    if (slab == NULL)
        return NULL;
    object = object_at(slab, slab->first_free);
    slab->first_free = *(uint16_t *)object;
    if (slab->used++ == 0)
        state->empty--;
    if (slab->used == state->capacity) {
        list_remove(&slab->link);
        list_push_back(&state->full, &slab->link);
    }
    return object;
}

// Returns: the slab, if it is empty and to be given back.
static struct slab *give_object(struct slab_cache_state *state, void *object)
{
    struct slab *slab = slab_of(object);

    *(uint16_t *)object = slab->first_free;
    slab->first_free = (uint16_t)index_of(state, slab, object);
    if (slab->used-- == state->capacity) {
        list_remove(&slab->link);
        list_push_front(&state->partial, &slab->link);
    }
    if (slab->used > 0 || state->empty++ == 0)
        return NULL;
    state->empty--;
    list_remove(&slab->link);
    return slab;
}

static bool add_slab(struct slab_cache *cache, struct slab_cache_state *state)
{
    struct frame *frame;
    struct slab *slab;
    uint64_t irq;

    if (frame_take(FRAME_SLAB, state->order, 0, &frame) != 0)
        return false;
    slab = frame_ptr(frame);
    *slab = (struct slab){ .cache = cache };
    memset(slab->owners, 0, state->capacity * sizeof(slab->owners[0]));
    for (unsigned i = 0; i < state->capacity; i++)
        *(uint16_t *)object_at(slab, i) = i + 1 < state->capacity ? (uint16_t)(i + 1) : NO_OBJECT;
    for (unsigned i = 0; i < 1U << state->order; i++)
        frame[i].owner = slab;
    irq = spin_lock_irq_save(&state->lock);
    list_push_back(&state->partial, &slab->link);
    state->empty++;
    spin_unlock_irq_restore(&state->lock, irq);
    return true;
}

static void free_slab(struct slab *slab)
{
    frame_put(frame_of(direct_paddr(slab)));
}

// --- Magazines; interrupts off ---

static NOINLINE void refill(struct slab_cache *cache, struct slab_cache_state *state,
                            struct magazine *magazine)
{
    do {
        uint64_t irq = spin_lock_irq_save(&state->lock);

        while (magazine->count < MAGAZINE_BATCH) {
            void *object = take_object(state);

            if (object == NULL)
                break;
            magazine->objects[magazine->count++] = object;
        }
        spin_unlock_irq_restore(&state->lock, irq);
    } while (magazine->count == 0 && add_slab(cache, state));
}

static NOINLINE void drain(struct slab_cache_state *state, struct magazine *magazine, unsigned keep)
{
    while (magazine->count > keep) {
        uint64_t irq = spin_lock_irq_save(&state->lock);
        struct slab *empty = NULL;

        while (magazine->count > keep && empty == NULL)
            empty = give_object(state, magazine->objects[--magazine->count]);
        spin_unlock_irq_restore(&state->lock, irq);
        if (empty != NULL)
            free_slab(empty);
    }
}

static void *take(struct slab_cache *cache, struct slab_cache_state *state)
{
    uint64_t irq = arch_irq_save();
    struct magazine *magazine = &this_cpu(slab_magazines)[state->number];
    void *object = NULL;

    if (unlikely(magazine->count == 0))
        refill(cache, state, magazine);
    if (likely(magazine->count > 0)) {
        object = magazine->objects[--magazine->count];
        magazine->live++;
        magazine->changes++;
    }
    arch_irq_restore(irq);
    return object;
}

static void give(struct slab_cache_state *state, void *object)
{
    uint64_t irq = arch_irq_save();
    struct magazine *magazine = &this_cpu(slab_magazines)[state->number];

    if (unlikely(magazine->count == MAGAZINE_SIZE))
        drain(state, magazine, MAGAZINE_BATCH);
    magazine->objects[magazine->count++] = object;
    magazine->live--;
    magazine->changes++;
    arch_irq_restore(irq);
}

// --- Objects ---

// Test builds: who uses an object after it is freed, or before it is filled, finds addresses that
// fault.
static inline void poison(void *object, size_t size)
{
#ifdef BOXWORK_DEBUG
    memset(object, 0xa5, size);
#else
    (void)object;
    (void)size;
#endif
}

// zeroed: as the caller wants it.
static inline void *alloc(struct slab_cache *cache, struct account *account, bool zeroed)
{
    struct slab_cache_state *state = state_of(cache);
    struct account *full;
    struct slab *slab;
    void *object;

    if (account == NULL)
        account = &account_root;
    full = account;
    if (unlikely(alloc_should_fail()) ||
        account_charge(account, RESOURCE_MEMORY, (int64_t)cache->size, &full) != 0) {
        account_note_full(full);
        return NULL;
    }
    object = take(cache, state);
    if (unlikely(object == NULL)) {
        account_uncharge(account, RESOURCE_MEMORY, (int64_t)cache->size);
        account_note_full(&account_root);
        return NULL;
    }
    slab = slab_of(object);
    slab->owners[number_of(state, slab, object)] = account;
    if (zeroed)
        memset(object, 0, state->stride);
    else
        poison(object, state->stride);
    return object;
}

void *slab_alloc(struct slab_cache *cache, struct account *account)
{
    return alloc(cache, account, !cache->raw);
}

void slab_free(struct slab_cache *cache, void *object)
{
    struct slab_cache_state *state = cache->state;
    struct account **owner;
    struct account *account;
    struct slab *slab;

    if (object == NULL || planted("leak-slab"))
        return;
    slab = slab_of(object);
    assert(slab->cache == cache);
    owner = &slab->owners[index_of(state, slab, object)];
    account = *owner;
    assert(account != NULL); // freed twice
    *owner = NULL;
    poison(object, state->stride);
    give(state, object);
    account_uncharge(account, RESOURCE_MEMORY, (int64_t)state->stride);
}

int64_t slab_live(const struct slab_cache_state *state)
{
    int64_t live = 0;

    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
        live += per_cpu(slab_magazines, cpu)[state->number].live;
    return live;
}

unsigned slab_cached(const struct slab_cache_state *state)
{
    unsigned cached = 0;

    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
        cached += per_cpu(slab_magazines, cpu)[state->number].count;
    return cached;
}

uint64_t slab_changes(void)
{
    uint64_t changes = 0;

    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++) {
        for (unsigned i = 0; i < slab_cache_count(); i++)
            changes += __atomic_load_n(&per_cpu(slab_magazines, cpu)[i].changes, __ATOMIC_RELAXED);
    }
    return changes;
}

uint64_t slab_free_slots(struct slab_cache_state *state)
{
    uint64_t irq = spin_lock_irq_save(&state->lock);
    const struct slab *slab;
    uint64_t slots = 0;

    list_for_each(slab, &state->partial, link)
        slots += state->capacity - slab->used;
    spin_unlock_irq_restore(&state->lock, irq);
    return slots;
}

unsigned slab_cache_count(void)
{
    return atomic_load(&state_count);
}

struct slab_cache_state *slab_cache_at(unsigned number)
{
    return &states[number];
}

void slab_drain_cpu(void)
{
    for (unsigned i = 0; i < slab_cache_count(); i++) {
        uint64_t irq = arch_irq_save();

        drain(&states[i], &this_cpu(slab_magazines)[i], 0);
        arch_irq_restore(irq);
    }
}

void slab_drop_empty(struct slab_cache_state *state)
{
    struct slab *empty = NULL, *slab;
    uint64_t irq = spin_lock_irq_save(&state->lock);

    list_for_each(slab, &state->partial, link) {
        if (slab->used == 0) {
            empty = slab;
            list_remove(&empty->link);
            state->empty--;
            break;
        }
    }
    spin_unlock_irq_restore(&state->lock, irq);
    if (empty != NULL)
        free_slab(empty);
}

// --- Memory of any size ---

#define BUFFER(bytes)                                                                              \
    {                                                                                              \
        .name = "buffer", .size = (bytes), .align = 16                                             \
    }

static struct slab_cache buffers[] = {
    BUFFER(16),  BUFFER(32),  BUFFER(64),  BUFFER(128),  BUFFER(192),  BUFFER(256),
    BUFFER(384), BUFFER(512), BUFFER(768), BUFFER(1024), BUFFER(1536), BUFFER(2048),
};
static LEDGER_LINE(large_buffers, "buffer");

static struct slab_cache *buffer_class(size_t size)
{
    unsigned i = 0;

    while (buffers[i].size < size)
        i++;
    return &buffers[i];
}

static void *alloc_any(size_t size, struct account *account, bool zeroed)
{
    struct frame *frame;
    unsigned order = 0;

    if (size <= buffers[ARRAY_LEN(buffers) - 1].size)
        return alloc(buffer_class(size), account, zeroed);
    while (order < FRAME_BLOCK_ORDER_MAX && (PAGE_SIZE << order) < size)
        order++;
    if ((PAGE_SIZE << order) < size)
        return NULL;
    if (frame_alloc(account, FRAME_KERNEL, order, zeroed ? FRAME_ZERO : 0, &frame) != 0)
        return NULL;
    ledger_add(&large_buffers, 1);
    return frame_ptr(frame);
}

void *kmalloc(size_t size, struct account *account)
{
    return alloc_any(size, account, true);
}

void *kmalloc_raw(size_t size, struct account *account)
{
    return alloc_any(size, account, false);
}

void kfree(void *memory)
{
    struct frame *frame;

    if (memory == NULL)
        return;
    frame = frame_of(direct_paddr(memory));
    if (frame->use == FRAME_SLAB) {
        struct slab *slab = frame->owner;

        slab_free(slab->cache, memory);
        return;
    }
    assert(frame->use == FRAME_KERNEL && direct_paddr(memory) == frame_paddr(frame));
    ledger_add(&large_buffers, -1);
    frame_put(frame);
}
