// SPDX-License-Identifier: MIT
// elf.c - reading the headers of an ELF64 program. Every sum is checked for wrapping before it is
// used.

#include "lib/elf/elf.h"

#include <string.h>

#include "abi/errors.h"

#define PAGE UINT64_C(4096)
#define CLASS_64 2
#define DATA_LITTLE 1
#define VERSION_CURRENT 1
#define TYPE_FIXED 2   // ET_EXEC
#define TYPE_DYNAMIC 3 // ET_DYN
#define MACHINE_X86_64 62
#define SEGMENT_LOAD 1
#define SEGMENT_INTERPRETER 3
#define FLAG_EXECUTE 1
#define FLAG_WRITE 2
#define FLAG_READ 4

struct file_header {
    uint8_t magic[4];
    uint8_t class, data, version, abi;
    uint8_t padding[8];
    uint16_t type, machine;
    uint32_t version2;
    uint64_t entry, table_offset, sections_offset;
    uint32_t flags;
    uint16_t size, table_entry_size, table_count;
    uint16_t section_entry_size, section_count, section_names;
};

struct program_header {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

_Static_assert(sizeof(struct file_header) == ELF_HEADER_SIZE, "layout of the file");
_Static_assert(sizeof(struct program_header) == ELF_SEGMENT_HEADER_SIZE, "layout of the file");

int elf_read_header(const void *data, size_t size, struct elf_header *header)
{
    struct file_header file;

    if (size < sizeof(file))
        return -ENOEXEC;
    memcpy(&file, data, sizeof(file));
    if (memcmp(file.magic, "\177ELF", 4) != 0 || file.class != CLASS_64 ||
        file.data != DATA_LITTLE ||
        file.version != VERSION_CURRENT || file.version2 != VERSION_CURRENT)
        return -ENOEXEC;
    if ((file.type != TYPE_FIXED && file.type != TYPE_DYNAMIC) || file.machine != MACHINE_X86_64)
        return -ENOEXEC;
    if (file.table_entry_size != sizeof(struct program_header) || file.table_count == 0 ||
        file.table_count > ELF_HEADERS_MAX)
        return -ENOEXEC;
    header->position_independent = file.type == TYPE_DYNAMIC;
    header->entry = file.entry;
    header->table_offset = file.table_offset;
    header->table_count = file.table_count;
    return 0;
}

// Whether [start, start + size) lies within [0, limit).
static bool within(uint64_t start, uint64_t size, uint64_t limit)
{
    return start <= limit && size <= limit - start;
}

static bool alignment_valid(uint64_t align)
{
    return align <= ELF_ALIGN_MAX && (align & (align - 1)) == 0; // 0 and 1: none
}

static unsigned prot_of(uint32_t flags)
{
    return (flags & FLAG_READ ? ELF_READ : 0) | (flags & FLAG_WRITE ? ELF_WRITE : 0) |
           (flags & FLAG_EXECUTE ? ELF_EXECUTE : 0);
}

static int add_segment(const struct program_header *program, uint64_t file_size, uint64_t limit,
                       struct elf_image *image)
{
    uint64_t end;

    if (program->memory_size == 0 && program->file_size == 0)
        return 0;
    if (image->segment_count == ELF_SEGMENTS_MAX || program->file_size > program->memory_size ||
        !within(program->offset, program->file_size, file_size) ||
        !within(program->address, program->memory_size, limit - PAGE) ||
        program->address % PAGE != program->offset % PAGE || !alignment_valid(program->align))
        return -ENOEXEC;
    // In order and on pages of its own: image->high is where the one before ends.
    if (image->segment_count != 0 && ALIGN_DOWN(program->address, PAGE) < image->high)
        return -ENOEXEC;
    end = ALIGN_UP(program->address + program->memory_size, PAGE);
    if (image->segment_count == 0)
        image->low = ALIGN_DOWN(program->address, PAGE);
    image->high = end;
    image->align = MAX(image->align, program->align);
    image->segments[image->segment_count++] = (struct elf_segment){
        .address = program->address,
        .offset = program->offset,
        .file_size = program->file_size,
        .memory_size = program->memory_size,
        .prot = prot_of(program->flags),
    };
    return 0;
}

static int set_interpreter(const struct program_header *program, uint64_t file_size,
                           struct elf_image *image)
{
    if (image->interpreter_size != 0 || program->file_size < 2 ||
        program->file_size > ELF_INTERPRETER_MAX ||
        !within(program->offset, program->file_size, file_size))
        return -ENOEXEC;
    image->interpreter_offset = program->offset;
    image->interpreter_size = program->file_size;
    return 0;
}

// Where the program headers are in memory.
static uint64_t find_table(const struct elf_image *image)
{
    uint64_t size = (uint64_t)image->header.table_count * sizeof(struct program_header);
    uint64_t offset = image->header.table_offset;

    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];

        if (offset >= segment->offset && within(offset - segment->offset, size, segment->file_size))
            return segment->address + (offset - segment->offset);
    }
    return 0;
}

static bool entry_valid(const struct elf_image *image)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];

        if (image->header.entry >= segment->address &&
            image->header.entry - segment->address < segment->memory_size)
            return (segment->prot & ELF_EXECUTE) != 0;
    }
    return false;
}

int elf_read_segments(const struct elf_header *header, const void *table, uint64_t file_size,
                      uint64_t address_limit, struct elf_image *image)
{
    uint64_t table_size = (uint64_t)header->table_count * sizeof(struct program_header);
    int error = 0;

    if (!within(header->table_offset, table_size, file_size))
        return -ENOEXEC;
    memset(image, 0, sizeof(*image));
    image->header = *header;
    image->align = PAGE;
    for (unsigned i = 0; i < header->table_count && error == 0; i++) {
        struct program_header program;

        memcpy(&program, (const char *)table + i * sizeof(program), sizeof(program));
        if (program.type == SEGMENT_LOAD)
            error = add_segment(&program, file_size, address_limit, image);
        else if (program.type == SEGMENT_INTERPRETER)
            error = set_interpreter(&program, file_size, image);
    }
    if (error != 0)
        return error;
    // A fixed program must leave the first page to null pointers.
    if (image->segment_count == 0 || !entry_valid(image) ||
        (!header->position_independent && image->low < PAGE))
        return -ENOEXEC;
    image->table_address = find_table(image);
    return 0;
}
