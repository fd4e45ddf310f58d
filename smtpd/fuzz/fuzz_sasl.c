/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/* Lines of an AUTH exchange: what comes out is a name and a password. */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "smtpd/smtp/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct sasl *s)
{
	assert(s->user[0] != '\0' && s->password[0] != '\0');
	assert(strlen(s->user) <= SASL_TEXT_MAX);
	assert(strlen(s->password) <= SASL_TEXT_MAX);
	assert(strpbrk(s->user, "\r\n\t") == NULL);
	assert(strpbrk(s->password, "\r\n") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size), *rest = text, *line;
	const char *reply;
	struct sasl s;

	line = strsep(&rest, "\n");
	reply = sasl_begin(&s, line);
	while (reply != NULL && reply[0] == '3' &&
	    (line = strsep(&rest, "\n")) != NULL)
		reply = sasl_line(&s, line);
	assert((reply == NULL) == (s.state == SASL_DONE));
	if (reply == NULL)
		check(&s);
	sasl_clear(&s);
	free(text);
	return 0;
}
