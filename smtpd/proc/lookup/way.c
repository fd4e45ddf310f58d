/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/conf/conf.h"
#include "smtpd/lookup/ruleset.h"
#include "smtpd/lookup/table.h"
#include "smtpd/proc/proc.h"
#include "smtpd/queue/relay.h"
#include "smtpd/smtp/relayurl.h"

#include "smtpd/proc/lookup/way.h"

static void
refuse(struct relay_way *w, enum relay_status status, const char *line)
{
	w->status = status;
	free(w->line);
	w->line = xstrdup(line);
}

static void
table_failed(struct relay_way *w, const struct err *e)
{
	log_warn("lookup: %s", e->msg);
	refuse(w, RELAY_LATER, "451 4.3.0 A table can't be read");
}

/* The next of a list, if there is one. */
static char *
next_of(struct relay_way *w, struct tables *t, const struct conf_table *ct,
    enum table_service service)
{
	const char *got;
	struct err e;

	if (ct == NULL)
		return NULL;
	got = table_fetch(tables_get(t, ct), service, &e);
	if (got == NULL && e.kind != ERR_NONE)
		table_failed(w, &e);
	return got == NULL ? NULL : xstrdup(got);
}

static void
find_by_domain(struct relay_way *w, struct tables *t,
    const struct conf_action *a, const char *domain)
{
	struct table *table = tables_get(t, a->domain);
	struct buf value = { 0 };
	struct err e;
	int rc = table_lookup(table, TABLE_RELAYHOST, domain, &value, &e);

	if (rc == 0)
		rc = table_lookup(table, TABLE_DOMAIN, domain, &value, &e);
	if (rc == -1)
		table_failed(w, &e);
	else if (rc == 0)
		refuse(w, RELAY_LATER,
		    "451 4.4.4 The domain is not in the action's table");
	else
		w->url = xstrdup(buf_str(&value));
	buf_free(&value);
}

/* user:password of the label in the host's name. */
static void
find_credentials(
    struct relay_way *w, struct tables *t, const struct conf_action *a)
{
	struct buf value = { 0 };
	struct relay_url url;
	struct err e;
	char *colon;
	int rc;

	if (w->url == NULL)
		return;
	if (relay_url_parse(w->url, a->tls, &url, &e) == -1) {
		log_warn("lookup: the relay %s: %s", w->url, e.msg);
		refuse(w, RELAY_LATER, "451 4.3.5 The relay's name is wrong");
		return;
	}
	if (url.label[0] == '\0')
		return;
	rc = a->auth == NULL ? 0 :
			       table_lookup(tables_get(t, a->auth),
				   TABLE_CREDENTIALS, url.label, &value, &e);
	if (rc == -1) {
		table_failed(w, &e);
	} else if (rc == 0 || (colon = strchr(buf_str(&value), ':')) == NULL) {
		refuse(w, RELAY_LATER,
		    "451 4.3.5 The relay's label is not in the auth table");
	} else {
		w->user = xstrndup((const char *)value.data,
		    (size_t)(colon - (const char *)value.data));
		w->password = xstrdup(colon + 1);
	}
	if (value.len > 0)
		explicit_bzero(value.data, value.len);
	buf_free(&value);
}

static void
find_target(struct relay_way *w, struct tables *t, const struct conf_action *a,
    const char *domain)
{
	w->source = next_of(w, t, a->src, TABLE_SOURCE);
	w->url = next_of(w, t, a->host, TABLE_RELAYHOST);
	if (a->host != NULL && w->url == NULL)
		refuse(w, RELAY_LATER, "451 4.4.4 The table of hosts is empty");
	if (a->domain != NULL)
		find_by_domain(w, t, a, domain);
	find_credentials(w, t, a);
}

static void
find_helo(struct relay_way *w, struct tables *t, const struct conf_action *a,
    const char *address)
{
	struct buf value = { 0 };
	struct err e;

	if (a->helo_src == NULL)
		return;
	if (table_lookup(tables_get(t, a->helo_src), TABLE_ADDRNAME, address,
		&value, &e) == 1)
		w->helo = xstrdup(buf_str(&value));
	buf_free(&value);
}

/* A connection to a socket by its path: a dispatcher sees no files. */
static int
connect_path(struct relay_way *w, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char *line;

	static_assert(RELAY_PATH_MAX < sizeof(sun.sun_path), "a path fits");
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (fd != -1 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	line = xasprintf(
	    "451 4.4.1 Connection to %s failed: %s", path, strerror(errno));
	refuse(w, RELAY_LATER, line);
	free(line);
	if (fd != -1)
		close(fd);
	return -1;
}

/* The connection, if that is what the target is. */
static int
connect_target(struct relay_way *w, const struct conf_action *a)
{
	struct relay_url url;
	struct err e;

	return w->status == RELAY_OK && w->url != NULL &&
		relay_url_parse(w->url, a->tls, &url, &e) == 0 &&
		url.path[0] != '\0' ?
	    connect_path(w, url.path) :
	    -1;
}

void
way_find(
    struct proc *p, struct tables *t, struct proc_peer from, struct ipc_msg *m)
{
	const struct conf_action *a;
	struct relay_way w = { 0 };
	struct relay_ask ask;
	struct buf b = { 0 };
	int fd;

	if (!relay_ask_decode(m->data, m->len, &ask)) {
		log_warn("lookup: a question that does not decode");
		return;
	}
	w.request = ask.request;
	a = conf_find_action(p->setup->conf, ask.action);
	if (a == NULL || a->method != CONF_RELAY)
		refuse(&w, RELAY_LATER, "451 4.3.5 The action is gone");
	else if (ask.kind == RELAY_WAY_TARGET)
		find_target(&w, t, a, ask.key);
	else
		find_helo(&w, t, a, ask.key);
	fd = connect_target(&w, a);
	relay_way_encode(&w, &b);
	proc_send(p, from.id, from.instance, MSG_WAY_FOUND, &b, fd);
	if (b.len > 0)
		explicit_bzero(b.data, b.len);
	buf_free(&b);
	relay_way_clear(&w);
	relay_ask_clear(&ask);
}
