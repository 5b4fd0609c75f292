// SPDX-License-Identifier: MIT
// test_lent.c - what a box was lent and gives back: terminals get back their settings; a write of commands that a signal cuts.
//
// vm: smp
#define _GNU_SOURCE
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <termios.h>

#include "tests/vm/program.h"

// --- Terminals ---

#define TERMINAL 4 // the fd of one in a box

// A pseudo terminal of this process's box: its slave.
static int open_terminal(int *master)
{
    char name[64];
    int slave;

    *master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(*master >= 0 && unlockpt(*master) == 0 && ptsname_r(*master, name, sizeof(name)) == 0);
    slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(slave >= 0);
    return slave;
}

static tcflag_t local_flags(int fd)
{
    struct termios termios;

    CHECK(tcgetattr(fd, &termios) == 0);
    return termios.c_lflag;
}

static int clear_local_flags(int fd, tcflag_t flags)
{
    struct termios termios;

    if (tcgetattr(fd, &termios) != 0)
        return -1;
    termios.c_lflag &= ~flags;
    return tcsetattr(fd, TCSANOW, &termios);
}

PROGRAM("raw")
{
    if (clear_local_flags(TERMINAL, ICANON) != 0)
        return 1;
    say('r');
    return 0;
}

PROGRAM("raw-for-ever")
{
    if (clear_local_flags(TERMINAL, ICANON) != 0)
        return 1;
    say('r');
    pause_for_ever();
    return 1;
}

// Clears ICANON, and ISIG when it is told to.
PROGRAM("raw-twice")
{
    sigset_t set;
    int number;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || clear_local_flags(TERMINAL, ICANON) != 0)
        return 1;
    say('r');
    if (sigwait(&set, &number) != 0 || clear_local_flags(TERMINAL, ISIG) != 0)
        return 2;
    say('s');
    pause_for_ever();
    return 3;
}

PROGRAM("quiet-for-ever")
{
    if (clear_local_flags(TERMINAL, ECHO) != 0)
        return 1;
    say('q');
    pause_for_ever();
    return 1;
}

PROGRAM("exclusive")
{
    if (ioctl(TERMINAL, TIOCEXCL) != 0 || tcflow(TERMINAL, TCOOFF) != 0)
        return 1;
    say('e');
    pause_for_ever();
    return 1;
}

// Sets the terminal, and has a box in this one set it further.
PROGRAM("lend-on")
{
    struct test_box inner;

    if (clear_local_flags(TERMINAL, ECHO) != 0 || box_new(&inner) != 0 ||
        box_do(&inner, "bind bin /bin rx\ngive 3 3\ngive 4 4\nexec /bin/test_lent raw\nstart") != 0 ||
        box_wait(inner.pid) != 0)
        return 1;
    if ((local_flags(TERMINAL) & (ICANON | ECHO)) != ICANON)
        return 2;
    say('b');
    pause_for_ever();
    return 1;
}

static int box_with_terminal(struct test_box *box, int slave, const char *name)
{
    char extra[64];

    snprintf(extra, sizeof(extra), "give %d %d\n", slave, TERMINAL);
    return box_program(box, extra, name);
}

static void end_box(struct test_box *box, int report)
{
    CHECK(box_do(box, "kill") == 0 && box_wait(box->pid) == -9);
    close(report);
    box_close(box);
}

CASE("a terminal gets back its settings at the end of the box that it was given")
{
    struct termios before = { 0 }, after = { 0 };
    struct test_box box;
    int master, slave = open_terminal(&master), report;

    CHECK(tcgetattr(slave, &before) == 0 && (before.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO));
    report = box_with_terminal(&box, slave, "raw-for-ever");
    CHECK(report >= 0 && hear(report) == 'r');
    CHECK((local_flags(slave) & (ICANON | ECHO)) == ECHO);
    end_box(&box, report);
    CHECK(tcgetattr(slave, &after) == 0 && memcmp(&before, &after, sizeof(before)) == 0);
    close(slave);
    close(master);
}

CASE("each box around gets the terminal back as it was before the one in it")
{
    struct test_box box;
    int master, slave = open_terminal(&master), report;
    tcflag_t before = local_flags(slave);

    report = box_with_terminal(&box, slave, "lend-on");
    CHECK(report >= 0 && hear(report) == 'r' && hear(report) == 'b');
    end_box(&box, report);
    CHECK_EQUAL(local_flags(slave), before);
    close(slave);
    close(master);
}

CASE("settings that were changed from outside since stay at the end of a box")
{
    struct test_box box;
    int master, slave = open_terminal(&master), report;
    tcflag_t flags;

    report = box_with_terminal(&box, slave, "raw-for-ever");
    CHECK(report >= 0 && hear(report) == 'r');
    CHECK(clear_local_flags(slave, ECHO) == 0);
    flags = local_flags(slave);
    CHECK((flags & (ICANON | ECHO)) == 0);
    end_box(&box, report);
    CHECK_EQUAL(local_flags(slave), flags);
    close(slave);
    close(master);
}

