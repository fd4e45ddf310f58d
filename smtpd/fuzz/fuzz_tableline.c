/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a line of a table program, and as a key in a request, which
 * must stay one line.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"

#include "smtpd/lookup/tableline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *line = xmalloc(len + 1);
	struct tableline_reply reply;
	struct buf request = { 0 };
	unsigned services = 0;
	bool ready = false;

	if (len > 0)
		memcpy(line, data, len);
	line[len] = '\0';
	if (tableline_parse_reply(line, &reply))
		assert(reply.text != NULL);
	if (tableline_parse_register(line, &services, &ready))
		assert(strncmp(line, "register|", 9) == 0);
	if (tableline_put_request(
		&request, "t", TABLELINE_LOOKUP, TABLE_ALIAS, 1, line))
		assert(memchr(request.data, '\n', request.len) ==
		    request.data + request.len - 1);
	buf_free(&request);
	free(line);
	return 0;
}
