/* Attention over views, one layer of one step. plan.h says what the arrays mean.
 *
 * What one row (a query head of a new token) finds in one chunk of a span is a part: the largest
 * score, the sum of exponentials and the weighted sum of values (FlashAttention-2, arXiv 2307.08691,
 * section 3.1). A chunk is read once for all rows that see it, up to ROWS of them at a time. Each
 * row is computed by the same operations in the same order whatever rows stand beside it.
 *
 * Scores are in units of log2 e, so that weights are powers of two.
 *
 * Keys lie in tiles of LANES slots, component by component, so that one vector holds the same
 * component of LANES keys and scores need no sums across a vector. Values lie slot by slot.
 */
#include "plan.h"

enum { SECOND = 2 }; /* locality of the second cache, for __builtin_prefetch */
enum {
    BLOCK = 512, /* slots whose scores are kept */
    Q_WIDTH = HEAD_DIM_MOST + LANES, /* no power of two, which would crowd one place of a cache */
    SOON = 64,   /* slots of a chunk that are asked for before it is read */
    NEAR = 32,   /* slots whose values stay in the nearest cache */
};

typedef struct {
    Shared shared;
    const Plan *plan;
    float *keys;   /* [n_kv_heads, n_tiles, head_dim, LANES] */
    float *values; /* [n_kv_heads, n_tiles * LANES, padded head_dim] */
    const float *q, *k, *v;
    int64_t q_stride, k_stride, v_stride; /* from token to token */
    float *out;                           /* [n_new, n_heads, head_dim] */
} Call;

INLINE ints lanes_in(int64_t from, int64_t to) {
    const ints lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return (lane >= (int32_t)from) & (lane < (int32_t)to);
}

/* x [head_dim] turned and scaled. */
INLINE void turn(const float *restrict x, const float *restrict rotation, int64_t head_dim,
                 float scale, float *restrict to) {
    int64_t half = head_dim / 2;
    const float *cosine = rotation, *sine = rotation + half;
    for (int64_t i = 0; i < half; i++) {
        float a = x[i], b = x[i + half];
        to[i] = (a * cosine[i] - b * sine[i]) * scale;
        to[i + half] = (b * cosine[i] + a * sine[i]) * scale;
    }
}

/* ------------------------------------------------------------------ one block of a chunk */

/* Scores of R rows with T tiles: q [R, Q_WIDTH], scores [R, BLOCK].
 *
 * R, T and W are known where these functions are inlined, so the sums stay in registers. Left alone
 * the processor reads too little ahead while it computes; so the keys after next are asked for, into
 * the cache behind the nearest one, whose few places for what is on its way are then not in use. */
INLINE void score_tiles(const int R, const int T, const float *keys, const float *q,
                        int64_t head_dim, float *scores) {
    vec sums[8][ROWS];
    UNROLL for (int t = 0; t < T; t++) UNROLL for (int r = 0; r < R; r++) sums[t][r] = (vec){0};
    for (int64_t i = 0; i < head_dim; i++) {
        UNROLL for (int t = 0; t < T; t++) {
            vec key = *(const vec *)(keys + (t * head_dim + i) * LANES);
            __builtin_prefetch(keys + ((t + 2 * T) * head_dim + i) * LANES, 0, SECOND);
            UNROLL for (int r = 0; r < R; r++) sums[t][r] += key * q[r * Q_WIDTH + i];
        }
    }
    UNROLL for (int t = 0; t < T; t++) UNROLL for (int r = 0; r < R; r++)
        *(vec *)(scores + r * BLOCK + t * LANES) = sums[t][r];
}

