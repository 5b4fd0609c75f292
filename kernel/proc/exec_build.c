// SPDX-License-Identifier: MIT
// exec_build.c - everything of an exec that can fail: finding the ELF file behind scripts, and
// making the image.

#include <string.h>

#include "abi/errors.h"
#include "abi/fcntl.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/space.h"
#include "kernel/proc/box.h"
#include "kernel/proc/env.h"
#include "kernel/proc/exec.h"
#include "kernel/proc/fdtab.h"
#include "kernel/proc/note.h"
#include "kernel/proc/private.h"
#include "kernel/vfs/handle.h"
#include "kernel/vfs/iobuf.h"
#include "kernel/vfs/node.h"

static SLAB_CACHE(image_cache, "exec image", struct exec_image);

int exec_read(struct handle *handle, uint64_t offset, void *to, size_t size)
{
    struct iobuf buffer;

    if (offset > handle->node->size || size > handle->node->size - offset)
        return -ENOEXEC;
    iobuf_kernel(&buffer, to, size);
    while (buffer.left != 0) {
        ssize_t count = handle_read_at(handle, &buffer, (off_t)(offset + size - buffer.left));

        if (count <= 0)
            return count == 0 ? -ENOEXEC : (int)count;
    }
    return 0;
}

// For another box's process, links of /proc that lead without text would lead by the caller's
// authority.
int exec_open(struct exec_build *build, const char *path, struct handle **handle)
{
    bool foreign = build->process->box != box_current();
    struct walker walker;
    struct place cwd;
    int error = process_walker_of(build->process, &walker, &cwd);

    if (error != 0)
        return error;
    error = vfs_open(&walker, path, O_RDONLY | VFS_OPEN_EXEC, 0, foreign ? WALK_NO_MAGIC : 0,
                     handle);
    process_walker_put(&walker, &cwd);
    return error;
}

// --- Scripts ---

// Splits "#! interpreter argument" in place; only one argument, with the blanks in it. Returns
// false if there is no interpreter.
static bool split_line(char *line, const char **interpreter, const char **argument)
{
    char *at = line + 2;
    char *end = strchr(line, '\n');

    if (end == NULL)
        end = line + strlen(line);
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
    while (*at == ' ' || *at == '\t')
        at++;
    *interpreter = at;
    while (*at != '\0' && *at != ' ' && *at != '\t')
        at++;
    *argument = NULL;
    if (*at != '\0') {
        *at++ = '\0';
        while (*at == ' ' || *at == '\t')
            at++;
        *argument = at;
    }
    return **interpreter != '\0';
}

static void add_lead(struct exec_build *build, const char *interpreter, const char *argument)
{
    unsigned more = argument == NULL ? 1 : 2;

    memmove(build->lead + more, build->lead, build->lead_count * sizeof(build->lead[0]));
    build->lead[0] = interpreter;
    if (argument != NULL)
        build->lead[1] = argument;
    build->lead_count += more;
}

// If the program is a script, goes on to its interpreter. Returns 1 if it was one, 0 if not.
static int follow_script(struct exec_build *build)
{
    size_t size = MIN(build->handle->node->size, (uint64_t)EXEC_LINE_SIZE - 1);
    const char *interpreter, *argument;
    struct handle *next;
    char first[2];
    char *line;
    int error;

    if (size < 2 || exec_read(build->handle, 0, first, 2) != 0 || memcmp(first, "#!", 2) != 0)
        return 0;
    if (build->scripts == EXEC_SCRIPTS_MAX)
        return -ELOOP;
    line = build->lines[build->scripts++];
    error = exec_read(build->handle, 0, line, size);
    if (error != 0)
        return error;
    line[size] = '\0';
    if (!split_line(line, &interpreter, &argument))
        return -ENOEXEC;
    error = exec_open(build, interpreter, &next);
    if (error != 0)
        return error;
    handle_put(build->handle);
    build->handle = next;
    add_lead(build, interpreter, argument);
    return 1;
}

