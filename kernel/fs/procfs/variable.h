// SPDX-License-Identifier: MIT
// variable.h - internal to procfs: start of env.c.
#pragma once

void variable_init(void);
