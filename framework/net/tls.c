/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenSSL, as a client over a non-blocking socket; see tls.h. OpenSSL keeps its errors in a queue of
 * the thread: each step clears it first, or the next one would be blamed for this one's. What is
 * wrong with a certificate is noted while it is verified, for in TLS 1.3 it is gone afterwards. */
#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "net/tls_words.h"

#define READ_BUFFER_BYTES (64u * 1024u) /* some records to a system call */

struct tls {
    SSL *ssl;
    bool is_up, has_failed;
    char *host;
    char *ca_file;        /* NULL: the system's */
    char cert_fault[600]; /* "": none */
};

/* The first of the queue: those after it only say through whom it came. */
static const char *library_error(void)
{
    const unsigned long error = ERR_peek_error();
    if (ERR_GET_LIB(error) == ERR_LIB_SYS) return strerror(ERR_GET_REASON(error));
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    return reason ? reason : "unknown error";
}

static bool fail_file(struct status *status, const char *what, const char *file)
{
    return status_fail(status, EXIT_CONFIG, "TLS: cannot use %s in \"%s\": %s", what, file,
                       library_error());
}

/* Without this OpenSSL would ask the terminal. */
static int refuse_passphrase(char *out UNUSED, int bytes UNUSED, int writes UNUSED,
                             void *arg UNUSED)
{
    return -1;
}

static bool load_authorities(SSL_CTX *context, const char *ca_file, struct status *status)
{
    if (!ca_file) {
        if (SSL_CTX_set_default_verify_paths(context) == 1) return true;
        return status_fail(status, EXIT_CONFIG, "TLS: cannot use the system's authorities: %s",
                           library_error());
    }
    return SSL_CTX_load_verify_locations(context, ca_file, NULL) == 1 ||
           fail_file(status, "the authorities (ca)", ca_file);
}

static bool load_own(SSL_CTX *context, const struct tls_settings *settings, struct status *status)
{
    const char *cert_file = settings->cert_file;
    if (!cert_file) return true;
    const char *key_file = settings->key_file ? settings->key_file : cert_file;
    SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1)
        return fail_file(status, "the client certificate (cert)", cert_file);
    const bool is_loaded = SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) == 1;
    if (is_loaded && SSL_CTX_check_private_key(context) == 1) return true;
    if (is_loaded || ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
        return status_fail(status, EXIT_CONFIG,
                           "TLS: the key in \"%s\" does not belong to the certificate in \"%s\"",
                           key_file, cert_file);
    return fail_file(status, "the client key (key)", key_file);
}

static SSL_CTX *make_context(const struct tls_settings *settings, struct status *status)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    CHECK(context);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_BUFFER_BYTES);
    if ((!settings->verify || load_authorities(context, settings->ca_file, status)) &&
        load_own(context, settings, status))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

/* Called for each certificate of the chain; the first fault is the one to tell. */
static int on_verified(int is_good, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *tls = SSL_get_app_data(ssl);
    if (!is_good && !tls->cert_fault[0])
        tls_words_certificate(store, tls->host, tls->ca_file, tls->cert_fault,
                              sizeof tls->cert_fault);
    return is_good;
}

static bool is_ip(const char *host)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* Server name indication is for names alone. */
static bool expect_host(struct tls *tls, bool verify, struct status *status)
{
    const bool has_ip = is_ip(tls->host);
    bool is_set = has_ip || SSL_set_tlsext_host_name(tls->ssl, tls->host) == 1;
    if (verify) {
        SSL_set_verify(tls->ssl, SSL_VERIFY_PEER, on_verified);
        SSL_set_hostflags(tls->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        X509_VERIFY_PARAM *wanted = SSL_get0_param(tls->ssl);
        is_set = is_set && (has_ip ? X509_VERIFY_PARAM_set1_ip_asc(wanted, tls->host) == 1
                                   : SSL_set1_host(tls->ssl, tls->host) == 1);
    }
    return is_set ||
           status_fail(status, EXIT_CONFIG,
                       "TLS: \"%.80s\" is no host name that a certificate can hold", tls->host);
}

/* "rabbit.example." is the same host, but no certificate is made out to it. */
static char *copy_host(const char *host)
{
    char *copy = memory_copy_text(host);
    const size_t length = strlen(copy);
    if (length > 1 && copy[length - 1] == '.') copy[length - 1] = 0;
    return copy;
}

struct tls *tls_open(const struct tls_settings *settings, int fd, const char *host,
                     struct status *status)
{
    SSL_CTX *context = make_context(settings, status);
    if (!context) return NULL;
    struct tls *tls = NEW(struct tls);
    tls->host = copy_host(host);
    tls->ca_file = settings->ca_file ? memory_copy_text(settings->ca_file) : NULL;
    tls->ssl = SSL_new(context);
    SSL_CTX_free(context); /* the session holds its own reference */
    CHECK(tls->ssl && SSL_set_fd(tls->ssl, fd) == 1);
    SSL_set_app_data(tls->ssl, tls);
    SSL_set_connect_state(tls->ssl);
    if (expect_host(tls, settings->verify, status)) return tls;
    tls_close(tls);
    return NULL;
}

void tls_close(struct tls *tls)
{
    if (!tls) return;
    ERR_clear_error();
    if (tls->is_up && !tls->has_failed) (void)SSL_shutdown(tls->ssl);
    SSL_free(tls->ssl);
    ERR_clear_error();
    free(tls->host);
    free(tls->ca_file);
    free(tls);
}

static enum tls_result fail(struct tls *tls, int system_error, struct status *status)
{
    tls->has_failed = true;
    if (tls->cert_fault[0])
        status_fail(status, EXIT_UNREACHABLE, "TLS: %s", tls->cert_fault);
    else
        tls_words_error(ERR_peek_error(), system_error, status);
    return TLS_FAILED;
}

/* What a step of OpenSSL's came to. */
static enum tls_result result_of(struct tls *tls, int returned, struct status *status)
{
    const int system_error = errno;
    switch (SSL_get_error(tls->ssl, returned)) {
    case SSL_ERROR_NONE: return TLS_OK;
    case SSL_ERROR_WANT_READ: return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE: return TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN: return TLS_CLOSED;
    default: return fail(tls, system_error, status);
    }
}

static void begin_step(void)
{
    ERR_clear_error();
    errno = 0;
}

enum tls_result tls_shake(struct tls *tls, struct status *status)
{
    begin_step();
    const enum tls_result result = result_of(tls, SSL_do_handshake(tls->ssl), status);
    if (result == TLS_OK) tls->is_up = true;
    if (result == TLS_CLOSED)
        status_fail(status, EXIT_UNREACHABLE,
                    "TLS: the server hung up during the handshake; is this its TLS port?");
    return result;
}

enum tls_result tls_read(struct tls *tls, void *into, size_t bytes, size_t *got,
                         struct status *status)
{
    begin_step();
    *got = 0;
    return result_of(tls, SSL_read_ex(tls->ssl, into, bytes, got), status);
}

enum tls_result tls_write(struct tls *tls, const void *from, size_t bytes, size_t *put,
                          struct status *status)
{
    begin_step();
    *put = 0;
    return result_of(tls, SSL_write_ex(tls->ssl, from, bytes, put), status);
}

bool tls_has_pending(const struct tls *tls)
{
    return SSL_has_pending(tls->ssl) == 1;
}

const char *tls_library_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}
