// SPDX-License-Identifier: MIT
// unit: lib/path/path.c
// test_path.c - paths as text.
#include <string.h>

#include "lib/path/path.h"
#include "tests/unit/tap.h"

static bool splits(const char *path, const char *expected)
{
    char joined[256] = "";
    const char *rest = path;
    const char *name;
    size_t length;

    while (path_next(&rest, &name, &length)) {
        strncat(joined, name, length);
        strcat(joined, "|");
    }
    return strcmp(joined, expected) == 0 && *rest == '\0';
}

static bool last_is(const char *path, const char *expected)
{
    const char *name;
    size_t length;

    path_last(path, &name, &length);
    return length == strlen(expected) && memcmp(name, expected, length) == 0;
}

int main(void)
{
    char name[300];

    ok(splits("", ""), "an empty path has no component");
    ok(splits("/", "") && splits("///", ""), "slashes alone are no component");
    ok(splits("a", "a|") && splits("/a", "a|") && splits("a/", "a|"),
       "slashes around a component do not count");
    ok(splits("//usr///bin//ls/", "usr|bin|ls|"), "slashes between components count as one");
    ok(splits("./../.a/..b", ".|..|.a|..b|"), "dots are components like others");
    ok(last_is("/usr/bin/ls", "ls") && last_is("ls//", "ls"), "the last component is found");
    ok(last_is("/", "") && last_is("", ""), "no last component is an empty one");
    ok(path_at_end("") && path_at_end("//") && !path_at_end("/a"),
       "the end is where only slashes are left");
    ok(path_is_dot(".", 1) && !path_is_dot("..", 2) && !path_is_dot("a", 1),
       "a dot is told from others");
    ok(path_is_dotdot("..", 2) && !path_is_dotdot(".a", 2), "two dots are told from others");
    memset(name, 'x', sizeof(name));
    ok(path_name_is_valid(name, 255) && !path_name_is_valid(name, 256),
       "a name has at most 255 bytes");
    ok(!path_name_is_valid("", 0) && !path_name_is_valid(".", 1) && !path_name_is_valid("..", 2) &&
           !path_name_is_valid("a/b", 3),
       "the empty name, dots and names with a slash are refused");
    return done_testing();
}
