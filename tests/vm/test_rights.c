// SPDX-License-Identifier: MIT
// test_rights.c - which right what needs: docs/rights.md, which is part of this program, cell by cell.
//
// Each try of /proc/PID has a target of its own, so that none finds what another left behind.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/vm/box.h"
#include "tests/vm/rights/rights.h"
#include "tests/vm/table.h"
#include "tests/vm/vmtest.h"

TABLE_PAGE(rights_page, "docs/rights.md");

#define NOT_TRIED 255 // the exit code for -1

const char *const asker_names[ASKERS] = {
    "around", "inside", "wxc", "r", "rw", "rx", "rwx", "rwxc"
};

// --- Files, by a box that has names for its own ---

static const char *const file_rights[] = { "rwxc", "wxc", "rxc", "rwc", "rwx", "r", "w", "x", "c" };
#define FILE_RIGHTS (sizeof(file_rights) / sizeof(file_rights[0]))
static const char *const refused_columns[] = { "errno" };
static struct test_box own; // the box itself, by its own ctl

static void make_file(const char *path, mode_t mode, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        abort();
    close(fd);
}

static void make_program(const char *path)
{
    make_file(path, 0700, "#!/bin/busybox true\n");
}

static void make_entries(void)
{
    make_file("/own/dir/file", 0600, "content");
    make_program("/own/dir/program");
    if (symlink("file", "/own/dir/symlink") < 0 ||
        mknod("/own/dir/socket", S_IFSOCK | 0700, 0) < 0 || mkdir("/own/dir/empty", 0700) < 0 ||
        mkdir("/own/dir/full", 0700) < 0)
        abort();
    make_file("/own/dir/full/inner", 0600, "content");
}

static void remove_entries(void)
{
    static const char *const files[] = {
        "file", "program", "symlink", "socket", "full/inner", "new"
    };
    static const char *const directories[] = { "empty", "full", "new" };
    char path[64];

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "/own/dir/%s", files[i]);
        unlink(path);
    }
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        snprintf(path, sizeof(path), "/own/dir/%s", directories[i]);
        rmdir(path);
    }
}

static int file_result(size_t row, size_t rights)
{
    char path[64];
    int result;

    make_entries();
    if (box_do(&own, "bind n /own/dir %s", file_rights[rights]) != 0)
        abort();
    snprintf(path, sizeof(path), "/n%s%s", file_tries[row].entry[0] != '\0' ? "/" : "",
             file_tries[row].entry);
    result = file_tries[row].run(path);
    if (box_do(&own, "unbind n") != 0)
        abort();
    remove_entries();
    return result;
}

static int named_result(size_t row, size_t rights)
{
    int result;

    make_program("/own/named");
    if (box_do(&own, "bind n /own/named %s", file_rights[rights]) != 0)
        abort();
    result = named_tries[row].run("/n");
    if (box_do(&own, "unbind n") != 0 || unlink("/own/named") < 0)
        abort();
    return result;
}

static int refused_result(size_t row, size_t column)
{
    (void)column;
    return refused_tries[row].run();
}

static const char *file_name(size_t row)
{
    return file_tries[row].name;
}

static const char *named_name(size_t row)
{
    return named_tries[row].name;
}

static const char *refused_name(size_t row)
{
    return refused_tries[row].name;
}

static int compare_own(const char *heading)
{
    struct table table = { .page = rights_page,
                           .file = "rights.md",
                           .heading = heading,
                           .columns = file_rights,
                           .column_count = FILE_RIGHTS };

    own.ctl = open("/proc/self/ctl", O_RDWR | O_CLOEXEC);
    if (own.ctl < 0 || mkdir("/own/dir", 0700) < 0)
        abort();
    if (strncmp(heading, "## Files", 8) == 0) {
        table.row_count = file_try_count;
        table.name = file_name;
        table.result = file_result;
    } else if (strncmp(heading, "## A file", 9) == 0) {
        table.row_count = named_try_count;
        table.name = named_name;
        table.result = named_result;
    } else {
        if (box_do(&own, "bind a /own/dir rwxc\nbind b /own/dir rwxc") != 0)
            abort();
        table.columns = refused_columns;
        table.column_count = 1;
        table.row_count = refused_try_count;
        table.name = refused_name;
        table.result = refused_result;
    }
    return table_compare(&table) != 0;
}

// --- The target and the asker of /proc/PID, as programs ---

