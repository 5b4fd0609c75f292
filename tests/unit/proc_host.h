// SPDX-License-Identifier: MIT
// proc_host.h - the kernel around kernel/proc's pure files, for host tests: memory, accounts, locks
// that check nothing.
//
// An allocation fails when host_fail_after reaches 0. host_live counts what has been allocated and
// not freed.
#pragma once

#include <stdlib.h>

#include "abi/errors.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/sync/spinlock.h"

static long host_live;
static long host_fail_after = -1; // -1: never
static long host_charged[RESOURCE_COUNT];

static void *host_alloc(size_t size)
{
    if (host_fail_after == 0)
        return NULL;
    if (host_fail_after > 0)
        host_fail_after--;
    host_live++;
    return calloc(1, size);
}

void *kmalloc(size_t size, struct account *account)
{
    (void)account;
    return host_alloc(size);
}

void kfree(void *memory)
{
    host_live -= memory != NULL;
    free(memory);
}

void *slab_alloc(struct slab_cache *cache, struct account *account)
{
    (void)account;
    return host_alloc(cache->size);
}

void slab_free(struct slab_cache *cache, void *object)
{
    (void)cache;
    kfree(object);
}

int account_charge(struct account *account, enum resource resource, int64_t amount,
                   struct account **full)
{
    (void)account;
    (void)full;
    host_charged[resource] += amount;
    return 0;
}

void account_uncharge(struct account *account, enum resource resource, int64_t amount)
{
    (void)account;
    host_charged[resource] -= amount;
}

void spin_init(struct spinlock *lock, enum lock_rank rank)
{
    lock->rank = rank;
}

void spin_lock(struct spinlock *lock)
{
    (void)lock;
}

void spin_unlock(struct spinlock *lock)
{
    (void)lock;
}
