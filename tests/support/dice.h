/* SPDX-License-Identifier: Apache-2.0
 *
 * Chance that can be had again: its seed is printed, and taken from WARRENER_SEED where that is set. */
#ifndef SUPPORT_DICE_H
#define SUPPORT_DICE_H

#include <stdint.h>

void dice_begin(const char *what);   /* says the seed on stderr */
uint64_t dice_below(uint64_t limit); /* 0 .. limit-1 */

#endif
