// SPDX-License-Identifier: MIT
// unit: kernel/proc/fdtab.c
// test_fdtab.c - the table of open files against a naive one: lowest free number, growth, copies,
// close-on-exec, failures.

#include "kernel/proc/fdtab.h"

#include <string.h>

#include "kernel/vfs/handle.h"
#include "kernel/vfs/lock.h"
#include "tests/unit/proc_host.h"
#include "tests/unit/tap.h"

#define FDS 9000
#define HANDLES 16

static const struct handle_ops no_ops;
static struct handle handles[HANDLES];

void handle_get(struct handle *handle)
{
    refcount_get(&handle->ref);
}

void handle_put(struct handle *handle)
{
    if (refcount_put(&handle->ref))
        abort(); // the test holds one of each
}

bool thread_relax(void)
{
    return false;
}

atomic_long lock_count;

void lock_owner_leaves(const void *owner, struct node *node)
{
    (void)owner;
    (void)node;
}

static uint64_t seed = 11;

static unsigned draw(unsigned limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

// --- The naive table ---

static struct handle *model[FDS];
static bool model_cloexec[FDS];

static int model_lowest(int from)
{
    while (from < FDS && model[from] != NULL)
        from++;
    return from;
}

static unsigned differences(struct fdtab *table)
{
    unsigned wrong = 0;
    int next = -1;

    for (int fd = FDS - 1; fd >= 0; fd--) {
        struct handle *handle;
        int error = fdtab_find(table, fd, &handle);

        wrong += handle != model[fd] || (error == 0) != (model[fd] != NULL);
        if (error == 0)
            handle_put(handle);
        if (model[fd] != NULL)
            next = fd;
        wrong += fdtab_next(table, fd) != next;
        wrong += fdtab_flags(table, fd) != (model[fd] == NULL ? -EBADF : model_cloexec[fd]);
    }
    return wrong;
}

static unsigned step(struct fdtab *table)
{
    struct handle *handle = &handles[draw(HANDLES)];
    int fd = (int)(draw(4) == 0 ? draw(FDS) : draw(300));
    bool cloexec = draw(2);
    int expected, got;

    switch (draw(8)) {
    case 0: // dup2
        handle_get(handle);
        got = fdtab_set(table, fd, handle, cloexec);
        model[fd] = handle;
        model_cloexec[fd] = cloexec;
        return got != 0;
    case 1:
    case 2:
        expected = model[fd] == NULL ? -EBADF : 0;
        model[fd] = NULL;
        return fdtab_close(table, fd) != expected;
    default:
        expected = model_lowest(fd);
        if (expected >= FDS)
            return 0;
        handle_get(handle);
        got = fdtab_add(table, handle, fd, FDS, cloexec);
        model[expected] = handle;
        model_cloexec[expected] = cloexec;
        return got != expected;
    }
}

static void test_random(void)
{
    struct fdtab *table, *copy;
    unsigned wrong = 0, count = 0;

    ok(fdtab_create(NULL, &table) == 0, "a table is made");
    for (unsigned i = 0; i < 60000; i++)
        wrong += step(table);
    ok(wrong == 0, "60,000 random calls answer as the naive table does (seed 11)");
    ok(differences(table) == 0, "and leave the same files open");
    for (int fd = 0; fd < FDS; fd++)
        count += model[fd] != NULL;
    ok(count > 1000 && host_charged[RESOURCE_FDS] == (long)count, "each open fd is charged once");
    ok(fdtab_copy(table, NULL, &copy) == 0 && differences(copy) == 0, "a copy is the same");
    fdtab_close_on_exec(table);
    for (int fd = 0; fd < FDS; fd++) {
        if (model_cloexec[fd])
            model[fd] = NULL;
    }
    ok(differences(table) == 0, "close-on-exec closes those marked and no other");
    fdtab_close_range(table, 100, 199, false);
    for (int fd = 100; fd < 200; fd++)
        model[fd] = NULL;
    ok(differences(table) == 0, "a range is closed");
    fdtab_close_range(table, 200, UINT32_MAX, true);
    for (int fd = 200; fd < FDS; fd++)
        model_cloexec[fd] = true;
    ok(differences(table) == 0, "a range is marked");
    fdtab_put(table);
    fdtab_put(copy);
}

static void test_limits(void)
{
    struct handle *handle = &handles[0];
    struct fdtab *table;
    int got;

    ok(fdtab_create(NULL, &table) == 0, "another is made");
    handle_get(handle);
    ok(fdtab_add(table, handle, 5, 5, false) == -EMFILE,
       "no fd at or above the limit is given out");
    ok(fdtab_set(table, 1 << 20, handle, false) == -EBADF &&
       fdtab_set(table, -1, handle, false) == -EBADF,
       "a number past the end of all tables is bad");
    host_fail_after = 0;
    got = fdtab_add(table, handle, 64, 1024, false);
    ok(got == -ENOMEM, "growing may fail");
    host_fail_after = -1;
    ok(fdtab_add(table, handle, 64, 1024, false) == 64, "and succeeds later");
    fdtab_put(table);
}

int main(void)
{
    for (unsigned i = 0; i < HANDLES; i++) {
        refcount_init(&handles[i].ref, 1);
        handles[i].ops = &no_ops;
    }
    test_random();
    test_limits();
    for (unsigned i = 0; i < HANDLES; i++)
        host_live += atomic_load(&handles[i].ref.count) != 1;
    ok(host_live == 0 && host_charged[RESOURCE_FDS] == 0,
       "nothing is left, no handle is still held");
    return done_testing();
}
