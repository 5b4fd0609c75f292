// SPDX-License-Identifier: MIT
// process_interface.c - /dev/process-interface of test builds: process.h, called as the kernel does.
//
// A write is the name of a row of docs/seeds.md. It makes a box inside the writer's by process_new,
// calls the row's functions on it, ends and reaps it. What does not answer as process.h promises is
// a line number of this file; reading gives it after a write that failed with EIO.
#include "kernel/dev/process_interface.h"

#ifdef BOXWORK_DEBUG

#include <string.h>

#include "abi/errors.h"
#include "abi/signal.h"
#include "abi/stat.h"
#include "abi/wait.h"
#include "kernel/fs/devfs/devfs.h"
#include "kernel/fs/ramfs/ramfs.h"
#include "kernel/log/log.h"
#include "kernel/mem/account.h"
#include "kernel/mem/space.h"
#include "kernel/ns/names.h"
#include "kernel/proc/box.h"
#include "kernel/proc/env.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"
#include "kernel/sched/timer.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "kernel/vfs/node.h"
#include "lib/base/fmt.h"

#define MISC_MAJOR 10
#define INTERFACE_MINOR 252
#define NAME_SIZE 32
#define PAGE 4096
#define CODE UINT64_C(0x400000) // where rows put programs, and memory
#define READ REGION_READ
#define WRITE REGION_WRITE
#define EXECUTE REGION_EXECUTE
#define PRIORITY_DEFAULT 19

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    } while (0)

static int failed_line;

// mov $60, %eax; mov $7, %edi; syscall: exit(7) of this thread.
static const uint8_t exit_code[] = { 0xb8, 60, 0, 0, 0, 0xbf, 7, 0, 0, 0, 0x0f, 0x05 };
// mov $34, %eax; syscall; jmp back: pause() for ever.
static const uint8_t pause_code[] = { 0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7 };

// --- What the rows share ---

static int write_space(struct process *process, vaddr_t to, const void *from, size_t size)
{
    struct space *space;
    int error = process_space(process, &space);

    if (error != 0)
        return error;
    error = space_write(space, to, from, size, false);
    space_put(space);
    return error;
}

static int read_space(struct process *process, vaddr_t from, void *to, size_t size)
{
    struct space *space;
    int error = process_space(process, &space);

    if (error != 0)
        return error;
    error = space_read(space, from, to, size);
    space_put(space);
    return error;
}

static int map(struct process *process, vaddr_t address, size_t size, unsigned flags)
{
    struct map_request request = {
        .address = address,
        .size = size,
        .flags = flags,
        .fixed_noreplace = true,
    };
    vaddr_t at;
    int error = process_mmap(process, &request, &at);

    return error != 0 || at == address ? error : -EFAULT;
}

static int map_file(struct process *process, struct handle *handle, uint64_t offset,
                    vaddr_t address)
{
    struct map_request request = {
        .address = address,
        .size = PAGE,
        .flags = READ,
        .fixed_noreplace = true,
        .offset = offset,
    };
    vaddr_t at;

    return process_mmap_file(process, handle, &request, &at);
}

