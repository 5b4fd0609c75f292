// SPDX-License-Identifier: MIT
// process_interface.c - /dev/process-interface of test builds: process.h, called as the kernel does.
//
// A write is the name of a row of docs/seeds.md. It makes a box inside the writer's by process_new,
// calls the row's functions on it, ends and reaps it. What does not answer as process.h promises is
// a line number of the file that has the row; reading gives it after a write that failed with EIO.
#include "kernel/dev/process_interface.h"

#ifdef BOXWORK_DEBUG

#include <string.h>

#include "abi/errors.h"
#include "abi/signal.h"
#include "abi/stat.h"
#include "abi/wait.h"
#include "kernel/dev/process_interface_rows.h"
#include "kernel/fs/devfs/devfs.h"
#include "kernel/fs/ramfs/ramfs.h"
#include "kernel/mem/account.h"
#include "kernel/ns/names.h"
#include "kernel/proc/box.h"
#include "kernel/proc/env.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"
#include "kernel/sched/timer.h"
#include "kernel/sched/waitq.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "kernel/vfs/node.h"
#include "lib/base/fmt.h"

#define MISC_MAJOR 10
#define INTERFACE_MINOR 252
#define NAME_SIZE 32
#define PRIORITY_DEFAULT 19

// What call comes to while the box of process has none of resource left.
#define FULL(process, resource, call)                                                              \
    ({                                                                                             \
        int64_t full_result;                                                                       \
        account_set_limit((process)->box->account, (resource), 0);                                 \
        full_result = (call);                                                                      \
        account_set_limit((process)->box->account, (resource), INT64_MAX);                         \
        full_result;                                                                               \
    })

static int failed_line;

// push $7; pop %rdi; mov $60, %eax; syscall: exit(7) of this thread, which needs a stack.
static const uint8_t exit_code[] = { 0x6a, 7, 0x5f, 0xb8, 60, 0, 0, 0, 0x0f, 0x05 };
// mov $34, %eax; syscall; jmp back: pause() for ever.
static const uint8_t pause_code[] = { 0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7 };

// --- What the rows share ---

// A program of a page at CODE, as a loader makes it: mapped to be written, then to be run.
static int load(struct process *process, const void *code, size_t size)
{
    EXPECT(row_map(process, CODE, PAGE, READ | WRITE) == 0);
    EXPECT(row_write(process, CODE, code, size) == 0);
    EXPECT(process_mchmap(process, CODE, PAGE, READ | EXECUTE) == 0);
    return 0;
}

// --- Rows: each returns 0 or the line of what does not hold ---

static int check_get_kernel(struct process *made)
{
    struct process *kernel = process_get_kernel();
    unsigned count = atomic_load(&kernel->ref.count);

    EXPECT(kernel != NULL && kernel == process_get_kernel());
    EXPECT(atomic_load(&kernel->ref.count) == count);
    EXPECT(kernel->pid == 0 && kernel != made && kernel != process_current());
    EXPECT(kernel->space == NULL && kernel->fds == NULL && kernel->thread_count == 0);
    return 0;
}

static struct waitq current_told = WAITQ_INIT(current_told);
static struct process *_Atomic current_of_kernel_thread;

static void tell_current(void *unused)
{
    (void)unused;
    atomic_store(&current_of_kernel_thread, process_current());
    waitq_wake(&current_told, WAKE_ALL, 0);
}

static int check_current(struct process *made)
{
    EXPECT(process_current() == thread_current()->process && process_current() != made);
    atomic_store(&current_of_kernel_thread, NULL);
    EXPECT(thread_create_kernel("current", tell_current, NULL) == 0);
    EXPECT(WAIT_EVENT(&current_told, WAIT_KILLABLE, NSEC_NEVER,
                      atomic_load(&current_of_kernel_thread) != NULL) == 0);
    EXPECT(atomic_load(&current_of_kernel_thread) == process_get_kernel());
    return 0;
}

