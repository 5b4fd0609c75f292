// SPDX-License-Identifier: MIT
// box.h - libbox: boxes for C programs, over the files of /proc and nothing else.
//
// A box is made empty, set up, started, waited for, and closed:
//
//     struct box box;
//     char *argv[] = { "/bin/sh", "-c", "echo hello", NULL };
//     int64_t status;
//
//     if (box_create(&box) == 0 &&
//         box_bind(&box, "bin", "/bin", "rx") == 0 &&
//         box_give(&box, 1, 1, "w") == 0 &&
//         box_exec(&box, argv) == 0 && box_start(&box) == 0 &&
//         box_wait(&box, &status, -1) == 0)
//         printf("ended with %lld\n", (long long)status);
//     else
//         fprintf(stderr, "%s\n", box.error);
//     box_close(&box);
//
// Every function that can fail returns 0 or a negative errno, and leaves a sentence in box->error
// (docs/proc/ctl.md lists which errno means what). A failed call changed nothing, but for
// box_command with several commands, and box_setenv without memory. A struct box may be used by one
// thread at a time; different ones at once.
// Manual pages: docs/man. Examples: user/libbox/examples.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BOX_MUST_CHECK __attribute__((warn_unused_result))
#define BOX_ERROR_SIZE 512

struct box {
    int ctl;                    // the creation handle, closed on exec; -1: there is no box
    int pid;                    // its number in the caller's box
    char error[BOX_ERROR_SIZE]; // what the last call that failed has to say
};

// How a box ended, or how it is doing; figures are those of the whole box, boxes inside and the
// dead included.
struct box_record {
    bool ended;       // status, reason and by are set
    int64_t status;   // as `wait` shows it: exit code, or -N for signal N
    char reason[512]; // in words, in one line, escaped as docs/proc/status.md says
    char by[64];      // who ended it: "pid 3", "deadline", "kernel" …
    char name[32];    // of its program
    char state;       // R S D T Z as in Linux
    int64_t user_ns, kernel_ns;
    int64_t memory, memory_peak; // bytes
    int64_t processes, processes_peak;
    int64_t threads, threads_peak;
    int64_t fds, fds_peak;
    int64_t left; // of an ended box: bytes that others still hold
};

// --- Making ---

// Makes a new, empty box inside the caller's: no names, fds, environment; not started. It ends with
// box_close unless it is started before. Errors: -EAGAIN (32 boxes deep, a quota), -ENOMEM,
// -EACCES, -ENOENT (no /proc), -ESRCH. On error the box is closed.
int box_create(struct box *box) BOX_MUST_CHECK;

// Closes the creation handle: a box that was never started ends, one that runs goes on, and the
// record of one that has ended goes. Does nothing to a closed one.
void box_close(struct box *box);

// Writes ctl commands, one a line. Words that come from elsewhere must be quoted: box_quote.
// Errors: that of the first command that failed, and box->error is the kernel's sentence about it;
// those before it took effect. -ENOMEM.
int box_command(struct box *box, const char *format, ...)
    __attribute__((format(printf, 2, 3))) BOX_MUST_CHECK;

// Quotes a word for ctl. Returns the bytes it takes, as snprintf does: at most 4 a byte, and 3.
size_t box_quote(char *to, size_t size, const char *word);

// --- Setting up ---

// The box sees the caller's path as /name, with at most these rights: letters of "rwxc", NULL: all
// that the caller has. Errors: -EEXIST name, -EINVAL, -ENOENT and other errors of opening path.
int box_bind(struct box *box, const char *name, const char *path,
             const char *rights) BOX_MUST_CHECK;
// The box gets a new empty tree in memory as /name, charged to it and gone with it.
int box_tree(struct box *box, const char *name, const char *rights) BOX_MUST_CHECK;
// Errors: -ENOENT.
int box_unbind(struct box *box, const char *name) BOX_MUST_CHECK;
// The caller's open file fd becomes the box's fd `as`, with at most these rights (NULL: all).
// Errors: -EBADF, -EPERM a file of the box's own /proc.
int box_give(struct box *box, int fd, int as, const char *rights) BOX_MUST_CHECK;
// Sets a variable of the next program to be started; value NULL takes it away. Errors: -EINVAL,
// -E2BIG, -EFBIG, -ENOENT; -ENOMEM, where the end of an old value may stay behind the new one.
int box_setenv(struct box *box, const char *name, const char *value) BOX_MUST_CHECK;
// path as the box sees it. Errors: as of chdir.
int box_chdir(struct box *box, const char *path) BOX_MUST_CHECK;
// Keys and limits as in docs/proc/quota.md: "memory" "64M", "deadline" "30s". Errors: -EINVAL,
// -ERANGE, -EPERM.
int box_quota(struct box *box, const char *key, const char *limit) BOX_MUST_CHECK;

// --- Running ---

// Sets up the program argv[0], a path as the box sees it, with all arguments up to NULL. The box is
// new or suspended. Errors: -ENOENT, -EACCES, -ENOEXEC, -E2BIG, -EBUSY, -ENOMEM.
int box_exec(struct box *box, char *const argv[]) BOX_MUST_CHECK;
// The same with the caller's open file as program; argv[0] is only its name.
int box_execfd(struct box *box, int fd, char *const argv[]) BOX_MUST_CHECK;
// Starts it, or lifts a suspension. Errors: -ENOEXEC without a program, -ESRCH, -EAGAIN, -ENOMEM.
int box_start(struct box *box) BOX_MUST_CHECK;
// Returns when every thread in it is at rest. Errors: -ESRCH, -EINTR.
int box_suspend(struct box *box) BOX_MUST_CHECK;
// Ends it and everything in it; returns at once, box_wait waits. status: what box_wait gives, -9
// for a plain kill. Errors: -ESRCH it has ended.
int box_kill(struct box *box, int64_t status) BOX_MUST_CHECK;
// Sends a note to its head: "interrupt", "terminate", … and any text behind it (docs/notes.md).
// Errors: -EINVAL, -EAGAIN full, -EPERM a forged fault, -ESRCH.
int box_note(struct box *box, const char *text) BOX_MUST_CHECK;

// --- Ending ---

// Waits for the end, at most timeout_ms (negative: for ever), reaps nothing, may be called again.
// When it returns 0 all that the box held is free. Errors: -ETIMEDOUT, -EINTR, -ENOENT reaped.
int box_wait(struct box *box, int64_t *status, int timeout_ms) BOX_MUST_CHECK;
// How it is doing or ended. Errors: -ENOENT reaped.
int box_record(struct box *box, struct box_record *record) BOX_MUST_CHECK;
// The exit code that a shell would give for it: 0-255; 124 its deadline; 128+N signal N; -1 it has
// not ended.
int box_exit_code(const struct box_record *record);

// --- Any box that the caller can see ---

// Reads directory/file whole, with a NUL behind it, where directory is "/proc/7", or "/proc/7/box/2"
// for a box inside. What does not fit is left out. Returns its length. Errors: as of open and read.
ssize_t box_read_file(const char *directory, const char *file, char *text,
                      size_t size) BOX_MUST_CHECK;
// Writes directory/file in one write. Errors: as of open and write.
int box_write_file(const char *directory, const char *file, const char *text) BOX_MUST_CHECK;
// The record of the process or box at directory. Errors: as of box_read_file.
int box_read_record(const char *directory, struct box_record *record) BOX_MUST_CHECK;
