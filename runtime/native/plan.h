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
} Shape;

typedef struct {
    Shape shape;
    Region region; /* of n_threads, or NULL */
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

typedef double wide __attribute__((vector_size(64)));
typedef int64_t longs __attribute__((vector_size(64)));
enum { WIDE = 8 };

INLINE wide pick(longs where, wide yes, wide no) {
    return (wide)((where & (longs)yes) | (~where & (longs)no));
}

/* Cosines and sines, far more exact than float32, of angles below 1e8: the angle is cut to +-pi/4
 * around a multiple of pi/2, which is taken off in three pieces so that no bit is lost, and the rest
 * is Taylor's series. */
INLINE void cos_sin(wide angle, wide *cosine, wide *sine) {
    const double shift = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer */
    wide shifted = angle * 0.63661977236758134 + shift, n = shifted - shift;
    wide x = angle - n * 1.57079632673412561417;
    x = x - n * 6.07710050630396597660e-11;
    x = x - n * 2.02226624879595063154e-21;
    wide z = x * x;
    wide s = z * (1.0 / 6227020800) - (1.0 / 39916800);
    s = s * z + (1.0 / 362880);
    s = s * z - (1.0 / 5040);
    s = s * z + (1.0 / 120);
    s = s * z - (1.0 / 6);
    s = s * z * x + x;
    wide c = z * (1.0 / 479001600) - (1.0 / 3628800);
    c = c * z + (1.0 / 40320);
    c = c * z - (1.0 / 720);
    c = c * z + (1.0 / 24);
    c = c * z - 0.5;
    c = c * z + 1.0;
    longs quarters = (longs)shifted; /* its lowest bits count them */
    longs is_odd = -(quarters & 1), sine_sign = (quarters & 2) << 62;
    longs cosine_sign = ((quarters + 1) & 2) << 62;
    *sine = (wide)((longs)pick(is_odd, c, s) ^ sine_sign);
    *cosine = (wide)((longs)pick(is_odd, s, c) ^ cosine_sign);
}

/* What turns a pair of components for a position: half cosines, half sines. */
INLINE void turn_of(const double *frequencies, int64_t head_dim, int64_t position, double scaling,
                    float *turn) {
    int64_t half = head_dim / 2;
    for (int64_t c = 0; c < half; c += WIDE) {
        int64_t n = least(WIDE, half - c);
        double angles[WIDE] = {0}, cosines[WIDE], sines[WIDE];
        for (int64_t i = 0; i < n; i++) angles[i] = (double)position * frequencies[c + i];
        wide angle, cosine, sine;
        memcpy(&angle, angles, sizeof(wide));
        cos_sin(angle, &cosine, &sine);
        memcpy(cosines, &cosine, sizeof(wide));
        memcpy(sines, &sine, sizeof(wide));
        for (int64_t i = 0; i < n; i++) {
            turn[c + i] = (float)(cosines[i] * scaling);
            turn[half + c + i] = (float)(sines[i] * scaling);
        }
    }
}
