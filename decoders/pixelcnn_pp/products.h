/* Products of matrices for convolutions of few channels, their gradients, and weight norm. One thread. */
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "exponentials.h"

#define ONE_COPY static __attribute__((noinline, noclone)) /* no copy for each caller: they are large */
#define LANES 16
#define HALF 8
#define PIXELS 8          /* output pixels at once: their sums and one row of weights fill the registers */
#define WIDEST (3 * LANES) /* output channels at once */

typedef float Wide __attribute__((vector_size(4 * LANES), aligned(4)));
typedef float Narrow __attribute__((vector_size(4 * HALF), aligned(4)));

/* A weight-normalised convolution: v (outputs, inputs, rows, columns), g and b (outputs,). */
typedef struct {
    const float *direction, *gain, *bias;
} Weights;

typedef struct {
    float *direction, *gain, *bias;
} Gradients;

/* A product over the kernel: from `inputs` to `outputs` channels. */
typedef struct {
    int64_t inputs, outputs, rows, columns;
} Kernel;

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t size_of(Kernel k) { return k.inputs * k.outputs * k.rows * k.columns; }
INLINE Kernel transposed(Kernel k) { return (Kernel){k.outputs, k.inputs, k.rows, k.columns}; }

/* Output channels of the panel that begins at `column`. */
INLINE int64_t panel_width(int64_t outputs, int64_t column) {
    int64_t left = outputs - column;
    if (left % WIDEST == 0 || left < 2 * LANES) return smaller(left, WIDEST);
    return 2 * LANES;
}

/* ---- products ---- */

/* The sums of some vectors in registers: whole ones and, where the panel has one, a half. */
typedef struct {
    Wide whole[PIXELS][WIDEST / LANES];
    Narrow half[PIXELS];
} Block;

INLINE void read_block(Block *b, const float *from, int64_t step, const int vectors, const int wides,
    const int narrow) {
    for (int i = 0; i < vectors; i++) {
        for (int v = 0; v < wides; v++) b->whole[i][v] = *(const Wide *)(from + i * step + v * LANES);
        if (narrow) b->half[i] = *(const Narrow *)(from + i * step + wides * LANES);
    }
}

INLINE void write_block(const Block *b, float *to, int64_t step, const int vectors, const int wides, const int narrow) {
    for (int i = 0; i < vectors; i++) {
        for (int v = 0; v < wides; v++) *(Wide *)(to + i * step + v * LANES) = b->whole[i][v];
        if (narrow) *(Narrow *)(to + i * step + wides * LANES) = b->half[i];
    }
}

/* Add x[i][k] times a row of a panel to each vector. */
INLINE void add_products(Block *b, const float *const *x, int64_t k, const float *row, const int vectors,
    const int wides, const int narrow) {
    Wide w[WIDEST / LANES];
    Narrow last = {0};
    for (int v = 0; v < wides; v++) w[v] = *(const Wide *)(row + v * LANES);
    if (narrow) last = *(const Narrow *)(row + wides * LANES);
    for (int i = 0; i < vectors; i++) {
        for (int v = 0; v < wides; v++) b->whole[i][v] += x[i][k] * w[v];
        if (narrow) b->half[i] += x[i][k] * last;
    }
}

/* out[p] = start[p] + sum over rows d and k of a[offset[p] + d stride + k] panel[d][k] for some pixels, one panel. */
INLINE void tile(const float *a, const int64_t *offset, int64_t stride, int64_t rows, int64_t depth,
                 const float *panel, const float *start, int64_t start_step, float *out, int64_t step,
                 const int pixels, const int wides, const int narrow) {
    Block sums;
    read_block(&sums, start, start_step, pixels, wides, narrow);
    for (int64_t d = 0; d < rows; d++) {
        const float *x[PIXELS];
        for (int i = 0; i < pixels; i++) x[i] = a + offset[i] + d * stride;
        for (int64_t k = 0; k < depth; k++, panel += wides * LANES + narrow * HALF)
            add_products(&sums, x, k, panel, pixels, wides, narrow);
    }
    write_block(&sums, out, step, pixels, wides, narrow);
}

INLINE void tiles(const float *a, const int64_t *offset, int64_t stride, int64_t count, Kernel k, const float *panel,
                  const float *start, int64_t start_step, float *out, const int wides, const int narrow) {
    int64_t depth = k.columns * k.inputs, step = k.outputs, p = 0;
    for (; p + PIXELS <= count; p += PIXELS)
        tile(a, offset + p, stride, k.rows, depth, panel, start + p * start_step, start_step, out + p * step, step,
             PIXELS, wides, narrow);
    for (; p + 4 <= count; p += 4)
        tile(a, offset + p, stride, k.rows, depth, panel, start + p * start_step, start_step, out + p * step, step, 4,
             wides, narrow);
    for (; p < count; p++)
        tile(a, offset + p, stride, k.rows, depth, panel, start + p * start_step, start_step, out + p * step, step, 1,
             wides, narrow);
}

