// SPDX-License-Identifier: MIT
// exec_stack.c - the stack that a program starts with: argc, argv, envp, the auxiliary vector, and
// the bytes they point to.
//
// From the stack pointer up: argc; argv and envp, each ended by 0; pairs of the auxiliary vector;
// 16 random bytes, the platform's name, the strings; 8 zero bytes at the top (x86-64 psABI 3.4.1).
// It is put together in kernel memory and written at once.

#include <string.h>

#include "abi/auxv.h"
#include "abi/errors.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/space.h"
#include "kernel/proc/box.h"
#include "kernel/proc/exec.h"
#include "kernel/sync/random.h"

#define AUXV_PAIRS 24
#define RANDOM_SIZE 16
#define STACK_FIRST (32 * PAGE_SIZE) // mapped at once, besides the arguments
#define CLOCK_TICKS 100

static const char platform[] = "x86_64";

struct block {
    uint8_t *data;     // kernel copy of [base, top)
    vaddr_t base, top; // user addresses
    size_t words;      // written so far, from the bottom
    vaddr_t text;      // where the next string goes
};

static void put_word(struct block *block, uint64_t word)
{
    ((uint64_t *)block->data)[block->words++] = word;
}

static vaddr_t put_bytes(struct block *block, const void *from, size_t size)
{
    vaddr_t at = block->text;

    memcpy(block->data + (at - block->base), from, size);
    block->text += size;
    return at;
}

static void put_pair(struct block *block, uint64_t type, uint64_t value)
{
    put_word(block, type);
    put_word(block, value);
}

static int measure_string(const char *text, size_t *bytes, size_t *count)
{
    size_t size = strlen(text) + 1;

    *bytes += size;
    ++*count;
    return size > EXEC_STRING_MAX ? -E2BIG : 0;
}

// Bytes of all strings; counts them. Errors: -E2BIG one is too long, or all are.
static int measure(const struct exec_build *build, size_t *bytes, size_t *count)
{
    const char *text;
    int error = 0;

    *bytes = 0;
    *count = 0;
    for (size_t i = 0; error == 0 && (text = exec_argument(build, i)) != NULL; i++)
        error = measure_string(text, bytes, count);
    for (size_t i = 0; error == 0 && build->envp[i] != NULL; i++)
        error = measure_string(build->envp[i], bytes, count);
    if (error == 0 && *bytes + *count * sizeof(uint64_t) > process_exec_limit())
        error = -E2BIG;
    return error;
}

static void put_auxv(const struct exec_build *build, struct block *block, vaddr_t random,
                     vaddr_t name, vaddr_t path)
{
    const struct elf_image *program = &build->program;
    const struct process *process = build->process;

    if (build->space->vdso != 0)
        put_pair(block, AT_SYSINFO_EHDR, build->space->vdso);
    put_pair(block, AT_HWCAP, arch_hwcap());
    put_pair(block, AT_PAGESZ, PAGE_SIZE);
    put_pair(block, AT_CLKTCK, CLOCK_TICKS);
    if (program->table_address != 0)
        put_pair(block, AT_PHDR, program->table_address + build->bias);
    put_pair(block, AT_PHENT, ELF_SEGMENT_HEADER_SIZE);
    put_pair(block, AT_PHNUM, program->header.table_count);
    put_pair(block, AT_BASE, build->interpreter_base);
    put_pair(block, AT_FLAGS, 0);
    put_pair(block, AT_ENTRY, program->header.entry + build->bias);
    put_pair(block, AT_UID, process->uid);
    put_pair(block, AT_EUID, process->euid);
    put_pair(block, AT_GID, process->gid);
    put_pair(block, AT_EGID, process->egid);
    put_pair(block, AT_SECURE, 0);
    put_pair(block, AT_RANDOM, random);
    put_pair(block, AT_EXECFN, path);
    put_pair(block, AT_PLATFORM, name);
    put_pair(block, AT_NULL, 0);
}

static void fill(const struct exec_build *build, struct block *block, size_t count)
{
    uint8_t random[RANDOM_SIZE];
    vaddr_t random_at, name_at, path_at;
    const char *text;
    size_t arguments = 0;

    random_bytes(random, sizeof(random));
    random_at = put_bytes(block, random, sizeof(random));
    name_at = put_bytes(block, platform, sizeof(platform));
    path_at = put_bytes(block, build->path, strlen(build->path) + 1);
    while (exec_argument(build, arguments) != NULL)
        arguments++;
    put_word(block, arguments);
    build->space->arg_start = block->text;
    for (size_t i = 0; (text = exec_argument(build, i)) != NULL; i++)
        put_word(block, put_bytes(block, text, strlen(text) + 1));
    put_word(block, 0);
    build->space->arg_end = build->space->env_start = block->text;
    for (size_t i = 0; i < count - arguments; i++)
        put_word(block, put_bytes(block, build->envp[i], strlen(build->envp[i]) + 1));
    put_word(block, 0);
    build->space->env_end = block->text;
    put_auxv(build, block, random_at, name_at, path_at);
}

int exec_stack_map(struct space *space, size_t size, vaddr_t *sp)
{
    size_t pages = ALIGN_UP(size + STACK_FIRST, PAGE_SIZE);
    struct map_request request = {
        .address = space->stack_top - pages,
        .size = pages,
        .flags = REGION_READ | REGION_WRITE | REGION_MAY_WRITE | REGION_GROWS_DOWN | REGION_STACK,
        .fixed = true,
    };
    vaddr_t at;

    *sp = space->stack_top - 16;
    return space_map(space, &request, &at);
}

int exec_stack_build(struct exec_build *build)
{
    struct space *space = build->space;
    struct block block = { .top = space->stack_top };
    size_t bytes, count, words, size;
    int error = measure(build, &bytes, &count);

    if (error != 0)
        return error;
    words = 1 + count + 2 + 2 * (size_t)AUXV_PAIRS;
    bytes += RANDOM_SIZE + sizeof(platform) + strlen(build->path) + 1 + sizeof(uint64_t);
    size = ALIGN_UP(words * sizeof(uint64_t) + bytes, 16);
    error = exec_stack_map(space, size, &build->sp);
    if (error != 0)
        return error;
    block.data = kmalloc(size, account_current());
    if (block.data == NULL)
        return -ENOMEM;
    block.base = block.top - size;
    block.text = block.base + words * sizeof(uint64_t);
    fill(build, &block, count);
    error = space_write(space, block.base, block.data, size, false);
    kfree(block.data);
    build->sp = block.base;
    return error == -EFAULT ? -ENOMEM : error;
}
