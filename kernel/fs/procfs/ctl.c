// SPDX-License-Identifier: MIT
// ctl.c - /proc/PID/ctl: commands, one a line; what failed is read back.
//
// Each command is parsed, checked against the writer's authority, and done, before the next is
// looked at. Authority is asked for each command anew: by the box of the thread that writes,
// whoever opened the handle; and what spends the writer's own authority only for members of the box
// that opened this very handle, so that a handle passed on steers but never makes its holder pay.
// Locking: file->lock guards the report alone. Two writes through one handle mix their commands, as
// two handles would.

#include "kernel/fs/procfs/ctl.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/fs/procfs/procfs.h"
#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/box.h"
#include "kernel/proc/kill_point.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "lib/base/errors.h"
#include "lib/base/fmt.h"
#include "lib/ctl/ctl.h"

#define WRITE_MAX (256 * 1024)
#define SOURCE_SHOWN 200 // bytes of a command in a report

_Static_assert((int)CTL_STEER == RIGHT_WRITE && (int)CTL_INHABIT == RIGHT_EXECUTE,
               "rights of commands are those of grants");
_Static_assert((int)CTL_RIGHT_ALL == RIGHT_ALL && (int)CTL_RIGHT_C == RIGHT_CREATE,
               "rights in commands are those of grants");

static SLAB_CACHE(ctl_file_cache, "proc ctl", struct ctl_file);

int ctl_file_create(struct record *record, bool creation, struct ctl_file **file)
{
    struct ctl_file *made = slab_alloc(&ctl_file_cache, account_current());

    if (made == NULL)
        return -ENOMEM;
    spin_init(&made->lock, RANK_PROCFS);
    made->creation = creation;
    made->record = record;
    if (record != NULL)
        record_get(record);
    *file = made;
    return 0;
}

void ctl_file_destroy(struct ctl_file *file)
{
    if (file->record != NULL)
        record_put(file->record);
    slab_free(&ctl_file_cache, file);
}

void ctl_report(struct ctl_file *file, const char *line, size_t length)
{
    spin_lock(&file->lock);
    while (file->report_length + length > CTL_REPORT_SIZE) {
        const char *end = memchr(file->report, '\n', file->report_length);
        size_t cut = end != NULL ? (size_t)(end - file->report) + 1 : file->report_length;

        file->report_length -= cut;
        memmove(file->report, file->report + cut, file->report_length);
    }
    memcpy(file->report + file->report_length, line, length);
    file->report_length += length;
    spin_unlock(&file->lock);
}

// Takes up to size bytes off the report.
static size_t take_report(struct ctl_file *file, char *to, size_t size)
{
    spin_lock(&file->lock);
    size = MIN(size, file->report_length);
    memcpy(to, file->report, size);
    file->report_length -= size;
    memmove(file->report, file->report + size, file->report_length);
    spin_unlock(&file->lock);
    return size;
}

static ssize_t ctl_read(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    char text[256];
    ssize_t total = 0;

    (void)position;
    while (buffer->left != 0) {
        size_t size = take_report(handle->private, text, MIN(sizeof(text), buffer->left));
        int error;

        if (size == 0)
            break;
        error = iobuf_put(buffer, text, size);
        if (error != 0)
            return total != 0 ? total : error;
        total += (ssize_t)size;
    }
    return total;
}

// Whether the writer may use such a command on the process. Errors: -EPERM.
static int check_authority(const struct subject *subject, struct handle *handle,
                           const struct ctl_spec *spec)
{
    const struct handle *opened = handle->origin != NULL ? handle->origin : handle;

    if (planted("ctl-authority"))
        return 0;
    if (subject->relation == RELATION_INSIDE && (spec->where & CTL_INSIDE) == 0)
        return -EPERM;
    if (subject->relation == RELATION_OUTSIDE &&
        (handle->grant->rights & spec->right) != spec->right)
        return -EPERM;
    if ((spec->where & CTL_SPENDS) != 0 && opened->account != account_current())
        return -EPERM;
    return 0;
}

// `reap`: the one command for the dead. Who may: the box around, or who has the right.
static int do_reap(struct handle *handle, struct ctl_file *file)
{
    struct record *record = file->record;
    bool around;
    uint64_t state;

    if (!record->head || record == box_current()->head_record)
        return -EPERM;
    state = spin_lock_irq_save(&tree_lock);
    around = record->outer_box != NULL && box_within(record->outer_box, box_current());
    spin_unlock_irq_restore(&tree_lock, state);
    if (!around && (handle->grant->rights & RIGHT_WRITE) == 0)
        return -EPERM;
    kill_point(KILL_AT_CTL + CTL_reap, process_current()); // the subject is dead: whose box is at stake is the writer
    return process_reap(record);
}

