// SPDX-License-Identifier: MIT
// unit: lib/elf/elf.c
// test_elf.c - ELF headers: what is taken, what is refused, and that no change of one byte does
// harm.

#include "lib/elf/elf.h"

#include <stdlib.h>
#include <string.h>

#include "abi/errors.h"
#include "tests/unit/tap.h"

#define LIMIT UINT64_C(0x7ffffffff000)
#define FILE_SIZE 0x3000
#define TABLE_AT 64

struct program_header {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

static uint8_t file[FILE_SIZE];
static struct program_header headers[4];

static void put16(unsigned at, uint16_t value)
{
    memcpy(file + at, &value, sizeof(value));
}

static void put64(unsigned at, uint64_t value)
{
    memcpy(file + at, &value, sizeof(value));
}

// A static program: code at 0x400000 that holds the table, data with bss at 0x402e00, an
// interpreter's path, a note.
static void make(void)
{
    static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

    memset(file, 0, sizeof(file));
    memcpy(file, ident, sizeof(ident));
    put16(16, 2);
    put16(18, 62);
    file[20] = 1;
    put64(24, 0x400200);
    put64(32, TABLE_AT);
    put16(54, sizeof(headers[0]));
    put16(56, 4);
    headers[0] = (struct program_header){ 1, 5, 0, 0x400000, 0, 0x1000, 0x1000, 0x1000 };
    headers[1] = (struct program_header){ 1, 6, 0x1e00, 0x402e00, 0, 0x300, 0x2000, 0x1000 };
    headers[2] = (struct program_header){ 3, 4, 0x200, 0x400200, 0, 0x1c, 0x1c, 1 };
    headers[3] = (struct program_header){ 4, 4, 0x300, 0x400300, 0, 0x20, 0x20, 4 };
}

static int read_it(struct elf_image *image)
{
    struct elf_header header;
    int error;

    memcpy(file + TABLE_AT, headers, sizeof(headers));
    error = elf_read_header(file, sizeof(file), &header);
    if (error != 0)
        return error;
    if (header.table_offset > sizeof(file) - sizeof(headers) || header.table_count > 4)
        return elf_read_segments(&header, file, sizeof(file), LIMIT, image);
    return elf_read_segments(&header, file + header.table_offset, sizeof(file), LIMIT, image);
}

static void test_good(void)
{
    struct elf_image image;

    make();
    ok(read_it(&image) == 0, "a static program is taken");
    ok(image.segment_count == 2 && image.low == 0x400000 && image.high == 0x405000,
       "its bounds are whole pages");
    ok(image.segments[0].prot == (ELF_READ | ELF_EXECUTE) &&
       image.segments[1].prot == (ELF_READ | ELF_WRITE),
       "the flags become modes");
    ok(image.table_address == 0x400000 + TABLE_AT, "the program headers are found in memory");
    ok(image.interpreter_offset == 0x200 && image.interpreter_size == 0x1c,
       "the interpreter is found");
    ok(!image.header.position_independent, "it is fixed");
    put16(16, 3);
    put64(24, 0x200);
    headers[0].address = 0;
    headers[1].address = 0x2e00;
    ok(read_it(&image) == 0 && image.header.position_independent && image.low == 0,
       "a static-PIE program is taken, from address 0 on");
}

static void refuse(const char *what)
{
    struct elf_image image;

    ok(read_it(&image) == -ENOEXEC, "%s is refused", what);
    make();
}

static void test_header(void)
{
    struct elf_header header;

    make();
    ok(elf_read_header(file, 63, &header) == -ENOEXEC, "a file of 63 bytes is refused");
    file[1] = 'e';
    refuse("another magic");
    file[4] = 1;
    refuse("a 32-bit file");
    file[5] = 2;
    refuse("a big-endian file");
    file[20] = 0;
    refuse("version 0");
    put16(16, 1);
    refuse("an object file");
    put16(18, 183);
    refuse("a program for another machine");
    put16(54, 32);
    refuse("a table with entries of another size");
    put16(56, 0);
    refuse("an empty table");
    put16(56, ELF_HEADERS_MAX + 1);
    refuse("a table that is too long");
    put64(32, UINT64_MAX - 8);
    refuse("a table past the end, by an offset that wraps");
    put64(32, FILE_SIZE - 8);
    refuse("a table past the end of the file");
}

static void test_segments(void)
{
    make();
    headers[0].type = headers[1].type = 4;
    refuse("a program without anything to load");
    headers[0].file_size = 0x1001;
    refuse("a segment with more in the file than in memory");
    headers[1].offset = FILE_SIZE - 0x200;
    headers[1].address = 0x402e00;
    refuse("a segment past the end of the file");
    headers[1].offset = UINT64_MAX - 0x1ff;
    refuse("a segment whose offset wraps");
    headers[1].memory_size = UINT64_MAX - 0x1000;
    refuse("a segment whose end wraps");
    headers[1].address = LIMIT - 0x1200;
    refuse("a segment that reaches the end of user space");
    headers[1].address = UINT64_C(0xffff800000000e00);
    refuse("a segment in the kernel's half");
    headers[1].address++;
    refuse("a segment not congruent with its offset");
    headers[1].address = 0x400e00;
    refuse("a segment that shares a page with the one before");
    headers[1].address = 0x3fee00;
    refuse("a segment out of order");
    headers[1].align = 0x3000;
    refuse("an alignment that is no power of two");
    headers[1].align = UINT64_C(1) << 40;
    refuse("an alignment of a terabyte");
    put64(24, 0x403000);
    refuse("an entry in data");
    put64(24, 0x500000);
    refuse("an entry outside");
    headers[0].address = 0;
    put64(24, 0x200);
    refuse("a fixed program with page 0");
    headers[3] = headers[2];
    refuse("a second interpreter");
    headers[2].file_size = 0;
    refuse("an interpreter without a path");
    headers[2].offset = FILE_SIZE - 4;
    refuse("an interpreter past the end of the file");
}

// Whatever a flipped bit does, what is taken lies within the file and the address space.
static void test_mutations(void)
{
    unsigned taken = 0, bad = 0;

    for (unsigned bit = 0; bit < (TABLE_AT + sizeof(headers)) * 8; bit++) {
        struct elf_header header;
        struct elf_image image;

        make();
        memcpy(file + TABLE_AT, headers, sizeof(headers));
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (elf_read_header(file, sizeof(file), &header) != 0 ||
            header.table_offset > sizeof(file) - sizeof(headers) ||
            header.table_count > 4)
            continue;
        if (elf_read_segments(&header, file + header.table_offset, sizeof(file), LIMIT,
                              &image) != 0)
            continue;
        taken++;
        for (unsigned i = 0; i < image.segment_count; i++)
            bad += image.segments[i].offset + image.segments[i].file_size > sizeof(file) ||
                   image.segments[i].address + image.segments[i].memory_size > LIMIT;
    }
    ok(taken > 100, "many single-bit changes are harmless");
    ok(bad == 0, "none leads out of bounds");
}

int main(void)
{
    test_good();
    test_header();
    test_segments();
    test_mutations();
    return done_testing();
}
