// SPDX-License-Identifier: MIT
// process_interface_memory.c - the rows of /dev/process-interface about memory.
#include "kernel/dev/process_interface_rows.h"

#ifdef BOXWORK_DEBUG

#include <string.h>

#include "abi/errors.h"
#include "kernel/log/log.h"
#include "kernel/proc/process.h"
#include "kernel/proc/thread.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"

// --- What the rows share ---

int row_write(struct process *process, vaddr_t to, const void *from, size_t size)
{
    struct space *space;
    int error = process_space(process, &space);

    if (error != 0)
        return error;
    error = space_write(space, to, from, size, false);
    space_put(space);
    return error;
}

int row_read(struct process *process, vaddr_t from, void *to, size_t size)
{
    struct space *space;
    int error = process_space(process, &space);

    if (error != 0)
        return error;
    error = space_read(space, from, to, size);
    space_put(space);
    return error;
}

int row_map(struct process *process, vaddr_t address, size_t size, unsigned flags)
{
    struct map_request request = {
        .address = address,
        .size = size,
        .flags = flags,
        .fixed_noreplace = true,
    };
    vaddr_t at;
    int error = process_mmap(process, &request, &at);

    return error != 0 || at == address ? error : -EFAULT;
}

int row_map_file(struct process *process, struct handle *handle, uint64_t offset, unsigned flags,
                 vaddr_t address)
{
    struct map_request request = {
        .address = address,
        .size = PAGE,
        .flags = flags,
        .fixed_noreplace = true,
        .offset = offset,
    };
    vaddr_t at;

    return process_mmap_file(process, handle, &request, &at);
}

// --- Rows ---

int check_mmap(struct process *made)
{
    uint64_t word = 1;

    EXPECT(row_map(made, CODE, 3 * PAGE, READ | WRITE) == 0);
    EXPECT(row_read(made, CODE + 3 * PAGE - 8, &word, 8) == 0 && word == 0);
    EXPECT(row_map(made, CODE + 1, PAGE, READ) == -EINVAL);
    EXPECT(row_map(made, CODE + 8 * PAGE, 0, READ) == -EINVAL);
    EXPECT(row_map(made, 0, PAGE, READ) == -EINVAL);
    EXPECT(row_map(made, CODE + 8 * PAGE, PAGE, READ | WRITE | EXECUTE) == -EACCES);
    EXPECT(row_map(made, CODE + 2 * PAGE, 2 * PAGE, READ) == -EEXIST);
    EXPECT(row_map(made, CODE - PAGE, 2 * PAGE, READ) == -EEXIST);
    EXPECT(row_map(made, CODE - PAGE, 8 * PAGE, READ) == -EEXIST);
    // The end of all addresses, sizes that reach around it, the kernel's half and its border.
    EXPECT(row_map(made, ~UINT64_C(0) - PAGE + 1, PAGE, READ) == -ENOMEM);
    EXPECT(row_map(made, ~UINT64_C(0) - PAGE + 1, 2 * PAGE, READ) == -ENOMEM);
    EXPECT(row_map(made, CODE + 8 * PAGE, ~(size_t)0 - PAGE + 1, READ) == -ENOMEM);
    EXPECT(row_map(made, CODE + 8 * PAGE, ~(size_t)0, READ) == -ENOMEM);
    EXPECT(row_map(made, UINT64_C(0xffff800000000000), PAGE, READ) == -ENOMEM);
    EXPECT(row_map(made, UINT64_C(0x00007ffffffff000), 2 * PAGE, READ) == -ENOMEM);
    return 0;
}

static ssize_t read_at(struct handle *handle, off_t offset, void *to, size_t size)
{
    struct iobuf buffer;

    iobuf_kernel(&buffer, to, size);
    return handle_read_at(handle, &buffer, offset);
}

// The writer's fd 50 is a program's file, 51 a file of its own that is open for writing alone and
// 52 the end of a pipe.
int check_mmap_file(struct process *made)
{
    struct handle *handle, *write_only, *pipe;
    char head[4] = "", page_head[64] = "", wanted[64] = "!";
    unsigned before, grant_before;

    EXPECT(process_read_fd(process_current(), 50, &handle) == 0);
    EXPECT(process_read_fd(process_current(), 51, &write_only) == 0);
    EXPECT(process_read_fd(process_current(), 52, &pipe) == 0);
    before = atomic_load(&handle->ref.count);
    grant_before = atomic_load(&handle->grant->ref.count);
    EXPECT(row_map_file(made, handle, 0, READ, CODE) == 0);
    EXPECT(atomic_load(&handle->ref.count) == before + 1);
    EXPECT(atomic_load(&handle->grant->ref.count) == grant_before + 1);
    EXPECT(row_read(made, CODE, head, 4) == 0 && memcmp(head, "\177ELF", 4) == 0);
    EXPECT(row_map_file(made, handle, 1, READ, CODE + PAGE) == -EINVAL);
    EXPECT(row_map_file(made, write_only, 0, READ, CODE + PAGE) == -EACCES);
    EXPECT(row_map_file(made, pipe, 0, READ, CODE + PAGE) == -ENODEV);
    EXPECT(process_munmap(made, CODE, PAGE) == 0 && atomic_load(&handle->ref.count) == before);
    EXPECT(atomic_load(&handle->grant->ref.count) == grant_before);
    // The second page alone is what is read there.
    EXPECT(row_map_file(made, handle, PAGE, READ, CODE) == 0);
    EXPECT(read_at(handle, PAGE, wanted, sizeof(wanted)) == (ssize_t)sizeof(wanted));
    EXPECT(row_read(made, CODE, page_head, sizeof(page_head)) == 0);
    EXPECT(memcmp(page_head, wanted, sizeof(wanted)) == 0 && memcmp(wanted, "\177ELF", 4) != 0);
    handle_put(pipe);
    handle_put(write_only);
    handle_put(handle);
    return 0;
}

