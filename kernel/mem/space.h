// SPDX-License-Identifier: MIT
// space.h - address spaces: regions in a balanced tree, page tables, faults.
//
// All calls check alignment, size 0, wrap, the kernel's half and page 0, and on error change
// nothing.
// Locking: space->lock (mutex, rank SPACE) guards the tree; space->table_lock (spin, rank
// PAGE_TABLE) the entries of the page tables, so that truncation can unmap without the mutex.
#pragma once

#include "kernel/arch/arch.h"
#include "kernel/mem/pager.h"
#include "kernel/sched/mutex.h"
#include "kernel/sync/refcount.h"
#include "lib/base/list.h"
#include "lib/base/rbtree.h"

struct account;
struct grant;
struct handle;

enum region_flags {
    REGION_READ = 1, // the same bits as PROT_READ, PROT_WRITE, PROT_EXEC
    REGION_WRITE = 2,
    REGION_EXECUTE = 4,
    REGION_SHARED = 8,      // writes go to the pager; else they are copied on write
    REGION_GROWS_DOWN = 16, // a stack
    // mprotect may add write (a shared map of a handle open for writing; any private one)
    REGION_MAY_WRITE = 32,
    REGION_MAY_EXECUTE = 64,
    REGION_STACK = 128, // shown as [stack]
    REGION_HEAP = 256,  // shown as [heap]
    REGION_VDSO = 512,  // the clock's page, [vvar], and the vDSO, [vdso]; cannot be changed
    REGION_DONTFORK = 1024,
    REGION_LOCKED = 2048,
    REGION_IMAGE = 4096,  // mapped by exec: revoking the grant does not touch it
    REGION_WIPEONFORK = 16384,
    REGION_COPIED = 8192, // set by mem: of a pager's private region some pages may be copies
};

// Fields: I set once · s under space->lock · c under pager->lock
struct region {
    struct rb_node node; // s  by start
    vaddr_t start, end;  // s  page-aligned, end exclusive
    // s  bytes below it that may be mapped: up to the region before, less a stack's guard
    uint64_t hole;
    uint64_t gap;         // s  augmentation: the widest hole in this subtree
    struct space *space;  // I
    unsigned flags;       // s
    struct pager *pager;  // I  NULL: anonymous private memory
    uint64_t page_offset; // s  of start, in pages of the pager
    // I  counted; the file it came from (name in maps); NULL for anonymous memory
    struct handle *handle;
    // I  counted; the grant the handle came through; NULL for anonymous memory
    struct grant *grant;
    struct list pager_link; // c
    uint64_t zapped_epoch;  // c  the last truncation that has taken its pages away
};

// Fields: I set once · s under lock · t under table_lock · a atomic
struct space {
    struct refcount users;      // a  processes that run in it; at 0 all regions are gone
    struct mutex lock;          // rank SPACE
    struct spinlock table_lock; // rank PAGE_TABLE
    paddr_t root;               // I
    struct rb_root regions;     // s
    struct account *account;    // I
    atomic_ulong cpus;          // a  bit n: CPU n has this root loaded
    atomic_uint holds;          // a  1 while it has users, +1 for each CPU that has it loaded
    vaddr_t brk_start, brk_end; // s
    vaddr_t map_top;            // s  mappings are placed below, top down
    vaddr_t stack_top;          // s
    uint64_t stack_limit;       // s  bytes that the stack may grow to
    bool write_execute;         // s  W^X is off (ctl wx on)
    atomic_bool barriers;       // a  membarrier: its threads said that they may ask for barriers
    atomic_long pages_resident; // a  user pages mapped
    atomic_long pages_shared;   // a  of which from pagers
    uint64_t pages_mapped;      // s  the sum of all regions
    uint64_t pages_mapped_peak; // s
    vaddr_t arg_start, arg_end, env_start, env_end; // s  for /proc
    vaddr_t vdso; // s  where its code goes, the clock's page right below it; 0: it has none
};

// Why a fault could not be resolved.
enum fault_reason {
    FAULT_NULL, // in the first page: a null pointer
    FAULT_UNMAPPED,
    FAULT_READ_ONLY, // write to a region without write
    FAULT_NO_EXECUTE,
    FAULT_NO_READ,
    FAULT_PAST_END, // past the end of the file: SIGBUS
    FAULT_STACK,    // stack overflow
    FAULT_REVOKED,
    FAULT_QUOTA, // no memory left in the account
    FAULT_KERNEL_ADDRESS,
};

#define MAP_LOW_END (UINT64_C(1) << 31)

struct map_request {
    vaddr_t address;      // a hint, or with fixed the place
    size_t size;          // bytes, rounded up to pages
    unsigned flags;       // enum region_flags
    bool fixed;           // replace what is there
    bool fixed_noreplace; // -EEXIST if something is there
    bool populate;
    bool low; // below MAP_LOW_END, unless fixed
    struct pager *pager;   // NULL: anonymous. A reference is taken through ops->get
    uint64_t offset;       // bytes, page-aligned
    struct handle *handle; // may be NULL; counted by the region
};

