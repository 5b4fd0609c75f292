// SPDX-License-Identifier: MIT
// env.c - the environment of a process: one block of "NAME=value" strings, each ended by a NUL.
//
// A block is never changed once others may see it: a change makes a new one outside the lock and
// swaps it in if the old is still the current one, so that env_copy within a box shares the block,
// and no lock is held for an allocation.
// The lock (rank ENV) guards env->block alone.

#include "kernel/proc/env.h"

#include <string.h>

#include "abi/errors.h"
#include "kernel/mem/slab.h"
#include "kernel/sync/refcount.h"

#define ENV_VALUE_MAX (128 * 1024)
#define ENV_TOTAL_MAX (2 * 1024 * 1024)
#define ENV_NAME_MAX 255

struct env_block {
    struct refcount ref;
    size_t size;
    char text[];
};

struct env {
    struct spinlock lock;     // rank ENV
    struct env_block *block;  // under lock, counted; NULL: empty
    struct account *account;  // I
};

static SLAB_CACHE(env_cache, "env", struct env);

static void block_put(struct env_block *block)
{
    if (block != NULL && refcount_put(&block->ref))
        kfree(block);
}

static struct env_block *block_alloc(size_t size, struct account *account)
{
    struct env_block *block = kmalloc(sizeof(*block) + size, account);

    if (block != NULL) {
        refcount_init(&block->ref, 1);
        block->size = size;
    }
    return block;
}

static struct env_block *block_get(struct env *env)
{
    struct env_block *block;

    spin_lock(&env->lock);
    block = env->block;
    if (block != NULL)
        refcount_get(&block->ref);
    spin_unlock(&env->lock);
    return block;
}

// Makes next (its reference is taken over) the block if old still is. Gives old's reference of the
// caller back.
static bool block_swap(struct env *env, struct env_block *old, struct env_block *next)
{
    bool same;

    spin_lock(&env->lock);
    same = env->block == old;
    if (same)
        env->block = next;
    spin_unlock(&env->lock);
    block_put(old);
    block_put(same ? old : next);
    return same;
}

int env_create(struct account *account, struct env **env)
{
    struct env *made = slab_alloc(&env_cache, account);

    if (made == NULL)
        return -ENOMEM;
    spin_init(&made->lock, RANK_ENV);
    made->account = account;
    *env = made;
    return 0;
}

void env_destroy(struct env *env)
{
    if (env == NULL)
        return;
    block_put(env->block);
    slab_free(&env_cache, env);
}

// The string that sets name in block; NULL if none. *size: its bytes, the NUL included.
static const char *variable_find(const struct env_block *block, const char *name, size_t *size)
{
    size_t length = strlen(name);

    for (size_t at = 0; block != NULL && at < block->size; at += *size) {
        const char *text = block->text + at;

        *size = strlen(text) + 1;
        if (*size > length && memcmp(text, name, length) == 0 && text[length] == '=')
            return text;
    }
    return NULL;
}

static bool name_valid(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= ENV_NAME_MAX && strchr(name, '=') == NULL &&
           strchr(name, '/') == NULL;
}

// A copy of old without the size bytes at variable, and room for extra more. NULL: no memory.
static struct env_block *block_edit(const struct env_block *old, const char *variable, size_t size,
                                    size_t extra, struct account *account)
{
    size_t old_size = old == NULL ? 0 : old->size;
    size_t before = variable == NULL ? old_size : (size_t)(variable - old->text);
    size_t cut = variable == NULL ? 0 : size;
    struct env_block *block = block_alloc(old_size - cut + extra, account);

    if (block != NULL && old != NULL) {
        memcpy(block->text, old->text, before);
        memcpy(block->text + before, old->text + before + cut, old_size - before - cut);
    }
    return block;
}

// One try of env_set. Returns 1 if another change came between.
static int set_once(struct env *env, const char *name, const void *value, size_t size)
{
    struct env_block *old = block_get(env);
    size_t length = strlen(name), extra = length + 1 + size + 1, old_size = 0;
    const char *variable = variable_find(old, name, &old_size);
    struct env_block *block;
    char *to;

    if (variable == NULL)
        old_size = 0;
    if (old != NULL && old->size - old_size + extra > ENV_TOTAL_MAX) {
        block_put(old);
        return -E2BIG;
    }
    block = block_edit(old, variable, old_size, extra, env->account);
    if (block == NULL) {
        block_put(old);
        return -ENOMEM;
    }
    to = block->text + block->size - extra;
    memcpy(to, name, length);
    to[length] = '=';
    memcpy(to + length + 1, value, size);
    to[extra - 1] = '\0';
    return block_swap(env, old, block) ? 0 : 1;
}

