// SPDX-License-Identifier: MIT
// vmtest.c - tests that run as programs inside Boxwork: runs the cases and prints TAP.
#include "tests/vm/vmtest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEDGER_SIZE 16384
#define SETTLE_US 10000
#define SETTLE_TIMES 15 // readings that agree
#define SETTLE_READINGS 300

int (*vmtest_command)(int argc, char **argv);

static char second[LEDGER_SIZE]; // the ledger as it is now
// Set by a case at its end, so that one whose exit code were lost would not count as passed. In memory
// that both processes see.
static volatile bool *finished;
static struct vmtest_case *first;
static struct vmtest_case **last = &first;

void vmtest_register(struct vmtest_case *test)
{
    *last = test;
    last = &test->next;
}

void vmtest_fail(const char *file, int line, const char *condition, long long got)
{
    printf("# %s:%d: %s does not hold (got %lld, errno %d: %s)\n", file, line, condition, got, errno,
           strerror(errno));
    fflush(stdout);
    _exit(1);
}

long long now_ns(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

pid_t pause_child(void)
{
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

int in_child(void (*body)(void))
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        body();
        _exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

bool ledger_read(char *text, size_t size)
{
    int fd = open("/dev/ledger", O_RDONLY | O_CLOEXEC);
    ssize_t length = 0, total = 0;

    if (fd < 0)
        return false;
    while ((length = read(fd, text + total, size - 1 - (size_t)total)) > 0)
        total += length;
    text[total] = '\0';
    close(fd);
    return length == 0 && total > 0;
}

static void print_difference(const char *before, const char *after)
{
    while (*before != '\0' && *after != '\0') {
        size_t a = strcspn(before, "\n"), b = strcspn(after, "\n");

        if (a != b || memcmp(before, after, a) != 0)
            printf("# ledger: was %.*s, is %.*s\n", (int)a, before, (int)b, after);
        before += a + (before[a] != '\0');
        after += b + (after[b] != '\0');
    }
}

bool ledger_same(const char *before)
{
    if (!ledger_read(second, sizeof(second)))
        return false;
    if (strcmp(before, second) == 0)
        return true;
    print_difference(before, second);
    return false;
}

bool ledger_take(char *text, size_t size)
{
    return ledger_read(text, size) && ledger_read(second, sizeof(second)) && ledger_read(text, size);
}

// Who started us is still inside its last calls, and what they use is not ours: waits until nothing
// changes any more, or it is plain that it will not: where each reading leaks. Returns false where
// there is no ledger.
static bool settle(char *ledger, size_t size)
{
    unsigned same = 0;

    if (!ledger_read(ledger, size))
        return false;
    for (unsigned i = 0; i < SETTLE_READINGS && same < SETTLE_TIMES; i++) {
        usleep(SETTLE_US);
        if (!ledger_read(second, sizeof(second)))
            return false;
        same = strcmp(ledger, second) == 0 ? same + 1 : 0;
        memcpy(ledger, second, MIN(size, sizeof(second)));
    }
    return true;
}

// Runs a case in a child, in a process group of its own. Returns whether it passed.
static bool run_case(const struct vmtest_case *test)
{
    int status;
    pid_t child;

    fflush(stdout);
    *finished = false;
    child = fork();
    if (child < 0)
        return false;
    if (child == 0) {
        setpgid(0, 0);
        alarm(test->limit_s);
        test->run();
        fflush(stdout);
        *finished = true;
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    // What it has left running would disturb the cases that follow.
    if (!*finished)
        kill(-child, SIGKILL);
    if (WIFSIGNALED(status))
        printf("# ended by signal %d%s\n", WTERMSIG(status),
               WTERMSIG(status) == SIGALRM ? ": over its time limit" : "");
    return *finished && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Runs all cases, or those whose facts contain argv[1].
int main(int argc, char **argv)
{
    static char before[LEDGER_SIZE];
    int code = vmtest_command != NULL ? vmtest_command(argc, argv) : -1;
    unsigned number = 0, failed = 0;
    bool ledger;

    if (code >= 0)
        return code;
    ledger = settle(before, sizeof(before));
    finished = mmap(NULL, sizeof(*finished), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *finished = false;
    if (!ledger && getenv("LEDGER") == NULL) {
        printf("# /dev/ledger cannot be read; LEDGER=none runs the cases without it\n");
        return 1;
    }
    for (struct vmtest_case *test = first; test != NULL; test = test->next) {
        bool passed;

        if (argc > 1 && strstr(test->fact, argv[1]) == NULL)
            continue;
        if (ledger)
            ledger_read(before, sizeof(before));
        passed = run_case(test);
        if (ledger && passed)
            passed = ledger_same(before);
        printf("%sok %u - %s\n", passed ? "" : "not ", ++number, test->fact);
        failed += !passed;
    }
    printf("1..%u\n", number);
    if (number == 0)
        printf("# no case is called so\n");
    fflush(stdout);
    return failed != 0 || number == 0;
}
