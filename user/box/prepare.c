// SPDX-License-Identifier: MIT
// prepare.c - makes a box and sets it up as options say.
//
// Without a manifest it gets the skeleton that programs expect: every directory of the caller's /
// to be read and run, /proc, /dev, trees of its own as /tmp, /root and /home; or with --root that
// directory as /, and /proc, /dev and /tmp. Rights are at most the caller's.

#include "user/box/prepare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/box/manifest.h"
#include "user/box/report.h"

#define PATH_DEFAULT "/bin:/usr/bin:/sbin:/usr/sbin"
#define CPU_PERCENT 100

// What the box gets under a name instead of the caller's directory to be read and run.
static const struct {
    const char *name, *rights;
    bool tree, with_root; // of the box's own; also with --root
} skeleton[] = {
    { "dev", "rw", false, true },    { "etc", "r", false, false },
    { "home", "rwxc", true, false }, { "proc", "rwxc", false, true },
    { "root", "rwxc", true, false }, { "tmp", "rwxc", true, true },
};
#define RIGHTS_DEFAULT "rx"

static void must(struct box *box, int error)
{
    if (error != 0)
        fail(EXIT_FAILED, "%s", box->error);
}

static bool is_volume(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->volume_count; i++) {
        if (strcmp(options->volumes[i].name, name) == 0)
            return true;
    }
    return false;
}

static void add_name(struct box *box, const struct options *options, const char *name)
{
    const char *rights = RIGHTS_DEFAULT;
    bool tree = false, wanted = options->root == NULL;
    char path[300];

    for (size_t i = 0; i < sizeof(skeleton) / sizeof(skeleton[0]); i++) {
        if (strcmp(skeleton[i].name, name) == 0) {
            rights = skeleton[i].rights;
            tree = skeleton[i].tree;
            wanted = wanted || skeleton[i].with_root;
        }
    }
    if (!wanted || is_volume(options, name))
        return;
    snprintf(path, sizeof(path), "/%s", name);
    must(box, tree ? box_tree(box, name, rights) : box_bind(box, name, path, rights));
}

static void add_skeleton(struct box *box, const struct options *options)
{
    DIR *root = opendir("/");
    struct dirent *entry;
    struct stat stat;

    if (root == NULL)
        fail(EXIT_FAILED, "/: %s", strerror(errno));
    while ((entry = readdir(root)) != NULL) {
        if (entry->d_name[0] != '.' && fstatat(dirfd(root), entry->d_name, &stat, 0) == 0 &&
            S_ISDIR(stat.st_mode))
            add_name(box, options, entry->d_name);
    }
    closedir(root);
    if (options->root != NULL)
        must(box, box_bind(box, "", options->root, NULL));
}

static void give_streams(struct box *box, const struct options *options, int terminal)
{
    int input = 0;

    if (terminal < 0 && !options->interactive)
        input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (input < 0)
        fail(EXIT_FAILED, "/dev/null: %s; -i passes standard input on", strerror(errno));
    for (int fd = 0; fd < 3; fd++)
        must(box, box_give(box, terminal >= 0 ? terminal : fd == 0 ? input : fd, fd, NULL));
    if (input != 0)
        close(input);
}

// The value of a variable that -e sets for the box; NULL: not set.
static const char *variable_of(const struct options *options, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = options->variable_count; i-- > 0;) {
        const char *text = options->variables[i];

        if (strncmp(text, name, length) == 0 && text[length] == '=')
            return text + length + 1;
        if (strcmp(text, name) == 0)
            return getenv(name);
    }
    return NULL;
}

static void set_environment(struct box *box, const struct options *options)
{
    if (options->manifest == NULL) {
        must(box, box_setenv(box, "PATH", PATH_DEFAULT));
        must(box, box_setenv(box, "HOME", "/root"));
        if (options->terminal && getenv("TERM") != NULL)
            must(box, box_setenv(box, "TERM", getenv("TERM")));
    }
    for (size_t i = 0; i < options->variable_count; i++) {
        char name[256];

        snprintf(name, sizeof(name), "%.*s", (int)strcspn(options->variables[i], "="),
                 options->variables[i]);
        if (variable_of(options, name) != NULL)
            must(box, box_setenv(box, name, variable_of(options, name)));
    }
}