#define FLAGS (ICANON | ECHO | ISIG)

// Two boxes beside each other have set the terminal, the one with ICANON first; it again at last if twice is set. One of them ends,
// then the other.
static void end_in_order(bool twice, bool first_ends_first, tcflag_t between)
{
    struct test_box boxes[2];
    int master, slave = open_terminal(&master), reports[2];
    int first = first_ends_first ? 0 : 1;

    CHECK_EQUAL(local_flags(slave) & FLAGS, FLAGS);
    reports[0] = box_with_terminal(&boxes[0], slave, "raw-twice");
    CHECK(reports[0] >= 0 && hear(reports[0]) == 'r');
    reports[1] = box_with_terminal(&boxes[1], slave, "quiet-for-ever");
    CHECK(reports[1] >= 0 && hear(reports[1]) == 'q');
    CHECK_EQUAL(local_flags(slave) & FLAGS, ISIG);
    if (twice) {
        CHECK_EQUAL(kill(boxes[0].pid, SIGUSR1), 0);
        CHECK(hear(reports[0]) == 's');
        CHECK_EQUAL(local_flags(slave) & FLAGS, 0);
    }
    end_box(&boxes[first], reports[first]);
    CHECK_EQUAL(local_flags(slave) & FLAGS, between);
    end_box(&boxes[!first], reports[!first]);
    CHECK_EQUAL(local_flags(slave) & FLAGS, FLAGS);
    close(slave);
    close(master);
}

CASE("of boxes beside each other the last to end gives the terminal back as it was before all")
{
    end_in_order(false, true, ISIG);        // what the second set lies on the first's
    end_in_order(false, false, ECHO | ISIG); // the first's is back
    end_in_order(true, true, ISIG);
    end_in_order(true, false, 0);
}

CASE("exclusive use and stopped output end with the box too")
{
    struct test_box box;
    int master, slave = open_terminal(&master), report, again;
    char name[64], byte;

    CHECK_EQUAL(ptsname_r(master, name, sizeof(name)), 0);
    report = box_with_terminal(&box, slave, "exclusive");
    CHECK(report >= 0 && hear(report) == 'e');
    FAILS(open(name, O_RDWR | O_NOCTTY), EBUSY);
    CHECK(fcntl(slave, F_SETFL, O_NONBLOCK) == 0);
    FAILS(write(slave, "x", 1), EAGAIN);
    end_box(&box, report);
    again = open(name, O_RDWR | O_NOCTTY);
    CHECK(again >= 0);
    CHECK(write(slave, "y", 1) == 1 && read(master, &byte, 1) == 1 && byte == 'y');
    close(again);
    close(slave);
    close(master);
}

CASE("a terminal may go before the box that has set it")
{
    struct test_box box;
    int master, slave = open_terminal(&master), report;

    report = box_with_terminal(&box, slave, "raw-for-ever");
    CHECK(report >= 0 && hear(report) == 'r');
    close(slave);
    close(master);
    CHECK(box_do(&box, "close 0 -1") == 0);
    end_box(&box, report);
}

// --- A signal to the writer of ctl ---

static volatile sig_atomic_t ticks;

static void tick(int number)
{
    (void)number;
    ticks++;
}

PROGRAM("busy-in-calls")
{
    enum { BYTES = 8 << 20 };

    say('b');
    for (;;) {
        void *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

        if (memory == MAP_FAILED)
            return 1;
        munmap(memory, BYTES);
    }
}

CASE("a signal while suspend waits makes the write short, and no command is done twice")
{
    struct itimerval often = { .it_interval.tv_usec = 200, .it_value.tv_usec = 200 }, never = { 0 };
    struct sigaction action = { .sa_handler = tick, .sa_flags = SA_RESTART };
    struct test_box box;
    char text[64], rest[256];
    int report = box_program(&box, "", "busy-in-calls"), shorts = 0;

    CHECK(report >= 0 && hear(report) == 'b');
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    for (int i = 0; i < 500 && shorts < 5; i++) {
        int first = snprintf(text, sizeof(text), "bind n%d /bin r\n", i), size = first;
        ssize_t written;

        size += snprintf(text + first, sizeof(text) - (size_t)first, "suspend\nstart");
        written = write(box.ctl, text, (size_t)size);
        if (written != size)
            CHECK_EQUAL(written, first);
        shorts += written != size;
        if (written != size)
            CHECK_EQUAL(write(box.ctl, text + first, (size_t)(size - first)), size - first);
    }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    printf("# %d of the writes were short, after %d signals\n", shorts, (int)ticks);
    CHECK(shorts > 0);
    CHECK_EQUAL(read(box.ctl, rest, sizeof(rest)), 0); // nothing is reported
    end_box(&box, report);
}
