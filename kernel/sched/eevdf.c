// SPDX-License-Identifier: MIT
// eevdf.c - earliest eligible virtual deadline first.
//
// All virtual times wrap, so they are compared by their signed difference. The queue keeps
// sum = S (v - zero) * w and moves zero to V after each change: then products stay near
// slice * EEVDF_UNIT for each entity, far from 64 bits for any number of threads that fits memory.
#include "kernel/sched/eevdf.h"

#include "lib/base/assert.h"

#define LONGEST_RUN_NS (UINT64_C(1) << 40) // of one charge; a longer one met no competitor

static struct sched_entity *entity_of(const struct rb_node *node)
{
    return rb_entry(node, struct sched_entity, node);
}

static bool before(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}

static bool eligible(const struct sched_queue *queue, uint64_t vruntime)
{
    return !before(queue->zero, vruntime);
}

// Rounds down, also below zero.
static int64_t divide_down(int64_t value, int64_t divisor)
{
    int64_t quotient = value / divisor;

    return quotient - (value % divisor < 0 ? 1 : 0);
}

// Nanoseconds to virtual time of this weight.
static int64_t to_virtual(nsec_t time_ns, uint64_t weight)
{
    return (int64_t)(likely(weight == EEVDF_UNIT) ? time_ns : (time_ns << EEVDF_SHIFT) / weight);
}

static void augment(struct rb_node *node)
{
    struct sched_entity *entity = entity_of(node);
    uint64_t least = entity->vruntime;

    if (node->left != NULL && before(entity_of(node->left)->min_vruntime, least))
        least = entity_of(node->left)->min_vruntime;
    if (node->right != NULL && before(entity_of(node->right)->min_vruntime, least))
        least = entity_of(node->right)->min_vruntime;
    entity->min_vruntime = least;
}

// Most queues hold one entity beside the current one: then the tree is its black root, and needs no
// balancing.
static void tree_insert(struct sched_queue *queue, struct sched_entity *entity)
{
    struct rb_node **place = &queue->tree.top;
    struct rb_node *parent = NULL;

    if (*place == NULL) {
        entity->node = (struct rb_node){ 0 };
        entity->min_vruntime = entity->vruntime;
        *place = &entity->node;
        return;
    }
    while (*place != NULL) {
        parent = *place;
        place =
            before(entity->deadline, entity_of(parent)->deadline) ? &parent->left : &parent->right;
    }
    rb_link(&entity->node, parent, place);
    entity->min_vruntime = entity->vruntime;
    rb_insert(&queue->tree, &entity->node, augment);
}

static void tree_remove(struct sched_queue *queue, struct sched_entity *entity)
{
    struct rb_node *node = &entity->node;

    if (queue->tree.top == node && node->left == NULL && node->right == NULL)
        queue->tree.top = NULL;
    else
        rb_remove(&queue->tree, node, augment);
}

// Moves zero to V.
static void normalise(struct sched_queue *queue)
{
    int64_t moved;

    if (queue->weight == 0) {
        queue->sum = 0;
        return;
    }
    if (queue->sum >= 0 && (uint64_t)queue->sum < queue->weight)
        return;
    moved = divide_down(queue->sum, (int64_t)queue->weight);
    queue->zero += (uint64_t)moved;
    queue->sum -= moved * (int64_t)queue->weight;
}

static void sum_add(struct sched_queue *queue, const struct sched_entity *entity)
{
    queue->sum += (int64_t)(entity->vruntime - queue->zero) * (int64_t)entity->weight;
    queue->weight += entity->weight;
}

static void sum_remove(struct sched_queue *queue, const struct sched_entity *entity)
{
    queue->sum -= (int64_t)(entity->vruntime - queue->zero) * (int64_t)entity->weight;
    queue->weight -= entity->weight;
}

static void new_request(const struct sched_queue *queue, struct sched_entity *entity)
{
    nsec_t slice = EEVDF_SLICE_NS;

    if (queue->count > EEVDF_ROUND_NS / EEVDF_SLICE_NS)
        slice = MAX(EEVDF_ROUND_NS / queue->count, EEVDF_SLICE_LEAST_NS);
    entity->deadline = entity->vruntime + (uint64_t)to_virtual(slice, entity->weight);
}

void eevdf_queue_init(struct sched_queue *queue, struct sched_entity *owner, unsigned depth)
{
    *queue = (struct sched_queue){ .owner = owner, .depth = depth };
}

