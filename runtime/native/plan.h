/* What attention is told of a step: see planning.c. */
#include "common.h"

enum { HEAD_DIM_MOST = 512 };

typedef struct {
    int64_t token;    /* the first new token of the row */
    int64_t n_tokens; /* and how many there are */
    int64_t n_causal; /* keys of the span up to the place of the first one */
    int64_t n_keys;   /* keys of the span that the row's view has */
    int64_t turn;     /* its rotation; those of the others follow */
    int64_t part;     /* its part of the first chunk; parts of one token are neighbours */
    int64_t n_parts;  /* of one token */
} Reading;

typedef struct {
    int64_t slot; /* where the span begins */
    int64_t n_keys;
    int64_t reading; /* the first of those that see it */
    int64_t n_readings;
} Group;

typedef struct {
    int64_t group, chunk;
} Task;

typedef struct {
    int64_t n_heads, n_kv_heads, head_dim;
    int64_t n_tiles;    /* of the cache, per head */
    const double *frequencies; /* [head_dim / 2], radians per position */
    double scaling;     /* of cosines and sines */
    Region region;
} Shape;

typedef struct {
    Shape shape;
    int64_t n_threads, chunk_tokens;
    int64_t n_new, n_parts, n_readings, n_groups, n_tasks;
    Reading *readings; /* group after group */
    Group *groups;
    Task *tasks;
    int64_t *part_starts; /* [n_new + 1], the first part of each new token */
    int64_t *new_slots;   /* [n_new] */
    float *new_turns;     /* [n_new, head_dim]: half cosines, half sines */
    float *turns;         /* the same, per reading and token of it */
    float *found;         /* [n_parts, n_heads, padded head_dim] */
    float *largest, *sums; /* [n_parts, n_heads] */
} Plan;

INLINE int64_t padded(int64_t head_dim) { return (head_dim + LANES - 1) / LANES * LANES; }
