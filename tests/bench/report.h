// SPDX-License-Identifier: MIT
// report.h - what bench.c tells timer.c besides what lines do.
#pragma once

// The line that runs from here on; a failure names it.
void report_begin_line(const char *name);
void report_failure(const char *name, const char *why);
