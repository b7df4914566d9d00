/* The layers of PixelCNN++ behind its stem as one call, forward and backward: gated residual layers, and the
 * convolutions between scales.
 *
 * Maps are float32 in channels last: the vector of a pixel is contiguous, and so are those of neighbours in a row. A
 * convolution is one product of matrices for each row of its kernel. The inputs that an output pixel sees in that row
 * are contiguous, so they need not be gathered. A group of images passes through a whole layer while its maps are in
 * the cache. The backward pass computes each elu again, which is cheaper than to keep it.
 *
 * Weight norm is part of a layer: w = g v / |v| for each output. The sums of a gradient over images are kept for each
 * thread and added in their order, so that a gradient depends on the number of threads by rounding alone.
 */
#include <stdint.h>
#include <string.h>

#include "dropout.h"
#include "exponentials.h"
#include "products.h"

#define GROUP 64 /* pixels of a group of images, at least, so that short loops are few */

enum { GATED, HALVED, DOUBLED };
enum { OF_X = 1, OF_SKIP = 2, OF_S = 8 };

/* A layer: its sizes, and which maps and weights are its own. `network_pass.py` writes it.
 *
 * GATED: c = conv(elu[x, -x]) + 1x1(elu[skips, -skips]), (a, b) = conv(drop(elu[c, -c])) + V s, y = x + a sigmoid(b).
 * HALVED: a convolution of stride 2, to half the height and width. DOUBLED: a transposed one, to twice the size. */
typedef struct {
    int64_t kind;
    int64_t batch, filters, height, width; /* of x */
    int64_t skips, context;                /* number of maps; channels of s */
    int64_t rows, columns;                 /* of the kernels */
    int64_t left, right, above, below;     /* margin of zeros of the convolutions */
    int64_t threads;
    int64_t x, skip[2], s, c, gated, y;    /* numbers of maps; `gated` is (a, b) */
    int64_t weights;                       /* number of the first: v, g, b of each convolution, then V */
    int64_t writes;                        /* gradients that no other layer has begun: OF_X, OF_SKIP of each, OF_S */
    int64_t kept, seed, second_seed;       /* dropout */
} Layer;

/* Maps with a margin of zeros: of the images of a group, one after the other. */
typedef struct {
    float *at;
    int64_t channels, height, width, left, right, above, below;
} Padded;

/* ---- element by element ---- */

/* elu[x, -x] of n numbers, with dropout where the layer trains. */
INLINE void elu_pair(const float *x, float *positive, int64_t n, uint32_t element, const Dropout *d, const int drops) {
    float *negative = positive + n;
    const uint32_t seed = d->seed, second_seed = d->second_seed, kept = d->kept;
    const float scale = d->scale;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float v = x[i], m = expm1_below_zero(v > 0 ? -v : v);
        float p = v > 0 ? v : m, q = v < 0 ? -v : m;
        if (drops) {
            uint32_t bits = random_bits(element + (uint32_t)i, seed, second_seed);
            p = (bits & 0xffffu) < kept ? p * scale : 0.0f;
            q = (bits >> 16) < kept ? q * scale : 0.0f;
        }
        positive[i] = p;
        negative[i] = q;
    }
}

/* dx = start + the gradient of elu[x, -x] from g and the elu; `start` may be null. */
INLINE void elu_pair_gradient(const float *g, const float *positive, const float *start, float *dx, int64_t n,
                              uint32_t element, const Dropout *d, const int drops) {
    const float *g_negative = g + n, *negative = positive + n;
    const uint32_t seed = d->seed, second_seed = d->second_seed, kept = d->kept;
    const float scale = d->scale;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float p = positive[i], q = negative[i];
        float dp = g[i] * (p > 0 ? scale : p + scale), dq = g_negative[i] * (q > 0 ? scale : q + scale);
        if (drops) {
            uint32_t bits = random_bits(element + (uint32_t)i, seed, second_seed);
            dp = (bits & 0xffffu) < kept ? dp : 0.0f;
            dq = (bits >> 16) < kept ? dq : 0.0f;
        }
        dx[i] = (start ? start[i] : 0.0f) + (dp - dq);
    }
}

/* ---- a group of images ---- */

