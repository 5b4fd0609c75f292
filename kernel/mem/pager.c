// SPDX-License-Identifier: MIT
// pager.c - the pages of a file, and taking them away from every mapping.
//
// States of a page:  absent -> being read (a frame of nobody's, no lock held) -> in the cache ->
// taken out (truncation) -> freed with its last mapping. Two who read one page in find out when
// they put it in: the second uses the first one's.
// Truncation: the epoch and the size change first; then each mapping region is emptied, one at a
// time, and marked with the epoch; then the pages are taken out in batches. From the first step on
// faults past the end fail, so nothing taken away comes back.
#include "kernel/mem/pager.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/zap.h"
#include "kernel/sched/thread.h"
#include "lib/base/assert.h"

#define TAKE_BATCH 64

static _Atomic uint64_t pagers; // made so far

void pager_init(struct pager *pager, const struct pager_ops *ops, struct account *account)
{
    *pager = (struct pager){ .ops = ops, .account = account };
    pager->id = atomic_fetch_add_explicit(&pagers, 1, memory_order_relaxed);
    rwlock_init(&pager->lock, RANK_CACHE);
    list_init(&pager->regions);
}

// Takes pages from *index on, below end, out of the cache, at most TAKE_BATCH. Returns: how many.
static unsigned take_out(struct pager *pager, uint64_t *index, uint64_t end, struct frame **frames)
{
    unsigned count = 0;

    rwlock_write_lock(&pager->lock);
    while (count < TAKE_BATCH) {
        struct frame *frame = radix_next(&pager->pages, index);

        if (frame == NULL || *index >= end)
            break;
        (void)radix_remove(&pager->pages, *index);
        pager->page_count--;
        frames[count++] = frame;
    }
    rwlock_write_unlock(&pager->lock);
    return count;
}

static void drop_pages(struct pager *pager, uint64_t first, uint64_t end)
{
    struct frame *frames[TAKE_BATCH];
    uint64_t index = first;
    unsigned count;

    while ((count = take_out(pager, &index, end, frames)) > 0) {
        for (unsigned i = 0; i < count; i++)
            frame_put(frames[i]);
        // a killed thread goes on: half a truncation cannot be told apart from none
        (void)thread_relax();
    }
}

void pager_fini(struct pager *pager)
{
    assert(list_empty(&pager->regions));
    drop_pages(pager, 0, UINT64_MAX);
}

// --- Reading ---

static struct frame *find_locked(struct pager *pager, uint64_t index)
{
    struct frame *frame = radix_find(&pager->pages, index);

    if (frame != NULL)
        frame_get(frame);
    return frame;
}

// Puts made in, unless another is there by now. Either way *frame is what is there, with a
// reference for the caller.
static int put_in_locked(struct pager *pager, uint64_t index, struct frame *made,
                         struct frame **frame)
{
    int error;

    *frame = find_locked(pager, index);
    if (*frame != NULL) {
        frame_put(made);
        return 0;
    }
    error = radix_insert(&pager->pages, index, made, pager->account);
    if (error != 0) {
        frame_put(made);
        return error;
    }
    made->owner = pager;
    made->index = index;
    pager->page_count++;
    frame_get(made);
    *frame = made;
    return 0;
}

static int make_frame(struct pager *pager, struct frame **made)
{
    return frame_alloc(pager->account, FRAME_CACHE, 0, FRAME_ZERO, made);
}

// Reads the page in with no lock held. Errors: -EAGAIN truncated meanwhile.
static int fill(struct pager *pager, uint64_t index, struct frame **frame)
{
    uint64_t epoch = __atomic_load_n(&pager->epoch, __ATOMIC_ACQUIRE);
    struct frame *made;
    int error = make_frame(pager, &made);

    if (error != 0)
        return error;
    if (pager->ops->page_in != NULL) {
        error = pager->ops->page_in(pager, index, made);
        if (error != 0) {
            frame_put(made);
            return error;
        }
    }
    rwlock_write_lock(&pager->lock);
    if (pager->ops->page_in != NULL && pager->epoch != epoch) {
        frame_put(made);
        error = -EAGAIN;
    } else {
        error = put_in_locked(pager, index, made, frame);
    }
    rwlock_write_unlock(&pager->lock);
    return error;
}

int pager_page(struct pager *pager, uint64_t index, bool create, struct frame **frame)
{
    int error;

    do {
        rwlock_read_lock(&pager->lock);
        *frame = find_locked(pager, index);
        rwlock_read_unlock(&pager->lock);
        if (*frame != NULL || (!create && pager->ops->page_in == NULL))
            return 0;
        error = fill(pager, index, frame);
    } while (error == -EAGAIN);
    return error;
}

struct frame *pager_next(struct pager *pager, uint64_t *index)
{
    struct frame *frame;

