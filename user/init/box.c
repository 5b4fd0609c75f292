// SPDX-License-Identifier: MIT
// box.c - makes the box that the launcher's program runs in, through /proc/new.

#include "user/init/box.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

// What a name of the skeleton allows; every other directory of the boot archive is there to be read
// and run. A tree of the box's own begins with the directories that the archive has there.
static const struct {
    const char *name;
    const char *path;   // NULL: the same
    const char *rights; // NULL: left out
    bool tree;          // of the box's own
} skeleton[] = {
    { "boxwork", NULL, NULL, false },   { "box-dev", NULL, NULL, false },
    { "dev", "/box-dev", "rw", false }, { "etc", NULL, "r", false },
    { "home", NULL, "rwxc", true },     { "proc", NULL, "rwxc", false },
    { "root", NULL, "rwxc", true },     { "tmp", NULL, "rwxc", true },
    { "var", NULL, "rwxc", false },
};
#define RIGHTS_DEFAULT "rx"

static int failed(struct box *box, const char *what)
{
    box->number = errno;
    snprintf(box->error, sizeof(box->error), "%s: %s", what, strerror(errno));
    return -1;
}

// Writes one command. What the box says about a failing one goes into error.
static int command(struct box *box, const char *text, size_t size)
{
    ssize_t got;

    if (write(box->ctl, text, size) == (ssize_t)size)
        return 0;
    (void)failed(box, "ctl");
    got = read(box->ctl, box->error, sizeof(box->error) - 1);
    if (got > 0)
        box->error[box->error[got - 1] == '\n' ? got - 1 : got] = '\0';
    return -1;
}

__attribute__((format(printf, 2, 3))) static int commandf(struct box *box, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size < (int)sizeof(text))
        return command(box, text, (size_t)size);
    errno = ENAMETOOLONG;
    return failed(box, "ctl");
}

static int make_tree(struct box *box, const char *name, const char *rights)
{
    char path[600];
    struct dirent *entry;
    DIR *model;

    if (commandf(box, "tree %s %s", name, rights) != 0)
        return -1;
    snprintf(path, sizeof(path), "/%s", name);
    model = opendir(path);
    while (model != NULL && (entry = readdir(model)) != NULL) {
        if (entry->d_name[0] == '.' || entry->d_type != DT_DIR)
            continue;
        snprintf(path, sizeof(path), "/proc/%d/root/%s/%s", box->pid, name, entry->d_name);
        mkdir(path, 0755);
    }
    if (model != NULL)
        closedir(model);
    return 0;
}

static int bind_name(struct box *box, const char *name)
{
    for (size_t i = 0; i < sizeof(skeleton) / sizeof(skeleton[0]); i++) {
        const char *rights = skeleton[i].rights;

        if (strcmp(skeleton[i].name, name) != 0)
            continue;
        if (rights == NULL)
            return 0;
        if (skeleton[i].tree)
            return make_tree(box, name, rights);
        if (skeleton[i].path != NULL)
            return commandf(box, "bind %s %s %s", name, skeleton[i].path, rights);
        return commandf(box, "bind %s /%s %s", name, name, rights);
    }
    return commandf(box, "bind '%s' '/%s' " RIGHTS_DEFAULT, name, name);
}

// Whether the job names it itself.
static bool is_bound_by(const struct job *job, const char *name)
{
    for (char **bind = job->binds; *bind != NULL; bind++) {
        if (strncmp(*bind, name, strlen(name)) == 0 && (*bind)[strlen(name)] == ' ')
            return true;
    }
    return false;
}

static int bind_skeleton(struct box *box, const struct job *job)
{
    DIR *root = opendir("/");
    struct dirent *entry;
    int result = 0;

    if (root == NULL)
        return failed(box, "/");
    while (result == 0 && (entry = readdir(root)) != NULL) {
        struct stat stat;

        if (entry->d_name[0] != '.' && fstatat(dirfd(root), entry->d_name, &stat, 0) == 0 &&
            S_ISDIR(stat.st_mode) && !is_bound_by(job, entry->d_name))
            result = bind_name(box, entry->d_name);
    }
    closedir(root);
    return result;
}

static int write_file(struct box *box, const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t size = strlen(text);
    int result = 0;

    if (fd < 0 || write(fd, text, size) != (ssize_t)size)
        result = failed(box, path);
    if (fd >= 0)
        close(fd);
    return result;
}