int env_set(struct env *env, const char *name, const void *value, size_t size)
{
    int error;

    if (!name_valid(name) || memchr(value, '\0', size) != NULL)
        return -EINVAL;
    if (size > ENV_VALUE_MAX)
        return -E2BIG;
    do
        error = set_once(env, name, value, size);
    while (error == 1);
    return error;
}

ssize_t env_get(struct env *env, const char *name, size_t offset, void *to, size_t size)
{
    struct env_block *block = block_get(env);
    size_t whole = 0;
    const char *variable = variable_find(block, name, &whole);
    size_t skip = strlen(name) + 1;
    size_t length;

    if (variable == NULL) {
        block_put(block);
        return -ENOENT;
    }
    length = whole - skip - 1;
    if (offset < length)
        memcpy(to, variable + skip + offset, MIN(size, length - offset));
    block_put(block);
    return (ssize_t)length;
}

static int remove_once(struct env *env, const char *name)
{
    struct env_block *old = block_get(env);
    size_t size = 0;
    const char *variable = variable_find(old, name, &size);
    struct env_block *block = NULL;

    if (variable == NULL) {
        block_put(old);
        return -ENOENT;
    }
    if (size < old->size) {
        block = block_edit(old, variable, size, 0, env->account);
        if (block == NULL) {
            block_put(old);
            return -ENOMEM;
        }
    }
    return block_swap(env, old, block) ? 0 : 1;
}

int env_remove(struct env *env, const char *name)
{
    int error;

    do
        error = remove_once(env, name);
    while (error == 1);
    return error;
}

void env_names(struct env *env, size_t index,
               bool (*visit)(void *context, const char *name, size_t length), void *context)
{
    struct env_block *block = block_get(env);
    size_t size = block == NULL ? 0 : block->size, number = 0;
    bool more = true;

    for (size_t at = 0; more && at < size; at += strlen(block->text + at) + 1, number++) {
        const char *text = block->text + at;

        if (number >= index)
            more = visit(context, text,
                         MIN((size_t)(strchr(text, '=') - text), (size_t)ENV_NAME_MAX));
    }
    block_put(block);
}

int env_copy(struct env *to, struct env *from)
{
    struct env_block *block = block_get(from);
    struct env_block *copy = block;

    if (block != NULL && to->account != from->account) {
        copy = block_edit(block, NULL, 0, 0, to->account);
        block_put(block);
        if (copy == NULL)
            return -ENOMEM;
    }
    spin_lock(&to->lock);
    if (to->block != NULL) {
        spin_unlock(&to->lock);
        block_put(copy);
        return -EBUSY;
    }
    to->block = copy;
    spin_unlock(&to->lock);
    return 0;
}

int env_prepare(struct env *env, const char *const *envp, struct env_block **prepared)
{
    struct env_block *block;
    size_t size = 0, at = 0;

    *prepared = NULL;
    for (unsigned i = 0; envp[i] != NULL; i++)
        size += strchr(envp[i], '=') == NULL ? 0 : strlen(envp[i]) + 1;
    if (size == 0)
        return 0;
    block = block_alloc(size, env->account);
    if (block == NULL)
        return -ENOMEM;
    for (unsigned i = 0; envp[i] != NULL; i++) {
        size_t length = strlen(envp[i]) + 1;

        if (strchr(envp[i], '=') == NULL)
            continue;
        memcpy(block->text + at, envp[i], length);
        at += length;
    }
    *prepared = block;
    return 0;
}

void env_install(struct env *env, struct env_block *prepared)
{
    struct env_block *old;

    spin_lock(&env->lock);
    old = env->block;
    env->block = prepared;
    spin_unlock(&env->lock);
    block_put(old);
}

void env_drop(struct env_block *prepared)
{
    block_put(prepared);
}

int env_replace(struct env *env, const char *const *envp)
{
    struct env_block *block;
    int error = env_prepare(env, envp, &block);

    if (error == 0)
        env_install(env, block);
    return error;
}

int env_list(struct env *env, char ***envp)
{
    struct env_block *block = block_get(env);
    size_t size = block == NULL ? 0 : block->size, count = 0;
    char **list, *text;

    for (size_t at = 0; at < size; at += strlen(block->text + at) + 1)
        count++;
    list = kmalloc((count + 1) * sizeof(*list) + size, env->account);
    if (list == NULL) {
        block_put(block);
        return -ENOMEM;
    }
    text = (char *)(list + count + 1);
    if (size != 0)
        memcpy(text, block->text, size);
    for (size_t i = 0; i < count; i++) {
        list[i] = text;
        text += strlen(text) + 1;
    }
    list[count] = NULL;
    block_put(block);
    *envp = list;
    return 0;
}
