// SPDX-License-Identifier: MIT
// links.c - /proc/PID/exe and root: links that lead to a place, whatever its name.

#include "abi/errors.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/ns/names.h"
#include "kernel/proc/box.h"
#include "kernel/vfs/walk.h"

static int exe_follow(struct node *link, struct place *place)
{
    struct subject subject;
    int error = subject_get_trusted(proc_node_of(link), &subject);

    if (error != 0)
        return error;
    error = process_exe(subject.process, place);
    subject_put(&subject);
    return error;
}

static ssize_t exe_readlink(struct node *link, char *to, size_t size)
{
    struct place place;
    ssize_t length;
    int error = exe_follow(link, &place);

    if (error != 0)
        return error;
    length = place_path(&place, box_current()->names, to, size);
    place_put(&place);
    return length;
}

const struct node_ops exe_ops = {
    .readlink = exe_readlink,
    .follow = exe_follow,
    .permit = proc_permit,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};

// The "/" of the process's box: its grant lets a walker from a box around step through its names.
static int root_follow(struct node *link, struct place *place)
{
    struct subject subject;
    struct names *names;
    int error = subject_get_trusted(proc_node_of(link), &subject);

    if (error != 0)
        return error;
    names = box_names(subject.box);
    if (names == NULL) {
        error = -ESRCH;
    } else {
        *place = (struct place){ names->root, names->root->top };
        place_get(place);
        names_put(names);
    }
    subject_put(&subject);
    return error;
}

static ssize_t root_readlink(struct node *link, char *to, size_t size)
{
    struct place place;
    int error = root_follow(link, &place);

    if (error != 0)
        return error;
    place_put(&place);
    if (size == 0)
        return 0;
    to[0] = '/';
    return 1;
}

const struct node_ops root_link_ops = {
    .readlink = root_readlink,
    .follow = root_follow,
    .permit = proc_permit,
    .set_attributes = proc_set_attributes,
    .describe = proc_describe,
    .free = proc_free,
};