void eevdf_entity_init(struct sched_entity *entity, uint64_t weight, struct sched_queue *inner)
{
    *entity = (struct sched_entity){ .weight = weight, .inner = inner };
}

// The lag that an entity comes back with. What it owed is paid by the virtual time that passed
// meanwhile.
static int64_t lag_now(const struct sched_queue *queue, const struct sched_entity *entity)
{
    int64_t lag = entity->lag;

    if (lag < 0 && entity->queue == queue)
        lag = MIN(lag + MAX((int64_t)(queue->zero - entity->left_at), INT64_C(0)), INT64_C(0));
    return lag;
}

void eevdf_enqueue(struct sched_queue *queue, struct sched_entity *entity)
{
    int64_t lag = lag_now(queue, entity);

    assert(!entity->queued);
    // Joining moves V towards the newcomer, so it is placed further off: then V - vruntime is lag
    // again.
    if (queue->weight == 0)
        lag = 0;
    else if (lag != 0)
        lag += lag * (int64_t)entity->weight / (int64_t)queue->weight;
    entity->vruntime = queue->zero - (uint64_t)lag;
    entity->queue = queue;
    entity->queued = true;
    entity->spent = false;
    queue->count++;
    sum_add(queue, entity);
    normalise(queue);
    new_request(queue, entity);
    tree_insert(queue, entity);
}

static int64_t bounded_lag(int64_t lag, uint64_t weight)
{
    int64_t scaled =
        lag * (int64_t)weight; // in time, shifted: so that the usual case needs no division

    if (scaled > (int64_t)(EEVDF_OWED_LIMIT_NS << EEVDF_SHIFT))
        return to_virtual(EEVDF_OWED_LIMIT_NS, weight);
    if (scaled < -(int64_t)(EEVDF_OWING_LIMIT_NS << EEVDF_SHIFT))
        return -to_virtual(EEVDF_OWING_LIMIT_NS, weight);
    return lag;
}

void eevdf_dequeue(struct sched_queue *queue, struct sched_entity *entity)
{
    assert(entity->queued && entity->queue == queue);
    entity->lag = bounded_lag((int64_t)(queue->zero - entity->vruntime), entity->weight);
    entity->left_at = queue->zero;
    if (queue->current == entity)
        queue->current = NULL;
    else
        tree_remove(queue, entity);
    entity->queued = false;
    queue->count--;
    sum_remove(queue, entity);
    normalise(queue);
}

// The virtual time that entity gets for running so long; what is lost in the division is kept for
// the next time.
static uint64_t earned(struct sched_entity *entity, nsec_t ran_ns)
{
    uint64_t scaled;

    ran_ns = MIN(ran_ns, LONGEST_RUN_NS);
    if (likely(entity->weight == EEVDF_UNIT))
        return ran_ns;
    scaled = (ran_ns << EEVDF_SHIFT) + entity->remainder;
    entity->remainder = scaled % entity->weight;
    return scaled / entity->weight;
}

void eevdf_charge(struct sched_queue *queue, nsec_t ran_ns)
{
    struct sched_entity *entity = queue->current;
    uint64_t moved = earned(entity, ran_ns);

    entity->vruntime += moved;
    if (queue->count == 1) {
        queue->zero = entity->vruntime;
    } else {
        queue->sum += (int64_t)(moved * entity->weight);
        normalise(queue);
    }
    if (!before(entity->vruntime, entity->deadline)) {
        new_request(queue, entity);
        entity->spent = true;
    }
}

// The first entity of the tree, by deadline, that is eligible. A subtree holds one exactly if its
// least vruntime is not past V.
static struct sched_entity *first_eligible(const struct sched_queue *queue)
{
    struct rb_node *node = queue->tree.top;

    while (node != NULL) {
        if (node->left != NULL && eligible(queue, entity_of(node->left)->min_vruntime))
            node = node->left;
        else if (eligible(queue, entity_of(node)->vruntime))
            return entity_of(node);
        else
            node = node->right;
    }
    return NULL;
}

// The entity of the tree with the least vruntime.
static struct sched_entity *most_owed(const struct sched_queue *queue)
{
    struct rb_node *node = queue->tree.top;

