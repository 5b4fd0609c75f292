// SPDX-License-Identifier: MIT
// machine.h - internal to procfs: files about the machine as a box sees it.
#pragma once

struct subject;
struct text;

int show_cpuinfo(const struct subject *subject, struct text *text);
int show_filesystems(const struct subject *subject, struct text *text);
int show_loadavg(const struct subject *subject, struct text *text);
int show_meminfo(const struct subject *subject, struct text *text);
int show_machine_stat(const struct subject *subject, struct text *text);
int show_swaps(const struct subject *subject, struct text *text);
int show_uptime(const struct subject *subject, struct text *text);
int show_version(const struct subject *subject, struct text *text);

// sys/
int show_ostype(const struct subject *subject, struct text *text);
int show_osrelease(const struct subject *subject, struct text *text);
int show_os_version(const struct subject *subject, struct text *text);
int show_hostname(const struct subject *subject, struct text *text);
int show_pid_max(const struct subject *subject, struct text *text);
int show_threads_max(const struct subject *subject, struct text *text);
int show_ngroups_max(const struct subject *subject, struct text *text);
int show_cap_last_cap(const struct subject *subject, struct text *text);
int show_overcommit_memory(const struct subject *subject, struct text *text);
int show_nr_open(const struct subject *subject, struct text *text);
int show_file_max(const struct subject *subject, struct text *text);
