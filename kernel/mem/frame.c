// SPDX-License-Identifier: MIT
// frame.c - physical page frames: a buddy allocator with per-CPU caches of single frames.
//
// The frame map is backed in chunks of one largest block (4 MiB of RAM), so that looking at a
// block's buddy never leaves it. What is no RAM within a chunk is tagged FRAME_RESERVED for ever.
// States of a frame:  in a free block (FRAME_FREE, head on a free list) -> in a CPU's cache
// (FRAME_FREE, cached) -> used (refs > 0) -> ...
// Locking: buddy_lock (rank FRAME) guards the free lists; a CPU's cache is its own, with interrupts
// off.
// Invariant: every frame of RAM is on a free list, in a CPU's cache, or has a use and, if anybody
// is charged, an account.
#include "kernel/mem/frame.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/log/log.h"
#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/mem/frame_state.h"
#include "kernel/mem/inject.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/assert.h"

#define CACHE_FRAMES 64 // at most, a CPU
#define CACHE_BATCH 32  // moved at once between a cache and the free lists
#define CACHE_ZEROED 32 // frames known to be full of zeros, at most, a CPU
#define CHUNK_FRAMES (UINT64_C(1) << FRAME_BLOCK_ORDER_MAX)
#define CHUNK_BYTES (CHUNK_FRAMES << PAGE_SHIFT)
#define MAP_BYTES (CHUNK_FRAMES * sizeof(struct frame))
#define LOWEST_FRAME (UINT64_C(0x100000)) // below are firmware, the VGA hole, trampolines
#define FOUR_GIB (UINT64_C(1) << 32)

struct frame_cache {
    unsigned count;
    struct frame *frames[CACHE_FRAMES];
    unsigned zeroed_count;
    struct frame *zeroed[CACHE_ZEROED];
    int64_t used[FRAME_USE_COUNT]; // this CPU's share of the counts; may be negative
    // of any count, so that the ledger's walk knows whether the machine stood still
    uint64_t changes;
};

static DEFINE_PERCPU(struct frame_cache, frame_cache);

static struct spinlock buddy_lock = SPINLOCK_INIT(RANK_FRAME);
static struct list free_lists[FRAME_BLOCK_ORDER_MAX + 1]; // under buddy_lock
static uint64_t free_count;                               // frames on free_lists, under buddy_lock
static uint64_t total_count;                              // set once the boot modules are freed

struct frame *frame_zero;
struct boot_range frame_spans[FRAME_SPANS_MAX];
unsigned frame_span_count;

// --- The buddy allocator; buddy_lock held ---

static struct frame *buddy_of(struct frame *frame, unsigned order)
{
    return frame_of(frame_paddr(frame) ^ (PAGE_SIZE << order));
}

static void put_block(struct frame *frame, unsigned order)
{
    frame->order = (uint8_t)order;
    frame->flags = FRAME_LISTED;
    list_push_front(&free_lists[order], &frame->link);
}

static void free_block(struct frame *frame, unsigned order)
{
    free_count += UINT64_C(1) << order;
    while (order < FRAME_BLOCK_ORDER_MAX) {
        struct frame *buddy = buddy_of(frame, order);

        if (buddy->use != FRAME_FREE || !(buddy->flags & FRAME_LISTED) || buddy->order != order)
            break;
        list_remove(&buddy->link);
        buddy->flags = 0;
        frame = MIN(frame, buddy);
        order++;
    }
    put_block(frame, order);
}

static struct frame *take_block(unsigned order)
{
    unsigned found = order;
    struct frame *frame;

    while (found <= FRAME_BLOCK_ORDER_MAX && list_empty(&free_lists[found]))
        found++;
    if (found > FRAME_BLOCK_ORDER_MAX)
        return NULL;
    frame = list_first(&free_lists[found], struct frame, link);
    list_remove(&frame->link);
    frame->flags = 0;
    while (found > order) {
        found--;
        put_block(frame + (UINT64_C(1) << found), found);
    }
    free_count -= UINT64_C(1) << order;
    return frame;
}

// --- A CPU's cache; interrupts off ---

static void cache_refill(struct frame_cache *cache)
{
    uint64_t state = spin_lock_irq_save(&buddy_lock);

    while (cache->count < CACHE_BATCH) {
        struct frame *frame = take_block(0);

        if (frame == NULL)
            break;
        cache->frames[cache->count++] = frame;
    }
    spin_unlock_irq_restore(&buddy_lock, state);
}

