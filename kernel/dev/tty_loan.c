// SPDX-License-Identifier: MIT
// tty_loan.c - settings of terminals that boxes have only borrowed.
//
// A terminal belongs to the box that made it, the machine's to the outermost. When a process sets
// it, every box around the process that does not hold the owner has borrowed it: a loan keeps the
// settings as they were before the box changed them, and at the end of the box the terminal gets
// them back, unless somebody outside of the box has set it since: then they are not the box's.
// What boxes beside each other set lies in layers, one upon the other. Each change has a number; a
// loan knows that of its box's last one and that of the layer below. A layer whose box ends while
// another lies on it is taken out from under: that one now keeps what was before both.
// Locking: loans_lock (rank TTY_LOANS) guards all loans, and changes of settings; tty->lock is
// taken within it. A loan counts neither box nor terminal: whichever goes first takes it along.
#include <string.h>

#include "abi/errors.h"
#include "kernel/dev/tty.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/box.h"

// Fields: I set once · l under loans_lock
struct loan {
    struct list tty_link;       // l  in tty->loans
    struct list box_link;       // l  in box->loans
    struct tty *tty;            // I
    struct box *box;            // I
    struct tty_settings before; // l
    uint64_t change;            // l  number of the box's last change; 0: none, or none that still counts
    uint64_t base;              // l  number of the change that made what is in before
};

static SLAB_CACHE(loan_cache, "tty loan", struct loan);
static struct spinlock loans_lock = SPINLOCK_INIT(RANK_TTY_LOANS);

// Whether the terminal is of the box or of one in it.
static bool owns(const struct box *box, const struct tty *tty)
{
    const struct account *account = tty->account;

    while (account != NULL && account != box->account)
        account = account->parent;
    return account != NULL;
}

static struct loan *find(const struct tty *tty, const struct box *box)
{
    struct loan *loan;

    list_for_each(loan, &box->loans, box_link) {
        if (loan->tty == tty)
            return loan;
    }
    return NULL;
}

// Errors: -ENOMEM.
static int reserve(struct tty *tty, struct box *box)
{
    struct loan *made;
    uint64_t state = spin_lock_irq_save(&loans_lock);
    bool has = find(tty, box) != NULL;

    spin_unlock_irq_restore(&loans_lock, state);
    if (has)
        return 0;
    made = slab_alloc(&loan_cache, box->account);
    if (made == NULL)
        return -ENOMEM;
    made->tty = tty;
    made->box = box;
    state = spin_lock_irq_save(&loans_lock);
    if (find(tty, box) == NULL) {
        list_push_back(&tty->loans, &made->tty_link);
        list_push_back(&box->loans, &made->box_link);
        made = NULL;
    }
    spin_unlock_irq_restore(&loans_lock, state);
    if (made != NULL)
        slab_free(&loan_cache, made);
    return 0;
}

static struct tty_settings settings_of(struct tty *tty)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);
    struct tty_settings settings = { tty->ldisc.termios, tty->ldisc.stopped, tty->exclusive };

    spin_unlock_irq_restore(&tty->lock, state);
    return settings;
}

// Puts some of the settings in force; loans_lock held.
static void apply(struct tty *tty, unsigned which, const struct tty_settings *settings)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);

    if (which & TTY_FLUSH)
        ldisc_flush_input(&tty->ldisc);
    if (which & TTY_TERMIOS)
        ldisc_set_termios(&tty->ldisc, &settings->termios);
    if (which & TTY_STOPPED)
        tty->ldisc.stopped = settings->stopped;
    if (which & TTY_EXCLUSIVE)
        tty->exclusive = settings->exclusive;
    if (tty->driver->input_room != NULL)
        tty->driver->input_room(tty);
    spin_unlock_irq_restore(&tty->lock, state);
    waitq_wake(&tty->readers, WAKE_ALL, 0);
    tty_writable(tty);
}

// Takes a loan's layer out from between the others; loans_lock held.
static void take_layer_out(const struct loan *gone)
{
    struct loan *other;

    list_for_each(other, &gone->tty->loans, tty_link) {
        if (other == gone || other->change == 0)
            continue;
        if (other->change == gone->change) { // of a box around: back to its own layer, if there is one below
            other->change = other->base < gone->base ? gone->base : 0;
        } else if (other->base == gone->change) {
            other->before = gone->before;
            other->base = gone->base;
        }
    }
}

int tty_set(struct tty *tty, unsigned which, const struct tty_settings *settings)
{
    struct tty_settings before;
    uint64_t change, state;
    int error = 0;

    for (struct box *box = box_current(); !owns(box, tty) && error == 0; box = box->outer)
        error = reserve(tty, box);
    if (error != 0)
        return error;
    state = spin_lock_irq_save(&loans_lock);
    before = settings_of(tty);
    change = ++tty->changes;
    for (struct box *box = box_current(); !owns(box, tty); box = box->outer) {
        struct loan *loan = find(tty, box);

        if (loan->change == 0 || loan->change != tty->change) {
            if (loan->change != 0)
                take_layer_out(loan);
            loan->before = before;
            loan->base = tty->change;
        }
        loan->change = change;
    }
    tty->change = change;
    apply(tty, which, settings);
    spin_unlock_irq_restore(&loans_lock, state);
    return 0;
}

// loans_lock held.
static void free_loan(struct loan *loan)
{
    list_remove(&loan->tty_link);
    list_remove(&loan->box_link);
    slab_free(&loan_cache, loan);
}

static void box_ends(struct box *box)
{
    uint64_t state = spin_lock_irq_save(&loans_lock);
    struct loan *loan;

    while ((loan = list_first(&box->loans, struct loan, box_link)) != NULL) {
        struct tty *tty = loan->tty;

        if (loan->change != 0) {
            take_layer_out(loan);
            // One whose last reference is gone waits for this lock before it is freed.
            if (loan->change == tty->change) {
                apply(tty, TTY_TERMIOS | TTY_STOPPED | TTY_EXCLUSIVE, &loan->before);
                tty->change = loan->base;
            }
        }
        free_loan(loan);
    }
    spin_unlock_irq_restore(&loans_lock, state);
}

void tty_loans_drop(struct tty *tty)
{
    uint64_t state = spin_lock_irq_save(&loans_lock);
    struct loan *loan;

    while ((loan = list_first(&tty->loans, struct loan, tty_link)) != NULL)
        free_loan(loan);
    spin_unlock_irq_restore(&loans_lock, state);
}

void tty_loans_init(void)
{
    static struct box_end_hook hook = { .end = box_ends };

    box_add_end_hook(&hook);
}