// A program of a page at CODE, as a loader makes it: mapped to be written, then to be run.
static int load(struct process *process, const void *code, size_t size)
{
    EXPECT(map(process, CODE, PAGE, READ | WRITE) == 0);
    EXPECT(write_space(process, CODE, code, size) == 0);
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
    int full, empty;

    account_set_limit(made->box->account, RESOURCE_PROCESSES, 1); // made itself
    full = process_new(made, PRIORITY_DEFAULT, &none);
    account_set_limit(made->box->account, RESOURCE_PROCESSES, INT64_MAX);
    account_set_limit(made->box->account, RESOURCE_MEMORY, 0);
    empty = process_new(made, PRIORITY_DEFAULT, &none);
    account_set_limit(made->box->account, RESOURCE_MEMORY, INT64_MAX);
    EXPECT(full == -EAGAIN && empty == -ENOMEM && none == NULL);
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
    EXPECT(process_reap(made->record) == -EBUSY);
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

static int check_failure(struct process *made)
{
    process_exit(made, PROCESS_FAILURE, -8);
    return 0;
}

static int check_killed(struct process *made)
{
    process_exit(made, PROCESS_KILLED, 0);
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

    EXPECT(load(made, pause_code, sizeof(pause_code)) == 0 && process_start(made, CODE) == 0);
    EXPECT(map(made, CODE + PAGE, PAGE, READ | WRITE) == 0);
    EXPECT(map(made, CODE + 2 * PAGE, PAGE, READ | WRITE) == 0);
    EXPECT(write_space(made, CODE + 2 * PAGE, exit_code, sizeof(exit_code)) == 0);
    EXPECT(process_mchmap(made, CODE + 2 * PAGE, PAGE, READ | EXECUTE) == 0);
    EXPECT(process_has_thread(made, 1) && !process_has_thread(made, 1000));
    tid = process_new_thread(made, CODE, CODE + 2 * PAGE, NULL);
    EXPECT(tid > 1 && process_has_thread(made, (pid_t)tid) && process_next_thread(made, 1) == tid);
    EXPECT(!process_has_thread(process_current(), (pid_t)tid));
    // One that leaves: process_thread_exited takes it out, the process goes on.
    tid = process_new_thread(made, CODE + 2 * PAGE, CODE + 2 * PAGE, NULL);
    EXPECT(tid > 1);
    for (int i = 0; i < 1000 && process_has_thread(made, (pid_t)tid); i++)
        EXPECT(thread_sleep_until(clock_now() + NSEC_PER_MSEC, WAIT_KILLABLE) != -EINTR);
    EXPECT(!process_has_thread(made, (pid_t)tid));
    EXPECT(atomic_load(&made->state) == PROCESS_RUNNING);
    return 0;
}

static int check_find_child(struct process *made)
{
    struct record *child = process_find_child(process_current(), made->outer_pid);

    EXPECT(child == made->record);
    record_put(child);
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
    struct grant *grant, *found = NULL;
    struct tree *tree;

    EXPECT(ramfs_create(made->box->account, &tree) == 0);
    EXPECT(grant_create(NULL, tree->root, RIGHT_READ, made->box->account, &grant) == 0);
    EXPECT(process_find_fs(made, "data", &found) == -ENOENT);
    EXPECT(process_add_fs(made, grant, "data") == 0);
    EXPECT(process_add_fs(made, grant, "data") == -EEXIST);
    EXPECT(process_add_fs(made, grant, "no/name") == -EINVAL);
    EXPECT(process_find_fs(made, "data", &found) == 0 && found == grant);
    grant_put(found);
    EXPECT(process_rm_fs(made, "data") == 0 && process_rm_fs(made, "data") == -ENOENT);
    EXPECT(process_find_fs(made, "data", &found) == -ENOENT);
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

static int check_fd(struct process *made)
{
    struct handle *handle, *found = NULL;

    EXPECT(process_read_fd(process_current(), 0, &handle) == 0);
    EXPECT(add_fd(made, handle, -1) == 0 && add_fd(made, handle, -1) == 1);
    EXPECT(add_fd(made, handle, 9) == 0);
    EXPECT(add_fd(made, handle, -2) == -EBADF && add_fd(made, handle, 1024) == -EBADF);
    EXPECT(process_read_fd(made, 9, &found) == 0 && found == handle);
    handle_put(found);
    EXPECT(process_close_fd(made, 0) == 0 && process_close_fd(made, 0) == -EBADF);
    EXPECT(process_read_fd(made, 0, &found) == -EBADF);
    EXPECT(add_fd(made, handle, -1) == 0); // the lowest that is free
    handle_put(handle);
    return 0;
}

static int check_mmap(struct process *made)
{
    uint64_t word = 1;

    EXPECT(map(made, CODE, 3 * PAGE, READ | WRITE) == 0);
    EXPECT(read_space(made, CODE + 3 * PAGE - 8, &word, 8) == 0 && word == 0);
    EXPECT(map(made, CODE + 1, PAGE, READ) == -EINVAL);
    EXPECT(map(made, CODE + 8 * PAGE, 0, READ) == -EINVAL);
    EXPECT(map(made, 0, PAGE, READ) < 0);
    EXPECT(map(made, CODE + 2 * PAGE, 2 * PAGE, READ) == -EEXIST);
    EXPECT(map(made, CODE - PAGE, 2 * PAGE, READ) == -EEXIST);
    EXPECT(map(made, CODE - PAGE, 8 * PAGE, READ) == -EEXIST);
    EXPECT(map(made, ~UINT64_C(0) - PAGE + 1, PAGE, READ) < 0);
    EXPECT(map(made, CODE, ~(size_t)0 - PAGE + 1, READ) < 0);
    EXPECT(map(made, UINT64_C(0xffff800000000000), PAGE, READ) < 0);
    return 0;
}

// The writer's fd 50 is a program's file.
static int check_mmap_file(struct process *made)
{
    struct handle *handle;
    char head[4] = "";
    unsigned before;

    EXPECT(process_read_fd(process_current(), 50, &handle) == 0);
    before = atomic_load(&handle->ref.count);
    EXPECT(map_file(made, handle, 0, CODE) == 0);
    EXPECT(atomic_load(&handle->ref.count) == before + 1);
    EXPECT(read_space(made, CODE, head, 4) == 0 && memcmp(head, "\177ELF", 4) == 0);
    EXPECT(map_file(made, handle, 1, CODE + PAGE) == -EINVAL);
    EXPECT(process_munmap(made, CODE, PAGE) == 0 && atomic_load(&handle->ref.count) == before);
    handle_put(handle);
    return 0;
}

static int check_mchmap(struct process *made)
{
    EXPECT(map(made, CODE, 3 * PAGE, READ | WRITE) == 0);
    EXPECT(process_mchmap(made, CODE + PAGE, PAGE, READ) == 0);
    EXPECT(write_space(made, CODE, "x", 1) == 0 && write_space(made, CODE + PAGE, "x", 1) < 0);
    EXPECT(write_space(made, CODE + 2 * PAGE, "x", 1) == 0);
    EXPECT(process_mchmap(made, CODE + PAGE, PAGE, READ | WRITE) == 0);
    EXPECT(write_space(made, CODE + PAGE, "x", 1) == 0);
    EXPECT(process_mchmap(made, CODE + 1, PAGE, READ) == -EINVAL);
    EXPECT(process_mchmap(made, CODE + 8 * PAGE, PAGE, READ) == -ENOMEM);
    return 0;
}

static int check_munmap(struct process *made)
{
    char byte;

    EXPECT(map(made, CODE, 3 * PAGE, READ | WRITE) == 0);
    EXPECT(process_munmap(made, CODE + PAGE, PAGE) == 0);
    EXPECT(read_space(made, CODE + PAGE, &byte, 1) < 0);
    EXPECT(read_space(made, CODE, &byte, 1) == 0);
    EXPECT(read_space(made, CODE + 2 * PAGE, &byte, 1) == 0);
    EXPECT(process_munmap(made, CODE + 1, PAGE) == -EINVAL);
    EXPECT(process_munmap(made, CODE, 0) == -EINVAL);
    return 0;
}

// Whether the log has a line with this text, since *position.
static bool log_has(uint64_t position, const char *wanted)
{
    static char text[4096];
    size_t length = strlen(wanted), size;

    while ((size = log_read(&position, text, sizeof(text))) != 0) {
        for (size_t i = 0; i + length <= size; i++) {
            if (memcmp(text + i, wanted, length) == 0)
                return true;
        }
    }
    return false;
}

static int check_dump(struct process *made)
{
    char unused[64];
    uint64_t position = 0;

    EXPECT(map(made, CODE, PAGE, READ) == 0);
    while (log_read(&position, unused, sizeof(unused)) != 0) // to its end
        ;
    process_dump_memmap(made);
    EXPECT(log_has(position, "0000000000400000-0000000000401000 r--p"));
    return 0;
}

static int check_probe(struct process *made)
{
    struct space *mine;
    vaddr_t stack, code = 0;

    EXPECT(process_space(process_current(), &mine) == 0);
    stack = mine->stack_top - 16;
    space_put(mine);
    code = arch_frame_ip(arch_thread_frame(thread_current()));
    (void)made;
    EXPECT(probe_for_read(stack, 16) == 0 && probe_for_write(stack, 16) == 0);
    EXPECT(probe_for_read(code, 1) == 0 && probe_for_write(code, 1) == -EFAULT);
    EXPECT(probe_for_read(0, 8) == -EFAULT && probe_for_write(8, 8) == -EFAULT);
    EXPECT(probe_for_read(stack, ~(size_t)0 - 8) == -EFAULT);
    EXPECT(probe_for_read(stack, 1 << 20) == -EFAULT);
    EXPECT(probe_for_read(UINT64_C(0xffffffff80000000), 8) == -EFAULT);
    EXPECT(probe_for_read(UINT64_C(0x00007ffffffff000), 2 * PAGE) == -EFAULT);
    return 0;
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
    { "new", check_new, -9 },
    { "new_fails", check_new_fails, -9 },
    { "new_deepest", check_new_deepest, -9 },
    { "start", check_start, 7 },
    { "exit", check_exit, 12 },
    { "failure", check_failure, -8 },
    { "killed", check_killed, -9 },
    { "kill", check_kill, INT64_C(123456789123) },
    { "thread", check_thread, -9 },
    { "find_child", check_find_child, -9 },
    { "wait_any", check_wait_any, -9 },
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

// What made ends with, once its end is published: that needs our reference to be gone.
static int check_end(struct record *record, int64_t wanted)
{
    int64_t waited = 0, got = 0;

    EXPECT(process_wait(record, &waited, true) == 0 && waited == wanted);
    EXPECT(process_get_status(record, &got) == 0 && got == wanted);
    EXPECT(process_wait(record, &got, false) == 0 && got == wanted);
    EXPECT(process_reap(record) == 0 && process_reap(record) == -ESRCH);
    return 0;
}

// Returns the line, or a negative errno.
static int run_row(const struct row *row)
{
    struct process *made;
    struct record *record;
    int error = process_new(process_current(), PRIORITY_DEFAULT, &made), line, end_line;

    if (error != 0)
        return error;
    record = made->record;
    record_get(record);
    line = row->check(made);
    if (line != 0 || row->status == -9)
        process_kill(made, -9);
    process_put(made);
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
