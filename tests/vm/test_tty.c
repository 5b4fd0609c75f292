// SPDX-License-Identifier: MIT
// test_tty.c - terminals: a shell behind a pseudo terminal, with job control, and the line discipline as programs see it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

#define PROMPT "READY> "
#define PATIENCE_MS 10000
#define TRIES_MAX 2000

struct terminal {
    int master;
    pid_t child;
    char seen[65536]; // all output since the last expect
    size_t length;
};

static struct terminal terminal;

static void open_pair(struct terminal *t, char *slave, size_t size)
{
    t->length = 0;
    t->child = 0;
    t->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(t->master >= 0 && grantpt(t->master) == 0 && unlockpt(t->master) == 0);
    CHECK(ptsname_r(t->master, slave, size) == 0);
}

// Starts a program with the slave as its terminal.
static void start(struct terminal *t, char *const argv[])
{
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    char slave[64];

    open_pair(t, slave, sizeof(slave));
    CHECK(ioctl(t->master, TIOCSWINSZ, &size) == 0);
    t->child = fork();
    CHECK(t->child >= 0);
    if (t->child == 0) {
        int fd;

        setsid();
        fd = open(slave, O_RDWR);
        if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) != 0)
            _exit(90);
        dup2(fd, 0);
        dup2(fd, 1);
        dup2(fd, 2);
        setenv("PS1", PROMPT, 1);
        setenv("TERM", "vt100", 1);
        setenv("PATH", "/bin", 1);
        execv(argv[0], argv);
        _exit(91);
    }
}

static void type(struct terminal *t, const char *text)
{
    CHECK(write(t->master, text, strlen(text)) == (ssize_t)strlen(text));
}

// Forgets the output up to at.
static void forget(struct terminal *t, const char *at)
{
    size_t used = (size_t)(at - t->seen);

    memmove(t->seen, t->seen + used, t->length - used);
    t->length -= used;
}

// Waits until text appears in the output. Returns: where it ends there; NULL if it does not come.
static char *await(struct terminal *t, const char *text)
{
    for (;;) {
        struct pollfd fd = { .fd = t->master, .events = POLLIN };
        char *at = memmem(t->seen, t->length, text, strlen(text));
        ssize_t count;

        if (at != NULL)
            return at + strlen(text);
        if (poll(&fd, 1, PATIENCE_MS) <= 0)
            break;
        count = read(t->master, t->seen + t->length, sizeof(t->seen) - 1 - t->length);
        if (count <= 0)
            break;
        t->length += (size_t)count;
    }
    t->seen[t->length] = '\0';
    printf("# wanted %s, the terminal shows: ", text);
    for (size_t i = 0; i < t->length; i++)
        printf(t->seen[i] >= ' ' && t->seen[i] < 127 ? "%c" : "\\x%02x", (unsigned char)t->seen[i]);
    printf("\n");
    return NULL;
}

// Waits until text appears in the output, and forgets what came up to it.
static bool expect(struct terminal *t, const char *text)
{
    char *end = await(t, text);

    if (end != NULL)
        forget(t, end);
    return end != NULL;
}

// Has the shell say its jobs until text is among them.
static bool expect_jobs(struct terminal *t, const char *text)
{
    bool found = false;
    char *end;

    for (int tries = 0; !found && tries < TRIES_MAX; tries++) {
        type(t, "jobs; echo all $((1+1))\n");
        end = await(t, "all 2\r\n");
        if (end == NULL)
            return false;
        found = memmem(t->seen, (size_t)(end - t->seen), text, strlen(text)) != NULL;
        forget(t, end);
        usleep(1000);
    }
    return found && expect(t, PROMPT);
}

// Waits until the process sleeps.
static void await_sleep(pid_t pid)
{
    char path[32], text[512] = "";

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    for (int tries = 0; tries < TRIES_MAX && strstr(text, ") S ") == NULL; tries++) {
        int fd = open(path, O_RDONLY);
        ssize_t size = read(fd, text, sizeof(text) - 1);

        CHECK(size > 0);
        text[size] = '\0';
        close(fd);
        usleep(1000);
    }
    CHECK(strstr(text, ") S ") != NULL);
}

// Reads on until the program has gone: it may wait for its output to be taken.
static int end_of(struct terminal *t)
{
    int status;

    while (read(t->master, t->seen, sizeof(t->seen)) > 0)
        ;
    CHECK(waitpid(t->child, &status, 0) == t->child);
    close(t->master);
    return status;
}

static void start_shell(struct terminal *t)
{
    static char *const argv[] = { "/bin/sh", "-i", NULL };

    start(t, argv);
    CHECK(expect(t, PROMPT));
}

// Has the shell start a program, and waits until that is in front and gets the signals of keys.
static void start_in_front(struct terminal *t, const char *program)
{
    type(t, "sh -c 'echo in front: $((41+1)); ");
    type(t, program);
    type(t, "'\n");
    CHECK(expect(t, "in front: 42\r\n"));
}

