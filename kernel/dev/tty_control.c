// SPDX-License-Identifier: MIT
// tty_control.c - control of terminals: settings, windows, sessions and their foreground groups.
//
// Sources: ioctl_tty(2), tcsetattr(3), setpgid(2), POSIX.1-2017 11.1.
#include "abi/errors.h"
#include "abi/fcntl.h"
#include "abi/ioctl.h"
#include "abi/signal.h"
#include "kernel/dev/tty.h"
#include "kernel/proc/box.h"
#include "kernel/proc/note.h"
#include "kernel/proc/process.h"
#include "kernel/proc/session.h"
#include "kernel/vfs/handle.h"

// --- Sessions ---

static bool controls_caller(struct tty *tty)
{
    return tty->box == process_current()->box && tty->session == session_id_current();
}

static bool ignores(unsigned signal)
{
    struct signal_action action;

    return (signal_mask() & SIGNAL_BIT(signal)) != 0 ||
           (signal_set_action(signal, NULL, &action) == 0 && action.handler == 1 /* SIG_IGN */);
}

int tty_check_foreground(struct tty *tty, unsigned signal)
{
    int group;

    if (!controls_caller(tty))
        return 0;
    group = process_get_group(0);
    if (group < 0 || group == tty->foreground)
        return 0;
    if (ignores(signal))
        return signal == SIGTTIN ? -EIO : 0;
    if (group_orphaned())
        return -EIO;
    if (signal_send_group(process_current()->box, group, signal, NULL) != 0)
        return -EIO;
    return -ERESTARTSYS;
}

static void session_gets(void *terminal)
{
    tty_get(terminal);
}

// The session's leader has ended: nobody is controlled any more.
static void session_ended(void *terminal)
{
    struct tty *tty = terminal;
    uint64_t state = spin_lock_irq_save(&tty->lock);

    tty->box = NULL;
    tty->session = 0;
    tty->foreground = 0;
    spin_unlock_irq_restore(&tty->lock, state);
    tty_put(tty);
}

static const struct terminal_ops terminal_ops = { .get = session_gets, .hangup = session_ended };

// Makes tty the controlling terminal of the caller's session.
static int take_control(struct tty *tty)
{
    uint64_t state;
    int error = 0;

    if (!session_leader())
        return -EPERM;
    state = spin_lock_irq_save(&tty->lock);
    if (controls_caller(tty)) {
        spin_unlock_irq_restore(&tty->lock, state);
        return 0;
    }
    if (tty->box != NULL)
        error = -EPERM;
    else
        tty->box = process_current()->box; // claimed; the rest follows
    spin_unlock_irq_restore(&tty->lock, state);
    if (error != 0)
        return error;
    tty_get(tty);
    error = session_set_terminal(tty, &terminal_ops);
    state = spin_lock_irq_save(&tty->lock);
    if (error == 0) {
        tty->session = session_id_current();
        tty->foreground = process_get_group(0);
    } else {
        tty->box = NULL;
    }
    spin_unlock_irq_restore(&tty->lock, state);
    if (error != 0)
        tty_put(tty);
    else
        error = session_set_foreground(tty->foreground);
    return error;
}

static int drop_control(struct tty *tty)
{
    uint64_t state;
    void *dropped;

    if (!controls_caller(tty))
        return -ENOTTY;
    if (!session_leader())
        return 0; // there is no controlling terminal of one process alone here: it keeps the session's
    state = spin_lock_irq_save(&tty->lock);
    if (tty->foreground != 0 &&
        (signal_send_group(tty->box, tty->foreground, SIGHUP, NULL) != 0 ||
         signal_send_group(tty->box, tty->foreground, SIGCONT, NULL) != 0))
        tty->foreground = 0;
    spin_unlock_irq_restore(&tty->lock, state);
    dropped = session_drop_terminal();
    if (dropped != NULL)
        session_ended(dropped);
    return 0;
}

static int set_foreground(struct tty *tty, pid_t group)
{
    uint64_t state;
    int error;

    if (!controls_caller(tty))
        return -ENOTTY;
    error = tty_check_foreground(tty, SIGTTOU);
    if (error != 0)
        return error;
    if (group < 0)
        return -EINVAL;
    error = session_set_foreground(group);
    if (error != 0)
        return error;
    state = spin_lock_irq_save(&tty->lock);
    tty->foreground = group;
    spin_unlock_irq_restore(&tty->lock, state);
    return 0;
}

int tty_handle_open(struct handle *handle, struct tty *tty)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);
    int error = 0;

    if (tty->hung_up)
        error = -EIO;
    else if (tty->exclusive)
        error = -EBUSY;
    else if (tty->driver->opened != NULL)
        error = tty->driver->opened(tty);
    spin_unlock_irq_restore(&tty->lock, state);
    if (error != 0)
        return error;
    tty_get(tty);
    handle->private = tty;
    handle->ops = &tty_handle_ops;
    // open(2): a session leader without a terminal gets one this way. Not getting it is no error.
    if (!(handle_flags(handle) & O_NOCTTY) && session_leader() && tty->box == NULL) {
        struct tty *has = session_terminal();

        if (has != NULL)
            tty_put(has);
        else if (take_control(tty) != 0)
            return 0;
    }
    return 0;
}

// --- Settings ---

static int put(uint64_t argument, const void *data, size_t size)
{
    return arch_copy_to_user(argument, data, size);
}

