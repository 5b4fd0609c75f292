// SPDX-License-Identifier: MIT
// pid.c - /proc/PID: the table of its files, and those that take a few lines.

#include <string.h>

#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/fs/procfs/text.h"
#include "kernel/log/planted.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/space.h"
#include "kernel/ns/names.h"
#include "kernel/proc/box.h"
#include "kernel/proc/thread.h"
#include "kernel/vfs/handle.h"
#include "lib/base/fmt.h"

#define PRIORITY_MOST 63
#define CMDLINE_PIECE 4096

int show_cmdline(const struct subject *subject, struct text *text)
{
    for (;;) {
        char *to = text_reserve(text, CMDLINE_PIECE);
        size_t size;

        if (to == NULL)
            return -ENOMEM;
        size = process_get_cmdline(subject->process, text_length(text), to, CMDLINE_PIECE);
        text_added(text, size);
        if (size < CMDLINE_PIECE)
            return 0;
    }
}

int show_comm(const struct subject *subject, struct text *text)
{
    char name[sizeof(subject->process->name)];
    uint64_t state = spin_lock_irq_save(&subject->process->lock);

    memcpy(name, subject->process->name, sizeof(name));
    spin_unlock_irq_restore(&subject->process->lock, state);
    text_print(text, "%s\n", name);
    return 0;
}

int store_comm(const struct subject *subject, const char *data, size_t size)
{
    char name[sizeof(subject->process->name)] = { 0 };

    memcpy(name, data, MIN(size, sizeof(name) - 1));
    process_set_name(subject->process, name);
    return 0;
}

// user_pages: resident ones. The format has no line's end behind the values.
static int show_perf(const struct subject *subject, struct text *text)
{
    struct process *process = subject->process;
    struct usage usage;
    struct space *space;
    unsigned long long pages = 0;
    unsigned threads;

    process_usage_total(process, &usage);
    process_state_letter(process, &threads);
    if (process_space(process, &space) == 0) {
        pages = (unsigned long long)atomic_load(&space->pages_resident);
        space_put(space);
    }
    text_print(text,
               "user_clocks kernel_clocks start_clocks user_pages thread_count\n"
               "%llu %llu %llu %llu %llu",
               (unsigned long long)usage.user_ns, (unsigned long long)usage.kernel_ns,
               (unsigned long long)process->start_ns, pages, (unsigned long long)threads);
    return 0;
}

static int show_prio(const struct subject *subject, struct text *text)
{
    text_print(text, "%llu", (unsigned long long)process_priority(subject->process));
    return 0;
}

// Errors: -EINVAL no number from 0 to 63; -EPERM the kernel's part, or
// upwards without being in a box around.
static int store_prio(const struct subject *subject, const char *data, size_t size)
{
    uint64_t priority;

    if (fmt_parse_u64(data, size, PRIORITY_MOST, &priority) != 0) {
        if (!planted("prio-garbage"))
            return -EINVAL;
        priority = 0;
    }
    if (priority > PRIORITY_USER_MOST)
        return -EPERM;
    if (subject->relation != RELATION_AROUND && priority > process_priority(subject->process))
        return -EPERM;
    process_set_priority(subject->process, (unsigned)priority);
    return 0;
}

// Adds what place is called in names. Errors: -ENOENT it was removed, or no name leads to it.
static int add_path(struct text *text, const struct place *place, struct names *names)
{
    char *to = text_reserve(text, PATH_MAX_BYTES);
    ssize_t length;

    if (to == NULL)
        return -ENOMEM;
    length = place_path(place, names, to, PATH_MAX_BYTES);
    if (length < 0)
        return (int)length;
    text_added(text, (size_t)length);
    return 0;
}

static int show_cwd(const struct subject *subject, struct text *text)
{
    struct names *names;
    struct place cwd;
    int error = subject_names(subject, &names);

    if (error != 0)
        return error;
    error = process_cwd(subject->process, &cwd);
    if (error == 0) {
        error = add_path(text, &cwd, names);
        place_put(&cwd);
    }
    names_put(names);
    return error;
}

// A place of /proc is about somebody. It is no cwd for a process of another box, or the writer
// would lend it his eyes.
static bool place_is_foreign(const struct place *place, const struct box *box)
{
    struct subject subject;
    bool foreign;

    if (place->node->tree != &proc_tree || proc_node_of(place->node)->record == NULL)
        return false;
    if (subject_get_trusted(proc_node_of(place->node), &subject) != 0)
        return true;
    foreign = subject.box == NULL || !box_within(subject.box, box);
    subject_put(&subject);
    return foreign;
}

// The path is walked as the target sees it; links of /proc that lead without text would lead by the
// writer's authority.
static int store_cwd(const struct subject *subject, const char *data, size_t size)
{
    unsigned flags = WALK_DIRECTORY | (subject->relation != RELATION_INSIDE ? WALK_NO_MAGIC : 0);
    struct walker walker;
    struct place base, place;
    int error;

    if (size >= PATH_MAX_BYTES)
        return -ENAMETOOLONG;
    if (strlen(data) != size)
        return -EINVAL;
    error = process_walker_of(subject->process, &walker, &base);
    if (error != 0)
        return error;
    error = walk(&walker, data, flags, &place);
    if (error == 0) {
        error = place_is_foreign(&place, subject->box) ? -EACCES
                                                       : process_set_cwd(subject->process, &place);
        place_put(&place);
    }
    process_walker_put(&walker, &base);
    return error;
}

