// SPDX-License-Identifier: MIT
// entry.h - internal to procfs: what its directories consist of, and whom a file is about.
//
// Directories are tables of entries; what is not in a table (numbers, fds, names) a directory finds
// and lists itself. Nodes are made by lookup and freed with their last user; each keeps the one
// above it and the record of its process, never the process.
#pragma once

#include "kernel/ns/grant.h"
#include "kernel/proc/process.h"
#include "kernel/vfs/node.h"

struct handle;
struct iobuf;
struct proc_node;
struct subject;
struct text;

enum proc_flags {
    PROC_AFTER_DEATH = 1, // answers when the process has ended
    PROC_OF_BOX = 2,      // about the box, and so in the /proc of a box too
    PROC_ROOT = 4,        // only in /proc itself
    PROC_OWN_BOX = 8,     // only in the /proc of the reader's own box
    PROC_HIDDEN = 16,     // not listed
    PROC_HEAD = 32,       // only for heads of other boxes than the reader's
    PROC_STREAM = 64,     // has handle operations of its own
};

// Fields: all constant.
struct proc_entry {
    const char *name; // NULL: found by its directory
    mode_t mode;
    unsigned
        right; // what a grant must have for those in no box around: RIGHT_READ, or RIGHT_EXECUTE
    unsigned flags;                      // enum proc_flags
    const struct node_ops *ops;          // NULL: by mode
    const struct handle_ops *handle_ops; // NULL: by mode
    // Text files: writes what is read into text; takes what was written (a NUL stands behind it, a
    // line's end was taken off).
    int (*show)(const struct subject *subject, struct text *text);
    int (*store)(const struct subject *subject, const char *data, size_t size);
    const struct proc_directory *directory;
};

struct proc_directory {
    const struct proc_entry *entries;
    unsigned count;
    // What is in no table. NULL: nothing. Errors: -ENOENT, -ESRCH.
    int (*find)(struct proc_node *directory, const char *name, size_t length, struct node **child);
    // Lists from *position on, where it begins with LIST_FIRST.
    int (*list)(struct proc_node *directory, off_t *position, readdir_emit_fn *emit, void *context);
};
#define LIST_FIRST 0x1000

// Fields: all set once.
struct proc_node {
    struct node node; // node.parent is counted
    const struct proc_entry *entry;
    struct record *record; // counted; NULL: about the reader's own box
    pid_t number; // of the record as it was found: a head's in the box around, or in its own
    uint64_t key; // an fd, a thread's number
    char *name;   // a variable, a name; NULL
};

static inline struct proc_node *proc_node_of(struct node *node)
{
    return container_of(node, struct proc_node, node);
}

// --- node.c ---

extern struct tree proc_tree;

// What a node is made from.
struct proc_make {
    const struct proc_entry *entry;
    struct record *record; // a reference is taken; NULL as in struct proc_node
    pid_t number;
    uint64_t key;
    const char *name; // copied; may be NULL
    size_t name_length;
};
// Errors: -ENOMEM.
int proc_node_create(struct proc_node *parent, const struct proc_make *make,
                     struct node **node) MUST_CHECK;
// The number of the file that would be made so.
uint64_t proc_ino(const struct record *record, const struct proc_entry *entry, uint64_t key);
uint64_t proc_key_of_name(const char *name, size_t length);

// The operations of nodes without any of their own.
extern const struct node_ops proc_file_ops, proc_directory_ops;
int proc_open(struct node *node, struct handle *handle); // checks the right; sets nothing
int proc_permit(struct node *node, const struct grant *grant);
int proc_set_attributes(struct node *node); // refuses
int proc_truncate(struct node *node, off_t size);
int proc_lookup(struct node *node, const char *name, size_t length, struct node **child);
int proc_readdir(struct node *node, off_t *position, readdir_emit_fn *emit, void *context);
void proc_free(struct node *node);
ssize_t proc_describe(const struct node *node, char *to, size_t size);

// --- subject.c ---

// How the caller stands to a process.
enum relation {
    RELATION_INSIDE,  // in its box
    RELATION_AROUND,  // in a box around its box: has all rights
    RELATION_OUTSIDE, // neither: has what the grant gives
};

// Fields: valid from subject_get to subject_put.
struct subject {
    struct proc_node *node;
    struct record *record;   // NULL: the file is about the reader's box
    struct process *process; // counted; NULL where there is no record, or it has ended
    struct box *box;         // of process, or the reader's; NULL when it has ended
    enum relation relation;
};

// For a use of node that came through grant. Errors: -ESRCH ended (but with PROC_AFTER_DEATH),
// -EACCES the grant lacks a right.
int subject_get(struct proc_node *node, const struct grant *grant,
                struct subject *subject) MUST_CHECK;
// The same with all rights, where they were checked before.
int subject_get_trusted(struct proc_node *node, struct subject *subject) MUST_CHECK;
void subject_put(struct subject *subject);
// The names of its box, counted. Errors: -ESRCH the box has emptied.
int subject_names(const struct subject *subject, struct names **names) MUST_CHECK;
enum relation relation_to(const struct box *box);

// --- Tables of the other files ---

extern const struct handle_ops text_handle_ops, wait_handle_ops, note_handle_ops, ctl_handle_ops,
    variable_handle_ops;
extern const struct node_ops new_node_ops, env_directory_ops, fd_directory_ops, ns_directory_ops,
    ctl_node_ops, text_node_ops, note_node_ops, wait_node_ops, self_ops, thread_self_ops,
    mounts_link_ops, exe_ops, root_link_ops;
extern const struct proc_directory root_directory, pid_directory, env_directory, fd_directory,
    ns_directory, task_directory, box_directory, sys_directory;
extern const struct proc_entry pid_entry_of_process;

// What files of pid/ and task/TID/ share.
int show_stat(const struct subject *subject, struct text *text);
int show_statm(const struct subject *subject, struct text *text);
int show_status(const struct subject *subject, struct text *text);
int show_cmdline(const struct subject *subject, struct text *text);
int show_comm(const struct subject *subject, struct text *text);
int show_children(const struct subject *subject, struct text *text);
int show_maps(const struct subject *subject, struct text *text);
int show_mounts(const struct subject *subject, struct text *text);
int show_quota(const struct subject *subject, struct text *text);
int show_limits(const struct subject *subject, struct text *text);
int store_comm(const struct subject *subject, const char *data, size_t size);
int store_quota(const struct subject *subject, const char *data, size_t size);
