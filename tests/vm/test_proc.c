// SPDX-License-Identifier: MIT
// vm: smp
// test_proc.c - the files of /proc: their bytes, and what may be written.
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/vm/proc.h"

static char text[16384];

// Reads /proc/self/FILE.
static ssize_t self_read(const char *file)
{
    return proc_read(getpid(), file, text, sizeof(text));
}

static bool is_sleep(int pid)
{
    static const char wanted[] = "/bin/busybox\0sleep\0" "100";

    return proc_read(pid, "cmdline", text, sizeof(text)) == sizeof(wanted) &&
           memcmp(text, wanted, sizeof(wanted)) == 0;
}

CASE("cmdline is each argument with a NUL")
{
    struct test_box box;

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(proc_read(box.pid, "cmdline", text, sizeof(text)), 0);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\nexec /bin/busybox true"), 0);
    CHECK_EQUAL(proc_read(box.pid, "cmdline", text, sizeof(text)), 18);
    CHECK_EQUAL(box_do(&box, "exec /bin/missing"), -ENOENT); // changes nothing
    CHECK_EQUAL(proc_read(box.pid, "cmdline", text, sizeof(text)), 18);
    CHECK_EQUAL(box_do(&box, "exec /bin/busybox sleep 100"), 0);
    CHECK(is_sleep(box.pid));
    CHECK_EQUAL(box_do(&box, "start"), 0);
    CHECK(is_sleep(box.pid));
    finish(&box);
}

CASE("perf is its line of names and five numbers, without a line's end")
{
    unsigned long long values[5];
    char again[512];
    int length;

    CHECK(self_read("perf") > 0);
    CHECK_EQUAL(sscanf(text,
                       "user_clocks kernel_clocks start_clocks user_pages thread_count\n"
                       "%llu %llu %llu %llu %llu",
                       &values[0], &values[1], &values[2], &values[3], &values[4]),
                5);
    length = sprintf(again,
                     "user_clocks kernel_clocks start_clocks user_pages thread_count\n"
                     "%llu %llu %llu %llu %llu",
                     values[0], values[1], values[2], values[3], values[4]);
    CHECK(strcmp(text, again) == 0 && length > 0);
    CHECK(values[3] > 0);
    CHECK_EQUAL(values[4], 1);
}

CASE("prio is a bare number, 19 for nice 0")
{
    CHECK_EQUAL(self_read("prio"), 2);
    CHECK(strcmp(text, "19") == 0);
}

CASE("prio refuses garbage and changes nothing")
{
    static const char *const wrong[] = { "",   "x",   "1x",
                                         "-1", " 5",  "0x5",
                                         "64", "5 5", "18446744073709551616" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int fd = proc_open(getpid(), "prio", O_WRONLY);

        CHECK(write(fd, wrong[i], strlen(wrong[i])) <= 0);
        CHECK(wrong[i][0] == '\0' || errno == EINVAL);
        close(fd);
    }
    CHECK(self_read("prio") == 2 && strcmp(text, "19") == 0);
}

CASE("prio can be lowered by oneself, and not raised")
{
    CHECK_EQUAL(proc_write(getpid(), "prio", "40"), -EPERM);
    CHECK_EQUAL(proc_write(getpid(), "prio", "20"), -EPERM);
    CHECK_EQUAL(proc_write(getpid(), "prio", "10\n"), 0);
    CHECK(self_read("prio") == 2 && strcmp(text, "10") == 0);
    CHECK_EQUAL(getpriority(PRIO_PROCESS, 0), 9);
    CHECK_EQUAL(proc_write(getpid(), "prio", "11"), -EPERM);
}

CASE("prio is raised from around, up to 39")
{
    struct test_box box;

    start_sleeper(&box);
    CHECK_EQUAL(proc_write(box.pid, "prio", "5"), 0);
    CHECK_EQUAL(proc_write(box.pid, "prio", "39"), 0);
    CHECK_EQUAL(proc_write(box.pid, "prio", "40"), -EPERM);
    CHECK_EQUAL(proc_write(box.pid, "prio", "63"), -EPERM); // the kernel's part
    CHECK_EQUAL(proc_write(box.pid, "prio", "64"), -EINVAL);
    CHECK(proc_read(box.pid, "prio", text, sizeof(text)) == 2 && strcmp(text, "39") == 0);
    finish(&box);
}

