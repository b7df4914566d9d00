/* The layers of PixelCNN++ between its convolutions, concat_elu and the gate, each as one pass over memory.
 *
 * Maps are float32 or bfloat16, (batch, channels, height, width), either contiguous or channels last. In both
 * layouts the work consists of runs of contiguous numbers: a row of one channel, or the channels of one pixel.
 * No result depends on the number of threads, because each number is computed independently.
 */
#include <stdint.h>
#include <string.h>

#include "dropout.h"
#include "exponentials.h"

typedef struct {
    int64_t batch, filters, height, width, maps; /* sizes of each map x; number of maps */
    int64_t left, right, above, below;           /* margin of zeros around the result */
    int64_t channels_last, bfloat16, threads;
} Layout;

/* ---- numbers ---- */

INLINE float read_number(const void *p, int64_t i, int bfloat16) {
    if (!bfloat16) return ((const float *)p)[i];
    Word w = {.bits = (uint32_t)((const uint16_t *)p)[i] << 16};
    return w.number;
}

/* Round to the nearest bfloat16, ties to even; NaN stays NaN. */
INLINE void write_number(void *p, int64_t i, float x, int bfloat16) {
    if (!bfloat16) {
        ((float *)p)[i] = x;
        return;
    }
    Word w = {.number = x};
    uint32_t rounded = (w.bits + 0x7fffu + ((w.bits >> 16) & 1u)) >> 16;
    ((uint16_t *)p)[i] = x == x ? (uint16_t)rounded : (uint16_t)0x7fc0u;
}

INLINE void *moved(const void *p, int64_t numbers, int bfloat16) {
    return (char *)p + numbers * (bfloat16 ? 2 : 4);
}

INLINE void zeros(void *p, int64_t numbers, int bfloat16) { memset(p, 0, numbers * (bfloat16 ? 2 : 4)); }

/* ---- concat_elu on one run ---- */

INLINE void elu_run(const void *x, const void *added, void *positive, void *negative, int64_t count,
                    uint32_t element, const Dropout *d, int bfloat16, int drops) {
    const uint32_t seed = d->seed, second_seed = d->second_seed, kept = d->kept;
    const float scale = d->scale;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float v = read_number(x, i, bfloat16);
        if (added) v += read_number(added, i, bfloat16);
        float m = expm1_below_zero(v > 0 ? -v : v);
        float p = v > 0 ? v : m, q = v < 0 ? -v : m;
        if (drops) {
            uint32_t bits = random_bits(element + (uint32_t)i, seed, second_seed);
            p = (bits & 0xffffu) < kept ? p * scale : 0.0f;
            q = (bits >> 16) < kept ? q * scale : 0.0f;
        }
        write_number(positive, i, p, bfloat16);
        write_number(negative, i, q, bfloat16);
    }
}

/* elu' is 1 where elu > 0 and elu + 1 elsewhere; the result holds scale elu, so that scale elu' is
 * scale or y + scale. */
INLINE void elu_run_backward(const void *g_positive, const void *g_negative, const void *positive,
                             const void *negative, void *dx, int64_t count, uint32_t element,
                             const Dropout *d, int bfloat16, int drops) {
    const uint32_t seed = d->seed, second_seed = d->second_seed, kept = d->kept;
    const float scale = d->scale;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float p = read_number(positive, i, bfloat16), q = read_number(negative, i, bfloat16);
        float dp = read_number(g_positive, i, bfloat16) * (p > 0 ? scale : p + scale);
        float dq = read_number(g_negative, i, bfloat16) * (q > 0 ? scale : q + scale);
        if (drops) {
            uint32_t bits = random_bits(element + (uint32_t)i, seed, second_seed);
            dp = (bits & 0xffffu) < kept ? dp : 0.0f;
            dq = (bits >> 16) < kept ? dq : 0.0f;
        }
        write_number(dx, i, dp - dq, bfloat16);
    }
}

/* ---- the runs of a map, in the order of memory ---- */

/* Position of a run in map j of image b: pixel `inner` of row `outer` if channels last, else row `inner` of filter
 * `outer`. */
typedef struct {
    int64_t x, positive, negative, length;
} Run;