INLINE int64_t rows_of(const Padded *m) { return m->above + m->height + m->below; }
INLINE int64_t row_of(const Padded *m) { return (m->left + m->width + m->right) * m->channels; }
INLINE int64_t size_of_image(const Padded *m) { return rows_of(m) * row_of(m); }

INLINE int64_t images_at_once(const Layer *s) {
    int64_t area = s->height * s->width;
    return smaller(s->batch, area < GROUP ? (GROUP + area - 1) / area : 1);
}

/* A workspace, divided from its begin to its end. With a null begin nothing is written, and `at` counts bytes. */
typedef struct {
    char *begin, *at;
} Space;

/* The next numbers; they begin at a multiple of 64 bytes. */
INLINE void *take(Space *space, int64_t bytes) {
    void *here = space->at;
    space->at += (bytes + 63) / 64 * 64;
    return here;
}

INLINE float *take_numbers(Space *space, int64_t numbers, int cleared) {
    float *here = take(space, numbers * 4);
    if (cleared && space->begin) memset(here, 0, numbers * 4);
    return here;
}

/* Places in `m` of every `step`-th pixel of each image, counted from `up` rows above and `left` columns before it. */
static int64_t *take_places(Space *space, const Padded *m, int64_t images, int64_t step, int64_t up, int64_t left) {
    int64_t *place = take(space, images * (m->height / step) * (m->width / step) * 8), *next = place;
    if (!space->begin) return place;
    for (int64_t b = 0; b < images; b++)
        for (int64_t i = 0; i + step <= m->height; i += step)
            for (int64_t j = 0; j + step <= m->width; j += step)
                *next++ = b * size_of_image(m) + (i + m->above - up) * row_of(m) + (j + m->left - left) * m->channels;
    return place;
}

/* elu[x, -x] of `count` pixels. */
INLINE void elu_of(const float *x, float *to, const int64_t *place, int64_t count, int64_t F, int64_t element,
                   const Dropout *d) {
    for (int64_t p = 0; p < count; p++) {
        if (d->kept < 65536) elu_pair(x + p * F, to + place[p], F, (uint32_t)(element + p * F), d, 1);
        else elu_pair(x + p * F, to + place[p], F, 0, d, 0);
    }
}

/* ---- the gated layer ---- */

static const Dropout NONE = {.kept = 65536, .scale = 1.0f};

typedef struct {
    Kernel first, second, skip, context;
} Kernels;

INLINE Kernels kernels_of(const Layer *s) {
    int64_t F = s->filters;
    return (Kernels){{2 * F, F, s->rows, s->columns},
                     {2 * F, 2 * F, s->rows, s->columns},
                     {2 * F * s->skips, F, 1, 1},
                     {s->context, 2 * F, 1, 1}};
}

INLINE Dropout dropout_of(const Layer *s) {
    return (Dropout){(uint32_t)s->seed, (uint32_t)s->second_seed, (uint32_t)s->kept, 65536.0f / (float)s->kept};
}

/* The packed weights; `back` are those of the gradients of inputs. */
typedef struct {
    float *first, *second, *skip, *context, *bias;
    const float *gate_bias;
    float *first_back, *second_back, *skip_back, *context_back;
} Packed;

INLINE Weights weights_at(float *const *weights, int64_t i) {
    return (Weights){weights[i], weights[i + 1], weights[i + 2]};
}

INLINE Gradients gradients_at(float *const *gradients, int64_t i) {
    return (Gradients){gradients[i], gradients[i + 1], gradients[i + 2]};
}

INLINE int64_t first_of_context(const Layer *s) { return s->weights + (s->skips ? 9 : 6); }

static Packed pack_layer(const Layer *s, float *const *weights, Space *space, int backward) {
    Kernels k = kernels_of(s);
    Packed p = {0};
    p.first = take_numbers(space, size_of(k.first), 0);
    p.second = take_numbers(space, size_of(k.second), 0);
    p.skip = take_numbers(space, size_of(k.skip), 0);
    p.context = take_numbers(space, size_of(k.context), 0);
    p.bias = take_numbers(space, s->filters, 0);
    if (backward) {
        p.first_back = take_numbers(space, size_of(k.first), 0);
        p.second_back = take_numbers(space, size_of(k.second), 0);
        p.skip_back = take_numbers(space, size_of(k.skip), 0);
        p.context_back = take_numbers(space, size_of(k.context), 0);
    }
    if (!space->begin) return p;
    Weights first = weights_at(weights, s->weights), second = weights_at(weights, s->weights + 3);
    memcpy(p.bias, first.bias, s->filters * 4);
    p.gate_bias = second.bias;
    pack(k.first, first, p.first, p.first_back);
    pack(k.second, second, p.second, p.second_back);
    if (s->skips) {
        Weights skip = weights_at(weights, s->weights + 6);
        pack(k.skip, skip, p.skip, p.skip_back);
        for (int64_t f = 0; f < s->filters; f++) p.bias[f] += skip.bias[f];
    }
    if (s->context) pack(k.context, (Weights){weights[first_of_context(s)], 0, 0}, p.context, p.context_back);
    return p;
}