CASE("prio of a head is its box's from outside, and inside its own, which begins as that")
{
    static const char script[] = "read p < /proc/1/prio; [ $p = 25 ] || exit 1; touch /tmp/begun; "
                                 "while [ ! -e /tmp/go ]; do sleep 0.01; done; "
                                 "read p < /proc/1/prio; [ $p = 25 ] || exit 2; renice 3 1 || exit 3; "
                                 "read p < /proc/1/prio; [ $p = 16 ] && exit 4";
    struct test_box box;

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(proc_read(box.pid, "prio", text, sizeof(text)), 2);
    CHECK(strcmp(text, "19") == 0);
    CHECK_EQUAL(proc_write(box.pid, "prio", "25"), 0);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\nbind tmp /tmp rwxc\nbind proc /proc rwx\n"
                             "exec /bin/busybox sh -c '%s'\nstart", script), 0);
    for (int i = 0; i < 1000 && access("/tmp/begun", F_OK) != 0; i++)
        usleep(5000);
    CHECK_EQUAL(proc_write(box.pid, "prio", "5"), 0);
    close(open("/tmp/go", O_CREAT | O_WRONLY, 0600));
    CHECK_EQUAL(box_wait(box.pid), 4);
    finish(&box);
    unlink("/tmp/begun");
    unlink("/tmp/go");
    start_sleeper(&box);
    CHECK_EQUAL(proc_write(box.pid, "prio", "5"), 0);
    CHECK_EQUAL(proc_read(box.pid, "prio", text, sizeof(text)), 1);
    CHECK(strcmp(text, "5") == 0);
    CHECK_EQUAL(getpriority(PRIO_PROCESS, (id_t)box.pid), 14);
    CHECK_EQUAL(setpriority(PRIO_PROCESS, (id_t)box.pid, 10), 0);
    CHECK_EQUAL(proc_read(box.pid, "prio", text, sizeof(text)), 1);
    CHECK(strcmp(text, "9") == 0);
    CHECK_EQUAL(getpriority(PRIO_PROCESS, 0), 0);
    finish(&box);
}

CASE("cwd is a path without a line's end, written as the target sees it")
{
    CHECK_EQUAL(chdir("/tmp"), 0);
    CHECK_EQUAL(self_read("cwd"), 4);
    CHECK(strcmp(text, "/tmp") == 0);
    CHECK_EQUAL(proc_write(getpid(), "cwd", "/"), 0);
    CHECK(self_read("cwd") == 1 && text[0] == '/');
    CHECK_EQUAL(proc_write(getpid(), "cwd", "/nonexistent"), -ENOENT);
    CHECK_EQUAL(proc_write(getpid(), "cwd", "/bin/busybox"), -ENOTDIR);
    CHECK(self_read("cwd") == 1 && text[0] == '/');
    CHECK_EQUAL(proc_write(getpid(), "cwd", "tmp\n"), 0); // relative, and a line's end
    CHECK(self_read("cwd") == 4 && strcmp(text, "/tmp") == 0);
    CHECK_EQUAL(proc_write(getpid(), "cwd", ".."), 0);
    CHECK(self_read("cwd") == 1 && text[0] == '/');
}

CASE("a new box's cwd is /, and can be set before it starts")
{
    struct test_box box;

    CHECK_EQUAL(box_new(&box), 0);
    CHECK(proc_read(box.pid, "cwd", text, sizeof(text)) == 1 && text[0] == '/');
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx"), 0);
    CHECK_EQUAL(proc_write(box.pid, "cwd", "/tmp"), -ENOENT);
    CHECK_EQUAL(proc_write(box.pid, "cwd", "/bin"), 0);
    CHECK_EQUAL(box_do(&box, "exec busybox sh -c '[ $PWD = /bin ] && exit 3'\nstart"), 0);
    CHECK_EQUAL(box_wait(box.pid), 3);
    finish(&box);
}