int check_mchmap(struct process *made)
{
    EXPECT(row_map(made, CODE, 3 * PAGE, READ | WRITE) == 0);
    EXPECT(process_mchmap(made, CODE + PAGE, PAGE, READ) == 0);
    EXPECT(row_write(made, CODE, "x", 1) == 0 && row_write(made, CODE + PAGE, "x", 1) < 0);
    EXPECT(row_write(made, CODE + 2 * PAGE, "x", 1) == 0);
    EXPECT(process_mchmap(made, CODE + PAGE, PAGE, READ | WRITE) == 0);
    EXPECT(row_write(made, CODE + PAGE, "x", 1) == 0);
    EXPECT(process_mchmap(made, CODE + 1, PAGE, READ) == -EINVAL);
    EXPECT(process_mchmap(made, CODE + 8 * PAGE, PAGE, READ) == -ENOMEM);
    return 0;
}

int check_munmap(struct process *made)
{
    char byte;

    EXPECT(row_map(made, CODE, 3 * PAGE, READ | WRITE) == 0);
    EXPECT(process_munmap(made, CODE + PAGE, PAGE) == 0);
    EXPECT(row_read(made, CODE + PAGE, &byte, 1) < 0);
    EXPECT(row_read(made, CODE, &byte, 1) == 0);
    EXPECT(row_read(made, CODE + 2 * PAGE, &byte, 1) == 0);
    EXPECT(process_munmap(made, CODE + 1, PAGE) == -EINVAL);
    EXPECT(process_munmap(made, CODE, 0) == -EINVAL);
    return 0;
}

// Where in the log since position this text is; -1 if nowhere.
static ssize_t log_find(uint64_t position, const char *wanted)
{
    static char text[4096];
    size_t length = strlen(wanted), before = 0, size;

    while ((size = log_read(&position, text, sizeof(text))) != 0) {
        for (size_t i = 0; i + length <= size; i++) {
            if (memcmp(text + i, wanted, length) == 0)
                return (ssize_t)(before + i);
        }
        before += size;
    }
    return -1;
}

int check_dump(struct process *made)
{
    char unused[64];
    uint64_t position = 0;
    ssize_t low, high;

    EXPECT(row_map(made, CODE + 4 * PAGE, PAGE, READ | WRITE) == 0);
    EXPECT(row_map(made, CODE, PAGE, READ) == 0);
    while (log_read(&position, unused, sizeof(unused)) != 0) // to its end
        ;
    process_dump_memmap(made);
    low = log_find(position, "0000000000400000-0000000000401000 r--p");
    high = log_find(position, "0000000000404000-0000000000405000 rw-p");
    EXPECT(low >= 0 && high > low); // in order of their addresses
    return 0;
}

int check_probe(struct process *made)
{
    struct space *mine;
    vaddr_t stack, code = 0;

    EXPECT(process_space(process_current(), &mine) == 0);
    stack = mine->stack_top - 16;
    space_put(mine);
    code = arch_frame_ip(arch_thread_frame(thread_current()));
    (void)made;
    EXPECT(probe_for_read(stack, 16) == 0 && probe_for_write(stack, 16) == 0);
    EXPECT(probe_for_read(code, 1) == 0 && probe_for_write(code, 1) == -EFAULT);
    EXPECT(probe_for_read(0, 8) == -EFAULT && probe_for_write(8, 8) == -EFAULT);
    EXPECT(probe_for_read(stack, ~(size_t)0 - 8) == -EFAULT);
    EXPECT(probe_for_read(stack, 1 << 20) == -EFAULT);
    EXPECT(probe_for_read(UINT64_C(0xffffffff80000000), 8) == -EFAULT);
    EXPECT(probe_for_read(UINT64_C(0x00007ffffffff000), 2 * PAGE) == -EFAULT);
    return 0;
}

#endif
