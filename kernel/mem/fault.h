// SPDX-License-Identifier: MIT
// fault.h - bringing one page of a space in.
#pragma once

#include "kernel/mem/region.h"

// One attempt. Fields: what is asked; region (in the space whose lock is held); then what came of
// it.
struct fault {
    struct space *space;
    struct region *region;
    vaddr_t page;
    enum fault_access access;
    // a write from outside, into private memory that the program itself may not write
    bool force;
    enum fault_reason reason; // with -EFAULT
};

// Finds the region for fault->page, grows a stack to it, checks rights. space->lock held. Errors:
// -EFAULT and reason.
int fault_find_region(struct fault *fault) MUST_CHECK;
// Makes the page present for the access. space->lock held.
// Errors: -EFAULT and reason, -ENOMEM, -EAGAIN: the pager must be asked with fault_page_in, which
// drops the lock.
int fault_resolve(struct fault *fault) MUST_CHECK;
// Reads the page from the pager without the lock, and takes it again: the region may be another.
// Errors: -EIO, -ENOMEM, -EINTR.
int fault_page_in(struct fault *fault) MUST_CHECK;
// All of the above, under space->lock, until the page is there. Errors: -EFAULT and reason.
int fault_bring_in(struct fault *fault) MUST_CHECK;
