/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/tls/tls.h"
#include "smtpd/tls/tls_internal.h"

#define CHAIN_MAX 16
#define TEXT_MAX  (16 << 20)

/* Forward secrecy and authenticated encryption. */
static const char default_ciphers[] =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20";

void
tls_error(struct err *e, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason =
	    code == 0 ? "unknown reason" : ERR_reason_error_string(code);

	err_set(e, ERR_CORRUPT, "%s: %s", what,
	    reason == NULL ? "unknown reason" : reason);
	ERR_clear_error();
}

/* NULL, which reads as nothing, for what can't be a certificate or key. */
static BIO *
memory(const void *pem, size_t len)
{
	return len > TEXT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
}

struct tls_cert *
tls_cert_parse(const char *name, const void *pem, size_t len, struct err *e)
{
	struct tls_cert *c = xcalloc(1, sizeof(*c));
	BIO *bio = memory(pem, len);
	X509 *x;

	c->chain = sk_X509_new_null();
	c->leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (c->leaf == NULL) {
		tls_error(e, name);
		BIO_free(bio);
		tls_cert_free(c);
		return NULL;
	}
	while (sk_X509_num(c->chain) < CHAIN_MAX &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		sk_X509_push(c->chain, x);
	ERR_clear_error(); /* the end of the text is an error to it */
	BIO_free(bio);
	return c;
}

void
tls_cert_free(struct tls_cert *c)
{
	if (c == NULL)
		return;
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	free(c);
}

bool
tls_cert_covers(const struct tls_cert *c, const char *host)
{
	return X509_check_host(c->leaf, host, 0, 0, NULL) == 1;
}

void
tls_cert_key_id(const struct tls_cert *c, uint8_t id[TLS_KEY_ID])
{
	unsigned len = TLS_KEY_ID;
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->leaf), &der);

	memset(id, 0, TLS_KEY_ID);
	if (n > 0)
		EVP_Digest(der, (size_t)n, id, &len, EVP_sha256(), NULL);
	OPENSSL_free(der);
}

EVP_PKEY *
tls_key_parse(const char *name, const void *pem, size_t len, struct err *e)
{
	BIO *bio = memory(pem, len);
	/* An empty passphrase: nobody is there to be asked. */
	char none[] = "";
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, none);

	BIO_free(bio);
	if (key == NULL) {
		tls_error(e, name);
		return NULL;
	}
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC ||
	    (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
		EVP_PKEY_get_bits(key) >= 2048))
		return key;
	err_set(e, ERR_UNSUPPORTED,
	    "%s: neither an RSA key of 2048 bits or more nor an ECDSA key",
	    name);
	EVP_PKEY_free(key);
	return NULL;
}

int
tls_cert_check_key(
    const struct tls_cert *c, const char *name, EVP_PKEY *key, struct err *e)
{
	if (X509_check_private_key(c->leaf, key) == 1)
		return 0;
	ERR_clear_error();
	err_set(
	    e, ERR_CORRUPT, "%s: not the key of its pki's certificate", name);
	return -1;
}

static int
set_ciphers(SSL_CTX *ctx, const char *words, struct err *e)
{
	const char *list = words;

	if (words == NULL || strcasecmp(words, "secure") == 0 ||
	    strcasecmp(words, "default") == 0)
		list = default_ciphers;
	else if (strcasecmp(words, "compat") == 0)
		list = "HIGH:!aNULL:!kRSA:!PSK:!SRP";
	if (SSL_CTX_set_cipher_list(ctx, list) == 1)
		return 0;
	ERR_clear_error();
	err_set(
	    e, ERR_USAGE, "ciphers \"%s\": none of them is to be had", words);
	return -1;
}

static int
take_protocol(const char *word, bool *v12, bool *v13)
{
	if (strcasecmp(word, "secure") == 0 ||
	    strcasecmp(word, "default") == 0 || strcasecmp(word, "all") == 0)
		*v12 = *v13 = true;
	else if (strcasecmp(word, "tlsv1.2") == 0)
		*v12 = true;
	else if (strcasecmp(word, "tlsv1.3") == 0)
		*v13 = true;
	else
		return -1;
	return 0;
}