// The subject of a handle: that of /proc/new has a node that is about nobody. Errors: -ESRCH.
static int handle_subject(const struct ctl_file *file, struct handle *handle,
                          struct subject *subject)
{
    *subject = (struct subject){ .node = proc_node_of(handle->node), .record = file->record };
    subject->process = record_process(file->record);
    if (subject->process == NULL)
        return -ESRCH;
    subject->box = subject->process->box;
    subject->relation = relation_to(subject->box);
    return 0;
}

static int do_command(struct handle *handle, const struct ctl_command *command)
{
    struct ctl_file *file = handle->private;
    struct subject subject;
    int error;

    if (command->number == CTL_reap)
        return do_reap(handle, file);
    error = handle_subject(file, handle, &subject);
    if (error != 0)
        return error;
    error = check_authority(&subject, handle, command->spec);
    if (error == 0)
        error = ctl_do(&subject, command);
    subject_put(&subject);
    return error;
}

// One line, whatever the command held.
static void report_failure(struct ctl_file *file, const struct ctl_command *command, int error)
{
    int shown = (int)MIN(command->source_length, (size_t)SOURCE_SHOWN);
    const char *name = error_name(error);
    char source[SOURCE_SHOWN + 1], line[SOURCE_SHOWN + 128];
    int length;

    for (int i = 0; i < shown; i++)
        source[i] = (uint8_t)command->source[i] >= ' ' && command->source[i] != 0x7f
                        ? command->source[i]
                        : '?';
    source[shown] = '\0';
    length = fmt_print(line, sizeof(line), "line %u: %s%s: %s (%s)\n", command->line, source,
                       command->source_length > SOURCE_SHOWN ? "..." : "", error_text(error),
                       name != NULL ? name : "unknown");
    ctl_report(file, line, MIN((size_t)length, sizeof(line) - 1));
}

// Returns how much was taken: all, or what stands before a command that a signal ended the wait of.
static ssize_t do_all(struct handle *handle, const char *text, size_t size, char *words)
{
    struct ctl_reader reader;
    struct ctl_command command;
    int result;

    ctl_reader_init(&reader, text, size, words);
    while ((result = ctl_next(&reader, &command)) != 0) {
        if (result == 1)
            result = do_command(handle, &command);
        if (result == -EINTR && command.source != text)
            return command.source - text;
        if (result == -EINTR)
            return result;
        if (result != 0) {
            report_failure(handle->private, &command, result);
            return result;
        }
        if (thread_relax())
            return -EINTR;
    }
    return (ssize_t)size;
}

static ssize_t ctl_write(struct handle *handle, struct iobuf *buffer, off_t *position)
{
    size_t size = buffer->left;
    ssize_t done;
    char *text;

    (void)position;
    if (size > WRITE_MAX)
        return -E2BIG;
    // The text, and behind it the words of a command.
    text = kmalloc(2 * size + 1, account_current());
    if (text == NULL)
        return -ENOMEM;
    done = iobuf_get(buffer, text, size);
    if (done == 0)
        done = do_all(handle, text, size, text + size);
    kfree(text);
    return done;
}

static int ctl_open(struct node *node, struct handle *handle)
{
    struct ctl_file *file;
    int error = proc_open(node, handle);

    if (error == 0)
        error = ctl_file_create(proc_node_of(node)->record, false, &file);
    if (error == 0)
        handle->private = file;
    return error;
}

static void ctl_close(struct handle *handle)
{
    struct ctl_file *file = handle->private;

    if (file->creation && !planted("spawn-leftover"))
        record_creation_closed(file->record);
    ctl_file_destroy(file);
}

bool procfs_handle_is_of(const struct handle *handle, const struct box *box)
{
    const struct ctl_file *file = handle->ops == &ctl_handle_ops ? handle->private : NULL;
    struct record *record;
    struct process *process;
    bool is_of;

    if (handle->node->tree != &proc_tree)
        return false;
    record = file != NULL ? file->record : proc_node_of(handle->node)->record;
    process = record != NULL ? record_process(record) : NULL;
    if (process == NULL)
        return false;
    is_of = process->box == box;
    process_put(process);
    return is_of;
}

const struct handle_ops ctl_handle_ops = { .read = ctl_read,
                                           .write = ctl_write,
                                           .close = ctl_close };

const struct node_ops ctl_node_ops = {
    .permit = proc_permit,
    .open = ctl_open,
    .truncate = proc_truncate,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};
