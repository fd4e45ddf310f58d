/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * out, first half: the way to a host, until there is a connection; and the
 * end.
 */
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/proc/certs.h"
#include "smtpd/proc/dispatcher/ask.h"
#include "smtpd/proc/dispatcher/dial.h"
#include "smtpd/proc/dispatcher/dispatcher_internal.h"

#include "smtpd/proc/dispatcher/out.h"

#define DIAL_TIME 30 /* seconds for all addresses of a host */

static void choose_host(struct out *o);
static void dial_host(struct out *o);

const char *
out_source(const struct out *o)
{
	return o->route == NULL ? "" : o->route->source;
}

const char *
out_remote(const struct out *o)
{
	static char text[OUT_REMOTE_MAX];

	if (o->route == NULL)
		return "";
	snprintf(
	    text, sizeof(text), "%s (%s)", o->route->address, o->route->name);
	return text;
}

void
out_patience(struct out *o, unsigned seconds)
{
	unsigned patience = o->relay->relays->patience;
	struct timeval tv = { (time_t)seconds, 0 };

	if (patience != 0 && patience < seconds)
		tv.tv_sec = (time_t)patience;
	event_add(o->timer, &tv);
}

/* The end */

static void
on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct out *o = arg;

	(void)fd;
	(void)what;
	relay_out_gone(o);
	event_free(o->timer);
	event_free(o->reaper);
	smtp_reply_clear(&o->reply);
	free(o->hosts);
	free(o->tried);
	if (o->password != NULL)
		explicit_bzero(o->password, strlen(o->password));
	free(o->user);
	free(o->password);
	certs_unref(o->certs);
	setup_unref(o->setup);
	free(o);
}

static void
hang_up(struct out *o)
{
	o->in_tls = o->authenticated = false;
	o->auth_lines = 0;
	if (o->bev != NULL)
		bufferevent_free(o->bev);
	o->bev = NULL;
	dial_cancel(o->dial);
	o->dial = NULL;
	if (o->route != NULL) {
		o->route->n_conn--;
		o->route->ended_at = relay_now_ms();
	}
	o->route = NULL;
	smtp_reply_clear(&o->reply);
	event_del(o->timer);
}

void
out_end(struct out *o, const char *reason)
{
	if (o->state == OUT_ENDED)
		return;
	if (o->task != NULL)
		out_lose_task(o, reason);
	if (o->bev != NULL)
		out_event_disconnected(o, reason);
	ask_cancel(o->ask);
	o->ask = NULL;
	o->way_request = 0;
	hang_up(o);
	o->state = OUT_ENDED;
	event_active(o->reaper, 0, 0);
}

/* No host is left: what waits can't be sent just now, or at all. */
static void
fail(struct out *o)
{
	struct relay *r = o->relay;

	r->insist = false;
	/* Those that are connected carry it all; one more when one ends. */
	if (o->saturated || r->n_outs > r->n_opening)
		r->saturated = true;
	else
		relay_give_up(
		    o, o->permanent ? RELAY_FAILED : RELAY_LATER, o->problem);
	out_end(o, "no-host");
}

static void
fail_with(struct out *o, bool permanent, const char *line)
{
	snprintf(o->problem, sizeof(o->problem), "%s", line);
	o->permanent = permanent;
	fail(o);
}

void
out_next_host(struct out *o, const char *why)
{
	if (o->state == OUT_ENDED)
		return;
	if (o->route != NULL)
		route_failed(o->route, why);
	if (o->bev != NULL)
		out_event_disconnected(o, "host-of-no-use");
	snprintf(o->problem, sizeof(o->problem), "%s", why);
	hang_up(o);
	o->no_tls = false;
	if (o->stopping)
		out_end(o, "stop");
	else
		choose_host(o);
}

void
out_in_the_clear(struct out *o)
{
	out_event_disconnected(o, "tls");
	hang_up(o);
	o->no_tls = true;
	dial_host(o);
}

/* The connection */