/* found [R, width] += weights [R, BLOCK] of the slots from `from` to `to` times their values. */
INLINE void add_values(const int R, const int W, const float *values, int64_t width, int64_t from,
                       int64_t to, const float *weights, float *found) {
    for (int64_t begin = 0; begin < width; begin += W * LANES) {
        vec sums[ROWS][4];
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int w = 0; w < W; w++)
            sums[r][w] = *(vec *)(found + r * width + begin + w * LANES);
        for (int64_t j = from; j < to; j++) {
            const float *value = values + j * width + begin;
            UNROLL for (int w = 0; w < W; w++) {
                vec x = *(const vec *)(value + w * LANES);
                KEEP(x);
                UNROLL for (int r = 0; r < R; r++) sums[r][w] += x * weights[r * BLOCK + j];
            }
        }
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int w = 0; w < W; w++)
            *(vec *)(found + r * width + begin + w * LANES) = sums[r][w];
    }
}

/* The scores of one row become weights; returns by how much what was found before shrinks.
 * Lanes from `from` to `to` are seen, those up to `end` get weight 0. Memory has nothing else to do
 * meanwhile, so what lies at `ahead` is asked for, a line per tile. */
INLINE float weigh(float *scores, int64_t from, int64_t to, int64_t end, const float *ahead,
                   float *largest, float *sum) {
    const vec nothing = all(-INFINITY);
    int64_t n_tiles = (to + LANES - 1) / LANES;
    vec most = nothing, sums = {0};
    for (int64_t t = 0; t < n_tiles; t++) {
        vec *at = (vec *)(scores + t * LANES);
        if (t * LANES < from || (t + 1) * LANES > to)
            *at = choose(lanes_in(from - t * LANES, to - t * LANES), *at, nothing);
        most = greater(*at, most);
    }
    float before = *largest, now = largest_of(most);
    now = now > before ? now : before;
    for (int64_t t = 0; t < n_tiles; t++) {
        vec *at = (vec *)(scores + t * LANES);
        vec weight = power_of_two(*at - now);
        __builtin_prefetch(ahead + t * LANES, 0, SECOND);
        if (t * LANES < from || (t + 1) * LANES > to)
            weight = choose(lanes_in(from - t * LANES, to - t * LANES), weight, (vec){0});
        *at = weight;
        sums += weight;
    }
    for (int64_t t = n_tiles; t * LANES < end; t++) *(vec *)(scores + t * LANES) = (vec){0};
    float shrink = before == -INFINITY ? 0 : exp2f(before - now);
    *largest = now;
    *sum = *sum * shrink + sum_of(sums);
    return shrink;
}

/* ------------------------------------------------------------------ rows against a chunk */

typedef struct {
    int64_t n;
    int64_t part[ROWS], head[ROWS], n_seen[ROWS];
    float q[ROWS * Q_WIDTH] __attribute__((aligned(64)));
    float scores[ROWS * BLOCK] __attribute__((aligned(64)));
    float found[ROWS * HEAD_DIM_MOST] __attribute__((aligned(64)));
    float largest[ROWS], sums[ROWS];
} Rows;

/* As many times T tiles as there are; returns how many tiles those are. */
INLINE int64_t score_some(const int R, const int T, const float *keys, const float *q,
                          int64_t head_dim, int64_t n_tiles, float *scores) {
    int64_t t = 0;
    for (; t + T <= n_tiles; t += T)
        score_tiles(R, T, keys + t * head_dim * LANES, q, head_dim, scores + t * LANES);
    return t;
}

/* Several tiles at a time, so that enough sums are under way at once. */
INLINE void score_block(const int R, const float *keys, const float *q, int64_t head_dim,
                        int64_t n_tiles, float *scores) {
    int64_t t = 0;
#define SCORE(T)                                                                          \
    t += score_some(R, T, keys + t * head_dim * LANES, q, head_dim, n_tiles - t, scores + t * LANES)
    if (R == 1) SCORE(8);
    if (R <= 2) SCORE(4);
    SCORE(2);
    SCORE(1);
#undef SCORE
}

