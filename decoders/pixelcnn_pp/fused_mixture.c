/* The discretized mixture of logistics (logistic_mixture.py): log-probabilities of pixels and their gradient, in one
 * pass over memory.
 *
 * Parameters are float32, (batch, outputs, pixels): logits (K), means (C, K), log-scales (C, K) and couplings
 * (C (C - 1) / 2, K). Means and scales are taken in units of a level, so that the edges of levels are exact. The
 * gradient is that of each pixel's log-probability in its own parameters, in the same layout. No result depends on the
 * number of threads, because each pixel is computed independently.
 */
#include <stdint.h>

#include "exponentials.h"

#define BLOCK 64 /* pixels at once: their numbers stay in the fastest cache */

typedef struct {
    int64_t batch, channels, components, levels, pixels, threads;
    float floor, ceiling; /* log-scales: the lowest, and the highest above it */
    float log_unit;       /* log of the distance of two levels */
} MixtureSizes;

/* log(sigmoid(z)) with the derivative sigmoid(-z). */
INLINE float log_sigmoid(float z, float *derivative) {
    float e = exp_below_zero(z > 0 ? -z : z);
    *derivative = (z > 0 ? e : 1.0f) / (1.0f + e);
    return (z < 0 ? z : 0.0f) - log1p_of(e);
}

/* Add the coupling tanh(q) of an earlier channel of value v to the means; the slope is that of a mean in q. */
INLINE void couple(const float *q, const float *v, float *mean, float *slope, int64_t n, int differentiates) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float m = expm1_below_zero(q[i] > 0 ? -2 * q[i] : 2 * q[i]), size = -m / (2.0f + m);
        float t = q[i] > 0 ? size : -size;
        mean[i] += t * v[i];
        if (differentiates) slope[i] = v[i] * (1.0f - t) * (1.0f + t);
    }
}

/* Add the log-mass of a channel under a component to `sum`; d_mean and d_raw are its derivatives in the mean and in
 * what the network gives for the log-scale. */
INLINE void add_log_mass(const MixtureSizes *s, const float *level, const float *mean, const float *raw, float *sum,
                         float *d_mean, float *d_raw, int64_t n, int differentiates) {
    const float top = (float)(s->levels - 1), per_unit = 0.5f * top;
    const float floor = s->floor, ceiling = s->ceiling, log_unit = s->log_unit;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        float above = raw[i] - floor, d_scale, d_upper, d_lower;
        /* softplus(z) = z - log(sigmoid(z)), whose derivative is 1 - sigmoid(-z). */
        float z = above > ceiling ? ceiling : above;
        float log_scale = floor - log_unit - log_sigmoid(-z, &d_scale);
        float inverse = log_scale > 0 ? exp_below_zero(-log_scale) : 1.0f / exp_below_zero(log_scale);
        float x = level[i] - 0.5f * top, u = mean[i] * per_unit;
        float b = inverse * ((x + 0.5f) - u), a = -inverse * ((x - 0.5f) - u);
        float below = log_sigmoid(b, &d_upper), over = log_sigmoid(a, &d_lower);
        float part = -expm1_below_zero(-inverse), both = log_of(part);
        int inner = (level[i] > 0) & (level[i] < top);
        sum[i] += (level[i] < top ? below : 0.0f) + (level[i] > 0 ? over : 0.0f) + (inner ? both : 0.0f);
        if (differentiates) {
            float upper = level[i] < top ? d_upper : 0.0f, lower = level[i] > 0 ? d_lower : 0.0f;
            float d_both = inner ? inverse * (1.0f - part) / part : 0.0f;
            d_mean[i] = inverse * (lower - upper) * per_unit;
            float d_log_scale = -((level[i] < top ? b * upper : 0.0f) + (level[i] > 0 ? a * lower : 0.0f) + d_both);
            d_raw[i] = above > ceiling ? 0.0f : d_log_scale * d_scale;
        }
    }
}

/* The log of the sum over components of exp(rows), as most + rest, and, where `share` is no null, the share of each in
 * the sum. NaN where all rows are minus infinity. */
