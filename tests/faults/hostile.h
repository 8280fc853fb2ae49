/* SPDX-License-Identifier: Apache-2.0
 *
 * What no broker should ever say, as scripts for the proxy. */
#ifndef FAULTS_HOSTILE_H
#define FAULTS_HOSTILE_H

#include "support/proxy.h"

#define HOSTILE_MOST 32

/* The scripts, and how many; they live on. */
unsigned hostile_scripts(const struct proxy_script **out);

#endif
