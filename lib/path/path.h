// SPDX-License-Identifier: MIT
// path.h - a path as text: its components.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PATH_NAME_MAX 255

// The bytes that end a component: a slash and NUL. One look for both keeps the walk's innermost
// loop short.
extern const bool path_ends[256];

// Takes the next component off *rest: skips slashes, then everything up to the next slash or the
// end.
// Returns: false at the end of the text; *rest then stands at its NUL.
static inline bool path_next(const char **rest, const char **name, size_t *length)
{
    const char *at = *rest;

    while (*at == '/')
        at++;
    *name = at;
    while (!path_ends[(unsigned char)*at])
        at++;
    *length = (size_t)(at - *name);
    *rest = at;
    return *length != 0;
}

// Whether only slashes are left.
static inline bool path_at_end(const char *rest)
{
    while (*rest == '/')
        rest++;
    return *rest == '\0';
}

static inline bool path_is_dot(const char *name, size_t length)
{
    return length == 1 && name[0] == '.';
}

static inline bool path_is_dotdot(const char *name, size_t length)
{
    return length == 2 && name[0] == '.' && name[1] == '.';
}

// The last component of a path, without slashes around it; length 0 for "/" and "".
void path_last(const char *path, const char **name, size_t *length);

// Whether name can be a directory's entry: not empty, no slash, not "." or "..", at most
// PATH_NAME_MAX bytes.
bool path_name_is_valid(const char *name, size_t length);
