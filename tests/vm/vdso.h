// SPDX-License-Identifier: MIT
// vdso.h - the vDSO's functions, called by the names and version that a libc looks for.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

int vdso_clock_gettime(int clock, struct timespec *to);
int vdso_clock_getres(int clock, struct timespec *to);
int vdso_gettimeofday(struct timeval *to, struct timezone *zone);
time_t vdso_time(time_t *to);
int vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

// Whether run makes a system call: the instruction leaves the flags in r11, where nothing else that run does puts anything.
bool vdso_calls_kernel(void (*run)(void));