static const float ZEROS[WIDEST];

/* out (count, outputs) = start + kernel a; `start` is null, a vector with start_step 0, or (count, outputs). */
ONE_COPY void convolve(const float *a, const int64_t *offset, int64_t stride, int64_t count, Kernel k,
                       const float *packed, const float *start, int64_t start_step, float *out) {
    for (int64_t column = 0, width; column < k.outputs; column += width) {
        width = panel_width(k.outputs, column);
        const float *panel = packed + k.rows * k.columns * k.inputs * column, *from = start ? start + column : ZEROS;
        switch (width / HALF) {
            case 1: tiles(a, offset, stride, count, k, panel, from, start_step, out + column, 0, 1); break;
            case 2: tiles(a, offset, stride, count, k, panel, from, start_step, out + column, 1, 0); break;
            case 3: tiles(a, offset, stride, count, k, panel, from, start_step, out + column, 1, 1); break;
            case 4: tiles(a, offset, stride, count, k, panel, from, start_step, out + column, 2, 0); break;
            default: tiles(a, offset, stride, count, k, panel, from, start_step, out + column, 3, 0);
        }
    }
}

/* sum[k] += sum over pixels of a[offset[p] + k] g[p] for some inputs k and one panel. */
INLINE void outer_tile(const float *a, const int64_t *offset, const float *g, const int64_t *place, int64_t count,
                       float *sums, const int inputs, const int wides, const int narrow) {
    const int width = wides * LANES + narrow * HALF;
    Block block;
    read_block(&block, sums, width, inputs, wides, narrow);
    for (int64_t p = 0; p < count; p++) {
        const float *x[PIXELS];
        for (int i = 0; i < inputs; i++) x[i] = a + offset[p] + i;
        add_products(&block, x, 0, g + place[p], inputs, wides, narrow);
    }
    write_block(&block, sums, width, inputs, wides, narrow);
}

INLINE void outer_tiles(const float *a, const int64_t *offset, int64_t stride, const float *g, const int64_t *place,
                        int64_t count, Kernel k, float *sums, const int wides, const int narrow) {
    int64_t depth = k.columns * k.inputs;
    for (int64_t d = 0; d < k.rows; d++)
        for (int64_t i = 0; i < depth; i += PIXELS, sums += PIXELS * (wides * LANES + narrow * HALF))
            outer_tile(a + d * stride + i, offset, g, place, count, sums, PIXELS, wides, narrow);
}

/* Add the gradient of the packed weights; g[place[p]] is that of output pixel p. */
ONE_COPY void add_outer(const float *a, const int64_t *offset, int64_t stride, const float *g, const int64_t *place,
                        int64_t count, Kernel k, float *packed) {
    for (int64_t column = 0, width; column < k.outputs; column += width) {
        width = panel_width(k.outputs, column);
        float *sums = packed + k.rows * k.columns * k.inputs * column;
        switch (width / HALF) {
            case 1: outer_tiles(a, offset, stride, g + column, place, count, k, sums, 0, 1); break;
            case 2: outer_tiles(a, offset, stride, g + column, place, count, k, sums, 1, 0); break;
            case 3: outer_tiles(a, offset, stride, g + column, place, count, k, sums, 1, 1); break;
            case 4: outer_tiles(a, offset, stride, g + column, place, count, k, sums, 2, 0); break;
            default: outer_tiles(a, offset, stride, g + column, place, count, k, sums, 3, 0);
        }
    }
}

static void add_rows(const float *g, const int64_t *place, int64_t count, int64_t channels, float *sum) {
    for (int64_t p = 0; p < count; p++)
#pragma omp simd
        for (int64_t c = 0; c < channels; c++) sum[c] += g[place[p] + c];
}

/* ---- weights ---- */

/* Place of a weight in the panels of a kernel. */
INLINE int64_t packed_at(Kernel k, int64_t row, int64_t column, int64_t input, int64_t output) {
    int64_t first = 0, width = panel_width(k.outputs, 0);
    while (output >= first + width) {
        first += width;
        width = panel_width(k.outputs, first);
    }
    int64_t depth = k.columns * k.inputs;
    return k.rows * depth * first + (row * depth + column * k.inputs + input) * width + output - first;
}

INLINE float length_of(const float *v, int64_t numbers) {
    float square = 0;
#pragma omp simd reduction(+ : square)
    for (int64_t i = 0; i < numbers; i++) square += v[i] * v[i];
    return sqrtf(square);
}

/* Pack g v / |v| for products; mirrored, as the gradient of an input needs it, where `back` is no null. g may be null:
 * then the weights are v. */