static int set_environment(struct box *box, const struct job *job)
{
    char path[512];
    int result = 0;

    for (char **variable = job->environment; *variable != NULL && result == 0; variable++) {
        size_t length = strcspn(*variable, "=");

        snprintf(path, sizeof(path), "/proc/%d/env/%.*s", box->pid, (int)length, *variable);
        result = write_file(box, path, (*variable)[length] == '=' ? *variable + length + 1 : "");
    }
    return result;
}

// Makes path and what leads to it, as the box sees them.
static void make_directories(const struct box *box, const char *path)
{
    char part[4096 + 64];
    int prefix =
        snprintf(part, sizeof(part), "/proc/%d/root%s", box->pid, path) - (int)strlen(path);

    for (char *at = strchr(part + prefix + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(part, 0755);
        *at = '/';
    }
    mkdir(part, 0755);
}

// A directory that is missing is made.
static int set_cwd(struct box *box, const struct job *job)
{
    char path[64];

    if (job->cwd == NULL)
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/cwd", box->pid);
    make_directories(box, job->cwd);
    if (write_file(box, path, job->cwd) == 0)
        return 0;
    snprintf(box->error, sizeof(box->error), "working directory %.180s: %s", job->cwd,
             strerror(box->number));
    return -1;
}

// Appends a blank and the word in quotes, as ctl reads it.
static char *append_word(char *to, const char *word)
{
    *to++ = ' ';
    *to++ = '\'';
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            to = stpcpy(to, "'\\''"); // ends the quotes, adds one, begins them again
        else
            *to++ = *word;
    }
    *to++ = '\'';
    *to = '\0';
    return to;
}

static int set_program(struct box *box, const struct job *job)
{
    int self = job->terminal != NULL ? open("/proc/self/exe", O_RDONLY | O_CLOEXEC) : -1;
    size_t size = 64;
    char *text, *at;
    int result;

    for (char **argument = job->arguments; *argument != NULL; argument++)
        size += 4 * strlen(*argument) + 4;
    text = malloc(size);
    if (text == NULL)
        return failed(box, "exec");
    // With a terminal, init's own program goes first and makes it the controlling one.
    at = text + (job->terminal != NULL ? sprintf(text, "execfd %d init --terminal", self)
                                       : sprintf(text, "exec"));
    for (char **argument = job->arguments; *argument != NULL; argument++)
        at = append_word(at, *argument);
    result = command(box, text, (size_t)(at - text));
    free(text);
    if (self >= 0)
        close(self);
    return result;
}

static int set_up(struct box *box, const struct job *job, const int fds[3])
{
    int result = bind_skeleton(box, job);

    for (char **bind = job->binds; *bind != NULL && result == 0; bind++)
        result = commandf(box, "bind %s", *bind);
    for (int fd = 0; fd < 3 && result == 0; fd++)
        result = commandf(box, "give %d %d", fds[fd], fd);
    for (char **quota = job->quotas; *quota != NULL && result == 0; quota++)
        result = commandf(box, "quota %s", *quota);
    if (result == 0)
        result = set_environment(box, job);
    if (result == 0)
        result = set_cwd(box, job);
    if (result == 0) {
        box->stage = "program";
        result = set_program(box, job);
    }
    return result;
}

static int open_box(struct box *box)
{
    char text[32];
    ssize_t size;

    box->stage = "box";
    box->wait = -1;
    box->ctl = open("/proc/new", O_RDWR | O_CLOEXEC);
    if (box->ctl < 0)
        return failed(box, "/proc/new");
    size = read(box->ctl, text, sizeof(text) - 1);
    if (size <= 0)
        return failed(box, "/proc/new");
    text[size] = '\0';
    box->pid = atoi(text);
    snprintf(text, sizeof(text), "/proc/%d/wait", box->pid);
    box->wait = open(text, O_RDONLY | O_CLOEXEC);
    return box->wait < 0 ? failed(box, text) : 0;
}

int box_start(struct box *box, const struct job *job, const int fds[3])
{
    int result = open_box(box);

    if (result == 0)
        result = set_up(box, job, fds);
    if (result == 0)
        result = commandf(box, "start");
    if (result != 0) {
        if (box->wait >= 0)
            close(box->wait);
        if (box->ctl >= 0)
            close(box->ctl); // ends a box that was not started
    }
    return result;
}

int box_enter_terminal(char **arguments)
{
    ioctl(0, TIOCSCTTY, 0);
    execv(arguments[0], arguments);
    fprintf(stderr, "%s: %s\n", arguments[0], strerror(errno));
    return errno == ENOENT ? 127 : 126;
}
