/* SPDX-License-Identifier: Apache-2.0
 *
 * UUIDs that follow from a message alone, so that a redelivery makes the same ones. */
#ifndef PLUGIN_DERIVE_H
#define PLUGIN_DERIVE_H

#include <stdint.h>

#include <warrener/handler.h>

#define DERIVED_UUID_CHARS 36

/* The n-th UUID (version 8) of this message in this handler: of the message's id, or of its body,
 * address, type and time where it has none. Never changes between versions of the host. */
void derive_uuid(const char *handler, const struct wr_message *message, uint32_t n,
                 char out[DERIVED_UUID_CHARS]);

#endif
