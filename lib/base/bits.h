// SPDX-License-Identifier: MIT
// bits.h - sets of small numbers, as an array of 64-bit words.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BITS_WORDS(count) (((count) + 63) / 64)

static inline bool bits_test(const uint64_t *words, unsigned bit)
{
    return words[bit / 64] >> (bit % 64) & 1;
}

static inline void bits_set(uint64_t *words, unsigned bit)
{
    words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static inline void bits_clear(uint64_t *words, unsigned bit)
{
    words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
}

// The number of the lowest bit set; word must not be 0.
static inline unsigned bits_lowest(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

// The number of the highest bit set; word must not be 0.
static inline unsigned bits_highest(uint64_t word)
{
    return 63U - (unsigned)__builtin_clzll(word);
}

// How many bits are set. By hand: without the instruction the compiler would call its own library.
static inline unsigned bits_count(uint64_t word)
{
    unsigned count = 0;

    for (; word != 0; word &= word - 1)
        count++;
    return count;
}