CASE("env: a variable is made, written, read, listed and deleted")
{
    struct stat status;
    struct dirent *entry;
    DIR *directory;
    int fd, seen = 0;

    fd = open("/proc/self/env/COLOUR", O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0);
    CHECK_EQUAL(write(fd, "green", 5), 5);
    CHECK_EQUAL(write(fd, "ish", 3), 3);
    CHECK_EQUAL(pwrite(fd, "G", 1, 0), 1);
    CHECK_EQUAL(pread(fd, text, 100, 0), 8);
    CHECK(memcmp(text, "Greenish", 8) == 0);
    CHECK(fstat(fd, &status) == 0 && status.st_size == 8);
    CHECK_EQUAL(ftruncate(fd, 5), 0);
    close(fd);
    CHECK(open("/proc/self/env/COLOUR", O_RDWR | O_CREAT | O_EXCL, 0600) < 0 && errno == EEXIST);
    CHECK(self_read("env/COLOUR") == 5 && strcmp(text, "Green") == 0);
    CHECK_EQUAL(proc_write(getpid(), "env/COLOUR", "red"), 0);
    CHECK(self_read("env/COLOUR") == 3 && strcmp(text, "red") == 0);
    directory = opendir("/proc/self/env");
    while ((entry = readdir(directory)) != NULL)
        seen += strcmp(entry->d_name, "COLOUR") == 0;
    closedir(directory);
    CHECK_EQUAL(seen, 1);
    CHECK_EQUAL(unlink("/proc/self/env/COLOUR"), 0);
    CHECK_EQUAL(self_read("env/COLOUR"), -ENOENT);
    CHECK(unlink("/proc/self/env/COLOUR") < 0 && errno == ENOENT);
    CHECK(mkdir("/proc/self/env/DIR", 0700) < 0 && errno == EPERM);
    CHECK(open("/proc/self/env/A=B", O_RDWR | O_CREAT, 0600) < 0 && errno == EINVAL);
}

CASE("env of a new box is what its program gets")
{
    struct test_box box;
    char path[64];
    int fd;

    CHECK_EQUAL(box_new(&box), 0);
    snprintf(path, sizeof(path), "/proc/%d/env/A", box.pid);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    CHECK(write(fd, "two words", 9) == 9);
    close(fd);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\nexec /bin/busybox sh -c '[ \"$A\" = \"two words\" "
                             "] && exit 4'\nstart"),
                0);
    CHECK_EQUAL(box_wait(box.pid), 4);
    finish(&box);
}