static void cache_drain(struct frame_cache *cache, unsigned keep)
{
    uint64_t state = spin_lock_irq_save(&buddy_lock);

    while (cache->count > keep)
        free_block(cache->frames[--cache->count], 0);
    while (keep == 0 && cache->zeroed_count > 0)
        free_block(cache->zeroed[--cache->zeroed_count], 0);
    spin_unlock_irq_restore(&buddy_lock, state);
}

// *zeros: whether a frame of zeros is wanted; then whether that is still to be done.
static struct frame *take_single(enum frame_use use, bool *zeros)
{
    uint64_t state = arch_irq_save();
    struct frame_cache *cache = &this_cpu(frame_cache);
    struct frame *frame = NULL;

    if (*zeros && cache->zeroed_count > 0) {
        frame = cache->zeroed[--cache->zeroed_count];
        *zeros = false;
    } else {
        if (unlikely(cache->count == 0))
            cache_refill(cache);
        if (likely(cache->count > 0))
            frame = cache->frames[--cache->count];
        else if (cache->zeroed_count > 0)
            frame = cache->zeroed[--cache->zeroed_count];
    }
    if (likely(frame != NULL)) {
        cache->used[use]++;
        cache->changes++;
    }
    arch_irq_restore(state);
    return frame;
}

static void give_single(struct frame *frame, enum frame_use use, bool zeroed)
{
    uint64_t state = arch_irq_save();
    struct frame_cache *cache = &this_cpu(frame_cache);

    if (zeroed && cache->zeroed_count < CACHE_ZEROED) {
        cache->zeroed[cache->zeroed_count++] = frame;
    } else {
        if (unlikely(cache->count == CACHE_FRAMES))
            cache_drain(cache, CACHE_BATCH);
        cache->frames[cache->count++] = frame;
    }
    cache->used[use]--;
    cache->changes++;
    arch_irq_restore(state);
}

static void count_use(enum frame_use use, int64_t frames)
{
    uint64_t state = arch_irq_save();

    this_cpu(frame_cache).used[use] += frames;
    this_cpu(frame_cache).changes++;
    arch_irq_restore(state);
}

// --- Blocks ---

// The cached frames of this CPU may be what a large block lacks.
static struct frame *take_many(enum frame_use use, unsigned order)
{
    uint64_t state = spin_lock_irq_save(&buddy_lock);
    struct frame *frame = take_block(order);

    spin_unlock(&buddy_lock);
    if (unlikely(frame == NULL)) {
        cache_drain(&this_cpu(frame_cache), 0);
        spin_lock(&buddy_lock);
        frame = take_block(order);
        spin_unlock(&buddy_lock);
    }
    if (frame != NULL)
        count_use(use, INT64_C(1) << order);
    arch_irq_restore(state);
    return frame;
}

static void give_many(struct frame *frame, enum frame_use use, unsigned order)
{
    uint64_t state = spin_lock_irq_save(&buddy_lock);

    free_block(frame, order);
    count_use(use, -(INT64_C(1) << order));
    spin_unlock_irq_restore(&buddy_lock, state);
}

static void tag(struct frame *frame, enum frame_use use, unsigned order, struct account *account)
{
    for (uint64_t i = 0; i < UINT64_C(1) << order; i++) {
        frame[i].use = (uint8_t)use;
        frame[i].order = 0;
        frame[i].flags = 0;
        frame[i].account = account;
    }
    frame->order = (uint8_t)order;
}

#ifdef BOXWORK_DEBUG
static _Atomic paddr_t user_highest;

