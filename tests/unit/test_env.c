// SPDX-License-Identifier: MIT
// unit: kernel/proc/env.c
// test_env.c - the environment of a process: setting, reading, removing, copying; every allocation
// that may fail.

#include "kernel/proc/env.h"

#include <string.h>

#include "tests/unit/proc_host.h"
#include "tests/unit/tap.h"

static struct account *const one = (struct account *)16, *const other = (struct account *)32;

static bool holds(struct env *env, const char *name, const char *value)
{
    char text[64];
    ssize_t length = env_get(env, name, 0, text, sizeof(text));

    return length == (ssize_t)strlen(value) && memcmp(text, value, (size_t)length) == 0;
}

// Joins names, each with a blank behind it, up to the one that begins with H.
static bool join_name(void *text, const char *name, size_t length)
{
    strncat(text, name, length);
    strcat(text, " ");
    return name[0] != 'H';
}

static bool lists(struct env *env, size_t from, const char *wanted)
{
    char text[64] = "";

    env_names(env, from, join_name, text);
    return strcmp(text, wanted) == 0;
}

static void test_variables(struct env *env)
{
    char name[256];
    char text[4];

    ok(env_set(env, "HOME", "/", 1) == 0 && env_set(env, "PATH", "/bin:/sbin", 10) == 0,
       "variables are set");
    ok(holds(env, "HOME", "/") && holds(env, "PATH", "/bin:/sbin"), "and read");
    ok(env_set(env, "HOME", "/root", 5) == 0 && holds(env, "HOME", "/root"),
       "a variable is changed");
    ok(env_get(env, "HOM", 0, text, 4) == -ENOENT && env_get(env, "HOMES", 0, text, 4) == -ENOENT,
       "a name is compared whole");
    ok(env_get(env, "PATH", 5, text, 4) == 10 && memcmp(text, "/sbi", 4) == 0,
       "a part is read at an offset");
    ok(env_set(env, "LAST", "x", 1) == 0 && lists(env, 0, "PATH HOME ") && lists(env, 1, "HOME ") &&
           lists(env, 2, "LAST ") && lists(env, 3, "") && env_remove(env, "LAST") == 0,
       "names are listed from any on, as long as they are wanted");
    ok(env_remove(env, "PATH") == 0 && env_remove(env, "PATH") == -ENOENT &&
       holds(env, "HOME", "/root"),
       "a variable is removed once");
    ok(env_set(env, "", "x", 1) == -EINVAL && env_set(env, "a=b", "x", 1) == -EINVAL &&
           env_set(env, "a/b", "x", 1) == -EINVAL && env_set(env, "a", "x\0y", 3) == -EINVAL,
       "names and values that cannot be are refused");
    memset(name, 'n', 255);
    name[255] = '\0';
    ok(env_set(env, name, "", 0) == 0 && env_remove(env, name) == 0, "a name may have 255 bytes");
}

static void test_size(struct env *env)
{
    char *big = calloc(1, 128 * 1024 + 1);
    int error = 0, count = 0;
    char name[8] = "v";

    memset(big, 'x', 128 * 1024 + 1);
    ok(env_set(env, "BIG", big, 128 * 1024 + 1) == -E2BIG, "a value over 128 KiB is refused");
    for (; error == 0 && count < 100; count++) {
        name[1] = (char)('a' + count % 26);
        name[2] = (char)('a' + count / 26);
        error = env_set(env, name, big, 128 * 1024);
    }
    ok(error == -E2BIG && count > 10 && count < 20, "all together stay under 2 MiB");
    memset(big, 'y', 128 * 1024);
    ok(env_set(env, "vaa", big, 128 * 1024) == 0 && env_get(env, "vaa", 0, name, 1) == 128 * 1024 &&
           name[0] == 'y',
       "where these are full a value is changed for one as long");
    ok(env_set(env, "new", big, 128 * 1024) == -E2BIG && env_get(env, "new", 0, name, 1) == -ENOENT,
       "and none is added");
    free(big);
}

static void test_copies(void)
{
    static const char *const envp[] = { "A=1", "junk", "B=", NULL };
    struct env *from = NULL, *same = NULL, *far = NULL;
    char **list = NULL;

    ok(env_create(one, &from) == 0 && env_create(one, &same) == 0 && env_create(other, &far) == 0,
       "three are made");
    ok(env_replace(from, envp) == 0 && holds(from, "A", "1") && holds(from, "B", ""),
       "a list replaces all");
    ok(env_copy(same, from) == 0 && env_copy(far, from) == 0,
       "an environment is copied within a box and out of it");
    ok(env_copy(far, from) == -EBUSY, "but not onto another");
    ok(env_set(from, "A", "2", 1) == 0 && holds(same, "A", "1") && holds(far, "A", "1"),
       "a copy stays as it was");
    ok(env_list(same, &list) == 0 && strcmp(list[0], "A=1") == 0 && strcmp(list[1], "B=") == 0 &&
       list[2] == NULL,
       "it is listed for exec");
    kfree(list);
    env_destroy(from);
    env_destroy(same);
    env_destroy(far);
}

// Fails the nth allocation of a sequence of calls, for every n: an error changes nothing.
static void test_failures(void)
{
    unsigned refused = 0, changed = 0;
    int error = -ENOMEM;

    for (long nth = 0; error == -ENOMEM; nth++) {
        struct env *env;

        host_fail_after = -1;
        if (env_create(one, &env) != 0 || env_set(env, "K", "old", 3) != 0)
            break;
        host_fail_after = nth;
        error = env_set(env, "K", "new", 3);
        refused += error == -ENOMEM;
        changed += !holds(env, "K", error == 0 ? "new" : "old");
        host_fail_after = -1;
        env_destroy(env);
    }
    ok(error == 0 && refused > 0 && changed == 0, "a failed change changes nothing");
}

int main(void)
{
    struct env *env = NULL;

    ok(env_create(one, &env) == 0, "an environment is made");
    test_variables(env);
    test_size(env);
    env_destroy(env);
    test_copies();
    test_failures();
    ok(host_live == 0, "nothing is left");
    return done_testing();
}
