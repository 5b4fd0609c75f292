// SPDX-License-Identifier: MIT
// random.c - random bytes by ChaCha20 with fast key erasure.
//
// There is one key. Each request takes a block of its stream: half becomes the next key, so that
// what was given out cannot be computed back from a later state, the other half is the answer, or
// the key of a longer one, made without the lock. The key starts as whatever differs between boots:
// RDRAND where there is one, the time-stamp counter, the memory map. Each request stirs the counter
// and RDRAND in again, so a machine without RDRAND gathers the jitter of its requests.
// Locking: random_lock (rank RANDOM) guards the key.
#include "kernel/sync/random.h"

#include <string.h>

#include "kernel/arch/arch.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/chacha.h"

static struct spinlock random_lock = SPINLOCK_INIT(RANK_RANDOM);
static uint32_t key[8];   // under random_lock
static uint64_t requests; // "

// Replaces the key by a block of its stream with input in place of the nonce; the block's other
// half goes to rest.
static void turn_locked(const uint32_t input[3], uint8_t rest[CHACHA_KEY_SIZE])
{
    uint8_t block[CHACHA_BLOCK_SIZE];

    chacha_block(key, (uint32_t)requests, input, block);
    memcpy(key, block, sizeof(key));
    memcpy(rest, block + sizeof(key), CHACHA_KEY_SIZE);
}

// What can be had at once: three words of nonce, none of which is trusted alone.
static void gather(uint32_t input[3])
{
    uint64_t hardware = 0;

    (void)arch_random_u64(&hardware);
    input[0] = (uint32_t)arch_cycles();
    input[1] = (uint32_t)hardware;
    input[2] = (uint32_t)(hardware >> 32);
}

// The first request: four words of hardware randomness, and what the boot left behind.
static void start_locked(void)
{
    uint32_t input[3] = { (uint32_t)boot_info.entry_tsc, (uint32_t)(boot_info.entry_tsc >> 32),
                          (uint32_t)boot_info.rsdp };
    uint8_t rest[CHACHA_KEY_SIZE];

    turn_locked(input, rest);
    for (unsigned i = 0; i < 4; i++) {
        gather(input);
        turn_locked(input, rest);
    }
}

void random_add(const void *from, size_t size)
{
    const uint8_t *bytes = from;
    uint64_t state = spin_lock_irq_save(&random_lock);

    for (size_t done = 0; done < size; done += 3 * sizeof(uint32_t)) {
        uint32_t input[3] = { 0 };
        uint8_t rest[CHACHA_KEY_SIZE];

        memcpy(input, bytes + done, MIN(size - done, sizeof(input)));
        turn_locked(input, rest);
    }
    spin_unlock_irq_restore(&random_lock, state);
}

static void take_key(uint32_t answer[8])
{
    uint32_t input[3];
    uint64_t state = spin_lock_irq_save(&random_lock);

    if (requests++ == 0)
        start_locked();
    gather(input);
    turn_locked(input, (uint8_t *)answer);
    spin_unlock_irq_restore(&random_lock, state);
}

void random_bytes(void *to, size_t size)
{
    static const uint32_t nonce[3];
    uint8_t *bytes = to;
    uint32_t answer[8];
    uint8_t block[CHACHA_BLOCK_SIZE];

    take_key(answer);
    if (size <= sizeof(answer)) {
        memcpy(bytes, answer, size);
        return;
    }
    for (uint32_t counter = 0; size != 0; counter++) {
        size_t part = MIN(size, sizeof(block));

        chacha_block(answer, counter, nonce, block);
        memcpy(bytes, block, part);
        bytes += part;
        size -= part;
    }
}
