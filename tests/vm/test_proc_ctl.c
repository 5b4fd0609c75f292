// SPDX-License-Identifier: MIT
// vm: smp
// test_proc_ctl.c - a process steered through /proc: ctl, quota, note, rights to them, and its end.
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/vm/proc.h"

static char text[16384];

// A field of /proc/PID/quota: 1 used, 2 peak, 3 limit.
static const char *quota_field(int pid, const char *key, int field)
{
    static char value[64];
    char *line, *save;

    value[0] = '\0';
    if (proc_read(pid, "quota", text, sizeof(text)) <= 0)
        return value;
    for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char words[4][64];

        if (sscanf(line, "%63s %63s %63s %63s", words[0], words[1], words[2], words[3]) == 4 &&
            strcmp(words[0], key) == 0)
            strcpy(value, words[field]);
    }
    return value;
}

CASE("inside its own box a member may not do what needs a box around")
{
    static const char *const refused[] = { "give 0 9",      "inherit fds",     "inherit env",
                                           "inherit names", "wx on",           "adopt off",
                                           "leash on",      "keep on",         "uid 5",
                                           "reap",          "quota memory 1T", "execfd 0 x" };

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char script[256];

        snprintf(script, sizeof(script),
                 "exec 3<>/proc/self/ctl; echo %s >&3 2>/dev/null && exit 1; read line <&3; "
                 "case $line in *EPERM*) exit 9;; *) exit 2;; esac",
                 refused[i]);
        CHECK_EQUAL(run_in_box("quota memory 64M\n", script), 9);
    }
}

CASE("inside its own box a member may close, dup2, bind, unbind, kill, suspend and start")
{
    CHECK_EQUAL(run_in_box("",
                           "exec 5</bin; echo dup2 5 6 > /proc/self/ctl; [ $(readlink /proc/$$/fd/6) = /bin ] && "
                           "echo close 5 7 > /proc/$$/ctl && [ ! -e /proc/$$/fd/6 ] && exit 3"),
                3);
    CHECK_EQUAL(run_in_box("", "echo bind b /bin r > /proc/self/ctl && [ -e /b/busybox ] && "
                               "echo unbind b > /proc/1/ctl && [ ! -e /b ] && exit 4"),
                4);
    CHECK_EQUAL(
        run_in_box(
            "", "sleep 100 & echo suspend > /proc/$!/ctl && grep -q SUSPENDED /proc/$!/status && "
                "echo start > /proc/$!/ctl && grep -q NONE /proc/$!/status && "
                "echo kill 5 > /proc/$!/ctl; wait $!; exit $?"),
        5);
    CHECK_EQUAL(run_in_box("", "exec 3<>/proc/1/ctl; echo suspend >&3; read line <&3; "
                               "case $line in *EDEADLK*) exit 6;; esac"),
                6);
}

CASE("close takes a half-open range, and -1 for the end")
{
    int base = fcntl(0, F_DUPFD, 20), fd = proc_open(getpid(), "ctl", O_RDWR);
    struct test_box self = { .ctl = fd };

    CHECK(base >= 20 && dup2(0, base + 1) >= 0 && dup2(0, base + 2) >= 0);
    CHECK_EQUAL(box_do(&self, "close %d %d", base, base + 2), 0);
    CHECK(fcntl(base, F_GETFD) < 0 && fcntl(base + 1, F_GETFD) < 0 &&
          fcntl(base + 2, F_GETFD) >= 0);
    CHECK(dup2(0, 900) == 900 && dup2(0, base - 1) == base - 1);
    CHECK_EQUAL(box_do(&self, "close %d %d", base, base + 2), 0); // holes are no error
    CHECK(fcntl(base + 2, F_GETFD) >= 0);
    CHECK_EQUAL(box_do(&self, "close %d -1", base), 0);
    CHECK(fcntl(base + 2, F_GETFD) < 0 && fcntl(900, F_GETFD) < 0);
    CHECK(fcntl(base - 1, F_GETFD) >= 0 && fcntl(fd, F_GETFD) >= 0);
    CHECK_EQUAL(box_do(&self, "close %d", base), -EBADF);
    CHECK_EQUAL(box_do(&self, "close 9 3"), -EINVAL);
    CHECK_EQUAL(box_do(&self, "dup2 %d 3", base), -EBADF);
}