INLINE void add_block(const int R, const float *values, int64_t width, int64_t from, int64_t to,
                      const float *weights, float *found) {
    int64_t n_vectors = width / LANES;
    if (n_vectors % 4 == 0) { /* whole lines of memory, half of the rows at a time */
        for (int64_t j = from; j < to; j += NEAR) {
            int64_t end = least(j + NEAR, to);
            add_values(R < 4 ? R : 4, 4, values, width, j, end, weights, found);
            if (R > 4)
                add_values(R - 4, 4, values, width, j, end, weights + 4 * BLOCK,
                           found + 4 * width);
        }
    }
    else if (n_vectors % 2 == 0)
        add_values(R, 2, values, width, from, to, weights, found);
    else
        add_values(R, 1, values, width, from, to, weights, found);
}

/* R rows against keys that begin in lane `lane` of the first tile. */
INLINE void read_rows(const int R, Rows *rows, const float *keys, const float *values,
                      int64_t lane, int64_t head_dim) {
    int64_t width = padded(head_dim), end = 0;
    for (int r = 0; r < R; r++) end = rows->n_seen[r] > end ? rows->n_seen[r] : end;
    end += lane;
    memset(rows->found, 0, sizeof(float) * R * width);
    for (int64_t begin = 0; begin < end; begin += BLOCK) {
        int64_t from = begin ? 0 : lane, to = least(end - begin, BLOCK);
        score_block(R, keys + begin * head_dim, rows->q, head_dim, (to + LANES - 1) / LANES,
                    rows->scores);
        for (int r = 0; r < R; r++) {
            int64_t seen = least(lane + rows->n_seen[r] - begin, BLOCK);
            float shrink = 1;
            if (seen > from)
                shrink = weigh(rows->scores + r * BLOCK, from, seen, to,
                               values + begin * width + r * BLOCK, rows->largest + r,
                               rows->sums + r);
            else
                memset(rows->scores + r * BLOCK, 0, sizeof(float) * BLOCK);
            if (begin && shrink != 1)
                for (int64_t i = 0; i < width; i++) rows->found[r * width + i] *= shrink;
        }
        add_block(R, values + begin * width, width, from, to, rows->scores, rows->found);
    }
}

/* Keys and values of one head in one chunk of a group. */
typedef struct {
    const Group *group;
    int64_t kv_head, begin, n_keys; /* of the chunk in the group */
    int64_t lane;                   /* where it begins in its first tile */
    const float *keys, *values;     /* of that tile */
} Chunk;

static void read_gathered(const Call *call, Rows *rows, const Chunk *chunk) {
    const Plan *plan = call->plan;
    const float *keys = chunk->keys, *values = chunk->values;
    int64_t head_dim = plan->shape.head_dim, width = padded(head_dim), lane = chunk->lane;
    switch (rows->n) {
    case 1: read_rows(1, rows, keys, values, lane, head_dim); break;
    case 2: read_rows(2, rows, keys, values, lane, head_dim); break;
    case 3: read_rows(3, rows, keys, values, lane, head_dim); break;
    case 4: read_rows(4, rows, keys, values, lane, head_dim); break;
#if ROWS_MOST == 8
    case 5: read_rows(5, rows, keys, values, lane, head_dim); break;
    case 6: read_rows(6, rows, keys, values, lane, head_dim); break;
    case 7: read_rows(7, rows, keys, values, lane, head_dim); break;
    case 8: read_rows(8, rows, keys, values, lane, head_dim); break;
#endif
    }
    for (int r = 0; r < rows->n; r++) {
        int64_t to = rows->part[r] * plan->shape.n_heads + rows->head[r];
        memcpy(plan->found + to * width, rows->found + r * width, sizeof(float) * width);
        plan->largest[to] = rows->largest[r];
        plan->sums[to] = rows->sums[r];
    }
    rows->n = 0;
}

/* Piece `i` of the work that threads share out. */
INLINE Chunk chunk_at(const Call *call, int64_t i) {
    const Plan *plan = call->plan;
    const Shape *shape = &plan->shape;
    const Task *task = plan->tasks + i / shape->n_kv_heads;
    const Group *group = plan->groups + task->group;
    int64_t kv_head = i % shape->n_kv_heads, begin = task->chunk * plan->chunk_tokens;
    int64_t slot = group->slot + begin, tile = kv_head * shape->n_tiles + slot / LANES;
    return (Chunk){group, kv_head, begin, least(plan->chunk_tokens, group->n_keys - begin),
                   slot % LANES, call->keys + tile * LANES * shape->head_dim,
                   call->values + tile * LANES * padded(shape->head_dim)};
}

