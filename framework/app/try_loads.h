/* SPDX-License-Identifier: Apache-2.0
 *
 * What loaders find in a trial, from a file: a JSON object a line, {"loader","key","version","value"}. A
 * loader is named, or counted from 0; a value that is text is that text, any other JSON is its source
 * bytes, as with a message's body; null says that the key is absent, which it also is when it is not
 * there. The version is 1 unless it is given. */
#ifndef APP_TRY_LOADS_H
#define APP_TRY_LOADS_H

#include "base/status.h"
#include "plugin/trial.h"

MUST_USE bool try_loads_read(const char *path, struct wr_trial *trial, struct status *status);

#endif
