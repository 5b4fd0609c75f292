// SPDX-License-Identifier: MIT
// user.c - reading and writing user memory: checks the range, then touches it by usercopy.S.
//
// A fault in the middle is resolved by trap.c (which may sleep) and the instruction repeated, or
// the copy fails. The atomic operations do not wait: any fault makes them fail with -EAGAIN.

#include "abi/errors.h"
#include "kernel/arch/arch.h"

int user_copy(void *to, const void *from, size_t size);
int user_zero(void *to, size_t size);
ssize_t user_string(char *to, const char *from, size_t size);
int user_get_8(void *to, const void *from);
int user_get_16(void *to, const void *from);
int user_get_32(void *to, const void *from);
int user_get_64(void *to, const void *from);
int user_put_8(void *to, const void *from);
int user_put_16(void *to, const void *from);
int user_put_32(void *to, const void *from);
int user_put_64(void *to, const void *from);
int user_load_nofault(const uint32_t *from, uint32_t *value);
int user_cmpxchg_nofault(uint32_t *at, uint32_t expected, uint32_t desired, uint32_t *old);

// Whether the range lies in user space. Page 0 needs no check: nothing is ever mapped there.
static inline bool in_user_space(vaddr_t start, size_t size)
{
    return start <= USER_END && size <= USER_END - start;
}

int arch_copy_from_user(void *to, vaddr_t from, size_t size)
{
    const void *source = (const void *)from;
    int failed;

    if (!in_user_space(from, size))
        return -EFAULT;
    switch (size) {
    case 1:
        failed = user_get_8(to, source);
        break;
    case 2:
        failed = user_get_16(to, source);
        break;
    case 4:
        failed = user_get_32(to, source);
        break;
    case 8:
        failed = user_get_64(to, source);
        break;
    default:
        failed = user_copy(to, source, size);
        break;
    }
    return failed ? -EFAULT : 0;
}

int arch_copy_to_user(vaddr_t to, const void *from, size_t size)
{
    void *target = (void *)to;
    int failed;

    if (!in_user_space(to, size))
        return -EFAULT;
    switch (size) {
    case 1:
        failed = user_put_8(target, from);
        break;
    case 2:
        failed = user_put_16(target, from);
        break;
    case 4:
        failed = user_put_32(target, from);
        break;
    case 8:
        failed = user_put_64(target, from);
        break;
    default:
        failed = user_copy(target, from, size);
        break;
    }
    return failed ? -EFAULT : 0;
}

int arch_zero_user(vaddr_t to, size_t size)
{
    if (!in_user_space(to, size) || user_zero((void *)to, size) != 0)
        return -EFAULT;
    return 0;
}

ssize_t arch_copy_string_from_user(char *to, vaddr_t from, size_t size)
{
    size_t most;
    ssize_t length;

    if (from >= USER_END)
        return -EFAULT;
    most = MIN(size, USER_END - from);
    length = user_string(to, (const char *)from, most);
    if (length < 0)
        return -EFAULT;
    if ((size_t)length < most)
        return length;
    return most < size ? -EFAULT : -ENAMETOOLONG;
}

static inline bool is_user_word(vaddr_t address)
{
    return in_user_space(address, sizeof(uint32_t)) && address % sizeof(uint32_t) == 0;
}

int arch_user_load_u32(vaddr_t from, uint32_t *value)
{
    if (!is_user_word(from))
        return -EFAULT;
    return user_load_nofault((const uint32_t *)from, value) != 0 ? -EAGAIN : 0;
}

int arch_user_cmpxchg_u32(vaddr_t at, uint32_t expected, uint32_t desired, uint32_t *old)
{
    if (!is_user_word(at))
        return -EFAULT;
    return user_cmpxchg_nofault((uint32_t *)at, expected, desired, old) != 0 ? -EAGAIN : 0;
}

static uint32_t apply(enum user_op op, uint32_t value, uint32_t operand)
{
    switch (op) {
    case USER_OP_SET:
        return operand;
    case USER_OP_ADD:
        return value + operand;
    case USER_OP_OR:
        return value | operand;
    case USER_OP_ANDN:
        return value & ~operand;
    case USER_OP_XOR:
        return value ^ operand;
    }
    return value;
}

// User space may change the word between load and exchange as often as it likes: after a few tries
// the caller, which holds a lock, is sent away as for a missing page.
int arch_user_op_u32(vaddr_t at, enum user_op op, uint32_t operand, uint32_t *old)
{
    for (unsigned tries = 0; tries < 64; tries++) {
        uint32_t value;
        int error = arch_user_load_u32(at, &value);

        if (error == 0)
            error = arch_user_cmpxchg_u32(at, value, apply(op, value, operand), old);
        if (error != 0)
            return error;
        if (*old == value)
            return 0;
    }
    return -EAGAIN;
}
