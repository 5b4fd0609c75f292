// SPDX-License-Identifier: MIT
// test_libbox.c - libbox, page by page of docs/man: what each function does, and each error that its page names.
#define _GNU_SOURCE
#include "user/libbox/box.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

#define LONG_VALUE (128 * 1024)

static char text[8192];

// Makes a box that sees /bin and has the standard streams.
static void make(struct box *box)
{
    CHECK_EQUAL(box_create(box), 0);
    CHECK_EQUAL(box_bind(box, "bin", "/bin", "rx"), 0);
    for (int fd = 0; fd < 3; fd++)
        CHECK_EQUAL(box_give(box, fd, fd, NULL), 0);
}

// Starts a script in it.
static void start(struct box *box, const char *script)
{
    char *argv[] = { "/bin/busybox", "sh", "-c", (char *)script, NULL };

    CHECK_EQUAL(box_exec(box, argv), 0);
    CHECK_EQUAL(box_start(box), 0);
}

// Waits for its end and closes it. Returns its status.
static long long end(struct box *box)
{
    int64_t status;

    CHECK_EQUAL(box_wait(box, &status, -1), 0);
    box_close(box);
    return status;
}

// Ends a box that does not run, and waits until it is gone.
static void discard(struct box *box)
{
    CHECK_EQUAL(box_kill(box, -9), 0);
    CHECK_EQUAL(end(box), -9);
}

static bool says(const struct box *box, const char *sentence)
{
    if (strcmp(box->error, sentence) == 0)
        return true;
    printf("# %s\n# is not: %s\n", box->error, sentence);
    return false;
}

// What a file of the box says, in text.
static const char *file_of(const struct box *box, const char *file)
{
    char directory[32];

    snprintf(directory, sizeof(directory), "/proc/%d", box->pid);
    CHECK(box_read_file(directory, file, text, sizeof(text)) >= 0);
    return text;
}

// Reads all that comes out of a pipe's end into text.
static const char *drain(int fd)
{
    ssize_t size = 0, got;

    while ((got = read(fd, text + size, sizeof(text) - 1 - (size_t)size)) > 0)
        size += got;
    CHECK_EQUAL(got, 0);
    text[size] = '\0';
    close(fd);
    return text;
}

// --- libbox.3 ---

static void example(void)
{
    struct box box;
    char *argv[] = { "/bin/sh", "-c", "echo hello", NULL };
    int64_t status;

    if (box_create(&box) == 0 &&
        box_bind(&box, "bin", "/bin", "rx") == 0 &&
        box_give(&box, 1, 1, "w") == 0 &&
        box_exec(&box, argv) == 0 && box_start(&box) == 0 &&
        box_wait(&box, &status, -1) == 0)
        printf("ended with %lld\n", (long long)status);
    else
        fprintf(stderr, "%s\n", box.error);
    box_close(&box);
}

