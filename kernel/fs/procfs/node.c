// SPDX-License-Identifier: MIT
// node.c - nodes of /proc: made by lookup from tables of entries, freed with their last user.
//
// Locking: none of its own. A node never changes; what it shows is looked up in the process each
// time it is asked.
// Invariants: P1 a node refers to one record for its whole life, so a number given out again never
// reaches it. P2 a node keeps the one above it, and a chain of them is freed in a loop.

#include <string.h>

#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/box.h"
#include "kernel/sync/random.h"
#include "kernel/vfs/handle.h"
#include "lib/base/fmt.h"

#define DOTS 2 // "." and ".." come first

static SLAB_CACHE(proc_node_cache, "proc handle", struct proc_node);

// File numbers are told to user space and come from addresses, so they are mixed with this.
static uint64_t ino_secret;

static uint64_t mix(uint64_t value)
{
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    return value ^ value >> 32;
}

uint64_t proc_ino(const struct record *record, const struct proc_entry *entry, uint64_t key)
{
    if (ino_secret == 0)
        random_bytes(&ino_secret, sizeof(ino_secret));
    return mix(mix(mix((uintptr_t)record ^ ino_secret) ^ (uintptr_t)entry) ^ key) | 1;
}

uint64_t proc_key_of_name(const char *name, size_t length)
{
    uint64_t key = length;

    for (size_t i = 0; i < length; i++)
        key = mix(key ^ (uint8_t)name[i]);
    return key;
}

static const struct node_ops *ops_of(const struct proc_entry *entry)
{
    if (entry->ops != NULL)
        return entry->ops;
    return S_ISDIR(entry->mode) ? &proc_directory_ops : &proc_file_ops;
}

static const struct handle_ops *handle_ops_of(const struct proc_entry *entry)
{
    if (entry->handle_ops != NULL)
        return entry->handle_ops;
    return S_ISDIR(entry->mode) ? &directory_handle_ops : NULL;
}

// The owner that stat shows: the labels of the process.
static void set_owner(struct node *node, struct record *record)
{
    struct process *process = record != NULL ? record_process(record) : NULL;

    if (process == NULL)
        return;
    node->uid = process->euid;
    node->gid = process->egid;
    process_put(process);
}

static int copy_name(const struct proc_make *make, struct proc_node *made)
{
    if (make->name == NULL)
        return 0;
    made->name = kmalloc(make->name_length + 1, account_current());
    if (made->name == NULL)
        return -ENOMEM;
    memcpy(made->name, make->name, make->name_length);
    made->name[make->name_length] = '\0';
    return 0;
}

int proc_node_create(struct proc_node *parent, const struct proc_make *make, struct node **node)
{
    struct account *account = account_current();
    struct proc_node *made = slab_alloc(&proc_node_cache, account);

    if (made == NULL)
        return -ENOMEM;
    if (copy_name(make, made) != 0) {
        slab_free(&proc_node_cache, made);
        return -ENOMEM;
    }
    node_init(&made->node, &proc_tree, ops_of(make->entry), make->entry->mode, account);
    made->node.handle_ops = handle_ops_of(make->entry);
    made->node.nlink = S_ISDIR(make->entry->mode) ? 2 : 1;
    made->entry = make->entry;
    made->record = make->record;
    made->number = make->number;
    made->key = make->key;
    if (made->record != NULL)
        record_get(made->record);
    if (parent != NULL) {
        made->node.ino = proc_ino(make->record, make->entry, make->key);
        node_get(&parent->node);
        made->node.parent = &parent->node;
        set_owner(&made->node, make->record);
    }
    *node = &made->node;
    return 0;
}

// Boxes nest, and so do their directories: a loop, where a put in a put would use up the stack.
void proc_free(struct node *node)
{
    while (node != NULL) {
        struct proc_node *gone = proc_node_of(node);
        struct node *parent = node->parent;

        if (gone->record != NULL)
            record_put(gone->record);
        kfree(gone->name);
        node_fini(node);
        slab_free(&proc_node_cache, gone);
        node = parent != NULL && refcount_put(&parent->ref) ? parent : NULL;
    }
}

// Whether a process's directory stands in the /proc of the box that it leads: there that box is
// around already, and once more would be without end.
static bool is_own_head(const struct proc_node *directory)
{
    return directory->node.parent != NULL &&
           proc_node_of(directory->node.parent)->record == directory->record;
}

