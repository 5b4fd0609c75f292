// SPDX-License-Identifier: MIT
// test_kogata.c - rows of kogata's tables in docs/seeds.md that programs see: resources of boxes in boxes, where a program
// lies, what stays of the dead.
#define _GNU_SOURCE
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/vm/proc.h"

#define PAGE 4096L
#define ADDRESS 0x70000000L

static char text[16384];

// --- What this program does in the boxes of its cases ---

static int exec_here(struct test_box *box, const char *setup, const char *word)
{
    int error = box_new(box);

    return error != 0 ? error : box_do(box, "bind bin /bin rx\n%sexec /bin/test_kogata %s\nstart", setup, word);
}

// What a box inside this one, without limits of its own, exits with when it runs word.
static int inside(const char *setup, const char *word)
{
    struct test_box inner;

    return exec_here(&inner, setup, word) == 0 ? (int)box_wait(inner.pid) : 90;
}

// Returns: how many children there may be; 91 if the failure is another.
static int fork_all(void)
{
    int count = 0;
    pid_t pid;

    while ((pid = fork()) > 0)
        count++;
    if (pid == 0) {
        for (;;)
            pause();
    }
    return errno == EAGAIN ? count : 91;
}

// Says that it is there, and forks when told.
static int fork_told(void)
{
    char byte = 'r';

    if (write(1, &byte, 1) != 1 || read(0, &byte, 1) != 1)
        return 92;
    return fork() < 0 && errno == EAGAIN ? 21 : 93;
}

// A box has bin with rights rx and no t. Names it gives further.
static int name_further(void)
{
    struct test_box inner;
    char path[64];
    struct stat status;

    if (box_new(&inner) != 0 || box_do(&inner, "bind x /bin rwxc") != 0)
        return 94;
    if (proc_read(inner.pid, "ns/x", text, sizeof(text)) <= 0 || strcmp(text, "/bin rx\n") != 0)
        return 95;
    if (box_do(&inner, "bind y /t r") != -ENOENT)
        return 96;
    // Unbound here, it cannot be given any more; what was given stays.
    if (proc_write(getpid(), "ctl", "unbind bin") != 0 || box_do(&inner, "bind z /bin rx") != -ENOENT)
        return 97;
    snprintf(path, sizeof(path), "/proc/%d/root/x/busybox", inner.pid);
    return stat(path, &status) == 0 ? 22 : 98;
}

// Locks a page that may not be read. Returns: the errno of mlock.
static int lock_unreadable(void)
{
    char *at = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mlock(at, PAGE) == 0 ? 0 : errno;
}

// Opens fds until its quota is full. What is open can be replaced then, and nothing more be opened.
static int replace_when_full(void)
{
    int fd, last = 0;

    while ((fd = dup(0)) >= 0)
        last = fd;
    if (errno != EMFILE || last == 0)
        return 90;
    if (dup2(0, last) != last || fcntl(last, F_GETFD) != 0 || dup3(0, last, O_CLOEXEC) != last || fcntl(last, F_GETFD) != FD_CLOEXEC)
        return 91;
    if (dup2(0, last + 1) != -1 || errno != EMFILE || dup2(0, 900) != -1 || errno != EMFILE)
        return 92;
    close(last);
    return dup2(0, 900) == 900 ? 24 : 93;
}

static int command(int argc, char **argv)
{
    if (argc != 2)
        return -1;
    if (strcmp(argv[1], "fork-all") == 0)
        return fork_all();
    if (strcmp(argv[1], "fork-told") == 0)
        return fork_told();
    if (strcmp(argv[1], "name-further") == 0)
        return name_further();
    if (strcmp(argv[1], "replace-when-full") == 0)
        return replace_when_full();
    if (strcmp(argv[1], "lock-unreadable") == 0)
        return lock_unreadable();
    if (strcmp(argv[1], "inside-fork-all") == 0)
        return inside("", "fork-all");
    if (strcmp(argv[1], "inside-fork-told") == 0)
        return inside("give 0 0\ngive 1 1\n", "fork-told");
    return -1;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = command;
}