CASE("a shell behind a pseudo terminal runs commands and ends at end of file")
{
    start_shell(&terminal);
    type(&terminal, "echo $((6*7))\n");
    CHECK(expect(&terminal, "\r\n42\r\n" PROMPT));
    type(&terminal, "\004");
    CHECK(WIFEXITED(end_of(&terminal)));
}

CASE("Ctrl-C ends the program in the foreground, not the shell")
{
    start_shell(&terminal);
    start_in_front(&terminal, "exec sleep 100");
    type(&terminal, "\003");
    CHECK(expect(&terminal, "^C"));
    CHECK(expect(&terminal, PROMPT));
    type(&terminal, "echo code $?\n");
    CHECK(expect(&terminal, "code 130\r\n"));
    type(&terminal, "exit 4\n");
    CHECK(WEXITSTATUS(end_of(&terminal)) == 4);
}

CASE("Ctrl-Z stops a program, bg lets it go on and fg brings it back")
{
    int fd;

    start_shell(&terminal);
    start_in_front(&terminal, "until [ -e /tmp/go ]; do sleep 0.05; done");
    type(&terminal, "\032");
    CHECK(expect(&terminal, "Stopped"));
    CHECK(expect(&terminal, PROMPT));
    type(&terminal, "jobs\n");
    CHECK(expect(&terminal, "Stopped"));
    CHECK(expect(&terminal, PROMPT));
    type(&terminal, "bg\n");
    CHECK(expect(&terminal, PROMPT));
    type(&terminal, "jobs\n");
    CHECK(expect(&terminal, "Running"));
    CHECK(expect(&terminal, PROMPT));
    type(&terminal, "fg\n");
    CHECK(expect(&terminal, "sh -c")); // it says what it brings back
    fd = open("/tmp/go", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(expect(&terminal, PROMPT));
    unlink("/tmp/go");
    type(&terminal, "jobs; echo none left\n");
    CHECK(expect(&terminal, "none left\r\n"));
    type(&terminal, "exit\n");
    end_of(&terminal);
}

CASE("a program in the background that reads the terminal is stopped")
{
    start_shell(&terminal);
    type(&terminal, "cat &\n");
    CHECK(expect(&terminal, PROMPT));
    CHECK(expect_jobs(&terminal, "Stopped (tty input)"));
    type(&terminal, "kill -9 %1\n");
    CHECK(expect(&terminal, PROMPT));
    CHECK(expect_jobs(&terminal, "Killed"));
    type(&terminal, "exit 0\n");
    CHECK(WIFEXITED(end_of(&terminal)));
}

CASE("a change of the window is told to the program in front, which sees the new size")
{
    struct winsize size = { .ws_row = 33, .ws_col = 77 };

    start_shell(&terminal);
    CHECK(ioctl(terminal.master, TIOCSWINSZ, &size) == 0);
    type(&terminal, "stty size\n");
    CHECK(expect(&terminal, "33 77\r\n"));
    type(&terminal, "sh -c 'trap \"echo changed; stty size; kill \\$!\" WINCH;"
                    " sleep 100 & echo trap is set; wait; wait'\n");
    CHECK(expect(&terminal, "\r\ntrap is set\r\n"));
    size.ws_row = 44;
    CHECK(ioctl(terminal.master, TIOCSWINSZ, &size) == 0);
    CHECK(expect(&terminal, "changed\r\n44 77\r\n"));
    type(&terminal, "exit\n");
    end_of(&terminal);
}

CASE("vi edits a file")
{
    static char *const argv[] = { "/bin/vi", "/tmp/edited", NULL };
    char text[64] = "";
    int fd;

    unlink("/tmp/edited");
    start(&terminal, argv);
    CHECK(expect(&terminal, "/tmp/edited"));
    type(&terminal, "ifirst line\nsecond");
    CHECK(expect(&terminal, "second"));
    type(&terminal, "\033"); // alone, lest it begin a sequence
    CHECK(expect(&terminal, "- /tmp/edited")); // the line of its state: no longer inserting
    type(&terminal, "kx:wq\r");
    CHECK(WIFEXITED(end_of(&terminal)));
    fd = open("/tmp/edited", O_RDONLY);
    CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    unlink("/tmp/edited");
    CHECK(strstr(text, "second\n") != NULL && strstr(text, "first") != NULL && strstr(text, "first line") == NULL);
}

CASE("closing the master hangs up: the shell is told and ends")
{
    int status;

    start_shell(&terminal);
    close(terminal.master);
    CHECK(waitpid(terminal.child, &status, 0) == terminal.child);
}

CASE("the slave is locked until its master unlocks it, and opens by its name")
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    char slave[64];
    int fd;

    CHECK(master >= 0 && ptsname_r(master, slave, sizeof(slave)) == 0);
    CHECK(open(slave, O_RDWR | O_NOCTTY) < 0 && errno == EIO);
    CHECK(unlockpt(master) == 0);
    fd = open(slave, O_RDWR | O_NOCTTY);
    CHECK(fd >= 0 && isatty(fd) && isatty(master));
    close(fd);
    close(master);
}

