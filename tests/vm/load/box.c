// SPDX-License-Identifier: MIT
// box.c - the mixed load: boxes that run, are killed, suspended, starved.
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/vm/box.h"
#include "tests/vm/load/load.h"
#include "tests/vm/vmtest.h"

#define PATIENCE_MS 60000

// A box furnished to run this program; not started.
static void furnish(struct test_box *box, const char *what, unsigned number)
{
    CHECK_EQUAL(box_new(box), 0);
    CHECK_EQUAL(box_do(box, "bind bin /bin rx\nbind proc /proc rwx\nbind dev /dev rw\ntree tmp\n"
                            "give 1 1\ngive 2 2\nexec " LOAD_PROGRAM " %s %u", what, number), 0);
}

// The number in `wait`, which must come in time.
static long long end_of(const struct test_box *box)
{
    struct pollfd fd = { .fd = proc_open(box->pid, "wait", O_RDONLY), .events = POLLIN };
    char text[32] = "";

    CHECK(fd.fd >= 0);
    if (poll(&fd, 1, PATIENCE_MS) != 1) {
        printf("# box %d has not ended\n", box->pid);
        CHECK(!"the box ends in time");
    }
    CHECK(read(fd.fd, text, sizeof(text) - 1) > 0);
    close(fd.fd);
    return atoll(text);
}

static void ended(struct test_box *box, long long status)
{
    long long got = end_of(box);

    if (got != status) {
        printf("# box %d: %lld, %s\n", box->pid, got, box_status(box->pid, "Reason"));
        CHECK_EQUAL(got, status);
    }
    box_close(box);
}

void load_box(void)
{
    unsigned code = load_random(100);
    struct test_box box;

    furnish(&box, "exit", code);
    CHECK_EQUAL(box_do(&box, "start"), 0);
    ended(&box, code);
}

// A box that does what the load does, until it is killed. fd: the file of its pulse.
static void start_load(struct test_box *box, int fd)
{
    CHECK_EQUAL(box_new(box), 0);
    CHECK_EQUAL(box_do(box, "bind bin /bin rx\nbind proc /proc rwx\nbind dev /dev rw\ntree tmp\n"
                            "give 1 1\ngive 2 2\ngive %d %d\nexec " LOAD_PROGRAM " inside %u %u\nstart",
                       fd, LOAD_PULSE_FD, load_depth + 1, load_random(UINT32_MAX)), 0);
}

// A file of a pulse of its own, mapped.
static struct load_pulse *make_pulse(int *fd)
{
    struct load_pulse *pulse;
    char path[64];

    snprintf(path, sizeof(path), "/tmp/pulse-%d", getpid());
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(*fd >= 0 && unlink(path) == 0 && ftruncate(*fd, sizeof(*pulse)) == 0);
    pulse = mmap(NULL, sizeof(*pulse), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    CHECK(pulse != MAP_FAILED);
    return pulse;
}

static void drop_pulse(struct load_pulse *pulse, int fd)
{
    CHECK(munmap(pulse, sizeof(*pulse)) == 0 && close(fd) == 0);
}

void load_kill(void)
{
    struct load_pulse *pulse;
    struct test_box box;
    int fd;

    pulse = make_pulse(&fd);
    start_load(&box, fd);
    usleep(load_random(60000));
    if (load_random(4) == 0)
        CHECK_EQUAL(box_do(&box, "suspend"), 0);
    if (load_random(4) == 0)
        CHECK_EQUAL(kill(box.pid, SIGKILL), 0);
    else
        CHECK_EQUAL(box_do(&box, "kill"), 0);
    ended(&box, -SIGKILL);
    drop_pulse(pulse, fd);
}

// Waits until the pulse has gone on from what it was.
static void await_pulse(struct load_pulse *pulse, uint64_t from)
{
    for (int i = 0; i < PATIENCE_MS && atomic_load(&pulse->operations) == from; i++)
        usleep(1000);
    CHECK(atomic_load(&pulse->operations) > from);
}

void load_suspend(void)
{
    struct load_pulse *pulse;
    struct test_box box;
    uint64_t seen;
    int fd;

    pulse = make_pulse(&fd);
    start_load(&box, fd);
    for (unsigned i = 1 + load_random(3); i > 0; i--) {
        usleep(load_random(20000));
        CHECK_EQUAL(box_do(&box, "suspend"), 0);
        seen = atomic_load(&pulse->operations);
        usleep(load_random(20000));
        CHECK_EQUAL(atomic_load(&pulse->operations), seen);
        CHECK_EQUAL(box_do(&box, "start"), 0);
        await_pulse(pulse, seen);
    }
    CHECK_EQUAL(box_do(&box, "kill"), 0);
    ended(&box, -SIGKILL);
    drop_pulse(pulse, fd);
}

void load_hunger(void)
{
    struct test_box box;

    furnish(&box, "hunger", load_random(2));
    CHECK_EQUAL(box_do(&box, "quota memory %uK\nstart", 2048 + load_random(4096)), 0);
    CHECK_EQUAL(end_of(&box), -SIGKILL);
    CHECK(strstr(box_status(box.pid, "Reason"), "memory quota") != NULL);
    box_close(&box);
}

void load_bomb(void)
{
    struct test_box box;

    furnish(&box, "bomb", 0);
    CHECK_EQUAL(box_do(&box, "quota processes %u\nquota deadline %ums\nstart", 4 + load_random(12),
                       20 + load_random(60)), 0);
    CHECK_EQUAL(end_of(&box), -SIGKILL);
    CHECK(strcmp(box_status(box.pid, "By"), "deadline") == 0);
    box_close(&box);
}