static int be_target(void)
{
    if (write(4, "r", 1) != 1)
        return 1;
    for (;;)
        pause();
}

// A member asks about another.
static int ask_inside(size_t number)
{
    pid_t member = fork();
    char path[32];
    int result;

    if (member == 0)
        for (;;)
            pause();
    snprintf(path, sizeof(path), "/proc/%d", member);
    proc_tid = member;
    if (member < 0 || dup2(open(path, O_RDONLY | O_DIRECTORY), PROC_DIRECTORY) < 0)
        return 254;
    result = proc_try_run(number);
    kill(member, SIGKILL);
    waitpid(member, NULL, 0);
    return result;
}

static int ask_by_name(size_t number)
{
    if (dup2(open("/peer", O_PATH | O_DIRECTORY), PROC_DIRECTORY) < 0)
        return 254;
    return proc_try_run(number);
}

static int command(int argc, char **argv)
{
    size_t number = argc > 2 ? (size_t)atoi(argv[2]) : 0;
    int result;

    if (argc < 2 || argv[1][0] != '-')
        return -1;
    if (strcmp(argv[1], "--target") == 0)
        return be_target();
    if (strcmp(argv[1], "--tables") == 0)
        return compare_own(argv[2]);
    if (strcmp(argv[1], "--inside") == 0)
        result = ask_inside(number);
    else if (strcmp(argv[1], "--name") == 0)
        result = ask_by_name(number);
    else
        result = proc_try_run(number);
    return result < 0 ? NOT_TRIED : result;
}

__attribute__((constructor)) static void register_command(void)
{
    vmtest_command = command;
}

// --- /proc/PID ---

// A box with what the tries are about: a variable, a limit of its own, a program at 3.
static void prepare(struct test_box *box)
{
    char path[64];
    int fd;

    CHECK_EQUAL(box_new(box), 0);
    CHECK_EQUAL(
        box_do(box, "bind bin /bin rx\ntree own\ngive %d 3\nquota processes 1000", PROC_PROGRAM),
        0);
    snprintf(path, sizeof(path), "/proc/%d/env/V", box->pid);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, "value", 5) == 5);
    close(fd);
}

