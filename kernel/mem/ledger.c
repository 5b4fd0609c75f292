// SPDX-License-Identifier: MIT
// ledger.c - counts of all live objects by type and frames by use, as text.
//
// Lines that are 0 are left out, so the text does not depend on what was used once. Lines of one
// name are added up. Frames of slabs and free ones have no line: how many slabs a number of objects
// needs depends on the order of things; the objects are counted.
#include "kernel/mem/ledger.h"

#include <string.h>

#include "kernel/arch/arch.h"
#include "kernel/mem/frame_state.h"
#include "kernel/mem/kmap.h"
#include "kernel/mem/pagetable.h"
#include "kernel/mem/slab_state.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/assert.h"
#include "lib/base/fmt.h"

#define DROP_MAX 8

static struct spinlock ledger_lock = SPINLOCK_INIT(RANK_LEDGER);
static struct ledger_line *lines; // pushed under ledger_lock, never removed
static void (*droppers[DROP_MAX])(void);
static unsigned dropper_count;

static const struct {
    enum frame_use use;
    const char *name;
} frame_lines[] = {
    { FRAME_RESERVED, "frames reserved" }, { FRAME_KERNEL, "frames kernel" },
    { FRAME_STACK, "frames stack" },       { FRAME_TABLE, "frames table" },
    { FRAME_USER, "frames user" },         { FRAME_CACHE, "frames cache" },
};

static NOINLINE void register_line(struct ledger_line *line)
{
    uint64_t state = spin_lock_irq_save(&ledger_lock);

    if (!line->registered) {
        line->next = lines;
        __atomic_store_n(&lines, line, __ATOMIC_RELEASE);
        __atomic_store_n(&line->registered, true, __ATOMIC_RELAXED);
    }
    spin_unlock_irq_restore(&ledger_lock, state);
}

void ledger_add(struct ledger_line *line, int64_t amount)
{
    if (unlikely(!__atomic_load_n(&line->registered, __ATOMIC_RELAXED)))
        register_line(line);
    // Atomic because of interrupts on this CPU; no other one writes this count.
    __atomic_fetch_add(&line->counts[arch_cpu()], amount, __ATOMIC_RELAXED);
}

static int64_t line_total(const struct ledger_line *line)
{
    int64_t total = 0;

    for (unsigned cpu = 0; cpu < arch_cpu_count(); cpu++)
        total += __atomic_load_n(&line->counts[cpu], __ATOMIC_RELAXED);
    return total;
}

// Looks for the name that follows last (NULL: the first) and adds up what bears it.
struct search {
    const char *last;
    const char *name;
    int64_t total;
};

static void consider(struct search *search, const char *name, int64_t count)
{
    int order;

    if (search->last != NULL && strcmp(name, search->last) <= 0)
        return;
    order = search->name == NULL ? -1 : strcmp(name, search->name);
    if (order < 0) {
        search->name = name;
        search->total = 0;
    }
    if (order <= 0)
        search->total += count;
}

static bool next_line(struct search *search)
{
    const struct ledger_line *line;

    search->last = search->name;
    search->name = NULL;
    for (unsigned i = 0; i < ARRAY_LEN(frame_lines); i++)
        consider(search, frame_lines[i].name, (int64_t)frames_used(frame_lines[i].use));
    for (unsigned i = 0; i < slab_cache_count(); i++)
        consider(search, slab_cache_at(i)->cache->name, slab_live(slab_cache_at(i)));
    for (line = __atomic_load_n(&lines, __ATOMIC_ACQUIRE); line != NULL; line = line->next)
        consider(search, line->name, line_total(line));
    return search->name != NULL;
}

size_t ledger_read(char *to, size_t size)
{
    struct search search = { .last = NULL };
    size_t length = 0;

    while (next_line(&search) && length < size) {
        if (search.total != 0)
            length += (size_t)fmt_print(to + length, size - length, "%s %lld\n", search.name,
                                        (long long)search.total);
    }
    return MIN(length, size);
}

void ledger_on_drop(void (*drop)(void))
{
    assert(dropper_count < DROP_MAX);
    droppers[dropper_count++] = drop;
}

void ledger_drop_caches(void)
{
    for (unsigned i = 0; i < dropper_count; i++)
        droppers[i]();
    kstack_trim(0);
    pagetable_trim();
    slab_drain_cpu();
    for (unsigned i = 0; i < slab_cache_count(); i++)
        slab_drop_empty(slab_cache_at(i));
    frames_drain_cpu();
}
