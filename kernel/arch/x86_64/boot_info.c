// SPDX-License-Identifier: MIT
// boot_info.c - what the loader hands over, by PVH or multiboot2, made into one struct boot_info.
//
// Everything is read through the early direct map of the first 4 GiB, before any page is handed
// out.
// Sources: Xen public/arch-x86/hvm/start_info.h (layout), Multiboot2 1.6 chapter 3.6.

#include <string.h>

#include "kernel/arch/x86_64/boot.h"
#include "kernel/log/log.h"

#define LOW_MEMORY_END UINT64_C(0x100000)
#define PVH_MAGIC 0x336ec578
#define MEMORY_RAM 1 // the same type number in both protocols

struct pvh_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp;
    uint64_t memory_map; // version 1 and later
    uint32_t memory_map_count, reserved;
};

struct pvh_module {
    uint64_t address, size, command_line, reserved;
};

struct pvh_memory {
    uint64_t address, size;
    uint32_t type, reserved;
};

enum multiboot2_tag_type {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
};

struct multiboot2_tag {
    uint32_t type, size;
};

struct multiboot2_module {
    struct multiboot2_tag tag;
    uint32_t start, end;
};

struct multiboot2_memory_map {
    struct multiboot2_tag tag;
    uint32_t entry_size, entry_version;
};

struct boot_info boot_info;
struct boot_range boot_all_ram[64];
unsigned boot_all_ram_count;

// Multiboot2 gives the RSDP itself, inside memory that will be reused.
static uint8_t rsdp_copy[36] ALIGNED(16);

static void copy_command_line(const char *text)
{
    size_t length = strnlen(text, sizeof(boot_info.command_line) - 1);

    memcpy(boot_info.command_line, text, length);
    boot_info.command_line[length] = '\0';
}

// Adds a range of RAM, rounded inwards to pages, in its place by start; neighbours are merged.
static void ram_add(paddr_t start, uint64_t size)
{
    struct boot_range *ranges = boot_info.ram;
    paddr_t end;
    unsigned at = 0;

    if (__builtin_add_overflow(start, size, &end))
        return;
    start = ALIGN_UP(start, PAGE_SIZE);
    end = ALIGN_DOWN(end, PAGE_SIZE);
    if (start >= end)
        return;
    while (at < boot_info.ram_count && ranges[at].end < start)
        at++;
    if (at < boot_info.ram_count && ranges[at].start <= end) {
        ranges[at].start = MIN(ranges[at].start, start);
        ranges[at].end = MAX(ranges[at].end, end);
        while (at + 1 < boot_info.ram_count && ranges[at + 1].start <= ranges[at].end) {
            ranges[at].end = MAX(ranges[at].end, ranges[at + 1].end);
            boot_info.ram_count--;
            memmove(&ranges[at + 1], &ranges[at + 2],
                    (boot_info.ram_count - at - 1) * sizeof(*ranges));
        }
        return;
    }
    if (boot_info.ram_count == ARRAY_LEN(boot_info.ram))
        return;
    memmove(&ranges[at + 1], &ranges[at], (boot_info.ram_count - at) * sizeof(*ranges));
    ranges[at] = (struct boot_range){ start, end };
    boot_info.ram_count++;
}

// Takes [start, end), rounded outwards to pages, out of the ranges of RAM.
static void ram_subtract(paddr_t start, paddr_t end)
{
    struct boot_range *ranges = boot_info.ram;

    start = ALIGN_DOWN(start, PAGE_SIZE);
    end = ALIGN_UP(end, PAGE_SIZE);
    for (unsigned i = 0; i < boot_info.ram_count; i++) {
        struct boot_range old = ranges[i];

        if (old.end <= start || old.start >= end)
            continue;
        if (old.start < start && old.end > end) {
            ranges[i].end = start;
            ram_add(end, old.end - end);
        } else if (old.start < start) {
            ranges[i].end = start;
        } else if (old.end > end) {
            ranges[i].start = end;
        } else {
            boot_info.ram_count--;
            memmove(&ranges[i], &ranges[i + 1], (boot_info.ram_count - i) * sizeof(*ranges));
            i--;
        }
    }
}

static void module_add(paddr_t start, size_t size)
{
    if (boot_info.module_count == ARRAY_LEN(boot_info.modules) || size == 0)
        return;
    boot_info.modules[boot_info.module_count++] = (struct boot_module){ start, size };
}

