// SPDX-License-Identifier: MIT
// test_attack_rights.c - what a hostile program may try to reach with the authority of others: by scripts and links that
// somebody outside follows for it, by what it says of itself.
// vm: smp
#define _GNU_SOURCE
#include <sys/stat.h>

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

// --- Programs that somebody outside starts ---

static void make_script(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

    CHECK(fd >= 0);
    CHECK_EQUAL(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

CASE("a script's interpreter does not lead by the authority of who starts it from outside")
{
    static const char *const targets[] = { "self/exe", "self/fd/9", "1/exe", "self/root/bin/busybox" };
    int program = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
    struct test_box box;
    char text[64];

    CHECK(program >= 0 && dup2(program, 9) == 9);
    CHECK_EQUAL(mkdir("/tmp/hostile", 0755), 0);
    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind proc /proc rx\nbind mine /tmp/hostile rx\n"), 0);
    for (unsigned i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        snprintf(text, sizeof(text), "#!/proc/%s\n", targets[i]);
        make_script("/tmp/hostile/script", text);
        CHECK_EQUAL(box_do(&box, "exec /mine/script"), -ELOOP);
    }
    box_discard(&box);
    CHECK_EQUAL(unlink("/tmp/hostile/script"), 0);
    CHECK_EQUAL(rmdir("/tmp/hostile"), 0);
    close(program);
    close(9);
}