static void pack(Kernel k, Weights w, float *ahead, float *back) {
    int64_t area = k.rows * k.columns, numbers = k.inputs * area;
    Kernel b = transposed(k);
    for (int64_t o = 0; o < k.outputs; o++) {
        const float *v = w.direction + o * numbers;
        float scale = w.gain ? w.gain[o] / length_of(v, numbers) : 1.0f;
        int64_t to = packed_at(k, 0, 0, 0, o), width = packed_at(k, 0, 0, 1, o) - to;
        for (int64_t r = 0; r < k.rows; r++)
            for (int64_t c = 0; c < k.columns; c++)
                for (int64_t i = 0; i < k.inputs; i++, to += width)
                    ahead[to] = scale * v[i * area + r * k.columns + c];
        if (!back) continue;
        for (int64_t r = 0; r < k.rows; r++)
            for (int64_t c = 0; c < k.columns; c++)
                for (int64_t i = 0, width_back; i < k.inputs; i += width_back) {
                    width_back = panel_width(k.inputs, i);
                    float *at = back + packed_at(b, k.rows - 1 - r, k.columns - 1 - c, o, i);
                    const float *from = v + i * area + r * k.columns + c;
                    for (int64_t j = 0; j < width_back; j++) at[j] = scale * from[j * area];
                }
    }
}

/* Replace the gradient dw of the weights of an output by that of v, and give that of g: with the unit vector
 * u = v / |v|, dg = u dw and dv = g / |v| (dw - u (u dw)). */
INLINE void through_norm(const float *v, float g, int64_t numbers, float *dw, float *dg) {
    float length = length_of(v, numbers), along = 0;
#pragma omp simd reduction(+ : along)
    for (int64_t i = 0; i < numbers; i++) along += dw[i] * v[i];
    *dg = along / length;
    float scale = g / length, share = along / (length * length);
#pragma omp simd
    for (int64_t i = 0; i < numbers; i++) dw[i] = scale * (dw[i] - share * v[i]);
}

/* Gradients of v and g from that of the packed weights. */
static void unpack(Kernel k, Weights w, const float *packed, Gradients to) {
    int64_t area = k.rows * k.columns, numbers = k.inputs * area;
    for (int64_t o = 0; o < k.outputs; o++) {
        float *dv = to.direction + o * numbers;
        int64_t from = packed_at(k, 0, 0, 0, o), width = packed_at(k, 0, 0, 1, o) - from;
        for (int64_t r = 0; r < k.rows; r++)
            for (int64_t c = 0; c < k.columns; c++)
                for (int64_t i = 0; i < k.inputs; i++, from += width) dv[i * area + r * k.columns + c] = packed[from];
        if (w.gain) through_norm(w.direction + o * numbers, w.gain[o], numbers, dv, to.gain + o);
    }
}

/* ---- weights of a convolution between a fine and a coarse map ---- */

/* `gather` sums what a coarse pixel sees: kernel (fine, coarse). `spread` gives all that a coarse pixel contributes to
 * fine ones, (row, column, fine channel), as one product. The layer's outputs are the fine channels where it
 * doubles. */
INLINE Kernel spread_of(Kernel gather) {
    return (Kernel){gather.outputs, gather.rows * gather.columns * gather.inputs, 1, 1};
}

/* Place of weight (output, input, row, column) of the layer in the panels of `gather`. */
INLINE int64_t gathered_at(Kernel gather, int doubles, int64_t output, int64_t input, int64_t row, int64_t column) {
    return doubles ? packed_at(gather, row, column, output, input) : packed_at(gather, row, column, input, output);
}

static void pack_scales(Kernel gather, int doubles, Weights w, float *gathered, float *spread) {
    Kernel s = spread_of(gather);
    int64_t area = gather.rows * gather.columns, outputs = doubles ? gather.inputs : gather.outputs;
    int64_t inputs = doubles ? gather.outputs : gather.inputs;
    for (int64_t o = 0; o < outputs; o++) {
        const float *v = w.direction + o * inputs * area;
        float scale = w.gain[o] / length_of(v, inputs * area);
        for (int64_t i = 0; i < inputs; i++)
            for (int64_t at = 0; at < area; at++) {
                int64_t fine = doubles ? o : i, coarse = doubles ? i : o;
                float weight = scale * v[i * area + at];
                if (gathered)
                    gathered[gathered_at(gather, doubles, o, i, at / gather.columns, at % gather.columns)] = weight;
                if (spread) spread[packed_at(s, 0, 0, coarse, at * gather.inputs + fine)] = weight;
            }
    }
}

static void unpack_scales(Kernel gather, int doubles, Weights w, const float *gathered, Gradients to) {
    int64_t area = gather.rows * gather.columns, outputs = doubles ? gather.inputs : gather.outputs;
    int64_t inputs = doubles ? gather.outputs : gather.inputs;
    for (int64_t o = 0; o < outputs; o++) {
        float *dv = to.direction + o * inputs * area;
        for (int64_t i = 0; i < inputs; i++)
            for (int64_t at = 0; at < area; at++)
                dv[i * area + at] =
                    gathered[gathered_at(gather, doubles, o, i, at / gather.columns, at % gather.columns)];
        through_norm(w.direction + o * inputs * area, w.gain[o], inputs * area, dv, to.gain + o);
    }
}
