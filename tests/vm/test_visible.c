// SPDX-License-Identifier: MIT
// test_visible.c - who sees whom: docs/visible.md, which is part of this program, row by row: every call
// and file that takes the number of a process, and what was opened while the number was another's.
//
// The observer is a member of a box of its own. Of what is outside of it, around or beside, no number
// means anything there; nor does that of a process that was waited for.
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/vm/box.h"
#include "tests/vm/table.h"
#include "tests/vm/visible/visible.h"
#include "tests/vm/vmtest.h"

// More than the observer's box ever counts to: what has a number from here on is not in it.
#define OUTSIDE_FIRST 400
// Where the observer has what it was given.
enum { AROUND_PIDFD = 20, BESIDE_PIDFD, AROUND_DIRECTORY, BESIDE_DIRECTORY };

// --- The subjects: each with what was taken while it bore its number ---

static struct {
    pid_t pid;
    int pidfd;
    int directory; // /proc/PID
} subjects[SUBJECTS];
static struct test_box inside, ended;

static void end_child(pid_t pid)
{
    siginfo_t info;

    kill(pid, SIGKILL);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
}

static void take(enum subject subject, pid_t pid)
{
    subjects[subject].pid = pid;
    subjects[subject].pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    subjects[subject].directory = proc_open(pid, ".", O_RDONLY | O_DIRECTORY);
}

// A member that leads a group of its own.
static void make_member(enum subject subject)
{
    pid_t pid = pause_child();

    setpgid(pid, pid);
    take(subject, pid);
}

static void make_dead(enum subject subject)
{
    make_member(subject);
    end_child(subjects[subject].pid);
}

static void make_gone(enum subject subject)
{
    make_dead(subject);
    waitpid(subjects[subject].pid, NULL, 0);
}