/* Sums over images: gradients of packed weights and of biases. */
typedef struct {
    float *all, *first, *second, *skip, *context, *bias, *gate_bias;
    int64_t numbers;
} Sums;

static Sums take_sums(const Layer *s, Space *space) {
    Kernels k = kernels_of(s);
    Sums m;
    m.numbers = size_of(k.first) + size_of(k.second) + size_of(k.skip) + size_of(k.context) + 3 * s->filters;
    m.all = m.first = take_numbers(space, m.numbers, 1);
    m.second = m.first + size_of(k.first);
    m.skip = m.second + size_of(k.second);
    m.context = m.skip + size_of(k.skip);
    m.bias = m.context + size_of(k.context);
    m.gate_bias = m.bias + s->filters;
    return m;
}

/* What a thread works with. */
typedef struct {
    int64_t images;
    Padded first, second;      /* elu of x and of c */
    float *skipped;            /* elu of the skips */
    int64_t *own, *seen;       /* of each output pixel in `first`: its own place, and of what it sees */
    int64_t *skip, *context;   /* place of each pixel in `skipped` and in s */
    Padded dc, dgate;          /* gradients of c and of (a, b) */
    int64_t *of_dc, *of_dgate; /* places of a pixel */
    int64_t *seen_in_dc, *seen_in_dgate; /* places of the outputs that saw a pixel */
    float *delta;              /* gradient of an elu */
    Sums sums;
} Work;

static Work take_work(const Layer *s, Space *space, int backward) {
    int64_t F = s->filters, H = s->height, W = s->width, images = images_at_once(s), pixels = images * H * W;
    Work w = {.images = images};
    w.first = w.second = (Padded){0, 2 * F, H, W, s->left, s->right, s->above, s->below};
    w.first.at = take_numbers(space, images * size_of_image(&w.first), 1);
    w.second.at = take_numbers(space, images * size_of_image(&w.second), 1);
    w.own = take_places(space, &w.first, images, 1, 0, 0);
    w.seen = take_places(space, &w.first, images, 1, s->above, s->left);
    Padded skipped = {0, 2 * F * s->skips, H, W, 0, 0, 0, 0}, context = {0, s->context, H, W, 0, 0, 0, 0};
    w.skipped = take_numbers(space, pixels * skipped.channels, 0);
    w.skip = take_places(space, &skipped, images, 1, 0, 0);
    w.context = take_places(space, &context, images, 1, 0, 0);
    if (!backward) return w;
    /* The gradient of an input pixel sees the outputs that saw it: the margin is mirrored. */
    int64_t left = s->columns - 1 - s->left, above = s->rows - 1 - s->above;
    w.dc = (Padded){0, F, H, W, left, s->left, above, s->above};
    w.dgate = (Padded){0, 2 * F, H, W, left, s->left, above, s->above};
    w.dc.at = take_numbers(space, images * size_of_image(&w.dc), 1);
    w.dgate.at = take_numbers(space, images * size_of_image(&w.dgate), 1);
    w.of_dc = take_places(space, &w.dc, images, 1, 0, 0);
    w.of_dgate = take_places(space, &w.dgate, images, 1, 0, 0);
    w.seen_in_dc = take_places(space, &w.dc, images, 1, above, left);
    w.seen_in_dgate = take_places(space, &w.dgate, images, 1, above, left);
    w.delta = take_numbers(space, pixels * 2 * F * (s->skips ? s->skips : 1), 0);
    w.sums = take_sums(s, space);
    return w;
}

