// SPDX-License-Identifier: MIT
// uname.h - what uname and sysinfo tell of the machine.
#pragma once

#define PERSONALITY_QUERY 0xffffffffU // what personality is asked to only return it

#include <stdint.h>

// What uname and /proc/version show. The name and release are those of the interface that programs
// find here (libcs refuse old releases); the version says who provides it.
#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.1.0-boxwork"
#define UTS_VERSION "#1 SMP Boxwork"
#define UTS_MACHINE "x86_64"

#define UTSNAME_LENGTH 65 // with the NUL
#define HOST_NAME_MAX 64

struct linux_utsname {
    char sysname[UTSNAME_LENGTH];
    char nodename[UTSNAME_LENGTH];
    char release[UTSNAME_LENGTH];
    char version[UTSNAME_LENGTH];
    char machine[UTSNAME_LENGTH];
    char domainname[UTSNAME_LENGTH];
};

struct linux_sysinfo {
    int64_t uptime;
    uint64_t loads[3]; // times 65,536
    uint64_t totalram;
    uint64_t freeram;
    uint64_t sharedram;
    uint64_t bufferram;
    uint64_t totalswap;
    uint64_t freeswap;
    uint16_t procs;
    uint16_t padding;
    uint64_t totalhigh;
    uint64_t freehigh;
    uint32_t mem_unit;
};
