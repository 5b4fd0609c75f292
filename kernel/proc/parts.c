// SPDX-License-Identifier: MIT
// parts.c - what the kernel's own callers do to any process: its environment and command line,
// names, fds, memory.

#include <string.h>

#include "abi/errors.h"
#include "kernel/log/log.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/space.h"
#include "kernel/ns/names.h"
#include "kernel/proc/box.h"
#include "kernel/proc/env.h"
#include "kernel/proc/fdtab.h"
#include "kernel/proc/private.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spinlock.h"
#include "kernel/vfs/handle.h"

// --- Environment, command line, name ---

int process_copy_env(struct process *dest, struct process *src)
{
    if (dest == NULL || src == NULL || dest == src)
        return -EINVAL;
    return env_copy(dest->env, src->env);
}

static void swap_cmdline(struct process *process, char *text, size_t size)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    char *old = process->cmdline;

    process->cmdline = text;
    process->cmdline_size = size;
    spin_unlock_irq_restore(&process->lock, irq);
    kfree(old);
}

int process_set_cmdline(struct process *process, const char *const *argv, size_t argc)
{
    size_t size = 0, at = 0;
    char *text;

    if (process == NULL || argv == NULL || argc == 0)
        return -EINVAL;
    for (size_t i = 0; i < argc; i++) {
        if (argv[i] == NULL)
            return -EINVAL;
        size += strlen(argv[i]) + 1;
        if (size > process_exec_limit())
            return -E2BIG;
    }
    text = kmalloc(size, process->box->account);
    if (text == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < argc; i++) {
        memcpy(text + at, argv[i], strlen(argv[i]) + 1);
        at += strlen(argv[i]) + 1;
    }
    swap_cmdline(process, text, size);
    return 0;
}

size_t process_get_cmdline(struct process *process, size_t offset, void *to, size_t size)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    size_t count = offset >= process->cmdline_size ? 0 : MIN(size, process->cmdline_size - offset);

    if (count != 0)
        memcpy(to, process->cmdline + offset, count);
    spin_unlock_irq_restore(&process->lock, irq);
    return count;
}

int process_copy_cmdline(struct process *from, struct process *to)
{
    size_t size = from->cmdline_size;
    char *text;

    if (size == 0)
        return 0;
    text = kmalloc(size, to->box->account);
    if (text == NULL)
        return -ENOMEM;
    // A change in between leaves a copy that is cut, or padded by NULs.
    (void)process_get_cmdline(from, 0, text, size);
    swap_cmdline(to, text, size);
    return 0;
}

void process_set_name(struct process *process, const char *name)
{
    uint64_t irq = spin_lock_irq_save(&process->lock);
    size_t length = strnlen(name, sizeof(process->name) - 1);

    memset(process->name, 0, sizeof(process->name));
    memcpy(process->name, name, length);
    spin_unlock_irq_restore(&process->lock, irq);
}

// --- Names ---

int process_add_fs(struct process *process, struct grant *grant, const char *name)
{
    struct names *names = box_names(process->box);
    int error;

    if (names == NULL)
        return -ESRCH;
    error = names_add(names, name, grant);
    names_put(names);
    return error;
}

int process_find_fs(struct process *process, const char *name, struct grant **grant)
{
    struct names *names = box_names(process->box);
    int error;

    if (names == NULL)
        return -ESRCH;
    error = names_find(names, name, strlen(name), grant);
    names_put(names);
    return error;
}

int process_rm_fs(struct process *process, const char *name)
{
    struct names *names = box_names(process->box);
    int error;

    if (names == NULL)
        return -ESRCH;
    error = names_remove(names, name);
    names_put(names);
    return error;
}

// --- Open files ---

// Whether the calling thread belongs to it: then its table and space stay for the call, since only
// its own exec replaces them, and need not be counted.
static bool is_own(const struct process *process)
{
    return likely(thread_current()->process == process);
}

static int use_fds(struct process *process, struct fdtab **fds)
{
    if (!is_own(process))
        return process_fds(process, fds);
    *fds = process->fds;
    return 0;
}

