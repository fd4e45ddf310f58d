/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * tls: contexts for TLS sessions out of bytes, with no file and no socket.
 *
 * A process that talks to strangers has certificates, never their keys: what
 * is to be signed goes to a callback, which asks who has the key.
 *
 * Defaults: TLS 1.2 and 1.3, forward secrecy and authenticated encryption
 *           only, no compression, no renegotiation.
 * Errors:   ERR_CORRUPT for bytes that are no certificate or key, ERR_USAGE
 *           for words of the configuration; the name is in the message.
 * Source:   RFC 8446, 5246, 6066 (names), 5077 (tickets), 9525 (names in
 *           certificates), 3207 (SMTP).
 */
#ifndef SMTPD_TLS_TLS_H
#define SMTPD_TLS_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define TLS_KEY_ID   32 /* SHA-256 of the public key */
#define TLS_TICKET   80 /* bytes of a ticket key, of OpenSSL's shape */
#define TLS_TEXT_LEN 128

struct buf;
struct err;

/* A certificate with its chain. */
struct tls_cert;

/* From PEM text; name is for errors. */
struct tls_cert *tls_cert_parse(
    const char *name, const void *pem, size_t len, struct err *e);
void tls_cert_free(struct tls_cert *c);

/* Whether c is for this host name. */
bool tls_cert_covers(const struct tls_cert *c, const char *host);
void tls_cert_key_id(const struct tls_cert *c, uint8_t id[TLS_KEY_ID]);

/* A private key from PEM text; RSA from 2,048 bits, or ECDSA. */
EVP_PKEY *tls_key_parse(
    const char *name, const void *pem, size_t len, struct err *e);
int tls_cert_check_key(const struct tls_cert *c, const char *name,
    EVP_PKEY *key, struct err *e) ATTR_CHECKED;

/* Something to be signed with the key of that id. */
struct tls_signing {
	uint8_t id[TLS_KEY_ID];
	uint8_t padding; /* OpenSSL's number for RSA; 0 for ECDSA */
	const uint8_t *in;
	size_t in_len;
};

void tls_signing_encode(const struct tls_signing *s, struct buf *out);

/* in is borrowed from data. */
int tls_signing_decode(const void *data, size_t len, struct tls_signing *s,
    struct err *e) ATTR_CHECKED;

/* Who has the key: append the signature to out. */
int tls_sign(EVP_PKEY *key, const struct tls_signing *s, struct buf *out,
    struct err *e) ATTR_CHECKED;

/* Who has not: ask for it.  False: no signature was to be had. */
typedef bool tls_sign_cb(
    void *arg, const struct tls_signing *s, struct buf *out);

struct tls_options {
	const struct tls_cert *cert; /* borrowed; NULL: a client without */
	tls_sign_cb *sign;
	void *sign_arg;
	const char *ciphers;   /* of TLS 1.2: as in smtpd.conf(5), or NULL */
	const char *protocols; /* likewise */
	const char *dhe;       /* likewise */
	bool verify;           /* the other side has to have a certificate */
	SSL_CTX *trusting;     /* trust what this one does, instead of ca */
	const void *ca;        /* those that are trusted, PEM */
	size_t ca_len;
};

/* The caller's, to be freed with SSL_CTX_free(). */
SSL_CTX *tls_server(const struct tls_options *o, struct err *e);
SSL_CTX *tls_client(const struct tls_options *o, struct err *e);

/* Before a client's handshake: ask for host, and demand it if verified. */
int tls_client_expect(
    SSL *ssl, const char *host, bool verify, struct err *e) ATTR_CHECKED;

/* "TLSv1.3:TLS_AES_256_GCM_SHA384:256", as logs and filters have it. */
const char *tls_text(const SSL *ssl, char out[TLS_TEXT_LEN]);

/* Put what OpenSSL complains of after what. */
void tls_error(struct err *e, const char *what);

#endif
