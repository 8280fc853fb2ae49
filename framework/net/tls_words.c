/* SPDX-License-Identifier: Apache-2.0
 *
 * See tls_words.h. */
#include "net/tls_words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* What the certificate is made out to: "a.example,b.example,10.0.0.7". */
static void append_name(const GENERAL_NAME *name, char *out, size_t out_bytes)
{
    const size_t at = strlen(out);
    char text[INET6_ADDRSTRLEN] = "";
    if (name->type == GEN_DNS) {
        snprintf(out + at, out_bytes - at, "%s%.*s", at ? "," : "", name->d.dNSName->length,
                 (const char *)name->d.dNSName->data);
    } else if (name->type == GEN_IPADD) {
        const ASN1_OCTET_STRING *ip = name->d.iPAddress;
        if (inet_ntop(ip->length == 4 ? AF_INET : AF_INET6, ip->data, text, sizeof text))
            snprintf(out + at, out_bytes - at, "%s%s", at ? "," : "", text);
    }
}

static void show_common_name(X509 *cert, char *out, size_t out_bytes)
{
    if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, out,
                                  (int)out_bytes) <= 0)
        snprintf(out, out_bytes, "nobody");
}

static void show_names(X509 *cert, char *out, size_t out_bytes)
{
    out[0] = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        append_name(sk_GENERAL_NAME_value(names, i), out, out_bytes);
    GENERAL_NAMES_free(names);
    if (!out[0]) show_common_name(cert, out, out_bytes);
}

static void show_name(X509_NAME *name, char *out, size_t out_bytes)
{
    BIO *text = BIO_new(BIO_s_mem());
    out[0] = 0;
    if (text && X509_NAME_print_ex(text, name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ) >= 0) {
        const int n = BIO_read(text, out, (int)out_bytes - 1);
        out[n > 0 ? n : 0] = 0;
    }
    BIO_free(text);
}

/* No way from the certificate to an authority we were told to trust. */
static bool is_untrusted(int error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: return true;
    default: return false;
    }
}

void tls_words_certificate(X509_STORE_CTX *store, const char *host, const char *ca_file, char *out,
                           size_t out_bytes)
{
    const int error = X509_STORE_CTX_get_error(store);
    const char *words = X509_verify_cert_error_string(error);
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    char name[300] = "unknown";
    if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        if (cert) show_names(cert, name, sizeof name);
        snprintf(out, out_bytes, "host name mismatch: certificate is for %s, not %.80s", name,
                 host);
    } else if (is_untrusted(error)) {
        if (cert) show_name(X509_get_issuer_name(cert), name, sizeof name);
        snprintf(out, out_bytes, "%s (issuer %s is not trusted by %s)", words, name,
                 ca_file ? ca_file : "the system's authorities; name its file as ca");
    } else {
        if (cert) show_name(X509_get_subject_name(cert), name, sizeof name);
        snprintf(out, out_bytes, "%s (subject %s)", words, name);
    }
}

void tls_words_error(unsigned long error, int system_error, struct status *status)
{
    if (error && ERR_GET_LIB(error) == ERR_LIB_SSL &&
        (ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER ||
         ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST)) {
        status_fail(status, EXIT_UNREACHABLE,
                    "TLS: the server does not speak TLS on this port (%s)",
                    ERR_reason_error_string(error));
        return;
    }
    const char *words = error ? ERR_reason_error_string(error) : NULL;
    if (!words) words = system_error ? strerror(system_error) : "the server hung up";
    status_fail(status, EXIT_UNREACHABLE, "TLS: %s", words);
}
