/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints docs/configuration.md; see the target docs_configuration. */
#include "config/reference.h"

int main(void)
{
    config_write_reference(stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}
