// SPDX-License-Identifier: MIT
// eevdf.h - earliest eligible virtual deadline first: one queue of weighted entities, as pure code.
//
// Virtual time is in nanoseconds of an entity of weight EEVDF_UNIT. An entity that runs for t has
// its vruntime moved by t * EEVDF_UNIT / weight. The queue's virtual time V is the weighted average
// of all vruntimes; an entity with vruntime <= V is eligible: it is owed time. Each entity asks for
// a slice, to be had by its virtual deadline; of the eligible ones that with the earliest deadline
// runs.
// The entity that runs stays on the queue, outside the tree. Nothing here locks, allocates or reads
// a clock.
//
// Source: Stoica, Abdel-Wahab: Earliest Eligible Virtual Deadline First (1995).
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/rbtree.h"
#include "lib/base/types.h"

#define EEVDF_SHIFT 20
#define EEVDF_UNIT (UINT64_C(1) << EEVDF_SHIFT) // the weight of nice 0
#define EEVDF_SLICE_NS (3 * NSEC_PER_MSEC)
#define EEVDF_SLICE_LEAST_NS (750 * NSEC_PER_USEC)
#define EEVDF_ROUND_NS (300 * NSEC_PER_MSEC) // many entities share this in smaller slices
// Lag kept over sleep: at most so much is owed to an entity, and by it.
#define EEVDF_OWED_LIMIT_NS (2 * EEVDF_SLICE_NS)
#define EEVDF_OWING_LIMIT_NS (100 * NSEC_PER_MSEC)

// One schedulable thing: a thread, or a group of them (a box).
struct sched_entity {
    struct rb_node node; // in its queue's tree, by deadline; not while it is the queue's current
    uint64_t vruntime;
    uint64_t deadline;         // virtual deadline of the current request
    uint64_t min_vruntime;     // the least in this subtree (the augmentation)
    uint64_t weight;           // in units of 1/EEVDF_UNIT of nice 0; never 0
    uint64_t remainder;        // of the last division by weight, so that no time is lost
    int64_t lag;               // V - vruntime when it left the queue
    uint64_t left_at;          // V when it left
    struct sched_queue *queue; // where it is queued, or was last
    struct sched_queue *inner; // the queue of the group that it stands for; NULL: a thread
    bool queued;
    bool spent; // the request that made it current has been served
};

// Invariant: 0 <= sum < weight unless the queue is empty, so zero is V, rounded down.
struct sched_queue {
    struct rb_root tree;
    struct sched_entity *current; // who runs, or ran when the queue last had a CPU; queued
    struct sched_entity *owner; // the entity of the group whose queue this is; NULL: the CPU's own
    uint64_t zero;
    int64_t sum;     // of (vruntime - zero) * weight over all queued, current included
    uint64_t weight; // of all queued
    unsigned count;  // of all queued
    unsigned depth;  // 0 for the CPU's own queue
};

void eevdf_queue_init(struct sched_queue *queue, struct sched_entity *owner, unsigned depth);
void eevdf_entity_init(struct sched_entity *entity, uint64_t weight, struct sched_queue *inner);

// Puts an entity that is on no queue on this one, at V less the lag it left with.
void eevdf_enqueue(struct sched_queue *queue, struct sched_entity *entity);
// Takes it off, current or not, and keeps its lag.
void eevdf_dequeue(struct sched_queue *queue, struct sched_entity *entity);

// The queue's current entity has run for this long.
void eevdf_charge(struct sched_queue *queue, nsec_t ran_ns);

// Which entity should run now; NULL only if the queue is empty. Changes nothing.
struct sched_entity *eevdf_pick(const struct sched_queue *queue);
// As eevdf_pick, but the current entity only if it is alone.
struct sched_entity *eevdf_pick_other(const struct sched_queue *queue);
// Makes a queued entity the current one; the one before goes back into the tree.
void eevdf_set_current(struct sched_queue *queue, struct sched_entity *entity);

// The current entity gives up the rest of its request and what it is owed.
void eevdf_yield(struct sched_queue *queue);

// Whether the queued entity should take the place of the current one at once.
bool eevdf_preempts(const struct sched_queue *queue, const struct sched_entity *entity);

// How long the current entity may run until its request is served; 0 if it is.
nsec_t eevdf_time_left(const struct sched_queue *queue);

// Changes the weight of an entity, queued or not; what it is owed in time stays the same.
void eevdf_reweight(struct sched_entity *entity, uint64_t weight);

// The weight of a priority, 0-63: 19 - nice up to 39 (19 is EEVDF_UNIT), each a quarter heavier
// than the one below.
uint64_t eevdf_weight(unsigned priority);