static int check_new(struct process *made)
{
    struct process *high;
    struct handle *handle;
    struct record *record;

    EXPECT(made->head && made->pid == 1 && made->outer_pid > 0);
    EXPECT(made->box != process_current()->box && made->box->outer == process_current()->box);
    EXPECT(atomic_load(&made->state) == PROCESS_NEW && atomic_load(&made->flags) == PROCESS_NONE);
    EXPECT(made->priority == PRIORITY_DEFAULT);
    EXPECT(process_read_fd(made, 0, &handle) == -EBADF);
    EXPECT(process_start(made, 0) == -ENOEXEC);
    EXPECT(process_new(process_current(), 63, &high) == 0);
    EXPECT(high->priority == PRIORITY_USER_MOST);
    record = high->record;
    record_get(record);
    process_kill(high, -9);
    process_put(high);
    EXPECT(process_wait(record, &(int64_t){ 0 }, true) == 0 && process_reap(record) == 0);
    record_put(record);
    return 0;
}

// Each failure leaves the pointer alone, and of what it has begun nothing: run_row's ledger.
static int check_new_fails(struct process *made)
{
    struct process *none = NULL;

    EXPECT(FULL(made, RESOURCE_PROCESSES, process_new(made, PRIORITY_DEFAULT, &none)) == -EAGAIN);
    EXPECT(FULL(made, RESOURCE_MEMORY, process_new(made, PRIORITY_DEFAULT, &none)) == -ENOMEM);
    EXPECT(none == NULL);
    process_kill(made, -9);
    EXPECT(process_new(made, PRIORITY_DEFAULT, &none) == -ESRCH && none == NULL);
    return 0;
}

// Boxes in boxes, until there may be no more. They end with made's.
static int check_new_deepest(struct process *made)
{
    struct process *parent = made, *inner = NULL;
    int error;

    process_get(parent);
    while ((error = process_new(parent, PRIORITY_DEFAULT, &inner)) == 0) {
        process_put(parent);
        parent = inner;
    }
    error = error == -EAGAIN && parent == inner && parent->box->depth == 31 ? 0 : __LINE__;
    process_put(parent);
    return error;
}

static int check_start(struct process *made)
{
    int64_t status = 0;

    EXPECT(load(made, exit_code, sizeof(exit_code)) == 0);
    EXPECT(process_get_status(made->record, &status) == -EAGAIN);
    EXPECT(process_wait(made->record, &status, false) == -EAGAIN);
    EXPECT(process_wait(process_current()->record, &status, true) == -EDEADLK);
    EXPECT(process_reap(made->record) == -EBUSY);
    EXPECT(FULL(made, RESOURCE_MEMORY, process_start(made, CODE)) == -ENOMEM);
    EXPECT(FULL(made, RESOURCE_THREADS, process_start(made, CODE)) == -EAGAIN);
    EXPECT(process_start(made, CODE) == 0);
    return 0;
}

static int check_exit(struct process *made)
{
    process_exit(made, PROCESS_FINISHED, 12);
    EXPECT(PROCESS_NONE == 0 && PROCESS_DYING == 1 << 0 && PROCESS_SUSPENDED == 1 << 1);
    EXPECT(atomic_load(&made->flags) & PROCESS_DYING);
    process_exit(made, PROCESS_KILLED, 0); // the first to end it has won
    return 0;
}

static int check_finished_large(struct process *made)
{
    process_exit(made, PROCESS_FINISHED, 256 + 7);
    return 0;
}

static int check_failure(struct process *made)
{
    process_exit(made, PROCESS_FAILURE, -8);
    return 0;
}

static int check_failure_plain(struct process *made)
{
    process_exit(made, PROCESS_FAILURE, 3);
    return 0;
}

static int check_killed(struct process *made)
{
    process_exit(made, PROCESS_KILLED, 0);
    return 0;
}

