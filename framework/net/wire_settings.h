/* SPDX-License-Identifier: Apache-2.0
 *
 * A wire's own copy of its settings, texts and all: whoever asked for the wire may forget his. */
#ifndef NET_WIRE_SETTINGS_H
#define NET_WIRE_SETTINGS_H

#include "net/wire.h"

struct wire_settings wire_settings_copy(const struct wire_settings *settings);
void wire_settings_free(struct wire_settings *copy);

#endif
