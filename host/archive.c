// SPDX-License-Identifier: MIT
// archive.c - the boot archive: which programs it has, and what a run adds to it.
//
// The kernel unpacks archives that stand one behind the other, so a run's own part is appended as
// an archive of its own. Its file /boxwork/job is described in docs/launcher.md.

#include "host/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cpio_write.h"
#include "host/report.h"
#include "host/terminal.h"
#include "lib/cpio/cpio.h"

#define LINKS_MAX 8
#define PATH_DEFAULT "/bin:/usr/bin:/sbin:/usr/sbin"

// Whether it is what the kernel can unpack, to its end.
static bool is_cpio(const struct archive *archive)
{
    struct cpio_reader reader;
    struct cpio_entry entry;
    int result;

    cpio_begin(&reader, archive->data, archive->size);
    do
        result = cpio_next(&reader, &entry);
    while (result > 0);
    return result == 0;
}

void archive_open(struct archive *archive, const char *path)
{
    struct stat stat;

    archive->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (archive->fd < 0 || fstat(archive->fd, &stat) != 0)
        fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    archive->size = (size_t)stat.st_size;
    archive->data = mmap(NULL, archive->size, PROT_READ, MAP_PRIVATE, archive->fd, 0);
    if (archive->data == MAP_FAILED)
        fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    if (!is_cpio(archive))
        fail(EXIT_FAILED, "%s: no cpio archive, or a damaged one", path);
}

static bool find_entry(const struct archive *archive, const char *path, struct cpio_entry *entry)
{
    struct cpio_reader reader;

    while (*path == '/')
        path++;
    cpio_begin(&reader, archive->data, archive->size);
    while (cpio_next(&reader, entry) > 0) {
        if (strcmp(entry->name, path) == 0)
            return true;
    }
    return false;
}

// As find_entry, and follows the links that path itself is.
static bool find_file(const struct archive *archive, const char *path, struct cpio_entry *entry)
{
    char target[4096];

    for (unsigned links = 0; links < LINKS_MAX && find_entry(archive, path, entry); links++) {
        const char *slash = strrchr(path, '/');
        bool absolute = entry->size != 0 && *(const char *)entry->data == '/';
        int prefix = absolute || slash == NULL ? 0 : (int)(slash + 1 - path);
        char next[sizeof(target)];

        if (!S_ISLNK(entry->mode))
            return true;
        snprintf(next, sizeof(next), "%.*s%.*s", prefix, path, (int)entry->size,
                 (const char *)entry->data);
        memcpy(target, next, sizeof(target));
        path = target;
    }
    return false;
}

static const char *search_path(const struct options *options)
{
    const char *path = PATH_DEFAULT;

    for (size_t i = 0; i < options->environment_count; i++) {
        if (strncmp(options->environment[i], "PATH=", 5) == 0)
            path = options->environment[i] + 5;
    }
    return path;
}

// Whether path names a program there; *found is set if it names anything.
static bool is_program(const struct archive *archive, const char *path, bool *found)
{
    struct cpio_entry entry;

    if (!find_file(archive, path, &entry))
        return false;
    *found = true;
    return S_ISREG(entry.mode) && (entry.mode & 0111) != 0;
}

static bool find_in_archive(struct program *program, const struct archive *archive,
                            const struct options *options, const char *name, bool *found)
{
    const char *directory = search_path(options);

    if (strchr(name, '/') != NULL) {
        snprintf(program->path, sizeof(program->path), "%s", name);
        return is_program(archive, name, found);
    }
    while (*directory != '\0') {
        size_t length = strcspn(directory, ":");

        snprintf(program->path, sizeof(program->path), "%.*s/%s", (int)length, directory, name);
        if (is_program(archive, program->path, found))
            return true;
        directory += length + (directory[length] == ':');
    }
    return false;
}

