/* The mask of element-wise dropout, which each pass computes again from its seed. */
#pragma once
#include <stdint.h>

#include "exponentials.h"

typedef struct {
    uint32_t seed, second_seed;
    uint32_t kept;  /* of 65536 elements; 65536 is no dropout */
    float scale;    /* factor on kept elements, 65536 / kept */
} Dropout;

/* Random bits of an element of a map x: the low half decides about elu(x), the high half about elu(-x).
 * A counter through two rounds of multiply and shift, each keyed by one half of the seed. */
INLINE uint32_t random_bits(uint32_t element, uint32_t seed, uint32_t second_seed) {
    uint32_t h = element + seed;
    h ^= h >> 16;
    h *= 0x7feb352du;
    h ^= h >> 15;
    h += second_seed;
    h *= 0x846ca68bu;
    h ^= h >> 16;
    h *= 0x9e3779b1u;
    return h ^ (h >> 15);
}
