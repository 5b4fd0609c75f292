// SPDX-License-Identifier: MIT
// helpers.h - what several lines need: system calls without a libc around them, files, pipes,
// crowds of processes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE 4096L

static inline long raw_call3(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static inline long raw_call1(long number, long a)
{
    return raw_call3(number, a, 0, 0);
}

static inline long raw_call0(long number)
{
    return raw_call3(number, 0, 0, 0);
}

// Every helper ends the line if what it does fails.

// A file of `size` bytes of the pattern that file_byte() tells.
void make_file(const char *path, size_t size);
unsigned char file_byte(size_t offset);

// A pipe: ends[0] reads, ends[1] writes.
void make_pipe(int ends[2]);
void read_fully(int fd, void *to, size_t size);
void write_fully(int fd, const void *from, size_t size);

// Waits for this child. Returns its exit status, or -1 if a signal ended it.
int wait_for(pid_t child);

// Binds the calling thread to a processor.
void use_cpu(int cpu);

// Runs `program` with its arguments and waits.
void run_program(char *const arguments[]);

// Private memory that is not there yet; with huge pages only if asked for.
void *map_memory(long pages, bool huge);
// Whether the page at `address` is mapped: the kernel reads a byte of it.
bool is_mapped(const void *address);
// Whether any of the first, the middle and the last of so many pages is.
bool any_mapped(const char *memory, long pages);

// Processes that sleep until crowd_end(). They are children of the caller, in one process group.
struct crowd {
    pid_t *members;
    long count;
    long room;
};

void crowd_grow(struct crowd *crowd, long count);
// Kills and reaps all.
void crowd_end(struct crowd *crowd);
