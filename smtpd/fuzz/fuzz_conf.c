/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as smtpd.conf: a tree, or a problem that is told; and a tree,
 * printed, parses to what prints the same.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/conf/conf.h"
#include "smtpd/conf/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
print_and_parse(const struct conf *c)
{
	struct buf first = { 0 }, second = { 0 }, problems = { 0 };
	struct conf_source *s;
	struct conf *again;

	conf_print(c, &first);
	s = conf_source_memory("again", first.data, first.len);
	again = conf_parse(s, "again", NULL, 0, &problems);
	assert(again != NULL);
	assert(again->n_lacks == 0);
	conf_print(again, &second);
	assert(strcmp(buf_str(&first), buf_str(&second)) == 0);
	conf_free(again);
	conf_source_free(s);
	buf_free(&first);
	buf_free(&second);
	buf_free(&problems);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct conf_source *s = conf_source_memory("fuzz", data, len);
	struct buf problems = { 0 };
	struct conf *c = conf_parse(s, "fuzz", NULL, 0, &problems);

	assert(c != NULL || problems.len > 0);
	if (c != NULL)
		print_and_parse(c);
	conf_free(c);
	conf_source_free(s);
	buf_free(&problems);
	return 0;
}
