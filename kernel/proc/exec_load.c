// SPDX-License-Identifier: MIT
// exec_load.c - mapping an ELF program and its interpreter into a new space.
//
// All that the kernel places lies in the first 512 GiB: a position-independent program somewhere in
// the middle, stack and mappings at the top, where space_lay_out has put them.

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/space.h"
#include "kernel/proc/box.h"
#include "kernel/proc/exec.h"
#include "kernel/sync/random.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/node.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)
#define PROGRAM_BASE (64 * GIB)
#define PROGRAM_RANDOM (256 * GIB)
#define BREAK_RANDOM (32 * MIB)

// A random multiple of the page size below range.
static uint64_t random_pages(uint64_t range)
{
    uint64_t number;

    random_bytes(&number, sizeof(number));
    return number % (range / PAGE_SIZE) * PAGE_SIZE;
}

static int map_anonymous(struct space *space, vaddr_t start, vaddr_t end, unsigned prot)
{
    struct map_request request = {
        .address = start,
        .size = end - start,
        .flags = prot | REGION_MAY_WRITE,
        .fixed = true,
    };
    vaddr_t at;

    return start >= end ? 0 : space_map(space, &request, &at);
}

static int map_file(struct space *space, struct handle *handle, const struct elf_segment *segment,
                    vaddr_t start, vaddr_t end)
{
    struct map_request request = {
        .address = start,
        .size = end - start,
        .flags = segment->prot | REGION_IMAGE,
        .fixed = true,
        .offset = ALIGN_DOWN(segment->offset, PAGE_SIZE),
    };
    vaddr_t at;
    int error = handle_map(handle, &request);

    return error != 0 ? error : space_map(space, &request, &at);
}

// Clears the rest of the last page that comes from the file.
static int clear_tail(struct space *space, vaddr_t from, vaddr_t to)
{
    static const uint8_t zeros[256];
    int error = 0;

    while (from < to && error == 0) {
        size_t size = MIN(to - from, sizeof(zeros));

        error = space_write(space, from, zeros, size, true);
        from += size;
    }
    return error == -EFAULT ? -ENOMEM : error; // the page is there, within the file
}

static int map_segment(struct space *space, struct handle *handle,
                       const struct elf_segment *segment, vaddr_t bias)
{
    vaddr_t address = segment->address + bias;
    vaddr_t start = ALIGN_DOWN(address, PAGE_SIZE);
    vaddr_t file_end = address + segment->file_size;
    vaddr_t page_end = segment->file_size == 0 ? start : ALIGN_UP(file_end, PAGE_SIZE);
    vaddr_t end = ALIGN_UP(address + segment->memory_size, PAGE_SIZE);
    int error = 0;

    if (page_end != start)
        error = map_file(space, handle, segment, start, page_end);
    if (error == 0 && segment->memory_size > segment->file_size)
        error = clear_tail(space, file_end, page_end);
    if (error == 0)
        error = map_anonymous(space, page_end, end, segment->prot);
    return error;
}

static int map_segments(struct space *space, struct handle *handle, const struct elf_image *image,
                        vaddr_t bias)
{
    int error = 0;

    for (unsigned i = 0; i < image->segment_count && error == 0; i++)
        error = map_segment(space, handle, &image->segments[i], bias);
    return error;
}

static int read_image(struct exec_build *build, struct handle *handle, struct elf_image *image)
{
    uint8_t first[ELF_HEADER_SIZE];
    struct elf_header header;
    int error = exec_read(handle, 0, first, sizeof(first));

    if (error == 0)
        error = elf_read_header(first, sizeof(first), &header);
    if (error == 0)
        error = exec_read(handle, header.table_offset, build->table,
                          (size_t)header.table_count * ELF_SEGMENT_HEADER_SIZE);
    if (error == 0)
        error = elf_read_segments(&header, build->table, handle->node->size, USER_END, image);
    return error;
}

// Finds room for an interpreter where mappings go. The span is given back: nobody else maps into
// this space.
static int place_interpreter(struct space *space, const struct elf_image *image, vaddr_t *bias)
{
    struct map_request request = { .size = image->high - image->low + image->align };
    vaddr_t at;
    int error;

    *bias = 0;
    if (!image->header.position_independent)
        return 0;
    error = space_map(space, &request, &at);
    if (error == 0)
        error = space_unmap(space, at, request.size);
    *bias = ALIGN_UP(at, image->align) - image->low;
    return error;
}

static int load_interpreter(struct exec_build *build)
{
    char path[EXEC_LINE_SIZE];
    size_t size = build->program.interpreter_size;
    struct handle *handle;
    int error;

    if (size > sizeof(path))
        return -ENOEXEC;
    error = exec_read(build->handle, build->program.interpreter_offset, path, size);
    if (error == 0 && path[size - 1] != '\0')
        error = -ENOEXEC;
    if (error == 0)
        error = exec_open(build, path, &handle);
    if (error != 0)
        return error;
    error = read_image(build, handle, &build->interpreter);
    if (error == -ENOEXEC)
        error = -ELIBBAD; // the program is well, what it asks for is not
    if (error == 0)
        error = place_interpreter(build->space, &build->interpreter, &build->interpreter_base);
    if (error == 0)
        error = map_segments(build->space, handle, &build->interpreter, build->interpreter_base);
    build->start = build->interpreter.header.entry + build->interpreter_base;
    handle_put(handle);
    return error;
}

int exec_load(struct exec_build *build)
{
    struct elf_image *program = &build->program;
    struct space *space = build->space;
    int error = read_image(build, build->handle, program);

    if (error != 0)
        return error;
    if (program->header.position_independent)
        build->bias = ALIGN_UP(PROGRAM_BASE + random_pages(PROGRAM_RANDOM), program->align) -
                      ALIGN_DOWN(program->low, program->align);
    error = map_segments(space, build->handle, program, build->bias);
    if (error != 0)
        return error;
    space->brk_start = program->high + build->bias + random_pages(BREAK_RANDOM);
    space->brk_end = space->brk_start;
    build->start = program->header.entry + build->bias;
    return program->interpreter_size == 0 ? 0 : load_interpreter(build);
}
