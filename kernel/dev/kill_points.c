// SPDX-License-Identifier: MIT
// kill_points.c - /dev/kill-points of test builds: boxes killed at chosen points of their life.
//
// A write is "PID NTH NAME": the box that PID, a process of the writer's box or the head of a box
// made in it, heads or is in, is killed when it passes the point the NTH time. Reading gives lines
// "NAME COUNT": how often each point has killed.
#include "kernel/dev/kill_points.h"

#ifdef BOXWORK_DEBUG

#include <string.h>

#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/fs/devfs/devfs.h"
#include "kernel/proc/box.h"
#include "kernel/proc/kill_point.h"
#include "kernel/proc/process.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "lib/base/fmt.h"

#define COMMAND_SIZE 64
#define COUNTS_SIZE 2048
#define MISC_MAJOR 10
#define KILL_POINTS_MINOR 251

// Parses the number at *text and steps behind it and one blank.
static int take_number(const char **text, uint64_t *number)
{
    const char *blank = strchr(*text, ' ');
    size_t length = blank != NULL ? (size_t)(blank - *text) : strlen(*text);
    int error = fmt_parse_u64(*text, length, INT32_MAX, number);

    *text += length + ((*text)[length] == ' ');
    return error;
}

static int arm(const char *command)
{
    struct process *process;
    uint64_t pid, nth;
    int error = take_number(&command, &pid);

    if (error == 0)
        error = take_number(&command, &nth);
    if (error != 0)
        return error;
    process = pid_find(box_current(), (pid_t)pid);
    if (process == NULL)
        return -ESRCH;
    error = kill_point_arm(process->box, command, (unsigned)nth);
    process_put(process);
    return error;
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
    error = arm(command);
    return error != 0 ? error : (ssize_t)size;
}

static ssize_t read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    static char text[COUNTS_SIZE]; // one reader at a time, as tests are
    size_t length, count;
    int error;

    (void)handle;
    length = kill_point_counts(text, sizeof(text));
    if (*position >= (off_t)length)
        return 0;
    count = MIN(buffer->left, length - (size_t)*position);
    error = iobuf_put(buffer, text + *position, count);
    if (error != 0)
        return error;
    *position += (off_t)count;
    return (ssize_t)count;
}

static const struct handle_ops kill_points_ops = { .read = read, .write = write, .seekable = true };

void kill_points_init_device(void)
{
    int error = devfs_add("kill-points", S_IFCHR | 0600, MISC_MAJOR << 8 | KILL_POINTS_MINOR,
                          &kill_points_ops, NULL, NULL);

    assert(error == 0);
}

#endif
