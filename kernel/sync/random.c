// SPDX-License-Identifier: MIT
// random.c - random bytes by ChaCha20 with fast key erasure.
//
// There is one key and a pool of its stream. When the pool is empty it is filled anew: its first
// bytes become the next key, and what is handed out is wiped from it, so that nothing that was
// given out can be computed back from a later state. A long request takes a key of its own from the
// pool and is made without the lock. The key starts as whatever differs between boots: RDRAND where
// there is one, the time-stamp counter. Each filling stirs both in again, so a machine without
// RDRAND gathers the jitter of its requests.
// Locking: random_lock (rank RANDOM) guards key and pool.
#include "kernel/sync/random.h"

#include <string.h>

#include "kernel/arch/arch.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/chacha.h"

#define POOL_SIZE ((size_t)4 * CHACHA_BLOCK_SIZE)
#define LONG_REQUEST ((size_t)128)

static struct spinlock random_lock = SPINLOCK_INIT(RANK_RANDOM);
static uint32_t key[8];            // under random_lock
static uint8_t pool[POOL_SIZE];    // "  of which the first used bytes are wiped
static size_t used = POOL_SIZE;    // "
static bool started;               // "

// What can be had at once: three words of nonce, none of which is trusted alone.
static void gather(uint32_t input[3])
{
    uint64_t hardware = 0;

    (void)arch_random_u64(&hardware);
    input[0] = (uint32_t)arch_cycles();
    input[1] = (uint32_t)hardware;
    input[2] = (uint32_t)(hardware >> 32);
}

// Fills the pool with the stream of the key, with input as its nonce, and takes the next key from
// it.
static void fill_locked(const uint32_t input[3])
{
    for (uint32_t i = 0; i < POOL_SIZE / CHACHA_BLOCK_SIZE; i++)
        chacha_block(key, i, input, pool + i * CHACHA_BLOCK_SIZE);
    memcpy(key, pool, sizeof(key));
    memset(pool, 0, sizeof(key));
    used = sizeof(key);
}

// The first request: what the boot left behind, and four words of hardware randomness.
static void start_locked(void)
{
    uint32_t input[3] = { (uint32_t)boot_info.entry_tsc, (uint32_t)(boot_info.entry_tsc >> 32),
                          (uint32_t)boot_info.rsdp };

    fill_locked(input);
    for (unsigned i = 0; i < 4; i++) {
        gather(input);
        fill_locked(input);
    }
    started = true;
}

void random_add(const void *from, size_t size)
{
    const uint8_t *bytes = from;
    uint64_t state = spin_lock_irq_save(&random_lock);

    if (!started)
        start_locked();
    for (size_t done = 0; done < size; done += 3 * sizeof(uint32_t)) {
        uint32_t input[3] = { 0 };

        memcpy(input, bytes + done, MIN(size - done, sizeof(input)));
        fill_locked(input);
    }
    spin_unlock_irq_restore(&random_lock, state);
}

static void take_from_pool(uint8_t *to, size_t size)
{
    uint64_t state = spin_lock_irq_save(&random_lock);

    if (!started)
        start_locked();
    while (size != 0) {
        uint32_t input[3];
        size_t part;

        if (used == POOL_SIZE) {
            gather(input);
            fill_locked(input);
        }
        part = MIN(size, POOL_SIZE - used);
        memcpy(to, pool + used, part);
        memset(pool + used, 0, part);
        used += part;
        to += part;
        size -= part;
    }
    spin_unlock_irq_restore(&random_lock, state);
}

void random_bytes(void *to, size_t size)
{
    static const uint32_t nonce[3];
    uint8_t *bytes = to;
    uint8_t block[CHACHA_BLOCK_SIZE];
    uint32_t own_key[8];

    if (size <= LONG_REQUEST) {
        take_from_pool(bytes, size);
        return;
    }
    take_from_pool((uint8_t *)own_key, sizeof(own_key));
    for (uint32_t counter = 0; size != 0; counter++) {
        size_t part = MIN(size, sizeof(block));

        chacha_block(own_key, counter, nonce, block);
        memcpy(bytes, block, part);
        bytes += part;
        size -= part;
    }
}
