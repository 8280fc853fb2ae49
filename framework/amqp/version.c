/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec's library by name; see version.h. */
#include "amqp/version.h"

#include "amqp/codec.h"

const char *amqp_library_version(void)
{
    return amqp_version();
}
