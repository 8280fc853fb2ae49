/* SPDX-License-Identifier: Apache-2.0
 *
 * A listening socket from text such as 127.0.0.1:9187, [::1]:0 or :9187 (every address). */
#ifndef OPS_HTTP_LISTEN_H
#define OPS_HTTP_LISTEN_H

#include <stdint.h>

#include "base/status.h"

/* Non-blocking and close-on-exec; `*port` is the one taken, also where 0 was asked for. */
bool http_listen(const char *listen, int *fd, uint16_t *port, struct status *status) MUST_USE;

#endif
