/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * usage: fillqueue SPOOL MESSAGES [ENVELOPES]
 *
 * Fill a spool of smtpd with messages of 1 KiB and one envelope, or as many, from many
 * senders to many domains, as a queue whose way out has been closed for a day.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/queue/envelope.h"
#include "smtpd/queue/store.h"

#define BODY  1024
#define BATCH 1000 /* envelopes a commit, about */

static void
fill_envelope(struct envelope *ev, uint32_t msgid, uint32_t number)
{
	char text[64];
	int len;

	envelope_init(ev);
	ev->id = (uint64_t)msgid << 32 | number;
	ev->type = ENVELOPE_MTA;
	len = snprintf(text, sizeof(text), "user%u@example.org", msgid % 1000);
	if (!address_parse(text, (size_t)len, false, &ev->sender))
		abort();
	len = snprintf(text, sizeof(text), "someone%u@domain%u.example", msgid,
	    msgid % 5000);
	if (!address_parse(text, (size_t)len, false, &ev->dest))
		abort();
	ev->rcpt = ev->dest;
	ev->created_at = (uint64_t)time(NULL) - 86400;
	ev->last_try_at = (uint64_t)time(NULL);
	ev->ttl = 4 * 86400;
	ev->retry = 14;
	envelope_set_text(ev, ENVELOPE_ACTION, "out");
	envelope_set_text(ev, ENVELOPE_SMTPNAME, "mx.example.org");
	envelope_set_text(ev, ENVELOPE_HELO, "client.example.org");
	envelope_set_text(ev, ENVELOPE_HOSTNAME, "client.example.org");
	envelope_set_text(ev, ENVELOPE_SOURCE, "192.0.2.1");
	envelope_set_text(
	    ev, ENVELOPE_ERROR, "450 4.4.1 Connection refused by the relay");
}

static void
add(struct store *s, uint32_t msgid, uint32_t n)
{
	static char body[BODY];
	struct envelope *evs = xcalloc(n, sizeof(*evs));

	memset(body, 'x', sizeof(body));
	for (uint32_t i = 0; i < n; i++)
		fill_envelope(&evs[i], msgid, i + 1);
	store_add_message(s,
	    &(struct store_new){ .msgid = msgid,
		.evs = evs,
		.n = n,
		.body = body,
		.body_len = sizeof(body) });
	for (uint32_t i = 0; i < n; i++)
		envelope_clear(&evs[i]);
	free(evs);
}

int
main(int argc, char **argv)
{
	struct store *s;
	struct err e;
	uint32_t n, each;
	int rc = 0;

	if (argc != 3 && argc != 4) {
		fprintf(
		    stderr, "usage: fillqueue SPOOL MESSAGES [ENVELOPES]\n");
		return 2;
	}
	n = (uint32_t)strtoul(argv[2], NULL, 10);
	each = argc == 4 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1;
	s = store_open(argv[1], NULL, &e);
	if (s == NULL)
		rc = -1;
	for (uint32_t i = 1; rc == 0 && i <= n; i++) {
		/* All different, in no order. */
		add(s, i * 2654435761U, each);
		if (i * each % BATCH == 0 || i == n)
			rc = store_commit(s, &e);
	}
	if (rc == -1)
		fprintf(stderr, "fillqueue: %s\n", e.msg);
	store_close(s);
	return rc == 0 ? 0 : 1;
}