/* Ask for the beginning of a chunk that is read soon. */
INLINE void ask_for(const Chunk *chunk, int64_t head_dim) {
    int64_t n_slots = least(chunk->lane + chunk->n_keys, SOON), width = padded(head_dim);
    int64_t n_tiles = (n_slots + LANES - 1) / LANES;
    for (int64_t i = 0; i < n_tiles * head_dim; i++)
        __builtin_prefetch(chunk->keys + i * LANES, 0, SECOND);
    for (int64_t i = 0; i < n_slots * width; i += LANES)
        __builtin_prefetch(chunk->values + i, 0, SECOND);
}

static void read_chunk(const Call *call, const Chunk *chunk, Rows *rows) {
    const Plan *plan = call->plan;
    const Group *group = chunk->group;
    int64_t head_dim = plan->shape.head_dim, n_shared = plan->shape.n_heads / plan->shape.n_kv_heads;
    int64_t begin = chunk->begin, number = begin / plan->chunk_tokens;
    float scale = (float)M_LOG2E / sqrtf((float)head_dim);
    rows->n = 0;
    for (int64_t i = 0; i < group->n_readings; i++) {
        const Reading *reading = plan->readings + group->reading + i;
        if (reading->n_keys <= begin) continue;
        for (int64_t t = 0; t < reading->n_tokens; t++) {
            int64_t seen = least(reading->n_causal + t, reading->n_keys) - begin;
            int64_t part = reading->part + t * reading->n_parts + number;
            const float *rotation =
                plan->turns + (reading->turn + t) * head_dim;
            for (int64_t g = 0; g < n_shared; g++) {
                int64_t head = chunk->kv_head * n_shared + g, r = rows->n;
                if (seen <= 0) {
                    plan->sums[part * plan->shape.n_heads + head] = 0;
                    continue;
                }
                const float *q = call->q + (reading->token + t) * call->q_stride + head * head_dim;
                turn(q, rotation, head_dim, scale, rows->q + r * Q_WIDTH);
                rows->part[r] = part;
                rows->head[r] = head;
                rows->n_seen[r] = least(seen, chunk->n_keys);
                rows->largest[r] = -INFINITY;
                rows->sums[r] = 0;
                if (++rows->n == ROWS) read_gathered(call, rows, chunk);
            }
        }
    }
    if (rows->n) read_gathered(call, rows, chunk);
}

/* ------------------------------------------------------------------ what threads share out */

/* A key [head_dim] to its lane of a tile. */
INLINE void put_key(const float *key, int64_t head_dim, float *lane) {
    for (int64_t c = 0; c < head_dim; c++) lane[c * LANES] = key[c];
}

/* Write the new keys and values. */
static void write_new(void *data) {
    Call *call = data;
    const Plan *plan = call->plan;
    int64_t head_dim = plan->shape.head_dim, width = padded(head_dim);
    float key[HEAD_DIM_MOST];
    for (int64_t t = take(call, 1); t < plan->n_new; t = take(call, 1)) {
        int64_t slot = plan->new_slots[t];
        const float *rotation = plan->new_turns + t * head_dim;
        for (int64_t h = 0; h < plan->shape.n_kv_heads; h++) {
            int64_t tile = h * plan->shape.n_tiles + slot / LANES;
            turn(call->k + t * call->k_stride + h * head_dim, rotation, head_dim, 1, key);
            put_key(key, head_dim, call->keys + tile * LANES * head_dim + slot % LANES);
            memcpy(call->values + (tile * LANES + slot % LANES) * width,
                   call->v + t * call->v_stride + h * head_dim, sizeof(float) * head_dim);
        }
    }
}

