/* SPDX-License-Identifier: Apache-2.0
 *
 * The verbs of tests/support/broker for the broker under test; each returns when it is so. */
#ifndef SUPPORT_BROKER_VERBS_H
#define SUPPORT_BROKER_VERBS_H

#include <stdbool.h>

bool broker_is_ours(void); /* WARRENER_TEST_BROKER names it; false is said on stderr */
void broker_verb(const char *verb);
void broker_mend(void); /* runs again, whatever a test that failed has left of it */
void broker_ctl(const char *command, const char *argument); /* rabbitmqctl; NULL: no argument */

#endif