static void set_limits(struct box *box, const struct options *options)
{
    char percent[16];

    snprintf(percent, sizeof(percent), "%u", options->cpus * CPU_PERCENT);
    if (options->memory != NULL)
        must(box, box_quota(box, "memory", options->memory));
    if (options->processes != NULL)
        must(box, box_quota(box, "processes", options->processes));
    if (options->cpus != 0)
        must(box, box_quota(box, "cpu", percent));
    if (options->timeout != NULL)
        must(box, box_quota(box, "deadline", options->timeout));
}

int prepare_exit_code(int error)
{
    if (error == -ENOENT || error == -ENOTDIR)
        return EXIT_MISSING;
    return error == -EACCES || error == -ENOEXEC || error == -ELOOP ? EXIT_DENIED : EXIT_FAILED;
}

// A name without a slash is looked for along PATH, in the box. Returns 0 or the error that says
// most: of a file that is there rather than of those that are not.
static int find_program(struct box *box, const struct options *options, char **argv)
{
    const char *at = variable_of(options, "PATH");
    char *name = argv[0], path[4096];
    int error = -ENOENT;

    if (strchr(name, '/') != NULL)
        return box_exec(box, argv);
    for (at = at != NULL ? at : PATH_DEFAULT; *at != '\0';) {
        size_t length = strcspn(at, ":");
        int result;

        snprintf(path, sizeof(path), "%.*s/%s", (int)length, at, name);
        argv[0] = path;
        result = box_exec(box, argv);
        argv[0] = name;
        if (result == 0)
            return 0;
        if (result != -ENOENT && result != -ENOTDIR)
            error = result;
        at += length + (at[length] == ':');
    }
    return error;
}

// With a terminal, this program goes first in the box and makes it the controlling one.
static int exec_by_terminal(struct box *box, char **program)
{
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), error;
    size_t count = 0;
    char **argv;

    while (program[count] != NULL)
        count++;
    argv = calloc(count + 3, sizeof(*argv));
    if (self < 0 || argv == NULL)
        fail(EXIT_FAILED, "/proc/self/exe: %s", strerror(errno));
    argv[0] = "box";
    argv[1] = "--terminal";
    memcpy(argv + 2, program, count * sizeof(*argv));
    error = box_execfd(box, self, argv);
    close(self);
    free(argv);
    return error;
}

static void set_program(struct box *box, const struct options *options, int terminal)
{
    int error = terminal >= 0 ? exec_by_terminal(box, options->program)
                              : find_program(box, options, options->program);
    int code = prepare_exit_code(error);

    if (error == 0)
        return;
    if (code == EXIT_MISSING)
        fail(EXIT_MISSING, "%s: not found in the box", options->program[0]);
    fail((enum exit_code)code, "%s: %s", options->program[0], strerror(-error));
}

static struct box *made;

// When this program ends without having waited for the box, nothing of the box is left either.
static void discard(void)
{
    int64_t status;

    if (made->ctl < 0)
        return;
    (void)!box_kill(made, -9);
    (void)!box_wait(made, &status, -1);
    box_close(made);
}

const char *prepare_box(struct box *box, const struct options *options, int terminal)
{
    if (box_create(box) != 0)
        fail(EXIT_FAILED, "%s", box->error);
    made = box;
    atexit(discard);
    for (size_t i = 0; i < options->volume_count; i++)
        must(box, box_bind(box, options->volumes[i].name, options->volumes[i].source,
                           options->volumes[i].rights));
    if (options->manifest == NULL) {
        add_skeleton(box, options);
        give_streams(box, options, terminal);
    }
    set_environment(box, options);
    set_limits(box, options);
    if (options->manifest != NULL && !manifest_apply(box, options->manifest) &&
        options->program[0] == NULL && !options->show)
        fail(EXIT_FAILED, "%s: no exec, and no program behind it", options->manifest);
    if (options->directory != NULL && box_chdir(box, options->directory) != 0)
        fail(EXIT_FAILED, "-w %s", box->error);
    if (options->program[0] != NULL)
        set_program(box, options, terminal);
    return options->program[0] != NULL ? options->program[0] : options->manifest;
}
