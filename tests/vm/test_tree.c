// SPDX-License-Identifier: MIT
// vm: smp
// test_tree.c - trees in memory under many hands: directories renamed, listed, filled and removed
// at once.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

#define WORKERS 4

static char top[] = "/tmp/treeXXXXXX";

static void enter(void)
{
    CHECK(mkdtemp(top) != NULL);
    CHECK_EQUAL(chdir(top), 0);
}

static void leave(void)
{
    CHECK_EQUAL(chdir("/"), 0);
    CHECK_EQUAL(rmdir(top), 0);
}

// Runs work in WORKERS processes at once; each returns 0.
static void together(int (*work)(unsigned worker))
{
    for (unsigned i = 0; i < WORKERS; i++)
        if (fork() == 0)
            _exit(work(i));
    for (unsigned i = 0; i < WORKERS; i++) {
        int status;

        CHECK(wait(&status) > 0);
        CHECK_EQUAL(status, 0);
    }
}

static int make_and_remove(unsigned worker)
{
    char name[32];

    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 100; i++) {
            int fd;

            snprintf(name, sizeof(name), "%u-%u", worker, i);
            fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
            if (fd < 0 || write(fd, name, strlen(name)) < 0)
                return 1;
            close(fd);
        }
        for (unsigned i = 0; i < 100; i++) {
            snprintf(name, sizeof(name), "%u-%u", worker, i);
            if (unlink(name) != 0)
                return 2;
        }
    }
    return 0;
}

CASE_LIMIT("four processes make and remove files in one directory", 60)
{
    struct stat stat_before, stat_after;

    enter();
    CHECK_EQUAL(stat(".", &stat_before), 0);
    together(make_and_remove);
    CHECK_EQUAL(stat(".", &stat_after), 0);
    CHECK_EQUAL(stat_after.st_nlink, stat_before.st_nlink);
    CHECK_EQUAL(stat_after.st_size, stat_before.st_size);
    leave();
}

// Until it has won often enough.
static int race_for_one(unsigned worker)
{
    unsigned won = 0;

    (void)worker;
    while (won < 200) {
        if (mkdir("prize", 0700) == 0) {
            won++;
            if (rmdir("prize") != 0)
                return 1;
        } else if (errno != EEXIST) {
            return 2;
        }
    }
    return 0;
}

CASE_LIMIT("of many that make one name, one wins each time", 60)
{
    enter();
    together(race_for_one);
    leave();
}

// Moves directories about; whatever fails must fail for a reason that the others can cause.
static int shuffle(unsigned worker)
{
    static const char *const names[] = { "a", "b", "a/c", "b/c", "a/c/d", "b/c/d", "a/e", "b/e" };
    unsigned seed = worker + 1;
    unsigned moved = 0;

    for (unsigned i = 0; i < 2000; i++) {
        const char *from = names[(unsigned)rand_r(&seed) % 8];
        const char *to = names[(unsigned)rand_r(&seed) % 8];
        struct stat stat;

        if (rename(from, to) == 0)
            moved++;
        else if (errno != ENOENT && errno != ENOTEMPTY && errno != EINVAL)
            return 1;
        if (mkdir(from, 0700) != 0 && errno != EEXIST && errno != ENOENT)
            return 2;
        // A path up and down again reaches a directory, or nothing.
        if (lstat("a/c/../../b/c/..", &stat) == 0 ? !S_ISDIR(stat.st_mode) : errno != ENOENT)
            return 3;
    }
    return moved > 10 ? 0 : 4;
}

// Empties the current directory, which may be deep: by names of one component, there and back.
static void remove_all(void)
{
    DIR *directory = opendir(".");
    struct dirent *entry;

    CHECK(directory != NULL);
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        CHECK_EQUAL(chdir(entry->d_name), 0);
        remove_all();
        CHECK_EQUAL(chdir(".."), 0);
        CHECK_EQUAL(rmdir(entry->d_name), 0);
    }
    closedir(directory);
}

CASE_LIMIT("directories moved by four processes stay a tree", 120)
{
    struct stat stat_top;
    char cwd[256];

    enter();
    together(shuffle);
    remove_all();
    CHECK_EQUAL(stat(".", &stat_top), 0);
    CHECK_EQUAL(stat_top.st_nlink, 2);
    CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
    CHECK_EQUAL(strcmp(cwd, top), 0);
    leave();
}

static int list_and_change(unsigned worker)
{
    char name[32];

    for (unsigned round = 0; round < 30; round++) {
        DIR *directory = opendir(".");
        struct dirent *entry;
        unsigned fixed = 0;

        if (directory == NULL)
            return 1;
        while ((entry = readdir(directory)) != NULL) {
            fixed += strncmp(entry->d_name, "fixed", 5) == 0;
            snprintf(name, sizeof(name), "w%u-%u", worker, fixed);
            if (fixed % 2 == 0)
                close(open(name, O_CREAT | O_RDWR, 0600));
            else
                unlink(name);
        }
        closedir(directory);
        if (fixed != 200)
            return 2;
    }
    for (unsigned i = 0; i <= 200; i++) {
        snprintf(name, sizeof(name), "w%u-%u", worker, i);
        unlink(name);
    }
    return 0;
}