static void note_user(const struct frame *frame)
{
    paddr_t highest = atomic_load_explicit(&user_highest, memory_order_relaxed);

    while (frame_paddr(frame) > highest &&
           !atomic_compare_exchange_weak_explicit(&user_highest, &highest, frame_paddr(frame),
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

paddr_t frames_user_highest(void)
{
    return atomic_load_explicit(&user_highest, memory_order_relaxed);
}
#endif

static struct frame *take(enum frame_use use, unsigned order, unsigned flags,
                          struct account *account)
{
    bool zeros = (flags & FRAME_ZERO) != 0;
    struct frame *frame = order == 0 ? take_single(use, &zeros) : take_many(use, order);

    if (unlikely(frame == NULL))
        return NULL;
    tag(frame, use, order, account);
    atomic_store_explicit(&frame->refs, 1, memory_order_relaxed);
    if (zeros)
        memset(frame_ptr(frame), 0, PAGE_SIZE << order);
#ifdef BOXWORK_DEBUG
    if (use == FRAME_USER)
        note_user(frame);
#endif
    return frame;
}

// --- The interface ---

int frame_take(enum frame_use use, unsigned order, unsigned flags, struct frame **frame)
{
    assert(order <= FRAME_BLOCK_ORDER_MAX && use > FRAME_RESERVED && use < FRAME_USE_COUNT);
    *frame = take(use, order, flags, NULL);
    return *frame != NULL ? 0 : -ENOMEM;
}

int frame_alloc(struct account *account, enum frame_use use, unsigned order, unsigned flags,
                struct frame **out)
{
    struct account *full;
    struct frame *frame;

    assert(order <= FRAME_BLOCK_ORDER_MAX && use > FRAME_RESERVED && use < FRAME_USE_COUNT);
    if (account == NULL)
        account = &account_root;
    full = account;
    if (unlikely(alloc_should_fail()) ||
        account_charge(account, RESOURCE_MEMORY, (int64_t)(PAGE_SIZE << order), &full) != 0) {
        account_note_full(full);
        return -ENOMEM;
    }
    frame = take(use, order, flags, account);
    if (unlikely(frame == NULL)) {
        account_uncharge(account, RESOURCE_MEMORY, (int64_t)(PAGE_SIZE << order));
        account_note_full(&account_root);
        return -ENOMEM;
    }
    *out = frame;
    return 0;
}

// Takes the last reference away. Whoever sees a count of 1 holds that one, so nobody else can
// change it.
static inline bool last_reference(struct frame *frame)
{
    unsigned before;

    if (atomic_load_explicit(&frame->refs, memory_order_acquire) == 1) {
        atomic_store_explicit(&frame->refs, 0, memory_order_relaxed);
        return true;
    }
    before = atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel);
    assert(before != 0);
    return before == 1;
}

static inline void put(struct frame *frame, bool zeroed)
{
    struct account *account = frame->account;
    enum frame_use use = (enum frame_use)frame->use;
    unsigned order = frame->order;

    if (!last_reference(frame))
        return;
    assert(use > FRAME_RESERVED);
    tag(frame, FRAME_FREE, order, NULL);
    if (order == 0)
        give_single(frame, use, zeroed);
    else
        give_many(frame, use, order);
    if (account != NULL)
        account_uncharge(account, RESOURCE_MEMORY, (int64_t)(PAGE_SIZE << order));
}

void frame_put(struct frame *frame)
{
    put(frame, false);
}

void frame_put_zeroed(struct frame *frame)
{
#ifdef BOXWORK_DEBUG
    assert(memcmp(frame_ptr(frame), frame_ptr(frame_zero), PAGE_SIZE) == 0);
#endif
    put(frame, true);
}

void frame_retag(struct frame *frame, enum frame_use use, struct account *account)
{
    uint64_t state = arch_irq_save();
    struct frame_cache *cache = &this_cpu(frame_cache);

    assert(frame->order == 0 && use > FRAME_RESERVED && use < FRAME_USE_COUNT);
    cache->used[frame->use]--;
    cache->used[use]++;
    cache->changes++;
    frame->use = (uint8_t)use;
    frame->account = account;
    arch_irq_restore(state);
}

uint64_t frames_total(void)
{
    return total_count;
}

uint64_t frames_free(void)
{
    uint64_t count = __atomic_load_n(&free_count, __ATOMIC_RELAXED) + frames_used(FRAME_SPARE);

    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
        count += frames_cached(cpu);
    return count;
}

uint64_t frames_used(enum frame_use use)
{
    int64_t count = 0;

    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
        count += __atomic_load_n(&per_cpu(frame_cache, cpu).used[use], __ATOMIC_RELAXED);
    return (uint64_t)count;
}

unsigned frames_cached(unsigned cpu)
{
    const struct frame_cache *cache = &per_cpu(frame_cache, cpu);

    return __atomic_load_n(&cache->count, __ATOMIC_RELAXED) +
           __atomic_load_n(&cache->zeroed_count, __ATOMIC_RELAXED);
}

uint64_t frames_listed(void)
{
    return __atomic_load_n(&free_count, __ATOMIC_RELAXED);
}

uint64_t frames_changes(void)
{
    uint64_t changes = 0;

    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
        changes += __atomic_load_n(&per_cpu(frame_cache, cpu).changes, __ATOMIC_RELAXED);
    return changes;
}

void frames_drain_cpu(void)
{
    uint64_t state = arch_irq_save();

    cache_drain(&this_cpu(frame_cache), 0);
    arch_irq_restore(state);
}

// --- Start-up ---

static void add_span(paddr_t start, paddr_t end)
{
    unsigned at = frame_span_count;

    if (start >= end || frame_span_count == FRAME_SPANS_MAX)
        return;
    while (at > 0 && frame_spans[at - 1].start > start) {
        frame_spans[at] = frame_spans[at - 1];
        at--;
    }
    // Two modules may share a page.
    if (at > 0)
        start = MAX(start, frame_spans[at - 1].end);
    frame_spans[at] = (struct boot_range){ start, end };
    frame_span_count++;
}

// Backs the map of all chunks that the span touches, from first on. Returns: the chunk behind.
static uint64_t back_map(const struct boot_range *span, uint64_t first)
{
    uint64_t last = (span->end - 1) / CHUNK_BYTES;

    first = MAX(first, span->start / CHUNK_BYTES);
    if (first > last)
        return first;
    uint64_t size = (last - first + 1) * MAP_BYTES;
    paddr_t memory = arch_early_alloc(size / PAGE_SIZE);
    struct frame *map = frame_of(first * CHUNK_BYTES);

    arch_map_early((vaddr_t)map, memory, size, PAGE_READ | PAGE_WRITE);
    for (uint64_t i = 0; i < size / sizeof(struct frame); i++)
        map[i] = (struct frame){ .use = FRAME_RESERVED };
    return last + 1;
}

void frames_add(paddr_t start, paddr_t end)
{
    uint64_t state;

    start = MAX(ALIGN_UP(start, PAGE_SIZE), LOWEST_FRAME);
    end = ALIGN_DOWN(end, PAGE_SIZE);
    if (start >= end)
        return;
    state = spin_lock_irq_save(&buddy_lock);
    while (start < end) {
        unsigned order = 0;
        struct frame *frame = frame_of(start);

        while (order < FRAME_BLOCK_ORDER_MAX && (start & (PAGE_SIZE << order)) == 0 &&
               start + (PAGE_SIZE << (order + 1)) <= end)
            order++;
        for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
            frame[i] = (struct frame){ .use = FRAME_FREE };
        free_block(frame, order);
        start += PAGE_SIZE << order;
    }
    spin_unlock_irq_restore(&buddy_lock, state);
}

// Tags RAM that start-up has kept for itself: the frame map, per-CPU data, early tables.
static void tag_kept(void)
{
    int64_t kept = 0;

    for (unsigned i = 0; i < frame_span_count; i++) {
        for (paddr_t at = frame_spans[i].start; at < frame_spans[i].end; at += PAGE_SIZE) {
            struct frame *frame = frame_of(at);

            if (frame->use != FRAME_RESERVED)
                continue;
            frame->use = FRAME_KERNEL;
            atomic_store_explicit(&frame->refs, 1, memory_order_relaxed);
            kept++;
        }
        total_count += (frame_spans[i].end - frame_spans[i].start) >> PAGE_SHIFT;
    }
    count_use(FRAME_KERNEL, kept);
}

void frames_init(void)
{
    uint64_t chunk = 0;

    for (unsigned order = 0; order <= FRAME_BLOCK_ORDER_MAX; order++)
        list_init(&free_lists[order]);
    for (unsigned i = 0; i < boot_info.ram_count; i++)
        add_span(MAX(boot_info.ram[i].start, LOWEST_FRAME), boot_info.ram[i].end);
    for (unsigned i = 0; i < boot_info.module_count; i++)
        add_span(ALIGN_DOWN(boot_info.modules[i].start, PAGE_SIZE),
                 ALIGN_UP(boot_info.modules[i].start + boot_info.modules[i].size, PAGE_SIZE));
    for (unsigned i = 0; i < frame_span_count; i++)
        chunk = back_map(&frame_spans[i], chunk);
    for (unsigned i = 0; i < boot_info.ram_count; i++)
        frames_add(boot_info.ram[i].start,
                   planted("low-frames") ? MIN(boot_info.ram[i].end, FOUR_GIB)
                                         : boot_info.ram[i].end);
    tag_kept();
    if (frame_alloc(NULL, FRAME_KERNEL, 0, FRAME_ZERO, &frame_zero) != 0)
        panic("no memory: %lu frames", (unsigned long)total_count);
}

void frames_add_kept(paddr_t start, paddr_t end)
{
    start = ALIGN_DOWN(start, PAGE_SIZE);
    end = ALIGN_UP(end, PAGE_SIZE);
    frames_add(start, end);
    count_use(FRAME_KERNEL, -(int64_t)((end - start) >> PAGE_SHIFT));
}
