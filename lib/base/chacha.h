// SPDX-License-Identifier: MIT
// chacha.h - the ChaCha20 block function (RFC 8439).
#pragma once

#include <stdint.h>

#define CHACHA_KEY_SIZE 32
#define CHACHA_BLOCK_SIZE 64

// One block of key stream for key, counter and nonce.
void chacha_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
                  uint8_t block[CHACHA_BLOCK_SIZE]);