CASE("somebody outside has what the rights of the bound /proc/PID give")
{
    static const struct {
        const char *rights, *script;
    } rows[] = {
        { "r", "cat /peer/status >/dev/null && cat /peer/quota >/dev/null && exit 7" },
        { "r", "cat /peer/maps 2>/dev/null || exit 7" },
        { "r", "ls /peer/fd 2>/dev/null || exit 7" },
        { "r", "ls /peer/env/ 2>/dev/null || exit 7" },
        { "r", "ls /peer/task/1 2>/dev/null || exit 7" },
        { "r", "cat /peer/root/bin/busybox >/dev/null 2>&1 || exit 7" },
        { "r", "echo kill > /peer/ctl 2>/dev/null || exit 7" },
        { "rw", "echo close 0 > /peer/ctl 2>/dev/null || exit 7" },
        { "rw", "echo unbind bin > /peer/ctl 2>/dev/null || exit 7" },
        { "rw", "echo bind x /bin > /peer/ctl 2>/dev/null || exit 7" },
        { "rw", "cat /peer/cwd 2>/dev/null || exit 7" },
        { "rw", "echo 39 > /peer/prio 2>/dev/null || { echo 5 > /peer/prio && exit 7; }" },
        { "rw", "echo memory none > /peer/quota 2>/dev/null || { echo memory 32M > /peer/quota && "
                "exit 7; }" },
        { "rw", "echo suspend > /peer/ctl && grep -q SUSPENDED /peer/status && echo start > "
                "/peer/ctl && exit 7" },
        { "r", "echo terminate > /peer/note 2>/dev/null || exit 7" },
        { "rw", "echo segfault > /peer/note 2>/dev/null || exit 7" },
        { "rw", "echo terminate bye > /peer/note && [ $(cat /peer/wait) = -15 ] && exit 7" },
        { "rw", "echo kill 3 > /peer/ctl && [ $(cat /peer/wait) = 3 ] && exit 7" },
        { "rwx", "cat /peer/maps >/dev/null && echo close 0 > /peer/ctl && exit 7" },
        { "rwx", "ls /peer/root/bin/busybox >/dev/null && ls /peer/fd >/dev/null && exit 7" },
        { "rwx", "rm /peer/fd/0 2>/dev/null || exit 7" },
        { "rwxc", "rm /peer/fd/0 && rm /peer/ns/tmp && exit 7" },
        { "rx", "exec 3</bin; echo give 3 9 > /peer/ctl 2>/dev/null || exit 7" },
        { "rwx", "exec 3</bin; echo give 3 9 > /peer/ctl && [ -e /peer/fd/9 ] && exit 7" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_box target;
        char extra[64];
        long long got;

        CHECK_EQUAL(box_shell(&target, "quota memory 64M\n", "sleep 100"), 0);
        snprintf(extra, sizeof(extra), "bind peer /proc/%d %s\n", target.pid, rows[i].rights);
        got = run_in_box(extra, rows[i].script);
        if (got != 7)
            printf("# %s: %s\n", rows[i].rights, rows[i].script);
        CHECK_EQUAL(got, 7);
        finish(&target);
    }
}

CASE("a bound /proc/PID is fixed to that process, whoever takes its number")
{
    struct test_box target, watcher;
    char extra[64];

    CHECK_EQUAL(box_new(&target), 0);
    snprintf(extra, sizeof(extra), "bind peer /proc/%d r\n", target.pid);
    CHECK_EQUAL(box_do(&target, "kill 4"), 0);
    CHECK_EQUAL(box_wait(target.pid), 4);
    CHECK_EQUAL(box_shell(&watcher, extra,
                          "[ $(cat /peer/wait) = 4 ] && cat /peer/stat 2>/dev/null || exit 8"),
                0);
    finish(&target);
    CHECK_EQUAL(box_wait(watcher.pid), 8);
    finish(&watcher);
}

CASE("give is for members of the box that opened the handle, and never of the target's own files")
{
    struct test_box target, other;

    CHECK_EQUAL(box_new(&target), 0);
    CHECK_EQUAL(box_do(&target, "give %d 5", target.ctl), -EPERM);
    // The handle in another box: it steers, it does not spend.
    CHECK_EQUAL(box_new(&other), 0);
    CHECK_EQUAL(
        box_do(&other, "bind bin /bin rx\nbind proc /proc rwx\ngive 1 1\ngive %d 3", target.ctl),
        0);
    CHECK_EQUAL(
        box_do(
            &other,
            "exec /bin/busybox sh -c 'echo give 1 1 >&3 && exit 1; echo bind b /bin >&3 && exit 2; "
            "echo quota memory 16M >&3 || exit 3; echo kill 21 >&3 && exit 9' 2>/dev/null\nstart"),
        0);
    CHECK_EQUAL(box_wait(other.pid), 9);
    CHECK_EQUAL(box_wait(target.pid), 21);
    finish(&other);
    finish(&target);
}

CASE("give gives at most the rights asked for")
{
    struct test_box box;
    int fd = open("/tmp/given", O_RDWR | O_CREAT | O_TRUNC, 0600);

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\ngive %d 3 r\ngive %d 4 w", fd, fd), 0);
    CHECK_EQUAL(box_do(&box, "exec /bin/busybox sh -c '(echo x >&3) 2>/dev/null && exit 1; "
                             "echo y >&4 || exit 2; read l <&4 && exit 3; exit 10'\nstart"),
                0);
    CHECK_EQUAL(box_wait(box.pid), 10);
    CHECK(pread(fd, text, 10, 0) == 2 && text[0] == 'y');
    finish(&box);
    close(fd);
    unlink("/tmp/given");
}

CASE("inherit wants an empty target, and leaves out what closes on exec")
{
    struct test_box box;
    char path[64];
    struct stat status;
    int kept = fcntl(0, F_DUPFD, 30), left = fcntl(0, F_DUPFD_CLOEXEC, 40);

    close(open("/proc/self/env/COLOUR", O_WRONLY | O_CREAT, 0600));
    CHECK_EQUAL(proc_write(getpid(), "env/COLOUR", "green"), 0);
    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "inherit fds\ninherit env\ninherit names"), 0);
    CHECK_EQUAL(box_do(&box, "inherit fds"), -EBUSY);
    CHECK_EQUAL(box_do(&box, "inherit names"), -EBUSY);
    CHECK_EQUAL(proc_write(getpid(), "env/COLOUR", "red"), 0);
    CHECK_EQUAL(box_do(&box, "inherit env"), -EBUSY);
    CHECK_EQUAL(proc_read(box.pid, "env/COLOUR", text, sizeof(text)), 5);
    CHECK(strcmp(text, "green") == 0);
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", box.pid, kept);
    CHECK_EQUAL(lstat(path, &status), 0);
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", box.pid, left);
    CHECK(lstat(path, &status) < 0);
    CHECK(proc_read(box.pid, "ns/proc", text, sizeof(text)) > 0);
    finish(&box);
}

