// SPDX-License-Identifier: MIT
// life.pml - a box's life, wait and reaping: a model for spin of kernel/proc.
//
// Box A has its head H, which forks a member M, which makes an inner box B with the head N and
// may start it. Threads end by themselves or are told to; a killer ends A at any moment, or never;
// the reaper takes down who never started; a waiter outside waits for H, finds all freed, and reaps.
// Beside each step stands the function it is a model of. docs/model.md says what is checked and
// what is left out; FAULT=1.. plants a fault; what does happen, REACHED says once.
//
// A section under a spin lock is one atomic step that begins with "the lock is free", except where
// others look at what it changes without the lock: there tree_lock and process_lock are held.
//
// GATE: a thread that waits begins only once somebody is about to make its condition true or to
// kill it. Nothing that it does before that touches what others look at until then, so these steps
// may as well be taken after; states become fewer, outcomes do not.

#ifndef FAULT
#define FAULT 0
#endif
c_decl {
    static char happened[6];
}
#define REACHED(n) c_code { if (!happened[n]) printf("reached %d\n", n); happened[n] = 1; }

// Processes; a process's thread has its number.
#define M 1
#define N 2
#define NONE 9
#define CHILD(p) ((p) + 1) // what it makes
#define BOX(p) ((p) == N)  // process->box
#define HEAD(p) ((p) != M)

// Boxes.
#define A 0
#define B 1

// process->state
#define NEW 0
#define RUNNING 1
#define ENDING 2

// What was never made counts as freed.
bool process_freed[3] = true;
bool parts_freed[3] = true; // space, fds, directory
bool stack_freed[5];        // of threads; those of waiter and reaper stay
byte process_refs[3];
byte process_state[3];
bool process_dying[3];      // PROCESS_DYING
bool thread_linked[3];
bool is_member[3];         // in box->members or, a head, its box in box->boxes: not told to end
bool process_lock[3];
bool exec_lock;             // of N
bool unstarted[3];          // in the reaper's list
bool reaper_stirs;          // somebody is about to queue one

bool box_freed[2] = true;
bool names_freed[2] = true;
bool box_dying[2];
byte living[2];
byte unsettled[2];

byte record_refs[3];
bool record_process[3];     // record->process is set
bool claimed[3];
bool done[3];
bool reap_when_done[3];
bool own_entry[3];
bool outer_entry[3];
byte parent[3] = NONE;

bool tree_lock;

#include "block.pml"

#define USE_PROCESS(p) assert(!process_freed[p])
#define USE_PARTS(p) assert(!parts_freed[p])
#define USE_BOX(b) assert(!box_freed[b])
#define USE_NAMES(b) assert(!names_freed[b])
#define DOOR_CLOSED(p) (box_dying[A] || (BOX(p) == B && box_dying[B])) // box_door_closed
#define ALL_FREED \
    (process_freed[H] && process_freed[M] && process_freed[N] && \
     parts_freed[H] && parts_freed[M] && parts_freed[N] && \
     stack_freed[H] && stack_freed[M] && stack_freed[N] && \
     box_freed[A] && box_freed[B] && names_freed[A] && names_freed[B] && \
     record_refs[M] == 0 && record_refs[N] == 0)

#define VARIABLES \
    bool found, last, first, error; \
    byte box

// --- record.c ---

inline record_put(r)
{
    assert(record_refs[r] > 0);
    record_refs[r]--
}

inline record_forget_own(r)
{
    if
    :: own_entry[r] -> own_entry[r] = false; record_put(r)
    :: else
    fi
}

inline record_forget_outer(r)
{
    if
    :: outer_entry[r] -> outer_entry[r] = false; record_put(r)
    :: else
    fi
}

// Under tree_lock.
inline record_unlink(r)
{
    parent[r] = NONE;
    if
    :: HEAD(r) -> record_forget_outer(r)
    :: else -> record_forget_own(r)
    fi
}

// The record waits for all of what it stands for: a member's for its process, a head's for its box.
#define FREED(r) \
    ((r == H && ALL_FREED) || \
     (r != H && process_freed[r] && parts_freed[r] && stack_freed[r] && (r == M || box_freed[B])))

inline record_publish(r)
{
    atomic { !tree_lock -> tree_lock = true; assert(FREED(r)) };
#if FAULT != 5
    done[r] = true;
#endif
    if // the queue of the record
    :: r == H -> WAKE(WAITER)
    :: else
    fi;
#if FAULT == 5
    done[r] = true;
#endif
    if // record_report: the parent's child_events
    :: parent[r] == H -> USE_PROCESS(H); WAKE(H)
    :: else
    fi;
    atomic {
        if
        :: reap_when_done[r] -> record_unlink(r)
        :: else
        fi;
        record_put(r);
        tree_lock = false
    }
}

