// SPDX-License-Identifier: MIT
// file.c - the mixed load: files, record locks, mappings, and /proc as a reader sees it.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/vm/load/load.h"
#include "tests/vm/vmtest.h"

#define PAGE 4096
#define PATH_SIZE 320
#define LOCKERS 3
#define LOCKINGS 20

// A path of this process's own in /tmp.
static void own_path(char *path, const char *suffix)
{
    snprintf(path, PATH_SIZE, "/tmp/load-%d%s", getpid(), suffix);
}

static void fill(unsigned char *bytes, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(seed + i * 7 + (i >> 9));
}

// Writes a file in pieces and reads it back in others.
static void write_and_read(const char *path)
{
    static unsigned char written[40000], got[40000];
    size_t size = 1 + load_random(sizeof(written)), done = 0;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct stat stat;

    CHECK(fd >= 0);
    fill(written, size, load_random(256));
    while (done < size) {
        size_t count = 1 + load_random(9000);

        count = count < size - done ? count : size - done;
        CHECK_EQUAL(write(fd, written + done, count), count);
        done += count;
    }
    CHECK(fstat(fd, &stat) == 0 && (size_t)stat.st_size == size);
    CHECK_EQUAL(pread(fd, got, size, 0), size);
    CHECK(memcmp(written, got, size) == 0);
    CHECK(ftruncate(fd, (off_t)(size / 2)) == 0 && ftruncate(fd, (off_t)size) == 0);
    CHECK_EQUAL(pread(fd, got, size, 0), size);
    CHECK(memcmp(written, got, size / 2) == 0);
    for (size_t i = size / 2; i < size; i++)
        CHECK_EQUAL(got[i], 0);
    close(fd);
}

void load_files(void)
{
    char directory[PATH_SIZE], file[PATH_SIZE], other[PATH_SIZE], link_path[PATH_SIZE], text[PATH_SIZE];
    ssize_t length;

    own_path(directory, "");
    own_path(file, "/file");
    own_path(other, "/other");
    own_path(link_path, "/link");
    CHECK(mkdir(directory, 0700) == 0);
    write_and_read(file);
    CHECK(link(file, other) == 0);
    CHECK(symlink(file, link_path) == 0);
    length = readlink(link_path, text, sizeof(text));
    CHECK(length == (ssize_t)strlen(file) && memcmp(text, file, (size_t)length) == 0);
    CHECK(rename(other, file) == 0 && access(other, F_OK) == 0); // two names of one file: nothing is done
    CHECK(unlink(other) == 0 && rename(file, other) == 0);
    CHECK(access(file, F_OK) < 0 && errno == ENOENT);
    CHECK(rmdir(directory) < 0 && errno == ENOTEMPTY);
    CHECK(unlink(other) == 0 && unlink(link_path) == 0 && rmdir(directory) == 0);
}

// --- Record locks ---

static void add_under_lock(void *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct flock lock = { .l_whence = SEEK_SET };
    unsigned count;

    CHECK(fd >= 0);
    for (int i = 0; i < LOCKINGS; i++) {
        lock.l_type = F_WRLCK;
        CHECK(fcntl(fd, F_SETLKW, &lock) == 0);
        CHECK_EQUAL(pread(fd, &count, sizeof(count), 0), sizeof(count));
        count++;
        CHECK_EQUAL(pwrite(fd, &count, sizeof(count), 0), sizeof(count));
        lock.l_type = F_UNLCK;
        CHECK(fcntl(fd, F_SETLK, &lock) == 0);
    }
}

void load_locks(void)
{
    char path[PATH_SIZE];
    pid_t children[LOCKERS];
    unsigned count = 0;
    int fd;

    own_path(path, "-lock");
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, &count, sizeof(count)) == sizeof(count));
    for (int i = 0; i < LOCKERS; i++)
        children[i] = load_child(add_under_lock, path);
    for (int i = 0; i < LOCKERS; i++)
        load_exited(children[i], 0);
    CHECK_EQUAL(pread(fd, &count, sizeof(count), 0), sizeof(count));
    CHECK_EQUAL(count, LOCKERS * LOCKINGS);
    CHECK(close(fd) == 0 && unlink(path) == 0);
}

// --- Mappings ---

static atomic_bool leave;

// Keeps other CPUs in this space while it changes.
static void *touch_own_pages(void *unused)
{
    static _Thread_local volatile unsigned char own[2 * PAGE];

    while (!atomic_load(&leave)) {
        for (size_t i = 0; i < sizeof(own); i += 512)
            own[i]++;
    }
    return unused;
}