CASE("execfd runs the writer's fd, with all of its arguments")
{
    struct test_box box;
    int fd = open("/bin/busybox", O_RDONLY);

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "execfd %d sh -c 'exit 13'", fd), 0);
    CHECK_EQUAL(box_do(&box, "start"), 0);
    CHECK_EQUAL(box_wait(box.pid), 13);
    finish(&box);
}

CASE("exec needs a new or suspended process")
{
    struct test_box box;

    start_sleeper(&box);
    CHECK_EQUAL(box_do(&box, "exec /bin/busybox true"), -EBUSY);
    CHECK_EQUAL(box_do(&box, "suspend && exec /bin/busybox sh -c \"exit 14\" && start"), 0);
    CHECK_EQUAL(box_wait(box.pid), 14);
    finish(&box);
}

CASE("exec from outside does not go by the writer's links in /proc")
{
    struct test_box box;

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind proc /proc rwx"), 0);
    CHECK_EQUAL(box_do(&box, "exec /proc/self/exe"), -ELOOP);
    CHECK_EQUAL(proc_write(box.pid, "cwd", "/proc/self"), -EACCES);
    CHECK_EQUAL(proc_write(box.pid, "cwd", "/proc/self/root"), -ELOOP);
    finish(&box);
}

CASE("a failing exec leaves a process that is new, and nothing else")
{
    for (int i = 0; i < 100; i++) {
        struct test_box box;

        CHECK_EQUAL(box_new(&box), 0);
        CHECK_EQUAL(box_do(&box, "bind bin /bin rx\nexec /bin/missing\nstart"), -ENOENT);
        CHECK_EQUAL(box_do(&box, "start"), -ENOEXEC);
        finish(&box);
    }
    CHECK_EQUAL(proc_read(getpid(), "children", text, sizeof(text)), 0);
}