static void open_host_file(struct program *program, const char *name)
{
    const char *slash = strrchr(name, '/');
    struct stat stat;

    program->fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (program->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        fail(EXIT_NOT_FOUND, "%s: not found, neither in the boot image nor here", name);
    if (program->fd < 0 || fstat(program->fd, &stat) != 0)
        fail(EXIT_NOT_EXECUTABLE, "%s: %s", name, strerror(errno));
    if (!S_ISREG(stat.st_mode))
        fail(EXIT_NOT_EXECUTABLE, "%s: not a regular file", name);
    if (access(name, X_OK) != 0)
        fail(EXIT_NOT_EXECUTABLE, "%s: not executable", name);
    program->mode = stat.st_mode & 0777;
    snprintf(program->path, sizeof(program->path), "/run/%s", slash != NULL ? slash + 1 : name);
}

void program_find(struct program *program, const struct archive *archive,
                  const struct options *options)
{
    const char *name = options->program[0];
    bool here = strncmp(name, "./", 2) == 0 || strncmp(name, "../", 3) == 0;
    bool found = false;

    program->fd = -1;
    if (name[0] == '\0')
        fail(EXIT_NOT_FOUND, "the program's name is empty");
    if (!here && find_in_archive(program, archive, options, name, &found))
        return;
    if (found)
        fail(EXIT_NOT_EXECUTABLE, "%s: not executable in the boot image", name);
    open_host_file(program, name);
}

static void add(FILE *job, const char *key, const char *value)
{
    fprintf(job, "%s=%s", key, value);
    fputc('\0', job);
}

static void add_quota(FILE *job, const char *key, const char *limit)
{
    char text[128];

    if (limit == NULL)
        return;
    snprintf(text, sizeof(text), "%s %s", key, limit);
    add(job, "quota", text);
}

// The terminal here is the one that the program writes to.
static void add_terminal(FILE *job)
{
    unsigned rows = 0, columns = 0;
    char text[128];

    (void)terminal_size(&rows, &columns);
    snprintf(text, sizeof(text), "TERM=%s", getenv("TERM") != NULL ? getenv("TERM") : "vt100");
    add(job, "environment", text);
    snprintf(text, sizeof(text), "%u %u", rows, columns);
    add(job, "terminal", text);
}

static void write_job(FILE *job, const struct program *program, const struct options *options)
{
    // Later ones replace earlier ones.
    add(job, "environment", "PATH=" PATH_DEFAULT);
    add(job, "environment", "HOME=/root");
    if (options->terminal)
        add_terminal(job);
    for (size_t i = 0; i < options->environment_count; i++)
        add(job, "environment", options->environment[i]);
    for (size_t i = 0; i < options->bind_count; i++)
        add(job, "bind", options->binds[i]);
    if (options->directory != NULL)
        add(job, "cwd", options->directory);
    add_quota(job, "processes", options->processes);
    add_quota(job, "deadline", options->timeout);
    add(job, "argument", program->path);
    for (char **argument = options->program + 1; *argument != NULL; argument++)
        add(job, "argument", *argument);
}

static int add_run(struct cpio_writer *writer, const struct program *program,
                   const struct options *options)
{
    char *text = NULL;
    size_t size = 0;
    FILE *job = open_memstream(&text, &size);
    int result = 0;

    if (job == NULL)
        return -1;
    write_job(job, program, options);
    fclose(job);
    cpio_write_file(writer, "boxwork/job", 0600, text, size);
    free(text);
    if (program->fd >= 0)
        result = cpio_write_file_from(writer, program->path + 1, program->mode, program->fd);
    return result;
}

int archive_compose(const struct archive *archive, const struct program *program,
                    const struct options *options)
{
    int fd = memfd_create("boot archive", MFD_CLOEXEC);
    struct cpio_writer writer;
    off_t offset = 0;
    FILE *to;

    while (fd >= 0 && (size_t)offset < archive->size) {
        if (sendfile(fd, archive->fd, &offset, archive->size - (size_t)offset) <= 0)
            fail(EXIT_FAILED, "the boot archive cannot be copied: %s", strerror(errno));
    }
    to = fd >= 0 ? fdopen(dup(fd), "w") : NULL;
    if (to == NULL)
        fail(EXIT_FAILED, "no memory for the boot archive: %s", strerror(errno));
    cpio_write_begin(&writer, to);
    if ((program != NULL && add_run(&writer, program, options) != 0) ||
        cpio_write_end(&writer) != 0)
        fail(EXIT_FAILED, "the boot archive cannot be written: %s", strerror(errno));
    fclose(to);
    return fd;
}