static int put_int(uint64_t argument, int value)
{
    return put(argument, &value, sizeof(value));
}

static bool drained(struct tty *tty)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);
    bool empty = tty->hung_up || tty->driver->pending(tty) == 0;

    spin_unlock_irq_restore(&tty->lock, state);
    return empty;
}

static int wait_drained(struct tty *tty)
{
    return WAIT_EVENT(&tty->writers, WAIT_INTERRUPTIBLE, NSEC_NEVER, drained(tty)) == 0 ? 0 : -ERESTARTSYS;
}

static int get_settings(struct tty *tty, uint64_t argument)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);
    struct linux_termios termios = tty->ldisc.termios;

    spin_unlock_irq_restore(&tty->lock, state);
    return put(argument, &termios, sizeof(termios));
}

static int set_settings(struct tty *tty, unsigned command, uint64_t argument)
{
    struct tty_settings settings = { 0 };
    int error = arch_copy_from_user(&settings.termios, argument, sizeof(settings.termios));

    if (error == 0)
        error = tty_check_foreground(tty, SIGTTOU);
    if (error == 0 && command != TCSETS)
        error = wait_drained(tty);
    if (error != 0)
        return error;
    return tty_set(tty, command == TCSETSF ? TTY_TERMIOS | TTY_FLUSH : TTY_TERMIOS, &settings);
}

static int flush(struct tty *tty, uint64_t which)
{
    uint64_t state;

    if (which > TCIOFLUSH)
        return -EINVAL;
    state = spin_lock_irq_save(&tty->lock);
    if (which != TCOFLUSH) {
        ldisc_flush_input(&tty->ldisc);
        if (tty->driver->input_room != NULL)
            tty->driver->input_room(tty);
    }
    if (which != TCIFLUSH)
        tty->driver->flush(tty);
    spin_unlock_irq_restore(&tty->lock, state);
    tty_writable(tty);
    return 0;
}

static int flow(struct tty *tty, uint64_t action)
{
    uint64_t state;
    uint8_t byte;

    if (action > TCION)
        return -EINVAL;
    if (action == TCOOFF || action == TCOON)
        return tty_set(tty, TTY_STOPPED, &(struct tty_settings){ .stopped = action == TCOOFF });
    state = spin_lock_irq_save(&tty->lock);
    byte = tty->ldisc.termios.c_cc[action == TCIOFF ? VSTOP : VSTART];
    if (byte != 0 && tty->driver->room(tty) > 0)
        tty->driver->write(tty, &byte, 1);
    if (tty->driver->push != NULL)
        tty->driver->push(tty);
    spin_unlock_irq_restore(&tty->lock, state);
    tty_writable(tty);
    return 0;
}

static int set_window(struct tty *tty, uint64_t argument)
{
    struct linux_winsize window;
    int error = arch_copy_from_user(&window, argument, sizeof(window));

    if (error == 0)
        tty_set_window(tty, &window);
    return error;
}

static int queue_length(struct tty *tty, bool input, uint64_t argument)
{
    uint64_t state;
    size_t count;

    if (input)
        tty_ask_input(tty);
    state = spin_lock_irq_save(&tty->lock);
    count = input ? ldisc_bytes(&tty->ldisc) : tty->driver->pending(tty);

    spin_unlock_irq_restore(&tty->lock, state);
    return put_int(argument, (int)count);
}

static int set_exclusive(struct tty *tty, bool exclusive)
{
    return tty_set(tty, TTY_EXCLUSIVE, &(struct tty_settings){ .exclusive = exclusive });
}

static int64_t job_control(struct tty *tty, unsigned command, uint64_t argument)
{
    pid_t group;
    int error;

    switch (command) {
    case TIOCSCTTY:
        return take_control(tty);
    case TIOCNOTTY:
        return drop_control(tty);
    case TIOCSPGRP:
        error = arch_copy_from_user(&group, argument, sizeof(group));
        return error != 0 ? error : set_foreground(tty, group);
    default:
        if (!controls_caller(tty))
            return -ENOTTY;
        return put_int(argument, command == TIOCGPGRP ? tty->foreground : tty->session);
    }
}

int64_t tty_ioctl(struct handle *handle, unsigned command, uint64_t argument)
{
    struct tty *tty = handle->private;

    if (tty->hung_up && command != TIOCNOTTY)
        return -EIO;
    switch (command) {
    case TCGETS:
        return get_settings(tty, argument);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return set_settings(tty, command, argument);
    case TCSBRK:
    case TCSBRKP:
        return wait_drained(tty);
    case TCXONC:
        return flow(tty, argument);
    case TCFLSH:
        return flush(tty, argument);
    case TIOCGWINSZ:
        return put(argument, &tty->window, sizeof(tty->window));
    case TIOCSWINSZ:
        return set_window(tty, argument);
    case TIOCSCTTY:
    case TIOCNOTTY:
    case TIOCSPGRP:
    case TIOCGPGRP:
    case TIOCGSID:
        return job_control(tty, command, argument);
    case TIOCINQ:
    case TIOCOUTQ:
        return queue_length(tty, command == TIOCINQ, argument);
    case TIOCEXCL:
    case TIOCNXCL:
        return set_exclusive(tty, command == TIOCEXCL);
    case TIOCGETD:
        return put_int(argument, 0);
    default: // TIOCSTI among them: no terminal takes input from its users here
        return -ENOTTY;
    }
}