CASE("the report keeps to one line a failure, and reads empty after it")
{
    struct test_box box;
    ssize_t length;

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "# a comment\n\nstart && kill x"), -ENOEXEC);
    length = read(box.ctl, text, 10);
    CHECK(length == 10 && memcmp(text, "line 3: st", 10) == 0);
    length = read(box.ctl, text, 1000);
    CHECK(length > 0 && memcmp(text, "art: exec format error (ENOEXEC)\n", 33) == 0);
    CHECK_EQUAL(box_do(&box, "bind 'a\nb' /nonexistent"), -ENOENT);
    length = read(box.ctl, text, 1000);
    CHECK(length > 0 && memchr(text, '\n', (size_t)length) == text + length - 1);
    CHECK_EQUAL(box_do(&box, "nothing"), -EINVAL);
    CHECK_EQUAL(box_do(&box, "kill 'x"), -EINVAL);
    CHECK_EQUAL(box_do(&box, "close 99999999999"), -EINVAL);
    for (int i = 0; i < 100; i++)
        CHECK_EQUAL(box_do(&box, "start"), -ENOEXEC);
    CHECK(read(box.ctl, text, 1000) > 0);
    CHECK_EQUAL(read(box.ctl, text, 1000), 0);
    finish(&box);
}

CASE("quota lists its keys, and limits hold")
{
    static const char *const keys[] = { "memory", "processes", "threads", "fds",
                                        "cpu",    "cputime",   "deadline" };
    struct test_box box;

    for (size_t i = 0; i < 7; i++)
        CHECK(quota_field(getpid(), keys[i], 3)[0] != '\0');
    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(
        box_do(&box, "quota memory 16M\nquota deadline 20s\nquota cpu 50\nquota processes 3"), 0);
    CHECK(strcmp(quota_field(box.pid, "memory", 3), "16777216") == 0);
    CHECK(strcmp(quota_field(box.pid, "deadline", 3), "20000000000ns") == 0);
    CHECK(strcmp(quota_field(box.pid, "cpu", 3), "50") == 0);
    CHECK(strcmp(quota_field(box.pid, "processes", 3), "3") == 0);
    CHECK_EQUAL(proc_write(box.pid, "quota", "memory 20M\nprocesses 5\n"), 0);
    CHECK(strcmp(quota_field(box.pid, "memory", 3), "20971520") == 0);
    CHECK_EQUAL(proc_write(box.pid, "quota", "memory"), -EINVAL);
    CHECK_EQUAL(proc_write(box.pid, "quota", "memory x"), -EINVAL);
    CHECK_EQUAL(proc_write(box.pid, "quota", "disk 5"), -EINVAL);
    CHECK_EQUAL(proc_write(box.pid, "quota", "deadline 0"), -EINVAL);
    CHECK_EQUAL(proc_write(box.pid, "quota", "deadline none"), 0);
    CHECK(strcmp(quota_field(box.pid, "deadline", 3), "none") == 0);
    finish(&box);
}

CASE("a box tightens its own limits and does not loosen them")
{
    CHECK_EQUAL(run_in_box("quota processes 20\n",
                           "echo processes 10 > /proc/self/quota && ! echo processes 15 "
                           "2>/dev/null > /proc/self/quota && "
                           "! echo processes none 2>/dev/null > /proc/1/quota && exit 15"),
                15);
}

