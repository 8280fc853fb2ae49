/* SPDX-License-Identifier: Apache-2.0
 *
 * A locked list, an eventfd and a count; see mailbox.h. The eventfd is written under the lock, so
 * that it is never written after the loop has closed it. */
#include "net/mailbox.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/loop.h"

struct mailbox {
    pthread_mutex_t mutex; /* guards all below */
    struct list calls;
    int wake_fd;
    unsigned references;
    bool is_open;
};

struct mailbox *mailbox_open(int wake_fd)
{
    struct mailbox *box = NEW(struct mailbox);
    CHECK(pthread_mutex_init(&box->mutex, NULL) == 0);
    list_init(&box->calls);
    box->wake_fd = wake_fd;
    box->references = 1;
    box->is_open = true;
    return box;
}

static void unlock_and_drop_reference(struct mailbox *box)
{
    const bool is_last = --box->references == 0;
    pthread_mutex_unlock(&box->mutex);
    if (!is_last) return;
    pthread_mutex_destroy(&box->mutex);
    free(box);
}

void mailbox_close(struct mailbox *box)
{
    pthread_mutex_lock(&box->mutex);
    box->is_open = false;
    unlock_and_drop_reference(box);
}

struct mailbox *mailbox_hold(struct mailbox *box)
{
    pthread_mutex_lock(&box->mutex);
    box->references++;
    pthread_mutex_unlock(&box->mutex);
    return box;
}

void mailbox_release(struct mailbox *box)
{
    pthread_mutex_lock(&box->mutex);
    unlock_and_drop_reference(box);
}

bool mailbox_post(struct mailbox *box, struct loop_call *call)
{
    pthread_mutex_lock(&box->mutex);
    const bool is_open = box->is_open;
    if (is_open) {
        const bool was_empty = list_is_empty(&box->calls);
        list_append(&box->calls, &call->link);
        const uint64_t one = 1;
        if (was_empty) CHECK(write(box->wake_fd, &one, sizeof one) == sizeof one);
    }
    pthread_mutex_unlock(&box->mutex);
    return is_open;
}

void mailbox_withdraw(struct mailbox *box, struct loop_call *call)
{
    pthread_mutex_lock(&box->mutex);
    list_remove(&call->link);
    pthread_mutex_unlock(&box->mutex);
}

void mailbox_empty(struct mailbox *box, struct list *out)
{
    pthread_mutex_lock(&box->mutex);
    list_move_all(out, &box->calls);
    pthread_mutex_unlock(&box->mutex);
}
