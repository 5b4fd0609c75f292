// SPDX-License-Identifier: MIT
// test_high.c - memory above 4 GiB.
// vm: -m 6G
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

CASE("programs use memory above 4 GiB, and no higher than the machine has")
{
    static const char *const commands[] = { "user-above 4294967296", "user-above 7516192768" };
    int fd = open("/dev/ledger", O_WRONLY);

    CHECK(write(fd, commands[0], strlen(commands[0])) > 0);
    CHECK(write(fd, commands[1], strlen(commands[1])) < 0 && errno == ERANGE);
    close(fd);
}
