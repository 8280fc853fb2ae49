/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rabbitmq-c is in use. */
#ifndef AMQP_VERSION_H
#define AMQP_VERSION_H

const char *amqp_library_version(void);

#endif
