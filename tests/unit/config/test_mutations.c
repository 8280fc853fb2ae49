/* SPDX-License-Identifier: Apache-2.0
 *
 * The full sample with bytes changed, taken away and repeated, many times over: never a crash, and
 * always a configuration or a fault. The seed is fixed, so that a failure comes again. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "unit/config/config_test.h"

#define ROUNDS 3000

static uint64_t seed = 0x5eed;

static size_t below(size_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed % limit);
}

/* One change in place; the text stays within its buffer. */
static size_t mutate(char *text, size_t len)
{
    static const char marks[] = "{}[]:,-#&*!|>'\"%@`$\\\n\t \x01\xff~?0";
    size_t at = below(len), n = 1 + below(12);
    if (at + n > len) n = len - at;
    switch (below(4)) {
    case 0: text[at] = marks[below(sizeof marks)]; return len;
    case 1: text[at] = (char)below(256); return len;
    case 2: memmove(text + at, text + at + n, len - at - n); return len - n;
    default: memmove(text + below(len - n), text + at, n); return len;
    }
}

Test(mutations, never_crash)
{
    char *sample = read_sample("full.yaml");
    size_t sample_len = strlen(sample), n_well = 0;
    char *text = malloc(sample_len);
    for (int round = 0; round < ROUNDS; round++) {
        size_t len = sample_len;
        memcpy(text, sample, len);
        for (size_t i = 1 + below(4); i > 0; i--) len = mutate(text, len);
        struct config *config = NULL;
        struct config_faults faults = { 0 };
        bool is_well = config_parse(text_from(text, len), "w.yaml", &config, &faults);
        cr_assert_eq(is_well, faults.n == 0);
        n_well += is_well || faults.n <= 6; /* six: the certificates, which are not there */
        if (is_well) config_free(config);
        config_faults_fini(&faults);
    }
    cr_expect_gt(n_well, ROUNDS / 100, "mutations that leave nothing readable test nothing");
    free(text);
    free(sample);
}
