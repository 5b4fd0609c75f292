// SPDX-License-Identifier: MIT
// path.c - a path as text; see path.h.

#include "lib/path/path.h"

#include <string.h>

const bool path_ends[256] = { ['/'] = true, ['\0'] = true };

void path_last(const char *path, const char **name, size_t *length)
{
    const char *rest = path;
    const char *found;
    size_t found_length;

    *name = path;
    *length = 0;
    while (path_next(&rest, &found, &found_length)) {
        *name = found;
        *length = found_length;
    }
}

bool path_name_is_valid(const char *name, size_t length)
{
    return length != 0 && length <= PATH_NAME_MAX && memchr(name, '/', length) == NULL &&
           !path_is_dot(name, length) && !path_is_dotdot(name, length);
}