static int check_killed_by(struct process *made)
{
    process_exit(made, PROCESS_KILLED, -15);
    return 0;
}

// The writer goes on until it returns to user space.
static int check_exit_self(struct process *made)
{
    (void)made;
    process_exit(process_current(), PROCESS_FINISHED, 12);
    EXPECT(atomic_load(&process_current()->flags) & PROCESS_DYING);
    EXPECT(atomic_load(&process_current()->state) == PROCESS_RUNNING);
    return 0;
}

static int check_kill(struct process *made)
{
    process_kill(made, INT64_C(123456789123));
    process_kill(made, 5);
    EXPECT(process_start(made, CODE) == -ESRCH);
    return 0;
}

static int check_thread(struct process *made)
{
    int64_t tid;

    EXPECT(load(made, pause_code, sizeof(pause_code)) == 0);
    EXPECT(process_new_thread(made, CODE, CODE, NULL) == -EINVAL);
    EXPECT(atomic_load(&made->state) == PROCESS_NEW && made->thread_count == 0);
    EXPECT(process_start(made, CODE) == 0);
    EXPECT(FULL(made, RESOURCE_THREADS, process_new_thread(made, CODE, CODE, NULL)) == -EAGAIN);
    EXPECT(FULL(made, RESOURCE_MEMORY, process_new_thread(made, CODE, CODE, NULL)) == -ENOMEM);
    EXPECT(row_map(made, CODE + PAGE, PAGE, READ | WRITE) == 0);
    EXPECT(row_map(made, CODE + 2 * PAGE, PAGE, READ | WRITE) == 0);
    EXPECT(row_write(made, CODE + 2 * PAGE, exit_code, sizeof(exit_code)) == 0);
    EXPECT(process_mchmap(made, CODE + 2 * PAGE, PAGE, READ | EXECUTE) == 0);
    EXPECT(process_has_thread(made, 1) && !process_has_thread(made, 1000));
    tid = process_new_thread(made, CODE, CODE + 2 * PAGE, NULL);
    EXPECT(tid > 1 && process_has_thread(made, (pid_t)tid) && process_next_thread(made, 1) == tid);
    EXPECT(!process_has_thread(process_current(), (pid_t)tid));
    // One that leaves, by way of the stack it was given: process_thread_exited takes it out, the
    // process goes on.
    tid = process_new_thread(made, CODE + 2 * PAGE, CODE + 2 * PAGE, NULL);
    EXPECT(tid > 1);
    for (int i = 0; i < 1000 && process_has_thread(made, (pid_t)tid); i++)
        EXPECT(thread_sleep_until(clock_now() + NSEC_PER_MSEC, WAIT_KILLABLE) != -EINTR);
    EXPECT(!process_has_thread(made, (pid_t)tid));
    EXPECT(atomic_load(&made->state) == PROCESS_RUNNING);
    return 0;
}

// Of the numbers given out so far those that lead to children of the caller: how many heads, and
// how many members.
static int count_children(pid_t last, unsigned counts[2])
{
    counts[0] = counts[1] = 0;
    for (pid_t number = 0; number <= last; number++) {
        struct record *child = process_find_child(process_current(), number);

        if (child == NULL)
            continue;
        EXPECT((child->head ? child->outer_pid : child->pid) == number);
        counts[!child->head]++;
        record_put(child);
    }
    return 0;
}

// The writer has a member child, dead, and one living, which has a child of its own.
static int check_find_child(struct process *made)
{
    struct record *child = process_find_child(process_current(), made->outer_pid);
    unsigned counts[2];
    int line;

    EXPECT(child == made->record);
    record_put(child);
    line = count_children(made->outer_pid, counts);
    EXPECT(line == 0 && counts[0] == 1 && counts[1] == 2);
    EXPECT(process_find_child(process_current(), process_current()->pid) == NULL);
    EXPECT(process_find_child(process_current(), 1 << 29) == NULL);
    EXPECT(process_find_child(made, 1) == NULL);
    return 0;
}

