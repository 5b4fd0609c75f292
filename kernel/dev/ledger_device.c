// SPDX-License-Identifier: MIT
// ledger_device.c - /dev/ledger: the resource ledger as a file.
//
// Reading gives lines "NAME COUNT". Writing takes one command: "verify" recounts everything by
// walking, "drop-caches" gives back what is kept for speed, and in test builds "fail-nth N" makes the
// nth allocation of the writing process fail, and "user-above BYTES" is ERANGE if no page of a
// process has ever been at that physical address or above.
#include "kernel/dev/ledger_device.h"

#include <string.h>

#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/dev/picture.h"
#include "kernel/fs/devfs/devfs.h"
#include "kernel/mem/frame.h"
#include "kernel/mem/ledger.h"
#include "kernel/proc/process.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "lib/base/assert.h"
#include "lib/base/fmt.h"

#define COMMAND_SIZE 32
#define MISC_MAJOR 10
#define LEDGER_MINOR 250

static int fail_nth(const char *number)
{
#ifdef BOXWORK_DEBUG
    uint64_t nth;
    int error = fmt_parse_u64(number, strlen(number), UINT32_MAX, &nth);

    if (error == 0)
        alloc_fail_set(process_current(), nth);
    return error;
#else
    (void)number;
    return -EINVAL;
#endif
}

static int user_above(const char *number)
{
#ifdef BOXWORK_DEBUG
    uint64_t address;
    int error = fmt_parse_u64(number, strlen(number), UINT64_MAX, &address);

    if (error == 0 && frames_user_highest() < address)
        error = -ERANGE;
    return error;
#else
    (void)number;
    return -EINVAL;
#endif
}

static int run(const char *command)
{
    if (strcmp(command, "verify") == 0)
        return ledger_verify();
    if (strncmp(command, "fail-nth ", 9) == 0)
        return fail_nth(command + 9);
    if (strncmp(command, "user-above ", 11) == 0)
        return user_above(command + 11);
    if (strcmp(command, "drop-caches") != 0)
        return -EINVAL;
    ledger_drop_caches();
    return 0;
}

static ssize_t write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    char command[COMMAND_SIZE];
    size_t size = buffer->left;
    int error;

    (void)handle;
    (void)position;
    if (size >= sizeof(command))
        return -EINVAL;
    error = iobuf_get(buffer, command, size);
    if (error != 0)
        return error;
    command[size] = '\0';
    if (size > 0 && command[size - 1] == '\n')
        command[size - 1] = '\0';
    error = run(command);
    return error != 0 ? error : (ssize_t)size;
}

static const struct handle_ops ledger_ops = {
    .read = picture_read,
    .write = write,
    .close = picture_close,
    .seekable = true,
};

static struct picture_source ledger_source = { ledger_read };

void ledger_init_device(void)
{
    int error = devfs_add("ledger", S_IFCHR | 0600, MISC_MAJOR << 8 | LEDGER_MINOR, &ledger_ops,
                          picture_open, &ledger_source);

    assert(error == 0);
}
