// SPDX-License-Identifier: MIT
// maps.c - /proc/PID/maps: the regions of a process's space, in Linux's format.
//
// Regions are copied under the space's lock and described after it, since finding a path takes
// locks that come before it.

#include "abi/errors.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/fs/procfs/text.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/space.h"
#include "kernel/proc/box.h"
#include "kernel/vfs/handle.h"

#define PATH_COLUMN 73

struct map {
    vaddr_t start, end;
    uint64_t offset;
    unsigned flags;
    struct handle *handle; // counted; NULL: no file
    const char *name;      // where there is none; NULL: no name
};

// Fields: count goes past most where there are more regions than room.
struct maps {
    struct map *maps;
    unsigned count, most;
};

static void add_map(struct maps *maps, const struct map *map)
{
    if (maps->count++ >= maps->most)
        return;
    maps->maps[maps->count - 1] = *map;
    if (map->handle != NULL)
        handle_get(map->handle);
}

// One region, but two lines: the clock's page, where it is still mapped, and the code above it.
static void add_vdso(struct maps *maps, struct map map, vaddr_t code)
{
    struct map data = map;

    data.end = MIN(map.end, code);
    data.flags &= ~(unsigned)REGION_EXECUTE;
    data.name = "[vvar]";
    if (data.start < data.end)
        add_map(maps, &data);
    map.start = MAX(map.start, code);
    map.name = "[vdso]";
    if (map.start < map.end)
        add_map(maps, &map);
}

static const char *label(unsigned flags)
{
    if ((flags & REGION_STACK) != 0)
        return "[stack]";
    return (flags & REGION_HEAP) != 0 ? "[heap]" : NULL;
}

static int add_region(const struct region *region, void *argument)
{
    struct maps *maps = argument;
    struct map map = {
        .start = region->start,
        .end = region->end,
        .offset = region->handle != NULL ? region->page_offset * PAGE_SIZE : 0,
        .flags = region->flags,
        .handle = region->handle,
        .name = label(region->flags),
    };

    if ((region->flags & REGION_VDSO) != 0)
        add_vdso(maps, map, region->space->vdso);
    else
        add_map(maps, &map);
    return 0;
}

static void maps_free(struct maps *maps)
{
    for (unsigned i = 0; i < MIN(maps->count, maps->most); i++)
        if (maps->maps[i].handle != NULL)
            handle_put(maps->maps[i].handle);
    kfree(maps->maps);
    maps->maps = NULL;
}

static int maps_collect(struct space *space, struct maps *maps)
{
    unsigned most = 32;

    for (;;) {
        *maps = (struct maps){ .most = most };
        maps->maps = kmalloc(most * sizeof(*maps->maps), account_current());
        if (maps->maps == NULL)
            return -ENOMEM;
        (void)space_walk(space, add_region, maps);
        if (maps->count <= maps->most)
            return 0;
        most = maps->count + maps->count / 4;
        maps_free(maps);
    }
}

static void pad(struct text *text, size_t line_start)
{
    while (text_length(text) - line_start < PATH_COLUMN)
        text_add(text, " ", 1);
}

static void show_map(const struct map *map, struct text *text)
{
    size_t line_start = text_length(text);
    const struct node *node = map->handle != NULL ? map->handle->node : NULL;
    uint64_t device = node != NULL ? node->tree->device : 0;
    char *path;

    text_print(
        text, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)map->start,
        (unsigned long long)map->end, (map->flags & REGION_READ) != 0 ? 'r' : '-',
        (map->flags & REGION_WRITE) != 0 ? 'w' : '-',
        (map->flags & REGION_EXECUTE) != 0 ? 'x' : '-',
        (map->flags & REGION_SHARED) != 0 ? 's' : 'p', (unsigned long long)map->offset,
        (unsigned)(device >> 8 & 0xfff), (unsigned)((device & 0xff) | (device >> 12 & 0xffffff00)),
        (unsigned long long)(node != NULL ? node->ino : 0));
    if (node != NULL) {
        pad(text, line_start);
        path = text_reserve(text, PATH_MAX_BYTES);
        if (path != NULL)
            text_added(text,
                       handle_describe(map->handle, box_current()->names, path, PATH_MAX_BYTES));
    } else if (map->name != NULL) {
        pad(text, line_start);
        text_print(text, "%s", map->name);
    }
    text_print(text, "\n");
}

int show_maps(const struct subject *subject, struct text *text)
{
    struct maps maps = { 0 };
    struct space *space;
    int error = process_space(subject->process, &space);

    if (error != 0)
        return error;
    error = maps_collect(space, &maps);
    if (error == 0) {
        for (unsigned i = 0; i < maps.count && !thread_relax(); i++)
            show_map(&maps.maps[i], text);
        maps_free(&maps);
    }
    space_put(space);
    return error;
}
