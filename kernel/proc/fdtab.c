// SPDX-License-Identifier: MIT
// fdtab.c - the table of a process's open files.
//
// A block holds the handles and three levels of bits: open says which numbers are in use, full[0]
// which words of open are full, full[1] which words of full[0] are. So the lowest free number is
// found in a few words however many are open.
// Blocks only grow: a greater one is made outside the lock and takes the place of the old.
// The lock (rank FDTAB) is the table's own. Handles are put and flushed after it is let go.

#include "kernel/proc/fdtab.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/lock.h"
#include "lib/base/bits.h"

#define FD_LIMIT (1U << 20)
#define FD_FIRST 64U
#define FD_CLOEXEC 1
#define WORDS_TO_RELAX 16 // of 64 fds

struct fd_block {
    unsigned capacity;     // a power of two, at least FD_FIRST
    uint64_t *open;        // a bit an fd
    uint64_t *cloexec;     // a bit an fd
    uint64_t *full[2];     // a bit a word of the level below
    struct handle **slots; // by fd
};

// Fields: l under lock · I set once
struct fdtab {
    struct refcount ref;
    struct spinlock lock;    // rank FDTAB
    struct account *account; // I
    struct fd_block *block;  // l
    unsigned count;          // l  open fds
};

static SLAB_CACHE(fdtab_cache, "fdtab", struct fdtab);

static struct fd_block *block_alloc(unsigned capacity, struct account *account)
{
    size_t words = BITS_WORDS(capacity), words1 = BITS_WORDS(words), words2 = BITS_WORDS(words1);
    size_t bits = 2 * words + words1 + words2;
    struct fd_block *block = kmalloc(sizeof(*block) + bits * 8 + capacity * sizeof(void *),
                                     account);

    if (block == NULL)
        return NULL;
    block->capacity = capacity;
    block->open = (uint64_t *)(block + 1);
    block->cloexec = block->open + words;
    block->full[0] = block->cloexec + words;
    block->full[1] = block->full[0] + words1;
    block->slots = (struct handle **)(block->full[1] + words2);
    return block;
}

static void mark_open(struct fd_block *block, unsigned fd)
{
    bits_set(block->open, fd);
    if (block->open[fd / 64] != UINT64_MAX)
        return;
    bits_set(block->full[0], fd / 64);
    if (block->full[0][fd / 4096] == UINT64_MAX)
        bits_set(block->full[1], fd / 4096);
}

static void mark_closed(struct fd_block *block, unsigned fd)
{
    bits_clear(block->open, fd);
    bits_clear(block->cloexec, fd);
    bits_clear(block->full[0], fd / 64);
    bits_clear(block->full[1], fd / 4096);
}

// The first clear bit at or above from among count words' bits; from itself if it is past them.
static unsigned first_clear(const uint64_t *words, unsigned from, unsigned bits)
{
    for (unsigned word = from / 64; word < BITS_WORDS(bits); word++) {
        uint64_t clear = ~words[word];

        if (word == from / 64)
            clear &= UINT64_MAX << (from % 64);
        if (clear != 0)
            return word * 64 + bits_lowest(clear);
    }
    return MAX(bits, from);
}

// The lowest free fd at or above lowest; the capacity or more if there is none in the block.
static unsigned lowest_free(const struct fd_block *block, unsigned lowest)
{
    unsigned word = lowest / 64, group;

    if (lowest >= block->capacity)
        return lowest;
    if (~block->open[word] & UINT64_MAX << (lowest % 64))
        return first_clear(block->open, lowest, word * 64 + 64);
    word++;
    group = word / 64;
    if (word < BITS_WORDS(block->capacity) && word % 64 != 0 &&
        (~block->full[0][group] & UINT64_MAX << (word % 64)) == 0)
        word = ++group * 64;
    if (word % 64 == 0)
        word = 64 * first_clear(block->full[1], group, BITS_WORDS(BITS_WORDS(block->capacity)));
    word = first_clear(block->full[0], word, BITS_WORDS(block->capacity));
    if (word >= BITS_WORDS(block->capacity))
        return block->capacity;
    return first_clear(block->open, word * 64, word * 64 + 64);
}