/* The elu of all skips, beside each other. */
INLINE void elu_of_skips(const Layer *s, float *const *maps, const Work *w, int64_t from, int64_t count) {
    for (int64_t j = 0; j < s->skips; j++)
        elu_of(maps[s->skip[j]] + from * s->filters, w->skipped + 2 * s->filters * j, w->skip, count, s->filters, 0,
            &NONE);
}

static void gate_group(const Layer *s, const Work *w, const Packed *p, float *const *maps, int64_t image) {
    int64_t F = s->filters, area = s->height * s->width, from = image * area;
    int64_t count = smaller(w->images, s->batch - image) * area, row = row_of(&w->first);
    Kernels k = kernels_of(s);
    Dropout d = dropout_of(s);
    const float *x = maps[s->x] + from * F;
    float *c = maps[s->c] + from * F, *gated = maps[s->gated] + from * 2 * F, *y = maps[s->y] + from * F;
    elu_of(x, w->first.at, w->own, count, F, 0, &NONE);
    convolve(w->first.at, w->seen, row, count, k.first, p->first, p->bias, 0, c);
    if (s->skips) {
        elu_of_skips(s, maps, w, from, count);
        convolve(w->skipped, w->skip, 0, count, k.skip, p->skip, c, F, c);
    }
    elu_of(c, w->second.at, w->own, count, F, from * F, &d);
    convolve(w->second.at, w->seen, row, count, k.second, p->second, p->gate_bias, 0, gated);
    if (s->context)
        convolve(maps[s->s] + from * s->context, w->context, 0, count, k.context, p->context, gated, 2 * F, gated);
    for (int64_t q = 0; q < count; q++) {
        const float *a = gated + 2 * F * q, *b = a + F;
#pragma omp simd
        for (int64_t f = 0; f < F; f++) y[q * F + f] = x[q * F + f] + a[f] * sigmoid(b[f]);
    }
}

/* Gradient of (a, b) at each pixel. */
INLINE void gate_gradient(const float *g, const float *gated, float *to, const int64_t *place, int64_t count,
    int64_t F) {
    for (int64_t p = 0; p < count; p++) {
        const float *a = gated + 2 * F * p, *b = a + F, *g_here = g + F * p;
        float *da = to + place[p], *db = da + F;
#pragma omp simd
        for (int64_t f = 0; f < F; f++) {
            float passed = g_here[f] * sigmoid(b[f]);
            da[f] = passed;
            db[f] = passed * sigmoid(-b[f]) * a[f];
        }
    }
}

/* Write or add the gradients of x, of the skips and of s, and add those of the weights. */
static void gate_group_backward(const Layer *s, const Work *w, const Packed *p, float *const *maps,
                                float *const *gradients, int64_t image) {
    int64_t F = s->filters, area = s->height * s->width, from = image * area;
    int64_t count = smaller(w->images, s->batch - image) * area, row = row_of(&w->first);
    Kernels k = kernels_of(s);
    Dropout d = dropout_of(s);
    const float *g = gradients[s->y] + from * F;
    float *dx = gradients[s->x] + from * F;
    /* through the gate */
    gate_gradient(g, maps[s->gated] + from * 2 * F, w->dgate.at, w->of_dgate, count, F);
    add_rows(w->dgate.at, w->of_dgate, count, 2 * F, w->sums.gate_bias);
    if (s->context) {
        float *ds = gradients[s->s] + from * s->context;
        add_outer(maps[s->s] + from * s->context, w->context, 0, w->dgate.at, w->of_dgate, count, k.context,
            w->sums.context);
        int writes = s->writes & OF_S;
        convolve(w->dgate.at, w->of_dgate, 0, count, transposed(k.context), p->context_back, writes ? 0 : ds,
            writes ? 0 : s->context, ds);
    }
    /* through the second convolution and its elu */
    elu_of(maps[s->c] + from * F, w->second.at, w->own, count, F, from * F, &d);
    add_outer(w->second.at, w->seen, row, w->dgate.at, w->of_dgate, count, k.second, w->sums.second);
    convolve(w->dgate.at, w->seen_in_dgate, row_of(&w->dgate), count, transposed(k.second), p->second_back, 0, 0,
        w->delta);
    for (int64_t q = 0; q < count; q++) {
        const float *delta = w->delta + 2 * F * q, *elu = w->second.at + w->own[q];
        float *dc = w->dc.at + w->of_dc[q];
        if (d.kept < 65536) elu_pair_gradient(delta, elu, 0, dc, F, (uint32_t)((from + q) * F), &d, 1);
        else elu_pair_gradient(delta, elu, 0, dc, F, 0, &d, 0);
    }
    add_rows(w->dc.at, w->of_dc, count, F, w->sums.bias);
    /* through the skips */
    if (s->skips) {
        int64_t wide = 2 * F * s->skips;
        elu_of_skips(s, maps, w, from, count);
        add_outer(w->skipped, w->skip, 0, w->dc.at, w->of_dc, count, k.skip, w->sums.skip);
        convolve(w->dc.at, w->of_dc, 0, count, transposed(k.skip), p->skip_back, 0, 0, w->delta);
        for (int64_t j = 0; j < s->skips; j++) {
            float *to = gradients[s->skip[j]] + from * F;
            int writes = s->writes & (OF_SKIP << j);
            for (int64_t q = 0; q < count; q++)
                elu_pair_gradient(w->delta + wide * q + 2 * F * j, w->skipped + wide * q + 2 * F * j,
                                  writes ? 0 : to + F * q, to + F * q, F, 0, &NONE, 0);
        }
    }
    /* through the first convolution and its elu */
    elu_of(maps[s->x] + from * F, w->first.at, w->own, count, F, 0, &NONE);
    add_outer(w->first.at, w->seen, row, w->dc.at, w->of_dc, count, k.first, w->sums.first);
    convolve(w->dc.at, w->seen_in_dc, row_of(&w->dc), count, transposed(k.first), p->first_back, 0, 0, w->delta);
    int writes = s->writes & OF_X;
    for (int64_t q = 0; q < count; q++)
        elu_pair_gradient(w->delta + 2 * F * q, w->first.at + w->own[q], (writes ? g : dx) + F * q, dx + F * q, F, 0,
            &NONE, 0);
    if (writes) return;
#pragma omp simd
    for (int64_t i = 0; i < count * F; i++) dx[i] += g[i];
}

