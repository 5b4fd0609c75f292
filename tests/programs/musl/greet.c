// SPDX-License-Identifier: MIT
// greet.c - a shared library, with data to relocate, a constructor and a variable for each thread.

#include <stdio.h>

const char *greet(void);

static const char *const words[] = { "hello", "from a library" };
static const char *const *volatile table = words;
static _Thread_local int calls = 40;

__attribute__((constructor)) static void arrive(void)
{
    puts("the library is there");
}

const char *greet(void)
{
    static char text[64];

    snprintf(text, sizeof(text), "%s %s %d", table[0], table[1], ++calls);
    return text;
}
