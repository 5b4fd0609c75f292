// SPDX-License-Identifier: MIT
// clocks.h - the clocks that calls name by number.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

// What a clock shows. Errors: -EINVAL no such clock, process or thread.
int clock_read(int clock, nsec_t *now) MUST_CHECK;

// A moment of the monotonic clock (or, realtime, of the wall clock as it is set now) as one of
// clock_now().
nsec_t clock_to_monotonic(bool realtime, nsec_t moment);