// Adds the numbers of children as the process's own box has them. Returns: how many there are; room
// for most.
static unsigned copy_children(struct process *process, pid_t *numbers, unsigned most)
{
    uint64_t state = spin_lock_irq_save(&tree_lock);
    struct record *child;
    unsigned count = 0;

    list_for_each(child, &process->children, child_link) {
        if (count < most)
            numbers[count] = child->head ? child->outer_pid : child->pid;
        count++;
    }
    spin_unlock_irq_restore(&tree_lock, state);
    return count;
}

int show_children(const struct subject *subject, struct text *text)
{
    unsigned most = 16, count;
    pid_t *numbers;

    for (;;) {
        numbers = kmalloc(most * sizeof(*numbers), account_current());
        if (numbers == NULL)
            return -ENOMEM;
        count = copy_children(subject->process, numbers, most);
        if (count <= most)
            break;
        kfree(numbers);
        most = count + 8;
    }
    for (unsigned i = 0; i < count; i++)
        text_print(text, "%d\n", numbers[i]);
    kfree(numbers);
    return 0;
}

// What the first program was handed over, as it stands on the stack now.
static int show_environ(const struct subject *subject, struct text *text)
{
    struct space *space;
    size_t size;
    char *to;
    int error = process_space(subject->process, &space);

    if (error != 0)
        return error;
    mutex_lock(&space->lock);
    size = space->env_end - space->env_start;
    mutex_unlock(&space->lock);
    size = MIN(size, (size_t)(128 * 1024));
    to = size != 0 ? text_reserve(text, size) : NULL;
    if (to != NULL && space_read(space, space->env_start, to, size) == 0)
        text_added(text, size);
    space_put(space);
    return 0;
}

#define FILE_ENTRY(file, bits, need, show_file, store_file)                                        \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | (bits), .right = (need), .show = (show_file),            \
        .store = (store_file), .ops = &text_node_ops, .handle_ops = &text_handle_ops               \
    }
#define DIRECTORY_ENTRY(file, bits, need, node_operations, table)                                  \
    {                                                                                              \
        .name = (file), .mode = S_IFDIR | (bits), .right = (need), .ops = (node_operations),       \
        .directory = (table)                                                                       \
    }

static const struct proc_entry pid_entries[] = {
    { .name = "ctl",
      .mode = S_IFREG | 0600,
      .right = RIGHT_READ,
      .flags = PROC_AFTER_DEATH,
      .ops = &ctl_node_ops,
      .handle_ops = &ctl_handle_ops },
    { .name = "wait",
      .mode = S_IFREG | 0400,
      .right = RIGHT_READ,
      .flags = PROC_AFTER_DEATH,
      .ops = &wait_node_ops,
      .handle_ops = &wait_handle_ops },
    { .name = "status",
      .mode = S_IFREG | 0444,
      .right = RIGHT_READ,
      .flags = PROC_AFTER_DEATH,
      .show = show_status,
      .ops = &text_node_ops,
      .handle_ops = &text_handle_ops },
    FILE_ENTRY("stat", 0444, RIGHT_READ, show_stat, NULL),
    FILE_ENTRY("statm", 0444, RIGHT_READ, show_statm, NULL),
    FILE_ENTRY("cmdline", 0444, RIGHT_READ, show_cmdline, NULL),
    FILE_ENTRY("comm", 0644, RIGHT_READ, show_comm, store_comm),
    FILE_ENTRY("perf", 0444, RIGHT_READ, show_perf, NULL),
    FILE_ENTRY("prio", 0644, RIGHT_READ, show_prio, store_prio),
    { .name = "note",
      .mode = S_IFREG | 0600,
      .right = RIGHT_READ,
      .ops = &note_node_ops,
      .handle_ops = &note_handle_ops },
    FILE_ENTRY("quota", 0644, RIGHT_READ, show_quota, store_quota),
    FILE_ENTRY("children", 0444, RIGHT_READ, show_children, NULL),
    FILE_ENTRY("mounts", 0444, RIGHT_READ, show_mounts, NULL),
    FILE_ENTRY("limits", 0444, RIGHT_READ, show_limits, NULL),
    FILE_ENTRY("cwd", 0600, RIGHT_EXECUTE, show_cwd, store_cwd),
    FILE_ENTRY("maps", 0400, RIGHT_EXECUTE, show_maps, NULL),
    FILE_ENTRY("environ", 0400, RIGHT_EXECUTE, show_environ, NULL),
    DIRECTORY_ENTRY("env", 0700, RIGHT_EXECUTE, &env_directory_ops, &env_directory),
    DIRECTORY_ENTRY("fd", 0700, RIGHT_EXECUTE, &fd_directory_ops, &fd_directory),
    DIRECTORY_ENTRY("ns", 0700, RIGHT_EXECUTE, &ns_directory_ops, &ns_directory),
    DIRECTORY_ENTRY("task", 0555, RIGHT_EXECUTE, NULL, &task_directory),
    { .name = "exe", .mode = S_IFLNK | 0777, .right = RIGHT_EXECUTE, .ops = &exe_ops },
    { .name = "root", .mode = S_IFLNK | 0777, .right = RIGHT_EXECUTE, .ops = &root_link_ops },
    { .name = "box",
      .mode = S_IFDIR | 0555,
      .right = RIGHT_READ,
      .flags = PROC_HEAD,
      .directory = &box_directory },
};
const struct proc_directory pid_directory = { pid_entries, ARRAY_LEN(pid_entries), NULL, NULL };

const struct proc_entry pid_entry_of_process = {
    .mode = S_IFDIR | 0555,
    .right = RIGHT_READ,
    .flags = PROC_AFTER_DEATH,
    .directory = &pid_directory,
};
