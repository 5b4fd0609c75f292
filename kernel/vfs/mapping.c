// SPDX-License-Identifier: MIT
// mapping.c - what memory asks of the file behind a region: to stay, and whether it may still be seen.
#include "kernel/mem/space.h"
#include "kernel/vfs/handle.h"

static struct grant *mapping_hold(struct handle *handle)
{
    handle_get(handle);
    grant_get(handle->grant);
    return handle->grant;
}

static void mapping_release(struct handle *handle, struct grant *grant)
{
    handle_put(handle);
    grant_put(grant);
}

static const struct region_file_ops mapping_ops = {
    .hold = mapping_hold,
    .release = mapping_release,
    .revoked = grant_is_revoked,
};

void mapping_init(void)
{
    space_set_file_ops(&mapping_ops);
}
