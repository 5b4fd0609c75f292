// SPDX-License-Identifier: MIT
// fake_vfs.h - what the files of kernel/vfs, ns and fs/ramfs need of the layers below, for one
// thread on the host: locks that check ranks, allocators that count and can fail, a page cache in
// an array.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/account.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/pager.h"
#include "kernel/mem/slab.h"
#include "kernel/sched/mutex.h"
#include "kernel/sync/rwlock.h"
#include "kernel/vfs/lock.h"
#include "lib/base/assert.h"

struct account account_root;
static struct account *current_account = &account_root;
static long live_objects;
static long fail_at; // the nth allocation from now fails; 0: none

static inline bool fails(void)
{
    return fail_at > 0 && --fail_at == 0;
}

static unsigned held[32];
static unsigned held_count;

static inline void take_rank(unsigned rank, bool nested)
{
    unsigned top = held_count != 0 ? held[held_count - 1] : 0;

    assert(rank > top || (nested && rank == top));
    assert(held_count < ARRAY_LEN(held));
    held[held_count++] = rank;
}

static inline void give_rank(unsigned rank)
{
    for (unsigned i = held_count; i-- > 0;) {
        if (held[i] == rank) {
            memmove(held + i, held + i + 1, (held_count - i - 1) * sizeof(held[0]));
            held_count--;
            return;
        }
    }
    assert(!"the lock is held");
}

void spin_init(struct spinlock *lock, enum lock_rank rank)
{
    memset(lock, 0, sizeof(*lock));
    lock->rank = rank;
}

void spin_lock(struct spinlock *lock)
{
    take_rank(lock->rank, false);
}

void spin_unlock(struct spinlock *lock)
{
    give_rank(lock->rank);
}

void rwlock_init(struct rwlock *lock, enum lock_rank rank)
{
    atomic_init(&lock->state, 0);
    lock->rank = rank;
}

void rwlock_read_lock(struct rwlock *lock)
{
    take_rank(lock->rank, false);
}

void rwlock_read_unlock(struct rwlock *lock)
{
    give_rank(lock->rank);
}

void rwlock_write_lock(struct rwlock *lock)
{
    take_rank(lock->rank, false);
}

void rwlock_write_unlock(struct rwlock *lock)
{
    give_rank(lock->rank);
}

void mutex_init(struct mutex *mutex, enum lock_rank rank)
{
    memset(mutex, 0, sizeof(*mutex));
    mutex->rank = rank;
}

static void lock_mutex(struct mutex *mutex, bool nested)
{
    assert(mutex->holder == NULL);
    take_rank(mutex->rank, nested);
    mutex->holder = (struct thread *)mutex;
}

void mutex_lock(struct mutex *mutex)
{
    lock_mutex(mutex, false);
}

void mutex_lock_nested(struct mutex *mutex)
{
    lock_mutex(mutex, true);
}

void mutex_unlock(struct mutex *mutex)
{
    assert(mutex->holder != NULL);
    mutex->holder = NULL;
    give_rank(mutex->rank);
}

void mutex_assert_held(const struct mutex *mutex)
{
    assert(mutex->holder != NULL);
}

void *kmalloc(size_t size, struct account *account)
{
    (void)account;
    if (fails())
        return NULL;
    live_objects++;
    return calloc(1, size);
}

void kfree(void *memory)
{
    live_objects -= memory != NULL;
    free(memory);
}

void *slab_alloc(struct slab_cache *cache, struct account *account)
{
    return kmalloc(cache->size, account);
}

void slab_free(struct slab_cache *cache, void *object)
{
    (void)cache;
    kfree(object);
}

void account_get(struct account *account)
{
    (void)account;
}

void account_put(struct account *account)
{
    (void)account;
}

struct account *account_current(void)
{
    return current_account;
}

nsec_t clock_realtime(void)
{
    static nsec_t now = 1000;

    return ++now;
}

bool thread_relax(void)
{
    return false;
}

uint64_t account_memory_limit(const struct account *account)
{
    (void)account;
    return 1000 * PAGE_SIZE;
}

uint64_t account_memory_left(const struct account *account)
{
    (void)account;
    return 1000 * PAGE_SIZE;
}

uint64_t frames_free(void)
{
    return 1000;
}

void log_print(int level, const char *format, ...);
void log_print(int level, const char *format, ...)
{
    (void)level;
    (void)format;
}

void panic(const char *format, ...);
void panic(const char *format, ...)
{
    printf("Bail out! panic: %s\n", format);
    abort();
}

