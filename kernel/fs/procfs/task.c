// SPDX-License-Identifier: MIT
// task.c - /proc/PID/task: a directory for each thread, by the number it has in its box.

#include "abi/dirent.h"
#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/proc/pid.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"
#include "lib/base/fmt.h"

#define TEXT(file, show_file)                                                                      \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0444, .right = RIGHT_EXECUTE, .show = (show_file),       \
        .ops = &text_node_ops, .handle_ops = &text_handle_ops                                      \
    }

static const struct proc_entry thread_entries[] = {
    TEXT("stat", show_stat), TEXT("statm", show_statm),     TEXT("status", show_status),
    TEXT("comm", show_comm), TEXT("cmdline", show_cmdline), TEXT("children", show_children),
    // What its process has open: threads share it.
    { .name = "fd", .mode = S_IFDIR | 0700, .right = RIGHT_EXECUTE, .ops = &fd_directory_ops, .directory = &fd_directory },
};
static const struct proc_directory thread_directory = { thread_entries, ARRAY_LEN(thread_entries),
                                                        NULL, NULL };

static const struct proc_entry thread_entry = {
    .mode = S_IFDIR | 0555,
    .right = RIGHT_EXECUTE,
    .directory = &thread_directory,
};

static int task_find(struct proc_node *directory, const char *name, size_t length,
                     struct node **child)
{
    struct proc_make make = { .entry = &thread_entry,
                              .record = directory->record,
                              .number = directory->number };
    struct subject subject;
    bool found;
    int error;

    if (name[0] == '0' || fmt_parse_u64(name, length, PID_LIMIT - 1, &make.key) != 0)
        return -ENOENT;
    error = subject_get_trusted(directory, &subject);
    if (error != 0)
        return error;
    found = process_has_thread(subject.process, (pid_t)make.key);
    subject_put(&subject);
    return found ? proc_node_create(directory, &make, child) : -ENOENT;
}

static int task_list(struct proc_node *directory, off_t *position, readdir_emit_fn *emit,
                     void *context)
{
    struct subject subject;
    int error = subject_get_trusted(directory, &subject);
    pid_t tid;

    if (error != 0)
        return error;
    while ((tid = process_next_thread(subject.process, (pid_t)(*position - LIST_FIRST))) != 0) {
        char name[16];
        int length = fmt_print(name, sizeof(name), "%d", tid);

        if (!emit(context, name, (size_t)length,
                  proc_ino(directory->record, &thread_entry, (uint64_t)tid), DT_DIR,
                  LIST_FIRST + tid))
            break;
        *position = LIST_FIRST + tid;
    }
    subject_put(&subject);
    return 0;
}

const struct proc_directory task_directory = { NULL, 0, task_find, task_list };