INLINE Run run_at(const Layout *s, int64_t b, int64_t j, int64_t outer, int64_t inner) {
    int64_t columns = s->left + s->width + s->right, rows = s->above + s->height + s->below;
    int64_t F = s->filters, channels = 2 * F * s->maps;
    Run run;
    if (s->channels_last) {
        run.length = F;
        run.x = ((b * s->height + outer) * s->width + inner) * F;
        run.positive = ((b * rows + s->above + outer) * columns + s->left + inner) * channels + 2 * F * j;
        run.negative = run.positive + F;
    } else {
        run.length = s->width;
        run.x = ((b * F + outer) * s->height + inner) * s->width;
        run.positive = ((b * channels + 2 * F * j + outer) * rows + s->above + inner) * columns + s->left;
        run.negative = run.positive + F * rows * columns;
    }
    return run;
}

INLINE int64_t outer_runs(const Layout *s) { return s->channels_last ? s->height : s->filters; }
INLINE int64_t inner_runs(const Layout *s) { return s->channels_last ? s->width : s->height; }

/* Write zeros beside rows first <= r < end of a plane, above the first row and below the last; a pixel holds `depth`
 * numbers. */
INLINE void write_margin(const Layout *s, void *plane, int64_t first, int64_t end, int64_t depth, int bfloat16) {
    int64_t row = (s->left + s->width + s->right) * depth;
    for (int64_t r = first; r < end; r++) {
        void *here = moved(plane, (s->above + r) * row, bfloat16);
        zeros(here, s->left * depth, bfloat16);
        zeros(moved(here, row - s->right * depth, bfloat16), s->right * depth, bfloat16);
    }
    if (first == 0) zeros(plane, s->above * row, bfloat16);
    if (end == s->height) zeros(moved(plane, (s->above + end) * row, bfloat16), s->below * row, bfloat16);
}

/* The margin that belongs to the runs of one `outer`. */
INLINE void margin_at(const Layout *s, void *y, int64_t b, int64_t outer, int bfloat16) {
    int64_t plane = (s->left + s->width + s->right) * (s->above + s->height + s->below);
    int64_t F = s->filters, channels = 2 * F * s->maps;
    if (s->channels_last)
        write_margin(s, moved(y, b * plane * channels, bfloat16), outer, outer + 1, channels, bfloat16);
    else
        for (int64_t c = outer; c < channels; c += F)
            write_margin(s, moved(y, (b * channels + c) * plane, bfloat16), 0, s->height, 1, bfloat16);
}

/* The arguments that select a case are constants here, so the inner loops contain no branch. */
INLINE void runs(const Layout *s, const Dropout *d, const void *const *x, const void *added, void *y, int64_t b,
                 int64_t outer, int bfloat16, int drops, int adds) {
    uint32_t numbers = (uint32_t)(s->batch * s->filters * s->height * s->width);
    margin_at(s, y, b, outer, bfloat16);
    for (int64_t inner = 0; inner < inner_runs(s); inner++)
        for (int64_t j = 0; j < s->maps; j++) {
            Run at = run_at(s, b, j, outer, inner);
            elu_run(moved(x[j], at.x, bfloat16), adds ? moved(added, at.x, bfloat16) : 0,
                    moved(y, at.positive, bfloat16), moved(y, at.negative, bfloat16), at.length,
                    (uint32_t)j * numbers + (uint32_t)at.x, d, bfloat16, drops);
        }
}

INLINE void runs_backward(const Layout *s, const Dropout *d, const void *g, const void *y, void *const *dx,
                          int64_t b, int64_t outer, int bfloat16, int drops) {
    uint32_t numbers = (uint32_t)(s->batch * s->filters * s->height * s->width);
    for (int64_t inner = 0; inner < inner_runs(s); inner++)
        for (int64_t j = 0; j < s->maps; j++) {
            Run at = run_at(s, b, j, outer, inner);
            elu_run_backward(moved(g, at.positive, bfloat16), moved(g, at.negative, bfloat16),
                             moved(y, at.positive, bfloat16), moved(y, at.negative, bfloat16),
                             moved(dx[j], at.x, bfloat16), at.length, (uint32_t)j * numbers + (uint32_t)at.x, d,
                             bfloat16, drops);
        }
}

