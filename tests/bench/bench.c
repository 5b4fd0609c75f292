// SPDX-License-Identifier: MIT
// bench.c - runs lines of the benchmark, as the first program of a machine or as an ordinary one.
//
// Usage: bench [exact|wall] PATTERN... A pattern is a line's name, the beginning of one with a *
// after it, or a group: @all @budget @wall @grow @first (only the start of the machine). As process
// 1 it takes its arguments from the file /bench.args (Linux and Boxwork differ in what they pass to
// a first program), mounts what Linux needs, and powers the machine off at the end.

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "bench.h"
#include "report.h"

#define ARGUMENTS_PATH "/bench.args"
#define MAX_PATTERNS 64
#define LINE_SECONDS 120 // of the machine's clock
#define MAX_FDS 40000

static const struct line *const tables[] = {
    call_lines,   spawn_lines,   fork_lines,         thread_lines,      pipe_lines,
    memory_lines, fault_lines,   file_lines,         kill_lines,        poll_lines,
    box_lines,    program_lines, grow_process_lines, grow_object_lines,
};

static const char *patterns[MAX_PATTERNS];
static int pattern_count;

static bool is_member(const struct line *line, const char *group)
{
    if (strcmp(group, "all") == 0)
        return true;
    if (strcmp(group, "budget") == 0)
        return line->flags & LINE_BUDGET;
    if (strcmp(group, "wall") == 0)
        return line->flags & LINE_WALL;
    if (strcmp(group, "grow") == 0)
        return line->flags & LINE_GROW;
    return false;
}

static bool matches(const struct line *line, const char *pattern)
{
    size_t length = strlen(pattern);

    if (pattern[0] == '@')
        return is_member(line, pattern + 1);
    if (length > 0 && pattern[length - 1] == '*')
        return strncmp(line->name, pattern, length - 1) == 0;
    return strcmp(line->name, pattern) == 0;
}

static bool is_chosen(const struct line *line)
{
    if ((line->flags & LINE_BOXWORK) && !bench_is_boxwork)
        return false;
    if ((line->flags & LINE_TWO_CPUS) && sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return false;
    for (int i = 0; i < pattern_count; i++)
        if (matches(line, patterns[i]))
            return true;
    return false;
}

static void __attribute__((noreturn)) run_as_child(const struct line *line)
{
    // A line that the clock ends is reported by its parent.
    setsid();
    report_begin_line(line->name);
    line->run(line);
    // What the console still holds back must not be sent during the next line.
    tcdrain(STDOUT_FILENO);
    _exit(0);
}

static void on_alarm(int number)
{
    (void)number;
}

static void report_end(const struct line *line, int status, bool late)
{
    char why[64];

    if (late)
        snprintf(why, sizeof(why), "not done after %d s", LINE_SECONDS);
    else if (WIFSIGNALED(status))
        snprintf(why, sizeof(why), "ended by signal %d", WTERMSIG(status));
    else
        return;
    report_failure(line->name, why);
}

// Runs one line in a process of its own. Returns whether it succeeded.
static bool run(const struct line *line)
{
    int status = 0;
    bool late = false;
    pid_t child = fork();

    if (child < 0) {
        report_failure(line->name, "fork");
        return false;
    }
    if (child == 0)
        run_as_child(line);
    alarm(LINE_SECONDS);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        late = true;
        kill(child, SIGKILL);
    }
    alarm(0);
    kill(-child, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    report_end(line, status, late);
    return status == 0;
}

static bool run_chosen(void)
{
    bool good = true;

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        for (const struct line *line = tables[i]; line->name != NULL; line++)
            if (is_chosen(line))
                good = run(line) && good;
    return good;
}

static void take_argument(const char *argument)
{
    if (strcmp(argument, "exact") == 0)
        bench_exact = true;
    else if (strcmp(argument, "wall") == 0)
        bench_exact = false;
    else if (pattern_count < MAX_PATTERNS)
        patterns[pattern_count++] = argument;
}

static void take_arguments_of_file(void)
{
    static char text[4096];
    int file = open(ARGUMENTS_PATH, O_RDONLY);
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof(text) - 1);

    text[length > 0 ? length : 0] = '\0';
    for (char *word = strtok(text, " \n"); word != NULL; word = strtok(NULL, " \n"))
        take_argument(word);
    close(file);
}

static void write_text(const char *path, const char *text)
{
    int file = open(path, O_WRONLY);

    if (file < 0)
        return;
    if (write(file, text, strlen(text)) < 0)
        perror(path);
    close(file);
}

// What Boxwork has from the start, Linux mounts. Its limit on threads follows from memory and is
// below 10,000 processes.
static void prepare_machine(void)
{
    static const char *const directories[] = { "/proc", "/dev", "/tmp" };

    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
        mkdir(directories[i], 0755);
    if (!bench_is_boxwork) {
        mount("proc", "/proc", "proc", 0, NULL);
        mount("dev", "/dev", "devtmpfs", 0, NULL);
        mount("tmp", "/tmp", "tmpfs", 0, NULL);
        write_text("/proc/sys/kernel/threads-max", "40000");
        write_text("/proc/sys/kernel/pid_max", "100000");
    }
}

static void open_console(void)
{
    int console = open("/dev/console", O_RDWR);
    struct termios settings;

    if (console < 0)
        return;
    for (int fd = 0; fd < 3; fd++)
        if (fd != console)
            dup2(console, fd);
    if (console > 2)
        close(console);
    if (tcgetattr(STDOUT_FILENO, &settings) == 0) {
        settings.c_oflag &= ~(tcflag_t)OPOST;
        tcsetattr(STDOUT_FILENO, TCSANOW, &settings);
    }
}

static void raise_limits(void)
{
    struct rlimit limit = { MAX_FDS, MAX_FDS };

    setrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max = 30000;
    setrlimit(RLIMIT_NPROC, &limit);
}

int main(int argc, char **argv)
{
    uint64_t begun = __builtin_ia32_rdtsc();
    bool first = getpid() == 1 && argc == 1;
    struct sigaction alarm_action = { .sa_handler = on_alarm };
    struct utsname system;
    bool good;

    bench_is_boxwork = uname(&system) == 0 && strstr(system.version, "Boxwork") != NULL;
    if (argc == 3 && strcmp(argv[1], "crowd") == 0)
        box_crowd(atol(argv[2]));
    for (int i = 1; i < argc && !first; i++)
        take_argument(argv[i]);
    if (first) {
        prepare_machine();
        open_console();
        take_arguments_of_file();
    }
    sigaction(SIGALRM, &alarm_action, NULL);
    raise_limits();
    report_value("boot.counter", 1, (double)begun, "ns");
    good = run_chosen();
    report_value("end", 1, good ? 0 : 1, "failures");
    tcdrain(STDOUT_FILENO);
    if (first)
        reboot(RB_POWER_OFF);
    return good ? 0 : 1;
}
