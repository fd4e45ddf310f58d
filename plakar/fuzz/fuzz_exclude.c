/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * A path, a zero byte, then a list of patterns.  Adding "!NAME" (the name
 * with every byte escaped) must keep the path, whatever stood before; a list
 * of comments must be silent.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"

#include "plakar/exclude/exclude.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_escaped(struct exclude *ex, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	struct buf line = { 0 };

	if (*name == '\0')
		return;
	buf_add_u8(&line, '!');
	for (; *name != '\0'; name++) {
		buf_add_u8(&line, '\\');
		buf_add_u8(&line, (uint8_t)*name);
	}
	exclude_add(ex, (const char *)line.data, line.len);
	assert(exclude_match(ex, path, path + 1, false) == EXCLUDE_KEEP);
	buf_free(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *zero = len > 0 ? memchr(data, 0, len) : NULL;
	struct exclude *ex, *line;
	struct buf path = { 0 };
	size_t path_len;

	if (zero == NULL)
		return 0;
	path_len = (size_t)(zero - data);
	buf_add_u8(&path, '/');
	buf_add(&path, data, path_len + 1);

	ex = exclude_new(false);
	line = exclude_new(true);
	exclude_add_text(ex, (const char *)zero + 1, len - path_len - 1);
	exclude_add(line, (const char *)zero + 1, len - path_len - 1);
	for (int is_dir = 0; is_dir < 2; is_dir++) {
		exclude_match(ex, (const char *)path.data,
		    (const char *)path.data + 1, is_dir == 1);
		exclude_match(line, (const char *)path.data,
		    (const char *)path.data + 1, is_dir == 1);
	}
	check_escaped(ex, (const char *)path.data);
	exclude_free(ex);
	exclude_free(line);
	buf_free(&path);
	return 0;
}
