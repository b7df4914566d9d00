/* exp(x) - 1 for x <= 0, within 2 units in the last place: 2^n (exp(r) - 1) + (2^n - 1) with |r| <= log(2) / 2.
 * Plain arithmetic, so that a loop over it becomes vector instructions. */
#pragma once
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

typedef union {
    float number;
    uint32_t bits;
} Word;

INLINE float expm1_below_zero(float x) {
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
    float p = q * r * r + r;
    return power.number * p + (power.number - 1.0f);
}

/* 1 / (1 + exp(-b)), by exponentials of negative numbers alone. */
INLINE float sigmoid(float b) {
    float e = expm1_below_zero(b > 0 ? -b : b) + 1.0f;
    return (b > 0 ? 1.0f : e) / (1.0f + e);
}
