/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any line as a command: an address that is accepted is accepted again as it
 * is written.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/smtp/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[ADDRESS_TEXT_LEN], *line;
	struct smtp_mail m;
	struct smtp_rcpt r;
	struct smtp_bdat bd;
	struct address again;
	const char *arg;

	line = xstrndup((const char *)data, len);
	(void)smtp_command_verb(line, &arg);
	if (smtp_parse_mail(arg, &m) == NULL && !address_is_null(&m.from)) {
		address_text(&m.from, text);
		assert(address_parse(text, strlen(text), m.utf8, &again));
		assert(address_equal(&m.from, &again));
		assert(strpbrk(text, "\r\n") == NULL);
	}
	if (smtp_parse_rcpt(arg, true, &r) == NULL)
		assert(r.to.local[0] != '\0');
	if (smtp_parse_bdat(arg, &bd) == NULL)
		assert(bd.len <= INT64_MAX);
	(void)smtp_helo_valid(arg);
	free(line);
	return 0;
}
