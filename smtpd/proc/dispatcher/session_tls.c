/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * session, TLS: from the end of STARTTLS, or the first byte, to a handshake
 * that is done.  What came before it is forgotten, and so is the session.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#include "smtpd/proc/certs.h"
#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/proc/dispatcher/session.h"

#define HANDSHAKE_TIME 30

bool
session_offers_tls(const struct session *s)
{
	return s->listen != NULL && s->tls[0] == '\0' &&
	    (s->listen->tls == CONF_TLS_OFFER ||
		s->listen->tls == CONF_TLS_REQUIRE);
}

/* No filter objects. */
static void
say_ready(struct session *s, const char *param)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);

	(void)param;
	/* Said before TLS, so perhaps by someone in between: RFC 3207. */
	if (evbuffer_get_length(in) > 0)
		log_info("%016llx smtp bytes after STARTTLS thrown away",
		    (unsigned long long)s->id);
	evbuffer_drain(in, evbuffer_get_length(in));
	bufferevent_disable(s->bev, EV_READ);
	session_reply(s, "220 2.0.0 Ready to start TLS");
	s->wait = SESSION_WAIT_TLS;
	session_clock(s, HANDSHAKE_TIME);
}

void
session_starttls(struct session *s, const char *arg)
{
	if (arg[0] != '\0') {
		session_reply(s, "501 5.5.4 STARTTLS takes no parameter");
		return;
	}
	if (!session_offers_tls(s)) {
		session_reply(s,
		    s->tls[0] != '\0' ? "503 5.5.1 TLS is in use already" :
					"502 5.5.1 TLS is not offered here");
		return;
	}
	session_filter(s, FILTER_STARTTLS, "", say_ready);
}

/* No handshake went under way: s is gone. */
static void
give_up(struct session *s)
{
	ERR_clear_error();
	session_fail(s, "tls-failed");
}

void
session_begin_tls(struct session *s)
{
	SSL_CTX *ctx = certs_listener(s->certs, s->listen);
	SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
	evutil_socket_t fd = bufferevent_getfd(s->bev);
	struct bufferevent *bev;

	if (ssl == NULL) {
		give_up(s);
		return;
	}
	bufferevent_setfd(s->bev, -1);
	bufferevent_free(s->bev);
	/* Takes ssl and fd. */
	bev = bufferevent_openssl_socket_new(s->dispatcher->proc->base, fd, ssl,
	    BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	s->wait = SESSION_WAIT_TLS;
	s->shaking = true;
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	session_attach(s, bev);
	session_clock(s, HANDSHAKE_TIME);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

/* The handshake is done: as if the client had just come. */
void
session_tls_done(struct session *s)
{
	SSL *ssl = bufferevent_openssl_get_ssl(s->bev);

	s->shaking = false;
	tls_text(ssl, s->tls);
	s->verified = SSL_get0_peer_certificate(ssl) != NULL;
	log_info("%016llx smtp tls ciphers=%s%s%s", (unsigned long long)s->id,
	    s->tls, s->verified ? " client=verified" : "",
	    SSL_session_reused(ssl) ? " resumed" : "");
	reporter_say(&s->filter.reporter, FILTER_LINK_TLS, s->tls, NULL);
	session_end_transaction(s, true);
	s->helo[0] = '\0';
	s->extended = false;
	s->wait = SESSION_GO;
}

void
session_tls_failed(struct session *s)
{
	unsigned long code = bufferevent_get_openssl_error(s->bev);
	const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);

	log_info("%016llx smtp tls failed reason=\"%s\"",
	    (unsigned long long)s->id,
	    reason == NULL ? "the client went away" : reason);
	give_up(s);
}

void
session_end_tls(struct session *s)
{
	SSL *ssl = bufferevent_openssl_get_ssl(s->bev);

	/* Our end of it; the client's is not waited for. */
	SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
	SSL_shutdown(ssl);
	ERR_clear_error();
}
