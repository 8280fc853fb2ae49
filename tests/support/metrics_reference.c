/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints docs/metrics.md; see the target docs_metrics. */
#include "metrics/reference.h"

int main(void)
{
    metrics_write_reference(stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}
