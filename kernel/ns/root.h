// SPDX-License-Identifier: MIT
// root.h - "/": the directory that a box's names make, followed by what its root tree holds and no
// name hides.
#pragma once

#include "lib/base/compiler.h"

struct grant;
struct names;
struct node;

// Makes the "/" of names and a grant on it. Errors: -ENOMEM.
int root_create(struct names *names, struct grant **grant) MUST_CHECK;
// The names go; the node may live on in somebody's handle and is empty from now on.
void root_orphan(struct node *root);
