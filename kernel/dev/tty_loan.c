// SPDX-License-Identifier: MIT
// tty_loan.c - settings of terminals that boxes have only borrowed.
//
// A terminal belongs to the box that made it, the machine's to the outermost. When a process sets
// it, every box around the process that does not hold the owner has borrowed it: a loan keeps the
// settings as they were before the box changed them, and at the end of the box the terminal gets
// them back, unless somebody outside of the box has set it since: then they are not the box's.
// Locking: loans_lock (rank TTY_LOANS) guards all loans, and changes of tty->change; tty->lock is
// taken within it. A loan counts neither box nor terminal: whichever goes first takes it along.
#include <string.h>

#include "abi/errors.h"
#include "kernel/dev/tty.h"
#include "kernel/mem/account.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/box.h"

// Fields: I set once · l under loans_lock
struct loan {
    struct list tty_link;        // l  in tty->loans
    struct list box_link;        // l  in box->loans
    struct tty *tty;             // I
    struct box *box;             // I
    struct linux_termios before; // l
    uint64_t change;             // l  tty->change after the box's last change; 0: none yet
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

static struct loan *find(struct tty *tty, const struct box *box)
{
    struct loan *loan;

    list_for_each(loan, &tty->loans, tty_link) {
        if (loan->box == box)
            return loan;
    }
    return NULL;
}

static int reserve(struct tty *tty, struct box *box)
{
    struct loan *made = slab_alloc(&loan_cache, box->account);
    uint64_t state;
    bool has;

    if (made == NULL)
        return -ENOMEM;
    made->tty = tty;
    made->box = box;
    state = spin_lock_irq_save(&loans_lock);
    has = find(tty, box) != NULL;
    if (!has) {
        list_push_back(&tty->loans, &made->tty_link);
        list_push_back(&box->loans, &made->box_link);
    }
    spin_unlock_irq_restore(&loans_lock, state);
    if (has)
        slab_free(&loan_cache, made);
    return 0;
}

static bool has_loan(struct tty *tty, const struct box *box)
{
    uint64_t state = spin_lock_irq_save(&loans_lock);
    bool has = find(tty, box) != NULL;

    spin_unlock_irq_restore(&loans_lock, state);
    return has;
}

// Puts the settings in force; loans_lock held.
static void apply(struct tty *tty, const struct linux_termios *termios, bool flush)
{
    uint64_t state = spin_lock_irq_save(&tty->lock);

    if (flush)
        ldisc_flush_input(&tty->ldisc);
    ldisc_set_termios(&tty->ldisc, termios);
    if (tty->driver->input_room != NULL)
        tty->driver->input_room(tty);
    spin_unlock_irq_restore(&tty->lock, state);
    waitq_wake(&tty->readers, WAKE_ALL, 0);
    tty_writable(tty);
}

int tty_set_termios(struct tty *tty, const struct linux_termios *termios, bool flush)
{
    uint64_t change, state;
    int error = 0;

    for (struct box *box = box_current(); !owns(box, tty) && error == 0; box = box->outer) {
        if (!has_loan(tty, box))
            error = reserve(tty, box);
    }
    if (error != 0)
        return error;
    state = spin_lock_irq_save(&loans_lock);
    change = tty->change + 1;
    for (struct box *box = box_current(); !owns(box, tty); box = box->outer) {
        struct loan *loan = find(tty, box);

        if (loan->change != tty->change || loan->change == 0)
            loan->before = tty->ldisc.termios;
        loan->change = change;
    }
    tty->change = change;
    apply(tty, termios, flush);
    spin_unlock_irq_restore(&loans_lock, state);
    return 0;
}

// loans_lock held.
static void take_off(struct loan *loan)
{
    list_remove(&loan->tty_link);
    list_remove(&loan->box_link);
}

static void box_ends(struct box *box)
{
    struct loan *loan;

    do {
        uint64_t state = spin_lock_irq_save(&loans_lock);

        loan = list_first(&box->loans, struct loan, box_link);
        if (loan != NULL) {
            take_off(loan);
            // One whose last reference is gone waits for this lock before it is freed.
            if (loan->change == loan->tty->change && loan->change != 0)
                apply(loan->tty, &loan->before, false);
        }
        spin_unlock_irq_restore(&loans_lock, state);
        if (loan != NULL)
            slab_free(&loan_cache, loan);
    } while (loan != NULL);
}

void tty_loans_drop(struct tty *tty)
{
    struct loan *loan;

    do {
        uint64_t state = spin_lock_irq_save(&loans_lock);

        loan = list_first(&tty->loans, struct loan, tty_link);
        if (loan != NULL)
            take_off(loan);
        spin_unlock_irq_restore(&loans_lock, state);
        if (loan != NULL)
            slab_free(&loan_cache, loan);
    } while (loan != NULL);
}

void tty_loans_init(void)
{
    static struct box_end_hook hook = { .end = box_ends };

    box_add_end_hook(&hook);
}
