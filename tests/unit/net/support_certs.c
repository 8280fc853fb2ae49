/* SPDX-License-Identifier: Apache-2.0
 *
 * See support_certs.h. */
#include "unit/net/support_certs.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DAY_S (24L * 60 * 60)

static const struct {
    const char *name, *issuer; /* NULL: signs itself */
    const char *alternatives;  /* NULL: none */
    long until_days;
} table[] = {
    { "ca", NULL, NULL, 10 },
    { "other", NULL, NULL, 10 },
    { "server", "ca", "DNS:one.test,IP:127.0.0.1", 10 },
    { "expired", "ca", "DNS:one.test,IP:127.0.0.1", -1 },
    { "elsewhere", "ca", "DNS:a.example,DNS:b.example,IP:10.0.0.7", 10 },
    { "client", "ca", NULL, 10 },
    { "stranger", "other", NULL, 10 },
};
#define CERTS (sizeof table / sizeof *table)

const char *certs_file(const struct certs *certs, const char *name)
{
    static char files[4][128];
    static unsigned next;
    char *file = files[next++ % 4];
    snprintf(file, sizeof files[0], "%s/%s.pem", certs->dir, name);
    return file;
}

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    cr_assert(extension);
    cr_assert(X509_add_ext(cert, extension, -1));
    X509_EXTENSION_free(extension);
}

static X509 *make_cert(size_t nth, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), (long)nth + 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -10 * DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(cert), table[nth].until_days * DAY_S);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)table[nth].name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    if (!issuer) add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    if (table[nth].alternatives) add_extension(cert, NID_subject_alt_name, table[nth].alternatives);
    cr_assert(X509_sign(cert, issuer ? issuer_key : key, EVP_sha256()));
    return cert;
}

static void write_pem(const struct certs *certs, size_t nth, X509 *cert, EVP_PKEY *key)
{
    FILE *file = fopen(certs_file(certs, table[nth].name), "w");
    cr_assert(file);
    PEM_write_X509(file, cert);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
}

void certs_make(struct certs *certs)
{
    scratch_make(certs->dir, "certs");
    EVP_PKEY *keys[CERTS] = { NULL };
    X509 *made[CERTS] = { NULL };
    for (size_t i = 0; i < CERTS; i++) {
        size_t issuer = 0;
        while (table[i].issuer && strcmp(table[issuer].name, table[i].issuer) != 0) issuer++;
        keys[i] = EVP_EC_gen("P-256");
        made[i] = make_cert(i, keys[i], table[i].issuer ? made[issuer] : NULL,
                            table[i].issuer ? keys[issuer] : NULL);
        write_pem(certs, i, made[i], keys[i]);
    }
    for (size_t i = 0; i < CERTS; i++) {
        X509_free(made[i]);
        EVP_PKEY_free(keys[i]);
    }
}

void certs_remove(struct certs *certs)
{
    scratch_remove(certs->dir);
}

/* What is written while the cork is in leaves in one piece when it is pulled. */
static void cork(int fd, int is_in)
{
    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &is_in, sizeof is_in);
}

static SSL *accept_tls(const struct tls_server *setup, int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    cr_assert_eq(SSL_CTX_use_certificate_file(context, setup->file, SSL_FILETYPE_PEM), 1);
    cr_assert_eq(SSL_CTX_use_PrivateKey_file(context, setup->file, SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_max_proto_version(context, setup->newest_version);
    if (setup->client_ca) {
        SSL_CTX_load_verify_locations(context, setup->client_ca, NULL);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) return ssl;
    SSL_free(ssl);
    ERR_clear_error();
    return NULL;
}

void serve_tls(struct server *server, int fd)
{
    struct tls_server *setup = server->data;
    if (setup->says_nothing) {
        receive_to_end(fd);
        return;
    }
    if (setup->speaks_first) cork(fd, 1);
    SSL *ssl = accept_tls(setup, fd);
    if (!ssl) return;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(setup->name_asked, sizeof setup->name_asked, "%s", name ? name : "");
    if (setup->speaks_first) SSL_write(ssl, "hello", 5);
    if (setup->hangs_up) SSL_shutdown(ssl);
    cork(fd, 0);
    char bytes[30000];
    int n;
    while ((n = SSL_read(ssl, bytes, sizeof bytes)) > 0 && SSL_write(ssl, bytes, n) > 0) {
    }
    setup->had_goodbye = SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN;
    SSL_free(ssl);
    ERR_clear_error();
}
