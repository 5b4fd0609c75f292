// SPDX-License-Identifier: MIT
// errors.h - the names and texts of errors, for messages.
#pragma once

// error: positive or negative. Returns: "ENOENT"; NULL for a number that is no error.
const char *error_name(int error);

// Returns: "no such file or directory"; "unknown error" for a number that is none.
const char *error_text(int error);