/* y = elu([x, -x]) of each map (of x + added, where `added` is no null), margin and dropout included. */
void concat_elu_forward(const Layout *s, const Dropout *d, const void *const *x, const void *added, void *y) {
    int kind = 4 * (s->bfloat16 != 0) + 2 * (d->kept < 65536) + (added != 0);
#pragma omp parallel for collapse(2) num_threads(s->threads) schedule(static) if (s->threads > 1)
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t o = 0; o < outer_runs(s); o++) switch (kind) {
                case 0: runs(s, d, x, 0, y, b, o, 0, 0, 0); break;
                case 1: runs(s, d, x, added, y, b, o, 0, 0, 1); break;
                case 2: runs(s, d, x, 0, y, b, o, 0, 1, 0); break;
                case 3: runs(s, d, x, added, y, b, o, 0, 1, 1); break;
                case 4: runs(s, d, x, 0, y, b, o, 1, 0, 0); break;
                case 5: runs(s, d, x, added, y, b, o, 1, 0, 1); break;
                case 6: runs(s, d, x, 0, y, b, o, 1, 1, 0); break;
                default: runs(s, d, x, added, y, b, o, 1, 1, 1);
            }
}

/* dx of each map from the gradient g of y and from y itself; the mask is computed again. */
void concat_elu_backward(const Layout *s, const Dropout *d, const void *g, const void *y, void *const *dx) {
    int kind = 2 * (s->bfloat16 != 0) + (d->kept < 65536);
#pragma omp parallel for collapse(2) num_threads(s->threads) schedule(static) if (s->threads > 1)
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t o = 0; o < outer_runs(s); o++) switch (kind) {
                case 0: runs_backward(s, d, g, y, dx, b, o, 0, 0); break;
                case 1: runs_backward(s, d, g, y, dx, b, o, 0, 1); break;
                case 2: runs_backward(s, d, g, y, dx, b, o, 1, 0); break;
                default: runs_backward(s, d, g, y, dx, b, o, 1, 1);
            }
}

/* ---- the gate ---- */

/* One run of x, and of a and b in (a, b) = c: a pixel if channels last, else an image. */
INLINE void gate(const void *c, const void *x, void *y, int64_t k, int64_t n, int bfloat16) {
    const void *a = moved(c, 2 * k * n, bfloat16), *b = moved(c, (2 * k + 1) * n, bfloat16);
    x = moved(x, k * n, bfloat16);
    y = moved(y, k * n, bfloat16);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float gated = read_number(a, i, bfloat16) * sigmoid(read_number(b, i, bfloat16));
        write_number(y, i, read_number(x, i, bfloat16) + gated, bfloat16);
    }
}

INLINE void gate_gradient(const void *g, const void *c, void *dc, int64_t k, int64_t n, int bfloat16) {
    const void *a = moved(c, 2 * k * n, bfloat16), *b = moved(c, (2 * k + 1) * n, bfloat16);
    void *da = moved(dc, 2 * k * n, bfloat16), *db = moved(dc, (2 * k + 1) * n, bfloat16);
    g = moved(g, k * n, bfloat16);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float open = sigmoid(read_number(b, i, bfloat16)), shut = sigmoid(-read_number(b, i, bfloat16));
        float passed = read_number(g, i, bfloat16) * open;
        write_number(da, i, passed, bfloat16);
        write_number(db, i, passed * shut * read_number(a, i, bfloat16), bfloat16);
    }
}

/* y = x + a sigmoid(b), (a, b) = c. */
void gate_forward(const Layout *s, const void *c, const void *x, void *y) {
    int64_t area = s->height * s->width, n = s->channels_last ? s->filters : s->filters * area;
    int64_t runs = s->channels_last ? s->batch * area : s->batch;
#pragma omp parallel for num_threads(s->threads) schedule(static) if (s->threads > 1)
    for (int64_t k = 0; k < runs; k++) {
        if (s->bfloat16) gate(c, x, y, k, n, 1);
        else gate(c, x, y, k, n, 0);
    }
}

/* dc from the gradient g of y. */
void gate_backward(const Layout *s, const void *g, const void *c, void *dc) {
    int64_t area = s->height * s->width, n = s->channels_last ? s->filters : s->filters * area;
    int64_t runs = s->channels_last ? s->batch * area : s->batch;
#pragma omp parallel for num_threads(s->threads) schedule(static) if (s->threads > 1)
    for (int64_t k = 0; k < runs; k++) {
        if (s->bfloat16) gate_gradient(g, c, dc, k, n, 1);
        else gate_gradient(g, c, dc, k, n, 0);
    }
}