/* Read all chunks. */
static void read_all(void *data) {
    Call *call = data;
    const Plan *plan = call->plan;
    int64_t n = plan->n_tasks * plan->shape.n_kv_heads;
    Rows rows;
    for (int64_t i = take(call, 1); i < n; i = take(call, 1)) {
        Chunk chunk = chunk_at(call, i), next = chunk_at(call, least(i + 1, n - 1));
        ask_for(&next, plan->shape.head_dim);
        read_chunk(call, &chunk, &rows);
    }
}

/* Merge the parts of each new token. Each head of it sees itself, so one sum is not 0. */
static void merge_all(void *data) {
    Call *call = data;
    const Plan *plan = call->plan;
    int64_t n_heads = plan->shape.n_heads, head_dim = plan->shape.head_dim, width = padded(head_dim);
    for (int64_t t = take(call, 1); t < plan->n_new; t = take(call, 1)) {
        int64_t first = plan->part_starts[t], last = plan->part_starts[t + 1];
        for (int64_t h = 0; h < n_heads; h++) {
            float *out = call->out + (t * n_heads + h) * head_dim;
            float largest = -INFINITY, sum = 0;
            for (int64_t p = first; p < last; p++)
                if (plan->sums[p * n_heads + h] > 0 && plan->largest[p * n_heads + h] > largest)
                    largest = plan->largest[p * n_heads + h];
            for (int64_t i = 0; i < head_dim; i++) out[i] = 0;
            for (int64_t p = first; p < last; p++) {
                int64_t at = p * n_heads + h;
                if (!(plan->sums[at] > 0)) continue;
                float share = exp2f(plan->largest[at] - largest);
                sum += share * plan->sums[at];
                const float *found = plan->found + at * width;
                for (int64_t i = 0; i < head_dim; i++) out[i] += share * found[i];
            }
            for (int64_t i = 0; i < head_dim; i++) out[i] /= sum;
        }
    }
}

void attend(const Plan *plan, float *keys, float *values, const float *q, int64_t q_stride,
            const float *k, int64_t k_stride, const float *v, int64_t v_stride, float *out) {
    Shared shared = {plan->region, plan->n_threads, 0};
    Call call = {shared,   plan,     keys,     values, q,  k,
                 v,        q_stride, k_stride, v_stride, out};
    int many = plan->n_new >= 32;
    share_out(write_new, &call, many);
    share_out(read_all, &call, 1);
    share_out(merge_all, &call, many);
}

/* Copy keys and values of n slots of all layers to other slots, keys turned for `distances` [n]
 * positions more. They carry the scaling of cosines and sines already. No target is a source. */
void move(const Shape *shape, float *const *keys, float *const *values, int64_t n_layers,
          const int64_t *sources, const int64_t *targets, const int64_t *distances, int64_t n) {
    int64_t head_dim = shape->head_dim, width = padded(head_dim);
    float key[HEAD_DIM_MOST], turned[HEAD_DIM_MOST], turned_by[HEAD_DIM_MOST];
    for (int64_t i = 0; i < n; i++) {
        if (!i || distances[i] != distances[i - 1])
            turn_of(shape->frequencies, head_dim, distances[i], 1, turned_by);
        for (int64_t at = 0; at < n_layers * shape->n_kv_heads; at++) {
            int64_t layer = at / shape->n_kv_heads;
            int64_t first = at % shape->n_kv_heads * shape->n_tiles * LANES;
            int64_t from = first + sources[i], to = first + targets[i];
            const float *lane = keys[layer] + from / LANES * LANES * head_dim + from % LANES;
            for (int64_t c = 0; c < head_dim; c++) key[c] = lane[c * LANES];
            turn(key, turned_by, head_dim, 1, turned);
            put_key(turned, head_dim, keys[layer] + to / LANES * LANES * head_dim + to % LANES);
            memcpy(values[layer] + to * width, values[layer] + from * width,
                   sizeof(float) * width);
        }
    }
}
