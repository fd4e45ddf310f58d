/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * What processes tell each other about relaying, and the names of hosts to
 * relay to: what is taken, once encoded, decodes to the same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/queue/relay.h"
#include "smtpd/smtp/relayurl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
try_task(const uint8_t *data, size_t len)
{
	struct buf a = { 0 }, b = { 0 };
	struct relay_task t;

	if (!relay_task_decode(data, len, &t))
		return;
	assert(t.n > 0 && t.n <= RELAY_RCPTS);
	relay_task_encode(&t, &a);
	relay_task_clear(&t);
	assert(relay_task_decode(a.data, a.len, &t));
	relay_task_encode(&t, &b);
	assert(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
	relay_task_clear(&t);
	buf_free(&a);
	buf_free(&b);
}

static void
try_others(const uint8_t *data, size_t len)
{
	struct relay_result r;
	struct relay_way w;
	struct relay_ask ask;

	if (relay_result_decode(data, len, &r))
		relay_result_clear(&r);
	if (relay_way_decode(data, len, &w))
		relay_way_clear(&w);
	if (relay_ask_decode(data, len, &ask))
		relay_ask_clear(&ask);
}

static void
try_url(const uint8_t *data, size_t len)
{
	char *text = xstrndup((const char *)data, len);
	struct relay_url url;
	struct err e;

	if (relay_url_parse(text, len % 2 == 1, &url, &e) == 0) {
		assert((url.host[0] != '\0' && url.port != 0) !=
		    (url.path[0] == '/' && url.lmtp));
		assert(url.label[0] == '\0' || url.tls == RELAY_TLS_REQUIRED ||
		    url.tls == RELAY_TLS_IMPLICIT);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try_task(data, len);
	try_others(data, len);
	try_url(data, len);
	return 0;
}