// The writer has one member child, which ends with 9, and made, which is never reported so.
static int check_wait_any(struct process *made)
{
    struct wait_request request = { .options = WEXITED };

    EXPECT(process_wait_any_child(process_current(), &request, true) == 0);
    EXPECT(request.pid > 0 && request.pid != made->outer_pid);
    EXPECT(request.code == CLD_EXITED && request.status == 9);
    EXPECT(process_wait_any_child(process_current(), &request, true) == -ECHILD);
    EXPECT(process_wait_any_child(process_current(), &request, false) == -ECHILD);
    return 0;
}

// The writer has a member child, which lives.
static int check_wait_any_living(struct process *made)
{
    struct wait_request request = { .options = WEXITED };

    (void)made;
    EXPECT(process_wait_any_child(process_current(), &request, false) == -EAGAIN);
    return 0;
}

// And a signal for the writer comes while it waits.
static int check_wait_interrupted(struct process *made)
{
    struct wait_request request = { .options = WEXITED };
    int64_t status;

    EXPECT(process_wait(made->record, &status, true) == -EINTR);
    EXPECT(process_wait_any_child(process_current(), &request, true) == -EINTR);
    return 0;
}

// The writer has a variable COLOUR=green.
static int check_copy_env(struct process *made)
{
    char value[8] = "";
    int error;

    EXPECT(process_copy_env(made, NULL) == -EINVAL && process_copy_env(NULL, made) == -EINVAL);
    EXPECT(process_copy_env(made, made) == -EINVAL);
    account_set_limit(made->box->account, RESOURCE_MEMORY, 0);
    error = process_copy_env(made, process_current());
    account_set_limit(made->box->account, RESOURCE_MEMORY, INT64_MAX);
    EXPECT(error == -ENOMEM && env_get(made->env, "COLOUR", 0, value, 0) == -ENOENT);
    EXPECT(process_copy_env(made, process_current()) == 0);
    EXPECT(env_get(made->env, "COLOUR", 0, value, sizeof(value)) == 5);
    EXPECT(memcmp(value, "green", 5) == 0);
    EXPECT(process_copy_env(made, process_current()) == -EBUSY);
    EXPECT(env_get(made->env, "COLOUR", 0, value, sizeof(value)) == 5);
    return 0;
}

// Whether the process has this cmdline.
static bool has_cmdline(struct process *process, const char *wanted, size_t size)
{
    char got[32];

    return process_get_cmdline(process, 0, got, sizeof(got)) == size &&
           memcmp(got, wanted, size) == 0;
}

static int check_set_cmdline(struct process *made)
{
    static const char *const argv[] = { "one", "", "two words", NULL };
    static char long_word[8 * 1024];
    static const char *many[1024]; // such words: past the most that exec takes, 6 MiB

    memset(long_word, 'x', sizeof(long_word) - 1);
    for (unsigned i = 0; i < ARRAY_LEN(many); i++)
        many[i] = long_word;
    EXPECT(process_set_cmdline(made, argv, 0) == -EINVAL);
    EXPECT(process_set_cmdline(made, NULL, 1) == -EINVAL);
    EXPECT(process_set_cmdline(NULL, argv, 1) == -EINVAL);
    EXPECT(process_set_cmdline(made, argv, 4) == -EINVAL);
    EXPECT(has_cmdline(made, "", 0));
    EXPECT(process_set_cmdline(made, argv, 3) == 0);
    EXPECT(process_set_cmdline(made, many, ARRAY_LEN(many)) == -E2BIG);
    EXPECT(has_cmdline(made, "one\0\0two words", 15));
    // It is for cmdline alone: no name and no program comes of it.
    EXPECT(made->name[0] == '\0' && made->image == NULL && made->exe.node == NULL);
    EXPECT(process_start(made, 0) == -ENOEXEC);
    return 0;
}

