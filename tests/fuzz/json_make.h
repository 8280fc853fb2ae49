/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes documents for the JSON fuzzer: most are well-formed and odd, some are damaged. One seed
 * gives one sequence of documents. */
#ifndef FUZZ_JSON_MAKE_H
#define FUZZ_JSON_MAKE_H

#include <stddef.h>
#include <stdint.h>

#define MAKE_BYTES_MAX 8192

struct make {
    uint64_t seed;
    size_t len;
    char bytes[MAKE_BYTES_MAX];
};

/* The next document, in bytes and len. */
void make_document(struct make *make);

#endif
