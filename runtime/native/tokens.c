/* What a layer computes of each token by itself besides its products: norms and the gate. */
#include "common.h"

enum { MANY = 1 << 15 }; /* numbers from which on threads are worth it */

typedef struct {
    Shared shared;
    float *x;
    const float *added, *weight;
    float *out;
    int64_t n_tokens, n_heads, width, stride; /* of x, from token to token */
    float eps;
} Norm;

/* RMS norm (arXiv 1910.07467) of x + added, which is left in x; added may be NULL. */
INLINE void norm_one(float *x, const float *added, const float *weight, float *out, int64_t width,
                     float eps) {
    vec squares = {0};
    int64_t i = 0;
    float sum = 0;
    if (added)
        for (int64_t j = 0; j < width; j++) x[j] += added[j];
    for (; i + LANES <= width; i += LANES) {
        vec at = *(loose *)(x + i);
        squares += at * at;
    }
    for (; i < width; i++) sum += x[i] * x[i];
    float scale = 1 / sqrtf((sum + sum_of(squares)) / width + eps);
    for (int64_t j = 0; j < width; j++) out[j] = x[j] * scale * weight[j];
}

static void norm_all(void *data) {
    const Norm *norm = data;
    int64_t n_heads = norm->n_heads, width = norm->width;
    for (int64_t t = take(data, 1); t < norm->n_tokens; t = take(data, 1))
        for (int64_t h = 0; h < n_heads; h++) {
            int64_t at = (t * n_heads + h) * width;
            norm_one(norm->x + t * norm->stride + h * width,
                     norm->added ? norm->added + at : 0, norm->weight + h * width,
                     norm->out + at, width, norm->eps);
        }
}

/* x [n_tokens, n_heads, width], weight [n_heads, width]; out and added lie densely. */
void norm(float *x, int64_t stride, const float *added, const float *weight, float *out,
          int64_t n_tokens, int64_t n_heads, int64_t width, float eps, Region region,
          int64_t n_threads) {
    Norm work = {{region, n_threads, 0}, x, added, weight, out, n_tokens, n_heads, width, stride,
                 eps};
    share_out(norm_all, &work, n_tokens * n_heads * width >= MANY);
}

typedef struct {
    Shared shared;
    const float *gate_up;
    float *out;
    int64_t n_tokens, width;
} Gate;

static void gate_all(void *data) {
    const Gate *gate = data;
    int64_t width = gate->width;
    for (int64_t t = take(data, 1); t < gate->n_tokens; t = take(data, 1)) {
        const float *x = gate->gate_up + 2 * t * width, *up = x + width;
        float *out = gate->out + t * width;
        int64_t i = 0;
        for (; i + LANES <= width; i += LANES) {
            vec at = *(loose *)(x + i);
            *(loose *)(out + i) = at / (exponential(-at) + 1.0f) * *(loose *)(up + i);
        }
        for (; i < width; i++) out[i] = x[i] / (1 + expf(-x[i])) * up[i];
    }
}

/* SwiGLU (arXiv 2002.05202): gate_up [n_tokens, 2 * width], gate before up -> [n_tokens, width] */
void gated(const float *gate_up, float *out, int64_t n_tokens, int64_t width, Region region,
           int64_t n_threads) {
    Gate work = {{region, n_threads, 0}, gate_up, out, n_tokens, width};
    share_out(gate_all, &work, n_tokens * width >= MANY);
}
