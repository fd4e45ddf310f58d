/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as smtpd.conf: a tree, or a problem that is told.
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct conf_source *s = conf_source_memory("fuzz", data, len);
	struct buf problems = { 0 };
	struct conf *c = conf_parse(s, "fuzz", NULL, 0, &problems);

	assert(c != NULL || problems.len > 0);
	conf_free(c);
	conf_source_free(s);
	buf_free(&problems);
	return 0;
}
