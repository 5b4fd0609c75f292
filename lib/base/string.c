// SPDX-License-Identifier: MIT
// string.c - memory and string functions for the kernel, which has no libc and may not use SSE.
//
// Long runs go by rep movsq and rep stosq, eight bytes a step on every CPU; short ones by loads and
// stores that may overlap each other. NO_PATTERNS marks the loops that the compiler would otherwise
// turn back into a call of the very function they stand in.

#include <string.h>

#include <stdint.h>

#include "lib/base/compiler.h"

#define NO_PATTERNS __attribute__((optimize("no-tree-loop-distribute-patterns")))

// Loads and stores at any address, of any type (x86-64 has no alignment traps here).
struct word64 {
    uint64_t value;
} PACKED __attribute__((may_alias));
struct word32 {
    uint32_t value;
} PACKED __attribute__((may_alias));

#define AT64(address) (((struct word64 *)(address))->value)
#define AT32(address) (((struct word32 *)(address))->value)

// At most 7 bytes; everything is read before anything is written, so the two may overlap.
static ALWAYS_INLINE void copy_below_8(char *to, const char *from, size_t size)
{
    if (size >= 4) {
        uint32_t first = AT32(from), last = AT32(from + size - 4);

        AT32(to) = first;
        AT32(to + size - 4) = last;
    } else if (size != 0) {
        char first = from[0], middle = from[size / 2], last = from[size - 1];

        to[0] = first;
        to[size / 2] = middle;
        to[size - 1] = last;
    }
}

// 8 to 32 bytes, likewise.
static ALWAYS_INLINE void copy_to_32(char *to, const char *from, size_t size)
{
    uint64_t a = AT64(from), d = AT64(from + size - 8);

    if (size > 16) {
        uint64_t b = AT64(from + 8), c = AT64(from + size - 16);

        AT64(to + 8) = b;
        AT64(to + size - 16) = c;
    }
    AT64(to) = a;
    AT64(to + size - 8) = d;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    if (size < 8) {
        copy_below_8(to, from, size);
    } else if (size <= 32) {
        copy_to_32(to, from, size);
    } else {
        void *at = to;
        const void *source = from;
        size_t words = size / 8;

        AT64((char *)to + size - 8) = AT64((const char *)from + size - 8);
        __asm__ volatile("rep movsq" : "+D"(at), "+S"(source), "+c"(words) : : "memory");
    }
    return to;
}

static NO_PATTERNS void copy_backward(char *to, const char *from, size_t size)
{
    while (size >= 8) {
        size -= 8;
        AT64(to + size) = AT64(from + size);
    }
    while (size-- > 0)
        to[size] = from[size];
}

void *memmove(void *to, const void *from, size_t size)
{
    if (size < 8) {
        copy_below_8(to, from, size);
    } else if (size <= 32) {
        copy_to_32(to, from, size);
    } else if ((uintptr_t)to - (uintptr_t)from >= size) {
        void *at = to;
        const void *source = from;
        size_t words = size / 8;

        __asm__ volatile("rep movsq" : "+D"(at), "+S"(source), "+c"(words) : : "memory");
        copy_below_8(at, source, size % 8);
    } else {
        copy_backward(to, from, size);
    }
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    uint64_t word = UINT64_C(0x0101010101010101) * (unsigned char)byte;
    char *bytes = to;

    if (size < 8) {
        if (size >= 4) {
            AT32(bytes) = (uint32_t)word;
            AT32(bytes + size - 4) = (uint32_t)word;
        } else if (size != 0) {
            bytes[0] = (char)byte;
            bytes[size / 2] = (char)byte;
            bytes[size - 1] = (char)byte;
        }
        return to;
    }
    AT64(bytes + size - 8) = word;
    if (size <= 32) {
        AT64(bytes) = word;
        if (size > 16) {
            AT64(bytes + 8) = word;
            AT64(bytes + size - 16) = word;
        }
    } else {
        void *at = to;
        size_t words = size / 8;

        __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(word) : "memory");
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *left = a, *right = b;

    while (size >= 8 && AT64(left) == AT64(right)) {
        left += 8;
        right += 8;
        size -= 8;
    }
    for (; size > 0; size--, left++, right++) {
        if (*left != *right)
            return *left - *right;
    }
    return 0;
}

void *memchr(const void *data, int byte, size_t size)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == (unsigned char)byte)
            return (void *)(bytes + i);
    }
    return NULL;
}

NO_PATTERNS size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0')
        length++;
    return length;
}

size_t strnlen(const char *text, size_t limit)
{
    size_t length = 0;

    while (length < limit && text[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (; limit > 0; limit--, a++, b++) {
        if (*a != *b || *a == '\0')
            return (unsigned char)*a - (unsigned char)*b;
    }
    return 0;
}

char *strchr(const char *text, int byte)
{
    for (;; text++) {
        if (*text == (char)byte)
            return (char *)text;
        if (*text == '\0')
            return NULL;
    }
}

char *strrchr(const char *text, int byte)
{
    const char *found = NULL;

    for (;; text++) {
        if (*text == (char)byte)
            found = text;
        if (*text == '\0')
            return (char *)found;
    }
}