static void change_mapping(void)
{
    size_t pages = 2 + load_random(30), hole = 1 + load_random((uint32_t)pages - 1);
    unsigned char *at =
        mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *moved;

    CHECK(at != MAP_FAILED);
    for (size_t i = 0; i < pages; i++) {
        CHECK_EQUAL(at[i * PAGE], 0);
        at[i * PAGE] = (unsigned char)(i + 1);
    }
    CHECK(mprotect(at, hole * PAGE, PROT_READ) == 0);
    CHECK(mprotect(at, hole * PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK(madvise(at, PAGE, MADV_DONTNEED) == 0);
    CHECK_EQUAL(at[0], 0);
    moved = mremap(at, pages * PAGE, 2 * pages * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED);
    for (size_t i = 1; i < 2 * pages; i++)
        CHECK_EQUAL(moved[i * PAGE], i < pages ? (unsigned char)(i + 1) : 0);
    CHECK(munmap(moved + hole * PAGE, PAGE) == 0);
    CHECK(munmap(moved, 2 * pages * PAGE) == 0);
}

// A child's writes to what it shares by copy are not seen here.
static void write_copy(void *page)
{
    *(unsigned char *)page = 99;
}

void load_map(void)
{
    unsigned char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned count = load_random(3);
    pthread_t threads[2];
    pid_t child;

    CHECK(page != MAP_FAILED);
    atomic_store(&leave, false);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, touch_own_pages, NULL), 0);
    for (int i = 0; i < 5; i++)
        change_mapping();
    *page = 7;
    child = load_child(write_copy, page);
    for (int i = 0; i < 5; i++)
        change_mapping();
    load_exited(child, 0);
    CHECK_EQUAL(*page, 7);
    atomic_store(&leave, true);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    CHECK(munmap(page, PAGE) == 0);
}

struct window {
    int fd;
    unsigned pages;
};

static void write_through(void *argument)
{
    struct window *window = argument;
    unsigned char *at = mmap(NULL, window->pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, window->fd, 0);

    CHECK(at != MAP_FAILED);
    for (unsigned i = 0; i < window->pages; i++)
        at[i * PAGE + 5] = (unsigned char)(i + 1);
}

void load_shared(void)
{
    struct window window = { .pages = 1 + load_random(8) };
    char path[PATH_SIZE];
    unsigned char byte, *at;

    own_path(path, "-map");
    window.fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(window.fd >= 0 && unlink(path) == 0);
    CHECK(ftruncate(window.fd, window.pages * PAGE) == 0);
    at = mmap(NULL, window.pages * PAGE, PROT_READ, MAP_SHARED, window.fd, 0);
    CHECK(at != MAP_FAILED);
    load_exited(load_child(write_through, &window), 0);
    for (unsigned i = 0; i < window.pages; i++) {
        CHECK_EQUAL(at[i * PAGE + 5], (unsigned char)(i + 1));
        CHECK_EQUAL(pread(window.fd, &byte, 1, i * PAGE + 5), 1);
        CHECK_EQUAL(byte, (unsigned char)(i + 1));
    }
    CHECK(ftruncate(window.fd, 0) == 0 && ftruncate(window.fd, PAGE) == 0);
    CHECK_EQUAL(at[5], 0);
    CHECK(munmap(at, window.pages * PAGE) == 0 && close(window.fd) == 0);
}

// --- /proc ---

static void read_whole(const char *process, const char *name)
{
    char path[PATH_SIZE], bytes[2048];
    int fd;

    snprintf(path, sizeof(path), "/proc/%s/%s", process, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        CHECK(errno == ENOENT || errno == ESRCH);
        return;
    }
    while (read(fd, bytes, sizeof(bytes)) > 0)
        ;
    close(fd);
}

static void read_directory(const char *process, const char *name)
{
    char path[PATH_SIZE];
    DIR *directory;

    snprintf(path, sizeof(path), "/proc/%s/%s", process, name);
    directory = opendir(path);
    while (directory != NULL && readdir(directory) != NULL)
        ;
    if (directory != NULL)
        closedir(directory);
}

void load_look(void)
{
    static const char *const files[] = { "status", "stat",    "statm", "cmdline",  "perf",
                                         "prio",   "quota",   "maps",  "children", "environ" };
    static const char *const directories[] = { "fd", "ns", "task", "env" };
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    unsigned processes = 0;

    CHECK(directory != NULL);
    while ((entry = readdir(directory)) != NULL) {
        if (atoi(entry->d_name) == 0)
            continue;
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
            read_whole(entry->d_name, files[i]);
        for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
            read_directory(entry->d_name, directories[i]);
        processes++;
    }
    closedir(directory);
    CHECK(processes > 0);
}