    rwlock_read_lock(&pager->lock);
    frame = radix_next(&pager->pages, index);
    if (frame != NULL)
        frame_get(frame);
    rwlock_read_unlock(&pager->lock);
    return frame;
}

// The page at index for a fault, and the epoch of this look. *frame NULL: not in the cache. Errors:
// -ENODATA past the end.
static int look_locked(struct pager *pager, uint64_t index, struct frame **frame, uint64_t *epoch)
{
    if (epoch != NULL)
        *epoch = pager->epoch;
    if (index >= pager_pages(pager))
        return -ENODATA;
    *frame = find_locked(pager, index);
    return 0;
}

static int make_locked(struct pager *pager, uint64_t index, struct frame **frame)
{
    struct frame *made;
    int error = make_frame(pager, &made);

    return error != 0 ? error : put_in_locked(pager, index, made, frame);
}

int pager_make_page(struct pager *pager, uint64_t index, struct frame **frame, uint64_t *epoch)
{
    int error;

    rwlock_read_lock(&pager->lock);
    error = look_locked(pager, index, frame, epoch);
    rwlock_read_unlock(&pager->lock);
    if (error != 0 || *frame != NULL)
        return error;
    if (pager->ops->page_in != NULL)
        return -EAGAIN;
    rwlock_write_lock(&pager->lock);
    error = look_locked(pager, index, frame, epoch);
    if (error == 0 && *frame == NULL)
        error = make_locked(pager, index, frame);
    rwlock_write_unlock(&pager->lock);
    return error;
}

// --- Taking away ---

// Empties what region maps of the pages from first to end (exclusive). pager->lock held.
static void empty_region(struct region *region, uint64_t first, uint64_t end)
{
    uint64_t pages = (region->end - region->start) >> PAGE_SHIFT;
    uint64_t from = first > region->page_offset ? first - region->page_offset : 0;
    uint64_t to = end > region->page_offset ? MIN(end - region->page_offset, pages) : 0;

    if (from < to)
        zap(region, region->start + (from << PAGE_SHIFT), region->start + (to << PAGE_SHIFT),
            false);
}

// One region that this epoch has not come to; those it has are at the end of the list. Returns:
// false when all are done.
static bool empty_one(struct pager *pager, uint64_t first, uint64_t end)
{
    struct region *region;
    bool found = false;

    rwlock_write_lock(&pager->lock);
    region = list_first(&pager->regions, struct region, pager_link);
    if (region != NULL && region->zapped_epoch < pager->epoch) {
        empty_region(region, first, end);
        region->zapped_epoch = pager->epoch;
        list_remove(&region->pager_link);
        list_push_back(&pager->regions, &region->pager_link);
        found = true;
    }
    rwlock_write_unlock(&pager->lock);
    return found;
}

static void take_away(struct pager *pager, uint64_t first, uint64_t end)
{
    while (empty_one(pager, first, end))
        (void)thread_relax();
    drop_pages(pager, first, end);
}

static void zero_tail_locked(struct pager *pager)
{
    struct frame *frame = radix_find(&pager->pages, pager->size_bytes >> PAGE_SHIFT);
    size_t used = pager->size_bytes % PAGE_SIZE;

    if (used != 0 && frame != NULL)
        memset((char *)frame_ptr(frame) + used, 0, PAGE_SIZE - used);
}

void pager_resize(struct pager *pager, uint64_t size_bytes)
{
    bool shrinks;
    uint64_t first;

    rwlock_write_lock(&pager->lock);
    shrinks = size_bytes < pager->size_bytes;
    __atomic_store_n(&pager->size_bytes, size_bytes, __ATOMIC_RELAXED);
    first = pager_pages(pager);
    if (shrinks) {
        __atomic_store_n(&pager->epoch, pager->epoch + 1, __ATOMIC_RELEASE);
        zero_tail_locked(pager);
    }
    rwlock_write_unlock(&pager->lock);
    if (shrinks)
        take_away(pager, first, UINT64_MAX);
}

void pager_discard(struct pager *pager, uint64_t index, uint64_t count)
{
    uint64_t end = index + count < index ? UINT64_MAX : index + count;

    rwlock_write_lock(&pager->lock);
    __atomic_store_n(&pager->epoch, pager->epoch + 1, __ATOMIC_RELEASE);
    rwlock_write_unlock(&pager->lock);
    take_away(pager, index, end);
}

void pager_unmap(struct pager *pager, bool (*match)(const struct region *region, void *argument),
                 void *argument)
{
    struct region *region;

    rwlock_write_lock(&pager->lock);
    list_for_each(region, &pager->regions, pager_link) {
        if (match(region, argument))
            zap(region, region->start, region->end, false);
    }
    rwlock_write_unlock(&pager->lock);
}
