/* Exponentials and logarithms in float32 as plain arithmetic, so that a loop over them becomes vector instructions. */
#pragma once
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

typedef union {
    float number;
    uint32_t bits;
} Word;

/* exp(x) = power (1 + rest) for x <= 0: a power of two, and exp(r) - 1 with |r| <= log(2) / 2. A NaN stays one. */
typedef struct {
    float power, rest;
} Parts;

INLINE Parts parts_of_exp(float x) {
    float t = x < -87.0f ? -87.0f : x; /* a NaN passes */
    Word n = {.number = t * 1.44269504f + 12582912.0f}; /* the low bits hold the nearest integer */
    float whole = n.number - 12582912.0f;
    float r = (t - whole * 0.693145752f) - whole * 1.42860677e-6f;
    Word power = {.bits = (n.bits << 23) + 0x3f800000u};
    float q = 1.0f / 5040;
    q = q * r + 1.0f / 720;
    q = q * r + 1.0f / 120;
    q = q * r + 1.0f / 24;
    q = q * r + 1.0f / 6;
    q = q * r + 0.5f;
    return (Parts){power.number, q * r * r + r};
}

/* exp(x) - 1 for x <= 0, within 2 units in the last place. */
INLINE float expm1_below_zero(float x) {
    Parts e = parts_of_exp(x);
    return e.power * e.rest + (e.power - 1.0f);
}

/* exp(x) for x <= 0, within 2 units in the last place down to -87, and exp(-87) below. */
INLINE float exp_below_zero(float x) {
    Parts e = parts_of_exp(x);
    return e.power * e.rest + e.power;
}

/* 1 / (1 + exp(-b)), by exponentials of negative numbers alone. */
INLINE float sigmoid(float b) {
    float e = expm1_below_zero(b > 0 ? -b : b) + 1.0f;
    return (b > 0 ? 1.0f : e) / (1.0f + e);
}

/* log(x) for finite normal x > 0, within 2 units in the last place or 1e-7: x = 2^n m with m in sqrt(1/2) .. sqrt(2), and
 * log(m) = 2 atanh(s), s = (m - 1) / (m + 1). A NaN stays one. */
INLINE float log_of(float x) {
    Word w = {.number = x};
    int32_t n = (int32_t)(w.bits - 0x3f3504f3u) >> 23;
    Word m = {.bits = w.bits - ((uint32_t)n << 23)};
    float s = (m.number - 1.0f) / (m.number + 1.0f), t = s * s;
    float q = 2.0f / 9;
    q = q * t + 2.0f / 7;
    q = q * t + 2.0f / 5;
    q = q * t + 2.0f / 3;
    float whole = (float)n, y = whole * 0.693145752f + (2.0f * s + (s * t * q + whole * 1.42860677e-6f));
    return x == x ? y : x;
}

/* log(1 + e) for 0 <= e <= 1, within 3 units in the last place: the rounding of 1 + e is added again. */
INLINE float log1p_of(float e) {
    float w = 1.0f + e;
    return log_of(w) + (e - (w - 1.0f)) / w;
}
