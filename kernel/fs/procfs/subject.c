// SPDX-License-Identifier: MIT
// subject.c - whom a file of /proc is about, and what the caller may do there.
//
// Authority comes from membership: in a box around, all; in the same box, what ctl.c and the other
// files allow members; elsewhere the rights of the grant the file was reached through. It is asked
// at open and again at each use, by the box of the thread that asks, so a handle that comes into
// other hands carries no more than its grant.

#include "abi/errors.h"
#include "abi/stat.h"
#include "kernel/fs/procfs/entry.h"
#include "kernel/proc/box.h"

enum relation relation_to(const struct box *box)
{
    const struct box *mine = box_current();

    if (box == mine)
        return RELATION_INSIDE;
    return box_within(box, mine) ? RELATION_AROUND : RELATION_OUTSIDE;
}

int subject_get_trusted(struct proc_node *node, struct subject *subject)
{
    *subject = (struct subject){ .node = node, .record = node->record };
    if (node->record == NULL) {
        subject->box = box_current();
        subject->relation = RELATION_INSIDE;
        return 0;
    }
    subject->process = record_process(node->record);
    if (subject->process != NULL) {
        subject->box = subject->process->box;
        subject->relation = relation_to(subject->box);
        return 0;
    }
    subject->relation = RELATION_OUTSIDE;
    // A directory leads to the files that still answer, which find out for themselves.
    return (node->entry->flags & PROC_AFTER_DEATH) != 0 ? 0 : -ESRCH;
}

int subject_get(struct proc_node *node, const struct grant *grant, struct subject *subject)
{
    int error = subject_get_trusted(node, subject);

    // Reading and writing need r and w of the grant, which every use of a handle checks.
    if (error != 0 || subject->process == NULL || subject->relation != RELATION_OUTSIDE ||
        node->entry->right != RIGHT_EXECUTE || (grant->rights & RIGHT_EXECUTE) != 0)
        return error;
    subject_put(subject);
    return -EACCES;
}

void subject_put(struct subject *subject)
{
    if (subject->process != NULL)
        process_put(subject->process);
    subject->process = NULL;
}

int subject_names(const struct subject *subject, struct names **names)
{
    *names = box_names(subject->box);
    return *names != NULL ? 0 : -ESRCH;
}
