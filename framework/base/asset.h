/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that was built into the program; tables of them are made by warrener_assets() of CMake. */
#ifndef BASE_ASSET_H
#define BASE_ASSET_H

#include "base/text.h"

struct asset {
    const char *name;     /* without its directory; NULL ends a table */
    struct wr_text bytes; /* no NUL behind them */
};

#endif