static int
set_protocols(SSL_CTX *ctx, const char *words, struct err *e)
{
	char *copy = xstrdup(words == NULL ? "default" : words);
	char *rest = copy, *word;
	bool v12 = false, v13 = false;
	int rc = 0;

	while (rc == 0 && (word = strsep(&rest, ",: ")) != NULL)
		if (word[0] != '\0')
			rc = take_protocol(word, &v12, &v13);
	if (rc == -1 || (!v12 && !v13)) {
		err_set(e, ERR_USAGE,
		    "protocols \"%s\": of tlsv1.2 and tlsv1.3, one or both",
		    words);
		rc = -1;
	} else {
		SSL_CTX_set_min_proto_version(
		    ctx, v12 ? TLS1_2_VERSION : TLS1_3_VERSION);
		SSL_CTX_set_max_proto_version(
		    ctx, v13 ? TLS1_3_VERSION : TLS1_2_VERSION);
	}
	free(copy);
	return rc;
}

static int
set_cert(SSL_CTX *ctx, const struct tls_options *o, struct err *e)
{
	EVP_PKEY *key = tls_remote_key(o->cert, o->sign, o->sign_arg);
	bool ok = key != NULL && SSL_CTX_use_certificate(ctx, o->cert->leaf) &&
	    SSL_CTX_use_PrivateKey(ctx, key);

	EVP_PKEY_free(key);
	for (int i = 0; ok && i < sk_X509_num(o->cert->chain); i++)
		ok = SSL_CTX_add1_chain_cert(
			 ctx, sk_X509_value(o->cert->chain, i)) == 1;
	if (ok)
		return 0;
	tls_error(e, "certificate");
	return -1;
}

/* Trust those of the PEM text, and no others. */
static int
set_trust(SSL_CTX *ctx, const struct tls_options *o, struct err *e)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	BIO *bio;
	X509 *x;
	int n = 0;

	if (o->trusting != NULL) {
		SSL_CTX_set1_cert_store(
		    ctx, SSL_CTX_get_cert_store(o->trusting));
		return 0;
	}
	bio = memory(o->ca, o->ca_len);
	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (X509_STORE_add_cert(store, x) == 1)
			n++;
		X509_free(x);
	}
	ERR_clear_error();
	BIO_free(bio);
	if (n > 0)
		return 0;
	err_set(e, ERR_CORRUPT, "no certificate in it to trust");
	return -1;
}

static SSL_CTX *
context(const SSL_METHOD *method, const struct tls_options *o, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL) {
		tls_error(e, "TLS");
		return NULL;
	}
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (set_ciphers(ctx, o->ciphers, e) == -1 ||
	    set_protocols(ctx, o->protocols, e) == -1 ||
	    (o->cert != NULL && set_cert(ctx, o, e) == -1) ||
	    (o->verify && set_trust(ctx, o, e) == -1)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

SSL_CTX *
tls_server(const struct tls_options *o, struct err *e)
{
	static const unsigned char name[] = "smtpd";
	SSL_CTX *ctx = context(TLS_server_method(), o, e);

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_dh_auto(ctx, o->dhe != NULL && strcmp(o->dhe, "auto") == 0);
	SSL_CTX_set_session_id_context(ctx, name, sizeof(name) - 1);
	/* What is resumed lies in tickets, with the clients. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (o->verify)
		SSL_CTX_set_verify(ctx,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return ctx;
}

SSL_CTX *
tls_client(const struct tls_options *o, struct err *e)
{
	SSL_CTX *ctx = context(TLS_client_method(), o, e);

	if (ctx != NULL)
		SSL_CTX_set_verify(
		    ctx, o->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	return ctx;
}

static bool
ask_for_name(SSL *ssl, const char *host)
{
	char *copy = xstrdup(host); /* the macro casts const away */
	bool ok = SSL_set_tlsext_host_name(ssl, copy) == 1;

	free(copy);
	return ok;
}

int
tls_client_expect(SSL *ssl, const char *host, bool verify, struct err *e)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);
	bool ok;

	ASN1_OCTET_STRING_free(ip);
	ERR_clear_error();
	/* An address is no name to ask for: RFC 6066, section 3. */
	if (ip != NULL)
		ok = !verify ||
		    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
	else
		ok = ask_for_name(ssl, host) &&
		    (!verify || SSL_set1_host(ssl, host) == 1);
	if (ok)
		return 0;
	tls_error(e, host);
	return -1;
}

const char *
tls_text(const SSL *ssl, char out[TLS_TEXT_LEN])
{
	snprintf(out, TLS_TEXT_LEN, "%s:%s:%d", SSL_get_version(ssl),
	    SSL_get_cipher_name(ssl), SSL_get_cipher_bits(ssl, NULL));
	return out;
}