static void parse_pvh(paddr_t information)
{
    const struct pvh_info *info = direct_ptr(information);
    const struct pvh_module *modules = direct_ptr(info->modules);
    const struct pvh_memory *map = direct_ptr(info->memory_map);

    boot_info.path = "pvh";
    if (info->magic != PVH_MAGIC || info->version < 1)
        panic("PVH start information of a kind that is not known");
    boot_info.rsdp = info->rsdp;
    if (info->command_line != 0)
        copy_command_line(direct_ptr(info->command_line));
    for (uint32_t i = 0; i < info->module_count; i++)
        module_add(modules[i].address, modules[i].size);
    for (uint32_t i = 0; i < info->memory_map_count; i++) {
        if (map[i].type == MEMORY_RAM)
            ram_add(map[i].address, map[i].size);
    }
    for (uint32_t i = 0; i < info->memory_map_count; i++) {
        if (map[i].type != MEMORY_RAM && map[i].size != 0)
            ram_subtract(map[i].address, map[i].address + map[i].size);
    }
}

static void parse_memory_map(const struct multiboot2_memory_map *tag, bool add)
{
    const char *end = (const char *)tag + tag->tag.size;

    for (const char *at = (const char *)(tag + 1); at + tag->entry_size <= end;
         at += tag->entry_size) {
        const struct pvh_memory *entry = (const void *)at; // the same layout

        if (add && entry->type == MEMORY_RAM)
            ram_add(entry->address, entry->size);
        else if (!add && entry->type != MEMORY_RAM && entry->size != 0)
            ram_subtract(entry->address, entry->address + entry->size);
    }
}

static void parse_tag(const struct multiboot2_tag *tag)
{
    const struct multiboot2_module *module = (const void *)tag;

    switch (tag->type) {
    case TAG_COMMAND_LINE:
        copy_command_line((const char *)(tag + 1));
        break;
    case TAG_MODULE:
        module_add(module->start, module->end - module->start);
        break;
    case TAG_MEMORY_MAP:
        parse_memory_map((const void *)tag, true);
        break;
    case TAG_RSDP_OLD:
    case TAG_RSDP_NEW:
        // The new one has more; both may be given, in any order.
        if (boot_info.rsdp == 0 || tag->type == TAG_RSDP_NEW) {
            memcpy(rsdp_copy, tag + 1, MIN(tag->size - sizeof(*tag), sizeof(rsdp_copy)));
            boot_info.rsdp = image_paddr(rsdp_copy);
        }
        break;
    default:
        break;
    }
}

static void parse_multiboot2(paddr_t information)
{
    const char *start = direct_ptr(information);
    uint32_t size = *(const uint32_t *)start;
    const struct multiboot2_tag *tag;

    boot_info.path = "multiboot2";
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t at = 8; at + sizeof(*tag) <= size; at += ALIGN_UP(tag->size, 8)) {
            tag = (const void *)(start + at);
            if (tag->type == TAG_END || tag->size < sizeof(*tag))
                break;
            if (pass == 0)
                parse_tag(tag);
            else if (tag->type == TAG_MEMORY_MAP)
                parse_memory_map((const void *)tag, false);
        }
    }
}

void boot_info_parse(paddr_t information, bool multiboot2)
{
    if (multiboot2)
        parse_multiboot2(information);
    else
        parse_pvh(information);
    if (boot_info.ram_count == 0)
        panic("the loader passed no memory map");
    memcpy(boot_all_ram, boot_info.ram, sizeof(boot_all_ram));
    boot_all_ram_count = boot_info.ram_count;
    ram_subtract(0, LOW_MEMORY_END);
    ram_subtract((paddr_t)image_start, image_paddr(image_end));
    for (unsigned i = 0; i < boot_info.module_count; i++)
        ram_subtract(boot_info.modules[i].start,
                     boot_info.modules[i].start + boot_info.modules[i].size);
}

void boot_modules_move(void)
{
    for (unsigned i = 0; i < boot_info.module_count; i++) {
        struct boot_module *module = &boot_info.modules[i];
        paddr_t to;

        if (module->start >= LOW_MEMORY_END)
            continue;
        to = arch_early_alloc(ALIGN_UP(module->size, PAGE_SIZE) / PAGE_SIZE);
        memcpy(direct_ptr(to), direct_ptr(module->start), module->size);
        module->start = to;
    }
}

uint64_t boot_ram_size(void)
{
    uint64_t size = 0;

    for (unsigned i = 0; i < boot_all_ram_count; i++)
        size += boot_all_ram[i].end - boot_all_ram[i].start;
    return size;
}

bool boot_option(const char *key, char *value, size_t size)
{
    size_t key_length = strlen(key);
    const char *at = boot_info.command_line;

    while (*at != '\0') {
        size_t length = 0, value_length = 0;

        while (at[length] != '\0' && at[length] != ' ')
            length++;
        if (length >= key_length && memcmp(at, key, key_length) == 0 &&
            (length == key_length || at[key_length] == '=')) {
            if (length > key_length)
                value_length = MIN(length - key_length - 1, size == 0 ? 0 : size - 1);
            if (size != 0) {
                memcpy(value, at + key_length + 1, value_length);
                value[value_length] = '\0';
            }
            return true;
        }
        at += length;
        while (*at == ' ')
            at++;
    }
    return false;
}
