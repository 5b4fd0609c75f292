// SPDX-License-Identifier: MIT
// new.c - /proc/new: opening it makes the head of a new box, and the handle is its ctl.
//
// The box lies inside the opener's. The first read gives the box's number. While the handle is open
// the record stays; its close ends a box that was never started, or is on a leash, and lets the
// record go.

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "kernel/fs/procfs/ctl.h"
#include "kernel/proc/box.h"
#include "kernel/vfs/handle.h"
#include "lib/base/fmt.h"

// From here on nothing fails: the handle owns the box.
static void take_over(struct process *process, struct ctl_file *file)
{
    char text[16];
    int length = fmt_print(text, sizeof(text), "%d\n", process->outer_pid);
    uint64_t state = spin_lock_irq_save(&tree_lock);

    process->record->created_handle = true;
    spin_unlock_irq_restore(&tree_lock, state);
    record_get(process->record);
    file->record = process->record;
    ctl_report(file, text, (size_t)length);
}

static int new_open(struct node *node, struct handle *handle)
{
    struct process *self = process_current();
    struct process *process;
    struct ctl_file *file;
    int error;

    (void)node;
    if ((handle_flags(handle) & O_ACCMODE) != O_RDWR)
        return -EACCES;
    // First all that can fail for itself, so that a box is made only for a handle that stands.
    error = ctl_file_create(NULL, true, &file);
    if (error != 0)
        return error;
    error = process_new(self, self->priority, &process);
    if (error != 0) {
        ctl_file_destroy(file);
        return error;
    }
    take_over(process, file);
    process_put(process);
    handle->ops = &ctl_handle_ops;
    handle->private = file;
    return 0;
}

const struct node_ops new_node_ops = {
    .open = new_open,
    .truncate = proc_truncate,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};
