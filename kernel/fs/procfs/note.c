// SPDX-License-Identifier: MIT
// note.c - /proc/PID/note: a write sends a note; the process itself reads its queue there.
//
// One read gives one note. While a process has its note file open for reading, notes of unknown
// types are queued for it instead of ending it.

#include "kernel/proc/note.h"

#include <string.h>

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/log/planted.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"

static bool is_reader(const struct handle *handle)
{
    return (handle->rights & RIGHT_READ) != 0;
}

// The process counts its readers for as long as it lives; handle->private says that this handle was
// counted.
static int note_open(struct node *node, struct handle *handle)
{
    struct subject subject;
    int error = subject_get(proc_node_of(node), handle->grant, &subject);

    if (error != 0)
        return error;
    // Others may open for both, as shells do; only reading is the process's own.
    if (is_reader(handle) && subject.process == process_current()) {
        atomic_fetch_add(&subject.process->signals->note_open, 1);
        handle->private = handle;
    } else if ((handle_flags(handle) & O_ACCMODE) == O_RDONLY) {
        error = -EACCES;
    }
    subject_put(&subject);
    return error;
}

static void note_close(struct handle *handle)
{
    struct process *process;

    if (handle->private == NULL)
        return;
    process = record_process(proc_node_of(handle->node)->record);
    if (process == NULL)
        return;
    atomic_fetch_sub(&process->signals->note_open, 1);
    process_put(process);
}

static bool is_own(const struct handle *handle)
{
    return proc_node_of(handle->node)->record == process_current()->record;
}

static ssize_t note_file_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    char text[NOTE_MAX_BYTES + 1];
    ssize_t length;
    int error;

    (void)position;
    if (!is_own(handle))
        return -EACCES;
    length = note_read(text, MIN(buffer->left, sizeof(text)), handle_nonblocking(handle));
    if (length <= 0)
        return length;
    error = iobuf_put(buffer, text, (size_t)length);
    return error != 0 ? error : length;
}

// A write is one note; a line's end behind it is not part of it.
static ssize_t note_file_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    char text[NOTE_MAX_BYTES + 2];
    size_t size = buffer->left, length = size;
    struct subject subject;
    int error;

    (void)position;
    if (size > NOTE_MAX_BYTES + 1)
        return -EINVAL;
    error = iobuf_get(buffer, text, size);
    if (error == -EFAULT && planted("reason-unchecked")) {
        memcpy(text, (const void *)buffer->segments[0].address, size);
        error = 0;
    }
    if (error != 0)
        return error;
    if (length != 0 && text[length - 1] == '\n')
        length--;
    error = subject_get(proc_node_of(handle->node), handle->grant, &subject);
    if (error != 0)
        return error;
    error = note_send(subject.process, text, length);
    if (planted("note-wakes"))
        process_resume(subject.process, subject.process->head);
    subject_put(&subject);
    return error != 0 ? error : (ssize_t)size;
}

static unsigned note_file_poll(struct handle *handle, struct poll_table *table)
{
    if (!is_own(handle))
        return POLLOUT | POLLWRNORM;
    // The queue goes with the process, the handle may be a child's by then.
    if (table != NULL && table->stays)
        table->error = -EPERM;
    else
        poll_wait(table, &process_current()->signals->note_readers);
    return note_poll() | POLLOUT | POLLWRNORM;
}

const struct handle_ops note_handle_ops = {
    .read = note_file_read,
    .write = note_file_write,
    .poll = note_file_poll,
    .close = note_close,
};

const struct node_ops note_node_ops = {
    .permit = proc_permit,
    .open = note_open,
    .truncate = proc_truncate,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};
