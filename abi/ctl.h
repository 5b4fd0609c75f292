// SPDX-License-Identifier: MIT
// ctl.h - the commands of /proc/PID/ctl and the keys of /proc/PID/quota.
//
// A command is one line, or several joined by `&&`; words are quoted as in sh. docs/proc/ctl.md has
// the meaning of each.
#pragma once

// CTL_COMMAND(name, arguments, right, where). arguments, a letter each, those after '?' optional:
//   f fd number          e end of a range of fds: a number, or -1
//   w word               r rights: letters of "rwxc"
//   o "on" or "off"      s status: a decimal number, may be negative
//   n number up to 2^32-2   i "fds", "env" or "names"
//   k key of a quota     v its limit
//   * any number of words, the last letter
// right: what a bound /proc/PID must carry for somebody who is not in a box around: CTL_STEER (w),
// CTL_INHABIT (x). where: CTL_INSIDE it is also for members of the process's own box; CTL_SPENDS it
// spends the writer's own authority, so only members of the box that opened the handle may;
// CTL_DEAD it is for a process that has ended.
#define CTL_COMMANDS \
    CTL_COMMAND(start, "", CTL_STEER, CTL_INSIDE) \
    CTL_COMMAND(suspend, "", CTL_STEER, CTL_INSIDE) \
    CTL_COMMAND(kill, "?s", CTL_STEER, CTL_INSIDE) \
    CTL_COMMAND(reap, "", CTL_STEER, CTL_DEAD) \
    CTL_COMMAND(quota, "kv", CTL_STEER, CTL_INSIDE) \
    CTL_COMMAND(close, "f?e", CTL_INHABIT, CTL_INSIDE) \
    CTL_COMMAND(dup2, "ff", CTL_INHABIT, CTL_INSIDE) \
    CTL_COMMAND(give, "ff?r", CTL_INHABIT, CTL_SPENDS) \
    CTL_COMMAND(bind, "ww?r", CTL_INHABIT, CTL_SPENDS | CTL_INSIDE) \
    CTL_COMMAND(tree, "w?r", CTL_INHABIT, 0) \
    CTL_COMMAND(unbind, "w", CTL_INHABIT, CTL_INSIDE) \
    CTL_COMMAND(inherit, "i", CTL_INHABIT, CTL_SPENDS) \
    CTL_COMMAND(exec, "w*", CTL_INHABIT, CTL_INSIDE) \
    CTL_COMMAND(execfd, "fw*", CTL_INHABIT, CTL_SPENDS) \
    CTL_COMMAND(wx, "o", CTL_INHABIT, 0) \
    CTL_COMMAND(adopt, "o", CTL_INHABIT, 0) \
    CTL_COMMAND(leash, "o", CTL_INHABIT, 0) \
    CTL_COMMAND(strict, "o", CTL_INHABIT, CTL_INSIDE) \
    CTL_COMMAND(keep, "o", CTL_INHABIT, 0) \
    CTL_COMMAND(uid, "n?n", CTL_INHABIT, 0)

enum ctl_right { CTL_STEER = 2, CTL_INHABIT = 4 };
enum ctl_where { CTL_INSIDE = 1, CTL_SPENDS = 2, CTL_DEAD = 4 };

enum ctl_number {
#define CTL_COMMAND(name, arguments, right, where) CTL_##name,
    CTL_COMMANDS
#undef CTL_COMMAND
    CTL_COUNT
};

// Rights as `give` and `bind` take them.
enum ctl_rights {
    CTL_RIGHT_R = 1,
    CTL_RIGHT_W = 2,
    CTL_RIGHT_X = 4,
    CTL_RIGHT_C = 8,
    CTL_RIGHT_ALL = 15,
};

// What `inherit` takes.
enum ctl_inherit { CTL_FDS, CTL_ENV, CTL_NAMES };

// QUOTA_KEY(name, unit): bytes (K, M, G, T), a count, percent of one CPU, or a duration (ns us ms s
// m h; s by default).
// "none" is no limit of the box's own.
#define QUOTA_KEYS \
    QUOTA_KEY(memory, QUOTA_BYTES) \
    QUOTA_KEY(processes, QUOTA_NUMBER) \
    QUOTA_KEY(threads, QUOTA_NUMBER) \
    QUOTA_KEY(fds, QUOTA_NUMBER) \
    QUOTA_KEY(cpu, QUOTA_NUMBER) \
    QUOTA_KEY(cputime, QUOTA_DURATION) \
    QUOTA_KEY(deadline, QUOTA_DURATION)

enum quota_unit { QUOTA_BYTES, QUOTA_NUMBER, QUOTA_DURATION };

enum quota_key {
#define QUOTA_KEY(name, unit) QUOTA_##name,
    QUOTA_KEYS
#undef QUOTA_KEY
    QUOTA_COUNT
};
