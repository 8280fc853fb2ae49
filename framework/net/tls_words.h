/* SPDX-License-Identifier: Apache-2.0
 *
 * What OpenSSL found wrong, in words for people. Of use to net/tls alone. */
#ifndef NET_TLS_WORDS_H
#define NET_TLS_WORDS_H

#include <openssl/x509.h>
#include <stddef.h>

#include "base/status.h"

/* The fault of the certificate under verification: "certificate has expired (subject CN=a)". */
void tls_words_certificate(X509_STORE_CTX *store, const char *host, const char *ca_file, char *out,
                           size_t out_bytes);

/* A failed step: OpenSSL's error (0: none), else the system's, with "TLS: " before it. */
void tls_words_error(unsigned long error, int system_error, struct status *status);

#endif
