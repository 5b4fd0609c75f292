// SPDX-License-Identifier: MIT
// elf.h - reading the headers of an ELF64 program for x86-64: what to map where. Pure; trusts
// nothing.
//
// Sources: System V ABI (gABI) chapters 4 and 5; x86-64 psABI.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

#define ELF_HEADER_SIZE 64
#define ELF_SEGMENT_HEADER_SIZE 56
#define ELF_HEADERS_MAX 64   // program headers of any kind
#define ELF_SEGMENTS_MAX 32  // of those to load
#define ELF_INTERPRETER_MAX 4096
#define ELF_ALIGN_MAX (UINT64_C(1) << 30)

enum elf_prot { ELF_READ = 1, ELF_WRITE = 2, ELF_EXECUTE = 4 }; // the same bits as PROT_*

struct elf_header {
    // ET_DYN: may be mapped at any page-aligned (alignment-aligned) distance
    bool position_independent;
    uint64_t entry;
    uint64_t table_offset;     // of the program headers in the file
    unsigned table_count;
};

struct elf_segment {
    uint64_t address;     // as linked
    uint64_t offset;      // in the file; the same as address modulo the page size
    uint64_t file_size;   // bytes from the file; the rest up to memory_size is zero
    uint64_t memory_size; // not 0
    unsigned prot;        // enum elf_prot
};

struct elf_image {
    struct elf_header header;
    struct elf_segment segments[ELF_SEGMENTS_MAX]; // by address; no two share a page
    unsigned segment_count;       // at least 1
    // page-aligned: from the first segment's first page to after the last's last
    uint64_t low, high;
    uint64_t align;               // the greatest of the segments, at least a page
    // of the program headers in memory as linked; 0 if no segment has them
    uint64_t table_address;
    uint64_t interpreter_offset;  // of the interpreter's path in the file
    uint64_t interpreter_size;    // with its NUL; 0: there is none
};

// Checks the first ELF_HEADER_SIZE bytes of a file (fewer, if size says so). Errors: -ENOEXEC.
int elf_read_header(const void *data, size_t size, struct elf_header *header) MUST_CHECK;

// Checks the program headers (header->table_count times ELF_SEGMENT_HEADER_SIZE bytes) of a file of
// file_size bytes, to be mapped below address_limit. Errors: -ENOEXEC: something is out of bounds,
// wraps, overlaps, or is not where it must be.
int elf_read_segments(const struct elf_header *header, const void *table, uint64_t file_size,
                      uint64_t address_limit, struct elf_image *image) MUST_CHECK;
