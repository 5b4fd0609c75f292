// SPDX-License-Identifier: MIT
// fmt.h - formatted text and numbers, without a libc.
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "lib/base/compiler.h"
#include "lib/base/types.h"

// Writes at most size bytes, the closing NUL included (none if size is 0), as snprintf does.
// Knows: %d %i %u %x %X %o %c %s %p %% with width, precision, - 0 + # and l ll z h hh.
// Returns: the length the whole text has, without the NUL.
int fmt_vprint(char *to, size_t size, const char *format, va_list arguments);
int fmt_print(char *to, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

// Parses the whole of text[0..length) as an unsigned number: decimal only, no sign, no blanks.
// Errors: -EINVAL not a number or empty, -ERANGE over limit.
int fmt_parse_u64(const char *text, size_t length, uint64_t limit, uint64_t *value) MUST_CHECK;

// As fmt_parse_u64, with an optional leading '-' and limits on both sides.
int fmt_parse_i64(const char *text, size_t length, int64_t lowest, int64_t highest,
                  int64_t *value) MUST_CHECK;

// A size: a number with an optional K, M, G or T (powers of 1,024). Errors as fmt_parse_u64.
int fmt_parse_size(const char *text, size_t length, uint64_t *bytes) MUST_CHECK;

// A duration: a number with an optional fraction and ns, us, ms, s, m or h (s by default).
int fmt_parse_duration(const char *text, size_t length, nsec_t *duration) MUST_CHECK;
