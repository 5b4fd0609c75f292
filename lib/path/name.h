// SPDX-License-Identifier: MIT
// name.h - names of entries, compared and hashed a word at a time: most are so short that two words
// that overlap cover them whole.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint64_t name_word(const char *at)
{
    uint64_t word;

    __builtin_memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint64_t name_half(const char *at)
{
    uint32_t half;

    __builtin_memcpy(&half, at, sizeof(half));
    return half;
}

// The bytes of a name of up to 8 bytes as a number; not empty. With the length it tells names
// apart.
static inline uint64_t name_short(const char *name, size_t length)
{
    if (length >= 4)
        return name_half(name) | name_half(name + length - 4) << 32;
    return (uint64_t)(uint8_t)name[0] | (uint64_t)(uint8_t)name[length / 2] << 8 |
           (uint64_t)(uint8_t)name[length - 1] << 16;
}

// A hash that spreads every byte over the upper half of the product (the multiplier is 2^64 over
// the golden ratio).
static inline uint32_t name_hash(const char *name, size_t length)
{
    const uint64_t multiplier = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = length;
    const char *end = name + length;

    if (length <= 8)
        return (uint32_t)(((hash ^ name_short(name, length)) * multiplier) >> 32);
    for (; end - name > 8; name += 8) {
        hash = (hash ^ name_word(name)) * multiplier;
        hash ^= hash >> 32;
    }
    return (uint32_t)(((hash ^ name_word(end - 8)) * multiplier) >> 32);
}

// Whether two names of one length, not empty, are the same.
static inline bool name_equal(const char *a, const char *b, size_t length)
{
    size_t offset = 0;

    if (length <= 8)
        return name_short(a, length) == name_short(b, length);
    for (; length - offset > 8; offset += 8)
        if (name_word(a + offset) != name_word(b + offset))
            return false;
    return name_word(a + length - 8) == name_word(b + length - 8);
}
