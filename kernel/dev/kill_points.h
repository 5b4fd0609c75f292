// SPDX-License-Identifier: MIT
// kill_points.h - /dev/kill-points of test builds: boxes killed at chosen points of their life.
#pragma once

// Adds it to the machine's devices.
void kill_points_init_device(void);
