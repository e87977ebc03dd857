/* Vectors, and sharing work out to threads.
 *
 * Vectors are those of GCC and Clang; a machine with narrower ones gets several per vector.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16 };
#ifdef __AVX512F__
#define ROWS_MOST 8
#else
#define ROWS_MOST 4 /* as many as there are registers for */
#endif
enum { ROWS = ROWS_MOST };

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef float loose __attribute__((vector_size(4 * LANES), aligned(4))); /* anywhere in memory */
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

INLINE vec choose(ints where, vec yes, vec no) {
    return (vec)((where & (ints)yes) | (~where & (ints)no));
}

INLINE vec all(float x) { return (vec){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }

/* exp(x) for x <= 0, cut at the least that float32 has, up to the last digit but one: 2^n e^r with
 * |r| <= ln 2 / 2, and e^r by Taylor's series. */
INLINE vec exponential(vec x) {
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    x = choose(x < -87.0f, all(-87.0f), x);
    vec shifted = x * 1.44269504f + shift;
    vec n = shifted - shift;
    vec r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    vec y = r * (1.0f / 5040) + (1.0f / 720);
    y = y * r + (1.0f / 120);
    y = y * r + (1.0f / 24);
    y = y * r + (1.0f / 6);
    y = y * r + 0.5f;
    y = y * r * r + r + 1.0f;
    ints power = (ints)shifted - 0x4B400000; /* the bits of `shift` */
    return (vec)((ints)y + (power << 23));
}

typedef union {
    vec whole;
    float at[LANES];
} Lanes;

INLINE float sum_of(vec x) {
    Lanes lanes = {x};
    UNROLL for (int n = LANES / 2; n > 0; n /= 2)
        for (int i = 0; i < n; i++) lanes.at[i] += lanes.at[i + n];
    return lanes.at[0];
}

INLINE float largest_of(vec x) {
    Lanes lanes = {x};
    UNROLL for (int n = LANES / 2; n > 0; n /= 2)
        for (int i = 0; i < n; i++)
            if (lanes.at[i + n] > lanes.at[i]) lanes.at[i] = lanes.at[i + n];
    return lanes.at[0];
}

/* A region of OpenMP: GOMP_parallel(function, data, threads, flags). */
typedef void (*Region)(void (*)(void *), void *, unsigned, unsigned);

/* Begins every struct of work that threads share out. */
typedef struct {
    Region region; /* or NULL */
    int64_t n_threads, next;
} Shared;

/* The next n pieces of work are the caller's; returns the first. */
INLINE int64_t take(void *work, int64_t n) {
    return __atomic_fetch_add(&((Shared *)work)->next, n, __ATOMIC_RELAXED);
}

INLINE void share_out(void (*function)(void *), void *work, int many) {
    Shared *shared = work;
    shared->next = 0;
    if (shared->region && shared->n_threads > 1 && many)
        shared->region(function, work, (unsigned)shared->n_threads, 0);
    else
        function(work);
}