const char *exec_argument(const struct exec_build *build, size_t index)
{
    if (build->scripts == 0)
        return build->argv[index];
    if (index < build->lead_count)
        return build->lead[index];
    index -= build->lead_count;
    if (index == 0)
        return build->path;
    // A script's argv[0] gave way to its path; there may have been none.
    return build->argv[0] == NULL ? NULL : build->argv[index];
}

// --- The image ---

static int join_arguments(const struct exec_build *build, struct exec_image *image)
{
    const char *text;
    size_t size = 0, at = 0;

    for (size_t i = 0; (text = exec_argument(build, i)) != NULL; i++)
        size += strlen(text) + 1;
    image->cmdline = kmalloc(MAX(size, (size_t)1), build->process->box->account);
    if (image->cmdline == NULL)
        return -ENOMEM;
    for (size_t i = 0; (text = exec_argument(build, i)) != NULL; i++) {
        memcpy(image->cmdline + at, text, strlen(text) + 1);
        at += strlen(text) + 1;
    }
    image->cmdline_size = size;
    return 0;
}

static void set_name(struct exec_image *image, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;

    memcpy(image->name, name, strnlen(name, sizeof(image->name) - 1));
}

// A table that other processes use too is left to them. A copy of the calling process's is kept for
// the commit.
static int own_fds(struct process *process, struct exec_image *image)
{
    struct fdtab *fds;
    int error = process_fds(process, &fds);

    if (error != 0)
        return error;
    if (fdtab_shared(fds))
        error = fdtab_copy(fds, process->box->account, &image->fds);
    fdtab_put(fds);
    return error;
}

static int fill_image(struct exec_build *build, bool replace_env, struct exec_image *image)
{
    struct process *process = build->process;
    int error = join_arguments(build, image);

    image->replace_env = replace_env;
    if (error == 0 && replace_env)
        error = env_prepare(process->env, build->envp, &image->env);
    if (error == 0)
        error = signal_actions_create(process->box->account, &image->actions);
    if (error == 0)
        error = own_fds(process, image);
    if (error != 0)
        return error;
    set_name(image, build->path);
    image->exe = (struct place){ .grant = build->handle->grant, .node = build->handle->node };
    place_get(&image->exe);
    image->entry = build->start;
    image->sp = build->sp;
    return 0;
}

static int build_space(struct exec_build *build, struct exec_image *image)
{
    struct process *process = build->process;
    int error = space_create(process->box->account, &build->space);

    if (error != 0)
        return error;
    image->space = build->space;
    build->space->write_execute = process->box->write_execute;
    space_lay_out(build->space, process->rlimits[RLIMIT_STACK][0]);
    error = exec_load(build);
    if (error == 0)
        error = space_map_vdso(build->space);
    return error != 0 ? error : exec_stack_build(build);
}

int exec_image_build(struct process *process, struct handle *handle, const char *path,
                     const char *const *argv, const char *const *envp, bool replace_env,
                     struct exec_image **out)
{
    struct exec_build *build = kmalloc_raw(sizeof(*build), account_current());
    struct exec_image *image = slab_alloc(&image_cache, process->box->account);
    int error = -ENOMEM;

    if (build == NULL || image == NULL)
        goto out;
    memset(build, 0, offsetof(struct exec_build, lead));
    build->process = process;
    build->path = path;
    build->argv = argv;
    build->envp = envp;
    build->handle = handle;
    handle_get(handle);
    do
        error = follow_script(build);
    while (error == 1);
    if (error == 0)
        error = build_space(build, image);
    if (error == 0)
        error = fill_image(build, replace_env, image);
    handle_put(build->handle);
out:
    kfree(build);
    if (error == 0)
        *out = image;
    else
        exec_image_free(image);
    return error;
}

void exec_image_free(struct exec_image *image)
{
    if (image == NULL)
        return;
    if (image->space != NULL)
        space_put(image->space);
    if (image->exe.node != NULL)
        place_put(&image->exe);
    if (image->fds != NULL)
        fdtab_put(image->fds);
    if (image->actions != NULL)
        signal_actions_put(image->actions);
    env_drop(image->env);
    kfree(image->cmdline);
    slab_free(&image_cache, image);
}