CASE("a limit set further out is not loosened from between")
{
    struct test_box box;
    char line[32];

    CHECK_EQUAL(box_shell(&box, "",
                          "exec 3<>/proc/new; read p <&3; echo $p > /tmp/inner; while [ ! -e "
                          "/tmp/go ]; do sleep 0.05; "
                          "done; echo processes 9 > /proc/$p/quota && exit 1; echo processes 4 > "
                          "/proc/$p/quota && "
                          "! echo processes 5 > /proc/$p/quota && exit 16"),
                0);
    for (int i = 0; i < 200 && access("/tmp/inner", F_OK) != 0; i++)
        usleep(20000);
    usleep(50000);
    snprintf(line, sizeof(line), "box/%d/quota", 2);
    CHECK_EQUAL(proc_write(box.pid, line, "processes 7"), 0);
    close(open("/tmp/go", O_CREAT | O_WRONLY, 0600));
    CHECK_EQUAL(box_wait(box.pid), 16);
    finish(&box);
    unlink("/tmp/go");
    unlink("/tmp/inner");
}

CASE("a limit on processes is EAGAIN at fork")
{
    CHECK_EQUAL(run_in_box("quota processes 2\n", "sleep 100 & (exit 3) 2>/dev/null; exit 17"),
                2); // sh: can't fork
}

CASE("leash: the box ends with its creation handle")
{
    struct test_box box;
    int fd;

    start_sleeper(&box);
    CHECK_EQUAL(box_do(&box, "leash on"), 0);
    fd = proc_open(box.pid, "wait", O_RDONLY);
    box_close(&box);
    CHECK(read(fd, text, 10) == 2 && memcmp(text, "-9", 2) == 0);
}

CASE("without a leash the box outlives its creation handle, and leaves no record")
{
    struct test_box box;
    char path[32];
    int fd;

    CHECK_EQUAL(box_shell(&box, "", "sleep 0.3; exit 18"), 0);
    fd = proc_open(box.pid, "wait", O_RDONLY);
    box_close(&box);
    CHECK(read(fd, text, 10) == 2 && memcmp(text, "18", 2) == 0);
    snprintf(path, sizeof(path), "/proc/%d", box.pid);
    CHECK(access(path, F_OK) < 0 && errno == ENOENT);
}

CASE("an unstarted box ends when its creation handle closes")
{
    struct test_box box;
    int fd;

    CHECK_EQUAL(box_new(&box), 0);
    fd = proc_open(box.pid, "wait", O_RDONLY);
    box_close(&box);
    CHECK(read(fd, text, 10) == 2 && memcmp(text, "-9", 2) == 0);
}

CASE("reap takes the record of the dead, and refuses the living")
{
    struct test_box box;
    char path[32];

    start_sleeper(&box);
    CHECK_EQUAL(box_do(&box, "reap"), -EBUSY);
    CHECK_EQUAL(box_do(&box, "kill"), 0);
    CHECK_EQUAL(box_wait(box.pid), -9);
    CHECK_EQUAL(box_do(&box, "start"), -ESRCH);
    snprintf(path, sizeof(path), "/proc/%d", box.pid);
    CHECK(access(path, F_OK) == 0 && strcmp(box_status(box.pid, "Exit"), "-9") == 0);
    CHECK_EQUAL(box_do(&box, "reap"), 0);
    CHECK(access(path, F_OK) < 0 && errno == ENOENT);
    CHECK_EQUAL(box_do(&box, "reap"), -ESRCH);
    finish(&box);
}

CASE("uid sets the labels, from around")
{
    CHECK_EQUAL(run_in_box("uid 7 8\n", "[ $(id -u) = 7 ] && [ $(id -g) = 8 ] && exit 19"), 19);
}

// Ends a suspended box: by ctl, by a note, by a signal.
static int kill_by(const struct test_box *box, int way)
{
    if (way == 0)
        return box_do(box, "kill -9");
    if (way == 1)
        return proc_write(box->pid, "note", "kill");
    return kill(box->pid, SIGKILL) == 0 ? 0 : -errno;
}

