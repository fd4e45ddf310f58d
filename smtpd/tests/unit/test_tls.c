/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "smtpd/tls/tls.h"

static unsigned signings; /* that were asked for */

/* What bio holds, to out. */
static void
drain(BIO *bio, struct buf *out)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);

	buf_add(out, text, (size_t)len);
	(void)BIO_reset(bio);
}

/* A certificate for name, signed by itself, and its key, as text. */
static void
make(EVP_PKEY *key, const char *name, struct buf *cert, struct buf *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	X509 *x = X509_new();
	X509_NAME *dn = X509_get_subject_name(x);
	char alt[128];
	X509_EXTENSION *ext;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(
	    dn, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, dn);
	X509_set_pubkey(x, key);
	snprintf(alt, sizeof(alt), "DNS:%s", name);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	X509_sign(x, key, EVP_sha256());
	PEM_write_bio_X509(bio, x);
	drain(bio, cert);
	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	drain(bio, pem);
	BIO_free(bio);
	X509_free(x);
}

/* As the keys process does, in one. */
static bool
sign_here(void *arg, const struct tls_signing *s, struct buf *out)
{
	struct tls_signing got;
	struct buf wire = { 0 };
	struct err e;
	bool ok;

	signings++;
	tls_signing_encode(s, &wire);
	assert_int_equal(tls_signing_decode(wire.data, wire.len, &got, &e), 0);
	ok = tls_sign(arg, &got, out, &e) == 0;
	buf_free(&wire);
	return ok;
}

/* Both sides in memory, until neither waits for the other. */
static bool
shake(SSL *client, SSL *server)
{
	BIO *a, *b;
	int rc = 0, rs = 0;

	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (int i = 0; i < 10 && (rc != 1 || rs != 1); i++) {
		rc = SSL_do_handshake(client);
		rs = SSL_do_handshake(server);
	}
	return rc == 1 && rs == 1;
}

struct pair {
	EVP_PKEY *key;
	struct buf cert_text, key_text;
	struct tls_cert *cert;
};

static void
open_pair(struct pair *p, EVP_PKEY *generated)
{
	struct err e;

	memset(p, 0, sizeof(*p));
	make(generated, "mail.example.org", &p->cert_text, &p->key_text);
	EVP_PKEY_free(generated);
	p->cert = tls_cert_parse("c", p->cert_text.data, p->cert_text.len, &e);
	assert_non_null(p->cert);
	p->key = tls_key_parse("k", p->key_text.data, p->key_text.len, &e);
	assert_non_null(p->key);
	assert_int_equal(tls_cert_check_key(p->cert, "k", p->key, &e), 0);
}

static void
close_pair(struct pair *p)
{
	tls_cert_free(p->cert);
	EVP_PKEY_free(p->key);
	buf_free(&p->cert_text);
	buf_free(&p->key_text);
}

/* A handshake whose signature came from elsewhere, for host. */
static bool
greets(struct pair *p, const char *protocols, const char *host)
{
	struct tls_options so = { .cert = p->cert,
		.sign = sign_here,
		.sign_arg = p->key,
		.protocols = protocols };
	struct tls_options co = { .verify = true,
		.ca = p->cert_text.data,
		.ca_len = p->cert_text.len };
	struct err e;
	SSL_CTX *sc = tls_server(&so, &e), *cc = tls_client(&co, &e);
	SSL *server, *client;
	char text[TLS_TEXT_LEN];
	bool ok;

	assert_non_null(sc);
	assert_non_null(cc);
	server = SSL_new(sc);
	client = SSL_new(cc);
	assert_int_equal(tls_client_expect(client, host, true, &e), 0);
	ok = shake(client, server);
	if (ok && protocols != NULL) {
		tls_text(server, text);
		assert_memory_equal(text, "TLSv1.2:", 8);
	}
	SSL_free(server);
	SSL_free(client);
	SSL_CTX_free(sc);
	SSL_CTX_free(cc);
	return ok;
}

static void
handshakes_sign_with_a_key_elsewhere(void **state)
{
	struct pair p;

	(void)state;
	for (int i = 0; i < 2; i++) {
		open_pair(&p, i == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
		signings = 0;
		assert_true(greets(&p, NULL, "mail.example.org"));
		assert_true(greets(&p, "tlsv1.2", "mail.example.org"));
		assert_int_equal(signings, 2);
		assert_false(greets(&p, NULL, "other.example.org"));
		assert_true(tls_cert_covers(p.cert, "MAIL.example.org"));
		assert_false(tls_cert_covers(p.cert, "example.org"));
		close_pair(&p);
	}
}

static void
what_is_no_key_is_refused(void **state)
{
	struct pair p, other;
	struct tls_options o;
	struct tls_signing s;
	struct err e;
	uint8_t short_one[TLS_KEY_ID + 1] = { 0 };
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	struct buf cert = { 0 }, key = { 0 };

	(void)state;
	open_pair(&p, EVP_EC_gen("P-256"));
	open_pair(&other, EVP_EC_gen("P-256"));
	assert_null(tls_cert_parse("x", "nonsense", 8, &e));
	assert_null(tls_key_parse("x", p.cert_text.data, p.cert_text.len, &e));
	assert_int_equal(tls_cert_check_key(p.cert, "x", other.key, &e), -1);
	make(weak, "weak", &cert, &key);
	assert_null(tls_key_parse("x", key.data, key.len, &e));
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_int_equal(
	    tls_signing_decode(short_one, sizeof(short_one), &s, &e), -1);
	o = (struct tls_options){
		.cert = p.cert, .sign = sign_here, .protocols = "tlsv1.0"
	};
	assert_null(tls_server(&o, &e));
	o.protocols = NULL;
	o.ciphers = "NOTHING";
	assert_null(tls_server(&o, &e));
	buf_free(&cert);
	buf_free(&key);
	EVP_PKEY_free(weak);
	close_pair(&p);
	close_pair(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshakes_sign_with_a_key_elsewhere),
		cmocka_unit_test(what_is_no_key_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
