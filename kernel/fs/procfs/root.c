// SPDX-License-Identifier: MIT
// root.c - /proc itself, and the /proc of a box inside: numbers, and files about the box.

#include "abi/dirent.h"
#include "abi/errors.h"
#include "abi/stat.h"
#include "abi/statfs.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/fs/procfs/limit.h"
#include "kernel/fs/procfs/machine.h"
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/procfs/text.h"
#include "kernel/fs/procfs/variable.h"
#include "kernel/log/log.h"
#include "kernel/mem/account.h"
#include "kernel/proc/box.h"
#include "kernel/proc/pid.h"
#include "kernel/proc/thread.h"
#include "kernel/vfs/handle.h"
#include "lib/base/fmt.h"

struct tree proc_tree;
static struct node *root_node;

struct node *procfs_root(void)
{
    return root_node;
}

// Decimal, without leading zeros. Returns: 0 if it is no number.
static pid_t parse_number(const char *name, size_t length)
{
    uint64_t number;

    if (name[0] == '0' || fmt_parse_u64(name, length, PID_LIMIT - 1, &number) != 0)
        return 0;
    return (pid_t)number;
}

// The number by which record is known in box: a head has two.
static pid_t number_in(const struct record *record, const struct box *box)
{
    return record->head && record != box->head_record ? record->outer_pid : record->pid;
}

static int root_find(struct proc_node *directory, const char *name, size_t length,
                     struct node **child)
{
    struct proc_make make = { .entry = &pid_entry_of_process };
    pid_t number = parse_number(name, length);
    struct subject subject;
    int error;

    if (number == 0)
        return -ENOENT;
    error = subject_get_trusted(directory, &subject);
    if (error != 0)
        return error;
    make.record = pid_find_record(subject.box, number, true);
    if (make.record == NULL) {
        error = -ENOENT;
    } else {
        make.number = number_in(make.record, subject.box);
        error = proc_node_create(directory, &make, child);
        record_put(make.record);
    }
    subject_put(&subject);
    return error;
}

static int root_list(struct proc_node *directory, off_t *position, readdir_emit_fn *emit,
                     void *context)
{
    struct subject subject;
    int error = subject_get_trusted(directory, &subject);

    if (error != 0)
        return error;
    for (;;) {
        pid_t number = pid_next(subject.box, (pid_t)(*position - LIST_FIRST));
        struct record *record = number != 0 ? pid_find_record(subject.box, number, false) : NULL;
        char name[16];
        bool more;

        if (number == 0)
            break;
        if (record != NULL) {
            int length = fmt_print(name, sizeof(name), "%d", number);

            more = emit(context, name, (size_t)length, proc_ino(record, &pid_entry_of_process, 0),
                        DT_DIR, LIST_FIRST + number);
            record_put(record);
            if (!more)
                break;
        }
        *position = LIST_FIRST + number;
    }
    subject_put(&subject);
    return 0;
}

static ssize_t self_readlink(struct node *link, char *to, size_t size)
{
    char text[16];
    int length = fmt_print(text, sizeof(text), "%d", process_current()->pid);

    (void)link;
    length = (int)MIN((size_t)length, size);
    for (int i = 0; i < length; i++)
        to[i] = text[i];
    return length;
}

static ssize_t thread_self_readlink(struct node *link, char *to, size_t size)
{
    char text[48];
    int length =
        fmt_print(text, sizeof(text), "%d/task/%d", process_current()->pid, uthread_current()->tid);

    (void)link;
    length = (int)MIN((size_t)length, size);
    for (int i = 0; i < length; i++)
        to[i] = text[i];
    return length;
}

const struct node_ops self_ops = {
    .readlink = self_readlink,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};
const struct node_ops thread_self_ops = {
    .readlink = thread_self_readlink,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};

#define TEXT(file, show_file)                                                                      \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0444, .right = RIGHT_READ, .flags = PROC_OF_BOX,         \
        .show = (show_file), .ops = &text_node_ops, .handle_ops = &text_handle_ops                 \
    }

static const struct proc_entry kernel_entries[] = {
    TEXT("ostype", show_ostype),           TEXT("osrelease", show_osrelease),
    TEXT("version", show_os_version),      TEXT("hostname", show_hostname),
    TEXT("pid_max", show_pid_max),         TEXT("threads-max", show_threads_max),
    TEXT("ngroups_max", show_ngroups_max), TEXT("cap_last_cap", show_cap_last_cap),
};
static const struct proc_directory kernel_directory = { kernel_entries, ARRAY_LEN(kernel_entries),
                                                        NULL, NULL };

static const struct proc_entry vm_entries[] = {
    TEXT("overcommit_memory", show_overcommit_memory),
};
static const struct proc_directory vm_directory = { vm_entries, ARRAY_LEN(vm_entries), NULL, NULL };

static const struct proc_entry sys_fs_entries[] = {
    TEXT("nr_open", show_nr_open),
    TEXT("file-max", show_file_max),
};
static const struct proc_directory sys_fs_directory = { sys_fs_entries, ARRAY_LEN(sys_fs_entries),
                                                        NULL, NULL };

#define DIRECTORY(file, table)                                                                     \
    {                                                                                              \
        .name = (file), .mode = S_IFDIR | 0555, .right = RIGHT_READ, .flags = PROC_OF_BOX,         \
        .directory = (table)                                                                       \
    }

static const struct proc_entry sys_entries[] = {
    DIRECTORY("fs", &sys_fs_directory),
    DIRECTORY("kernel", &kernel_directory),
    DIRECTORY("vm", &vm_directory),
};
const struct proc_directory sys_directory = { sys_entries, ARRAY_LEN(sys_entries), NULL, NULL };

static const struct proc_entry root_entries[] = {
    { .name = "new",
      .mode = S_IFREG | 0600,
      .right = RIGHT_READ,
      .flags = PROC_ROOT | PROC_HIDDEN,
      .ops = &new_node_ops },
    { .name = "self",
      .mode = S_IFLNK | 0777,
      .right = RIGHT_READ,
      .flags = PROC_OWN_BOX,
      .ops = &self_ops },
    { .name = "thread-self",
      .mode = S_IFLNK | 0777,
      .right = RIGHT_READ,
      .flags = PROC_OWN_BOX,
      .ops = &thread_self_ops },
    TEXT("cpuinfo", show_cpuinfo),
    TEXT("filesystems", show_filesystems),
    TEXT("loadavg", show_loadavg),
    TEXT("meminfo", show_meminfo),
    TEXT("mounts", show_mounts),
    TEXT("stat", show_machine_stat),
    TEXT("swaps", show_swaps),
    TEXT("uptime", show_uptime),
    TEXT("version", show_version),
    DIRECTORY("sys", &sys_directory),
};

const struct proc_directory root_directory = { root_entries, ARRAY_LEN(root_entries), root_find,
                                               root_list };
const struct proc_directory box_directory = { root_entries, ARRAY_LEN(root_entries), root_find,
                                              root_list };

static const struct proc_entry root_entry = {
    .name = "",
    .mode = S_IFDIR | 0555,
    .right = RIGHT_READ,
    .flags = PROC_OF_BOX,
    .directory = &root_directory,
};

void process_procfs_init(void)
{
    struct proc_make make = { .entry = &root_entry };

    limit_init();
    variable_init();
    tree_init(&proc_tree, "proc", PROC_SUPER_MAGIC, &account_root);
    proc_tree.same_for_all = false;
    // Makes the secret in it while nobody else can.
    (void)proc_ino(NULL, &root_entry, 0);
    if (proc_node_create(NULL, &make, &root_node) != 0)
        panic("no memory for /proc");
}
