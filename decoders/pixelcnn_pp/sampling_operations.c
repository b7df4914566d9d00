/* The operations of the cached sampler for a row or a pixel, run in sequence.
 *
 * All are float32, on `groups` of `rows` vectors of features. Vectors are `stride` numbers apart, groups `group`
 * numbers. Nothing is allocated, and there is one thread: the operations of a pixel take one or two microseconds, less
 * than threads need to synchronise.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "exponentials.h"

#define LANES 16
#define PANEL 64 /* contiguous columns of the weights: four registers of the widest processors */
#define TILE 6   /* vectors at once: four registers each and one of weights fill the register file */

typedef float Vector __attribute__((vector_size(4 * LANES), aligned(4)));

enum { PRODUCT, CONCAT_ELU, ELU, GATE, DRAW };

typedef struct {
    int64_t kind, groups, rows, inputs, outputs;
    const float *known, *x, *weight;
    float *out;
    int64_t known_stride, x_stride, out_stride, known_group, x_group, out_group;
    float middle, top;
} Operation;

/* ---- out = known + x weight; weights in panels, the columns of each input contiguous ---- */

INLINE Vector read_lanes(const float *p, int64_t count) {
    Vector v = {0};
    if (count >= LANES) return *(const Vector *)p;
    if (count > 0) memcpy(&v, p, count * sizeof(float));
    return v;
}

INLINE void write_lanes(float *p, Vector v, int64_t count) {
    if (count >= LANES)
        *(Vector *)p = v;
    else if (count > 0)
        memcpy(p, &v, count * sizeof(float));
}

INLINE void tile(const Operation *o, const float *panel, int64_t row, int64_t column, const int rows,
                 const int vectors) {
    Vector sum[TILE][PANEL / LANES];
    const float *x = o->x + row * o->x_stride;
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++)
            sum[i][v] = read_lanes(o->known + (row + i) * o->known_stride + column + v * LANES,
                                   o->outputs - column - v * LANES);
    for (int64_t k = 0; k < o->inputs; k++, panel += vectors * LANES)
        for (int v = 0; v < vectors; v++) {
            Vector w = *(const Vector *)(panel + v * LANES);
            for (int i = 0; i < rows; i++) sum[i][v] += x[i * o->x_stride + k] * w;
        }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++)
            write_lanes(o->out + (row + i) * o->out_stride + column + v * LANES, sum[i][v],
                        o->outputs - column - v * LANES);
}

INLINE void tiles(const Operation *o, const float *panel, int64_t column, const int vectors) {
    int64_t row = 0;
    for (; row + TILE <= o->rows; row += TILE) tile(o, panel, row, column, TILE, vectors);
    switch (o->rows - row) {
        case 5: tile(o, panel, row, column, 5, vectors); break;
        case 4: tile(o, panel, row, column, 4, vectors); break;
        case 3: tile(o, panel, row, column, 3, vectors); break;
        case 2: tile(o, panel, row, column, 2, vectors); break;
        case 1: tile(o, panel, row, column, 1, vectors);
    }
}

static void product(const Operation *o) {
    const float *panel = o->weight;
    for (int64_t column = 0; column < o->outputs; column += PANEL) {
        int64_t left = o->outputs - column, vectors = left >= PANEL ? PANEL / LANES : (left + LANES - 1) / LANES;
        switch (vectors) {
            case 1: tiles(o, panel, column, 1); break;
            case 2: tiles(o, panel, column, 2); break;
            case 3: tiles(o, panel, column, 3); break;
            default: tiles(o, panel, column, 4);
        }
        panel += o->inputs * vectors * LANES;
    }
}

/* ---- element by element ---- */

static void concat_elu(const Operation *o, int both) {
    for (int64_t i = 0; i < o->groups * o->rows; i++) {
        int64_t group = i / o->rows, row = i % o->rows;
        const float *x = o->x + group * o->x_group + row * o->x_stride;
        float *positive = o->out + group * o->out_group + row * o->out_stride, *negative = positive + o->inputs;
#pragma omp simd
        for (int64_t f = 0; f < o->inputs; f++) {
            float v = x[f], m = expm1_below_zero(v > 0 ? -v : v);
            positive[f] = v > 0 ? v : m;
            if (both) negative[f] = v < 0 ? -v : m;
        }
    }
}

/* out = known + a sigmoid(b), with x = (a, b); sigmoid(b) = 1 / (1 + e) or e / (1 + e), e = exp(-|b|). */
static void gate(const Operation *o) {
    for (int64_t i = 0; i < o->groups * o->rows; i++) {
        int64_t group = i / o->rows, row = i % o->rows;
        const float *known = o->known + group * o->known_group + row * o->known_stride;
        const float *a = o->x + group * o->x_group + row * o->x_stride, *b = a + o->outputs;
        float *out = o->out + group * o->out_group + row * o->out_stride;
#pragma omp simd
        for (int64_t f = 0; f < o->outputs; f++) {
            float e = expm1_below_zero(b[f] > 0 ? -b[f] : b[f]) + 1.0f;
            out[f] = known[f] + a[f] * ((b[f] > 0 ? 1.0f : e) / (1.0f + e));
        }
    }
}

/* Levels of one pixel: the component of the largest perturbed logit, its mean shifted by the scaled noise, channel by
 * channel. x holds, for `inputs` components: logits, means and log-scales of each channel, couplings by the earlier
 * channel; known the logistic noise of each of the `outputs` channels. */
static void draw(const Operation *o) {
    int64_t K = o->inputs, C = o->outputs;
    for (int64_t i = 0; i < o->rows; i++) {
        const float *p = o->x + i * o->x_stride, *noise = o->known + i * o->known_stride;
        float *level = o->out + i * o->out_stride, moved[C];
        int64_t best = 0;
        for (int64_t k = 1; k < K; k++)
            if (p[k] > p[best]) best = k;
        const float *mean = p + K + best, *log_scale = mean + K * C, *coupling = log_scale + K * C;
        for (int64_t c = 0; c < C; c++) moved[c] = mean[c * K] + noise[c] * expf(log_scale[c * K]);
        for (int64_t c = 0; c < C; c++) {
            float v = moved[c] < 0 ? 0.0f : moved[c] > o->top ? o->top : moved[c];
            level[c] = rintf(v);
            for (int64_t later = c + 1; later < C; later++, coupling += K)
                moved[later] += tanhf(*coupling) * (level[c] - o->middle);
        }
    }
}

void sampling_operations(const Operation *operations, int64_t count) {
    for (const Operation *o = operations; o < operations + count; o++) switch (o->kind) {
            case PRODUCT: product(o); break;
            case CONCAT_ELU: concat_elu(o, 1); break;
            case ELU: concat_elu(o, 0); break;
            case GATE: gate(o); break;
            default: draw(o);
        }
}
