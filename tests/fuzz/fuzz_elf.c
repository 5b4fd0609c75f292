// SPDX-License-Identifier: MIT
// fuzz: lib/elf/elf.c
// fuzz_elf.c - libFuzzer target: whatever elf.c accepts can be mapped.

#include <stdlib.h>
#include <string.h>

#include "lib/elf/elf.h"

#define LIMIT UINT64_C(0x7ffffffff000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check(const struct elf_image *image, uint64_t size)
{
    uint64_t at = image->low;
    bool entry = false;

    require(image->segment_count >= 1 && image->segment_count <= ELF_SEGMENTS_MAX);
    require(image->low % 4096 == 0 && image->high % 4096 == 0 && image->low < image->high);
    require(image->high <= LIMIT && (image->align & (image->align - 1)) == 0);
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];

        require(segment->memory_size != 0 && segment->file_size <= segment->memory_size);
        require(segment->offset + segment->file_size >= segment->offset);
        require(segment->offset + segment->file_size <= size);
        require(segment->address % 4096 == segment->offset % 4096);
        require((segment->address & ~UINT64_C(4095)) >= at);
        at = (segment->address + segment->memory_size + 4095) & ~UINT64_C(4095);
        entry |= image->header.entry - segment->address < segment->memory_size;
    }
    require(at == image->high && entry);
    require(image->interpreter_size <= ELF_INTERPRETER_MAX);
    require(image->interpreter_offset + image->interpreter_size <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_header header;
    struct elf_image image;
    uint64_t table_size;
    void *table;

    if (elf_read_header(data, size, &header) != 0)
        return 0;
    table_size = (uint64_t)header.table_count * ELF_SEGMENT_HEADER_SIZE;
    if (header.table_offset > size || table_size > size - header.table_offset)
        return 0;
    table = malloc(table_size); // so that a read past it is seen
    require(table != NULL);
    memcpy(table, data + header.table_offset, table_size);
    if (elf_read_segments(&header, table, size, LIMIT, &image) == 0)
        check(&image, size);
    free(table);
    return 0;
}