CASE("fd: links tell what is open, open again at most as they were, and close when removed")
{
    int fd = open("/bin/busybox", O_RDONLY), other;
    char path[64];

    CHECK(fd >= 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK_EQUAL(readlink(path, text, sizeof(text)), 12);
    CHECK(memcmp(text, "/bin/busybox", 12) == 0);
    other = open(path, O_RDONLY);
    CHECK(other >= 0);
    close(other);
    CHECK(open(path, O_RDWR) < 0 && errno == EACCES);
    CHECK_EQUAL(unlink(path), 0);
    CHECK(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
    CHECK(readlink(path, text, sizeof(text)) < 0 && errno == ENOENT);
}

CASE("fd: the directory lists what is open, and nothing else")
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    bool listed[100] = { false };
    int fd = fcntl(0, F_DUPFD, 70), others = 0;

    while ((entry = readdir(directory)) != NULL) {
        int number = atoi(entry->d_name);

        if (entry->d_name[0] == '.')
            continue;
        CHECK(entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && number < 100);
        others += listed[number];
        listed[number] = true;
    }
    CHECK_EQUAL(others, 0);
    for (int i = 0; i < 100; i++)
        CHECK_EQUAL(listed[i], fcntl(i, F_GETFD) >= 0);
    CHECK(fd == 70 && listed[70] && !listed[71]);
    closedir(directory);
}

CASE("fd: a pipe names itself")
{
    int ends[2];
    char path[64];
    ssize_t length;

    CHECK_EQUAL(pipe(ends), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    length = readlink(path, text, sizeof(text));
    CHECK(length > 6 && memcmp(text, "pipe:[", 6) == 0);
}

CASE("ns shows all names with path and rights, and unlink unbinds")
{
    struct test_box box;
    struct dirent *entry;
    char path[64];
    DIR *directory;
    int seen = 0, all = 0;

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\nbind t /tmp rwc"), 0);
    CHECK(proc_read(box.pid, "ns/bin", text, sizeof(text)) > 0 && strcmp(text, "/bin rx\n") == 0);
    CHECK(proc_read(box.pid, "ns/t", text, sizeof(text)) > 0 && strcmp(text, "/tmp rwc\n") == 0);
    snprintf(path, sizeof(path), "/proc/%d/ns", box.pid);
    directory = opendir(path);
    while ((entry = readdir(directory)) != NULL) {
        all += entry->d_name[0] != '.';
        seen += strcmp(entry->d_name, "bin") == 0 || strcmp(entry->d_name, "t") == 0;
    }
    closedir(directory);
    CHECK(all == 2 && seen == 2);
    snprintf(path, sizeof(path), "/proc/%d/ns/t", box.pid);
    CHECK_EQUAL(unlink(path), 0);
    CHECK_EQUAL(proc_read(box.pid, "ns/t", text, sizeof(text)), -ENOENT);
    CHECK_EQUAL(box_do(&box, "unbind t"), -ENOENT);
    finish(&box);
}

CASE("children are the numbers of members and heads, one a line")
{
    struct test_box box;
    char expected[64];
    int child = fork();

    if (child == 0)
        pause();
    CHECK_EQUAL(box_new(&box), 0);
    CHECK(self_read("children") > 0);
    snprintf(expected, sizeof(expected), "%d\n%d\n", child, box.pid);
    CHECK(strcmp(text, expected) == 0);
    finish(&box);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK_EQUAL(self_read("children"), 0);
}

CASE("stat has Linux's 52 fields")
{
    int fields = 1;

    CHECK(self_read("stat") > 0);
    CHECK_EQUAL(atoi(text), getpid());
    for (const char *at = strrchr(text, ')'); *at != '\0'; at++)
        fields += *at == ' ';
    CHECK_EQUAL(fields + 1, 52);
}

CASE("status ends with how it ended, who did it, and the totals of the box")
{
    static const char *const keys[] = { "Exit",         "Reason",     "By",
                                        "BoxUser",      "BoxKernel",  "BoxMemory",
                                        "BoxProcesses", "BoxThreads", "BoxFds" };
    struct test_box box;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        CHECK(box_status(getpid(), keys[i])[0] != '\0');
    CHECK(strcmp(box_status(getpid(), "Exit"), "-") == 0);
    CHECK_EQUAL(box_shell(&box, "", "exit 12"), 0);
    CHECK_EQUAL(box_wait(box.pid), 12);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        CHECK(box_status(box.pid, keys[i])[0] != '\0');
    CHECK(strcmp(box_status(box.pid, "Exit"), "12") == 0);
    CHECK(strcmp(box_status(box.pid, "Flags"), "DYING") == 0);
    CHECK_EQUAL(atoll(box_status(box.pid, "Left")), 0);
    CHECK(strncmp(box_status(box.pid, "BoxProcesses"), "0 ", 2) == 0);
    finish(&box);
}

CASE("maps names the program, the heap's neighbours and the stack")
{
    CHECK(self_read("maps") > 0);
    CHECK(strstr(text, "r-xp") != NULL && strstr(text, "[stack]") != NULL);
    CHECK(strstr(text, "rwxp") == NULL);
}

CASE("exe and root lead to places")
{
    char path[64];
    struct test_box box;
    struct stat status;

    CHECK(readlink("/proc/self/exe", text, sizeof(text)) > 0 && text[0] == '/');
    CHECK_EQUAL(stat("/proc/self/exe", &status), 0);
    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx"), 0);
    snprintf(path, sizeof(path), "/proc/%d/root/bin/busybox", box.pid);
    CHECK_EQUAL(stat(path, &status), 0);
    snprintf(path, sizeof(path), "/proc/%d/root/tmp", box.pid);
    CHECK(stat(path, &status) < 0 && errno == ENOENT);
    finish(&box);
}

// A thread that tells its number, and leaves when asked to.
static int told[2], asked[2];

static void *tell(void *unused)
{
    char link[64], byte;
    pid_t tid = gettid();
    ssize_t length = readlink("/proc/thread-self", link, sizeof(link) - 1);
    char wanted[64];

    link[length > 0 ? length : 0] = '\0';
    snprintf(wanted, sizeof(wanted), "%d/task/%d", getpid(), tid);
    if (strcmp(link, wanted) != 0)
        tid = -1;
    if (write(told[1], &tid, sizeof(tid)) != sizeof(tid) || read(asked[0], &byte, 1) != 0)
        abort();
    return unused;
}

CASE("task lists the threads")
{
    char path[64];
    struct stat status;
    struct dirent *entry;
    pthread_t thread;
    pid_t tid;
    DIR *directory;
    int own = 0, other = 0, all = 0;

    CHECK(pipe(told) == 0 && pipe(asked) == 0);
    CHECK(pthread_create(&thread, NULL, tell, NULL) == 0);
    CHECK(read(told[0], &tid, sizeof(tid)) == sizeof(tid) && tid > 0 && tid != getpid());
    CHECK((directory = opendir("/proc/self/task")) != NULL);
    while ((entry = readdir(directory)) != NULL) {
        all += entry->d_name[0] != '.';
        own += atoi(entry->d_name) == getpid();
        other += atoi(entry->d_name) == tid;
    }
    closedir(directory);
    CHECK(all == 2 && own == 1 && other == 1);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "/proc/self/task/%d/stat", i == 0 ? getpid() : tid);
        CHECK_EQUAL(stat(path, &status), 0);
    }
    CHECK(stat("/proc/self/task/1073741823", &status) < 0 && errno == ENOENT);
    snprintf(path, sizeof(path), "%d/task/%d", getpid(), getpid());
    CHECK_EQUAL(readlink("/proc/thread-self", text, sizeof(text)), strlen(path));
    CHECK(memcmp(text, path, strlen(path)) == 0);
    close(asked[1]);
    CHECK(pthread_join(thread, NULL) == 0);
    snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
    while (stat(path, &status) == 0) // joined is who has cleared its number, and may still be leaving
        sched_yield();
    CHECK_EQUAL(errno, ENOENT);
}