// Fills the empty to.
static void block_copy(struct fd_block *to, const struct fd_block *from)
{
    for (unsigned word = 0; word < BITS_WORDS(from->capacity); word++) {
        to->cloexec[word] = from->cloexec[word];
        to->open[word] = from->open[word];
        for (uint64_t left = from->open[word]; left != 0; left &= left - 1) {
            unsigned fd = word * 64 + bits_lowest(left);

            to->slots[fd] = from->slots[fd];
        }
        if (to->open[word] == UINT64_MAX)
            bits_set(to->full[0], word);
    }
    for (unsigned word = 0; word < BITS_WORDS(BITS_WORDS(from->capacity)); word++) {
        if (to->full[0][word] == UINT64_MAX)
            bits_set(to->full[1], word);
    }
}

// Makes room for fd. Errors: -EMFILE, -ENOMEM.
static int grow(struct fdtab *table, unsigned fd)
{
    unsigned capacity = FD_FIRST;
    struct fd_block *block, *old;

    if (fd >= FD_LIMIT)
        return -EMFILE;
    while (capacity <= fd)
        capacity *= 2;
    block = block_alloc(capacity, table->account);
    if (block == NULL)
        return -ENOMEM;
    spin_lock(&table->lock);
    old = table->block;
    if (old->capacity < capacity) {
        block_copy(block, old);
        table->block = block;
    } else {
        old = block;
    }
    spin_unlock(&table->lock);
    kfree(old);
    return 0;
}

static int table_create(struct account *account, unsigned capacity, struct fdtab **table)
{
    struct fdtab *made = slab_alloc(&fdtab_cache, account);

    if (made == NULL)
        return -ENOMEM;
    made->block = block_alloc(capacity, account);
    if (made->block == NULL) {
        slab_free(&fdtab_cache, made);
        return -ENOMEM;
    }
    refcount_init(&made->ref, 1);
    spin_init(&made->lock, RANK_FDTAB);
    made->account = account;
    *table = made;
    return 0;
}

int fdtab_create(struct account *account, struct fdtab **table)
{
    return table_create(account, FD_FIRST, table);
}

static void table_destroy(struct fdtab *table)
{
    kfree(table->block);
    slab_free(&fdtab_cache, table);
}

static void hold_handles(const struct fd_block *block)
{
    for (unsigned word = 0; word < BITS_WORDS(block->capacity); word++) {
        for (uint64_t left = block->open[word]; left != 0; left &= left - 1)
            handle_get(block->slots[word * 64 + bits_lowest(left)]);
    }
}

// Fills the empty to. Returns false if from has outgrown it.
static bool copy_handles(struct fdtab *from, struct fdtab *to)
{
    bool fits;

    spin_lock(&from->lock);
    fits = from->block->capacity <= to->block->capacity;
    if (fits) {
        block_copy(to->block, from->block);
        to->count = from->count;
        hold_handles(to->block);
    }
    spin_unlock(&from->lock);
    return fits;
}

int fdtab_copy(struct fdtab *from, struct account *account, struct fdtab **table)
{
    struct fdtab *made;
    unsigned charged;
    int error;

    for (;;) {
        unsigned capacity;

        spin_lock(&from->lock);
        capacity = from->block->capacity;
        spin_unlock(&from->lock);
        error = table_create(account, capacity, &made);
        if (error != 0)
            return error;
        if (copy_handles(from, made))
            break;
        table_destroy(made);
    }
    charged = made->count;
    error = account_charge(account, RESOURCE_FDS, charged, NULL);
    if (error != 0) {
        made->count = 0;
        fdtab_put(made);
        return error;
    }
    *table = made;
    return 0;
}

void fdtab_get(struct fdtab *table)
{
    refcount_get(&table->ref);
}

static void drop_handle(struct fdtab *table, struct handle *handle)
{
    lock_fd_closed(table, handle->node);
    if (handle->ops->flush != NULL)
        handle->ops->flush(handle);
    handle_put(handle);
}

