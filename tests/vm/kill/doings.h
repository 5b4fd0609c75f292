// SPDX-License-Identifier: MIT
// doings.h - what the boxes do that test_kill kills.
#pragma once

// Does what is called so ("fork", "read", …) until it is killed. Returns 77 where that ends by itself or nothing is called so.
int be_victim(const char *name);