static int shared_word, shared_fd;

static void *change_all(void *unused)
{
    shared_word = 42;
    shared_fd = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
    return chdir("/tmp") == 0 ? unused : NULL;
}

static void *find_closed(void *unused)
{
    return fcntl(shared_fd, F_GETFD) < 0 && errno == EBADF ? unused : NULL;
}

CASE("the threads of a process have one memory, one table of fds and one cwd")
{
    char byte;
    void *result;
    pthread_t thread;

    CHECK(chdir("/") == 0 && pthread_create(&thread, NULL, change_all, &byte) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == &byte);
    CHECK_EQUAL(shared_word, 42);
    CHECK(read(shared_fd, &byte, 1) == 1 && byte == '\177');
    CHECK(self_read("cwd") == 4 && strcmp(text, "/tmp") == 0);
    close(shared_fd);
    CHECK(pthread_create(&thread, NULL, find_closed, &byte) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == &byte);
}

CASE("box is the /proc of a box, and is missing in the directory of one's own head")
{
    struct test_box box;
    char path[64];
    struct stat status;

    start_sleeper(&box);
    snprintf(path, sizeof(path), "/proc/%d/box/1/status", box.pid);
    CHECK_EQUAL(stat(path, &status), 0);
    snprintf(path, sizeof(path), "/proc/%d/box/self", box.pid);
    CHECK(stat(path, &status) < 0 && errno == ENOENT);
    snprintf(path, sizeof(path), "/proc/%d/box/new", box.pid);
    CHECK(stat(path, &status) < 0 && errno == ENOENT);
    finish(&box);
    CHECK_EQUAL(run_in_box("", "[ ! -e /proc/1/box ] && [ ! -e /proc/self/box ] && exit 5"), 5);
}

CASE("a reader sees the members of its own box alone")
{
    CHECK_EQUAL(
        run_in_box("",
                   "sleep 50 & set -- /proc/[0-9]*; [ \"$*\" = \"/proc/1 /proc/2\" ] && exit 6"),
        6);
}

CASE("new is not listed")
{
    struct dirent *entry;
    DIR *directory = opendir("/proc");
    int seen = 0, self = 0;

    while ((entry = readdir(directory)) != NULL) {
        seen += strcmp(entry->d_name, "new") == 0;
        self += strcmp(entry->d_name, "self") == 0;
    }
    closedir(directory);
    CHECK(seen == 0 && self == 1);
}

// Whether /proc/self leads to the process's own directory, by its number alone.
static bool self_is_own(void)
{
    char link[32], number[32];
    int length = snprintf(number, sizeof(number), "%d", getpid());

    return readlink("/proc/self", link, sizeof(link)) == length && memcmp(link, number, (size_t)length) == 0;
}

CASE("self is a symlink, and each reader has its own")
{
    struct stat status;
    int child;

    CHECK(lstat("/proc/self", &status) == 0 && S_ISLNK(status.st_mode));
    CHECK(self_is_own());
    child = fork();
    if (child == 0)
        _exit(self_is_own() && self_read("stat") > 0 && atoi(text) == getpid() ? 5 : 1);
    CHECK(waitpid(child, &child, 0) > 0 && WIFEXITED(child));
    CHECK_EQUAL(WEXITSTATUS(child), 5);
}

