// SPDX-License-Identifier: MIT
// chacha.c - the ChaCha20 block function. Source: RFC 8439, 2.3.
#include "lib/base/chacha.h"

#include <string.h>

#include "lib/base/compiler.h"

#define ROUNDS 20

static ALWAYS_INLINE uint32_t rotate(uint32_t word, unsigned by)
{
    return word << by | word >> (32 - by);
}

static ALWAYS_INLINE void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

// The sixteen words are named one by one, so that most stay in registers.
#define QUARTER(a, b, c, d) quarter_round(&s[a], &s[b], &s[c], &s[d])

static void mix(uint32_t s[16])
{
    for (unsigned round = 0; round < ROUNDS; round += 2) {
        QUARTER(0, 4, 8, 12);
        QUARTER(1, 5, 9, 13);
        QUARTER(2, 6, 10, 14);
        QUARTER(3, 7, 11, 15);
        QUARTER(0, 5, 10, 15);
        QUARTER(1, 6, 11, 12);
        QUARTER(2, 7, 8, 13);
        QUARTER(3, 4, 9, 14);
    }
}

void chacha_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
                  uint8_t block[CHACHA_BLOCK_SIZE])
{
    // "expand 32-byte k", as four little-endian words.
    uint32_t start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
    uint32_t state[16];

    memcpy(start + 4, key, CHACHA_KEY_SIZE);
    start[12] = counter;
    memcpy(start + 13, nonce, 3 * sizeof(uint32_t));
    memcpy(state, start, sizeof(state));
    mix(state);
    for (unsigned i = 0; i < 16; i++)
        state[i] += start[i];
    memcpy(block, state, CHACHA_BLOCK_SIZE);
}
