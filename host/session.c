// SPDX-License-Identifier: MIT
// session.c - a run from the machine's start to the exit code: bytes, signals, time, and what init
// says.
//
// States: booting -> started (init said so) -> ended (init has said all) -> over (QEMU is gone, all
// its bytes are passed on). A session that goes wrong goes straight from any of them to "killed",
// with a verdict, and then over. The verdict, if there is one, decides the exit code; else what
// init told.

#include "host/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/control.h"
#include "host/kernel_log.h"
#include "host/report.h"
#include "host/stream.h"
#include "host/terminal.h"

#define MSEC UINT64_C(1000000)
#define SEC UINT64_C(1000000000)
#define PING_MOST (5 * SEC)       // between two pings
#define DEADLINE_GRACE (2 * SEC)  // for the kernel to keep the deadline itself
#define POWER_OFF_MOST (10 * SEC) // from init's last word to QEMU's end
#define FLUSH_MOST                                                                                 \
    (2 * SEC)       // for a slow reader to take the last bytes of a machine that was killed
#define IMPATIENT 3 // so many of one signal within IMPATIENT_NS end the machine
#define IMPATIENT_NS (2 * SEC)
#define INPUT_END_AGAIN SEC
#define END_OF_FILE "\004" // what a terminal takes for the end of input

enum { POLL_SIGNALS, POLL_CONTROL, POLL_PING, POLL_LOG, POLL_ERRORS, POLL_STREAMS };
enum { STREAM_IN, STREAM_OUT, STREAM_ERR, STREAM_COUNT };
#define POLL_COUNT (POLL_STREAMS + STREAM_COUNT)

struct session {
    struct machine *machine;
    const struct options *options;
    struct control control;
    struct stream streams[STREAM_COUNT];
    int signals;                                        // signalfd
    bool gone;                                          // QEMU has ended
    int wait_status;                                    // of QEMU
    uint64_t begun_ns, started_ns, ended_ns, killed_ns; // 0: not yet
    uint64_t input_end_ns; // when the terminal was last told of the end of input; 0: never
    uint64_t answered_ns;                               // when the kernel last answered a ping
    uint64_t asked_ns;
    unsigned asked; // pings sent
    int verdict;    // 0: none
    char verdict_text[256];
    char errors[512]; // the last that QEMU itself said
    int last_signal, signal_count;
    uint64_t first_signal_ns;
};

static const int passed_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * SEC + (uint64_t)time.tv_nsec;
}

// Signals that were ignored when we started (nohup) stay ignored.
static void signals_handled(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    sigaddset(set, SIGWINCH);
    for (size_t i = 0; i < sizeof(passed_signals) / sizeof(passed_signals[0]); i++) {
        struct sigaction action;

        sigaction(passed_signals[i], NULL, &action);
        if (action.sa_handler != SIG_IGN)
            sigaddset(set, passed_signals[i]);
    }
}