static int check_set_cmdline_full(struct process *made)
{
    static const char *const argv[] = { "one", NULL };
    static const char *const old[] = { "old", NULL };
    int full;

    EXPECT(process_set_cmdline(made, old, 1) == 0);
    account_set_limit(made->box->account, RESOURCE_MEMORY, 0);
    full = process_set_cmdline(made, argv, 1);
    account_set_limit(made->box->account, RESOURCE_MEMORY, INT64_MAX);
    EXPECT(full == -ENOMEM);
    EXPECT(has_cmdline(made, "old", 4));
    return 0;
}

static int check_fs(struct process *made)
{
    struct grant *grant, *file, *found = NULL;
    struct handle *handle;
    struct tree *tree;

    EXPECT(ramfs_create(made->box->account, &tree) == 0);
    EXPECT(grant_create(NULL, tree->root, RIGHT_READ, made->box->account, &grant) == 0);
    EXPECT(process_find_fs(made, "data", &found) == -ENOENT);
    EXPECT(FULL(made, RESOURCE_MEMORY, process_add_fs(made, grant, "data")) == -ENOMEM);
    EXPECT(process_add_fs(made, grant, "data") == 0);
    EXPECT(atomic_load(&grant->ref.count) == 2);
    EXPECT(process_add_fs(made, grant, "data") == -EEXIST);
    EXPECT(process_add_fs(made, grant, "no/name") == -EINVAL);
    EXPECT(process_find_fs(made, "data", &found) == 0 && found == grant);
    EXPECT(atomic_load(&grant->ref.count) == 3);
    grant_put(found);
    EXPECT(process_rm_fs(made, "data") == 0 && process_rm_fs(made, "data") == -ENOENT);
    EXPECT(process_find_fs(made, "data", &found) == -ENOENT);
    EXPECT(atomic_load(&grant->ref.count) == 1);
    // A name's tree may be one file; the tree that paths begin in may not.
    EXPECT(process_read_fd(process_current(), 50, &handle) == 0);
    EXPECT(grant_create(NULL, handle->node, RIGHT_READ, made->box->account, &file) == 0);
    EXPECT(process_add_fs(made, file, "") == -ENOTDIR && process_add_fs(made, file, "file") == 0);
    grant_put(file);
    handle_put(handle);
    grant_put(grant);
    node_put(tree->root);
    return 0;
}

// Puts a reference of its own in; gives it back where that fails.
static int add_fd(struct process *process, struct handle *handle, int fd)
{
    int error;

    handle_get(handle);
    error = fd == -1 ? process_add_fd(process, handle, 0, false)
                     : process_add_fd_as(process, handle, fd, false);
    if (error < 0)
        handle_put(handle);
    return error;
}

// The writer's fds 50 and 51 are open, each by itself.
static int check_fd(struct process *made)
{
    struct handle *handle, *other, *found = NULL;
    unsigned before;

    EXPECT(process_read_fd(process_current(), 50, &handle) == 0);
    EXPECT(process_read_fd(process_current(), 51, &other) == 0 && other != handle);
    before = atomic_load(&handle->ref.count);
    EXPECT(FULL(made, RESOURCE_MEMORY, add_fd(made, handle, 1000)) == -ENOMEM); // the table grows
    EXPECT(FULL(made, RESOURCE_FDS, add_fd(made, handle, -1)) == -EMFILE);
    EXPECT(FULL(made, RESOURCE_FDS, add_fd(made, handle, 9)) == -EMFILE);
    EXPECT(atomic_load(&handle->ref.count) == before);
    EXPECT(add_fd(made, handle, -1) == 0 && add_fd(made, handle, -1) == 1);
    EXPECT(add_fd(made, handle, 9) == 0);
    EXPECT(add_fd(made, handle, -2) == -EBADF && add_fd(made, handle, 1024) == -EBADF);
    EXPECT(atomic_load(&handle->ref.count) == before + 3);
    EXPECT(process_read_fd(made, 9, &found) == 0 && found == handle);
    EXPECT(atomic_load(&handle->ref.count) == before + 4);
    handle_put(found);
    EXPECT(add_fd(made, other, 9) == 0); // in its place
    EXPECT(process_read_fd(made, 9, &found) == 0 && found == other);
    handle_put(found);
    EXPECT(atomic_load(&handle->ref.count) == before + 2);
    EXPECT(process_close_fd(made, 0) == 0 && process_close_fd(made, 0) == -EBADF);
    EXPECT(process_read_fd(made, 0, &found) == -EBADF);
    EXPECT(atomic_load(&handle->ref.count) == before + 1);
    EXPECT(add_fd(made, handle, -1) == 0); // the lowest that is free
    made->rlimits[RLIMIT_NOFILE][0] = 2;
    EXPECT(add_fd(made, handle, -1) == -EMFILE && add_fd(made, handle, 2) == -EBADF);
    EXPECT(atomic_load(&handle->ref.count) == before + 2);
    handle_put(other);
    handle_put(handle);
    return 0;
}

