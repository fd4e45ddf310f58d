/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * DNS records and the resolver's answers: whatever is taken is encoded again
 * to the same bytes, and holds no byte that could forge anything.
 */
#include <assert.h>
#include <string.h>

#include "lib/buf.h"

#include "smtpd/dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_name(const char *name)
{
	assert(strlen(name) <= DNS_NAME_MAX);
	assert(strpbrk(name, " \t\r\n|<>[]\x7f") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char name[DNS_NAME_MAX + 1];
	struct dns_question q;
	struct dns_answer a;
	struct dns_host h;
	struct buf b = { 0 };

	if (dns_read_name(data, len, name))
		check_name(name);
	if (dns_read_mx(data, len, &h))
		check_name(h.name);
	if (dns_question_decode(data, len, &q)) {
		dns_question_encode(&q, &b);
		assert(b.len == len && memcmp(b.data, data, len) == 0);
		buf_reset(&b);
	}
	if (dns_answer_decode(data, len, &a)) {
		dns_answer_encode(&a, &b);
		/* A NUL within a name ends it: all else comes back. */
		assert(b.len <= len);
		dns_answer_clear(&a);
	}
	buf_free(&b);
	return 0;
}
