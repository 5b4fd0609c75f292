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

// --- Options ---

CASE("options that are wrong are exit code 125, with a sentence")
{
    static const struct {
        const char *words, *sentence;
    } rows[] = {
        { "run --box 1 true", "--box is an option of box show" },
        { "run --log f true", "--log is the launcher's: a box has no kernel of its own" },
        { "run -t -f /usr/share/demo/sum.box",
          "-t and -f do not go together: a manifest says itself what is given" },
        { "run -w etc true", "-w wants an absolute path, not etc" },
        { "run -w /nosuch true", "-w /nosuch: No such file or directory" },
        { "run --cpus 0 true", "--cpus wants a number from 1 to 64, not 0" },
        { "run --cpus=65 true", "--cpus wants a number from 1 to 64, not 65" },
        { "run --pids x true", "--pids wants a number from 1 to 1073741824, not x" },
        { "run --timeout 0 true", "--timeout wants a time above 0, as 500ms, 10s or 2m, not 0" },
        { "run -m 0 true", "-m wants a size, as 64M or 1G, not 0" },
        { "run -v /tmp true", "-v wants SRC:DST[:ro|rw], not /tmp" },
        { "run -v :/d true", "-v wants SRC:DST[:ro|rw], not :/d" },
        { "run -v /tmp:/ true", "-v wants a DST of one part, as /NAME, not /" },
        { "run -v /tmp:/d:wo true", "-v wants ro or rw, not wo" },
        { "run -e =x true", "-e wants NAME or NAME=VALUE, not =x" },
        { "run -e a/b=x true", "-e wants NAME or NAME=VALUE, not a/b=x" },
        { "run $(printf -- '-v /tmp:/n%s ' $(seq 257)) true", "too many times -v" },
        { "run $(printf -- '-e A%s ' $(seq 257)) true", "too many times -e" },
        { "run --root /nosuch true", "bind '' '/nosuch': no such file or directory (ENOENT)" },
        { "run -f /nosuch", "/nosuch: No such file or directory" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char script[256], line[256];

        snprintf(script, sizeof(script), "box %s", rows[i].words);
        CHECK_EQUAL(sh(script), 125);
        snprintf(line, sizeof(line), "box: %s\n", rows[i].sentence);
        CHECK(says(line) && strlen(output) == strlen(line));
    }
    CHECK_EQUAL(sh("box run $(printf -- '-e A%s=%s ' $(seq 512)) sh -c '[ $A1,$A511 = 2,512 ] && exit 9'"), 9);
}

CASE("--NAME=VALUE is --NAME VALUE, and -- ends the options")
{
    CHECK_EQUAL(sh("box run --pids=7 --cpus=1 --timeout=1h --record -- cat /proc/self/quota"), 0);
    CHECK(says("\nprocesses 1 1 7\n") && says(" 100\n") && says(" 3600000000000ns\n") && says("box: cat ended with 0"));
    CHECK_EQUAL(sh("box run -- --pids"), 127);
    CHECK(says("box: --pids: not found in the box\n"));
    CHECK_EQUAL(sh("box run -e A=1 -- sh -c 'exit $A' -e B"), 1);
}

CASE("--root is the directory that the box sees as /")
{
    CHECK(mkdir("/tmp/given", 0755) == 0);
    CHECK_EQUAL(sh("cp /bin/busybox /tmp/given; echo text > /tmp/given/file"), 0);
    CHECK_EQUAL(sh("box run --root /tmp/given /busybox sh -c 'echo /*; read x < /file; echo $x; exit 3'"), 3);
    CHECK(strcmp(output, "/busybox /dev /file /proc /tmp\ntext\n") == 0);
    CHECK_EQUAL(sh("box run --root /tmp/given -- /file"), 126);
    CHECK(strcmp(output, "box: /file: Permission denied\n") == 0);
    CHECK_EQUAL(sh("box run --root /tmp/given ls"), 127);
    CHECK(strcmp(output, "box: ls: not found in the box\n") == 0);
    CHECK(unlink("/tmp/given/file") == 0 && unlink("/tmp/given/busybox") == 0 && rmdir("/tmp/given") == 0);
}

// --- Manifests ---

CASE("-f - is a manifest on standard input, and -w, -e and a program go with it")
{
    CHECK_EQUAL(sh("printf 'bind bin /bin rx\\ntree own\\ngive 1 1\\ngive 2 2\\n' | "
                   "box run -f - -w /own -e A=a /bin/sh -c 'pwd; echo $A; exit 4'"), 4);
    CHECK(strcmp(output, "/own\na\n") == 0);
    CHECK_EQUAL(sh("printf 'bind bin /bin rx\\nexecfd 5 sh -c \"exit 6\"\\nstart\\n' | box run -f - 5< /bin/busybox"), 6);
    CHECK(strcmp(output, "") == 0);
}

CASE("a manifest with what is not for it, too long, or with a program that is none, is refused")
{
    CHECK_EQUAL(sh("printf 'bind bin /bin rx\\nkill\\n' | box run -f -"), 125);
    CHECK(strcmp(output, "box: -:2: kill: not for a manifest, which makes a box\n") == 0);
    CHECK_EQUAL(sh("echo reap | box run -f -"), 125);
    CHECK(strcmp(output, "box: -:1: reap: not for a manifest, which makes a box\n") == 0);
    CHECK_EQUAL(sh("echo suspend | box run -f -"), 125);
    CHECK(strcmp(output, "box: -:1: suspend: not for a manifest, which makes a box\n") == 0);
    CHECK_EQUAL(sh("{ head -c 262144 /dev/zero | tr '\\0' '#'; echo; } | box run -f -"), 125);
    CHECK(strcmp(output, "box: -: longer than 256 KiB\n") == 0);
    write_file("/tmp/plain", "no program");
    CHECK_EQUAL(sh("printf 'bind t /tmp rx\\nexec /t/plain\\n' | box run -f -"), 126);
    CHECK(strcmp(output, "box: -:2: exec /t/plain: exec format error (ENOEXEC)\n") == 0);
    CHECK_EQUAL(sh("echo 'execfd 9 sh' | box run -f -"), 125);
    CHECK(strcmp(output, "box: -:1: execfd 9 sh: bad file descriptor (EBADF)\n") == 0);
    unlink("/tmp/plain");
}

// --- The terminal ---

// A box command on a terminal of its own.
struct session {
    int master;
    pid_t pid;
    size_t size; // of what it has shown: output
};

static void session_start(struct session *session, const char *script)
{
    struct winsize size = { .ws_row = 33, .ws_col = 77 };
    char name[64];

    session->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    session->size = 0;
    output[0] = '\0';
    CHECK(session->master >= 0 && unlockpt(session->master) == 0);
    CHECK(ptsname_r(session->master, name, sizeof(name)) == 0);
    CHECK(ioctl(session->master, TIOCSWINSZ, &size) == 0);
    session->pid = fork();
    if (session->pid == 0) {
        setsid();
        close(0);
        if (open(name, O_RDWR) == 0 && ioctl(0, TIOCSCTTY, 0) == 0 && dup2(0, 1) == 1 && dup2(0, 2) == 2)
            execl("/bin/busybox", "sh", "-c", script, (char *)NULL);
        _exit(99);
    }
}

// Reads what it shows until text is in it.
static void session_await(struct session *session, const char *text)
{
    while (strstr(output, text) == NULL) {
        struct pollfd pollfd = { .fd = session->master, .events = POLLIN };
        ssize_t got = -1;

        if (poll(&pollfd, 1, 20000) == 1)
            got = read(session->master, output + session->size, sizeof(output) - 1 - session->size);
        if (got <= 0)
            printf("# %s\n# does not come in: %s\n", text, output);
        CHECK(got > 0);
        session->size += (size_t)got;
        output[session->size] = '\0';
    }
}

static void session_send(struct session *session, const char *text)
{
    CHECK(write(session->master, text, strlen(text)) == (ssize_t)strlen(text));
}

static int session_end(struct session *session)
{
    ssize_t got;
    int status;

    while ((got = read(session->master, output + session->size, sizeof(output) - 1 - session->size)) > 0)
        output[session->size += (size_t)got] = '\0';
    CHECK(waitpid(session->pid, &status, 0) == session->pid);
    close(session->master);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

CASE("-it passes on what is typed, through a terminal of the box's own and of the same size")
{
    static const char *const options[] = { "-it", "-ti", "-i -t" };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        struct session session;
        char script[256];

        snprintf(script, sizeof(script),
                 "exec box run %s sh -c 'stty size; read x; echo \"got $x.\"; exit 5'", options[i]);
        session_start(&session, script);
        session_await(&session, "33 77\r\n");
        session_send(&session, "some words\r");
        session_await(&session, "got some words.\r\n");
        CHECK_EQUAL(session_end(&session), 5);
        CHECK(strstr(output, "some words\r\n") < strstr(output, "got ")); // echoed, and once
        CHECK(strstr(strstr(output, "some words\r\n") + 1, "some words\r\n") == NULL);
    }
}

CASE("-t: a change of size arrives, and ^C is the box's")
{
    struct winsize size = { .ws_row = 11, .ws_col = 22 };
    struct session session;

    session_start(&session, "exec box run -it sh -c 'trap \"stty size\" WINCH; trap \"echo broken; exit 8\" INT; "
                            "echo ready; while :; do sleep 0.05; done'");
    session_await(&session, "ready\r\n");
    CHECK(ioctl(session.master, TIOCSWINSZ, &size) == 0);
    session_await(&session, "11 22\r\n");
    session_send(&session, "\003");
    session_await(&session, "broken\r\n");
    CHECK_EQUAL(session_end(&session), 8);
}

CASE("-t gives the caller's terminal back as it was, however it ends")
{
    static const struct {
        const char *words, *sentence;
        int code;
    } rows[] = {
        { "-it sh -c 'echo ready; read x; exit 3'", NULL, 3 },
        { "-it sh -c 'echo ready; read x; kill -KILL $$'", NULL, 137 },
        { "-it --status /proc/self/prio sh -c 'echo ready; read x'",
          "box: the record could not be written: Invalid argument\r\n", 125 },
        { "-t -w /nosuch true", "box: -w /nosuch: No such file or directory\r\n", 125 },
        { "-t nosuch", "nosuch", 127 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct session session;
        char script[256];

        snprintf(script, sizeof(script), "stty -g > /tmp/before; box run %s; code=$?; stty -g > /tmp/after; exit $code",
                 rows[i].words);
        session_start(&session, script);
        if (strstr(rows[i].words, "ready") != NULL) {
            struct termios during;

            session_await(&session, "ready\r\n");
            CHECK(tcgetattr(session.master, &during) == 0);
            CHECK((during.c_lflag & (ICANON | ECHO | ISIG)) == 0);
            session_send(&session, "\r");
        }
        CHECK_EQUAL(session_end(&session), rows[i].code);
        if (rows[i].code == 125 || rows[i].code == 127) // said when it was back
            CHECK(strstr(output, rows[i].sentence) != NULL);
        CHECK_EQUAL(sh("cmp /tmp/before /tmp/after"), 0);
        read_output("/tmp/after");
        CHECK(strlen(output) > 20);
    }
    CHECK(unlink("/tmp/before") == 0 && unlink("/tmp/after") == 0);
}

// --- ps top kill show ---

// Two boxes, one in the other, with a figure that can be told: `wait $!` is to be the last word.
#define TWO_BOXES                                                                                             \
    "box run -m 32M sh -c 'sleep 100 & box run -m 16M --pids 1 sleep 100; exit $?' & "                        \
    "until box ps | grep -q '^[0-9]*/[0-9]* .* /bin/sleep 100$' && box ps | grep -q '^[0-9][0-9]* *4 '; do "      \
    "sleep 0.05; done; "                                                                                      \
    "outer=$(box ps | sed -n 's/^\\([0-9][0-9]*\\) .*/\\1/p'); inner=$(box ps | sed -n 's/^\\([0-9]*\\/[0-9]*\\) .*/\\1/p'); "

CASE("ps has what each box uses, the boxes in it included, and shows who is in whom")
{
    char *line, *save, name[3][16];
    long long processes[3], threads[3], files[3];
    char memory[3][16], limit[3][16];
    double seconds[3];
    int lines = 0, at[3];

    CHECK_EQUAL(sh(TWO_BOXES "box ps; box kill $outer; wait $!"), 137);
    CHECK(strncmp(output, "BOX        PROCS THREADS FILES  MEMORY   LIMIT  SECONDS S COMMAND\n", 66) == 0);
    for (line = strtok_r(strchr(output, '\n') + 1, "\n", &save); line != NULL && lines < 3;
         line = strtok_r(NULL, "\n", &save), lines++) {
        CHECK_EQUAL(sscanf(line, "%15s %lld %lld %lld %15s %15s %lf %*c%n", name[lines], &processes[lines],
                           &threads[lines], &files[lines], memory[lines], limit[lines], &seconds[lines], &at[lines]), 7);
        // The command, two columns further in for each box around.
        CHECK(strncmp(line + at[lines], "                    ", 1 + 2 * (size_t)lines) == 0);
        CHECK(line[at[lines] + 1 + 2 * lines] != ' ');
        if (lines > 0)
            CHECK(strcmp(line + at[lines] + 1 + 2 * lines, lines == 1 ?
                         "/bin/sh -c sleep 100 & box run -m 16M --pids 1 sleep 100; exit $?" : "/bin/sleep 100") == 0);
    }
    CHECK_EQUAL(lines, 3);
    CHECK(strcmp(name[0], ".") == 0 && strchr(name[1], '/') == NULL);
    CHECK(strncmp(name[2], name[1], strlen(name[1])) == 0 && name[2][strlen(name[1])] == '/');
    CHECK_EQUAL(processes[1], 4); // sh, sleep, box, and the inner sleep
    CHECK_EQUAL(processes[2], 1);
    CHECK_EQUAL(threads[2], 1);
    CHECK_EQUAL(files[2], 3);
    CHECK(processes[0] >= processes[1] + 2 && files[1] >= 9 + files[2] && files[0] > files[1]);
    CHECK(strcmp(limit[1], "32M") == 0 && strcmp(limit[2], "16M") == 0);
    CHECK(atof(memory[2]) >= 16 && strchr(memory[2], 'K') != NULL && seconds[2] >= 0 && seconds[1] >= seconds[2]);
    CHECK(seconds[0] >= seconds[1]);
}

CASE("top shows the busiest first")
{
    char *idle, *busy, *head;

    CHECK_EQUAL(sh("box run sleep 100 & idle=$!; until box ps | grep -q '/bin/sleep 100$'; do sleep 0.05; done; "
                   "box run sh -c 'while :; do :; done' & until box ps | grep -q ' do :'; do sleep 0.05; done; "
                   "box top -d 1s -n 1; kill -TERM $! $idle; wait $!; wait $idle"), 143);
    head = strstr(output, "     CPU% S COMMAND\n");
    busy = strstr(output, " /bin/sh -c while :; do :; done\n");
    idle = strstr(output, " /bin/sleep 100\n");
    CHECK(head != NULL && busy != NULL && idle != NULL);
    CHECK(head < busy && busy < idle);
    while (busy[-1] != '\n')
        busy--;
    while (idle[-1] != '\n')
        idle--;
    CHECK(strtod(busy + 47, NULL) > 50 && strtod(busy + 47, NULL) < 110);
    CHECK(strtod(idle + 47, NULL) < 5);
    CHECK_EQUAL(sh("box top -d"), 125);
    CHECK(strcmp(output, "box: top: -d wants a value\n") == 0);
    CHECK_EQUAL(sh("box top -n 0"), 125);
    CHECK(strcmp(output, "box: top: -n wants a number above 0, not 0\n") == 0);
    CHECK_EQUAL(sh("box top -x 1"), 125);
    CHECK(strcmp(output, "box: top: unknown option -x\n") == 0);
    CHECK_EQUAL(sh("box ps x"), 125);
    CHECK(strcmp(output, "box: ps: it takes no words, not x\n") == 0);
}

CASE("kill ends a box in a box, and several; one that is none makes it 125, and the rest end all the same")
{
    CHECK_EQUAL(sh(TWO_BOXES "box kill -s 44 $inner || exit 1; wait $!"), 44);
    CHECK_EQUAL(sh("box run sleep 100 & one=$!; box run sleep 100 & two=$!; "
                   "until [ $(box ps | grep -c '/bin/sleep 100$') = 2 ]; do sleep 0.05; done; "
                   "box kill -s 3 $(box ps | sed -n 's/^\\([0-9][0-9]*\\) .*/\\1/p') || exit 99; wait $one || wait $two"), 3);
    CHECK_EQUAL(sh("box run sleep 100 & one=$!; until box ps | grep -q '/bin/sleep 100$'; do sleep 0.05; done; "
                   "box kill -s 3 99999 $(box ps | sed -n 's/^\\([0-9][0-9]*\\) .*/\\1/p'); code=$?; wait $one; "
                   "[ $? = 3 ] && exit $code"), 125);
    CHECK(strcmp(output, "box: 99999: No such process\n") == 0);
    CHECK_EQUAL(sh("box kill"), 125);
    CHECK(strcmp(output, "box: kill: which box? box ps lists them\n") == 0);
    CHECK_EQUAL(sh("box kill -s"), 125);
    CHECK(strcmp(output, "box: kill: -s wants a number, as 7 or -15\n") == 0);
    CHECK_EQUAL(sh("box kill 1/"), 125);
    CHECK(strcmp(output, "box: kill: 1/ is no box: 5, or 5/2 for box 2 in box 5\n") == 0);
}

CASE("show shows a box that is there, and one in it, as it shows one that it makes")
{
    CHECK_EQUAL(sh(TWO_BOXES "box show --box $outer; echo ---; box show --box $inner; box kill $outer; wait $!"), 137);
    CHECK(strncmp(output, "names:\n", 7) == 0 && says("\n  /bin          rx   /bin\n"));
    CHECK(says("files:\n  0             r-   /dev/null\n") && says("\nenvironment:\n") && says("\n  HOME=/root\n"));
    CHECK(says("limits:\n  memory        33554432\n") && says("\ndirectory: /\n"));
    CHECK(says("\nprogram: /bin/sh -c sleep 100 & box run -m 16M --pids 1 sleep 100; exit $?\n---\nnames:\n"));
    CHECK(says("limits:\n  memory        16777216\n  processes     1\n") && says("\nprogram: /bin/sleep 100\n"));
}

CASE("show makes a box by options or manifest, and its program does not run")
{
    CHECK(mkdir("/tmp/given", 0755) == 0);
    write_file(MANIFEST, "bind bin /bin rx\nbind t /tmp/given rwc\nexec /bin/busybox touch /t/made\nstart\n");
    CHECK_EQUAL(sh("box show -f " MANIFEST), 0);
    CHECK(says("names:\n  /bin          rx   /bin\n  /t            rwc  /tmp/given\nfiles:\nenvironment:\nlimits:\n"));
    CHECK(says("\ndirectory: /\nprogram: /bin/busybox touch /t/made\n"));
    CHECK_EQUAL(sh("box show -w /tmp --cpus 2 touch /tmp/given/made"), 0);
    CHECK(says("  cpu           200\n") && says("\ndirectory: /tmp\nprogram: /bin/touch /tmp/given/made\n"));
    CHECK(unlink(MANIFEST) == 0 && rmdir("/tmp/given") == 0);
}