// Whether the directory has this entry of its table for the calling process.
static bool exists(const struct proc_node *directory, const struct proc_entry *entry)
{
    struct box *mine = box_current();

    if ((entry->flags & PROC_ROOT) != 0 && directory->record != NULL)
        return false;
    if ((entry->flags & PROC_OWN_BOX) != 0 && directory->record != NULL &&
        directory->record != mine->head_record)
        return false;
    if ((entry->flags & PROC_HEAD) != 0)
        return directory->record != NULL && directory->record->head &&
               directory->record != mine->head_record && !is_own_head(directory);
    return true;
}

int proc_lookup(struct node *node, const char *name, size_t length, struct node **child)
{
    struct proc_node *directory = proc_node_of(node);
    const struct proc_directory *table = directory->entry->directory;

    for (unsigned i = 0; i < table->count; i++) {
        const struct proc_entry *entry = &table->entries[i];

        if (entry->name[0] == name[0] && strlen(entry->name) == length &&
            memcmp(entry->name, name, length) == 0 && exists(directory, entry)) {
            struct proc_make make = {
                entry, directory->record, directory->number, directory->key, NULL, 0
            };

            return proc_node_create(directory, &make, child);
        }
    }
    return table->find != NULL ? table->find(directory, name, length, child) : -ENOENT;
}

static bool list_dots(struct node *node, off_t *position, readdir_emit_fn *emit, void *context)
{
    for (; *position < DOTS; ++*position) {
        uint64_t ino = *position == 1 && node->parent != NULL ? node->parent->ino : node->ino;

        if (!emit(context, "..", (size_t)*position + 1, ino, mode_dt(node->mode), *position + 1))
            return false;
    }
    return true;
}

int proc_readdir(struct node *node, off_t *position, readdir_emit_fn *emit, void *context)
{
    struct proc_node *directory = proc_node_of(node);
    const struct proc_directory *table = directory->entry->directory;

    if (!list_dots(node, position, emit, context))
        return 0;
    for (; *position < DOTS + table->count; ++*position) {
        const struct proc_entry *entry = &table->entries[*position - DOTS];

        if ((entry->flags & PROC_HIDDEN) == 0 && exists(directory, entry) &&
            !emit(context, entry->name, strlen(entry->name),
                  proc_ino(directory->record, entry, directory->key), mode_dt(entry->mode),
                  *position + 1))
            return 0;
    }
    *position = MAX(*position, LIST_FIRST);
    return table->list != NULL ? table->list(directory, position, emit, context) : 0;
}

int proc_permit(struct node *node, const struct grant *grant)
{
    struct proc_node *found = proc_node_of(node);
    struct subject subject;
    int error;

    if (found->entry->right != RIGHT_EXECUTE || (grant->rights & RIGHT_EXECUTE) != 0)
        return 0;
    error = subject_get(found, grant, &subject);
    if (error == -ESRCH)
        return 0; // each use says so itself
    if (error == 0)
        subject_put(&subject);
    return error;
}

int proc_open(struct node *node, struct handle *handle)
{
    struct subject subject;
    int error = subject_get(proc_node_of(node), handle->grant, &subject);

    if (error == 0)
        subject_put(&subject);
    return error;
}

// What a file says is made when it is read, so there is nothing to cut; shells that write with `>`
// cut all the same.
int proc_truncate(struct node *node, off_t size)
{
    (void)node;
    (void)size;
    return 0;
}

// Mode, owner and times of a process's files follow from the process.
int proc_set_attributes(struct node *node)
{
    (void)node;
    return -EPERM;
}

ssize_t proc_describe(const struct node *node, char *to, size_t size)
{
    const struct proc_node *described = container_of(node, const struct proc_node, node);
    const char *name = described->entry->name != NULL ? described->entry->name : "";

    if (described->record == NULL)
        return fmt_print(to, size, "proc:%s", name);
    return fmt_print(to, size, "proc:%d/%s", described->number, name);
}

const struct node_ops proc_file_ops = {
    .permit = proc_permit,
    .open = proc_open,
    .truncate = proc_truncate,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};

const struct node_ops proc_directory_ops = {
    .lookup = proc_lookup,
    .readdir = proc_readdir,
    .permit = proc_permit,
    .open = proc_open,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};
