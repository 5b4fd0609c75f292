// SPDX-License-Identifier: MIT
// vdso.c - finds functions in the vDSO as a libc does: by its dynamic section, hash table and versions.
#include "tests/vm/vdso.h"

#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

#include "tests/vm/vmtest.h"

#define VERSION "LINUX_2.6"
#define MARK UINT64_C(0x5a5aa5a512345678)

struct tables {
    const char *base, *strings;
    const Elf64_Sym *symbols;
    const uint16_t *versions;
    const Elf64_Verdef *definitions;
    const uint32_t *hash;
};

static struct tables tables(void)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
    const Elf64_Phdr *segment = (const Elf64_Phdr *)((const char *)header + header->e_phoff);
    struct tables found = { .base = (const char *)header };

    for (unsigned i = 0; i < header->e_phnum; i++) {
        const Elf64_Dyn *entry = (const Elf64_Dyn *)(found.base + segment[i].p_offset);

        for (; segment[i].p_type == PT_DYNAMIC && entry->d_tag != DT_NULL; entry++) {
            const void *at = found.base + entry->d_un.d_ptr;

            switch (entry->d_tag) {
            case DT_STRTAB: found.strings = at; break;
            case DT_SYMTAB: found.symbols = at; break;
            case DT_HASH: found.hash = at; break;
            case DT_VERSYM: found.versions = at; break;
            case DT_VERDEF: found.definitions = at; break;
            }
        }
    }
    CHECK(found.strings != NULL && found.symbols != NULL && found.hash != NULL);
    CHECK(found.versions != NULL && found.definitions != NULL);
    return found;
}

static bool has_version(const struct tables *tables, unsigned symbol)
{
    const Elf64_Verdef *definition = tables->definitions;

    while (definition->vd_ndx != (tables->versions[symbol] & 0x7fff)) {
        if (definition->vd_next == 0)
            return false;
        definition = (const Elf64_Verdef *)((const char *)definition + definition->vd_next);
    }
    const Elf64_Verdaux *name =
        (const Elf64_Verdaux *)((const char *)definition + definition->vd_aux);
    return strcmp(tables->strings + name->vda_name, VERSION) == 0;
}

static void *find(const char *name)
{
    struct tables found = tables();

    for (unsigned i = 0; i < found.hash[1]; i++) { // the number of symbols
        const Elf64_Sym *symbol = &found.symbols[i];

        if (symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
            strcmp(found.strings + symbol->st_name, name) == 0 && has_version(&found, i))
            return (void *)(found.base + symbol->st_value);
    }
    CHECK(!"the vDSO has it");
    return NULL;
}

int vdso_clock_gettime(int clock, struct timespec *to)
{
    static int (*function)(int, struct timespec *);

    if (function == NULL)
        function = find("__vdso_clock_gettime");
    return function(clock, to);
}

int vdso_clock_getres(int clock, struct timespec *to)
{
    int (*function)(int, struct timespec *) = find("__vdso_clock_getres");

    return function(clock, to);
}

int vdso_gettimeofday(struct timeval *to, struct timezone *zone)
{
    int (*function)(struct timeval *, struct timezone *) = find("__vdso_gettimeofday");

    return function(to, zone);
}

time_t vdso_time(time_t *to)
{
    time_t (*function)(time_t *) = find("__vdso_time");

    return function(to);
}

int vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
    int (*function)(unsigned *, unsigned *, void *) = find("__vdso_getcpu");

    return function(cpu, node, unused);
}

bool vdso_calls_kernel(void (*run)(void))
{
    uint64_t mark = MARK;

    // The red zone is skipped, and the stack aligned for the call.
    __asm__ volatile("mov %%rsp, %%rbx; sub $128, %%rsp; and $-16, %%rsp; mov %0, %%r11; call *%1; mov %%r11, %0;"
                     "mov %%rbx, %%rsp"
                     : "+r"(mark)
                     : "r"(run)
                     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc", "memory");
    return mark != MARK;
}