// --- Resources of the parent bound its children's ---

// How much of a resource the box has in use, by its quota.
static long long used(int pid, const char *key)
{
    const char *line;

    CHECK(proc_read(pid, "quota", text, sizeof(text)) > 0);
    line = strstr(text, key);
    CHECK(line != NULL);
    return atoll(line + strlen(key));
}

CASE("a box inside one with a quota has what that has left, though its own is larger")
{
    struct test_box box;

    CHECK_EQUAL(exec_here(&box, "bind proc /proc rwx\nquota processes 6\n", "inside-fork-all"), 0);
    CHECK_EQUAL(box_wait(box.pid), 4); // beside the two heads
    finish(&box);
}

CASE("a box inside is charged to the one around, and a quota lowered there holds for it at once")
{
    struct test_box box;
    int told[2], ready[2];
    long long memory;
    char setup[128], byte;

    CHECK(pipe(told) == 0 && pipe(ready) == 0);
    snprintf(setup, sizeof(setup), "bind proc /proc rwx\ngive %d 0\ngive %d 1\n", told[0], ready[1]);
    CHECK_EQUAL(exec_here(&box, setup, "inside-fork-told"), 0);
    CHECK_EQUAL(read(ready[0], &byte, 1), 1);
    CHECK_EQUAL(used(box.pid, "processes "), 2);
    memory = used(box.pid, "memory ");
    snprintf(setup, sizeof(setup), "/proc/%d/box/2", box.pid);
    CHECK(access(setup, F_OK) == 0);
    CHECK(proc_read(box.pid, "box/2/quota", text, sizeof(text)) > 0 && strstr(text, "memory ") != NULL);
    CHECK(atoll(strstr(text, "memory ") + 7) > 0 && memory > atoll(strstr(text, "memory ") + 7));
    CHECK_EQUAL(proc_write(box.pid, "quota", "processes 2"), 0);
    CHECK_EQUAL(write(told[1], "g", 1), 1);
    CHECK_EQUAL(box_wait(box.pid), 21);
    finish(&box);
}

CASE("a name given further has at most the rights here, and stays there when it is unbound here")
{
    struct test_box box;

    CHECK_EQUAL(exec_here(&box, "bind proc /proc rwx\n", "name-further"), 0);
    CHECK_EQUAL(box_wait(box.pid), 22);
    finish(&box);
}

CASE("an open fd is replaced though the quota of fds is full, and keeps its one charge")
{
    struct test_box box;

    CHECK_EQUAL(exec_here(&box, "give 0 0\nquota fds 20\n", "replace-when-full"), 0);
    CHECK_EQUAL(box_wait(box.pid), 24);
    finish(&box);
}

CASE("ctl tree binds an empty tree, which can be written")
{
    struct test_box box;

    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "tree c"), 0);
    CHECK_EQUAL(box_do(&box, "tree c"), -EEXIST);
    CHECK_EQUAL(box_do(&box, "bind c /bin rx"), -EEXIST);
    CHECK_EQUAL(box_do(&box, "tree a/b"), -EINVAL);
    finish(&box);
    CHECK_EQUAL(run_in_box("tree c\n", "set -- /c/*; [ \"$1\" = \"/c/*\" ] && echo x > /c/f && read y < /c/f && "
                                       "[ $y = x ] && exit 3"),
                3);
}

// --- What stays of the dead, and who waits ---

// How many of a kind the ledger counts.
static long long counted(const char *kind)
{
    const char *at;

    CHECK(ledger_read(text, sizeof(text)));
    at = strstr(text, kind);
    CHECK(at != NULL);
    return atoll(at + strlen(kind));
}