CASE("libbox(3): the example of its page says hello from a box")
{
    int ends[2], status;
    pid_t pid;

    CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        example();
        fflush(stdout);
        _exit(7);
    }
    close(ends[1]);
    CHECK(strcmp(drain(ends[0]), "hello\nended with 0\n") == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

// --- box_create.3 ---

CASE("box_create(3): a box begins empty, and ends with box_close, which may be called again")
{
    struct box box;
    struct box_record record;
    int64_t status;
    char directory[32];

    CHECK_EQUAL(box_create(&box), 0);
    CHECK(box.pid > 0 && box.ctl >= 0 && box.error[0] == '\0');
    CHECK((fcntl(box.ctl, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_EQUAL(box_record(&box, &record), 0);
    CHECK(!record.ended && record.processes == 1 && record.fds == 0);
    CHECK(strcmp(file_of(&box, "cwd"), "/") == 0 && strcmp(file_of(&box, "mounts"), "") == 0);
    CHECK_EQUAL(box_start(&box), -ENOEXEC);
    snprintf(directory, sizeof(directory), "/proc/%d", box.pid);
    box_close(&box);
    CHECK_EQUAL(box.ctl, -1);
    box_close(&box);
    CHECK_EQUAL(box_command(&box, "start"), -ESRCH);
    CHECK(says(&box, "no box: No such process"));
    while (access(directory, F_OK) == 0) // the box ends with its handle, and its record goes
        CHECK(box_wait(&box, &status, -1) == 0 ? status == -9 : errno == ENOENT || errno == ESRCH);
    CHECK_EQUAL(errno, ENOENT);
}

CASE("box_create(3): without /proc it is ENOENT, with one to be read alone EACCES, over a quota EAGAIN")
{
    static const struct {
        const char *rights, *processes, *words; // rights NULL: no /proc
    } rows[] = {
        { NULL, "9", "-2 -1 /proc/new: No such file or directory\n" },
        { "rx", "9", "-13 -1 /proc/new: Permission denied\n" },
        { "rwx", "1", "-11 -1 /proc/new: Resource temporarily unavailable\n" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *argv[] = { "/bin/test_libbox", "create", NULL };
        struct box box;
        int ends[2];

        CHECK(pipe2(ends, O_CLOEXEC) == 0);
        CHECK_EQUAL(box_create(&box), 0);
        CHECK_EQUAL(box_bind(&box, "bin", "/bin", "rx"), 0);
        CHECK_EQUAL(box_give(&box, ends[1], 1, "w"), 0);
        if (rows[i].rights != NULL)
            CHECK_EQUAL(box_bind(&box, "proc", "/proc", rows[i].rights), 0);
        CHECK_EQUAL(box_quota(&box, "processes", rows[i].processes), 0);
        CHECK_EQUAL(box_exec(&box, argv), 0);
        CHECK_EQUAL(box_start(&box), 0);
        close(ends[1]);
        CHECK(strcmp(drain(ends[0]), rows[i].words) == 0 || printf("# %s", text) < 0);
        CHECK_EQUAL(end(&box), 0);
    }
}

// Prints what box_create makes of the box that this runs in: its error, the handle and the sentence.
static int create_command(int argc, char **argv)
{
    struct box box;
    int error;

    if (argc != 2 || strcmp(argv[1], "create") != 0)
        return -1;
    error = box_create(&box);
    printf("%d %d %s\n", error, box.ctl, box.error);
    return 0;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = create_command;
}

CASE("box_command(3): of several commands those before the failing one took effect, and error says which it was")
{
    struct box box;

    CHECK_EQUAL(box_create(&box), 0);
    CHECK_EQUAL(box_command(&box, "tree %s\nbind c /nosuch r\ntree d", "a"), -ENOENT);
    CHECK(says(&box, "line 2: bind c /nosuch r: no such file or directory (ENOENT)"));
    CHECK(strcmp(file_of(&box, "mounts"), "tmpfs /a tmpfs rw 0 0\n") == 0);
    CHECK_EQUAL(box_command(&box, "nosuch"), -EINVAL);
    CHECK(strncmp(box.error, "nosuch: ", 8) == 0 && strstr(box.error, "(EINVAL)") != NULL);
    CHECK_EQUAL(box_command(&box, "close %d", 3), -EBADF);
    CHECK(says(&box, "close 3: bad file descriptor (EBADF)"));
    discard(&box);
}

CASE("box_quote(3): any word arrives as it is, and the length is that of the whole")
{
    static const char word[] = "it's a \"test\" && # \\ $x\nline";
    char quoted[128], short_one[6];
    struct box box;

    CHECK_EQUAL(box_quote(quoted, sizeof(quoted), ""), 2);
    CHECK(strcmp(quoted, "''") == 0);
    CHECK_EQUAL(box_quote(quoted, sizeof(quoted), "a'b"), 8);
    CHECK(strcmp(quoted, "'a'\\''b'") == 0);
    CHECK_EQUAL(box_quote(short_one, sizeof(short_one), "a'b"), 8);
    CHECK(strcmp(short_one, "'a'\\'") == 0);
    CHECK_EQUAL(box_quote(NULL, 0, "''"), 10); // 4 a byte, and 2; with its NUL 3
    CHECK(box_quote(quoted, sizeof(quoted), word) < sizeof(quoted));
    make(&box);
    CHECK_EQUAL(box_command(&box, "exec /bin/busybox echo %s", quoted), 0);
    CHECK(strcmp(file_of(&box, "cmdline") + sizeof("/bin/busybox echo") , word) == 0);
    discard(&box);
}

// --- box_bind.3 ---

CASE("box_bind(3): a name leads to the path with at most the rights asked for")
{
    struct box box;

    CHECK(mkdir("/tmp/given", 0755) == 0);
    make(&box);
    CHECK_EQUAL(box_bind(&box, "r", "/tmp/given", "r"), 0);
    CHECK_EQUAL(box_bind(&box, "all", "/tmp/given", NULL), 0);
    CHECK(strcmp(file_of(&box, "ns/r"), "/tmp/given r\n") == 0);
    CHECK(strcmp(file_of(&box, "ns/all"), "/tmp/given rwxc\n") == 0);
    CHECK_EQUAL(box_bind(&box, "r", "/tmp", "r"), -EEXIST);
    CHECK(strstr(box.error, "(EEXIST)") != NULL);
    CHECK_EQUAL(box_bind(&box, "a/b", "/tmp", "r"), -EINVAL);
    CHECK_EQUAL(box_bind(&box, "t", "/tmp", "rq"), -EINVAL);
    CHECK_EQUAL(box_bind(&box, "t", "/nosuch", "r"), -ENOENT);
    CHECK(says(&box, "bind 't' '/nosuch' 'r': no such file or directory (ENOENT)"));
    CHECK_EQUAL(box_bind(&box, "", "/tmp/given", "rx"), 0);
    start(&box, "echo x > /all/file && ! /bin/busybox touch /r/new && read x < /file && exit 3");
    CHECK_EQUAL(end(&box), 3);
    CHECK(unlink("/tmp/given/file") == 0 && rmdir("/tmp/given") == 0);
}

CASE("box_tree(3): an empty tree of its own, gone with it; EEXIST a name that is there")
{
    struct box box;

    make(&box);
    CHECK_EQUAL(box_tree(&box, "own", "rwc"), 0);
    CHECK_EQUAL(box_tree(&box, "own", NULL), -EEXIST);
    CHECK_EQUAL(box_tree(&box, "bin", NULL), -EEXIST);
    CHECK_EQUAL(box_tree(&box, "a/b", NULL), -EINVAL);
    CHECK_EQUAL(box_tree(&box, "t", "z"), -EINVAL);
    start(&box, "[ -z \"$(ls /own)\" ] && mkfifo /own/fifo && echo x > /own/f && exit 4");
    CHECK_EQUAL(end(&box), 4);
}

CASE("box_unbind(3): takes a name away, what is open by it stays open; ENOENT a name that is not there")
{
    struct box box;

    CHECK(mkdir("/tmp/given", 0755) == 0);
    make(&box);
    CHECK_EQUAL(box_bind(&box, "d", "/tmp/given", NULL), 0);
    CHECK_EQUAL(box_chdir(&box, "/d"), 0);
    CHECK_EQUAL(box_unbind(&box, "d"), 0);
    CHECK_EQUAL(box_unbind(&box, "d"), -ENOENT);
    CHECK(says(&box, "unbind 'd': no such file or directory (ENOENT)"));
    start(&box, "[ ! -e /d ] && echo x > file && exit 5");
    CHECK_EQUAL(end(&box), 5);
    CHECK(unlink("/tmp/given/file") == 0 && rmdir("/tmp/given") == 0);
}

CASE("box_give(3): the box's fd is the caller's file, with at most the rights asked for")
{
    struct box box;
    char path[64];
    int fd = open("/tmp/file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), own;

    CHECK(fd >= 0);
    make(&box);
    CHECK_EQUAL(box_give(&box, fd, 5, "r"), 0);
    CHECK_EQUAL(box_give(&box, fd, 6, "w"), 0);
    CHECK_EQUAL(box_give(&box, fd, 7, NULL), 0);
    CHECK_EQUAL(box_give(&box, 999, 8, NULL), -EBADF);
    CHECK_EQUAL(box_give(&box, fd, 1 << 30, NULL), -EBADF);
    CHECK_EQUAL(box_give(&box, fd, -1, NULL), -EINVAL);
    CHECK_EQUAL(box_give(&box, fd, 8, "q"), -EINVAL);
    snprintf(path, sizeof(path), "/proc/%d/status", box.pid);
    own = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(own >= 0);
    CHECK_EQUAL(box_give(&box, own, 8, NULL), -EPERM);
    CHECK(strstr(box.error, "(EPERM)") != NULL);
    start(&box, "! { echo x >&5; } && echo w >&6 && echo a >&7 && exit 6");
    CHECK_EQUAL(end(&box), 6);
    CHECK(pread(fd, text, sizeof(text), 0) == 4 && memcmp(text, "w\na\n", 4) == 0);
    close(own);
    close(fd);
    unlink("/tmp/file");
}

CASE("box_setenv(3): sets, changes and takes away a variable of the next program")
{
    struct box box;

    make(&box);
    CHECK_EQUAL(box_setenv(&box, "A", "a long value"), 0);
    CHECK_EQUAL(box_setenv(&box, "A", "short"), 0);
    CHECK(strcmp(file_of(&box, "env/A"), "short") == 0);
    CHECK_EQUAL(box_setenv(&box, "A", "longer again"), 0);
    CHECK(strcmp(file_of(&box, "env/A"), "longer again") == 0);
    CHECK_EQUAL(box_setenv(&box, "EMPTY", ""), 0);
    CHECK_EQUAL(box_setenv(&box, "GONE", "x"), 0);
    CHECK_EQUAL(box_setenv(&box, "GONE", NULL), 0);
    CHECK_EQUAL(box_setenv(&box, "GONE", NULL), -ENOENT);
    CHECK(says(&box, "GONE: No such file or directory"));
    start(&box, "[ \"$A,${EMPTY-none},${GONE-none}\" = \"longer again,,none\" ] && exit 7");
    CHECK_EQUAL(end(&box), 7);
}

CASE("box_setenv(3): a value that is refused changes nothing")
{
    char *value = malloc(LONG_VALUE + 2), name[257];
    struct box box;
    int count = 0, error = 0;

    memset(value, 'v', LONG_VALUE + 1);
    value[LONG_VALUE + 1] = '\0';
    memset(name, 'n', 256);
    name[256] = '\0';
    make(&box);
    CHECK_EQUAL(box_setenv(&box, "A", "old"), 0);
    CHECK_EQUAL(box_setenv(&box, "A", value), -EFBIG);
    CHECK(strcmp(file_of(&box, "env/A"), "old") == 0);
    CHECK_EQUAL(box_setenv(&box, "B", value), -EFBIG);
    CHECK(access("/proc/self/env", F_OK) == 0);
    CHECK_EQUAL(box_setenv(&box, "B", NULL), -ENOENT);
    CHECK_EQUAL(box_setenv(&box, "", "x"), -EINVAL);
    CHECK_EQUAL(box_setenv(&box, "a/b", "x"), -EINVAL);
    CHECK_EQUAL(box_setenv(&box, "a=b", "x"), -EINVAL);
    CHECK_EQUAL(box_setenv(&box, name, "x"), -EINVAL);
    value[LONG_VALUE] = '\0';
    for (; error == 0 && count < 20; count++) {
        snprintf(name, sizeof(name), "V%d", count);
        error = box_setenv(&box, name, value);
    }
    CHECK_EQUAL(error, -E2BIG); // 2 MiB in all
    CHECK_EQUAL(count, 16);
    CHECK_EQUAL(box_setenv(&box, name, NULL), -ENOENT);
    CHECK_EQUAL(box_setenv(&box, "A", value), -E2BIG);
    CHECK(strcmp(file_of(&box, "env/A"), "old") == 0);
    value[0] = 'w';
    CHECK_EQUAL(box_setenv(&box, "V3", value), 0);
    CHECK(file_of(&box, "env/V3")[0] == 'w');
    discard(&box);
    free(value);
}

CASE("box_chdir(3): sets the directory as the box sees it")
{
    struct box box;

    make(&box);
    CHECK_EQUAL(box_tree(&box, "own", NULL), 0);
    CHECK_EQUAL(box_chdir(&box, "/own"), 0);
    CHECK(strcmp(file_of(&box, "cwd"), "/own") == 0);
    CHECK_EQUAL(box_chdir(&box, "/tmp"), -ENOENT);
    CHECK(says(&box, "/tmp: No such file or directory"));
    CHECK_EQUAL(box_chdir(&box, "/bin/busybox"), -ENOTDIR);
    CHECK(strcmp(file_of(&box, "cwd"), "/own") == 0);
    discard(&box);
}

CASE("box_quota(3): sets a limit; a wrong one is EINVAL, one too large ERANGE")
{
    struct box box;

    make(&box);
    CHECK_EQUAL(box_quota(&box, "memory", "20M"), 0);
    CHECK_EQUAL(box_quota(&box, "deadline", "100ms"), 0);
    CHECK(strstr(file_of(&box, "quota"), " 20971520\n") != NULL);
    CHECK_EQUAL(box_quota(&box, "nosuch", "1"), -EINVAL);
    CHECK_EQUAL(box_quota(&box, "memory", "20Q"), -EINVAL);
    CHECK_EQUAL(box_quota(&box, "cpu", "0"), -EINVAL);
    CHECK_EQUAL(box_quota(&box, "memory", "99999999999T"), -ERANGE);
    CHECK(strstr(box.error, "(ERANGE)") != NULL);
    CHECK(strstr(file_of(&box, "quota"), " 20971520\n") != NULL);
    start(&box, "while :; do sleep 1; done");
    CHECK_EQUAL(end(&box), -SIGKILL);
}

// --- box_exec.3 ---

CASE("box_exec(3): ENOENT, EACCES, ENOEXEC for what is no program, EBUSY while it runs, E2BIG")
{
    char *missing[] = { "/bin/nosuch", NULL }, *plain[] = { "/own/plain", NULL };
    char *shell[] = { "/bin/busybox", "true", NULL }, *much[] = { "/bin/busybox", "true", NULL, NULL };
    struct box box;

    make(&box);
    CHECK(mkdir("/tmp/own", 0755) == 0);
    CHECK_EQUAL(box_bind(&box, "own", "/tmp/own", NULL), 0);
    close(open("/tmp/own/plain", O_WRONLY | O_CREAT, 0644));
    CHECK_EQUAL(box_exec(&box, missing), -ENOENT);
    CHECK(says(&box, "exec '/bin/nosuch': no such file or directory (ENOENT)"));
    CHECK_EQUAL(box_exec(&box, plain), -EACCES);
    CHECK(chmod("/tmp/own/plain", 0755) == 0);
    CHECK_EQUAL(box_exec(&box, plain), -ENOEXEC);
    CHECK_EQUAL(box_start(&box), -ENOEXEC);
    CHECK(says(&box, "start: exec format error (ENOEXEC)"));
    much[2] = malloc(200 * 1024);
    memset(much[2], 'x', 200 * 1024 - 1);
    much[2][200 * 1024 - 1] = '\0';
    CHECK_EQUAL(box_exec(&box, much), -E2BIG);
    free(much[2]);
    CHECK_EQUAL(box_tree(&box, "tmp", NULL), 0);
    start(&box, "mkfifo /tmp/f; read x < /tmp/f");
    CHECK_EQUAL(box_exec(&box, shell), -EBUSY);
    CHECK_EQUAL(box_suspend(&box), 0);
    CHECK_EQUAL(box_exec(&box, shell), 0); // another program in its place
    CHECK_EQUAL(box_start(&box), 0);
    CHECK_EQUAL(end(&box), 0);
    CHECK(unlink("/tmp/own/plain") == 0 && rmdir("/tmp/own") == 0);
}

CASE("box_execfd(3): the program is the caller's open file, argv[0] only its name")
{
    char *argv[] = { "sh", "-c", "exit 8", NULL };
    struct box box;
    int fd = open("/bin/busybox", O_RDONLY | O_CLOEXEC), plain = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

    CHECK(fd >= 0 && plain >= 0);
    CHECK_EQUAL(box_create(&box), 0);
    CHECK_EQUAL(box_execfd(&box, 999, argv), -EBADF);
    CHECK_EQUAL(box_execfd(&box, plain, argv), -EACCES);
    CHECK_EQUAL(box_execfd(&box, fd, argv), 0);
    CHECK(memcmp(file_of(&box, "cmdline"), "sh\0-c\0exit 8", 13) == 0);
    CHECK_EQUAL(box_start(&box), 0);
    CHECK_EQUAL(end(&box), 8);
    close(fd);
    close(plain);
}

CASE("box_suspend(3) holds every thread, box_start(3) lets it go on; ESRCH of both when it has ended")
{
    struct box box;
    struct box_record record;
    int64_t status;
    int ends[2];

    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    make(&box);
    CHECK_EQUAL(box_give(&box, ends[0], 5, "r"), 0);
    start(&box, "read x <&5; exit 9");
    CHECK_EQUAL(box_suspend(&box), 0);
    CHECK(strstr(file_of(&box, "status"), "\nFlags:\tSUSPENDED \n") != NULL);
    CHECK(write(ends[1], "x\n", 2) == 2);
    CHECK_EQUAL(box_wait(&box, &status, 100), -ETIMEDOUT);
    CHECK_EQUAL(box_start(&box), 0);
    CHECK_EQUAL(box_wait(&box, &status, -1), 0);
    CHECK_EQUAL(status, 9);
    CHECK_EQUAL(box_suspend(&box), -ESRCH);
    CHECK(says(&box, "suspend: no such process (ESRCH)"));
    CHECK_EQUAL(box_start(&box), -ESRCH);
    CHECK_EQUAL(box_record(&box, &record), 0);
    box_close(&box);
    close(ends[0]);
    close(ends[1]);
}

CASE("box_kill(3): the status is what box_wait gives, and the first to end a box wins")
{
    struct box box;
    int64_t status;

    make(&box);
    start(&box, "while :; do sleep 1; done");
    CHECK_EQUAL(box_kill(&box, 70000), 0);
    CHECK_EQUAL(box_wait(&box, &status, -1), 0);
    CHECK_EQUAL(status, 70000);
    CHECK_EQUAL(box_kill(&box, -9), -ESRCH);
    CHECK(says(&box, "kill -9: no such process (ESRCH)"));
    CHECK_EQUAL(end(&box), 70000);
}

CASE("box_note(3): its text is the reason; EINVAL, EPERM of a fault, EAGAIN of a full queue, ESRCH")
{
    struct box_record record;
    struct box box;
    char longest[257];
    int64_t status;
    int count = 0;

    memset(longest, 'n', 256);
    longest[256] = '\0';
    make(&box);
    start(&box, "while :; do sleep 1; done");
    CHECK_EQUAL(box_note(&box, ""), -EINVAL);
    CHECK_EQUAL(box_note(&box, longest), -EINVAL);
    CHECK_EQUAL(box_note(&box, "segfault by me"), -EPERM);
    CHECK(says(&box, "note: Operation not permitted"));
    CHECK_EQUAL(box_suspend(&box), 0);
    while (box_note(&box, "user1 text") == 0)
        count++;
    CHECK_EQUAL(count, 64);
    CHECK_EQUAL(box_note(&box, "user1 text"), -EAGAIN);
    CHECK_EQUAL(box_kill(&box, -9), 0);
    CHECK_EQUAL(end(&box), -9);
    make(&box);
    start(&box, "while :; do sleep 1; done");
    CHECK_EQUAL(box_note(&box, "terminate for good"), 0);
    CHECK_EQUAL(box_wait(&box, &status, -1), 0);
    CHECK_EQUAL(status, -SIGTERM);
    CHECK_EQUAL(box_record(&box, &record), 0);
    CHECK(strcmp(record.reason, "terminate for good") == 0);
    CHECK_EQUAL(box_note(&box, "terminate"), -ESRCH);
    box_close(&box);
}

// --- box_wait.3 ---

static void ignore(int number)
{
    (void)number;
}

CASE("box_wait(3): ETIMEDOUT, EINTR, any number of times, and ENOENT when the record is reaped")
{
    struct sigaction action = { .sa_handler = ignore };
    struct box box;
    int64_t status = 77;
    pid_t parent = getpid(), child;

    make(&box);
    start(&box, "while :; do sleep 1; done");
    CHECK_EQUAL(box_wait(&box, &status, 0), -ETIMEDOUT);
    CHECK_EQUAL(box_wait(&box, &status, 50), -ETIMEDOUT);
    CHECK(says(&box, "wait: Operation timed out"));
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    child = fork();
    if (child == 0) {
        for (;;) { // until it was hit while it waited
            kill(parent, SIGUSR1);
            usleep(1000);
        }
    }
    CHECK_EQUAL(box_wait(&box, &status, -1), -EINTR);
    kill(child, SIGKILL);
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK_EQUAL(status, 77);
    CHECK_EQUAL(box_kill(&box, 3), 0);
    CHECK_EQUAL(box_wait(&box, &status, -1), 0);
    status = 0;
    CHECK_EQUAL(box_wait(&box, &status, 0), 0);
    CHECK_EQUAL(status, 3);
    CHECK_EQUAL(box_command(&box, "reap"), 0);
    CHECK_EQUAL(box_wait(&box, &status, 0), -ENOENT);
    CHECK(says(&box, "wait: No such file or directory"));
    box_close(&box);
}

CASE("box_record(3): while it runs and afterwards; ENOENT when it is reaped")
{
    struct box_record record;
    struct box box;
    int64_t status;
    char by[32];

    make(&box);
    CHECK_EQUAL(box_quota(&box, "deadline", "1h"), 0);
    start(&box, "while :; do sleep 1; done");
    CHECK_EQUAL(box_record(&box, &record), 0);
    CHECK(!record.ended && strcmp(record.name, "busybox") == 0 && strcmp(record.by, "-") == 0);
    CHECK(record.state == 'R' || record.state == 'S' || record.state == 'D');
    CHECK(record.processes >= 1 && record.processes_peak >= record.processes && record.memory > 4096 &&
          record.memory_peak >= record.memory && record.fds >= 3 && record.threads >= 1 && record.left == 0);
    CHECK_EQUAL(box_exit_code(&record), -1);
    CHECK_EQUAL(box_kill(&box, -9), 0);
    CHECK_EQUAL(box_wait(&box, &status, -1), 0);
    CHECK_EQUAL(box_record(&box, &record), 0);
    snprintf(by, sizeof(by), "pid %d", getpid());
    CHECK(record.ended && record.status == -9 && record.state == 'Z' && strcmp(record.by, by) == 0);
    CHECK(record.processes == 0 && record.memory == 0 && record.fds == 0 && record.processes_peak >= 1);
    CHECK_EQUAL(box_exit_code(&record), 137);
    CHECK_EQUAL(box_command(&box, "reap"), 0);
    CHECK_EQUAL(box_record(&box, &record), -ENOENT);
    CHECK(says(&box, "status: No such file or directory"));
    box_close(&box);
}

CASE("box_exit_code(3): as a shell gives it")
{
    static const struct {
        struct box_record record;
        int code;
    } rows[] = {
        { { .ended = false, .status = 5 }, -1 },
        { { .ended = true, .status = 5 }, 5 },
        { { .ended = true, .status = 261 }, 5 },
        { { .ended = true, .status = -15 }, 143 },
        { { .ended = true, .status = -9, .by = "deadline" }, 124 },
        { { .ended = true, .status = 7, .by = "deadline" }, 7 },
        { { .ended = true, .status = -64 }, 192 },
        { { .ended = true, .status = -65 }, 137 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQUAL(box_exit_code(&rows[i].record), rows[i].code);
}

// --- box_read_record.3 ---

CASE("box_read_file(3) reads a file whole, and cuts what does not fit; box_write_file(3) writes in one write")
{
    char directory[32], small[4];
    struct box box;

    make(&box);
    snprintf(directory, sizeof(directory), "/proc/%d", box.pid);
    CHECK_EQUAL(box_write_file(directory, "comm", "given"), 0);
    CHECK_EQUAL(box_read_file(directory, "comm", text, sizeof(text)), 6);
    CHECK(strcmp(text, "given\n") == 0);
    CHECK_EQUAL(box_read_file(directory, "comm", small, sizeof(small)), 3);
    CHECK(strcmp(small, "giv") == 0);
    CHECK_EQUAL(box_read_file(directory, "comm", small, 1), 0);
    CHECK(small[0] == '\0');
    CHECK_EQUAL(box_read_file(directory, "nosuch", text, sizeof(text)), -ENOENT);
    CHECK_EQUAL(box_read_file("/proc/0", "comm", text, sizeof(text)), -ENOENT);
    CHECK_EQUAL(box_write_file(directory, "cwd", "/nosuch"), -ENOENT);
    CHECK_EQUAL(box_write_file(directory, "quota", "cpu 0"), -EINVAL);
    CHECK_EQUAL(box_write_file(directory, "status", "x"), -EINVAL);
    memset(text, 'x', 2000);
    text[2000] = '\0';
    CHECK_EQUAL(box_write_file(directory, text, "x"), -ENAMETOOLONG);
    discard(&box);
    CHECK_EQUAL(box_read_file(directory, "comm", text, sizeof(text)), -ENOENT);
}

CASE("box_read_record(3): of any process or box that can be seen, in a box too")
{
    struct box_record record;
    struct box box;
    char directory[48];
    int ends[2];

    CHECK_EQUAL(box_read_record("/proc/self", &record), 0);
    CHECK(!record.ended && record.state == 'R' && strcmp(record.name, "test_libbox") == 0);
    CHECK_EQUAL(box_read_record("/proc/0", &record), -ENOENT);
    CHECK(!record.ended && record.state == '?');
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    make(&box);
    CHECK_EQUAL(box_bind(&box, "proc", "/proc", NULL), 0);
    CHECK_EQUAL(box_give(&box, ends[1], 5, "w"), 0);
    start(&box, "exec 3<>/proc/new 4>&1; read pid <&3; echo kill 12 >&3; read x < /proc/$pid/wait; "
                "echo $pid >&5; while :; do sleep 1; done");
    close(ends[1]);
    CHECK(read(ends[0], text, sizeof(text)) >= 2);
    snprintf(directory, sizeof(directory), "/proc/%d/box/%d", box.pid, atoi(text));
    CHECK_EQUAL(box_read_record(directory, &record), 0);
    CHECK(record.ended && record.status == 12);
    CHECK_EQUAL(box_kill(&box, -9), 0);
    CHECK_EQUAL(end(&box), -9);
    close(ends[0]);
}