// The number of one that is gone, borne by another now: numbers are used again after all others.
static int make_reused(void)
{
    int device = open("/dev/process-interface", O_WRONLY | O_CLOEXEC);
    pid_t wanted, pid = 0;

    make_gone(REUSED);
    wanted = subjects[REUSED].pid;
    if (write(device, "numbers_end", 11) != 11)
        return -errno;
    close(device);
    while (pid < wanted) {
        pid = pause_child();
        if (pid == wanted)
            return setpgid(pid, pid);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return -ESRCH;
}

static int make_box(struct test_box *box)
{
    int error = box_new(box);

    return error != 0 ? error : box_do(box, "bind bin /bin rx\nexec /bin/busybox sleep 100\nstart");
}

static int make_ended(void)
{
    int error = make_box(&ended);

    take(ENDED, ended.pid);
    if (error == 0)
        error = box_do(&ended, "kill");
    return error == 0 && box_wait(ended.pid) == -9 ? 0 : -1;
}

static int make_subjects(pid_t around, pid_t beside)
{
    take(SELF, getpid());
    make_gone(GONE);
    make_member(MEMBER);
    make_dead(DEAD);
    if (make_box(&inside) != 0 || make_ended() != 0 || make_reused() != 0)
        return 1;
    take(INSIDE, inside.pid);
    subjects[AROUND].pid = around;
    subjects[AROUND].pidfd = AROUND_PIDFD;
    subjects[AROUND].directory = AROUND_DIRECTORY;
    subjects[BESIDE].pid = beside;
    subjects[BESIDE].pidfd = BESIDE_PIDFD;
    subjects[BESIDE].directory = BESIDE_DIRECTORY;
    return 0;
}

// --- Calls ---

static int result_of_call(size_t number, enum subject subject)
{
    const struct visible_try *try = &visible_calls[number];
    int error;

    errno = 0;
    error = try->run(subjects[subject].pid);
    if (try->reaps && subject == DEAD)
        make_dead(DEAD);
    if (try->reaps && subject == ENDED) {
        box_close(&ended);
        make_ended();
    }
    return error;
}

// --- Files ---

// What stands for TID in a file's name: of a box inside, the only number it has there.
static void name_file(char *to, size_t size, enum subject subject, const char *file)
{
    bool is_box = subject == INSIDE || subject == ENDED || subject == BESIDE;
    const char *tid = strstr(file, "TID");

    if (tid == NULL)
        snprintf(to, size, "%s", file);
    else
        snprintf(to, size, "%.*s%d%s", (int)(tid - file), file, is_box ? 1 : subjects[subject].pid,
                 tid + 3);
}

// Opens a file, and reads it once.
static int read_at(int directory, const char *file)
{
    int fd = openat(directory, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC), error;

    if (fd < 0)
        return errno;
    error = read_handle(fd);
    close(fd);
    return error;
}

static int write_at(int directory, const char *file, const char *data)
{
    int fd = openat(directory, file, O_WRONLY | O_CLOEXEC), error;

    if (fd < 0)
        return errno;
    error = write(fd, data, strlen(data)) < 0 ? errno : 0;
    close(fd);
    return error;
}

static int link_at(int directory, const char *file)
{
    char text[256];

    return readlinkat(directory, file, text, sizeof(text)) < 0 ? errno : 0;
}

static const struct visible_file {
    const char *name; // below /proc/PID
    const char *data; // to write
    bool link;        // to read as a link
} files[] = {
    { .name = "." },
    { .name = "ctl" },
    { .name = "ctl", .data = "start" },
    { .name = "wait" },
    { .name = "status" },
    { .name = "stat" },
    { .name = "statm" },
    { .name = "cmdline" },
    { .name = "comm" },
    { .name = "comm", .data = "watched" },
    { .name = "perf" },
    { .name = "prio" },
    { .name = "prio", .data = "18" },
    { .name = "note" },
    { .name = "note", .data = "child" },
    { .name = "quota" },
    { .name = "quota", .data = "threads 8000" },
    { .name = "children" },
    { .name = "mounts" },
    { .name = "limits" },
    { .name = "cwd" },
    { .name = "cwd", .data = "/" },
    { .name = "maps" },
    { .name = "environ" },
    { .name = "env" },
    { .name = "fd" },
    { .name = "ns" },
    { .name = "ns/bin" },
    { .name = "exe" },
    { .name = "exe", .link = true },
    { .name = "root" },
    { .name = "root", .link = true },
    { .name = "task" },
    { .name = "task/TID" },
    { .name = "task/TID/stat" },
    { .name = "task/TID/statm" },
    { .name = "task/TID/status" },
    { .name = "task/TID/comm" },
    { .name = "task/TID/cmdline" },
    { .name = "task/TID/children" },
    { .name = "task/TID/fd" },
    { .name = "box" },
    { .name = "box/uptime" },
    { .name = "box/1/status" },
};
#define FILES (sizeof(files) / sizeof(files[0]))

static struct visible_try file_tries[FILES + 1];
static char file_names[FILES][64];

// The rows of files, as docs/visible.md calls them.
static void name_rows(void)
{
    for (size_t i = 0; i < FILES; i++) {
        snprintf(file_names[i], sizeof(file_names[i]), "`%s`%s", files[i].name,
                 files[i].data != NULL ? ", written"
                 : files[i].link       ? ", as a link"
                                       : "");
        file_tries[i].name = file_names[i];
    }
}

static int file_at(const struct visible_file *file, int directory, const char *path)
{
    if (file->data != NULL)
        return write_at(directory, path, file->data);
    return file->link ? link_at(directory, path) : read_at(directory, path);
}

// Names the process of a number to a new box.
static int bind_number(pid_t pid)
{
    struct test_box box;
    int error = -box_new(&box);

    if (error == 0)
        error = -box_do(&box, "bind it /proc/%d r", pid);
    box_discard(&box);
    return error;
}

static int result_of_file(size_t number, enum subject subject)
{
    char file[64], path[128];

    if (number == FILES)
        return bind_number(subjects[subject].pid);
    name_file(file, sizeof(file), subject, files[number].name);
    snprintf(path, sizeof(path), "/proc/%d/%s", subjects[subject].pid, file);
    return file_at(&files[number], AT_FDCWD, path);
}

// --- What was taken before ---

static int try_send(int pidfd)
{
    return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 ? 0 : errno;
}

static int try_wait(int pidfd)
{
    siginfo_t info;

    return waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0
               ? 0
               : errno;
}

static int try_getfd(int pidfd)
{
    int fd = (int)syscall(SYS_pidfd_getfd, pidfd, 0, 0);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int try_setns(int pidfd)
{
    return syscall(SYS_setns, pidfd, 0) == 0 ? 0 : errno;
}

// EAGAIN until it has ended.
static int try_poll(int pidfd)
{
    struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

    return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents == POLLIN ? 0 : EAGAIN;
}

static int try_advice(int pidfd)
{
    return syscall(SYS_process_madvise, pidfd, NULL, 0, 0, 0) == 0 ? 0 : errno;
}

static int try_release(int pidfd)
{
    return syscall(448 /* process_mrelease */, pidfd, 0) == 0 ? 0 : errno;
}

static const struct visible_try pidfd_tries[] = {
    { .name = "`pidfd_send_signal`", .run = try_send },
    { .name = "`waitid`, `P_PIDFD`", .run = try_wait },
    { .name = "`pidfd_getfd`", .run = try_getfd },
    { .name = "`poll` of a pidfd", .run = try_poll },
    { .name = "`setns`", .run = try_setns },
    { .name = "`process_madvise`", .run = try_advice },
    { .name = "`process_mrelease`", .run = try_release },
};
#define PIDFD_TRIES (sizeof(pidfd_tries) / sizeof(pidfd_tries[0]))

static int result_of_pidfd(size_t number, enum subject subject)
{
    return pidfd_tries[number].run(subjects[subject].pidfd);
}

static int result_of_directory(size_t number, enum subject subject)
{
    char file[64];

    name_file(file, sizeof(file), subject, files[number].name);
    return file_at(&files[number], subjects[subject].directory, file);
}

// --- The observer ---

// In a process of its own, so that the head stays out of it.
static int observe(const char *what, pid_t around, pid_t beside)
{
    int differences = 0;

    visible_calls_prepare();
    name_rows();
    file_tries[FILES].name = "`ctl bind NAME /proc/N`";
    if (make_subjects(around, beside) != 0)
        return 1;
    if (strcmp(what, "calls") == 0)
        differences = visible_compare("## Calls\n", visible_calls, visible_call_count, result_of_call);
    else if (strcmp(what, "files") == 0)
        differences = visible_compare("## Files\n", file_tries, FILES + 1, result_of_file);
    else if (strcmp(what, "pidfds") == 0)
        differences = visible_compare("## Pidfds\n", pidfd_tries, PIDFD_TRIES, result_of_pidfd);
    else
        differences = visible_compare("## Directories\n", file_tries, FILES, result_of_directory);
    fflush(stdout);
    return differences != 0;
}

static int command(int argc, char **argv)
{
    int status;
    pid_t pid;

    if (argc != 5 || strcmp(argv[1], "observe") != 0)
        return -1;
    pid = fork();
    if (pid == 0)
        _exit(observe(argv[2], atoi(argv[3]), atoi(argv[4])));
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

__attribute__((constructor)) static void register_command(void)
{
    vmtest_command = command;
}

// Gives what may watch a process, and no more.
static void give(const struct test_box *box, pid_t pid, int pidfd_as, int directory_as)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int directory = proc_open(pid, ".", O_RDONLY | O_DIRECTORY);

    CHECK(pidfd >= 0 && directory >= 0);
    CHECK(box_do(box, "give %d %d r\ngive %d %d r", pidfd, pidfd_as, directory, directory_as) == 0);
    close(pidfd);
    close(directory);
}

// Has what a section of docs/visible.md says compared with what is so.
static void check_section(const char *what)
{
    struct test_box beside, observer;
    pid_t around = 0;

    while (around < OUTSIDE_FIRST) {
        around = fork();
        if (around == 0)
            _exit(0);
        waitpid(around, NULL, 0);
    }
    CHECK(make_box(&beside) == 0);
    around = pause_child();
    CHECK(box_new(&observer) == 0);
    CHECK(box_do(&observer, "bind bin /bin rx\nbind proc /proc rwx\nbind dev /dev rwc\n"
                            "give 0 0\ngive 1 1\ngive 2 2\n") == 0);
    give(&observer, around, AROUND_PIDFD, AROUND_DIRECTORY);
    give(&observer, beside.pid, BESIDE_PIDFD, BESIDE_DIRECTORY);
    CHECK(box_do(&observer, "exec /bin/test_visible observe %s %d %d\nstart", what, around,
                 beside.pid) == 0);
    CHECK_EQUAL(box_wait(observer.pid), 0);
    box_close(&observer);
    CHECK(kill(around, SIGKILL) == 0 && waitpid(around, NULL, 0) == around);
    CHECK(box_do(&beside, "kill") == 0 && box_wait(beside.pid) == -9);
    box_close(&beside);
}

CASE("a call with a number means whom docs/visible.md says, and nobody outside the box")
{
    check_section("calls");
}

CASE("a file named by a number is whose docs/visible.md says, and nobody's outside the box")
{
    check_section("files");
}

CASE("a pidfd means the process it was opened for, whoever bears its number now")
{
    check_section("pidfds");
}

CASE("a handle on /proc/N means the process it was opened for, whoever bears its number now")
{
    check_section("directories");
}

CASE("a head has no parent as it sees it, and is number 1")
{
    struct test_box box;

    CHECK(box_shell(&box, "", "[ $$ = 1 ] && [ $PPID = 0 ] && exit 5") == 0);
    CHECK_EQUAL(box_wait(box.pid), 5);
    box_close(&box);
}

CASE("from outside a head is one process: its members have no numbers there")
{
    struct test_box box;
    char text[256];
    pid_t mine;

    CHECK(box_shell(&box, "", "sleep 100 & sleep 100 & sleep 100") == 0);
    usleep(100000);
    mine = pause_child();
    CHECK_EQUAL(mine, box.pid + 1); // nothing of the box took a number here
    CHECK(proc_read(box.pid, "box/1/children", text, sizeof(text)) > 0);
    CHECK(kill(mine, SIGKILL) == 0 && waitpid(mine, NULL, 0) == mine);
    CHECK(box_do(&box, "kill") == 0 && box_wait(box.pid) == -9);
    box_close(&box);
}

CASE("handles on a dead process stay its own, whoever comes after")
{
    pid_t pid = pause_child(), next;
    int wait_fd = proc_open(pid, "wait", O_RDONLY), ctl = proc_open(pid, "ctl", O_RDWR);
    int prio = proc_open(pid, "prio", O_RDONLY), pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    char text[16] = "";

    CHECK(wait_fd >= 0 && ctl >= 0 && prio >= 0 && pidfd >= 0);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    for (int i = 0; i < 100; i++) {
        next = pause_child();
        CHECK(next != pid); // used again only after all others
        CHECK(kill(next, SIGKILL) == 0 && waitpid(next, NULL, 0) == next);
    }
    next = pause_child();
    CHECK(write(ctl, "kill", 4) < 0 && errno == ESRCH);
    CHECK(read(prio, text, sizeof(text)) < 0 && errno == ESRCH);
    CHECK(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 && errno == ESRCH);
    CHECK(read(wait_fd, text, sizeof(text)) > 0 && atoi(text) == -9);
    CHECK(kill(next, 0) == 0);
    CHECK(kill(next, SIGKILL) == 0 && waitpid(next, NULL, 0) == next);
    close(wait_fd);
    close(ctl);
    close(prio);
    close(pidfd);
}
