// SPDX-License-Identifier: MIT
// process_interface_rows.h - what the rows of /dev/process-interface share.
#pragma once

#include "kernel/mem/space.h"

struct handle;
struct process;

#define PAGE 4096
#define CODE UINT64_C(0x400000) // where rows put programs, and memory
#define READ REGION_READ
#define WRITE REGION_WRITE
#define EXECUTE REGION_EXECUTE

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    } while (0)

// Copies to and from the memory of a process, as far as the program itself may.
int row_write(struct process *process, vaddr_t to, const void *from, size_t size);
int row_read(struct process *process, vaddr_t from, void *to, size_t size);
// Maps zeros at address, where nothing may be.
int row_map(struct process *process, vaddr_t address, size_t size, unsigned flags);

// Maps a page of the file that handle has open.
int row_map_file(struct process *process, struct handle *handle, uint64_t offset, unsigned flags,
                 vaddr_t address);

// Rows: each returns 0 or the line of what does not hold.
int check_mmap(struct process *made);
int check_mmap_file(struct process *made);
int check_mchmap(struct process *made);
int check_munmap(struct process *made);
int check_dump(struct process *made);
int check_probe(struct process *made);
