// SPDX-License-Identifier: MIT
// env.h - environment variables of a process: what the next program start hands over, and what
// /proc/PID/env shows.
#pragma once

#include "kernel/sync/spinlock.h"
#include "lib/base/compiler.h"
#include "lib/base/list.h"
#include "lib/base/types.h"

struct account;
struct env;

int env_create(struct account *account, struct env **env) MUST_CHECK;
void env_destroy(struct env *env); // NULL is allowed. Context: any
// Errors: -EINVAL (empty name, '=' or '/' or NUL in it, over 255 bytes), -E2BIG (value over 128
// KiB, over 2 MiB in all), -ENOMEM.
int env_set(struct env *env, const char *name, const void *value, size_t size) MUST_CHECK;
// Copies at most size bytes from offset; returns the value's whole length. Errors: -ENOENT.
ssize_t env_get(struct env *env, const char *name, size_t offset, void *to, size_t size) MUST_CHECK;
int env_remove(struct env *env, const char *name) MUST_CHECK; // -ENOENT
// Calls visit for each name from the index-th on, of one moment, until it returns false. A name over
// 255 bytes is cut.
void env_names(struct env *env, size_t index,
               bool (*visit)(void *context, const char *name, size_t length), void *context);
int env_copy(struct env *to, struct env *from) MUST_CHECK; // -EBUSY to is not empty, -ENOMEM
// Replaces all by a list of "NAME=value" strings (execve); strings without '=' are left out.
int env_replace(struct env *env, const char *const *envp) MUST_CHECK;
// The same in two steps, for exec: what can fail, then what cannot. Exactly one of install and drop
// uses *prepared up.
struct env_block;
int env_prepare(struct env *env, const char *const *envp, struct env_block **prepared) MUST_CHECK;
void env_install(struct env *env, struct env_block *prepared);
void env_drop(struct env_block *prepared);
// Makes a list of "NAME=value" for exec, ended by NULL, freed with one kfree.
int env_list(struct env *env, char ***envp) MUST_CHECK;