static void start_target(struct test_box *box)
{
    char byte;
    int ready[2];

    CHECK_EQUAL(pipe2(ready, O_CLOEXEC), 0);
    prepare(box);
    CHECK_EQUAL(box_do(box, "give %d 4\nexec /bin/test_rights --target\nstart", ready[1]), 0);
    close(ready[1]);
    CHECK_EQUAL(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

static void finish(struct test_box *box)
{
    (void)box_do(box, "kill");
    (void)box_wait(box->pid);
    box_close(box);
}

static int exit_of(struct test_box *box)
{
    long long code = box_wait(box->pid);

    box_close(box);
    CHECK(code >= 0 && code <= NOT_TRIED);
    return code == NOT_TRIED ? -1 : (int)code;
}

static int result_inside(size_t row)
{
    struct test_box box;

    prepare(&box);
    CHECK_EQUAL(box_do(&box, "bind proc /proc rwxc\ngive %d %d\n", PROC_PROGRAM, PROC_PROGRAM), 0);
    CHECK_EQUAL(box_do(&box, "exec /bin/test_rights --inside %zu\nstart", row), 0);
    return exit_of(&box);
}

static int result_around(size_t row, const struct test_box *target)
{
    int directory = proc_open(target->pid, ".", O_RDONLY | O_DIRECTORY), result;

    CHECK_EQUAL(dup2(directory, PROC_DIRECTORY), PROC_DIRECTORY);
    close(directory);
    result = proc_try_run(row);
    close(PROC_DIRECTORY);
    return result;
}

// handed: by a handle on the directory, not by a name.
static int result_outside(size_t row, const struct test_box *target, const char *rights,
                          bool handed)
{
    int directory = proc_open(target->pid, ".", O_RDONLY | O_DIRECTORY);
    int ctl = proc_open(target->pid, "ctl", O_RDWR);
    struct test_box asker;

    CHECK(directory >= 0 && ctl >= 0);
    CHECK_EQUAL(box_new(&asker), 0);
    CHECK_EQUAL(box_do(&asker, "bind bin /bin rx\ngive %d %d\ngive %d %d %s\n", PROC_PROGRAM,
                       PROC_PROGRAM, ctl, PROC_CTL_OF_ANOTHER, rights),
                0);
    if (handed)
        CHECK_EQUAL(box_do(&asker, "give %d %d %s", directory, PROC_DIRECTORY, rights), 0);
    else
        CHECK_EQUAL(box_do(&asker, "bind peer /proc/%d %s", target->pid, rights), 0);
    CHECK_EQUAL(
        box_do(&asker, "exec /bin/test_rights %s %zu\nstart", handed ? "--handle" : "--name", row),
        0);
    close(directory);
    close(ctl);
    return exit_of(&asker);
}

static bool by_handle;

static int proc_result(size_t row, size_t asker)
{
    struct test_box target;
    int result;

    if (asker == ASKER_INSIDE)
        return result_inside(row);
    start_target(&target);
    if (asker == ASKER_AROUND)
        result = result_around(row, &target);
    else
        result = result_outside(row, &target, asker_names[asker], by_handle);
    finish(&target);
    return result;
}

static const char *proc_name(size_t row)
{
    return proc_tries[row].name;
}

static void check_proc(bool handed)
{
    const struct table table = { .page = rights_page,
                                 .file = "rights.md",
                                 .heading = "## `/proc`\n",
                                 .columns = asker_names,
                                 .column_count = ASKERS,
                                 .row_count = proc_try_count,
                                 .name = proc_name,
                                 .result = proc_result };
    int program = open("/bin/busybox", O_RDONLY | O_CLOEXEC);

    by_handle = handed;
    CHECK(program >= 0 && dup2(program, PROC_PROGRAM) == PROC_PROGRAM);
    close(program);
    CHECK_EQUAL(table_compare(&table), 0);
    close(PROC_PROGRAM);
}

CASE("each file and command of a bound /proc/PID needs the rights that docs/rights.md says")
{
    check_proc(false);
}

CASE("each file and command by a handle on /proc/PID needs the rights that docs/rights.md says")
{
    check_proc(true);
}

// --- Files ---

static void give_handles(const struct test_box *box)
{
    int program = open("/tmp/rights/program", O_RDWR | O_CLOEXEC);
    int directory = open("/tmp/rights", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

    CHECK(program >= 0 && directory >= 0 && pidfd >= 0);
    CHECK_EQUAL(box_do(box, "give %d %d wxc\ngive %d %d rxc\ngive %d %d rwc\ngive %d %d rxc",
                       program, GIVEN_WITHOUT_READ, program, GIVEN_WITHOUT_WRITE, program,
                       GIVEN_WITHOUT_EXECUTE, directory, GIVEN_DIRECTORY_WITHOUT_WRITE),
                0);
    CHECK_EQUAL(box_do(box, "give %d %d rxc\ngive %d %d rw", pidfd, GIVEN_PIDFD_WITHOUT_WRITE,
                       pidfd, GIVEN_PIDFD),
                0);
    close(program);
    close(directory);
    close(pidfd);
}

// Has a section compared in a box that has trees, names and handles for it.
static void check_own(const char *heading)
{
    struct test_box box;

    CHECK_EQUAL(mkdir("/tmp/rights", 0700), 0);
    make_program("/tmp/rights/program");
    make_file("/tmp/rights/file", 0600, "content");
    CHECK_EQUAL(mkfifo("/tmp/rights/fifo", 0600), 0);
    CHECK_EQUAL(mknod("/tmp/rights/socket", S_IFSOCK | 0600, 0), 0);
    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box,
                       "bind bin /bin rx\nbind proc /proc rwxc\nbind foreign /tmp/rights rwxc\n"
                       "tree own\ngive 0 0\ngive 1 1\ngive 2 2"),
                0);
    give_handles(&box);
    CHECK_EQUAL(box_do(&box, "exec /bin/test_rights --tables '%s'\nstart", heading), 0);
    CHECK_EQUAL(box_wait(box.pid), 0);
    box_close(&box);
    CHECK(unlink("/tmp/rights/program") == 0 && unlink("/tmp/rights/file") == 0 &&
          unlink("/tmp/rights/fifo") == 0 && unlink("/tmp/rights/socket") == 0);
    CHECK_EQUAL(rmdir("/tmp/rights"), 0);
}

CASE("each call on files below a name needs the rights that docs/rights.md says")
{
    check_own("## Files\n");
}

CASE("each call on a file that has a name itself needs the rights that docs/rights.md says")
{
    check_own("## A file that is a name\n");
}

CASE("what is refused whatever the rights is refused as docs/rights.md says")
{
    check_own("## Whatever the rights\n");
}