CASE("suspend holds a box, and kill reaches it")
{
    for (int way = 0; way < 3; way++) {
        struct test_box box;

        start_sleeper(&box);
        CHECK_EQUAL(box_do(&box, "suspend"), 0);
        CHECK(strcmp(box_status(box.pid, "Flags"), "SUSPENDED ") == 0);
        CHECK_EQUAL(proc_write(box.pid, "note", "terminate"), 0);
        usleep(50000);
        CHECK(strcmp(box_status(box.pid, "Flags"), "SUSPENDED ") == 0);
        CHECK(strcmp(box_status(box.pid, "Exit"), "-") == 0);
        CHECK_EQUAL(kill_by(&box, way), 0);
        CHECK_EQUAL(box_wait(box.pid), -9);
        CHECK(strcmp(box_status(box.pid, "Flags"), "DYING") == 0);
        finish(&box);
    }
}

// The flags of a process, and the letter of its state.
static bool has_state(int pid, const char *flags, char letter)
{
    if (strcmp(box_status(pid, "Flags"), flags) != 0)
        return false;
    return proc_read(pid, "stat", text, sizeof(text)) > 0 && strrchr(text, ')')[2] == letter;
}

CASE("a stop is job control's and apart from a suspension: each is lifted by its own")
{
    int child = fork(), status, ctl;
    struct test_box self;

    if (child == 0) {
        while (pause() < 0)
            ;
    }
    ctl = proc_open(child, "ctl", O_RDWR);
    self = (struct test_box){ .ctl = ctl, .pid = child };
    CHECK(kill(child, SIGSTOP) == 0 && waitpid(child, &status, WUNTRACED) == child);
    CHECK(WIFSTOPPED(status) && has_state(child, "STOPPED ", 'T'));
    CHECK_EQUAL(box_do(&self, "start"), 0);
    CHECK(has_state(child, "STOPPED ", 'T'));
    CHECK_EQUAL(box_do(&self, "suspend"), 0);
    CHECK(has_state(child, "SUSPENDED STOPPED ", 'T'));
    CHECK(kill(child, SIGCONT) == 0 && has_state(child, "SUSPENDED ", 'T'));
    CHECK_EQUAL(box_do(&self, "start"), 0);
    CHECK(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    CHECK(strcmp(box_status(child, "Flags"), "NONE") == 0);
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
}

CASE("a note ends a box with its text as reason")
{
    struct test_box box;

    start_sleeper(&box);
    CHECK_EQUAL(proc_write(box.pid, "note", "terminate now please\n"), 0);
    CHECK_EQUAL(box_wait(box.pid), -15);
    CHECK(strcmp(box_status(box.pid, "Reason"), "terminate now please") == 0);
    finish(&box);
}

CASE("who has its note open reads notes of any type, one a read")
{
    int ready[2], status, child;

    CHECK_EQUAL(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        int fd = open("/proc/self/note", O_RDONLY);
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

        if (poll(&poll_fd, 1, 0) != 0 || write(ready[1], "r", 1) != 1 ||
            poll(&poll_fd, 1, 10000) != 1)
            _exit(1);
        if (read(fd, text, sizeof(text)) != 15 || memcmp(text, "weather is fine", 15) != 0)
            _exit(2);
        _exit(read(fd, text, sizeof(text)) == 5 && memcmp(text, "again", 5) == 0 ? 22 : 3);
    }
    CHECK_EQUAL(read(ready[0], text, 1), 1);
    CHECK_EQUAL(proc_write(child, "note", "weather is fine\n"), 0);
    CHECK_EQUAL(proc_write(child, "note", "again"), 0);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 22);
}

CASE("a note of an unknown type ends who does not listen, and is the reason")
{
    struct test_box box;

    start_sleeper(&box);
    CHECK_EQUAL(proc_write(box.pid, "note", "weather is bad"), 0);
    CHECK_EQUAL(box_wait(box.pid), -15);
    CHECK(strcmp(box_status(box.pid, "Reason"), "weather is bad") == 0);
    finish(&box);
    CHECK_EQUAL(proc_read(1, "note", text, sizeof(text)), -EACCES);
}

CASE("notes too long or empty are EINVAL")
{
    struct test_box box;
    char note[400];

    start_sleeper(&box);
    memset(note, 'a', sizeof(note));
    note[399] = '\0';
    CHECK_EQUAL(proc_write(box.pid, "note", note), -EINVAL);
    CHECK_EQUAL(proc_write(box.pid, "note", "\n"), -EINVAL);
    finish(&box);
}
