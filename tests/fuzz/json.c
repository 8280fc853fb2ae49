/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the JSON scanner against jansson over made documents, for some seconds or some documents. The
 * seed is printed first: with -r it makes the same documents again.
 * Usage: fuzz_json [-s SECONDS] [-n DOCUMENTS] [-r SEED] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "json_make.h"
#include "json_oracle.h"

static int64_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

int main(int argc, char **argv)
{
    static struct make make;
    uint64_t documents = UINT64_MAX, counts[ORACLE_VERDICTS] = { 0 };
    int64_t seconds = 0;
    make.seed = random_u64();
    for (int option; (option = getopt(argc, argv, "s:n:r:")) != -1;) {
        if (option == 's')
            seconds = strtoll(optarg, NULL, 10);
        else if (option == 'n')
            documents = strtoull(optarg, NULL, 10);
        else if (option == 'r')
            make.seed = strtoull(optarg, NULL, 10);
        else
            return 64;
    }
    if (seconds == 0 && documents == UINT64_MAX) seconds = 5;
    int64_t until = seconds > 0 ? now_s() + seconds : INT64_MAX;
    printf("fuzz_json: seed %" PRIu64 "\n", make.seed);
    fflush(stdout);
    for (uint64_t i = 0; i < documents && (i % 256 != 0 || now_s() < until); i++) {
        make_document(&make);
        counts[oracle_compare((const uint8_t *)make.bytes, make.len)]++;
    }
    printf("fuzz_json: %" PRIu64 " accepted, %" PRIu64 " refused by both, %" PRIu64
           " known differences\n",
           counts[ORACLE_BOTH_ACCEPT], counts[ORACLE_BOTH_REFUSE], counts[ORACLE_KNOWN_DIFFERENCE]);
    return counts[ORACLE_BOTH_ACCEPT] > 0 && counts[ORACLE_BOTH_REFUSE] > 0 ? 0 : 1;
}
