// SPDX-License-Identifier: MIT
// exec.c - execve and execveat: copying the arguments, opening the program.
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/path.h"
#include "kernel/sys/user.h"
#include "lib/base/fmt.h"

// Strings are packed into blocks; a block holds many strings or one long one.
struct block {
    struct block *next;
    size_t size; // of bytes
    size_t used;
    char bytes[];
};
#define BLOCK_FIRST ((size_t)2048 - sizeof(struct block))

// A list of strings as user space gave it.
struct strings {
    const char **list; // ended by NULL
    size_t count;
    size_t room;       // of list
};

struct exec_arguments {
    struct strings argv;
    struct strings envp;
    struct block *blocks;
    size_t left;       // bytes that may still be copied
};

static int add_block(struct exec_arguments *arguments, size_t size)
{
    struct block *block = kmalloc_raw(sizeof(*block) + size, account_current());

    if (block == NULL)
        return -ENOMEM;
    block->size = size;
    block->used = 0;
    block->next = arguments->blocks;
    arguments->blocks = block;
    return 0;
}

// Copies one string into the newest block, or into new ones, each larger, until it fits.
static int copy_string(struct exec_arguments *arguments, vaddr_t from, const char **copy)
{
    size_t next_size = BLOCK_FIRST;

    for (;;) {
        struct block *block = arguments->blocks;
        ssize_t length = -ENAMETOOLONG;
        int error;

        if (block != NULL && block->used < block->size)
            length = arch_copy_string_from_user(block->bytes + block->used, from,
                                                block->size - block->used);
        if (length >= 0) {
            if ((size_t)length + 1 > arguments->left)
                return -E2BIG;
            arguments->left -= (size_t)length + 1;
            *copy = block->bytes + block->used;
            block->used += (size_t)length + 1;
            return 0;
        }
        if (length != -ENAMETOOLONG)
            return (int)length;
        if (next_size > EXEC_STRING_MAX)
            return -E2BIG;
        error = add_block(arguments, MIN(next_size, (size_t)EXEC_STRING_MAX));
        if (error != 0)
            return error;
        next_size = next_size == BLOCK_FIRST ? EXEC_STRING_MAX : EXEC_STRING_MAX + 1;
    }
}

// Makes room for one more entry of the list and its end.
static int grow_list(struct strings *strings)
{
    size_t room = strings->room != 0 ? 2 * strings->room : 16;
    const char **list;

    if (strings->count + 1 < strings->room)
        return 0;
    list = kmalloc(room * sizeof(*list), account_current());
    if (list == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < strings->count; i++)
        list[i] = strings->list[i];
    kfree(strings->list);
    strings->list = list;
    strings->room = room;
    return 0;
}

// A list that is not given is empty.
static int copy_list(struct exec_arguments *arguments, struct strings *strings, vaddr_t from)
{
    int error = grow_list(strings);

    while (error == 0) {
        uint64_t address = 0;

        if (from != 0)
            error = user_load(&address, from + strings->count * sizeof(address));
        if (error != 0 || address == 0)
            break;
        if (arguments->left < sizeof(address))
            return -E2BIG;
        arguments->left -= sizeof(address);
        error = copy_string(arguments, address, &strings->list[strings->count]);
        if (error == 0) {
            strings->count++;
            error = grow_list(strings);
        }
        if (error == 0 && thread_relax())
            error = -EINTR;
    }
    return error;
}

static void free_arguments(struct exec_arguments *arguments)
{
    while (arguments->blocks != NULL) {
        struct block *block = arguments->blocks;

        arguments->blocks = block->next;
        kfree(block);
    }
    kfree(arguments->argv.list);
    kfree(arguments->envp.list);
}

// A program is always told its name, also by a caller that gives none.
static int copy_arguments(struct exec_arguments *arguments, vaddr_t argv, vaddr_t envp)
{
    int error;

    arguments->left = process_exec_limit();
    error = copy_list(arguments, &arguments->argv, argv);
    if (error == 0)
        error = copy_list(arguments, &arguments->envp, envp);
    if (error == 0 && arguments->argv.count == 0)
        arguments->argv.list[arguments->argv.count++] = "";
    return error;
}

static int exec_handle(struct handle *handle, const char *path, vaddr_t argv, vaddr_t envp)
{
    struct exec_arguments arguments = { .blocks = NULL };
    int error = copy_arguments(&arguments, argv, envp);

    if (error == 0)
        error = process_exec_current(handle, path, arguments.argv.list, arguments.envp.list);
    free_arguments(&arguments);
    return error;
}

// The program that an fd opened with AT_EMPTY_PATH is: opened anew, with the right to execute it.
static int open_program(struct path_call *call, unsigned at_flags, struct handle **handle)
{
    struct place place;
    int error;

    if (call->text[0] != '\0')
        return vfs_open(&call->walker, call->text,
                        VFS_OPEN_EXEC | (at_flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0), 0, 0,
                        handle);
    error = walk(&call->walker, "", WALK_EMPTY, &place);
    if (error != 0)
        return error;
    error = handle_open(place.node, place.grant, VFS_OPEN_EXEC, account_current(), handle);
    place_put(&place);
    return error;
}

static int64_t exec_at(int dirfd, vaddr_t path, vaddr_t argv, vaddr_t envp, unsigned at_flags)
{
    struct path_call call;
    struct handle *handle;
    int error;

    if (at_flags & ~(unsigned)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    error = path_begin(&call, dirfd, path, path_walk_flags(at_flags));
    if (error != 0)
        return error;
    error = open_program(&call, at_flags, &handle);
    if (error == 0) {
        if (dirfd != AT_FDCWD && call.text[0] == '\0')
            fmt_print(call.text, PATH_FEW_BYTES, "/dev/fd/%d", dirfd);
        error = exec_handle(handle, call.text, argv, envp);
        handle_put(handle);
    }
    path_end(&call);
    return restartable(error);
}

CALL3(execve, vaddr_t, path, vaddr_t, argv, vaddr_t, envp)
{
    return exec_at(AT_FDCWD, path, argv, envp, 0);
}

CALL5(execveat, int, dirfd, vaddr_t, path, vaddr_t, argv, vaddr_t, envp, unsigned, flags)
{
    return exec_at(dirfd, path, argv, envp, flags);
}