CASE_LIMIT("a listing shows once what is there all the time, whatever others do", 120)
{
    char name[32];

    enter();
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "fixed%u", i);
        close(open(name, O_CREAT | O_RDWR, 0600));
    }
    together(list_and_change);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "fixed%u", i);
        CHECK_EQUAL(unlink(name), 0);
    }
    leave();
}

static int append(unsigned worker)
{
    char line[16];
    int fd = open("log", O_WRONLY | O_APPEND);

    snprintf(line, sizeof(line), "%u-abcdefghijk\n", worker);
    for (unsigned i = 0; i < 1000; i++)
        if (write(fd, line, 14) != 14)
            return 1;
    return 0;
}

CASE_LIMIT("appended lines of four processes stand whole behind each other", 60)
{
    unsigned count[WORKERS] = { 0 };
    char line[16];
    int fd;

    enter();
    fd = open("log", O_CREAT | O_RDWR, 0600);
    together(append);
    CHECK_EQUAL(lseek(fd, 0, SEEK_END), WORKERS * 14000);
    lseek(fd, 0, SEEK_SET);
    while (read(fd, line, 14) == 14) {
        CHECK_EQUAL(memcmp(line + 1, "-abcdefghijk\n", 13), 0);
        count[line[0] - '0']++;
    }
    for (unsigned i = 0; i < WORKERS; i++)
        CHECK_EQUAL(count[i], 1000);
    close(fd);
    CHECK_EQUAL(unlink("log"), 0);
    leave();
}

CASE("what is written is seen in a map, and the other way round; past the end is SIGBUS")
{
    char *map;
    char text[4];
    int status;
    int fd;

    enter();
    fd = open("file", O_CREAT | O_RDWR, 0600);
    CHECK_EQUAL(write(fd, "abc", 3), 3);
    map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    CHECK_EQUAL(memcmp(map, "abc", 4), 0);
    map[1] = 'X';
    CHECK_EQUAL(pread(fd, text, 3, 0), 3);
    CHECK_EQUAL(memcmp(text, "aXc", 3), 0);
    CHECK_EQUAL(pwrite(fd, "Y", 1, 2), 1);
    CHECK_EQUAL(map[2], 'Y');
    CHECK_EQUAL(ftruncate(fd, 1), 0);
    CHECK_EQUAL(map[1], 0);
    if (fork() == 0)
        _exit(map[4096]);
    CHECK(wait(&status) > 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    CHECK_EQUAL(unlink("file"), 0);
    CHECK_EQUAL(map[0], 'a');
    munmap(map, 8192);
    close(fd);
    leave();
}

CASE("a file that is removed, or was never named, lives as long as it is open")
{
    struct stat stat_file;
    char path[64];
    int fd;

    enter();
    fd = open(".", O_TMPFILE | O_RDWR, 0600);
    CHECK(fd >= 0);
    CHECK_EQUAL(fstat(fd, &stat_file), 0);
    CHECK_EQUAL(stat_file.st_nlink, 0);
    CHECK_EQUAL(write(fd, "x", 1), 1);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK_EQUAL(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
    CHECK_EQUAL(stat("named", &stat_file), 0);
    CHECK_EQUAL(stat_file.st_size, 1);
    CHECK_EQUAL(unlink("named"), 0);
    CHECK_EQUAL(write(fd, "y", 1), 1);
    close(fd);
    leave();
}

CASE("a directory that is removed while somebody is in it is empty for good")
{
    char cwd[64];

    enter();
    CHECK_EQUAL(mkdir("gone", 0700), 0);
    CHECK_EQUAL(chdir("gone"), 0);
    CHECK_EQUAL(rmdir("../gone"), 0);
    FAILS(open("file", O_CREAT | O_RDWR, 0600), ENOENT);
    FAILS(mkdir("again", 0700), ENOENT);
    CHECK(getcwd(cwd, sizeof(cwd)) == NULL && errno == ENOENT);
    leave();
}

CASE("sparse files reach far and cost little")
{
    struct stat stat_file;
    char byte = 1;
    int fd;

    enter();
    fd = open("sparse", O_CREAT | O_RDWR, 0600);
    CHECK_EQUAL(pwrite(fd, "x", 1, INT64_C(1) << 45), 1);
    CHECK_EQUAL(fstat(fd, &stat_file), 0);
    CHECK_EQUAL(stat_file.st_size, (INT64_C(1) << 45) + 1);
    CHECK(stat_file.st_blocks <= 8);
    CHECK_EQUAL(pread(fd, &byte, 1, INT64_C(1) << 30), 1);
    CHECK_EQUAL(byte, 0);
    CHECK_EQUAL(ftruncate(fd, INT64_MAX), 0);
    FAILS(pwrite(fd, "x", 1, INT64_MAX), EINVAL); // its end has no number
    CHECK_EQUAL(ftruncate(fd, 0), 0);
    close(fd);
    CHECK_EQUAL(unlink("sparse"), 0);
    leave();
}