    while (node != NULL) {
        uint64_t least = entity_of(node)->min_vruntime;

        if (entity_of(node)->vruntime == least)
            return entity_of(node);
        node = node->left != NULL && entity_of(node->left)->min_vruntime == least ? node->left
                                                                                  : node->right;
    }
    return NULL;
}

struct sched_entity *eevdf_pick(const struct sched_queue *queue)
{
    struct sched_entity *current = queue->current;
    struct sched_entity *candidate = first_eligible(queue);

    if (current == NULL)
        return candidate != NULL ? candidate : most_owed(queue);
    if (candidate == NULL)
        return current;
    // A current one that is within its request goes on unless somebody's deadline is earlier,
    // though it is past V as soon as it has run at all.
    if (!before(candidate->deadline, current->deadline) &&
        (!current->spent || eligible(queue, current->vruntime)))
        return current;
    return candidate;
}

struct sched_entity *eevdf_pick_other(const struct sched_queue *queue)
{
    struct sched_entity *candidate = first_eligible(queue);

    if (candidate == NULL)
        candidate = most_owed(queue);
    return candidate != NULL ? candidate : queue->current;
}

void eevdf_set_current(struct sched_queue *queue, struct sched_entity *entity)
{
    entity->spent = false;
    if (queue->current == entity)
        return;
    tree_remove(queue, entity);
    if (queue->current != NULL)
        tree_insert(queue, queue->current);
    queue->current = entity;
}

void eevdf_yield(struct sched_queue *queue)
{
    struct sched_entity *entity = queue->current;

    if (before(entity->vruntime, queue->zero)) {
        sum_remove(queue, entity);
        entity->vruntime = queue->zero;
        sum_add(queue, entity);
        normalise(queue);
    }
    new_request(queue, entity);
    entity->spent = true;
}

bool eevdf_preempts(const struct sched_queue *queue, const struct sched_entity *entity)
{
    const struct sched_entity *current = queue->current;

    if (current == NULL)
        return true;
    return entity != current && eligible(queue, entity->vruntime) &&
           before(entity->deadline, current->deadline);
}

nsec_t eevdf_time_left(const struct sched_queue *queue)
{
    const struct sched_entity *entity = queue->current;
    int64_t left = (int64_t)(entity->deadline - entity->vruntime);

    if (left <= 0)
        return 0;
    // Rounded up: a look just before the deadline would find nothing to do.
    return ((uint64_t)left * entity->weight - entity->remainder + EEVDF_UNIT - 1) >> EEVDF_SHIFT;
}

// A virtual distance at the old weight, at the new one.
static uint64_t rescale(int64_t distance, uint64_t from, uint64_t to)
{
    return (uint64_t)(distance * (int64_t)from / (int64_t)to);
}

void eevdf_reweight(struct sched_entity *entity, uint64_t weight)
{
    struct sched_queue *queue = entity->queue;
    uint64_t old = entity->weight;
    uint64_t deadline;

    if (weight == old)
        return;
    if (!entity->queued) {
        entity->lag = (int64_t)rescale(entity->lag, old, weight);
        entity->weight = weight;
        return;
    }
    if (queue->current != entity)
        tree_remove(queue, entity);
    sum_remove(queue, entity);
    deadline = rescale((int64_t)(entity->deadline - entity->vruntime), old, weight);
    entity->vruntime =
        queue->zero - rescale((int64_t)(queue->zero - entity->vruntime), old, weight);
    entity->deadline = entity->vruntime + deadline;
    entity->weight = weight;
    entity->remainder = 0;
    sum_add(queue, entity);
    normalise(queue);
    if (queue->current != entity)
        tree_insert(queue, entity);
}

// Linux's table for nice 19 to -20, so that programs tuned for it find the same shares.
static const uint32_t nice_weights[40] = {
    15,    18,    23,    29,    36,    45,    56,    70,    87,    110,   //
    137,   172,   215,   272,   335,   423,   526,   655,   820,   1024,  //
    1277,  1586,  1991,  2501,  3121,  3906,  4904,  6100,  7620,  9548,  //
    11916, 14949, 18705, 23254, 29154, 36291, 46273, 56483, 71755, 88761, //
};

uint64_t eevdf_weight(unsigned priority)
{
    uint64_t weight = (uint64_t)nice_weights[MIN(priority, 39U)] << (EEVDF_SHIFT - 10);

    for (unsigned level = 39; level < priority; level++)
        weight += weight / 4;
    return weight;
}
