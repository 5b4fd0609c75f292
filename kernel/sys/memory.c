// SPDX-License-Identifier: MIT
// memory.c - mmap and its relatives, brk.
#include "abi/mman.h"
#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/mem/space.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/memory.h"
#include "kernel/sys/user.h"

#define MAP_KNOWN                                                                         \
    (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE |               \
     MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK |          \
     MAP_STACK | MAP_FIXED_NOREPLACE | MAP_32BIT)

struct space *sys_space(void)
{
    return process_current()->space;
}

int sys_check_range(vaddr_t start, size_t size)
{
    vaddr_t end;

    if (start & PAGE_MASK)
        return -EINVAL;
    if (__builtin_add_overflow(start, size, &end) || end > USER_END ||
        ALIGN_UP(size, PAGE_SIZE) < size)
        return -ENOMEM;
    return 0;
}

// PROT_* and MAP_* as a request; the file comes later.
static int decode_request(struct map_request *request, unsigned prot, unsigned flags)
{
    unsigned type = flags & MAP_TYPE;

    if (flags & ~(unsigned)MAP_KNOWN) {
        // Of the flags that are not built, MAP_SHARED_VALIDATE promises this errno.
        return type == MAP_SHARED_VALIDATE ? -EOPNOTSUPP : -EINVAL;
    }
    if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
        return -EINVAL;
    if (type != MAP_PRIVATE && flags & MAP_GROWSDOWN)
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && flags & MAP_ANONYMOUS)
        return -EINVAL;
    request->flags = prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
    if (planted("modes-unenforced") && flags & MAP_ANONYMOUS && !(prot & PROT_EXEC))
        request->flags |= PROT_WRITE;
    if (type != MAP_PRIVATE)
        request->flags |= REGION_SHARED;
    if (flags & MAP_GROWSDOWN)
        request->flags |= REGION_GROWS_DOWN;
    if (flags & MAP_LOCKED)
        request->flags |= REGION_LOCKED;
    request->fixed = (flags & MAP_FIXED) != 0;
    request->fixed_noreplace = (flags & MAP_FIXED_NOREPLACE) != 0;
    request->low = (flags & MAP_32BIT) != 0;
    request->populate = (flags & MAP_LOCKED) != 0 ||
                        (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
    return 0;
}

// The file behind a mapping: that of fd, or for shared anonymous memory one without a name.
// Counted.
static int backing(unsigned flags, int fd, size_t size, struct handle **handle)
{
    if (!(flags & MAP_ANONYMOUS))
        return fd_get_file(fd, handle);
    if ((flags & MAP_TYPE) != MAP_PRIVATE)
        return memory_file_create("/dev/zero", size, account_current(), handle);
    *handle = NULL;
    return 0;
}

CALL6(mmap, vaddr_t, address, size_t, size, unsigned, prot, unsigned, flags, int, fd,
      uint64_t, offset)
{
    struct map_request request = { .address = address, .size = size, .offset = offset };
    struct handle *handle;
    int error;

    if (size == 0 || offset & PAGE_MASK)
        return -EINVAL;
    error = decode_request(&request, prot, flags);
    if (error != 0)
        return error;
    if (ALIGN_UP(size, PAGE_SIZE) < size)
        return -ENOMEM;
    if (flags & MAP_ANONYMOUS)
        request.offset = 0;
    else if (offset + ALIGN_UP(size, PAGE_SIZE) < offset)
        return -EOVERFLOW;
    error = backing(flags, fd, size, &handle);
    if (error != 0)
        return error;
    if (handle == NULL) {
        error = process_mmap(process_current(), &request, &address);
    } else {
        error = process_mmap_file(process_current(), handle, &request, &address);
        handle_put(handle);
    }
    return error != 0 ? error : (int64_t)address;
}

CALL2(munmap, vaddr_t, start, size_t, size)
{
    return process_munmap(process_current(), start, size);
}

CALL3(mprotect, vaddr_t, start, size_t, size, unsigned, prot)
{
    int error;

    prot &= ~(unsigned)PROT_SEM; // what every processor here can do with any page
    if (start & PAGE_MASK || prot & ~(unsigned)(PROT_READ | PROT_WRITE | PROT_EXEC))
        return -EINVAL;
    if (size == 0)
        return 0;
    error = sys_check_range(start, size);
    return error != 0 ? error : process_mchmap(process_current(), start, size, prot);
}

CALL5(mremap, vaddr_t, old, size_t, old_size, size_t, new_size, unsigned, flags, vaddr_t, fixed)
{
    vaddr_t address;
    int error;

    if (flags & ~(unsigned)(MREMAP_MAYMOVE | MREMAP_FIXED) || old & PAGE_MASK || new_size == 0 ||
        old_size == 0 || ALIGN_UP(new_size, PAGE_SIZE) < new_size)
        return -EINVAL;
    if (flags & MREMAP_FIXED && (!(flags & MREMAP_MAYMOVE) || fixed & PAGE_MASK))
        return -EINVAL;
    error = space_remap(sys_space(), old, old_size, new_size, flags, fixed, &address);
    return error != 0 ? error : (int64_t)address;
}

CALL1(brk, vaddr_t, end)
{
    return (int64_t)space_brk(sys_space(), end);
}
