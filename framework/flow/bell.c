/* SPDX-License-Identifier: Apache-2.0
 *
 * The bell; see bell.h. The exchanges order what was queued before a ring with what is looked for
 * after a clear. */
#include "flow/bell.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool bell_open(struct bell *bell, struct status *status)
{
    atomic_init(&bell->is_rung, false);
    bell->fd = eventfd(0, EFD_CLOEXEC);
    if (bell->fd >= 0) return true;
    return status_fail(status, EXIT_INTERNAL, "cannot make an eventfd: %s", strerror(errno));
}

void bell_close(struct bell *bell)
{
    if (bell->fd >= 0) close(bell->fd);
    bell->fd = -1;
}

void bell_ring(struct bell *bell)
{
    if (atomic_exchange_explicit(&bell->is_rung, true, memory_order_acq_rel)) return;
    const eventfd_t one = 1;
    while (write(bell->fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void bell_clear(struct bell *bell)
{
    atomic_exchange_explicit(&bell->is_rung, false, memory_order_acq_rel);
}

void bell_wait(struct bell *bell)
{
    eventfd_t rings;
    while (read(bell->fd, &rings, sizeof rings) < 0 && errno == EINTR) {
    }
    bell_clear(bell);
}
