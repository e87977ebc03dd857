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
/* A value that is used several times is read from memory once. */
#ifdef __AVX512F__
#define KEEP(x) __asm__("" : "+v"(x))
#else
#define KEEP(x) (void)0
#endif
#define UNROLL _Pragma("GCC unroll 8")

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

INLINE vec choose(ints where, vec yes, vec no) {
    return (vec)((where & (ints)yes) | (~where & (ints)no));
}

INLINE vec all(float x) { return (vec){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }

INLINE vec greater(vec a, vec b) { return choose(a > b, a, b); }

/* 2^x for x <= 0, cut at 2^-126, up to the last digit but one: 2^n 2^r with |r| <= 1/2, and 2^r by
 * the polynomial of degree 6 with the least relative error among those that are 1 at 0. */
INLINE vec power_of_two(vec x) {
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    x = greater(x, all(-126.0f));
    vec shifted = x + shift, r = x - (shifted - shift);
    vec y = r * 1.5353362e-4f + 1.3398875e-3f;
    y = y * r + 9.6184369e-3f;
    y = y * r + 5.5503324e-2f;
    y = y * r + 2.4022648e-1f;
    y = y * r + 6.9314718e-1f;
    y = y * r + 1.0f;
    return (vec)((ints)y + ((ints)shifted << 23)); /* no bit of `shift` is left */
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

/* Runs a function in several threads at once, as GOMP_parallel(function, data, threads, flags) of
 * OpenMP does. */
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
