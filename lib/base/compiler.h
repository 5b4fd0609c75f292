// SPDX-License-Identifier: MIT
// compiler.h - what the compiler is told beyond the language: checks, layout, locks.
#pragma once

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define PRINTF_LIKE(text, first) __attribute__((__format__(printf, text, first)))
#define PACKED __attribute__((packed))
#define ALIGNED(bytes) __attribute__((aligned(bytes)))
#define UNUSED __attribute__((unused))
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b) ({ __auto_type min_a = (a); __auto_type min_b = (b); min_a < min_b ? min_a : min_b; })
#define MAX(a, b) ({ __auto_type max_a = (a); __auto_type max_b = (b); max_a > max_b ? max_a : max_b; })
#define ALIGN_UP(value, to) (((value) + (to) - 1) & ~((__typeof__(value))(to) - 1))
#define ALIGN_DOWN(value, to) ((value) & ~((__typeof__(value))(to) - 1))

// The object that a member stands in.
#define container_of(pointer, type, member) \
    ((type *)((char *)(pointer) - offsetof(type, member)))

// Lock annotations, read by clang's -Wthread-safety (make lint), nothing to gcc.
#if defined(__clang__)
#define LOCK_TYPE(name) __attribute__((capability(name)))
#define ACQUIRES(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define RELEASES(...) __attribute__((release_capability(__VA_ARGS__)))
#define ACQUIRES_SHARED(...) __attribute__((acquire_shared_capability(__VA_ARGS__)))
#define RELEASES_SHARED(...) __attribute__((release_shared_capability(__VA_ARGS__)))
#define TRY_ACQUIRES(...) __attribute__((try_acquire_capability(__VA_ARGS__)))
#define REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define EXCLUDES(...) __attribute__((locks_excluded(__VA_ARGS__)))
// Before a function whose locks are chosen at run time, which the analysis cannot follow.
#define LOCKS_NOT_CHECKED __attribute__((no_thread_safety_analysis))
#else
#define LOCK_TYPE(name)
#define ACQUIRES(...)
#define RELEASES(...)
#define ACQUIRES_SHARED(...)
#define RELEASES_SHARED(...)
#define TRY_ACQUIRES(...)
#define REQUIRES(...)
#define EXCLUDES(...)
#define LOCKS_NOT_CHECKED
#endif