// tree_link_member and tree_link_head; under tree_lock.
inline link_process(p, by)
{
    assert(!DOOR_CLOSED(p)); // nothing is attached after the door closed
    assert(!process_dying[by]);
    record_process[p] = true;
    own_entry[p] = true;
    record_refs[p]++;
    if
    :: HEAD(p) -> outer_entry[p] = true; record_refs[p]++
    :: else
    fi;
    parent[p] = by;
    is_member[p] = true;
    if // a box with living processes counts as one in the box around
    :: BOX(p) == B && living[B] == 0 -> living[A]++
    :: else
    fi;
    living[BOX(p)]++
}

// --- box.c ---

inline box_settle(b)
{
    atomic { !tree_lock -> assert(names_freed[b] && living[b] == 0); box_freed[b] = true };
#if FAULT == 2
    if
    :: b == B -> record_publish(N)
    :: else
    fi
#else
    record_publish((b == A -> H : N))
#endif
}

inline box_put(b)
{
    box = b;
    do
    :: atomic { USE_BOX(box); assert(unsettled[box] > 0); unsettled[box]--; last = unsettled[box] == 0 };
        if
        :: last ->
            box_settle(box);
            if
            :: box == B -> box = A // the reference on the box around
            :: else -> break
            fi
        :: else -> break
        fi
    od;
    atomic { box = 0; last = false }
}

// The hooks, names_clear, release_numbers.
inline box_empty(b)
{
    atomic {
        !tree_lock ->
        assert(!names_freed[b]);
        names_freed[b] = true;
        if
        :: b == A -> record_forget_own(H); record_forget_own(M); record_forget_outer(N)
        :: else -> record_forget_own(N)
        fi
    }
}

// living goes down, with no lock.
inline box_process_left(b)
{
    box = b;
    do
    :: atomic { USE_BOX(box); assert(living[box] > 0); living[box]--; last = living[box] == 0 };
        if
        :: last ->
            box_empty(box);
            if
            :: box == B -> box = A
            :: else -> break
            fi
        :: else -> break
        fi
    od;
    atomic { box = 0; last = false }
}

// --- process.c ---

inline process_free(p)
{
    atomic {
        !tree_lock ->
        USE_PROCESS(p);
        assert(parts_freed[p]);
        first = claimed[p];
        record_process[p] = false; // detach_record
        process_freed[p] = true
    };
    if
    :: !first -> atomic { first = false; record_put(p) }
#if FAULT == 2
    :: first && p != N -> first = false; record_publish(p)
    :: first && p == N -> first = false
#else
    :: first && !HEAD(p) -> first = false; record_publish(p)
    :: first && HEAD(p) -> first = false
#endif
    fi;
    box_put(BOX(p))
}

inline process_put(p)
{
    atomic {
        USE_PROCESS(p);
        assert(process_refs[p] > 0);
        process_refs[p]--;
        last = process_refs[p] == 0
    };
    if
    :: last -> last = false; process_free(p)
    :: else
    fi
}

inline process_get(p)
{
    USE_PROCESS(p);
    assert(process_refs[p] > 0);
    process_refs[p]++
}

// refcount_get_try on record->process; under tree_lock.
inline process_get_try(p)
{
    found = record_process[p] && process_refs[p] > 0;
    process_refs[p] = process_refs[p] + found
}

// process_alloc: charges, struct, record, a reference on the box.
inline process_alloc(p)
{
    atomic {
        USE_BOX(BOX(p));
        unsettled[BOX(p)]++;
        process_freed[p] = false;
        parts_freed[p] = false;
        process_refs[p] = 1;
        record_refs[p] = 1
    }
}

// --- reaper.c ---

inline reaper_queue(p)
{
#if FAULT == 6
    skip
#else
    atomic { !tree_lock -> process_get(p); unstarted[p] = true };
    WAKE(REAPER)
#endif
}

// --- kill.c ---

// claim_locked; under tree_lock.
inline claim(p)
{
    USE_PROCESS(p);
    first = !claimed[p];
    if
    :: first ->
        claimed[p] = true;
        process_dying[p] = true;
        is_member[p] = false; // on the list of those told to end
        if
        :: HEAD(p) -> box_dying[BOX(p)] = true
        :: else
        fi
    :: else
    fi
}