void session_block_signals(void)
{
    sigset_t set;

    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    signals_handled(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

// Ends the machine; the first verdict counts.
__attribute__((format(printf, 3, 4))) static void end_machine(struct session *session, int verdict,
                                                              const char *format, ...)
{
    va_list arguments;

    if (session->killed_ns == 0) {
        session->killed_ns = now();
        if (!session->gone)
            kill(session->machine->pid, SIGKILL);
    }
    if (session->verdict != 0)
        return;
    session->verdict = verdict;
    va_start(arguments, format);
    vsnprintf(session->verdict_text, sizeof(session->verdict_text), format, arguments);
    va_end(arguments);
}

// A port that takes nothing now loses the line: its buffer holds thousands, so then the machine is
// not listening anyway.
__attribute__((format(printf, 3, 4))) static void tell(struct session *session, enum port port,
                                                       const char *format, ...)
{
    char line[64];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    (void)!send(session->machine->ports[port], line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void pass_signal(struct session *session, int number)
{
    uint64_t time = now();

    if (number != session->last_signal || time - session->first_signal_ns > IMPATIENT_NS) {
        session->last_signal = number;
        session->first_signal_ns = time;
        session->signal_count = 0;
    }
    session->signal_count++;
    if (!session->control.started || session->signal_count >= IMPATIENT)
        end_machine(session, EXIT_SIGNAL + number, "ended by SIG%s before the program was",
                    sigabbrev_np(number));
    else
        tell(session, PORT_CONTROL, "signal %d\n", number);
}

static void tell_size(struct session *session)
{
    unsigned rows, columns;

    if (session->options->terminal && session->control.started && terminal_size(&rows, &columns))
        tell(session, PORT_CONTROL, "window %u %u\n", rows, columns);
}

static void take_signals(struct session *session)
{
    struct signalfd_siginfo info;

    if (read(session->signals, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGWINCH)
        tell_size(session);
    else if (info.ssi_signo != SIGCHLD)
        pass_signal(session, (int)info.ssi_signo);
    else if (waitpid(session->machine->pid, &session->wait_status, WNOHANG) ==
             session->machine->pid)
        session->gone = true;
}

// The key is lost if it comes while the program changes the terminal's mode, and means the end for one
// read alone. So it is typed again until the program ends: the input stays at its end.
static void type_end_of_input(struct session *session)
{
    session->input_end_ns = now();
    (void)!send(session->machine->ports[PORT_TTY], END_OF_FILE, strlen(END_OF_FILE),
                MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Standard input's end goes to the program once it runs: before, its end of the port is not open. A
// terminal's port stays open for what it says, so there the end is a character.
static void pass_end_of_input(struct session *session)
{
    struct stream *in = &session->streams[STREAM_IN];

    if (!session->control.started || in->to < 0 || !stream_done(in))
        return;
    if (!session->options->terminal)
        shutdown(in->to, SHUT_WR);
    else if (session->options->interactive)
        type_end_of_input(session);
    in->to = -1;
}

static void take_control(struct session *session)
{
    char text[4096];
    ssize_t got;

    while ((got = read(session->machine->ports[PORT_CONTROL], text, sizeof(text))) > 0)
        control_hear(&session->control, text, (size_t)got);
    if (session->control.started && session->started_ns == 0)
        session->started_ns = now();
    if (session->control.ended && session->ended_ns == 0)
        session->ended_ns = now();
    if (got == 0)
        session->machine->ports[PORT_CONTROL] = -1; // QEMU's end is closed; SIGCHLD follows
}

static void take_ping(struct session *session)
{
    char text[4096];
    ssize_t got;

    while ((got = read(session->machine->ports[PORT_PING], text, sizeof(text))) > 0)
        session->answered_ns = now();
    if (got == 0)
        session->machine->ports[PORT_PING] = -1;
}

static void take_log(struct session *session)
{
    char text[4096];
    ssize_t got;

    while ((got = read(session->machine->ports[PORT_LOG], text, sizeof(text))) > 0) {
        int error = kernel_log_add(text, (size_t)got);

        if (error != 0)
            end_machine(session, EXIT_FAILED, "the log could not be written: %s", strerror(error));
    }
    if (got == 0)
        session->machine->ports[PORT_LOG] = -1;
}

// Keeps the last line that QEMU wrote.
static void take_errors(struct session *session)
{
    char text[sizeof(session->errors)];
    ssize_t got;

    while ((got = read(session->machine->errors, text, sizeof(text) - 1)) > 0) {
        char *end = text + got;

        while (end > text && end[-1] == '\n')
            end--;
        *end = '\0';
        if (end > text)
            snprintf(session->errors, sizeof(session->errors), "%s",
                     strrchr(text, '\n') != NULL ? strrchr(text, '\n') + 1 : text);
    }
    if (got == 0)
        session->machine->errors = -1;
}

// A reader that went away: the program's writes are to fail, as on a pipe.
static void check_outputs(struct session *session)
{
    for (int i = STREAM_OUT; i <= STREAM_ERR; i++) {
        struct stream *out = &session->streams[i];

        if (!out->broken || out->from < 0)
            continue;
        close(out->from);
        out->from = -1;
        if (out->error != 0)
            end_machine(session, EXIT_FAILED, "standard %s: %s",
                        i == STREAM_OUT ? "output" : "error", strerror(out->error));
    }
}

// What cannot be read is not at its end: the program would take a part for the whole.
static void check_input(struct session *session)
{
    const struct stream *in = &session->streams[STREAM_IN];

    if (in->read_error != 0 && !session->control.ended)
        end_machine(session, EXIT_FAILED, "standard input: %s", strerror(in->read_error));
}

// Sends a ping when the last was answered and its time has come. Returns: when to look again.
static uint64_t check_answers(struct session *session, uint64_t time)
{
    uint64_t hang = session->options->hang_ns;
    uint64_t interval = hang / 4 < PING_MOST ? hang / 4 : PING_MOST;

    if (session->control.ended)
        return UINT64_MAX;
    if (time - session->answered_ns >= hang) {
        end_machine(session, EXIT_FAILED, "the kernel has not answered for %.3g s",
                    (double)hang / (double)SEC);
        return UINT64_MAX;
    }
    if (session->started_ns == 0 && time - session->begun_ns >= hang) {
        end_machine(session, EXIT_FAILED, "the program was not started within %.3g s",
                    (double)hang / (double)SEC);
        return UINT64_MAX;
    }
    if (session->asked == 0 ||
        (session->answered_ns > session->asked_ns && time - session->asked_ns >= interval)) {
        session->asked_ns = time;
        tell(session, PORT_PING, "ping %u\n", ++session->asked);
    }
    if (session->started_ns == 0)
        return session->begun_ns + hang;
    return session->answered_ns > session->asked_ns ? session->asked_ns + interval
                                                    : session->answered_ns + hang;
}

static uint64_t check_times(struct session *session)
{
    uint64_t time = now();
    uint64_t next = check_answers(session, time);
    uint64_t deadline = session->started_ns + session->options->timeout_ns + DEADLINE_GRACE;

    if (session->options->timeout_ns != 0 && session->started_ns != 0 && !session->control.ended) {
        next = deadline < next ? deadline : next;
        if (time >= deadline)
            end_machine(session, EXIT_DEADLINE, "%s was ended by its deadline",
                        session->options->program[0]);
    }
    if (session->input_end_ns != 0 && !session->control.ended) {
        if (time - session->input_end_ns >= INPUT_END_AGAIN)
            type_end_of_input(session);
        if (session->input_end_ns + INPUT_END_AGAIN < next)
            next = session->input_end_ns + INPUT_END_AGAIN;
    }
    if (session->ended_ns != 0 && !session->gone) {
        next =
            session->ended_ns + POWER_OFF_MOST < next ? session->ended_ns + POWER_OFF_MOST : next;
        if (time >= session->ended_ns + POWER_OFF_MOST)
            end_machine(session, EXIT_FAILED, "the machine did not power off");
    }
    if (session->killed_ns != 0)
        next = time + 10 * MSEC;
    return next;
}

// Whether QEMU is gone and all that it left has been passed on.
static bool is_over(const struct session *session)
{
    bool flushed =
        stream_done(&session->streams[STREAM_OUT]) && stream_done(&session->streams[STREAM_ERR]);

    if (!session->gone || session->machine->ports[PORT_LOG] >= 0 ||
        session->machine->ports[PORT_CONTROL] >= 0)
        return false;
    return flushed || (session->killed_ns != 0 && now() - session->killed_ns > FLUSH_MOST);
}

static void set_polls(struct session *session, struct pollfd fds[POLL_COUNT])
{
    fds[POLL_SIGNALS].fd = session->signals;
    fds[POLL_CONTROL].fd = session->machine->ports[PORT_CONTROL];
    fds[POLL_PING].fd = session->machine->ports[PORT_PING];
    fds[POLL_LOG].fd = session->machine->ports[PORT_LOG];
    fds[POLL_ERRORS].fd = session->machine->errors;
    for (int i = 0; i < POLL_STREAMS; i++)
        fds[i].events = POLLIN;
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (!stream_poll(&session->streams[i], &fds[POLL_STREAMS + i]))
            fds[POLL_STREAMS + i].fd = -1;
    }
}

static int poll_time(uint64_t next)
{
    uint64_t time = now();

    if (next == UINT64_MAX)
        return -1;
    return next <= time ? 0 : (int)((next - time) / MSEC + 1);
}

static void turn(struct session *session)
{
    struct pollfd fds[POLL_COUNT];
    uint64_t next = check_times(session);

    memset(fds, 0, sizeof(fds));
    set_polls(session, fds);
    if (poll(fds, POLL_COUNT, poll_time(next)) < 0)
        return;
    if (fds[POLL_SIGNALS].revents != 0)
        take_signals(session);
    if (fds[POLL_CONTROL].revents != 0)
        take_control(session);
    if (fds[POLL_PING].revents != 0)
        take_ping(session);
    if (fds[POLL_LOG].revents != 0)
        take_log(session);
    if (fds[POLL_ERRORS].revents != 0)
        take_errors(session);
    for (int i = 0; i < STREAM_COUNT; i++)
        stream_move(&session->streams[i], fds[POLL_STREAMS + i].revents);
    check_input(session);
    pass_end_of_input(session);
    check_outputs(session);
}

// init could not start the program.
__attribute__((noreturn)) static void refuse(const struct session *session)
{
    const struct control *control = &session->control;

    if (control->in_program && control->number == ENOENT)
        fail(EXIT_NOT_FOUND, "%s: %s", session->options->program[0], control->text);
    if (control->in_program && (control->number == EACCES || control->number == ENOEXEC))
        fail(EXIT_NOT_EXECUTABLE, "%s: %s", session->options->program[0], control->text);
    fail(EXIT_FAILED, "the box could not be made: %s", control->text);
}

__attribute__((noreturn)) static void conclude(const struct session *session)
{
    if (session->verdict != 0)
        fail(session->verdict, "%s", session->verdict_text);
    if (kernel_log_panic() != NULL)
        fail(EXIT_FAILED, "the kernel panicked: %s", kernel_log_panic());
    if (!session->control.ended && strstr(session->errors, "initrd is too large") != NULL)
        fail(EXIT_FAILED, "%s needs more memory than the machine has: -m gives it more",
             session->options->program[0]);
    if (!session->control.ended && session->errors[0] != '\0')
        fail(EXIT_FAILED, "QEMU failed: %s", session->errors);
    if (!session->control.ended)
        fail(EXIT_FAILED, "the machine ended without saying how %s did (QEMU: %s %d)",
             session->options->program[0],
             WIFSIGNALED(session->wait_status) ? "signal" : "exit code",
             WIFSIGNALED(session->wait_status) ? WTERMSIG(session->wait_status)
                                               : WEXITSTATUS(session->wait_status));
    if (session->control.refused)
        refuse(session);
    report_and_exit(session->options->program[0]);
}

void session_run(struct machine *machine, const struct options *options)
{
    static struct session session;
    sigset_t set;

    session.machine = machine;
    session.options = options;
    signals_handled(&set);
    session.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (session.signals < 0)
        fail(EXIT_FAILED, "no descriptor for signals: %s", strerror(errno));
    session.begun_ns = session.answered_ns = now();
    stream_init(&session.streams[STREAM_IN], options->interactive ? STDIN_FILENO : -1,
                machine->ports[options->terminal ? PORT_TTY : PORT_STDIN]);
    stream_init(&session.streams[STREAM_OUT],
                machine->ports[options->terminal ? PORT_TTY : PORT_STDOUT], STDOUT_FILENO);
    stream_init(&session.streams[STREAM_ERR], machine->ports[PORT_STDERR], STDERR_FILENO);
    while (!is_over(&session))
        turn(&session);
    conclude(&session);
}