// All that is asked of a process which has ended, but whose struct the caller still has.
static int check_ended_parts(struct process *made, struct handle *handle, struct grant *grant)
{
    struct grant *found;
    struct handle *open;
    struct process *inner;

    EXPECT(process_new(made, PRIORITY_DEFAULT, &inner) == -ESRCH);
    EXPECT(process_start(made, CODE) == -ESRCH);
    EXPECT(process_new_thread(made, CODE, CODE, NULL) == -ESRCH);
    EXPECT(process_add_fs(made, grant, "data") == -ESRCH);
    EXPECT(process_find_fs(made, "data", &found) == -ESRCH);
    EXPECT(process_rm_fs(made, "data") == -ESRCH);
    EXPECT(add_fd(made, handle, -1) == -ESRCH && add_fd(made, handle, 9) == -ESRCH);
    EXPECT(process_read_fd(made, 0, &open) == -ESRCH && process_close_fd(made, 0) == -ESRCH);
    EXPECT(row_map(made, CODE, PAGE, READ) == -ESRCH);
    EXPECT(row_map_file(made, handle, 0, READ, CODE) == -ESRCH);
    EXPECT(process_mchmap(made, CODE, PAGE, READ) == -ESRCH);
    EXPECT(process_munmap(made, CODE, PAGE) == -ESRCH);
    return 0;
}

// The writer's fd 50 is a program's file.
static int check_ended(struct process *made)
{
    struct grant *found;
    struct handle *handle;
    int line;

    EXPECT(process_read_fd(process_current(), 50, &handle) == 0);
    process_kill(made, -9);
    while (process_find_fs(made, "", &found) != -ESRCH) // its box goes last
        EXPECT(thread_sleep_until(clock_now() + NSEC_PER_MSEC, WAIT_KILLABLE) != -EINTR);
    line = check_ended_parts(made, handle, handle->grant);
    handle_put(handle);
    return line;
}

// Of the writer's box all numbers have been given out: the next is the least that is free.
static int check_numbers_end(struct process *made)
{
    struct box *box = box_current();
    uint64_t irq = spin_lock_irq_save(&tree_lock);

    (void)made;
    box->pids.last = PID_LIMIT - 1;
    spin_unlock_irq_restore(&tree_lock, irq);
    return 0;
}