/* Bytes that each thread takes for a layer, and that its packed weights take. */
INLINE int64_t bytes_of_work(const Layer *s, int backward) {
    Space space = {0, 0};
    take_work(s, &space, backward);
    return (int64_t)space.at;
}

INLINE int64_t bytes_of_weights(const Layer *s, int backward) {
    Space space = {0, 0};
    pack_layer(s, 0, &space, backward);
    return (int64_t)space.at;
}

static void gated_forward(const Layer *s, float *const *maps, float *const *weights, char *workspace) {
    Space shared = {workspace, workspace};
    Packed p = pack_layer(s, weights, &shared, 0);
    int64_t bytes = bytes_of_work(s, 0), step = images_at_once(s);
#pragma omp parallel for num_threads(s->threads) schedule(static, 1) if (s->threads > 1)
    for (int64_t t = 0; t < s->threads; t++) {
        Space own = {shared.at + t * bytes, shared.at + t * bytes};
        Work w = take_work(s, &own, 0);
        for (int64_t image = t * step; image < s->batch; image += s->threads * step) gate_group(s, &w, &p, maps, image);
    }
}

static void gated_backward(const Layer *s, float *const *maps, float *const *gradients, float *const *weights,
                           float *const *to, char *workspace) {
    Space shared = {workspace, workspace};
    Packed p = pack_layer(s, weights, &shared, 1);
    int64_t bytes = bytes_of_work(s, 1), step = images_at_once(s);
    Sums sums[s->threads];
    sums[0] = (Sums){0};
#pragma omp parallel for num_threads(s->threads) schedule(static, 1) if (s->threads > 1)
    for (int64_t t = 0; t < s->threads; t++) {
        Space own = {shared.at + t * bytes, shared.at + t * bytes};
        Work w = take_work(s, &own, 1);
        sums[t] = w.sums;
        for (int64_t image = t * step; image < s->batch; image += s->threads * step)
            gate_group_backward(s, &w, &p, maps, gradients, image);
    }
    for (int64_t t = 1; t < s->threads; t++)
#pragma omp simd
        for (int64_t i = 0; i < sums[0].numbers; i++) sums[0].all[i] += sums[t].all[i];
    Kernels k = kernels_of(s);
    Gradients first = gradients_at(to, s->weights), second = gradients_at(to, s->weights + 3);
    unpack(k.first, weights_at(weights, s->weights), sums[0].first, first);
    unpack(k.second, weights_at(weights, s->weights + 3), sums[0].second, second);
    memcpy(first.bias, sums[0].bias, s->filters * 4);
    memcpy(second.bias, sums[0].gate_bias, 2 * s->filters * 4);
    if (s->skips) {
        Gradients skip = gradients_at(to, s->weights + 6);
        unpack(k.skip, weights_at(weights, s->weights + 6), sums[0].skip, skip);
        memcpy(skip.bias, sums[0].bias, s->filters * 4);
    }
    if (s->context) {
        int64_t i = first_of_context(s);
        unpack(k.context, (Weights){weights[i], 0, 0}, sums[0].context, (Gradients){to[i], 0, 0});
    }
}