static void
on_dialled(void *arg, int fd, size_t which, const int *errors)
{
	struct relays *rs;
	struct out *o = arg;
	const int on = 1;
	char why[OUT_LINE_MAX] = "451 4.4.1 Connection failed";

	rs = o->relay->relays;
	o->dial = NULL;
	for (size_t i = 0; i < o->n_dialled; i++) {
		struct route *r = route_get(&rs->routes, o->route->source,
		    &o->dialled[i], o->url.port, o->route->name);

		if (errors[i] == 0)
			continue;
		snprintf(why, sizeof(why),
		    "451 4.4.1 Connection to %s [%s]:%u failed: %s", r->name,
		    r->address, r->port, strerror(errors[i]));
		route_failed(r, why);
	}
	if (fd == -1) {
		o->route->n_conn--;
		o->route = NULL;
		out_next_host(o, why);
		return;
	}
	o->route->n_conn--;
	o->route = route_get(&rs->routes, o->route->source, &o->dialled[which],
	    o->url.port, o->route->name);
	out_connects(o);
	o->route->last_at = time(NULL);
	o->connected = true;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	o->bev = bufferevent_socket_new(
	    o->dispatcher->proc->base, fd, BEV_OPT_CLOSE_ON_FREE);
	out_event_connected(o);
	out_begin(o);
}

/* Whether it isn't left alone, or an operator wants it to be tried. */
static bool
usable(const struct out *o, const struct route *r, time_t now)
{
	return o->relay->insist || route_usable(r, now);
}

/* The addresses of a host that may be tried now. */
static size_t
usable_addresses(struct out *o, const struct dns_host *h)
{
	int family = relay_limits(o->relay)->family;
	char source[DNS_ADDRESS_TEXT] = "";
	time_t now = time(NULL);
	size_t n = 0;

	if (o->bound)
		dns_format_address(&o->source, source);
	for (size_t i = 0; i < h->n; i++) {
		struct route *r;

		if (o->bound && h->addresses[i].len != o->source.len)
			continue;
		if (family != AF_UNSPEC &&
		    (family == AF_INET) != (h->addresses[i].len == 4))
			continue;
		r = route_get(&o->relay->relays->routes, source,
		    &h->addresses[i], o->url.port, h->name);
		if (!usable(o, r, now)) {
			if (o->problem[0] == '\0')
				snprintf(o->problem, sizeof(o->problem), "%s",
				    r->status);
		} else if (out_may_connect(o, r)) {
			o->dialled[n++] = h->addresses[i];
		}
	}
	dial_interleave(o->dialled, n);
	return n;
}

static void
dial_host(struct out *o)
{
	char source[DNS_ADDRESS_TEXT] = "";

	if (o->bound)
		dns_format_address(&o->source, source);
	o->route = route_get(&o->relay->relays->routes, source, &o->dialled[0],
	    o->url.port, o->hosts[o->at_host].name);
	out_connects(o);
	o->state = OUT_DIAL;
	out_event_connecting(o);
	o->dial = dial_start(o->dispatcher->proc->base, o->dialled,
	    o->n_dialled, o->url.port, o->bound ? &o->source : NULL,
	    o->relay->relays->patience != 0 &&
		    o->relay->relays->patience < DIAL_TIME ?
		o->relay->relays->patience :
		DIAL_TIME,
	    on_dialled, o);
}

static void
choose_host(struct out *o)
{
	for (size_t i = 0; i < o->n_hosts; i++) {
		if (o->tried[i])
			continue;
		o->tried[i] = true;
		o->n_dialled = usable_addresses(o, &o->hosts[i]);
		if (o->n_dialled > 0) {
			o->at_host = i;
			dial_host(o);
			return;
		}
	}
	if (o->problem[0] == '\0')
		snprintf(o->problem, sizeof(o->problem), "%s",
		    "451 4.4.1 No address of the host can be used from here");
	o->permanent = false;
	fail(o);
}

/* Where the host is */

