/* Products of rows with a matrix that lies in tiles of LANES of its rows, component by component, in
 * float32 or bfloat16.
 *
 * A vector holds one component of LANES rows of the matrix, so nothing is summed across a vector. The
 * matrix is read once, as fast as memory gives it, for up to ROWS rows at a time; of more rows, the
 * others find its tiles in the processor's caches. Each row is computed by the same operations in the
 * same order whatever rows stand beside it.
 */
#include <stdlib.h>

#include "common.h"

enum {
    GRAIN = 4,       /* tiles that are one thread's at a time, if there are few rows */
    GRAIN_MANY = 2,  /* and if there are many */
    MANY = 64,       /* rows that threads turn together */
    LARGE = 1 << 17, /* entries from which on a second thread is worth it to read them */
    HEAVY = 1 << 18, /* products from which on it is worth it to compute them */
};

typedef uint16_t shorts __attribute__((vector_size(2 * LANES)));

typedef struct {
    Shared shared;
    const float *x;
    const void *tiles;
    int is_short; /* entries are bfloat16: the upper half of a float32 */
    float *columns; /* x by blocks of ROWS rows, in each component by component */
    float *out;
    int64_t n, n_in, n_out;
    int64_t grain;
} Product;

/* Room for n numbers; NULL if there is none, and then it is done without. */
static vec *room(int64_t n) {
    int64_t n_bytes = n * sizeof(float);
    return aligned_alloc(sizeof(vec), (n_bytes + sizeof(vec) - 1) / sizeof(vec) * sizeof(vec));
}

INLINE vec entries_at(const int is_short, const void *tiles, int64_t at) {
    if (!is_short) return ((const vec *)tiles)[at];
    return (vec)(__builtin_convertvector(((const shorts *)tiles)[at], ints) << 16);
}

/* R rows times T tiles, from the one that `tiles` has as its number `tile` on. */
INLINE void times_tiles(const int R, const int T, const int is_short, const void *tiles,
                        int64_t tile, const float *columns, int64_t n_in, float *out,
                        int64_t n_out) {
    vec sums[4][ROWS];
    UNROLL for (int t = 0; t < T; t++) UNROLL for (int r = 0; r < R; r++) sums[t][r] = (vec){0};
    for (int64_t i = 0; i < n_in; i++) {
        UNROLL for (int t = 0; t < T; t++) {
            vec entries = entries_at(is_short, tiles, (tile + t) * n_in + i);
            UNROLL for (int r = 0; r < R; r++) sums[t][r] += entries * columns[i * R + r];
        }
    }
    UNROLL for (int t = 0; t < T; t++) UNROLL for (int r = 0; r < R; r++)
        *(loose *)(out + r * n_out + t * LANES) = sums[t][r];
}

/* Some tiles of the matrix, one after the other. */
typedef struct {
    const void *tiles;
    int is_short;
    int64_t first, n; /* number of the first one, and how many there are */
} Group;

/* The last tile may be wider than what is left of the result. */
INLINE void times_last(const int R, const int is_short, const Product *p, const Group *group,
                       int64_t tile, const float *columns, float *out) {
    float found[ROWS * LANES];
    int64_t n_out = p->n_out, width = n_out - tile * LANES;
    times_tiles(R, 1, is_short, group->tiles, tile - group->first, columns, p->n_in, found, LANES);
    for (int r = 0; r < R; r++)
        memcpy(out + tile * LANES + r * n_out, found + r * LANES, sizeof(float) * width);
}

INLINE void times_group(const int R, const int is_short, const Product *p, const Group *group,
                        const float *columns, float *out) {
    const int T = 2 * R <= ROWS ? 4 : 2; /* enough sums under way at once, all in registers */
    int64_t n_in = p->n_in, n_out = p->n_out, first = group->first, t = first;
    int64_t whole = n_out / LANES, last = least(first + group->n, whole);
    for (; t + T <= last; t += T)
        times_tiles(R, T, is_short, group->tiles, t - first, columns, n_in, out + t * LANES,
                    n_out);
    for (; t < last; t++)
        times_tiles(R, 1, is_short, group->tiles, t - first, columns, n_in, out + t * LANES,
                    n_out);
    if (t == whole && t < first + group->n && n_out % LANES)
        times_last(R, is_short, p, group, t, columns, out);
}

INLINE void times_rows(const int R, const Product *p, const Group *group, const float *columns,
                       float *out) {
    if (group->is_short)
        times_group(R, 1, p, group, columns, out);
    else
        times_group(R, 0, p, group, columns, out);
}

static void times_blocks(const Product *p, const Group *group) {
    for (int64_t row = 0; row < p->n; row += ROWS) {
        const float *columns = p->columns + row * p->n_in;
        float *out = p->out + row * p->n_out;
        switch (least(ROWS, p->n - row)) {
        case 1: times_rows(1, p, group, columns, out); break;
        case 2: times_rows(2, p, group, columns, out); break;
        case 3: times_rows(3, p, group, columns, out); break;
        case 4: times_rows(4, p, group, columns, out); break;
#if ROWS_MOST == 8
        case 5: times_rows(5, p, group, columns, out); break;
        case 6: times_rows(6, p, group, columns, out); break;
        case 7: times_rows(7, p, group, columns, out); break;
        case 8: times_rows(8, p, group, columns, out); break;
#endif
        }
    }
}

static void times_all(void *data) {
    Product *p = data;
    int64_t n_tiles = (p->n_out + LANES - 1) / LANES, tile_bytes = p->n_in * LANES;
    tile_bytes *= p->is_short ? sizeof(uint16_t) : sizeof(float);
    /* Entries that many rows are multiplied by are made float32 once for all of them. */
    vec *wide = p->is_short && p->n > ROWS ? room(p->grain * p->n_in * LANES) : NULL;
    for (int64_t first = take(p, p->grain); first < n_tiles; first = take(p, p->grain)) {
        int64_t n = least(p->grain, n_tiles - first);
        Group group = {(const char *)p->tiles + first * tile_bytes, p->is_short, first, n};
        if (wide) {
            for (int64_t i = 0; i < n * p->n_in; i++) wide[i] = entries_at(1, group.tiles, i);
            group.tiles = wide;
            group.is_short = 0;
        }
        times_blocks(p, &group);
    }
    free(wide);
}

/* Turn blocks of rows into columns. */
static void turn_blocks(void *data) {
    Product *p = data;
    int64_t n_in = p->n_in;
    for (int64_t row = take(p, ROWS); row < p->n; row = take(p, ROWS)) {
        int64_t n = least(ROWS, p->n - row);
        const float *x = p->x + row * n_in;
        float *columns = p->columns + row * n_in;
        for (int64_t i = 0; i < n_in; i++)
            for (int64_t r = 0; r < n; r++) columns[i * n + r] = x[r * n_in + i];
    }
}

/* x [n, n_in] times a matrix [n_out, n_in] -> out [n, n_out]; columns: room for n * n_in. */
void product(const float *x, const void *tiles, int64_t is_short, float *columns, float *out,
             int64_t n, int64_t n_in, int64_t n_out, Region region, int64_t n_threads) {
    Shared shared = {region, n_threads, 0};
    Product work = {shared, x,    tiles, is_short != 0, columns, out, n, n_in, n_out,
                    n > ROWS ? GRAIN_MANY : GRAIN};
    if (n > 1)
        share_out(turn_blocks, &work, n >= MANY);
    else
        work.columns = (float *)x; /* one row is a column */
    share_out(times_all, &work, n_in * n_out >= LARGE || n * n_in * n_out >= HEAVY);
}