static const struct row {
    const char *name;
    int (*check)(struct process *made);
    int64_t
        status; // with which the process ends; it is killed with -9 where the row does not do so
} rows[] = {
    { "get_kernel", check_get_kernel, -9 },
    { "current", check_current, -9 },
    { "new", check_new, -9 },
    { "new_fails", check_new_fails, -9 },
    { "new_deepest", check_new_deepest, -9 },
    { "start", check_start, 7 },
    { "exit", check_exit, 12 },
    { "finished_large", check_finished_large, 7 },
    { "failure", check_failure, -8 },
    { "failure_plain", check_failure_plain, -11 },
    { "killed", check_killed, -9 },
    { "killed_by", check_killed_by, -15 },
    { "exit_self", check_exit_self, -9 },
    { "kill", check_kill, INT64_C(123456789123) },
    { "ended", check_ended, -9 },
    { "thread", check_thread, -9 },
    { "find_child", check_find_child, -9 },
    { "wait_any", check_wait_any, -9 },
    { "wait_any_living", check_wait_any_living, -9 },
    { "wait_interrupted", check_wait_interrupted, -9 },
    { "copy_env", check_copy_env, -9 },
    { "set_cmdline", check_set_cmdline, -9 },
    { "set_cmdline_full", check_set_cmdline_full, -9 },
    { "fs", check_fs, -9 },
    { "fd", check_fd, -9 },
    { "mmap", check_mmap, -9 },
    { "mmap_file", check_mmap_file, -9 },
    { "mchmap", check_mchmap, -9 },
    { "munmap", check_munmap, -9 },
    { "dump_memmap", check_dump, -9 },
    { "probe", check_probe, -9 },
    { "numbers_end", check_numbers_end, -9 },
};

// --- The device ---

// What made ends with, once its end is published: that needs our reference to be gone. Signals of
// the writer may still be pending.
static int check_end(struct record *record, int64_t wanted)
{
    int64_t waited = 0, got = 0;
    int error;

    while ((error = process_wait(record, &waited, true)) == -EINTR && !thread_relax())
        ;
    EXPECT(error == 0 && waited == wanted);
    EXPECT(process_get_status(record, &got) == 0 && got == wanted);
    EXPECT(process_wait(record, &got, false) == 0 && got == wanted);
    EXPECT(process_find_child(process_current(), record->outer_pid) == record);
    record_put(record);
    EXPECT(process_reap(record) == 0 && process_reap(record) == -ESRCH);
    EXPECT(process_find_child(process_current(), record->outer_pid) == NULL);
    return 0;
}

// Returns the line, or a negative errno.
static int run_row(const struct row *row)
{
    struct process *made;
    struct record *record;
    int error = process_new(process_current(), PRIORITY_DEFAULT, &made), line, end_line = 0;

    if (error != 0)
        return error;
    record = made->record;
    record_get(record);
    line = row->check(made);
    if (line != 0 || row->status == -9)
        process_kill(made, -9);
    process_put(made);
    if (!thread_killed()) // who is ending waits for nothing, and what it made ends after it
        end_line = check_end(record, line != 0 ? -9 : row->status);
    record_put(record);
    return line != 0 ? line : end_line;
}

static ssize_t write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    char name[NAME_SIZE];
    size_t size = buffer->left;
    int result;

    (void)handle;
    (void)position;
    if (size >= sizeof(name))
        return -EINVAL;
    result = iobuf_get(buffer, name, size);
    if (result != 0)
        return result;
    name[size] = '\0';
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        failed_line = run_row(&rows[i]);
        return failed_line == 0 ? (ssize_t)size : -EIO;
    }
    return -ENOENT;
}

static ssize_t read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    char text[16];
    int length = fmt_print(text, sizeof(text), "%d", failed_line);
    int error;

    (void)handle;
    (void)position;
    if (buffer->left < (size_t)length)
        return -EINVAL;
    error = iobuf_put(buffer, text, (size_t)length);
    return error != 0 ? error : length;
}

// Stateless: no lock of the handle is held while a row waits.
static const struct handle_ops interface_ops = { .read = read, .write = write, .stateless = true };

void process_interface_init_device(void)
{
    int error = devfs_add("process-interface", S_IFCHR | 0600, MISC_MAJOR << 8 | INTERFACE_MINOR,
                          &interface_ops, NULL, NULL);

    assert(error == 0);
}

#endif
