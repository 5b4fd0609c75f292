// unit: tests/unit/abi_ours.c
// SPDX-License-Identifier: MIT
// test_abi.c - numbers and layouts of abi/ are those of the host's headers.
#define _GNU_SOURCE
#include "tests/unit/abi_host.h"

#include <stddef.h>

#include "tests/unit/tap.h"

extern const long long abi_ours[];

static const struct {
    const char *what;
    long long value;
} host[] = {
#define NUMBER(name) { #name, (long long)(name) },
#define STRUCT(ours, theirs) { "size of " #ours, (long long)sizeof(theirs) },
#define FIELD(ours, field, theirs, their_field) \
    { "offset of " #field " in " #ours, (long long)offsetof(theirs, their_field) },
#include "tests/unit/abi_names.def"
};

int main(void)
{
    size_t count = sizeof(host) / sizeof(host[0]);
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        if (host[i].value != abi_ours[i]) {
            ok(false, "%s is %lld here and %lld on the host", host[i].what, abi_ours[i],
               host[i].value);
            wrong++;
        }
    }
    ok(wrong == 0, "all %zu numbers, sizes and offsets of abi/ are the host's", count);
    return done_testing();
}