CASE("a handle refers to its process for ever: wait and status answer, the rest is ESRCH")
{
    static const char *const files[] = { "stat",  "cmdline", "perf", "prio",
                                         "quota", "cwd",     "maps", "children" };
    struct test_box box;
    int fds[8], wait_fd, status_fd, directory;
    char path[32];

    start_sleeper(&box);
    for (int i = 0; i < 8; i++)
        CHECK((fds[i] = proc_open(box.pid, files[i], O_RDONLY)) >= 0);
    wait_fd = proc_open(box.pid, "wait", O_RDONLY);
    status_fd = proc_open(box.pid, "status", O_RDONLY);
    snprintf(path, sizeof(path), "/proc/%d", box.pid);
    directory = open(path, O_RDONLY | O_DIRECTORY);
    CHECK_EQUAL(box_do(&box, "kill 77"), 0);
    CHECK_EQUAL(box_wait(box.pid), 77);
    box_close(&box);
    CHECK_EQUAL(access(path, F_OK), -1);
    for (int i = 0; i < 8; i++)
        CHECK(read(fds[i], text, 100) < 0 && errno == ESRCH);
    CHECK(read(wait_fd, text, 100) == 2 && memcmp(text, "77", 2) == 0);
    CHECK_EQUAL(read(wait_fd, text, 100), 0);
    CHECK(read(status_fd, text, sizeof(text)) > 0 && strstr(text, "Exit:\t77\n") != NULL);
    CHECK(openat(directory, "stat", O_RDONLY) < 0 && errno == ESRCH);
    CHECK(openat(directory, "wait", O_RDONLY) >= 0);
}

CASE("wait on the head of one's own box is EDEADLK, on a box in it EAGAIN without blocking")
{
    struct test_box box;
    int fd;

    CHECK_EQUAL(box_new(&box), 0);
    fd = proc_open(box.pid, "wait", O_RDONLY | O_NONBLOCK);
    CHECK(read(fd, text, 10) < 0 && errno == EAGAIN);
    finish(&box);
    CHECK_EQUAL(run_in_box("", "cat /proc/1/wait 2>&1 | grep -q deadlock && exit 8"), 8);
}

CASE("cmdline, perf and wait are not writable: EINVAL, by their modes too")
{
    static const char *const read_only[] = { "cmdline", "perf", "wait" };
    ssize_t size = self_read("cmdline");

    for (size_t i = 0; i < 3; i++) {
        struct stat status;
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/%s", read_only[i]);
        CHECK(stat(path, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 0222) == 0);
        CHECK_EQUAL(proc_write(getpid(), read_only[i], "1"), -EINVAL);
    }
    CHECK(size > 0 && self_read("cmdline") == size);
}

CASE("attributes of files of /proc are not to be changed")
{
    CHECK(chmod("/proc/self/stat", 0666) < 0 && errno == EPERM);
    CHECK(unlink("/proc/self/stat") < 0);
    CHECK(mkdir("/proc/self/x", 0700) < 0);
    CHECK(open("/proc/self/x", O_CREAT | O_RDWR, 0600) < 0);
}

CASE("files about the machine read as programs expect them")
{
    unsigned long total = 0;
    int fd = open("/proc/meminfo", O_RDONLY);

    CHECK(read(fd, text, sizeof(text)) > 0);
    CHECK_EQUAL(sscanf(text, "MemTotal: %lu kB", &total), 1);
    CHECK(total > 1000);
    close(fd);
    fd = open("/proc/uptime", O_RDONLY);
    CHECK(read(fd, text, sizeof(text)) > 0);
    close(fd);
    CHECK_EQUAL(run_in_box("quota memory 20M\n",
                           "grep -q \"MemTotal: *20480 kB\" /proc/meminfo && exit 23"),
                23);
    CHECK_EQUAL(run_in_box("", "[ $(cat /proc/sys/kernel/ostype) = Linux ] && exit 24"), 24);
}

CASE("find ends, with every file, and reads all without harm")
{
    CHECK_EQUAL(
        run_in_box(
            "",
            "[ $(find /proc -type f | wc -l) -gt 50 ] || exit 1; sleep 100 & find /proc -type f ! -name wait ! -name note "
            "-exec cat {} + >/dev/null 2>&1; exit 25"),
        25);
}