static void
on_resolved(void *arg, const struct dns_answer *a)
{
	static const struct {
		bool permanent;
		const char *line;
	} problems[DNS_STATUSES] = {
		[DNS_LATER] = { false, "451 4.4.3 DNS does not answer for" },
		[DNS_NO_NAME] = { true, "550 5.1.2 No such domain:" },
		[DNS_NULL_MX] = { true, "556 5.1.10 No mail is taken by" },
		[DNS_NO_ADDRESS] = { true, "550 5.4.4 No mail host has" },
		[DNS_LOOP] = { true,
		    "550 5.4.6 This server is the best mail host of" },
		[DNS_UNSURE] = { false, "451 4.4.3 DNS does not answer for" },
	};
	struct out *o = arg;
	char line[OUT_LINE_MAX];

	o->ask = NULL;
	if (a->status != DNS_OK) {
		snprintf(line, sizeof(line), "%s %s", problems[a->status].line,
		    o->url.host[0] != '\0' ? o->url.host : o->relay->domain);
		/* What the operator wrote may be mended. */
		fail_with(o,
		    problems[a->status].permanent && o->url.host[0] == '\0',
		    line);
		return;
	}
	o->n_hosts = a->n;
	o->hosts = xcalloc(a->n, sizeof(*o->hosts));
	o->tried = xcalloc(a->n, sizeof(*o->tried));
	memcpy(o->hosts, a->hosts, a->n * sizeof(*a->hosts));
	choose_host(o);
}

static void
resolve(struct out *o)
{
	const struct conf_action *a = o->action;
	const char *own = a->backup && a->backup_mx != NULL ?
	    a->backup_mx :
	    o->setup->hostname;

	o->state = OUT_RESOLVE;
	if (o->url.host[0] != '\0') {
		o->ask = ask_dns(
		    o->dispatcher, DNS_HOST, o->url.host, "", on_resolved, o);
		return;
	}
	o->url.port = o->relay->relays->port;
	o->ask = ask_dns(
	    o->dispatcher, DNS_MX, o->relay->domain, own, on_resolved, o);
}

/* What the tables say */

static void
ask_way(struct out *o, enum relay_way_kind kind, const char *key)
{
	struct relays *rs = o->relay->relays;
	char *copy = xstrdup(key);
	struct buf b = { 0 };

	if (++rs->last_way == 0)
		rs->last_way = 1;
	o->way_request = rs->last_way;
	relay_ask_encode(&(struct relay_ask){ .request = o->way_request,
			     .kind = kind,
			     .action = o->relay->action,
			     .key = copy },
	    &b);
	/* Without a lookup, the timer ends the wait. */
	proc_send(o->dispatcher->proc, PROC_LOOKUP, 0, MSG_WAY, &b, -1);
	buf_free(&b);
	free(copy);
	out_patience(o, 30);
}

static bool
take_way(struct out *o, const struct relay_way *w)
{
	struct err e;

	if (w->url[0] == '\0' && o->action->tls)
		o->url.tls = RELAY_TLS_REQUIRED;
	if (w->url[0] != '\0' &&
	    relay_url_parse(w->url, o->action->tls, &o->url, &e) == -1) {
		log_warn("%016llx mta %s: %s", (unsigned long long)o->id,
		    w->url, e.msg);
		return false;
	}
	snprintf(o->relay->host, sizeof(o->relay->host), "%s",
	    o->url.path[0] != '\0' ? o->url.path : o->url.host);
	if (w->user[0] != '\0') {
		o->user = xstrdup(w->user);
		o->password = xstrdup(w->password);
	}
	o->bound = w->source[0] != '\0';
	return !o->bound || dns_parse_address(w->source, &o->source);
}

/* The lookup has connected to a socket by its path. */
static void
take_connection(struct out *o, int fd)
{
	struct route *r =
	    route_get_path(&o->relay->relays->routes, o->url.path);
	bool may = usable(o, r, time(NULL));

	o->bound = false;
	if (fd == -1 || !may || !out_may_connect(o, r)) {
		if (fd != -1)
			close(fd);
		fail_with(o, false,
		    may ? "451 4.4.1 The socket can't be used now" : r->status);
		return;
	}
	o->route = r;
	out_connects(o);
	o->connected = true;
	o->state = OUT_DIAL;
	out_event_connecting(o);
	o->bev = bufferevent_socket_new(
	    o->dispatcher->proc->base, fd, BEV_OPT_CLOSE_ON_FREE);
	out_event_connected(o);
	out_begin(o);
}

