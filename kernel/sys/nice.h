// SPDX-License-Identifier: MIT
// nice.h - nice values of processes.
#pragma once

#include "lib/base/compiler.h"

struct process;

// nice: 19 to -20. Errors: -EACCES the caller may not raise it so far.
int nice_set(struct process *process, int nice) MUST_CHECK;
