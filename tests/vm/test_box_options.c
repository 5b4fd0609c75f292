// SPDX-License-Identifier: MIT
// test_box_options.c - /bin/box: each option, the record that it writes, the terminal that it lends, ps, top, kill and show.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include "tests/vm/box.h"
#include "tests/vm/script.h"
#include "tests/vm/vmtest.h"

#define RECORD "/tmp/record"
#define MANIFEST "/tmp/manifest"

// Reads a file into output.
static void read_output(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, output, sizeof(output) - 1);

    CHECK(size >= 0);
    output[size] = '\0';
    close(fd);
}

static int fault(int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], "fault") != 0)
        return -1;
    *(volatile int *)16 = 1;
    return 0;
}

__attribute__((constructor)) static void set_command(void)
{
    vmtest_command = fault;
}

// --- The record ---

CASE("--status tells of wrong use, wherever it stands")
{
    static const struct {
        const char *words, *reason;
    } rows[] = {
        { "run --nonsense --status " RECORD " true", "unknown option --nonsense; box --help lists what there is" },
        { "run -m 1x --status " RECORD " true", "-m wants a size, as 64M or 1G, not 1x" },
        { "run --status=" RECORD, "no program: box run [OPTION…] PROGRAM [ARGUMENT…]" },
        { "run --status " RECORD " -e", "-e wants a value" },
        { "run --status=" RECORD " --record=x true", "--record takes no value" },
        { "nosuch --status " RECORD, "unknown command nosuch: run, show, ps, top or kill" },
        { "show --status " RECORD " true", "--status is an option of box run: box show starts nothing" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char script[256], line[256];

        unlink(RECORD);
        snprintf(script, sizeof(script), "box %s", rows[i].words);
        CHECK_EQUAL(sh(script), 125);
        snprintf(line, sizeof(line), "box: %s\n", rows[i].reason);
        CHECK(says(line) && strlen(output) == strlen(line));
        read_output(RECORD);
        CHECK(says("{\"exit\":125,\"status\":null,\"reason\":\"") && says("\",\"by\":\"box\"}\n"));
        CHECK(strchr(output, '\n') == output + strlen(output) - 1);
    }
    read_output(RECORD);
    CHECK(strcmp(output, "{\"exit\":125,\"status\":null,\"reason\":\"--status is an option of box run: "
                         "box show starts nothing\",\"by\":\"box\"}\n") == 0);
    unlink(RECORD);
    CHECK_EQUAL(sh("box run true --status " RECORD), 0);
    CHECK(access(RECORD, F_OK) != 0 && errno == ENOENT);
}

CASE("a record that cannot be written is exit code 125")
{
    CHECK_EQUAL(sh("box run --status /proc/self/prio true"), 125);
    CHECK(strcmp(output, "box: the record could not be written: Invalid argument\n") == 0);
    CHECK_EQUAL(sh("box run --status /proc/self/prio sh -c 'kill -KILL $$'"), 125);
    CHECK(strcmp(output, "box: the record could not be written: Invalid argument\n") == 0);
    CHECK_EQUAL(sh("box run --status /proc/self/prio nosuch"), 125);
    CHECK(strcmp(output, "box: nosuch: not found in the box; and the record could not be written: Invalid argument\n") == 0);
    CHECK_EQUAL(sh("box run --status /nosuch/record true"), 125);
    CHECK(strcmp(output, "box: /nosuch/record: No such file or directory\n") == 0);
}


CASE("--status has the launcher's keys, and the reason whole, for each way to end")
{
    static const struct {
        const char *words, *start;
        int code;
    } rows[] = {
        { "true", "{\"exit\":0,\"status\":0,\"reason\":\"exited with 0\",\"by\":\"pid 1\",\"user_ns\":", 0 },
        { "--timeout 100ms sleep 9",
          "{\"exit\":124,\"status\":-9,\"reason\":\"deadline: its time was over\",\"by\":\"deadline\",", 124 },
        { "/etc/passwd",
          "{\"exit\":126,\"status\":null,\"reason\":\"/etc/passwd: Permission denied\",\"by\":\"box\"}\n", 126 },
        { "sh -c 'kill -TERM $$'",
          "{\"exit\":143,\"status\":-15,\"reason\":\"killed by SIGTERM\",\"by\":\"pid 1\",", 143 },
        // status shows a backslash as two
        { "sh -c 'printf \"terminate a\\\"b\\\\134c\\t\\177\\351\" > /proc/self/note'",
          "{\"exit\":143,\"status\":-15,\"reason\":\"terminate a\\\"b\\\\\\\\c\\u0009\\u007f\\u00e9\",\"by\":\"pid 1\",", 143 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static const char *const keys[] = { "user_ns",        "kernel_ns",    "memory_peak", "processes_peak",
                                            "threads_peak", "fds_peak", "left_bytes" };
        const char *at = output;
        char script[256];

        snprintf(script, sizeof(script), "box run --status " RECORD " %s", rows[i].words);
        CHECK_EQUAL(sh(script), rows[i].code);
        read_output(RECORD);
        CHECK(says(rows[i].start) && strncmp(output, rows[i].start, strlen(rows[i].start)) == 0);
        for (size_t k = 0; rows[i].code != 126 && k < sizeof(keys) / sizeof(keys[0]); k++) {
            at = strstr(at, keys[k]); // in this order
            CHECK(at != NULL);
        }
    }
    unlink(RECORD);
}

CASE("a reason of many backslashes is whole in the record")
{
    const char *at;

    CHECK_EQUAL(sh("box run --status " RECORD " sh -c '{ printf \"terminate \"; "
                   "printf \"\\\\134%.0s\" $(seq 100); } > /tmp/text; exec cat /tmp/text > /proc/1/note'"), 143);
    read_output(RECORD);
    at = strstr(output, "terminate ");
    CHECK(at != NULL);
    CHECK_EQUAL(strspn(at + 10, "\\"), 400); // two in status for each, and two of each in JSON
    unlink(RECORD);
}

CASE("--record says who ended it and why, and what others still hold of it")
{
    CHECK_EQUAL(sh("box run --record sh -c 'kill -TERM $$'"), 143);
    CHECK(strncmp(output, "box: sh ended with -15, by pid 1: killed by SIGTERM\nbox: time 0.", 64) == 0);
    CHECK(says(" s user, 0.") && says(" s kernel; memory ") && says("K at most\n"));
    CHECK(says("\nbox: processes 1, threads 1, files 3 at most; left 0\n"));
    CHECK_EQUAL(sh("box run --record test_box_options fault"), 139);
    CHECK(says("box: test_box_options ended with -11, by kernel: null pointer: write to address 0x10 (ip 0x"));
    CHECK(mkfifo("/tmp/go", 0600) == 0);
    CHECK_EQUAL(sh("box run --record -v /tmp:/d sh -c 'head -c 9000 /dev/zero > /tmp/f; echo > /d/go; read x < /d/go; "
                   "exit 3' & read x < /tmp/go; exec 3< /proc/$(box ps | sed -n 's/^\\([0-9][0-9]*\\) .*/\\1/p')/root/tmp/f; "
                   "echo > /tmp/go; wait $!"), 3);
    CHECK(says("box: sh ended with 3, by pid 1: exited with 3\n"));
    CHECK(says("; left 1") && says("K\n"));
    unlink("/tmp/go");
}
