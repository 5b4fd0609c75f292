// SPDX-License-Identifier: MIT
// ns.c - /proc/PID/ns: an entry for each name of the process's box.
//
// Reading one gives `PATH RIGHTS`, where PATH is what the reader calls the top of its tree;
// removing one unbinds. The root tree, whose name is empty, is listed as "(root)".

#include "kernel/ns/names.h"

#include <string.h>

#include "abi/dirent.h"
#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/fs/procfs/text.h"
#include "kernel/proc/box.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/walk.h"

#define ROOT_NAME "(root)"

static int show_name(const struct subject *subject, struct text *text);

static const struct proc_entry name_entry = {
    .mode = S_IFREG | 0400,
    .right = RIGHT_EXECUTE,
    .show = show_name,
    .ops = &text_node_ops,
    .handle_ops = &text_handle_ops,
};

// The name in the table behind an entry's. A box may have bound the spelling of ROOT_NAME itself:
// then that is meant.
static const char *name_behind(struct names *names, const char *entry)
{
    size_t length = strlen(entry);

    return strcmp(entry, ROOT_NAME) == 0 && !names_has(names, entry, length) ? "" : entry;
}

// What the reader calls the top of grant's tree, and the grant's rights.
static int print_grant(struct grant *grant, struct text *text)
{
    struct place place = { grant, grant->top };
    char *path = text_reserve(text, PATH_MAX_BYTES);
    char rights[5];
    ssize_t length;

    if (path == NULL)
        return -ENOMEM;
    length = place_path(&place, box_current()->names, path, PATH_MAX_BYTES);
    if (length >= 0)
        text_added(text, (size_t)length);
    else
        text_print(text, "(unreachable)");
    rights_print(grant->rights, rights);
    text_print(text, " %s\n", rights);
    return 0;
}

static int show_name(const struct subject *subject, struct text *text)
{
    struct names *names;
    struct grant *grant;
    const char *name;
    int error = subject_names(subject, &names);

    if (error != 0)
        return error;
    name = name_behind(names, subject->node->name);
    names_put(names);
    error = process_find_fs(subject->process, name, &grant);
    if (error != 0)
        return error;
    error = print_grant(grant, text);
    grant_put(grant);
    return error;
}

// The names of the directory's box, counted. Errors: -ESRCH.
static int names_of(struct proc_node *directory, struct names **names)
{
    struct subject subject;
    int error = subject_get_trusted(directory, &subject);

    if (error != 0)
        return error;
    error = subject_names(&subject, names);
    subject_put(&subject);
    return error;
}

static int ns_find(struct proc_node *directory, const char *name, size_t length,
                   struct node **child)
{
    struct proc_make make = {
        .entry = &name_entry,
        .record = directory->record,
        .number = directory->number,
        .key = proc_key_of_name(name, length),
        .name = name,
        .name_length = length,
    };
    bool is_root = length == sizeof(ROOT_NAME) - 1 && memcmp(name, ROOT_NAME, length) == 0;
    struct names *names;
    bool bound;
    int error = names_of(directory, &names);

    if (error != 0)
        return error;
    bound = names_has(names, name, length) || (is_root && names_has(names, "", 0));
    names_put(names);
    return bound ? proc_node_create(directory, &make, child) : -ENOENT;
}

// A listing under way.
struct listing {
    struct proc_node *directory;
    off_t *position;
    off_t at; // of the name visited
    readdir_emit_fn *emit;
    void *context;
};

static int list_name(const char *name, struct grant *grant, void *argument)
{
    struct listing *listing = argument;
    const char *entry = name[0] != '\0' ? name : ROOT_NAME;
    size_t length = strlen(entry);
    off_t at = listing->at++;

    (void)grant;
    if (at < *listing->position)
        return 0;
    if (!listing->emit(
            listing->context, entry, length,
            proc_ino(listing->directory->record, &name_entry, proc_key_of_name(entry, length)),
            DT_REG, at + 1))
        return 1;
    *listing->position = at + 1;
    return 0;
}

static int ns_list(struct proc_node *directory, off_t *position, readdir_emit_fn *emit,
                   void *context)
{
    struct listing listing = { directory, position, LIST_FIRST, emit, context };
    struct names *names;
    int error = names_of(directory, &names);

    if (error != 0)
        return error;
    (void)names_walk(names, list_name, &listing);
    names_put(names);
    return 0;
}

static int ns_remove(struct node *directory, const char *name, size_t length, bool remove_directory)
{
    char text[NAME_MAX_BYTES + 1];
    struct subject subject;
    struct names *names;
    int error;

    if (remove_directory)
        return -ENOTDIR;
    memcpy(text, name, length);
    text[length] = '\0';
    error = subject_get_trusted(proc_node_of(directory), &subject);
    if (error != 0)
        return error;
    error = subject_names(&subject, &names);
    if (error == 0) {
        error = process_rm_fs(subject.process, name_behind(names, text));
        names_put(names);
    }
    subject_put(&subject);
    return error;
}

const struct proc_directory ns_directory = { NULL, 0, ns_find, ns_list };

const struct node_ops ns_directory_ops = {
    .lookup = proc_lookup,
    .remove = ns_remove,
    .readdir = proc_readdir,
    .permit = proc_permit,
    .open = proc_open,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};

// --- mounts: the same names, as Linux's programs look for them ---

static int show_mount(const char *name, struct grant *grant, void *argument)
{
    const char *type = grant->top->tree->type;
    struct text *text = argument;

    text_print(text, "%s /", type);
    text_add_escaped(text, name, strlen(name));
    text_print(text, " %s %s%s 0 0\n", type,
               (grant->rights & (RIGHT_WRITE | RIGHT_CREATE)) != 0 ? "rw" : "ro",
               (grant->rights & RIGHT_EXECUTE) != 0 ? "" : ",noexec");
    return text->error;
}

int show_mounts(const struct subject *subject, struct text *text)
{
    struct names *names;
    int error = subject_names(subject, &names);

    if (error != 0)
        return error;
    error = names_walk(names, show_mount, text);
    names_put(names);
    return error;
}
