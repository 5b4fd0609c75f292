// SPDX-License-Identifier: MIT
// getdents.c - listing a directory.
//
// Records are built in a kernel buffer and copied out at the end, so that no directory is locked
// while user pages fault.
#include <string.h>

#include "abi/dirent.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/user.h"

#define LISTING_MAX ((size_t)8 * 1024)

struct listing {
    char *buffer;
    size_t size;
    size_t used;
    bool with_type;  // getdents64
    bool too_small;  // the first entry did not fit
};

static bool add_entry(void *context, const char *name, size_t length, uint64_t ino, unsigned type,
                      off_t next)
{
    struct listing *listing = context;
    size_t name_at = listing->with_type ? LINUX_DIRENT64_NAME : LINUX_DIRENT_NAME;
    size_t size = ALIGN_UP(name_at + length + 1 + (listing->with_type ? 0 : 1), (size_t)8);
    char *record = listing->buffer + listing->used;
    struct linux_dirent64 *entry = (struct linux_dirent64 *)record;

    if (size > listing->size - listing->used) {
        listing->too_small = listing->used == 0;
        return false;
    }
    memset(record, 0, size);
    entry->d_ino = ino;
    entry->d_off = next;
    entry->d_reclen = (uint16_t)size;
    if (listing->with_type)
        entry->d_type = (uint8_t)type;
    else
        record[size - 1] = (char)type;
    memcpy(record + name_at, name, length);
    listing->used += size;
    return true;
}

static int64_t list_directory(int fd, vaddr_t to, unsigned size, bool with_type)
{
    struct listing listing = { .with_type = with_type };
    struct handle *handle;
    int64_t result = fd_get_file(fd, &handle);

    if (result != 0)
        return result;
    listing.size = MIN((size_t)size, LISTING_MAX);
    listing.buffer = kmalloc(MAX(listing.size, (size_t)1), account_current());
    if (listing.buffer == NULL) {
        handle_put(handle);
        return -ENOMEM;
    }
    result = handle_readdir(handle, add_entry, &listing);
    if (result == 0 && listing.too_small)
        result = -EINVAL;
    if (result == 0)
        result = arch_copy_to_user(to, listing.buffer, listing.used);
    kfree(listing.buffer);
    handle_put(handle);
    return result != 0 ? result : (int64_t)listing.used;
}

CALL3(getdents64, int, fd, vaddr_t, to, unsigned, size)
{
    return list_directory(fd, to, size, true);
}

CALL3(getdents, int, fd, vaddr_t, to, unsigned, size)
{
    return list_directory(fd, to, size, false);
}
