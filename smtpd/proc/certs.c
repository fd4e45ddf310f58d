/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/conf/source.h"

#include "smtpd/proc/certs.h"

#define KEY_MAX   (64 * 1024)
#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"

/* One certificate of one listener. */
struct served {
	struct tls_cert *cert;
	SSL_CTX *ctx;
};

struct listener {
	const struct conf_listen *conf;
	struct served served[CONF_LISTEN_PKIS];
	size_t n;
};

struct relay {
	const struct conf_action *conf;
	struct tls_cert *cert; /* or NULL */
	SSL_CTX *verified, *opportune;
	bool system;                /* verified is by the system's, once used */
	struct tls_options options; /* to make it of */
};

struct certs {
	unsigned refs;
	struct listener *listeners;
	size_t n_listeners;
	struct relay *relays;
	size_t n_relays;
	SSL_CTX *system; /* one that has the system's parsed, or NULL */
};

struct certs *
certs_ref(struct certs *c)
{
	c->refs++;
	return c;
}

void
certs_unref(struct certs *c)
{
	if (c == NULL || --c->refs > 0)
		return;
	for (size_t i = 0; i < c->n_listeners; i++) {
		struct listener *l = &c->listeners[i];

		for (size_t k = 0; k < l->n; k++) {
			SSL_CTX_free(l->served[k].ctx);
			tls_cert_free(l->served[k].cert);
		}
	}
	for (size_t i = 0; i < c->n_relays; i++) {
		SSL_CTX_free(c->relays[i].verified);
		SSL_CTX_free(c->relays[i].opportune);
		tls_cert_free(c->relays[i].cert);
	}
	free(c->listeners);
	free(c->relays);
	free(c);
}

/* The certificate that covers the name that the client asks for. */
static int
choose(SSL *ssl, int *alert, void *arg)
{
	const struct listener *l = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	for (size_t i = 0; name != NULL && i < l->n; i++) {
		if (!tls_cert_covers(l->served[i].cert, name))
			continue;
		SSL_set_SSL_CTX(ssl, l->served[i].ctx);
		return SSL_TLSEXT_ERR_OK;
	}
	/* The first one serves; RFC 6066 lets the client judge. */
	return SSL_TLSEXT_ERR_OK;
}

static struct tls_cert *
load_cert(struct conf_source *source, const char *path, struct err *e)
{
	const uint8_t *data;
	size_t len;

	if (conf_source_get(source, path, &data, &len, e) == -1)
		return NULL;
	return tls_cert_parse(path, data, len, e);
}

/* What a verified session trusts: of ca, or of the system. */
static int
load_trust(struct conf_source *source, const struct conf_ca *ca,
    struct tls_options *o, struct err *e)
{
	const uint8_t *data;
	size_t len;

	if (conf_source_get(source, ca != NULL ? ca->cert : SYSTEM_CA, &data,
		&len, e) == -1)
		return -1;
	o->verify = true;
	o->ca = data;
	o->ca_len = len;
	return 0;
}

static int
load_served(const struct conf *c, struct listener *l, struct tls_options o,
    struct conf_source *source, struct err *e)
{
	for (size_t i = 0; i < l->conf->n_pkis; i++) {
		const struct conf_pki *pki = l->conf->pkis[i];
		struct served *s = &l->served[l->n++];

		s->cert = load_cert(source, pki->cert, e);
		if (s->cert == NULL)
			return -1;
		o.cert = s->cert;
		o.dhe = pki->dhe;
		o.ciphers = l->conf->ciphers != NULL ? l->conf->ciphers :
						       c->smtp_ciphers;
		o.protocols = l->conf->protocols;
		s->ctx = tls_server(&o, e);
		if (s->ctx == NULL) {
			err_wrap(e, "%s", pki->cert);
			return -1;
		}
		SSL_CTX_set_tlsext_servername_callback(s->ctx, choose);
		SSL_CTX_set_tlsext_servername_arg(s->ctx, l);
	}
	return 0;
}

static int
load_listeners(struct certs *cs, const struct conf *c,
    struct conf_source *source, const struct tls_options *o, struct err *e)
{
	const struct conf_listen *l;

	TAILQ_FOREACH(l, &c->listens, entry)
		cs->n_listeners++;
	/* Whole before it is filled: contexts point into it. */
	cs->listeners = xcalloc(cs->n_listeners, sizeof(*cs->listeners));
	cs->n_listeners = 0;
	TAILQ_FOREACH(l, &c->listens, entry) {
		struct listener *mine = &cs->listeners[cs->n_listeners++];
		struct tls_options own = *o;

		mine->conf = l;
		if ((l->tls_verify &&
			load_trust(source, l->ca, &own, e) == -1) ||
		    load_served(c, mine, own, source, e) == -1)
			return -1;
	}
	return 0;
}

static int
load_relay(struct relay *r, struct conf_source *source, struct tls_options o,
    struct err *e)
{
	const struct conf_action *a = r->conf;
	struct err no_ca;

	if (a->pki != NULL) {
		r->cert = load_cert(source, a->pki->cert, e);
		if (r->cert == NULL)
			return -1;
		o.cert = r->cert;
	}
	o.ciphers = a->ciphers;
	o.protocols = a->protocols;
	r->opportune = tls_client(&o, e);
	if (r->opportune == NULL)
		return -1;
	/* Without the system's, what must be verified can't be sent. */
	if (load_trust(source, a->ca, &o, a->ca != NULL ? e : &no_ca) == -1)
		return a->ca != NULL ? -1 : 0;
	/* Those are a hundred and more: parsed when one is to be verified. */
	if (a->ca == NULL) {
		r->system = true;
		r->options = o;
		return 0;
	}
	r->verified = tls_client(&o, e);
	return r->verified == NULL ? -1 : 0;
}

