/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * request: what fionctl and others ask, one JSON object a line.
 *
 * Shape:  {"cmd": ["tile", "next"], "id": anything} runs a command;
 *         {"get": "tree"} asks; {"subscribe": true} asks for events;
 *         {"sync": true} waits until all has reached the server.
 *         The answer: {"ok": true, "result": ..., "id": ...} or
 *         {"ok": false, "error": "...", "id": ...}.
 * Limits: REQUEST_BYTES a line, words as many as a command takes.
 * Source: fionctl(1), "PROTOCOL".
 */
#ifndef FION_CONTROL_REQUEST_H
#define FION_CONTROL_REQUEST_H

#include <stddef.h>

#include <jansson.h>

#include "lib/attr.h"

#define REQUEST_BYTES 65536
#define REQUEST_WORDS 64

struct err;

enum request_kind {
	REQUEST_CMD,
	REQUEST_GET,
	REQUEST_SUBSCRIBE,
	REQUEST_SYNC,
};

/* Words are borrowed from json, which request_clear() releases. */
struct request {
	enum request_kind kind;
	const char *words[REQUEST_WORDS + 1]; /* get: the first */
	size_t n;
	json_t *json;
	json_t *id; /* borrowed, or NULL */
};

/* Always leaves *r to be cleared. */
int request_parse(struct request *r, const char *line, size_t len,
    struct err *e) ATTR_CHECKED;
void request_clear(struct request *r);

/* The answer as a line; takes result (NULL: none).  Owned by the caller. */
char *request_answer(
    const struct request *r, const struct err *e, json_t *result);

#endif
