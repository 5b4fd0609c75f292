// SPDX-License-Identifier: MIT
// run.c - an example of libbox: runs a program that sees /bin, may write /out, and is over in time.
//
//     run DIRECTORY PROGRAM [ARGUMENT…]
//
// PROGRAM is a path as the box sees it; DIRECTORY is its /out. It has 64 MiB and ten seconds.

#include <stdio.h>

#include "user/libbox/box.h"

static int set_up(struct box *box, const char *directory, char **program)
{
    int error = box_bind(box, "bin", "/bin", "rx");

    if (error == 0)
        error = box_bind(box, "out", directory, "rwc");
    for (int fd = 0; fd < 3 && error == 0; fd++)
        error = box_give(box, fd, fd, NULL);
    if (error == 0)
        error = box_quota(box, "memory", "64M");
    if (error == 0)
        error = box_quota(box, "deadline", "10s");
    if (error == 0)
        error = box_setenv(box, "PATH", "/bin");
    if (error == 0)
        error = box_chdir(box, "/out");
    return error == 0 ? box_exec(box, program) : error;
}

int main(int argc, char **argv)
{
    struct box_record record;
    struct box box;
    int64_t status;
    int code = 125;

    if (argc < 3) {
        fprintf(stderr, "usage: run DIRECTORY PROGRAM [ARGUMENT…]\n");
        return code;
    }
    if (box_create(&box) == 0 && set_up(&box, argv[1], argv + 2) == 0 && box_start(&box) == 0 &&
        box_wait(&box, &status, -1) == 0 && box_record(&box, &record) == 0) {
        code = box_exit_code(&record);
        if (status < 0)
            fprintf(stderr, "run: %s\n", record.reason);
    } else {
        fprintf(stderr, "run: %s\n", box.error);
    }
    box_close(&box);
    return code;
}
