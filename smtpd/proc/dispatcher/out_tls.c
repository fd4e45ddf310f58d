/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * out, in secret: TLS from the first byte or by STARTTLS, and AUTH, which is
 * said nowhere else.
 *
 * What must be in TLS never is not: without the offer, the handshake or the
 * certificate, the host is of no use.  What may be goes in the clear to a
 * host that can't do it, over a new connection.
 *
 * Source: RFC 3207, 8314, 4954.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"

#include "smtpd/conf/conf.h"
#include "smtpd/proc/certs.h"
#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/tls/tls.h"

#include "smtpd/proc/dispatcher/out.h"

#define HANDSHAKE_TIME 60
#define AUTH_TIME      300
#define SECRET_MAX     1024 /* of a name, a password */

static bool
verifies(const struct out *o)
{
	return o->url.tls != RELAY_TLS_MAYBE && !o->action->tls_no_verify;
}

static void
refuse(struct out *o, const char *why)
{
	char line[OUT_LINE_MAX];

	snprintf(line, sizeof(line), "451 4.7.5 TLS with %s failed: %.150s",
	    out_remote(o), why);
	out_next_host(o, line);
}

/* The handshake begins; out_tls_event() tells how it ends. */
void
out_tls_start(struct out *o)
{
	struct event_base *base = o->dispatcher->proc->base;
	evutil_socket_t fd = bufferevent_getfd(o->bev);
	SSL_CTX *ctx;
	SSL *ssl;
	struct err e;

	/* Whatever came with the permission did not come in TLS. */
	if (evbuffer_get_length(bufferevent_get_input(o->bev)) > 0) {
		refuse(o, "it said more before the handshake");
		return;
	}
	ctx = certs_relay(o->certs, o->action, verifies(o));
	ssl = ctx == NULL ? NULL : SSL_new(ctx);
	if (ssl == NULL) {
		refuse(o, "the configuration has changed");
		return;
	}
	if (tls_client_expect(ssl, o->route->name, verifies(o), &e) == -1) {
		refuse(o, e.msg);
		SSL_free(ssl);
		return;
	}
	bufferevent_setfd(o->bev, -1);
	bufferevent_free(o->bev);
	o->bev = bufferevent_openssl_socket_new(
	    base, fd, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	/* Many close without TLS's goodbye: SMTP has its own. */
	bufferevent_openssl_set_allow_dirty_shutdown(o->bev, 1);
	o->state = OUT_TLS;
	out_listen(o);
	out_patience(o, HANDSHAKE_TIME);
}

static void
log_secret(const struct out *o, SSL *ssl)
{
	char text[TLS_TEXT_LEN], print[EVP_MAX_MD_SIZE * 2 + 1] = "";
	unsigned char md[EVP_MAX_MD_SIZE];
	X509 *cert = SSL_get1_peer_certificate(ssl);
	unsigned n = 0;

	if (cert != NULL)
		X509_digest(cert, EVP_sha256(), md, &n);
	for (unsigned i = 0; i < n; i++)
		snprintf(print + (size_t)i * 2, 3, "%02x", md[i]);
	X509_free(cert);
	out_event_tls(o, tls_text(ssl, text),
	    verifies(o) ? "valid" : "unverified", print);
}

void
out_tls_done(struct out *o)
{
	o->in_tls = true;
	log_secret(o, bufferevent_openssl_get_ssl(o->bev));
	if (o->url.tls == RELAY_TLS_IMPLICIT)
		out_await_banner(o);
	else
		out_say_ehlo(o);
}

void
out_tls_failed(struct out *o)
{
	SSL *ssl = bufferevent_openssl_get_ssl(o->bev);
	unsigned long error = bufferevent_get_openssl_error(o->bev);
	long verdict = SSL_get_verify_result(ssl);
	char why[256];

	if (verifies(o) && verdict != X509_V_OK)
		snprintf(why, sizeof(why), "%s",
		    X509_verify_cert_error_string(verdict));
	else if (error != 0)
		snprintf(
		    why, sizeof(why), "%s", ERR_reason_error_string(error));
	else
		snprintf(why, sizeof(why), "the connection ended");
	ERR_clear_error();
	if (o->url.tls == RELAY_TLS_MAYBE) {
		log_info("%016llx mta tls failed: %s; without it then",
		    (unsigned long long)o->id, why);
		out_in_the_clear(o);
	} else {
		refuse(o, why);
	}
}

/* EHLO has been answered.  False: nothing more is to be said before mail. */
bool
out_tls_offer(struct out *o)
{
	char line[OUT_LINE_MAX];

	if (o->in_tls || o->no_tls || o->url.tls == RELAY_TLS_NEVER)
		return false;
	if (o->features.starttls) {
		o->state = OUT_STARTTLS;
		out_say(o, "STARTTLS");
		out_patience(o, AUTH_TIME);
		return true;
	}
	if (o->url.tls == RELAY_TLS_MAYBE)
		return false;
	snprintf(line, sizeof(line), "451 4.7.4 %s does not offer STARTTLS",
	    out_remote(o));
	out_next_host(o, line);
	return true;
}

void
out_starttls_reply(struct out *o)
{
	char text[SMTP_REPLY_TEXT];

	if (o->reply.code == 220)
		out_tls_start(o);
	else if (o->url.tls == RELAY_TLS_MAYBE)
		out_get_ready(o);
	else
		refuse(o, smtp_reply_text(&o->reply, text));
}

/* AUTH */

static void
say_base64(struct out *o, const char *before, const void *data, size_t len)
{
	unsigned char text[(2 * SECRET_MAX + 4) / 3 * 4 + 8];

	EVP_EncodeBlock(text, data, (int)len);
	out_event_command(o, before[0] == '\0' ? "********" : before);
	evbuffer_add_printf(
	    bufferevent_get_output(o->bev), "%s%s\r\n", before, text);
	explicit_bzero(text, sizeof(text));
	out_patience(o, AUTH_TIME);
}

/* False: no name is to be told. */
bool
out_auth_begin(struct out *o)
{
	char both[2 * SECRET_MAX + 2];
	size_t user, password;

	if (o->user == NULL || o->authenticated)
		return false;
	user = strlen(o->user);
	password = strlen(o->password);
	if (!o->in_tls || user > SECRET_MAX || password > SECRET_MAX ||
	    (!o->features.auth_plain && !o->features.auth_login)) {
		out_next_host(o,
		    "451 4.7.0 The host offers no AUTH PLAIN or LOGIN in TLS");
		return true;
	}
	o->state = OUT_AUTH;
	if (!o->features.auth_plain) {
		out_say(o, "AUTH LOGIN");
		out_patience(o, AUTH_TIME);
		return true;
	}
	both[0] = '\0';
	memcpy(both + 1, o->user, user + 1);
	memcpy(both + 2 + user, o->password, password);
	say_base64(o, "AUTH PLAIN ", both, 2 + user + password);
	explicit_bzero(both, sizeof(both));
	return true;
}

void
out_auth_reply(struct out *o)
{
	char text[SMTP_REPLY_TEXT];

	if (o->reply.code == 334 && !o->features.auth_plain &&
	    o->auth_lines < 2) {
		const char *said = o->auth_lines++ == 0 ? o->user : o->password;

		say_base64(o, "", said, strlen(said));
	} else if (o->reply.code / 100 == 2) {
		o->authenticated = true;
		out_event_auth(o, true);
		out_get_ready(o);
	} else {
		out_event_auth(o, false);
		out_next_host(o, smtp_reply_text(&o->reply, text));
	}
}
