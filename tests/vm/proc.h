// SPDX-License-Identifier: MIT
// proc.h - what the tests of /proc share: a file written, a box that is ended, one that sleeps.
#pragma once

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

// Writes data to /proc/PID/FILE in one write. Returns 0 or a negative errno.
static inline int proc_write(int pid, const char *file, const char *data)
{
    int fd = proc_open(pid, file, O_WRONLY | O_TRUNC);
    int error;

    if (fd < 0)
        return -errno;
    error = write(fd, data, strlen(data)) == (ssize_t)strlen(data) ? 0 : -errno;
    close(fd);
    return error;
}

// Kills the box if it still runs, and lets it go when all of it is gone.
static inline void finish(struct test_box *box)
{
    (void)box_do(box, "kill");
    (void)box_wait(box->pid);
    box_close(box);
}

// What a new box with busybox exits with when it runs script; extra are ctl commands.
static inline long long run_in_box(const char *extra, const char *script)
{
    struct test_box box;
    long long status;
    int error = box_shell(&box, extra, script);

    if (error != 0)
        return -2000 + error;
    status = box_wait(box.pid);
    finish(&box);
    return status;
}

// A box that runs until it is killed.
static inline void start_sleeper(struct test_box *box)
{
    CHECK_EQUAL(box_shell(box, "", "sleep 100"), 0);
}