void fdtab_put(struct fdtab *table)
{
    const struct fd_block *block = table->block;

    if (!refcount_put(&table->ref))
        return;
    for (unsigned word = 0; word < BITS_WORDS(block->capacity); word++) {
        for (uint64_t left = block->open[word]; left != 0; left &= left - 1) {
            struct handle *handle = block->slots[word * 64 + bits_lowest(left)];

            if (planted("leak-fd"))
                handle_get(handle);
            drop_handle(table, handle);
        }
        if (word % WORDS_TO_RELAX == WORDS_TO_RELAX - 1)
            thread_relax();
    }
    account_uncharge(table->account, RESOURCE_FDS, table->count);
    table_destroy(table);
}

int fdtab_add(struct fdtab *table, struct handle *handle, int lowest, uint64_t limit, bool cloexec)
{
    int error = account_charge(table->account, RESOURCE_FDS, 1, NULL);
    unsigned fd;

    if (error != 0)
        return -EMFILE;
    for (;;) {
        spin_lock(&table->lock);
        fd = lowest_free(table->block, (unsigned)lowest);
        if (fd < table->block->capacity && fd < limit)
            break;
        spin_unlock(&table->lock);
        error = fd >= limit ? -EMFILE : grow(table, fd);
        if (error != 0) {
            account_uncharge(table->account, RESOURCE_FDS, 1);
            return error;
        }
    }
    mark_open(table->block, fd);
    if (cloexec)
        bits_set(table->block->cloexec, fd);
    table->block->slots[fd] = handle;
    table->count++;
    spin_unlock(&table->lock);
    return (int)fd;
}

// Puts a handle at a number within the block, the lock held. Returns the handle that was there.
static struct handle *put_at(struct fdtab *table, unsigned fd, struct handle *handle, bool cloexec)
{
    struct handle *old = table->block->slots[fd];

    table->block->slots[fd] = handle;
    table->count += old == NULL;
    mark_open(table->block, fd);
    bits_clear(table->block->cloexec, fd);
    if (cloexec)
        bits_set(table->block->cloexec, fd);
    return old;
}

// In place of what is open there, so that nothing is charged. Returns what was; NULL if nothing was, and nothing was done.
static struct handle *replace(struct fdtab *table, unsigned fd, struct handle *handle, bool cloexec)
{
    struct handle *old = NULL;

    spin_lock(&table->lock);
    if (fd < table->block->capacity && table->block->slots[fd] != NULL)
        old = put_at(table, fd, handle, cloexec);
    spin_unlock(&table->lock);
    return old;
}

int fdtab_set(struct fdtab *table, int fd, struct handle *handle, bool cloexec)
{
    struct handle *old;
    int error;

    if (fd < 0)
        return -EBADF;
    old = replace(table, (unsigned)fd, handle, cloexec);
    if (old != NULL) {
        drop_handle(table, old);
        return 0;
    }
    if (account_charge(table->account, RESOURCE_FDS, 1, NULL) != 0)
        return -EMFILE;
    for (;;) {
        spin_lock(&table->lock);
        if ((unsigned)fd < table->block->capacity)
            break;
        spin_unlock(&table->lock);
        error = grow(table, (unsigned)fd);
        if (error != 0) {
            account_uncharge(table->account, RESOURCE_FDS, 1);
            return error == -EMFILE ? -EBADF : error;
        }
    }
    old = put_at(table, (unsigned)fd, handle, cloexec);
    spin_unlock(&table->lock);
    if (old != NULL) { // opened meanwhile
        account_uncharge(table->account, RESOURCE_FDS, 1);
        drop_handle(table, old);
    }
    return 0;
}

// The handle of an open fd, the lock held; NULL if it is not open.
static struct handle *handle_at(const struct fdtab *table, int fd)
{
    if (fd < 0 || (unsigned)fd >= table->block->capacity)
        return NULL;
    return table->block->slots[fd];
}

int fdtab_find(struct fdtab *table, int fd, struct handle **handle)
{
    struct handle *found;

    spin_lock(&table->lock);
    found = handle_at(table, fd);
    if (found != NULL)
        handle_get(found);
    spin_unlock(&table->lock);
    *handle = found;
    return found == NULL ? -EBADF : 0;
}

