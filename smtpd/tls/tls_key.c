/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * tls_key: private keys that are elsewhere.
 *
 * OpenSSL is given a key of the public numbers whose signing is ours.  Its
 * interface for that has been called deprecated since 3.0; the one that
 * replaces it is a whole provider.  doc/adr/0202 says more.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/tls/tls_internal.h"

struct remote {
	uint8_t id[TLS_KEY_ID];
	tls_sign_cb *sign;
	void *arg;
};

static int rsa_slot, ec_slot; /* of a struct remote, in a key */
static RSA_METHOD *rsa_method;
static EC_KEY_METHOD *ec_method;

void
tls_signing_encode(const struct tls_signing *s, struct buf *out)
{
	buf_add(out, s->id, sizeof(s->id));
	buf_add_u8(out, s->padding);
	buf_add(out, s->in, s->in_len);
}

int
tls_signing_decode(
    const void *data, size_t len, struct tls_signing *s, struct err *e)
{
	const uint8_t *p = data;

	if (len <= TLS_KEY_ID + 1) {
		err_set(e, ERR_CORRUPT, "a signing of %zu bytes", len);
		return -1;
	}
	memcpy(s->id, p, TLS_KEY_ID);
	s->padding = p[TLS_KEY_ID];
	s->in = p + TLS_KEY_ID + 1;
	s->in_len = len - TLS_KEY_ID - 1;
	return 0;
}

/* Ask for a signature of at most max bytes into sig; its length, or -1. */
static int
ask(const struct remote *r, int padding, const uint8_t *in, int len,
    uint8_t *sig, size_t max)
{
	struct tls_signing s = {
		.padding = (uint8_t)padding, .in = in, .in_len = (size_t)len
	};
	struct buf out = { 0 };
	int n = -1;

	memcpy(s.id, r->id, sizeof(s.id));
	if (r->sign(r->arg, &s, &out) && out.len > 0 && out.len <= max) {
		memcpy(sig, out.data, out.len);
		n = (int)out.len;
	}
	buf_free(&out);
	return n;
}

static int
rsa_encrypt(int len, const unsigned char *from, unsigned char *to, RSA *rsa,
    int padding)
{
	return ask(RSA_get_ex_data(rsa, rsa_slot), padding, from, len, to,
	    (size_t)RSA_size(rsa));
}

/* Key exchange by decryption is not on offer. */
static int
rsa_decrypt(int len, const unsigned char *from, unsigned char *to, RSA *rsa,
    int padding)
{
	(void)len;
	(void)from;
	(void)to;
	(void)rsa;
	(void)padding;
	return -1;
}

static int
ec_sign(int type, const unsigned char *digest, int len, unsigned char *sig,
    unsigned *sig_len, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
	int n = ask(EC_KEY_get_ex_data(key, ec_slot), 0, digest, len, sig,
	    (size_t)ECDSA_size(key));

	(void)type;
	(void)kinv;
	(void)r;
	if (n == -1)
		return 0;
	*sig_len = (unsigned)n;
	return 1;
}

static void
free_remote(
    void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	free(ptr);
}

static bool
make_methods(void)
{
	if (rsa_method != NULL)
		return true;
	rsa_slot = RSA_get_ex_new_index(0, NULL, NULL, NULL, free_remote);
	ec_slot = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, free_remote);
	rsa_method = RSA_meth_dup(RSA_PKCS1_OpenSSL());
	ec_method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
	if (rsa_method == NULL || ec_method == NULL)
		return false;
	RSA_meth_set_priv_enc(rsa_method, rsa_encrypt);
	RSA_meth_set_priv_dec(rsa_method, rsa_decrypt);
	EC_KEY_METHOD_set_sign(ec_method, ec_sign, NULL, NULL);
	return true;
}

static bool
remote_rsa(EVP_PKEY *public, EVP_PKEY *out, struct remote *r)
{
	/* One of its own: the certificate's is shared. */
	RSA *shared = EVP_PKEY_get1_RSA(public);
	RSA *rsa = shared == NULL ? NULL : RSAPublicKey_dup(shared);

	RSA_free(shared);
	if (rsa != NULL && RSA_set_method(rsa, rsa_method) == 1 &&
	    RSA_set_ex_data(rsa, rsa_slot, r) == 1 &&
	    EVP_PKEY_assign_RSA(out, rsa) == 1)
		return true;
	RSA_free(rsa);
	return false;
}

static bool
remote_ec(EVP_PKEY *public, EVP_PKEY *out, struct remote *r)
{
	EC_KEY *shared = EVP_PKEY_get1_EC_KEY(public);
	EC_KEY *ec = shared == NULL ? NULL : EC_KEY_dup(shared);

	EC_KEY_free(shared);
	if (ec != NULL && EC_KEY_set_method(ec, ec_method) == 1 &&
	    EC_KEY_set_ex_data(ec, ec_slot, r) == 1 &&
	    EVP_PKEY_assign_EC_KEY(out, ec) == 1)
		return true;
	EC_KEY_free(ec);
	return false;
}

EVP_PKEY *
tls_remote_key(const struct tls_cert *c, tls_sign_cb *sign, void *arg)
{
	EVP_PKEY *public = X509_get_pubkey(c->leaf), *out = EVP_PKEY_new();
	struct remote *r = xcalloc(1, sizeof(*r));
	bool ok = false;

	tls_cert_key_id(c, r->id);
	r->sign = sign;
	r->arg = arg;
	if (make_methods() && public != NULL && out != NULL)
		ok = EVP_PKEY_get_base_id(public) == EVP_PKEY_RSA ?
		    remote_rsa(public, out, r) :
		    EVP_PKEY_get_base_id(public) == EVP_PKEY_EC &&
			remote_ec(public, out, r);
	EVP_PKEY_free(public);
	if (ok)
		return out;
	free(r);
	EVP_PKEY_free(out);
	return NULL;
}

static bool
sign_rsa(EVP_PKEY *key, const struct tls_signing *s, struct buf *out)
{
	RSA *rsa = EVP_PKEY_get1_RSA(key);
	int n = -1;

	if (rsa != NULL && s->in_len <= (size_t)RSA_size(rsa) &&
	    (s->padding == RSA_PKCS1_PADDING || s->padding == RSA_NO_PADDING))
		n = RSA_private_encrypt((int)s->in_len, s->in,
		    buf_reserve(out, (size_t)RSA_size(rsa)), rsa, s->padding);
	if (n > 0)
		out->len += (size_t)n;
	RSA_free(rsa);
	return n > 0;
}

static bool
sign_ec(EVP_PKEY *key, const struct tls_signing *s, struct buf *out)
{
	EC_KEY *ec = EVP_PKEY_get1_EC_KEY(key);
	unsigned n = 0;
	bool ok = ec != NULL && s->padding == 0 &&
	    s->in_len <= EVP_MAX_MD_SIZE &&
	    ECDSA_sign(0, s->in, (int)s->in_len,
		buf_reserve(out, (size_t)ECDSA_size(ec)), &n, ec) == 1;

	if (ok)
		out->len += n;
	EC_KEY_free(ec);
	return ok;
}

int
tls_sign(
    EVP_PKEY *key, const struct tls_signing *s, struct buf *out, struct err *e)
{
	bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;

	if (rsa ? sign_rsa(key, s, out) : sign_ec(key, s, out))
		return 0;
	tls_error(e, "sign");
	return -1;
}