static void leave_fds(struct process *process, struct fdtab *fds)
{
    if (!is_own(process))
        fdtab_put(fds);
}

int process_add_fd(struct process *process, struct handle *handle, int lowest, bool cloexec)
{
    struct fdtab *fds;
    int fd, error = use_fds(process, &fds);

    if (error != 0)
        return error;
    fd = fdtab_add(fds, handle, lowest, process->rlimits[RLIMIT_NOFILE][0], cloexec);
    leave_fds(process, fds);
    return fd;
}

int process_add_fd_as(struct process *process, struct handle *handle, int fd, bool cloexec)
{
    struct fdtab *fds;
    int error;

    if (fd < 0 || (uint64_t)fd >= process->rlimits[RLIMIT_NOFILE][0])
        return -EBADF;
    error = use_fds(process, &fds);
    if (error != 0)
        return error;
    error = fdtab_set(fds, fd, handle, cloexec);
    leave_fds(process, fds);
    return error;
}

// Apart from process_read_fd, which every call on an fd goes through, to keep that short.
static int NOINLINE read_fd_of_other(struct process *process, int fd, struct handle **handle)
{
    struct fdtab *fds;
    int error = process_fds(process, &fds);

    if (error != 0)
        return error;
    error = fdtab_find(fds, fd, handle);
    fdtab_put(fds);
    return error;
}

int process_read_fd(struct process *process, int fd, struct handle **handle)
{
    return is_own(process) ? fdtab_find(process->fds, fd, handle)
                           : read_fd_of_other(process, fd, handle);
}

int process_close_fd(struct process *process, int fd)
{
    struct fdtab *fds;
    int error = use_fds(process, &fds);

    if (error != 0)
        return error;
    error = fdtab_close(fds, fd);
    leave_fds(process, fds);
    return error;
}

// --- Memory ---

static int use_space(struct process *process, struct space **space)
{
    if (!is_own(process))
        return process_space(process, space);
    *space = process->space;
    return 0;
}

static void leave_space(struct process *process, struct space *space)
{
    if (!is_own(process))
        space_put(space);
}

static int map(struct process *process, const struct map_request *request, vaddr_t *at)
{
    struct space *space;
    int error = use_space(process, &space);

    if (error != 0)
        return error;
    error = space_map(space, request, at);
    leave_space(process, space);
    return error;
}

int process_mmap(struct process *process, struct map_request *request, vaddr_t *at)
{
    request->flags |= REGION_MAY_WRITE | REGION_MAY_EXECUTE;
    return map(process, request, at);
}

int process_mmap_file(struct process *process, struct handle *handle, struct map_request *request,
                      vaddr_t *at)
{
    int error = handle_map(handle, request);

    return error != 0 ? error : map(process, request, at);
}

int process_mchmap(struct process *process, vaddr_t address, size_t size, unsigned prot)
{
    struct space *space;
    int error = use_space(process, &space);

    if (error != 0)
        return error;
    error = space_protect(space, address, size, prot);
    leave_space(process, space);
    return error;
}

int process_munmap(struct process *process, vaddr_t address, size_t size)
{
    struct space *space;
    int error = use_space(process, &space);

    if (error != 0)
        return error;
    error = space_unmap(space, address, size);
    leave_space(process, space);
    return error;
}

static int print_region(const struct region *region, void *unused)
{
    (void)unused;
    log_info("  %016lx-%016lx %c%c%c%c", region->start, region->end,
             region->flags & REGION_READ ? 'r' : '-', region->flags & REGION_WRITE ? 'w' : '-',
             region->flags & REGION_EXECUTE ? 'x' : '-', region->flags & REGION_SHARED ? 's' : 'p');
    return 0;
}

void process_dump_memmap(struct process *process)
{
    struct space *space;

    log_info("memory of process %d (%s):", process->pid, process->name);
    if (process_space(process, &space) != 0)
        return;
    (void)space_walk(space, print_region, NULL);
    space_put(space);
}