void
out_way_found(struct out *o, const struct relay_way *w, int fd)
{
	if (fd != -1 && (o->state != OUT_WAY || w->status != RELAY_OK)) {
		close(fd);
		fd = -1;
	}
	o->way_request = 0;
	event_del(o->timer);
	if (o->state == OUT_NAME) {
		if (w->status == RELAY_OK && w->helo[0] != '\0')
			snprintf(o->helo, sizeof(o->helo), "%s", w->helo);
		out_begin(o);
	} else if (w->status != RELAY_OK) {
		fail_with(o, w->status == RELAY_FAILED, w->line);
	} else if (!take_way(o, w)) {
		fail_with(
		    o, false, "451 4.3.5 The relay's host or source is wrong");
		if (fd != -1)
			close(fd);
	} else if (o->url.path[0] != '\0') {
		take_connection(o, fd);
	} else {
		resolve(o);
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct out *o = arg;

	(void)fd;
	(void)what;
	switch (o->state) {
	case OUT_WAY:
		fail_with(o, false, "451 4.3.0 The tables can't be read");
		break;
	case OUT_NAME:
	case OUT_BANNER:
	case OUT_EHLO:
	case OUT_HELO:
	case OUT_STARTTLS:
	case OUT_TLS:
	case OUT_AUTH:
		out_next_host(o, "451 4.4.2 Timeout before a greeting");
		break;
	case OUT_READY:
		if (o->resting)
			out_take_task(o);
		else
			out_quit(o, "idle");
		break;
	case OUT_QUIT:
		out_end(o, "quit");
		break;
	default:
		if (o->route != NULL)
			route_failed(o->route, "451 4.4.2 Timeout");
		out_end(o, "timeout");
		break;
	}
}

void
out_new(struct relay *r)
{
	struct dispatcher *d = r->relays->dispatcher;
	struct out *o = xcalloc(1, sizeof(*o));

	o->dispatcher = d;
	o->relay = r;
	o->setup = setup_ref(d->proc->setup);
	o->certs = certs_ref(d->certs);
	o->action = conf_find_action(o->setup->conf, r->action);
	o->id = (uint64_t)arc4random() << 32 | arc4random();
	o->opening = true;
	o->body_fd = -1;
	o->timer = event_new(d->proc->base, -1, 0, on_timer, o);
	o->reaper = event_new(d->proc->base, -1, 0, on_reap, o);
	snprintf(o->helo, sizeof(o->helo), "%s",
	    o->action != NULL && o->action->helo != NULL ? o->action->helo :
							   o->setup->hostname);
	TAILQ_INSERT_TAIL(&r->outs, o, entry);
	if (o->action == NULL || o->action->method != CONF_RELAY)
		fail_with(o, false, "451 4.3.5 The action is gone");
	else
		ask_way(o, RELAY_WAY_TARGET, r->domain);
}

void
out_stop(struct out *o)
{
	o->stopping = true;
	if (o->state == OUT_READY)
		out_quit(o, "stop");
	else if (o->state < OUT_READY)
		out_end(o, "stop");
}

/* The first thing said depends on the address that we have here. */
void
out_ask_name(struct out *o)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct dns_address local = { 0 };
	char text[DNS_ADDRESS_TEXT];

	if (getsockname(
		bufferevent_getfd(o->bev), (struct sockaddr *)&ss, &len) == -1)
		return;
	local.len = ss.ss_family == AF_INET6 ? 16 : 4;
	memcpy(local.bytes,
	    ss.ss_family == AF_INET6 ?
		(const void *)&((struct sockaddr_in6 *)(void *)&ss)->sin6_addr :
		(const void *)&((struct sockaddr_in *)(void *)&ss)->sin_addr,
	    local.len);
	dns_format_address(&local, text);
	ask_way(o, RELAY_WAY_HELO, text);
}