// Takes the handle out, the lock held; NULL if the fd is not open.
static struct handle *take_locked(struct fdtab *table, int fd)
{
    struct handle *handle = handle_at(table, fd);

    if (handle != NULL) {
        table->block->slots[fd] = NULL;
        mark_closed(table->block, (unsigned)fd);
        table->count--;
    }
    return handle;
}

int fdtab_close(struct fdtab *table, int fd)
{
    struct handle *handle;

    spin_lock(&table->lock);
    handle = take_locked(table, fd);
    spin_unlock(&table->lock);
    if (handle == NULL)
        return -EBADF;
    account_uncharge(table->account, RESOURCE_FDS, 1);
    drop_handle(table, handle);
    return 0;
}

// The first fd at or above from whose bit is set in open, and in also if that is not NULL; -1 if
// none.
static int next_locked(const struct fd_block *block, unsigned from, const uint64_t *also)
{
    for (unsigned word = from / 64; word < BITS_WORDS(block->capacity); word++) {
        uint64_t set = block->open[word] & (also == NULL ? UINT64_MAX : also[word]);

        if (word == from / 64)
            set &= UINT64_MAX << (from % 64);
        if (set != 0)
            return (int)(word * 64 + bits_lowest(set));
    }
    return -1;
}

// Takes out the next open fd in [*from, last], of those with close-on-exec only if only_marked;
// NULL if there is no more.
static struct handle *take_next(struct fdtab *table, unsigned *from, unsigned last,
                                bool only_marked)
{
    struct handle *handle = NULL;
    int fd;

    spin_lock(&table->lock);
    fd = next_locked(table->block, *from, only_marked ? table->block->cloexec : NULL);
    if (fd >= 0 && (unsigned)fd <= last) {
        handle = take_locked(table, fd);
        *from = (unsigned)fd + 1;
    }
    spin_unlock(&table->lock);
    return handle;
}

static void close_all(struct fdtab *table, unsigned first, unsigned last, bool only_marked)
{
    struct handle *handle;

    while ((handle = take_next(table, &first, last, only_marked)) != NULL) {
        account_uncharge(table->account, RESOURCE_FDS, 1);
        drop_handle(table, handle);
        if (first % 1024 == 0)
            thread_relax();
    }
}

static void mark_range(struct fdtab *table, unsigned first, unsigned last)
{
    spin_lock(&table->lock);
    for (int fd = next_locked(table->block, first, NULL); fd >= 0 && (unsigned)fd <= last;
         fd = next_locked(table->block, (unsigned)fd + 1, NULL))
        bits_set(table->block->cloexec, (unsigned)fd);
    spin_unlock(&table->lock);
}

void fdtab_close_range(struct fdtab *table, unsigned first, unsigned last, bool only_mark)
{
    if (only_mark)
        mark_range(table, first, last);
    else
        close_all(table, first, last, false);
}

void fdtab_close_on_exec(struct fdtab *table)
{
    close_all(table, 0, UINT32_MAX, true);
}

int fdtab_flags(struct fdtab *table, int fd)
{
    int flags = -EBADF;

    spin_lock(&table->lock);
    if (handle_at(table, fd) != NULL)
        flags = bits_test(table->block->cloexec, (unsigned)fd) ? FD_CLOEXEC : 0;
    spin_unlock(&table->lock);
    return flags;
}

int fdtab_set_flags(struct fdtab *table, int fd, bool cloexec)
{
    int error = -EBADF;

    spin_lock(&table->lock);
    if (handle_at(table, fd) != NULL) {
        if (cloexec)
            bits_set(table->block->cloexec, (unsigned)fd);
        else
            bits_clear(table->block->cloexec, (unsigned)fd);
        error = 0;
    }
    spin_unlock(&table->lock);
    return error;
}

int fdtab_next(struct fdtab *table, int from)
{
    int fd;

    spin_lock(&table->lock);
    fd = from < 0 ? -1 : next_locked(table->block, (unsigned)from, NULL);
    spin_unlock(&table->lock);
    return fd;
}

bool fdtab_shared(const struct fdtab *table)
{
    return atomic_load(&table->ref.count) > 2;
}
