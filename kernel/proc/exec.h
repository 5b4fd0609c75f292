// SPDX-License-Identifier: MIT
// exec.h - a new program in the making: what the files exec*.c share.
//
// Build (exec_build.c, exec_load.c, exec_stack.c): everything that can fail, in a space of its own.
// Commit (exec.c): what cannot.
#pragma once

#include "kernel/proc/process.h"
#include "lib/elf/elf.h"

struct env_block;
struct signal_actions;

#define EXEC_SCRIPTS_MAX 4
#define EXEC_LINE_SIZE 256

// What a commit takes over.
struct exec_image {
    struct space *space;             // counted
    vaddr_t entry, sp;
    struct place exe;                // counted
    char *cmdline;
    size_t cmdline_size;
    char name[16];
    bool replace_env;                // execve: the process's environment becomes env
    struct env_block *env;           // NULL: empty
    struct signal_actions *actions;  // counted
    struct fdtab *fds;               // counted; a copy of a shared table, NULL if it is not shared
};

// The state of a build; on the heap, since a kernel stack has no room for it.
struct exec_build {
    struct process *process;         // whose program it will be: its names, labels, account
    struct handle *handle;           // counted: the ELF file that was found in the end
    const char *path;                // as exec was called
    const char *const *argv;
    const char *const *envp;
    unsigned lead_count;
    unsigned scripts;
    struct space *space;
    vaddr_t bias;                    // of the program
    vaddr_t interpreter_base;        // 0: none
    vaddr_t start;                   // where it begins to run
    vaddr_t sp;
    // What stands before path: interpreters and their arguments. From here on nothing is cleared.
    const char *lead[2 * EXEC_SCRIPTS_MAX];
    char lines[EXEC_SCRIPTS_MAX][EXEC_LINE_SIZE]; // first lines of scripts
    struct elf_image program, interpreter;
    uint8_t table[ELF_HEADERS_MAX * ELF_SEGMENT_HEADER_SIZE];
};

// exec_build.c. Errors as process_exec_current. envp of the program; replace_env as in the image.
int exec_image_build(struct process *process, struct handle *handle, const char *path,
                     const char *const *argv, const char *const *envp, bool replace_env,
                     struct exec_image **image) MUST_CHECK;
// Reads exactly size bytes of the program's file. Errors: -ENOEXEC it ends before, what reading
// says.
int exec_read(struct handle *handle, uint64_t offset, void *to, size_t size) MUST_CHECK;
// Opens a program by path as the process sees it. Counted.
int exec_open(struct exec_build *build, const char *path, struct handle **handle) MUST_CHECK;
// The i-th argument that the program gets; NULL at the end.
const char *exec_argument(const struct exec_build *build, size_t index);

// exec_load.c. Maps program and interpreter into the space.
int exec_load(struct exec_build *build) MUST_CHECK;

// exec_stack.c. Maps the stack with arguments, environment and auxiliary vector; sets build->sp.
int exec_stack_build(struct exec_build *build) MUST_CHECK;
// Maps an empty stack of a new space. Returns its top in *sp.
int exec_stack_map(struct space *space, size_t size, vaddr_t *sp) MUST_CHECK;