// process->lock is held from the look at the state to the last thread_post. Only H ever blocks.
inline process_kill_threads(p)
{
    atomic {
        !process_lock[p] ->
        USE_PROCESS(p);
        first = process_state[p] == NEW;
        process_state[p] = (first -> ENDING : process_state[p]);
        reaper_stirs = reaper_stirs || first;
        process_lock[p] = p == H && thread_linked[p];
        work_kill[p] = p != H && thread_linked[p]
    };
    if
    :: first -> first = false; reaper_queue(p)
    :: process_lock[p] && p == H -> POST_KILL(p); process_lock[p] = false
    :: else
    fi;
#if FAULT == 4
    box_process_left(BOX(p)) // before its threads have gone
#endif
}

// One of end_some_members or claim_some_boxes: a member, or the head of an inner box.
inline end_one(p)
{
    atomic {
        !tree_lock ->
        found = is_member[p];
        if
        :: found ->
            claim(p);
            first = false;
#if FAULT != 8
            process_get(p);
#endif
            if
            :: p == N -> USE_BOX(B); unsettled[B]++ // box_get
            :: else
            fi
        :: else
        fi
    };
    if
    :: found ->
        found = false;
        process_kill_threads(p);
#if FAULT != 8
        process_put(p);
#endif
        if
        :: p == N -> box_put(B) // walked: its only member is its head
        :: else
        fi
    :: else
    fi
}

inline walk_box()
{
    atomic { USE_BOX(A); unsettled[A]++ }; // box_get
    end_one(M);
    end_one(N);
    box_put(A)
}

inline process_end(p)
{
    atomic { !tree_lock -> claim(p) };
    if
    :: first ->
        first = false;
        process_kill_threads(p);
        if
        :: p == H -> walk_box()
        :: else
        fi
    :: else
    fi
}

// --- exit.c ---

// part_with_child; none of them has an adopter left.
inline part_with_children(p)
{
    atomic {
        !tree_lock ->
        found = false;
        if
        :: p != N && parent[CHILD(p)] == p ->
            parent[CHILD(p)] = NONE;
            process_get_try(CHILD(p)); // to_be_ended
            reap_when_done[CHILD(p)] = true;
            if
            :: done[CHILD(p)] -> record_unlink(CHILD(p))
            :: else
            fi
        :: else
        fi
    };
    if
    :: found ->
        found = false;
        process_end(CHILD(p));
        process_put(CHILD(p))
    :: else
    fi
}

inline process_teardown(p)
{
    process_end(p);
    atomic { USE_NAMES(BOX(p)); assert(!parts_freed[p]); parts_freed[p] = true }; // process_release_parts
    part_with_children(p);
    // leave_tree: off the list of those told to end, which nobody here walks
#if FAULT != 4
    box_process_left(BOX(p))
#endif
}

// The thread leaves while it may block; then the thread that runs next frees it.
inline uthread_exit_current(p)
{
    atomic { // unlink_thread
        !tree_lock && !process_lock[p] ->
        thread_linked[p] = false;
        process_state[p] = ENDING
    };
    process_teardown(p);
    process_put(p); // the reference of being alive
    // thread_exit; sched_switched of the next thread, process_thread_reap:
    atomic { USE_PROCESS(p); stack_freed[p] = true }; // thread_fini
    process_put(p) // uthread_put: the thread's
}

// --- thread.c ---

inline uthread_create(p)
{
    atomic { process_get(p); stack_freed[p] = false }
}

inline uthread_link(p)
{
    atomic {
        !tree_lock && !process_lock[p] ->
        USE_PROCESS(p);
        error = process_dying[p] || DOOR_CLOSED(p) || process_state[p] >= ENDING;
        if
        :: !error -> thread_linked[p] = true; process_state[p] = RUNNING
        :: else
        fi
    }
}

inline uthread_destroy(p)
{
    stack_freed[p] = true;
    process_put(p)
}

// --- fork.c and spawn.c ---

// link_child, which links the child's thread too (uthread_link_locked), and link_head: the door is
// tested under the lock.
inline link(p, by)
{
#if FAULT == 1
    error = process_dying[by] || DOOR_CLOSED(p);
#endif
    atomic {
        !tree_lock ->
#if FAULT != 1
        error = process_dying[by] || DOOR_CLOSED(p);
#endif
        if
        :: !error && HEAD(p) -> link_process(p, by)
        :: !error && !HEAD(p) ->
            link_process(p, by);
            thread_linked[p] = true;
            process_state[p] = RUNNING
        :: else -> REACHED(2)
        fi
    }
}

// clone_process: begin_child, or drop_child.
inline fork()
{
    process_alloc(M);
    uthread_create(M);
    link(M, H);
    if
    :: error ->
        parts_freed[M] = true; // drop_child
        uthread_destroy(M);
        process_put(M);
        error = false
    :: else ->
        if
        :: process_dying[M] -> REACHED(3)
        :: else
        fi;
        run thread(M) // thread_start
    fi
}

