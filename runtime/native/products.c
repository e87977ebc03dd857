/* Products of rows with a matrix that lies in tiles of LANES of its rows, component by component, in
 * float32 or bfloat16.
 *
 * A vector holds one component of LANES rows of the matrix, so nothing is summed across a vector. The
 * matrix is read once, as fast as memory gives it, for up to ROWS rows at a time; of more rows, the
 * others find its tiles in the processor's caches. Each row is computed by the same operations in the
 * same order whatever rows stand beside it.
 */
#include "common.h"

enum {
    GRAIN = 4,       /* tiles that are one thread's at a time */
    MANY = 64,       /* rows that threads turn together */
    LARGE = 1 << 17, /* entries from which on a second thread is worth waking */
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
} Product;

INLINE vec entries_at(const int is_short, const void *tiles, int64_t at) {
    if (!is_short) return ((const vec *)tiles)[at];
    return (vec)(__builtin_convertvector(((const shorts *)tiles)[at], ints) << 16);
}

/* R rows times the T tiles from `tile` on. */
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

/* The last tile may be wider than what is left of the result. */
INLINE void times_last(const int R, const int is_short, const Product *p, int64_t tile,
                       const float *columns, float *out) {
    float found[ROWS * LANES];
    int64_t n_out = p->n_out, width = n_out - tile * LANES;
    times_tiles(R, 1, is_short, p->tiles, tile, columns, p->n_in, found, LANES);
    for (int r = 0; r < R; r++)
        memcpy(out + tile * LANES + r * n_out, found + r * LANES, sizeof(float) * width);
}

INLINE void times_group(const int R, const int is_short, const Product *p, int64_t first,
                        const float *columns, float *out) {
    const int T = 2 * R <= ROWS ? 4 : 2; /* enough sums under way at once, and all in registers */
    int64_t n_in = p->n_in, n_out = p->n_out, t = first;
    int64_t whole = n_out / LANES, last = least(first + GRAIN, whole);
    for (; t + T <= last; t += T)
        times_tiles(R, T, is_short, p->tiles, t, columns, n_in, out + t * LANES, n_out);
    for (; t < last; t++)
        times_tiles(R, 1, is_short, p->tiles, t, columns, n_in, out + t * LANES, n_out);
    if (t == whole && t < first + GRAIN && n_out % LANES)
        times_last(R, is_short, p, t, columns, out);
}

INLINE void times_rows(const int R, const Product *p, int64_t first, const float *columns,
                       float *out) {
    if (p->is_short)
        times_group(R, 1, p, first, columns, out);
    else
        times_group(R, 0, p, first, columns, out);
}

static void times_all(void *data) {
    Product *p = data;
    int64_t n_tiles = (p->n_out + LANES - 1) / LANES;
    for (int64_t first = take(p, GRAIN); first < n_tiles; first = take(p, GRAIN))
        for (int64_t row = 0; row < p->n; row += ROWS) {
            const float *columns = p->columns + row * p->n_in;
            float *out = p->out + row * p->n_out;
            switch (least(ROWS, p->n - row)) {
            case 1: times_rows(1, p, first, columns, out); break;
            case 2: times_rows(2, p, first, columns, out); break;
            case 3: times_rows(3, p, first, columns, out); break;
            case 4: times_rows(4, p, first, columns, out); break;
#if ROWS_MOST == 8
            case 5: times_rows(5, p, first, columns, out); break;
            case 6: times_rows(6, p, first, columns, out); break;
            case 7: times_rows(7, p, first, columns, out); break;
            case 8: times_rows(8, p, first, columns, out); break;
#endif
            }
        }
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
    Product work = {shared, x, tiles, is_short != 0, columns, out, n, n_in, n_out};
    if (n > 1)
        share_out(turn_blocks, &work, n >= MANY);
    else
        work.columns = (float *)x; /* one row is a column */
    share_out(times_all, &work, n_in * n_out >= LARGE);
}
