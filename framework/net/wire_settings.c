/* SPDX-License-Identifier: Apache-2.0
 *
 * See wire_settings.h. */
#include "net/wire_settings.h"

#include <stdlib.h>

#include "base/check.h"

static const char *copy_text(const char *text)
{
    return text ? memory_copy_text(text) : NULL;
}

struct wire_settings wire_settings_copy(const struct wire_settings *settings)
{
    struct wire_settings copy = *settings;
    copy.host = memory_copy_text(settings->host);
    copy.tls.ca_file = copy_text(settings->tls.ca_file);
    copy.tls.cert_file = copy_text(settings->tls.cert_file);
    copy.tls.key_file = copy_text(settings->tls.key_file);
    return copy;
}

void wire_settings_free(struct wire_settings *copy)
{
    free((char *)copy->host);
    free((char *)copy->tls.ca_file);
    free((char *)copy->tls.cert_file);
    free((char *)copy->tls.key_file);
}