// Nobody locks files here.
atomic_long lock_count;

void lock_init(void)
{
}

// Nothing is mapped.
void mapping_init(void);
void mapping_init(void)
{
}

void lock_owner_leaves(const void *owner, struct node *node)
{
    (void)owner;
    (void)node;
}

// No user memory on the host.
int arch_copy_from_user(void *to, vaddr_t from, size_t size)
{
    (void)to, (void)from, (void)size;
    return -EFAULT;
}

int arch_copy_to_user(vaddr_t to, const void *from, size_t size)
{
    (void)to, (void)from, (void)size;
    return -EFAULT;
}

int arch_zero_user(vaddr_t to, size_t size)
{
    (void)to, (void)size;
    return -EFAULT;
}

int arch_user_op_u32(vaddr_t at, enum user_op op, uint32_t operand, uint32_t *old)
{
    (void)at, (void)op, (void)operand, (void)old;
    return -EFAULT;
}

// Frames: struct frame stands for itself, its bytes follow it.
struct fake_frame {
    struct frame frame;
    char bytes[4096];
};

static inline void *fake_frame_ptr(const struct frame *frame)
{
    return ((struct fake_frame *)frame)->bytes;
}

static inline void fake_frame_put(struct frame *frame)
{
    if (atomic_fetch_sub(&frame->refs, 1) == 1)
        kfree(frame);
}

int frame_alloc(struct account *account, enum frame_use use, unsigned order, unsigned flags,
                struct frame **frame)
{
    (void)use, (void)order, (void)flags;
    *frame = kmalloc(sizeof(struct fake_frame), account);
    if (*frame == NULL)
        return -ENOMEM;
    atomic_store(&(*frame)->refs, 1);
    return 0;
}

// A file of few pages, each in a slot of an array.
#define FAKE_PAGES 64
struct fake_page {
    uint64_t index;
    struct frame *frame;
};

void pager_init(struct pager *pager, const struct pager_ops *ops, struct account *account)
{
    memset(pager, 0, sizeof(*pager));
    pager->ops = ops;
    pager->account = account;
    pager->epoch = (uint64_t)calloc(FAKE_PAGES, sizeof(struct fake_page)); // the array hangs there
}

int pager_page(struct pager *pager, uint64_t index, bool create, struct frame **frame)
{
    struct fake_page *pages = (struct fake_page *)pager->epoch;
    struct fake_page *free_page = NULL;

    *frame = NULL;
    for (unsigned i = 0; i < FAKE_PAGES; i++) {
        if (pages[i].frame == NULL)
            free_page = &pages[i];
        else if (pages[i].index == index)
            *frame = pages[i].frame;
    }
    if (*frame == NULL && create) {
        assert(free_page != NULL);
        if (frame_alloc(NULL, FRAME_CACHE, 0, 0, frame) != 0)
            return -ENOMEM;
        *free_page = (struct fake_page){ index, *frame };
        pager->page_count++;
    }
    if (*frame != NULL)
        atomic_fetch_add(&(*frame)->refs, 1);
    return 0;
}

struct frame *pager_next(struct pager *pager, uint64_t *index)
{
    struct fake_page *pages = (struct fake_page *)pager->epoch;
    struct fake_page *next = NULL;

    for (unsigned i = 0; i < FAKE_PAGES; i++) {
        if (pages[i].frame != NULL && pages[i].index >= *index &&
            (next == NULL || pages[i].index < next->index))
            next = &pages[i];
    }
    if (next == NULL)
        return NULL;
    atomic_fetch_add(&next->frame->refs, 1);
    *index = next->index;
    return next->frame;
}

void pager_resize(struct pager *pager, uint64_t size_bytes)
{
    struct fake_page *pages = (struct fake_page *)pager->epoch;

    pager->size_bytes = size_bytes;
    for (unsigned i = 0; i < FAKE_PAGES; i++) {
        uint64_t start = pages[i].index * 4096;

        if (pages[i].frame != NULL && start >= size_bytes) {
            fake_frame_put(pages[i].frame);
            pages[i].frame = NULL;
            pager->page_count--;
        } else if (pages[i].frame != NULL && start + 4096 > size_bytes) {
            memset((char *)fake_frame_ptr(pages[i].frame) + (size_bytes - start), 0,
                   4096 - (size_bytes - start));
        }
    }
}

void pager_fini(struct pager *pager)
{
    pager_resize(pager, 0);
    free((void *)pager->epoch);
}
