// SPDX-License-Identifier: MIT
// count.c - a QEMU plugin that counts instructions by where they are.
//
// Arguments, all addresses in hexadecimal:
//     out=FILE          where the counts go when the machine ends
//     start=A stop=A    count only from where the program reaches `start` until it reaches `stop`,
//                       again and again; without them all is counted
//     callers=1         count also from where each block was reached (slow)
//     at=A              tell how many instructions had run when A was first reached (up to 8)
// The file holds a line "at ADDRESS INSTRUCTIONS" for each `at`, then "ADDRESS EXECUTIONS
// INSTRUCTIONS" for each block that ran: a block is a straight run of instructions up to a jump.
// With callers=1 also "from ADDRESS ADDRESS TIMES".
//
// For one CPU. A block that a fault leaves early counts whole, which is under one instruction in a
// hundred.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

#define BUCKETS 65536
#define MAX_MARKS 8

struct block {
    uint64_t address;
    uint64_t size;      // instructions
    uint64_t runs;      // counted by the translated code itself
    uint64_t base;      // runs at the last `start`
    uint64_t collected; // runs between `start` and `stop`
    struct edge *edges; // from where it was reached, between `start` and `stop`
    struct block *next;
};

struct edge {
    const struct block *from;
    uint64_t count;
    struct edge *next;
};

struct mark {
    uint64_t address;
    uint64_t count;
    bool reached;
};

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                           char **argv);

static struct block *blocks[BUCKETS];
static struct mark marks[MAX_MARKS];
static int mark_count;
static uint64_t start_address, stop_address;
static uint64_t total;
static bool counting, want_callers;
static const struct block *last_block;
static const char *output = "count.out";

static struct block *block_find(uint64_t address, uint64_t size)
{
    struct block **bucket = &blocks[(address ^ address >> 16) % BUCKETS], *block;

    for (block = *bucket; block != NULL; block = block->next)
        if (block->address == address && block->size == size)
            return block;
    block = calloc(1, sizeof(*block));
    if (block == NULL)
        abort();
    block->address = address;
    block->size = size;
    block->next = *bucket;
    *bucket = block;
    return block;
}

static void for_each_block(void (*visit)(struct block *block, void *context), void *context)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct block *block = blocks[i]; block != NULL; block = block->next)
            visit(block, context);
}

static void block_begin(struct block *block, void *context)
{
    (void)context;
    block->base = block->runs;
}

static void block_collect(struct block *block, void *context)
{
    (void)context;
    block->collected += block->runs - block->base;
}

static void on_start(unsigned vcpu, void *context)
{
    (void)vcpu;
    (void)context;
    counting = true;
    for_each_block(block_begin, NULL);
}

static void on_stop(unsigned vcpu, void *context)
{
    (void)vcpu;
    (void)context;
    if (counting)
        for_each_block(block_collect, NULL);
    counting = false;
}

static struct edge *edge_find(struct block *block, const struct block *from)
{
    struct edge *edge = block->edges;

    while (edge != NULL && edge->from != from)
        edge = edge->next;
    if (edge != NULL)
        return edge;
    edge = calloc(1, sizeof(*edge));
    if (edge == NULL)
        abort();
    edge->from = from;
    edge->next = block->edges;
    block->edges = edge;
    return edge;
}

static void on_block(unsigned vcpu, void *context)
{
    (void)vcpu;
    if (counting && last_block != NULL)
        edge_find(context, last_block)->count++;
    last_block = context;
}

// A block is translated just before it first runs, so at that time its marks are reached.
static void note_marks(uint64_t address)
{
    for (int i = 0; i < mark_count; i++)
        if (marks[i].address == address && !marks[i].reached) {
            marks[i].reached = true;
            marks[i].count = total;
        }
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    uint64_t size = qemu_plugin_tb_n_insns(tb);
    struct block *block = block_find(qemu_plugin_tb_vaddr(tb), size);

    (void)id;
    note_marks(block->address);
    if (block->address == start_address && start_address != 0)
        qemu_plugin_register_vcpu_tb_exec_cb(tb, on_start, QEMU_PLUGIN_CB_NO_REGS, NULL);
    if (block->address == stop_address && stop_address != 0)
        qemu_plugin_register_vcpu_tb_exec_cb(tb, on_stop, QEMU_PLUGIN_CB_NO_REGS, NULL);
    if (want_callers)
        qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS, block);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &block->runs, 1);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &total, size);
}

static void block_print(struct block *block, void *context)
{
    uint64_t runs = start_address != 0 ? block->collected : block->runs;

    if (runs != 0)
        fprintf(context, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n", block->address, runs,
                runs * block->size);
    for (struct edge *edge = block->edges; edge != NULL; edge = edge->next)
        fprintf(context, "from %" PRIx64 " %" PRIx64 " %" PRIu64 "\n", edge->from->address,
                block->address, edge->count);
}

static void on_end(qemu_plugin_id_t id, void *context)
{
    FILE *file = fopen(output, "w");

    (void)id;
    (void)context;
    if (file == NULL)
        return;
    for (int i = 0; i < mark_count; i++)
        if (marks[i].reached)
            fprintf(file, "at %" PRIx64 " %" PRIu64 "\n", marks[i].address, marks[i].count);
    for_each_block(block_print, file);
    fclose(file);
}

static bool take_argument(const char *argument)
{
    const char *value = strchr(argument, '=');

    if (value++ == NULL)
        return false;
    if (strncmp(argument, "out=", 4) == 0)
        output = strdup(value);
    else if (strcmp(argument, "callers=1") == 0)
        want_callers = true;
    else if (strncmp(argument, "start=", 6) == 0)
        start_address = strtoull(value, NULL, 16);
    else if (strncmp(argument, "stop=", 5) == 0)
        stop_address = strtoull(value, NULL, 16);
    else if (strncmp(argument, "at=", 3) == 0 && mark_count < MAX_MARKS)
        marks[mark_count++].address = strtoull(value, NULL, 16);
    else
        return false;
    return true;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++)
        if (!take_argument(argv[i])) {
            fprintf(stderr, "count: what is %s?\n", argv[i]);
            return -1;
        }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    return 0;
}