INLINE void log_sum(int64_t K, const float rows[][BLOCK], float *most, float *rest, float share[][BLOCK], int64_t n) {
    float total[BLOCK];
    for (int64_t i = 0; i < n; i++) most[i] = rows[0][i], total[i] = 0;
    for (int64_t k = 1; k < K; k++)
#pragma omp simd
        for (int64_t i = 0; i < n; i++) most[i] = rows[k][i] > most[i] ? rows[k][i] : most[i];
    for (int64_t k = 0; k < K; k++)
#pragma omp simd
        for (int64_t i = 0; i < n; i++) {
            float e = exp_below_zero(rows[k][i] - most[i]);
            total[i] += e;
            if (share) share[k][i] = e;
        }
    for (int64_t k = 0; share && k < K; k++)
#pragma omp simd
        for (int64_t i = 0; i < n; i++) share[k][i] /= total[i];
#pragma omp simd
    for (int64_t i = 0; i < n; i++) rest[i] = log_of(total[i]);
}

INLINE void scale_by(const float *factor, float *x, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) x[i] *= factor[i];
}

/* The first n pixels of an image at these addresses; arrays of the parameters are `pixels` numbers apart. */
INLINE void block(const MixtureSizes *s, const float *parameters, const float *levels, float *log_prob,
                  float *gradient, int64_t n, int differentiates) {
    const int64_t K = s->components, C = s->channels, P = s->pixels;
    const float *means = parameters + K * P, *raws = means + C * K * P, *couplings = raws + C * K * P;
    float *d_means = gradient + K * P, *d_raws = d_means + C * K * P, *d_couplings = d_raws + C * K * P;
    float logits[K][BLOCK], joint[K][BLOCK], values[C][BLOCK], share[K][BLOCK], prior[K][BLOCK];
    float mean[BLOCK], most[BLOCK], rest[BLOCK];
    const float step = 2.0f / (float)(s->levels - 1);
    for (int64_t c = 0; c < C; c++)
        for (int64_t i = 0; i < n; i++) values[c][i] = levels[c * P + i] * step - 1.0f;
    for (int64_t k = 0; k < K; k++)
        for (int64_t i = 0; i < n; i++) logits[k][i] = parameters[k * P + i];
    log_sum(K, logits, most, rest, differentiates ? prior : 0, n);
    for (int64_t k = 0; k < K; k++) {
        /* Before the masses are added, and the largest first: large logits cost the rest no digits. */
        for (int64_t i = 0; i < n; i++) joint[k][i] = logits[k][i] - most[i] - rest[i];
        for (int64_t c = 0; c < C; c++) {
            const int64_t first = c * (c - 1) / 2, here = (c * K + k) * P;
            for (int64_t i = 0; i < n; i++) mean[i] = means[here + i];
            for (int64_t d = 0; d < c; d++)
                couple(couplings + ((first + d) * K + k) * P, values[d], mean,
                       d_couplings + ((first + d) * K + k) * P, n, differentiates);
            add_log_mass(s, levels + c * P, mean, raws + here, joint[k], d_means + here, d_raws + here, n,
                         differentiates);
            for (int64_t d = 0; differentiates && d < c; d++)
                scale_by(d_means + here, d_couplings + ((first + d) * K + k) * P, n);
        }
    }
    log_sum(K, joint, most, rest, differentiates ? share : 0, n);
    for (int64_t i = 0; i < n; i++) log_prob[i] = most[i] + rest[i];
    for (int64_t k = 0; differentiates && k < K; k++) {
        for (int64_t i = 0; i < n; i++) gradient[k * P + i] = share[k][i] - prior[k][i];
        for (int64_t j = 1; j < 1 + 2 * C + C * (C - 1) / 2; j++)
            scale_by(share[k], gradient + (j * K + k) * P, n);
    }
}

/* log_prob (batch, pixels) of levels (batch, C, pixels), whole floats, and, where it is no null, the gradient in the
 * parameters. */
void mixture_log_prob(const MixtureSizes *s, const float *parameters, const float *levels, float *log_prob,
                      float *gradient) {
    const int64_t C = s->channels, P = s->pixels, outputs = s->components * (1 + 2 * C + C * (C - 1) / 2);
    const int64_t blocks = (P + BLOCK - 1) / BLOCK;
#pragma omp parallel for num_threads(s->threads) schedule(static) if (s->threads > 1)
    for (int64_t j = 0; j < s->batch * blocks; j++) {
        int64_t b = j / blocks, i = j % blocks * BLOCK, n = P - i < BLOCK ? P - i : BLOCK;
        const float *given = parameters + b * outputs * P + i, *of_levels = levels + b * C * P + i;
        if (gradient) block(s, given, of_levels, log_prob + b * P + i, gradient + b * outputs * P + i, n, 1);
        else block(s, given, of_levels, log_prob + b * P + i, 0, n, 0);
    }
}
