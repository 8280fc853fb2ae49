/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/configuration.md, made from the table of keys. */
#ifndef CONFIG_REFERENCE_H
#define CONFIG_REFERENCE_H

#include <stdio.h>

void config_write_reference(FILE *out);

#endif
