// SPDX-License-Identifier: MIT
// frame.h - physical page frames: a buddy allocator with per-CPU caches of single frames.
//
// Every frame of RAM has a struct frame in the frame map (a virtual array indexed by frame number,
// backed only where there is RAM, so holes cost nothing and no array is sized by the highest
// address).
#pragma once

#include <stdatomic.h>

#include "kernel/arch/arch.h"
#include "lib/base/list.h"

struct account;

// What a frame is used for; the ledger has a line for each.
enum frame_use {
    FRAME_FREE,
    FRAME_RESERVED, // the kernel image, boot data, firmware
    FRAME_KERNEL,   // big kernel buffers, per-CPU data, the frame map itself
    FRAME_SLAB,
    FRAME_STACK, // kernel stacks
    FRAME_TABLE, // page tables
    FRAME_USER,  // private pages of processes
    FRAME_CACHE, // pages of files and shared memory
    FRAME_SPARE, // kept for speed, with a mapping or a place of their own: they count as free
    FRAME_USE_COUNT
};

// Fields: I set by frame_alloc · a atomic · u the user's
struct frame {
    atomic_uint refs;        // a  mappings and holders; 0 when free
    uint8_t use;             // I  enum frame_use
    uint8_t order;           // I  of the block this frame heads
    uint16_t flags;          // u
    struct account *account; // I  who pays; NULL: nobody
    union {
        struct list link; // free: its free list. In use: u
        struct {
            void *owner;
            uint64_t index;
        }; // u  slab or pager, page index
        struct {
            uint64_t used, groups;
        }; // u  of a page table: pagetable.h
    };
};

enum frame_flags { FRAME_ZERO = 1 }; // of frame_alloc: filled with zeros

#define FRAME_BLOCK_ORDER_MAX 10

// Takes 2^order frames in a row, with refs 1. Errors: -ENOMEM (no frame, or the account is full).
// Context: any.
int frame_alloc(struct account *account, enum frame_use use, unsigned order, unsigned flags,
                struct frame **frame) MUST_CHECK;
static inline void frame_get(struct frame *frame);
// Gives a reference back; the last one frees the block. Context: any.
void frame_put(struct frame *frame);
// The same for a single frame that is full of zeros, which saves filling it with them again.
void frame_put_zeroed(struct frame *frame);

// As frame_alloc, without anybody paying: for slabs, whose objects are charged one by one, and for
// what is FRAME_SPARE.
int frame_take(enum frame_use use, unsigned order, unsigned flags, struct frame **frame) MUST_CHECK;
// Gives a single frame another use and payer, who has been charged; the old one is left to the
// caller.
void frame_retag(struct frame *frame, enum frame_use use, struct account *account);

static inline struct frame *frame_of(paddr_t address);
static inline paddr_t frame_paddr(const struct frame *frame);
static inline void *frame_ptr(const struct frame *frame);

// Start-up: takes over the RAM of boot_info. Afterwards frame_alloc works.
void frames_init(void);
// Gives boot memory to the allocator: a range it has never had; and one that start-up kept (a
// module, once it is unpacked).
void frames_add(paddr_t start, paddr_t end);
void frames_add_kept(paddr_t start, paddr_t end);

// The frame of zeros that all untouched memory reads from. It is mapped without a reference, and
// never freed.
extern struct frame *frame_zero;

// Frames in all, and free ones (spare ones and per-CPU caches included).
uint64_t frames_total(void);
uint64_t frames_free(void);
uint64_t frames_used(enum frame_use use);
#ifdef BOXWORK_DEBUG
// The highest address that a page of a process has had since the start.
paddr_t frames_user_highest(void);
#endif

static inline struct frame *frame_of(paddr_t address)
{
    return (struct frame *)FRAME_MAP_BASE + (address >> PAGE_SHIFT);
}

static inline paddr_t frame_paddr(const struct frame *frame)
{
    return (paddr_t)(frame - (struct frame *)FRAME_MAP_BASE) << PAGE_SHIFT;
}

static inline void *frame_ptr(const struct frame *frame)
{
    return direct_ptr(frame_paddr(frame));
}

static inline void frame_get(struct frame *frame)
{
    atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
}
