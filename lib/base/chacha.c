// SPDX-License-Identifier: MIT
// chacha.c - the ChaCha20 block function. Source: RFC 8439, 2.3.
#include "lib/base/chacha.h"

#include <string.h>

#define ROUNDS 20

static uint32_t rotate(uint32_t word, unsigned by)
{
    return word << by | word >> (32 - by);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
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
    for (unsigned round = 0; round < ROUNDS; round += 2) {
        for (unsigned i = 0; i < 4; i++)
            quarter_round(&state[i], &state[4 + i], &state[8 + i], &state[12 + i]);
        for (unsigned i = 0; i < 4; i++)
            quarter_round(&state[i], &state[4 + (i + 1) % 4], &state[8 + (i + 2) % 4],
                          &state[12 + (i + 3) % 4]);
    }
    for (unsigned i = 0; i < 16; i++)
        state[i] += start[i];
    memcpy(block, state, CHACHA_BLOCK_SIZE);
}