/* ---- between scales: a coarse pixel and the pixels of a fine map that it sees, or contributes to ---- */

typedef struct {
    Kernel gather;
    Padded fine;
    int64_t *fine_at, *seen, *coarse_at; /* places of fine pixels; of what a coarse pixel sees; of coarse pixels */
    int64_t fine_area, coarse_area, images;
    float *spread; /* what the coarse pixels of a group contribute */
    float *packed, *sums, *bias;
} Scales;

static Scales take_scales(const Layer *s, Space *space) {
    int doubles = s->kind == DOUBLED;
    int64_t F = s->filters, H = doubles ? 2 * s->height : s->height, W = doubles ? 2 * s->width : s->width;
    Scales w = {.fine_area = H * W, .coarse_area = H * W / 4, .images = images_at_once(s)};
    w.gather = (Kernel){F, F, s->rows, s->columns};
    /* A doubled pixel contributes to the pixel at its left where its kernel has three columns. */
    w.fine = doubles ? (Padded){0, F, H, W, s->columns - 2, 0, 0, 0}
                     : (Padded){0, F, H, W, s->left, s->right, s->above, s->below};
    w.fine.at = take_numbers(space, w.images * size_of_image(&w.fine), 1);
    w.fine_at = take_places(space, &w.fine, w.images, 1, 0, 0);
    w.seen = take_places(space, &w.fine, w.images, 2, w.fine.above, w.fine.left);
    Padded coarse = {0, F, H / 2, W / 2, 0, 0, 0, 0};
    w.coarse_at = take_places(space, &coarse, w.images, 1, 0, 0);
    w.spread = take_numbers(space, w.images * w.coarse_area * size_of(w.gather) / F, 0);
    w.packed = take_numbers(space, size_of(w.gather), 0);
    w.sums = take_numbers(space, size_of(w.gather), 1);
    w.bias = take_numbers(space, F, 1);
    return w;
}

/* Copy fine maps into their margin of zeros. */
INLINE void read_fine(const Scales *w, const float *from, int64_t count) {
    for (int64_t p = 0; p < count; p++)
        memcpy(w->fine.at + w->fine_at[p], from + p * w->fine.channels, w->fine.channels * 4);
}

/* Contributions of coarse maps to the fine ones, with their margin. */
static void spread_to_fine(const Scales *w, const float *coarse, int64_t images) {
    int64_t wide = w->gather.columns * w->fine.channels, row = row_of(&w->fine), count = images * w->coarse_area;
    convolve(coarse, w->coarse_at, 0, count, spread_of(w->gather), w->packed, 0, 0, w->spread);
    memset(w->fine.at, 0, images * size_of_image(&w->fine) * 4);
    for (int64_t p = 0; p < count; p++)
        for (int64_t r = 0; r < w->gather.rows; r++) {
            float *to = w->fine.at + w->seen[p] + r * row;
            const float *from = w->spread + (p * w->gather.rows + r) * wide;
#pragma omp simd
            for (int64_t c = 0; c < wide; c++) to[c] += from[c];
        }
}

