/* SPDX-License-Identifier: Apache-2.0
 *
 * One document before our scanner and before jansson. */
#ifndef FUZZ_JSON_ORACLE_H
#define FUZZ_JSON_ORACLE_H

#include <stddef.h>
#include <stdint.h>

enum oracle_verdict {
    ORACLE_BOTH_ACCEPT,
    ORACLE_BOTH_REFUSE,
    ORACLE_KNOWN_DIFFERENCE,
    ORACLE_VERDICTS
};

/* Aborts with the document shown where the two disagree. */
enum oracle_verdict oracle_compare(const uint8_t *bytes, size_t len);

/* libFuzzer's way in. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