// process_new; leaves a reference with the caller unless there is an error.
inline process_new()
{
    atomic { // box_create
        USE_BOX(A);
        unsettled[A]++;
        box_freed[B] = false;
        names_freed[B] = false;
        unsettled[B] = 1
    };
    process_alloc(N);
    process_get(N);
    link(N, M);
    if
    :: error ->
        parts_freed[N] = true; // process_release_parts
        process_put(N);
        process_put(N);
        atomic { assert(unsettled[B] == 1); names_freed[B] = true; box_freed[B] = true };
        box_put(A) // box_destroy_unlinked
    :: else -> box_put(B)
    fi
}

// process_start: exec_lock keeps the parts of a new process for as long as it is being started.
inline process_start()
{
    error = process_dying[N];
    if
    :: error -> error = false // -ESRCH
    :: else ->
        atomic { !exec_lock -> exec_lock = true };
        if
        :: process_state[N] == NEW -> // start_new
            uthread_create(N);
            USE_PARTS(N); // set_up_begin: exec_stack_map, exec_image_take_new
            uthread_link(N);
            if
            :: error -> REACHED(4); error = false; uthread_destroy(N)
            :: else -> run thread(N)
            fi
        :: else
        fi;
        exec_lock = false
    fi
}

// wait.c: look_at_one, report; a child that has ended is reaped.
#define LOOK_FOR_CHILD \
    atomic { \
        !tree_lock -> \
        USE_PROCESS(H); \
        found = parent[M] != H || done[M]; \
        if \
        :: parent[M] == H && done[M] -> record_unlink(M) \
        :: else \
        fi \
    }

#define LOOK_FOR_END found = done[H]

#define LOOK_FOR_UNSTARTED \
    atomic { !tree_lock -> found = unstarted[M] || unstarted[N] } // anything_to_do

// --- The threads ---

// What a thread does in system calls; a kill acts on the way to user mode, between them.
proctype thread(byte p)
{
    VARIABLES;

    if
    :: p == H && !work_kill[H] ->
        fork();
        if
        :: parent[M] == H ->
            process_refs[M] == 0 || claimed[H]; // GATE
            WAIT_EVENT(wait4, H, LOOK_FOR_CHILD, true);
            found = false
        :: else
        fi
    :: p == M && !work_kill[M] ->
        USE_NAMES(A); // opens /proc/new
        process_new();
        if
        :: error -> error = false
        :: !error -> process_start(); process_put(N)
        :: !error -> process_put(N)
        fi
    :: true
    fi;
    // In user mode until it is told to end, or as long as it likes: the next step may come late.
    uthread_exit_current(p)
}

// box_kill.
proctype killer()
{
    VARIABLES;

    if
    :: atomic { !tree_lock -> process_get_try(H) };
        if
        :: found -> found = false; process_end(H); process_put(H)
        :: else
        fi
    :: true
    fi
}

// take_down.
inline take_down(p)
{
    REACHED(5);
#if FAULT != 7
    atomic { !exec_lock || p != N -> skip }; // a start under way is waited for; none begins
#endif
    process_teardown(p);
    process_put(p); // the reference of being alive
    process_put(p) // the list's
}

// reaper_run.
proctype reaper()
{
    VARIABLES;
    byte p;

end_unneeded:
    reaper_stirs; // GATE
    do
    :: WAIT_EVENT(end_idle, REAPER, LOOK_FOR_UNSTARTED, false);
        found = false;
        atomic { // next_unstarted
            !tree_lock ->
            p = (unstarted[M] -> M : N);
            assert(unstarted[p]);
            unstarted[p] = false
        };
        take_down(p);
        p = 0
    od
}

// process_wait, then process_reap and the last close of its handle.
proctype waiter()
{
    VARIABLES;

    unsettled[A] == 0; // GATE
    WAIT_EVENT(wait, WAITER, LOOK_FOR_END, false);
    assert(ALL_FREED);
    atomic { !tree_lock -> record_unlink(H) };
    record_put(H);
    assert(record_refs[H] == 0)
}

// A with H, running, its creation handle in the hands of the waiter.
init
{
    d_step {
        process_freed[H] = false;
        parts_freed[H] = false;
        process_refs[H] = 2; // being alive, and the thread's
        process_state[H] = RUNNING;
        thread_linked[H] = true;
        is_member[H] = true;
        stack_freed[M] = true;
        stack_freed[N] = true;
        box_freed[A] = false;
        names_freed[A] = false;
        living[A] = 1;
        unsettled[A] = 1;
        record_refs[H] = 4; // the box's, two numbers, the handle
        record_process[H] = true;
        own_entry[H] = true;
        outer_entry[H] = true
    };
    atomic { run thread(H); run killer(); run reaper(); run waiter() }
}
