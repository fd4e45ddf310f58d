/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "lib/err.h"

#include "fion/control/request.h"

static int
read_words(struct request *r, json_t *array, struct err *e)
{
	size_t i;
	json_t *j;

	if (!json_is_array(array) || json_array_size(array) == 0 ||
	    json_array_size(array) > REQUEST_WORDS) {
		err_set(e, ERR_USAGE, "cmd: 1 to %d words", REQUEST_WORDS);
		return -1;
	}
	json_array_foreach(array, i, j)
	{
		const char *s = json_string_value(j);

		if (s == NULL || strlen(s) != json_string_length(j)) {
			err_set(
			    e, ERR_USAGE, "cmd: word %zu is no text", i + 1);
			return -1;
		}
		r->words[r->n++] = s;
	}
	return 0;
}

int
request_parse(struct request *r, const char *line, size_t len, struct err *e)
{
	json_error_t why;
	json_t *j;

	memset(r, 0, sizeof(*r));
	if (len > REQUEST_BYTES) {
		err_set(e, ERR_LIMIT, "a line of %zu bytes", len);
		return -1;
	}
	r->json = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(r->json)) {
		err_set(e, ERR_USAGE, "not a JSON object: %s",
		    r->json == NULL ? why.text : "another value");
		return -1;
	}
	r->id = json_object_get(r->json, "id");
	j = json_object_get(r->json, "cmd");
	if (j != NULL) {
		r->kind = REQUEST_CMD;
		return read_words(r, j, e);
	}
	j = json_object_get(r->json, "get");
	if (json_is_string(j)) {
		r->kind = REQUEST_GET;
		r->words[r->n++] = json_string_value(j);
		return 0;
	}
	if (json_is_true(json_object_get(r->json, "subscribe"))) {
		r->kind = REQUEST_SUBSCRIBE;
		return 0;
	}
	if (json_is_true(json_object_get(r->json, "sync"))) {
		r->kind = REQUEST_SYNC;
		return 0;
	}
	err_set(e, ERR_USAGE, "neither cmd, get, subscribe nor sync");
	return -1;
}

void
request_clear(struct request *r)
{
	json_decref(r->json);
	memset(r, 0, sizeof(*r));
}

char *
request_answer(const struct request *r, const struct err *e, json_t *result)
{
	json_t *j = json_pack("{s:b}", "ok", e == NULL), *text;
	char *line;

	if (e != NULL) {
		text = json_string(e->msg);
		json_object_set_new(
		    j, "error", text != NULL ? text : json_string("an error"));
	}
	if (result != NULL)
		json_object_set_new(j, "result", result);
	if (r->id != NULL)
		json_object_set(j, "id", r->id);
	line = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return line;
}
