// SPDX-License-Identifier: MIT
// test_attack_rights.c - what a hostile program may try to reach with the authority of others: by scripts and links that
// somebody outside follows for it, by what it says of itself.
// vm: smp
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

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

// --- What a program says of itself ---

// Ends by a note whose text would be several lines of its status.
static int say_by_note(void)
{
    static const char note[] = "ended\nBy:\tbox around\nExit:\t0";
    int fd;

    prctl(PR_SET_NAME, "a\nUid:\t7\\");
    fd = open("/proc/self/note", O_WRONLY);
    return write(fd, note, sizeof(note) - 1) < 0 ? 1 : 2;
}

// Ends by a signal that says that somebody else has sent it.
static int say_by_signal(int code, int pid)
{
    siginfo_t info = { .si_code = code };

    info.si_pid = pid;
    syscall(SYS_rt_sigqueueinfo, getpid(), SIGTERM, &info);
    return 1;
}

static int end_by_timer(void)
{
    const struct itimerspec soon = { .it_value = { .tv_nsec = 1000000 } };
    timer_t timer;

    if (timer_create(CLOCK_MONOTONIC, NULL, &timer) != 0 || timer_settime(timer, 0, &soon, NULL) != 0)
        return 1;
    for (;;)
        pause();
}

static int say(int argc, char **argv)
{
    if (argc != 3 || strcmp(argv[1], "--say") != 0)
        return -1;
    if (strcmp(argv[2], "note") == 0)
        return say_by_note();
    if (strcmp(argv[2], "kernel") == 0)
        return say_by_signal(SI_KERNEL, 0);
    if (strcmp(argv[2], "around") == 0)
        return say_by_signal(SI_QUEUE, 0);
    if (strcmp(argv[2], "other") == 0)
        return say_by_signal(SI_QUEUE, 77);
    if (strcmp(argv[2], "timer") == 0)
        return end_by_timer();
    for (;;)
        pause();
}

__attribute__((constructor)) static void add_command(void)
{
    vmtest_command = say;
}

static void start_saying(struct test_box *box, const char *what)
{
    CHECK_EQUAL(box_new(box), 0);
    CHECK_EQUAL(box_do(box, "bind bin /bin rx\nbind proc /proc rw\nexec /bin/test_attack_rights --say %s\nstart", what), 0);
}

// Who ended a box whose program says what; signal: sent from here, 0: none.
static const char *ender_of(const char *what, int signal)
{
    struct test_box box;
    const char *by;

    start_saying(&box, what);
    if (signal != 0)
        CHECK(kill(box.pid, signal) == 0);
    CHECK(box_wait(box.pid) < 0);
    by = box_status(box.pid, "By");
    box_close(&box);
    return by;
}

CASE("who ended a process is who did, whatever a signal says of its sender")
{
    CHECK(strcmp(ender_of("kernel", 0), "pid 1") == 0);
    CHECK(strcmp(ender_of("around", 0), "pid 1") == 0);
    CHECK(strcmp(ender_of("other", 0), "pid 1") == 0);
    CHECK(strcmp(ender_of("timer", 0), "kernel") == 0);
    CHECK(strcmp(ender_of("nothing", SIGTERM), "box around") == 0);
}

CASE("a program's name and the reason that it gives for its end are one line each of its status")
{
    struct test_box box;
    char text[4096];

    start_saying(&box, "note");
    CHECK_EQUAL(box_wait(box.pid), -15);
    CHECK(proc_read(box.pid, "status", text, sizeof(text)) > 0);
    CHECK(strstr(text, "\nUid:") == NULL && strstr(text, "Name:\ta\\nUid:\t7\\\\\n") != NULL);
    CHECK(strstr(text, "\nExit:\t-15\nReason:\tended\\nBy:\tbox around\\nExit:\t0\nBy:\tpid 1\n") != NULL);
    box_close(&box);
}