// Makes an empty space with one user, charged to account. Errors: -ENOMEM.
int space_create(struct account *account, struct space **space) MUST_CHECK;
void space_get(struct space *space);
// Gives a user back; the last frees every region and page at once (user half only); the root table
// and struct go when no CPU has it loaded: space_put is called by the last thread's process while
// the thread still runs on it, so it loads the kernel's root first.
void space_put(struct space *space);
// Runs the calling CPU on it (called by the switch code). NULL: the kernel's root.
void space_switch(struct space *from, struct space *to);

// What the layers above know of a region's file. Registered once, at start-up.
struct region_file_ops {
    // Takes references on the handle and on the grant it came through, and returns that. Never
    // sleeps.
    struct grant *(*hold)(struct handle *handle);
    void (*release)(struct handle *handle, struct grant *grant); // may sleep; no space lock is held
    bool (*revoked)(const struct grant *grant);
};
void space_set_file_ops(const struct region_file_ops *ops);

// Before anything is mapped: places the stack at random, mappings below its reach, and the vDSO
// above it. (fork copies.)
void space_lay_out(struct space *space, uint64_t stack_limit);
// Maps the vDSO at space->vdso; where something is, the space has none. Errors: -ENOMEM.
int space_map_vdso(struct space *space) MUST_CHECK;

// Maps. Returns 0 and the address. Errors: -EINVAL alignment, size 0, page 0; -ENOMEM no room, no
// memory, or past USER_END; -EEXIST; -EACCES w and x together while W^X holds.
int space_map(struct space *space, const struct map_request *request, vaddr_t *address) MUST_CHECK;
// Unmaps whole pages of any regions in the range; holes are fine. Errors: -EINVAL, -ENOMEM (a
// split).
int space_unmap(struct space *space, vaddr_t start, size_t size) MUST_CHECK;
// Errors: -EINVAL, -ENOMEM (a hole, or a split), -EACCES (not allowed by the handle, or W^X).
int space_protect(struct space *space, vaddr_t start, size_t size, unsigned prot) MUST_CHECK;
// mremap. flags: MREMAP_MAYMOVE 1, MREMAP_FIXED 2.
int space_remap(struct space *space, vaddr_t old, size_t old_size, size_t new_size, unsigned flags,
                vaddr_t fixed, vaddr_t *address) MUST_CHECK;
// Returns the new end of the heap, or the old one where it cannot be moved.
vaddr_t space_brk(struct space *space, vaddr_t end);
// madvise DONTNEED and FREE: drops private pages. anonymous: only memory that is no file's. Errors:
// -ENOMEM a hole, -EINVAL.
int space_discard(struct space *space, vaddr_t start, size_t size, bool anonymous) MUST_CHECK;
// madvise DONTFORK, WIPEONFORK and their opposites: sets and clears flags of whole regions. Errors:
// -ENOMEM a hole, or a split; -EINVAL WIPEONFORK of other than private anonymous memory.
int space_mark(struct space *space, vaddr_t start, size_t size, unsigned set,
               unsigned clear) MUST_CHECK;
// Brings every page of a range in, as an access of this kind would. Errors: -EINVAL a region does
// not allow it; -EFAULT no page there (past the end of a file); -ENOMEM a hole, or no memory;
// -EINTR killed.
int space_populate(struct space *space, vaddr_t start, size_t size,
                   enum fault_access access) MUST_CHECK;
// msync, mincore: whether all is mapped; for each page whether it is resident (1) into resident[]
// (may be NULL).
int space_resident(struct space *space, vaddr_t start, size_t size, uint8_t *resident) MUST_CHECK;

// Copies regions and, copy-on-write, pages of from into the new, empty to. Errors: -ENOMEM; to is
// empty again. -EINTR killed.
int space_fork(struct space *from, struct space *to) MUST_CHECK;

// Resolves a fault of the calling thread in its space. Returns: 0, or -EFAULT with *reason.
int space_fault(struct space *space, vaddr_t address, enum fault_access access,
                enum fault_reason *reason) MUST_CHECK;

// Reads or writes another space's memory, as the program there would by its regions' modes (write
// also into read-only private pages if force). Errors: -EFAULT: nothing or a first part was copied.
int space_read(struct space *space, vaddr_t from, void *to, size_t size) MUST_CHECK;
int space_write(struct space *space, vaddr_t to, const void *from, size_t size,
                bool force) MUST_CHECK;

// Calls visit for each region in order, under the lock. A result other than 0 ends the walk and is
// returned.
int space_walk(struct space *space, int (*visit)(const struct region *, void *), void *argument);
// The region at address, or the next above; NULL if none. The caller holds space->lock.
struct region *space_find_locked(struct space *space, vaddr_t address);

// The physical identity of a user address for shared futexes: pager and page index, or the space
// itself when private.
int space_futex_key(struct space *space, vaddr_t address, bool shared, uint64_t key[3]) MUST_CHECK;

// Text for a reason: "write to read-only page".
const char *fault_reason_text(enum fault_reason reason);
