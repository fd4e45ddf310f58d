/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "fion/bar/status.h"
#include "fion/text/text.h"

void
status_init(struct status *s)
{
	memset(s, 0, sizeof(*s));
}

static void
clear_blocks(struct status *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->blocks[i].text);
		free(s->blocks[i].brief);
		free(s->blocks[i].name);
		free(s->blocks[i].instance);
	}
	memset(s->blocks, 0, sizeof(s->blocks));
	s->n = 0;
}

void
status_clear(struct status *s)
{
	clear_blocks(s);
	buf_free(&s->in);
	status_init(s);
}

static const char *
text_of(json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s != NULL ? s : "";
}

static char *
shown(const void *text, size_t len)
{
	return text_clean(text, len, false);
}

static void
read_colour(struct status_block *b, json_t *j)
{
	const char *s = json_string_value(json_object_get(j, "color"));
	char digits[7] = "";

	/* Two more digits may say how opaque it is. */
	if (s != NULL && s[0] == '#' &&
	    strspn(s + 1, "0123456789abcdefABCDEF") >= 6) {
		memcpy(digits, s + 1, 6);
		b->colour = (uint32_t)strtoul(digits, NULL, 16);
		b->has_colour = true;
	}
}

static void
read_blocks(struct status *s, json_t *array)
{
	size_t i;
	json_t *j;

	clear_blocks(s);
	json_array_foreach(array, i, j)
	{
		struct status_block *b = &s->blocks[s->n];
		const char *text;

		if (s->n == STATUS_BLOCKS)
			break;
		if (!json_is_string(json_object_get(j, "full_text")))
			continue;
		text = text_of(j, "full_text");
		b->text = shown(text, strlen(text));
		if (json_is_string(json_object_get(j, "short_text"))) {
			text = text_of(j, "short_text");
			b->brief = shown(text, strlen(text));
		}
		b->name = xstrdup(text_of(j, "name"));
		b->instance = xstrdup(text_of(j, "instance"));
		b->urgent = json_is_true(json_object_get(j, "urgent"));
		read_colour(b, j);
		s->n++;
	}
}

/* The end of the JSON array that begins at data[0], or 0. */
static size_t
array_end(const uint8_t *data, size_t len)
{
	size_t depth = 0;
	bool in_text = false;

	for (size_t i = 0; i < len; i++) {
		if (in_text) {
			if (data[i] == '\\')
				i++;
			else if (data[i] == '"')
				in_text = false;
			continue;
		}
		if (data[i] == '"')
			in_text = true;
		else if (data[i] == '[' || data[i] == '{')
			depth++;
		else if (data[i] == ']' || data[i] == '}')
			depth--;
		if (depth == 0)
			return i + 1;
	}
	return 0;
}

/* One array of blocks off the front.  As status_feed(). */
static int
take_array(struct status *s, struct err *e)
{
	size_t skip = 0, end;
	json_error_t why;
	json_t *j;

	while (skip < s->in.len && strchr(", \t\r\n", s->in.data[skip]))
		skip++;
	buf_consume(&s->in, skip);
	if (s->in.len == 0)
		return 0;
	if (s->in.data[0] != '[') {
		err_set(e, ERR_CORRUPT, "the status command: not an array");
		return -1;
	}
	end = array_end(s->in.data, s->in.len);
	if (end == 0)
		return 0;
	j = json_loadb((const char *)s->in.data, end, 0, &why);
	buf_consume(&s->in, end);
	if (j == NULL) {
		err_set(e, ERR_CORRUPT, "the status command: %s", why.text);
		return -1;
	}
	read_blocks(s, j);
	json_decref(j);
	return 1;
}

static int
take_line(struct status *s)
{
	const uint8_t *nl = memchr(s->in.data, '\n', s->in.len);
	size_t len;

	if (nl == NULL)
		return 0;
	len = (size_t)(nl - s->in.data);
	clear_blocks(s);
	s->blocks[0].text = shown(s->in.data, len);
	s->blocks[0].name = xstrdup("");
	s->blocks[0].instance = xstrdup("");
	s->n = 1;
	buf_consume(&s->in, len + 1);
	return 1;
}

/* Which form it speaks: its first line says.  False: not all here yet. */
static bool
take_header(struct status *s)
{
	const uint8_t *nl = memchr(s->in.data, '\n', s->in.len);
	json_t *j, *clicks;
	size_t skip;

	if (nl == NULL)
		return false;
	s->begun = true;
	skip = (size_t)(nl - s->in.data) + 1;
	j = json_loadb((const char *)s->in.data, skip, 0, NULL);
	if (json_object_get(j, "version") != NULL) {
		s->is_json = true;
		clicks = json_object_get(j, "click_events");
		s->clicks = json_is_true(clicks);
		while (skip < s->in.len &&
		    strchr(" \t\r\n", s->in.data[skip]) != NULL)
			skip++;
		if (skip == s->in.len) {
			s->begun = false; /* wait for the outer bracket */
		} else {
			buf_consume(&s->in, skip);
			if (s->in.data[0] == '[')
				buf_consume(&s->in, 1);
		}
	}
	json_decref(j);
	return s->begun;
}

int
status_feed(struct status *s, const uint8_t *data, size_t len, struct err *e)
{
	int rc = 1, any = 0;

	buf_add(&s->in, data, len);
	if (!s->begun && s->in.len > 0 && !take_header(s))
		rc = 0;
	while (rc > 0 && s->in.len > 0) {
		rc = s->is_json ? take_array(s, e) : take_line(s);
		if (rc == -1)
			return -1;
		any |= rc;
	}
	if (s->in.len > STATUS_BYTES) {
		err_set(e, ERR_LIMIT, "the status command: a line too long");
		return -1;
	}
	return any;
}

void
status_click(struct status *s, size_t i, unsigned button, struct buf *out)
{
	json_t *j = json_pack("{s:s, s:s, s:i}", "name", s->blocks[i].name,
	    "instance", s->blocks[i].instance, "button", (int)button);
	char *text = j == NULL ? NULL : json_dumps(j, JSON_COMPACT);

	if (text != NULL) {
		buf_printf(out, "%s%s\n", s->clicked ? "," : "[\n", text);
		s->clicked = true;
	}
	free(text);
	json_decref(j);
}
