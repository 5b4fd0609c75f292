// SPDX-License-Identifier: MIT
// attributes.c - changing a file's mode, owner and times. Each needs the right w of the grant it is
// reached through.
#include "abi/stat.h"
#include "kernel/sched/timer.h"
#include "kernel/sys/decode.h"
#include "kernel/sys/fd.h"
#include "kernel/sys/path.h"
#include "kernel/sys/user.h"

// What is to be changed, decoded.
struct change {
    enum { CHANGE_MODE, CHANGE_OWNER, CHANGE_TIMES } what;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    nsec_t times[2];
    bool set[2]; // which of atime and mtime
};

static int change_place(const struct place *place, const struct change *change)
{
    int error = place_require(place, RIGHT_WRITE);

    if (error != 0)
        return error;
    switch (change->what) {
    case CHANGE_MODE:
        return place_chmod(place, change->mode & 07777);
    case CHANGE_OWNER:
        return place_chown(place, change->uid, change->gid);
    default:
        return place_set_times(place, change->times[0], change->times[1], change->set[0],
                               change->set[1]);
    }
}

static int64_t change_path(int dirfd, vaddr_t path, unsigned at_flags, const struct change *change)
{
    struct place place;
    int error = path_find(dirfd, path, at_flags, &place);

    if (error != 0)
        return error;
    error = change_place(&place, change);
    place_put(&place);
    return error;
}

static int64_t change_fd(int fd, const struct change *change)
{
    struct handle *handle;
    struct place place;
    int error = fd_get_file(fd, &handle);

    if (error != 0)
        return error;
    place.grant = handle->grant;
    place.node = handle->node;
    error = change_place(&place, change);
    handle_put(handle);
    return error;
}

CALL2(chmod, vaddr_t, path, mode_t, mode)
{
    return change_path(AT_FDCWD, path, 0, &(struct change){ .what = CHANGE_MODE, .mode = mode });
}

CALL3(fchmodat, int, dirfd, vaddr_t, path, mode_t, mode)
{
    return change_path(dirfd, path, 0, &(struct change){ .what = CHANGE_MODE, .mode = mode });
}

CALL4(fchmodat2, int, dirfd, vaddr_t, path, mode_t, mode, unsigned, flags)
{
    if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return change_path(dirfd, path, flags,
                       &(struct change){ .what = CHANGE_MODE, .mode = mode });
}

CALL2(fchmod, int, fd, mode_t, mode)
{
    return change_fd(fd, &(struct change){ .what = CHANGE_MODE, .mode = mode });
}

static struct change owner(uid_t uid, gid_t gid)
{
    return (struct change){ .what = CHANGE_OWNER, .uid = uid, .gid = gid };
}

CALL3(chown, vaddr_t, path, uid_t, uid, gid_t, gid)
{
    struct change change = owner(uid, gid);

    return change_path(AT_FDCWD, path, 0, &change);
}

CALL3(lchown, vaddr_t, path, uid_t, uid, gid_t, gid)
{
    struct change change = owner(uid, gid);

    return change_path(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &change);
}

CALL3(fchown, int, fd, uid_t, uid, gid_t, gid)
{
    struct change change = owner(uid, gid);

    return change_fd(fd, &change);
}

CALL5(fchownat, int, dirfd, vaddr_t, path, uid_t, uid, gid_t, gid, unsigned, flags)
{
    struct change change = owner(uid, gid);

    if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return change_path(dirfd, path, flags, &change);
}

// Times before 1970 or past the range of nsec_t become the nearest one that can be stored, as on
// any file system.
static nsec_t storable(int64_t seconds, uint64_t fraction_ns)
{
    nsec_t time;

    if (seconds < 0)
        return 0;
    if (__builtin_mul_overflow((uint64_t)seconds, NSEC_PER_SEC, &time) ||
        __builtin_add_overflow(time, fraction_ns, &time))
        return UINT64_MAX;
    return time;
}

// Both times, from two timespecs; none given: now. Errors: -EFAULT, -EINVAL.
static int times_from_timespecs(vaddr_t from, struct change *change)
{
    struct linux_timespec specs[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
    int error = from != 0 ? user_load(&specs, from) : 0;

    if (error != 0)
        return error;
    *change = (struct change){ .what = CHANGE_TIMES };
    for (unsigned i = 0; i < 2; i++) {
        int64_t fraction = specs[i].tv_nsec;

        if (fraction == UTIME_OMIT)
            continue;
        change->set[i] = true;
        if (fraction == UTIME_NOW)
            change->times[i] = clock_realtime();
        else if ((uint64_t)fraction < NSEC_PER_SEC)
            change->times[i] = storable(specs[i].tv_sec, (uint64_t)fraction);
        else
            return -EINVAL;
    }
    return 0;
}

CALL4(utimensat, int, dirfd, vaddr_t, path, vaddr_t, times, unsigned, flags)
{
    struct change change;
    int error;

    error = times_from_timespecs(times, &change);
    if (error != 0)
        return error;
    if (!change.set[0] && !change.set[1])
        return 0; // nothing to change, so nothing is looked at
    if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (path == 0 && dirfd != AT_FDCWD)
        return flags != 0 ? -EINVAL : change_fd(dirfd, &change);
    return change_path(dirfd, path, flags, &change);
}

static int64_t utimes_at(int dirfd, vaddr_t path, vaddr_t from)
{
    struct change change = { .what = CHANGE_TIMES, .set = { true, true } };
    struct linux_timeval values[2];
    int error;

    change.times[0] = change.times[1] = clock_realtime();
    if (from != 0) {
        error = user_load(&values, from);
        if (error != 0)
            return error;
        for (unsigned i = 0; i < 2; i++) {
            if ((uint64_t)values[i].tv_usec >= 1000000)
                return -EINVAL;
            change.times[i] = storable(values[i].tv_sec, (uint64_t)values[i].tv_usec * 1000);
        }
    }
    if (path == 0 && dirfd != AT_FDCWD)
        return change_fd(dirfd, &change);
    return change_path(dirfd, path, 0, &change);
}

CALL2(utimes, vaddr_t, path, vaddr_t, times)
{
    return utimes_at(AT_FDCWD, path, times);
}

CALL3(futimesat, int, dirfd, vaddr_t, path, vaddr_t, times)
{
    return utimes_at(dirfd, path, times);
}

CALL2(utime, vaddr_t, path, vaddr_t, from)
{
    struct change change = { .what = CHANGE_TIMES, .set = { true, true } };
    struct linux_utimbuf times;
    int error;

    change.times[0] = change.times[1] = clock_realtime();
    if (from != 0) {
        error = user_load(&times, from);
        if (error != 0)
            return error;
        change.times[0] = storable(times.actime, 0);
        change.times[1] = storable(times.modtime, 0);
    }
    return change_path(AT_FDCWD, path, 0, &change);
}
