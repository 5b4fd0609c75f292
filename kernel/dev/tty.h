// SPDX-License-Identifier: MIT
// tty.h - terminals: a line discipline between a device and the processes that read and write it.
//
// The device's driver hands in what it receives (tty_receive) and takes what is to be sent (driver->write).
// A terminal can be the controlling one of one session; it then signals that session's foreground group.
// Locking: tty->lock (rank TTY, interrupts off) guards everything; the driver's functions are called under it.
#pragma once

#include "kernel/dev/ldisc.h"
#include "kernel/sched/waitq.h"
#include "kernel/sync/refcount.h"
#include "kernel/sync/spinlock.h"

struct account;
struct box;
struct handle;
struct handle_ops;
struct node;
struct tty;

// All called with tty->lock held.
struct tty_driver {
    // A handle on the terminal is made (by whatever name it is opened), or the last descriptor of one
    // is closed. Errors of opened: -EIO. Either may be NULL.
    int (*opened)(struct tty *tty);
    void (*closed)(struct tty *tty);
    // Takes bytes to send; returns how many, at most what room said.
    size_t (*write)(struct tty *tty, const uint8_t *bytes, size_t count);
    // That was the last write for now: sends what was taken, in as few pieces as it can. NULL: write
    // has sent it.
    void (*push)(struct tty *tty);
    // How many bytes write would take now.
    size_t (*room)(const struct tty *tty);
    // Bytes not sent yet (TIOCOUTQ), and dropping them.
    size_t (*pending)(const struct tty *tty);
    void (*flush)(struct tty *tty);
    // Readers have made room: tty_receive will take bytes again. May be NULL.
    void (*input_room)(struct tty *tty);
    // The last reference is gone (not under the lock): frees the object. NULL: it lives for ever.
    void (*free)(struct tty *tty);
};

// Fields: I set once · t under lock · a atomic
struct tty {
    struct refcount ref;               // a
    struct spinlock lock;              // rank TTY
    const struct tty_driver *driver;   // I
    struct ldisc ldisc;                // t
    struct linux_winsize window;       // t
    struct waitq readers;              // input, or a hang-up
    struct waitq writers;              // room for output, or a hang-up
    struct box *box;                   // t  of the session it controls; NULL: none. Not counted: hangup clears it
    pid_t session;                     // t
    pid_t foreground;                  // t  group
    bool hung_up;                      // t  the device is gone: reads end, writes fail
    bool exclusive;                    // t
    dev_t device;                      // I
    struct account *account;           // I  of the box whose it is
    struct list loans;                 // tty_loan.c
    uint64_t change;                   // "  number of the change that its settings are of
    uint64_t changes;                  // "  numbers given
};

// account: of the box whose terminal it is.
void tty_init(struct tty *tty, const struct tty_driver *driver, dev_t device,
              struct account *account);
void tty_get(struct tty *tty);
void tty_put(struct tty *tty);

// Takes received bytes. Returns how many; the rest has no room, and driver->input_room says when it has.
// Context: any, tty->lock not held.
size_t tty_receive(struct tty *tty, const uint8_t *bytes, size_t count);

// Input is kept as it comes, without echo, until a program first asks for it: for a terminal that
// people type at before its program has set it up.
void tty_hold_input(struct tty *tty);
// A program asks for input (read, poll, FIONREAD): ends the holding.
void tty_ask_input(struct tty *tty);

// The driver has room for output again. Context: any.
void tty_writable(struct tty *tty);

// The device is gone: SIGHUP and SIGCONT to the foreground group, readers see the end, writers -EIO. Context: any.
void tty_hangup(struct tty *tty);

// New window size; SIGWINCH to the foreground group if it differs.
void tty_set_window(struct tty *tty, const struct linux_winsize *window);

// For handles whose private is a counted tty: open with tty_handle_open.
extern const struct handle_ops tty_handle_ops;
// Puts a reference on tty into the handle; makes it the caller's controlling terminal where open(2) says so.
// Errors: -EBUSY exclusive, -EIO hung up, or the driver's.
int tty_handle_open(struct handle *handle, struct tty *tty) MUST_CHECK;

// Adds NAME to the machine's devices, opening tty.
int tty_add_device(const char *name, struct tty *tty) MUST_CHECK;

// Adds /dev/tty (the caller's controlling terminal).
void tty_init_devices(void);

// tty_loan.c. What a process sets of a terminal; when a box ends that has only borrowed it, it gets
// them back as they were.
struct tty_settings {
    struct linux_termios termios;
    bool stopped;   // output, by TCXONC
    bool exclusive; // TIOCEXCL
};
#define TTY_TERMIOS 0x1
#define TTY_STOPPED 0x2
#define TTY_EXCLUSIVE 0x4
#define TTY_FLUSH 0x8 // and drop input that waits
// The calling process sets which of the settings. Errors: -ENOMEM.
int tty_set(struct tty *tty, unsigned which, const struct tty_settings *settings) MUST_CHECK;
void tty_loans_drop(struct tty *tty); // its last reference is gone
void tty_loans_init(void);            // start-up, once

// tty_control.c, for tty_handle_ops.
int64_t tty_ioctl(struct handle *handle, unsigned command, uint64_t argument) MUST_CHECK;
// Errors: -EIO, -ERESTARTSYS (a stop signal was sent to the caller's group) where the caller is in the background.
int tty_check_foreground(struct tty *tty, unsigned signal) MUST_CHECK;