/* The system's are parsed once for all relays. */
static SSL_CTX *
by_system(struct certs *c, struct relay *r)
{
	struct err e;

	r->options.trusting = c->system;
	r->verified = tls_client(&r->options, &e);
	if (r->verified == NULL)
		log_error("%s: %s", SYSTEM_CA, e.msg);
	else
		c->system = r->verified;
	return r->verified;
}

static int
load_relays(struct certs *cs, const struct conf *c, struct conf_source *source,
    const struct tls_options *o, struct err *e)
{
	const struct conf_action *a;

	TAILQ_FOREACH(a, &c->actions, entry)
		cs->n_relays++;
	cs->relays = xcalloc(cs->n_relays, sizeof(*cs->relays));
	cs->n_relays = 0;
	TAILQ_FOREACH(a, &c->actions, entry) {
		if (a->method != CONF_RELAY)
			continue;
		cs->relays[cs->n_relays].conf = a;
		if (load_relay(&cs->relays[cs->n_relays++], source, *o, e) ==
		    -1) {
			err_wrap(e, "action \"%s\"", a->name);
			return -1;
		}
	}
	return 0;
}

struct certs *
certs_load(const struct conf *c, struct conf_source *source, tls_sign_cb *sign,
    void *arg, struct err *e)
{
	struct certs *cs = xcalloc(1, sizeof(*cs));
	const struct tls_options o = { .sign = sign, .sign_arg = arg };

	cs->refs = 1;
	if (load_listeners(cs, c, source, &o, e) == 0 &&
	    load_relays(cs, c, source, &o, e) == 0)
		return cs;
	certs_unref(cs);
	return NULL;
}

SSL_CTX *
certs_listener(const struct certs *c, const struct conf_listen *l)
{
	for (size_t i = 0; i < c->n_listeners; i++) {
		if (c->listeners[i].conf == l && c->listeners[i].n > 0)
			return c->listeners[i].served[0].ctx;
	}
	return NULL;
}

SSL_CTX *
certs_relay(struct certs *c, const struct conf_action *a, bool verify)
{
	for (size_t i = 0; i < c->n_relays; i++) {
		struct relay *r = &c->relays[i];

		if (r->conf != a)
			continue;
		if (!verify)
			return r->opportune;
		return r->verified == NULL && r->system ? by_system(c, r) :
							  r->verified;
	}
	return NULL;
}

void
certs_set_ticket_key(struct certs *c, const uint8_t key[TLS_TICKET])
{
	uint8_t copy[TLS_TICKET];

	memcpy(copy, key, sizeof(copy)); /* it wants them writable */
	for (size_t i = 0; i < c->n_listeners; i++) {
		for (size_t k = 0; k < c->listeners[i].n; k++)
			SSL_CTX_set_tlsext_ticket_keys(
			    c->listeners[i].served[k].ctx, copy, sizeof(copy));
	}
	OPENSSL_cleanse(copy, sizeof(copy));
}

/* Only its owner, and a group that reads, may get at a key. */
static int
check_mode(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == -1) {
		err_sys(e, "%s", path);
		return -1;
	}
	if ((st.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0) {
		err_set(e, ERR_DENIED,
		    "%s: a private key that others can get at (chmod 600)",
		    path);
		return -1;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		err_set(e, ERR_DENIED,
		    "%s: belongs neither to root nor to who starts smtpd",
		    path);
		return -1;
	}
	return 0;
}

static int
gather_key(const struct conf_pki *pki, struct conf_source *source,
    struct buf *out, struct err *e)
{
	struct tls_cert *cert = load_cert(source, pki->cert, e);
	struct buf pem = { 0 };
	EVP_PKEY *key = NULL;
	int rc = -1;

	if (cert == NULL || check_mode(pki->key, e) == -1 ||
	    fs_read_file(pki->key, KEY_MAX, &pem, e) == -1)
		goto out;
	key = tls_key_parse(pki->key, pem.data, pem.len, e);
	if (key == NULL || tls_cert_check_key(cert, pki->key, key, e) == -1)
		goto out;
	tls_cert_key_id(cert, buf_reserve(out, TLS_KEY_ID));
	out->len += TLS_KEY_ID;
	wire_put_u32(out, (uint32_t)pem.len);
	buf_add(out, pem.data, pem.len);
	rc = 0;
out:
	if (pem.data != NULL)
		OPENSSL_cleanse(pem.data, pem.len);
	buf_free(&pem);
	EVP_PKEY_free(key);
	tls_cert_free(cert);
	return rc;
}

int
certs_gather_keys(const struct conf *c, struct conf_source *source,
    struct buf *out, struct err *e)
{
	const struct conf_pki *pki;
	size_t n = 0;

	/* Not to be moved about while it grows: no copy is left behind. */
	TAILQ_FOREACH(pki, &c->pkis, entry)
		n++;
	buf_reserve(out, n * (KEY_MAX + TLS_KEY_ID + 4));
	TAILQ_FOREACH(pki, &c->pkis, entry) {
		if (gather_key(pki, source, out, e) == -1)
			return -1;
	}
	return 0;
}