static void scale_forward(const Layer *s, float *const *maps, float *const *weights, char *workspace) {
    Space space = {workspace, workspace};
    Scales w = take_scales(s, &space);
    Weights own = weights_at(weights, s->weights);
    int doubles = s->kind == DOUBLED;
    int64_t F = s->filters;
    pack_scales(w.gather, doubles, own, doubles ? 0 : w.packed, doubles ? w.packed : 0);
    for (int64_t image = 0; image < s->batch; image += w.images) {
        int64_t images = smaller(w.images, s->batch - image);
        const float *x = maps[s->x] + image * s->height * s->width * F;
        if (doubles) {
            float *y = maps[s->y] + image * w.fine_area * F;
            spread_to_fine(&w, x, images);
            for (int64_t p = 0; p < images * w.fine_area; p++)
#pragma omp simd
                for (int64_t f = 0; f < F; f++) y[p * F + f] = own.bias[f] + w.fine.at[w.fine_at[p] + f];
        } else {
            float *y = maps[s->y] + image * w.coarse_area * F;
            read_fine(&w, x, images * w.fine_area);
            convolve(w.fine.at, w.seen, row_of(&w.fine), images * w.coarse_area, w.gather, w.packed, own.bias, 0, y);
        }
    }
}

static void scale_backward(const Layer *s, float *const *maps, float *const *gradients, float *const *weights,
                           float *const *to, char *workspace) {
    Space space = {workspace, workspace};
    Scales w = take_scales(s, &space);
    Weights own = weights_at(weights, s->weights);
    Gradients found = gradients_at(to, s->weights);
    int doubles = s->kind == DOUBLED;
    int64_t F = s->filters, row = row_of(&w.fine);
    int writes = s->writes & OF_X;
    pack_scales(w.gather, doubles, own, doubles ? w.packed : 0, doubles ? 0 : w.packed);
    for (int64_t image = 0; image < s->batch; image += w.images) {
        int64_t images = smaller(w.images, s->batch - image), coarse = images * w.coarse_area;
        int64_t fine = images * w.fine_area;
        int64_t from = image * s->height * s->width * F;
        const float *x = maps[s->x] + from;
        float *dx = gradients[s->x] + from;
        if (doubles) {
            const float *g = gradients[s->y] + image * w.fine_area * F;
            read_fine(&w, g, fine);
            add_rows(w.fine.at, w.fine_at, fine, F, w.bias);
            add_outer(w.fine.at, w.seen, row, x, w.coarse_at, coarse, w.gather, w.sums);
            convolve(w.fine.at, w.seen, row, coarse, w.gather, w.packed, writes ? 0 : dx, writes ? 0 : F, dx);
        } else {
            const float *g = gradients[s->y] + image * w.coarse_area * F;
            add_rows(g, w.coarse_at, coarse, F, w.bias);
            read_fine(&w, x, fine);
            add_outer(w.fine.at, w.seen, row, g, w.coarse_at, coarse, w.gather, w.sums);
            spread_to_fine(&w, g, images);
            for (int64_t p = 0; p < fine; p++)
#pragma omp simd
                for (int64_t f = 0; f < F; f++)
                    dx[p * F + f] = (writes ? 0.0f : dx[p * F + f]) + w.fine.at[w.fine_at[p] + f];
            memset(w.fine.at, 0, images * size_of_image(&w.fine) * 4);
        }
    }
    unpack_scales(w.gather, doubles, own, w.sums, found);
    memcpy(found.bias, w.bias, F * 4);
}

/* ---- all layers ---- */

/* Bytes of the workspace of a pass. */
int64_t network_workspace(const Layer *layers, int64_t count, int64_t backward) {
    int64_t most = 0;
    for (const Layer *s = layers; s < layers + count; s++) {
        Space space = {0, 0};
        if (s->kind != GATED) take_scales(s, &space);
        int64_t bytes = s->kind == GATED
                            ? bytes_of_weights(s, backward != 0) + s->threads * bytes_of_work(s, backward != 0)
                            : (int64_t)space.at;
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* Write the map y of each layer, in their order, and what the backward pass reads. */
void network_forward(const Layer *layers, int64_t count, float *const *maps, float *const *weights, char *workspace) {
    for (const Layer *s = layers; s < layers + count; s++) {
        if (s->kind == GATED) gated_forward(s, maps, weights, workspace);
        else scale_forward(s, maps, weights, workspace);
    }
}

/* Write the gradients of all maps that a layer reads, in reverse order, and those of the weights. */
void network_backward(const Layer *layers, int64_t count, float *const *maps, float *const *gradients,
                      float *const *weights, float *const *to, char *workspace) {
    for (const Layer *s = layers + count; s-- > layers;) {
        if (s->kind == GATED) gated_backward(s, maps, gradients, weights, to, workspace);
        else scale_backward(s, maps, gradients, weights, to, workspace);
    }
}
