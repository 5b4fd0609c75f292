// SPDX-License-Identifier: MIT
// abi_ours.c - the numbers of abi/ as test_abi.c compares them; apart, because both sides use the
// same names.
#include <stddef.h>

#include "abi/auxv.h"
#include "abi/dirent.h"
#include "abi/epoll.h"
#include "abi/errors.h"
#include "abi/eventfd.h"
#include "abi/fcntl.h"
#include "abi/futex.h"
#include "abi/ioctl.h"
#include "abi/mman.h"
#include "abi/poll.h"
#include "abi/prctl.h"
#include "abi/random.h"
#include "abi/reboot.h"
#include "abi/resource.h"
#include "abi/sched.h"
#include "abi/signal.h"
#include "abi/stat.h"
#include "abi/statfs.h"
#include "abi/time.h"
#include "abi/uio.h"
#include "abi/uname.h"
#include "abi/wait.h"

const long long abi_ours[] = {
#define NUMBER(name) (long long)(name),
#define STRUCT(ours, theirs) (long long)sizeof(ours),
#define FIELD(ours, field, theirs, their_field) (long long)offsetof(ours, field),
#include "tests/unit/abi_names.def"
};