CASE("handles on a dead process keep its record, and no process")
{
    struct test_box box;
    long long processes = counted("\nprocess "), records = counted("\nrecord ");
    int status;

    CHECK_EQUAL(box_shell(&box, "", "exit 7"), 0);
    status = proc_open(box.pid, "status", O_RDONLY);
    CHECK(status >= 0);
    CHECK_EQUAL(box_wait(box.pid), 7);
    CHECK_EQUAL(counted("\nprocess "), processes);
    CHECK_EQUAL(counted("\nrecord "), records + 1);
    CHECK(pread(status, text, sizeof(text), 0) > 0);
    box_close(&box);
    close(status);
    CHECK_EQUAL(counted("\nrecord "), records);
}

static char state_of(pid_t pid)
{
    const char *after;

    CHECK(proc_read(pid, "stat", text, sizeof(text)) > 0);
    after = strrchr(text, ')');
    CHECK(after != NULL);
    return after[2];
}

CASE("many wait for one end at once, and each is told")
{
    struct test_box box;
    int go[2], ready[2], status;
    pid_t pids[4];
    char byte;

    CHECK(pipe(go) == 0 && pipe(ready) == 0);
    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\ngive %d 0\nexec /bin/busybox sh -c 'read x; exit 3'\nstart", go[0]), 0);
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            int wait = proc_open(box.pid, "wait", O_RDONLY);
            bool told = write(ready[1], "r", 1) == 1 && read(wait, &byte, 1) == 1 && byte == '3';

            _exit(told ? 0 : 1);
        }
        CHECK_EQUAL(read(ready[0], &byte, 1), 1);
    }
    for (int i = 0; i < 4; i++) {
        while (state_of(pids[i]) != 'S')
            sched_yield();
    }
    CHECK_EQUAL(write(go[1], "g\n", 2), 2);
    for (int i = 0; i < 4; i++)
        CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
    box_close(&box);
}

// --- Where a program lies ---

CASE("each program has its stack at a place of its own")
{
    unsigned long ends[8], start;
    unsigned different = 0;

    for (int i = 0; i < 8; i++) {
        FILE *maps = popen("grep stack /proc/self/maps", "r");

        CHECK(maps != NULL && fscanf(maps, "%lx-%lx", &start, &ends[i]) == 2);
        CHECK(pclose(maps) == 0);
        CHECK(start < ends[i] && ends[i] < 1UL << 47);
        different += ends[i] != ends[0];
    }
    CHECK(different >= 6);
}

CASE("maps names program, heap and stack, and exec replaces all of it")
{
    char *heap = (char *)syscall(SYS_brk, 0);
    int status;
    pid_t child;

    CHECK((char *)syscall(SYS_brk, heap + PAGE) == heap + PAGE);
    CHECK(mmap((void *)ADDRESS, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)ADDRESS);
    CHECK(proc_read(getpid(), "maps", text, sizeof(text)) > 0);
    CHECK(strstr(text, "/bin/test_kogata\n") != NULL && strstr(text, "[heap]\n") != NULL);
    CHECK(strstr(text, "[stack]\n") != NULL && strstr(text, "70000000-") != NULL);
    child = fork();
    if (child == 0) {
        execl("/bin/busybox", "grep", "-q", "-e", "70000000-", "-e", "test_kogata", "/proc/self/maps", NULL);
        _exit(99);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_EQUAL(WEXITSTATUS(status), 1);
}

CASE("mlock probes its pages: ENOMEM where they may not be read, in a strict process too")
{
    char *at = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct test_box box;

    CHECK(at != MAP_FAILED && mlock(at, 2 * PAGE) == 0);
    CHECK(mprotect(at + PAGE, PAGE, PROT_NONE) == 0);
    errno = 0;
    CHECK(mlock(at, 2 * PAGE) == -1 && errno == ENOMEM);
    CHECK(mlock(at, PAGE) == 0);
    CHECK_EQUAL(exec_here(&box, "strict on\n", "lock-unreadable"), 0);
    CHECK_EQUAL(box_wait(box.pid), ENOMEM);
    finish(&box);
}