CASE("a master reads EIO once the last slave has gone")
{
    char slave[64], byte;
    int fd;

    open_pair(&terminal, slave, sizeof(slave));
    fd = open(slave, O_RDWR | O_NOCTTY);
    CHECK(write(fd, "x", 1) == 1);
    close(fd);
    CHECK(read(terminal.master, &byte, 1) == 1 && byte == 'x');
    CHECK(read(terminal.master, &byte, 1) < 0 && errno == EIO);
    close(terminal.master);
}

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

CASE("raw mode: MIN and TIME say when a read returns")
{
    struct termios raw;
    char slave[64], bytes[16];
    long long before;
    int fd;

    open_pair(&terminal, slave, sizeof(slave));
    fd = open(slave, O_RDWR | O_NOCTTY);
    CHECK(tcgetattr(fd, &raw) == 0);
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    CHECK(tcsetattr(fd, TCSANOW, &raw) == 0);
    CHECK(read(fd, bytes, sizeof(bytes)) == 0);
    raw.c_cc[VTIME] = 2;
    CHECK(tcsetattr(fd, TCSANOW, &raw) == 0);
    before = now_ms();
    CHECK(read(fd, bytes, sizeof(bytes)) == 0 && now_ms() - before >= 200);
    raw.c_cc[VMIN] = 3;
    raw.c_cc[VTIME] = 0;
    CHECK(tcsetattr(fd, TCSANOW, &raw) == 0);
    type(&terminal, "ab");
    if (fork() == 0) {
        await_sleep(getppid());
        type(&terminal, "c\003");
        _exit(0);
    }
    CHECK(read(fd, bytes, sizeof(bytes)) >= 3 && memcmp(bytes, "abc", 3) == 0);
    wait(NULL);
    close(fd);
    close(terminal.master);
}

CASE("a terminal's settings can be read back, and it counts what waits to be read")
{
    struct termios set, got;
    char slave[64];
    int fd, count;

    open_pair(&terminal, slave, sizeof(slave));
    fd = open(slave, O_RDWR | O_NOCTTY);
    CHECK(tcgetattr(fd, &set) == 0);
    set.c_lflag &= ~(tcflag_t)ECHO;
    set.c_cc[VERASE] = 8;
    CHECK(tcsetattr(fd, TCSAFLUSH, &set) == 0 && tcgetattr(fd, &got) == 0);
    CHECK(got.c_lflag == set.c_lflag && got.c_cc[VERASE] == 8);
    type(&terminal, "line\n");
    CHECK(ioctl(fd, FIONREAD, &count) == 0 && count == 5);
    CHECK(tcflush(fd, TCIFLUSH) == 0);
    CHECK(ioctl(fd, FIONREAD, &count) == 0 && count == 0);
    CHECK(ioctl(fd, TIOCSTI, "x") < 0);
    close(fd);
    close(terminal.master);
}

CASE("a program writes more than the terminal holds, and nothing is lost")
{
    static char *const argv[] = { "/bin/seq", "20000", NULL };
    size_t lines = 0;
    char text[4096];
    ssize_t count;

    start(&terminal, argv);
    while ((count = read(terminal.master, text, sizeof(text))) > 0) {
        for (ssize_t i = 0; i < count; i++)
            lines += text[i] == '\n';
    }
    CHECK_EQUAL(lines, 20000);
    CHECK(end_of(&terminal) == 0);
}

CASE("/dev/tty is the controlling terminal, and nothing without one")
{
    CHECK(open("/dev/tty", O_RDWR) < 0 && errno == ENXIO);
    start_shell(&terminal);
    type(&terminal, "echo through the terminal > /dev/tty\n");
    CHECK(expect(&terminal, "\r\nthrough the terminal\r\n"));
    type(&terminal, "exit\n");
    end_of(&terminal);
}

CASE("a slave that is open as /dev/tty alone is open: the master waits, and sees it leave")
{
    char slave[64], byte;
    int go[2], status;
    struct pollfd hung = { .events = POLLIN };

    open_pair(&terminal, slave, sizeof(slave));
    CHECK(pipe(go) == 0);
    terminal.child = fork();
    if (terminal.child == 0) {
        int fd, by_name;

        setsid();
        by_name = open(slave, O_RDWR); // becomes the controlling terminal
        fd = open("/dev/tty", O_RDWR);
        if (by_name < 0 || fd < 0 || close(by_name) != 0)
            _exit(90);
        close(terminal.master);
        if (write(fd, "r", 1) != 1 || read(go[0], &byte, 1) != 1)
            _exit(91);
        close(fd);
        pause();
    }
    CHECK(read(terminal.master, &byte, 1) == 1 && byte == 'r');
    hung.fd = terminal.master;
    CHECK(poll(&hung, 1, 0) == 0);
    CHECK(write(go[1], "g", 1) == 1);
    CHECK(read(terminal.master, &byte, 1) < 0 && errno == EIO);
    CHECK(poll(&hung, 1, 0) == 1 && (hung.revents & POLLHUP) != 0);
    CHECK(kill(terminal.child, SIGKILL) == 0 && waitpid(terminal.child, &status, 0) == terminal.child);
    close(terminal.master);
}
