/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * query: lines of the control socket, answered.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"

#include "fion/control/request.h"
#include "fion/model/layout.h"
#include "fion/session_internal.h"

#define FLOOD_TURNS 25    /* until a sync waits no longer for its end */
#define SYNC_TURNS  10000 /* until it is done, however many keys come */

static json_t *
get_screens(struct session *s)
{
	json_t *tree = layout_tree(s->m, true);
	json_t *j = json_incref(json_object_get(tree, "screens"));
	size_t i;
	json_t *screen;

	json_array_foreach(j, i, screen) json_object_del(screen, "workspaces");
	json_decref(tree);
	return j;
}

static json_t *
get_workspaces(struct session *s)
{
	json_t *j = json_array();

	for (size_t i = 0; i < workspace_count(s->m); i++) {
		const struct workspace *ws = workspace_at(s->m, i);
		json_t *w = json_pack("{s:s, s:b, s:b, s:b, s:b}", "name",
		    ws->name, "visible", workspace_visible(ws), "current",
		    ws == workspace_current(s->m), "urgent",
		    workspace_urgent(ws), "empty", workspace_empty(ws));

		if (ws->screen != NULL)
			json_object_set_new(
			    w, "screen", json_string(ws->screen->key));
		json_array_append_new(j, w);
	}
	return j;
}

static json_t *
get_windows(struct session *s)
{
	json_t *j = json_array();

	for (const struct win *w = model_first_win(s->m); w != NULL;
	     w = model_next_win(s->m, (struct win *)(uintptr_t)w))
		json_array_append_new(j, layout_win(s->m, w));
	return j;
}

static json_t *
get_keys(struct session *s)
{
	json_t *j = json_array();

	for (size_t i = 0; i < s->config->n_modes; i++) {
		const struct config_mode *m = &s->config->modes[i];
		json_t *keys = json_object(), *mode;
		char key[128];

		for (size_t k = 0; k < m->n; k++) {
			json_t *words = json_array();

			for (size_t n = 0; n < m->binds[k].n; n++)
				json_array_append_new(
				    words, json_string(m->binds[k].words[n]));
			config_key_format(m->binds[k].key, key, sizeof(key));
			json_object_set_new(keys, key, words);
		}
		mode = json_pack("{s:s, s:o}", "mode", m->name, "keys", keys);
		if (m->prefix.sym != 0) {
			config_key_format(m->prefix, key, sizeof(key));
			json_object_set_new(mode, "prefix", json_string(key));
		}
		json_array_append_new(j, mode);
	}
	return j;
}

static json_t *
get_commands(void)
{
	json_t *j = json_array();

	for (const struct cmd *c = cmd_table; c->noun != NULL; c++)
		json_array_append_new(j,
		    json_pack("{s:s, s:s, s:s, s:s}", "noun", c->noun, "verb",
			c->verb == NULL ? "" : c->verb, "args", c->args, "help",
			c->help));
	return j;
}

static json_t *
get_config(struct session *s)
{
	json_t *j = json_object();

	for (size_t i = 0; i < config_setting_count(); i++) {
		char *value = config_setting_value(s->config, i);

		json_object_set_new(
		    j, config_setting_name(i), json_string(value));
		free(value);
	}
	return j;
}

static json_t *
get(struct session *s, const char *what, struct err *e)
{
	const struct win *w = model_focused(s->m);

	if (strcmp(what, "tree") == 0)
		return layout_tree(s->m, true);
	if (strcmp(what, "screens") == 0)
		return get_screens(s);
	if (strcmp(what, "workspaces") == 0)
		return get_workspaces(s);
	if (strcmp(what, "windows") == 0)
		return get_windows(s);
	if (strcmp(what, "focused") == 0)
		return w == NULL ? json_null() : layout_win(s->m, w);
	if (strcmp(what, "keys") == 0)
		return get_keys(s);
	if (strcmp(what, "commands") == 0)
		return get_commands();
	if (strcmp(what, "config") == 0)
		return get_config(s);
	if (strcmp(what, "mode") == 0)
		return json_string(x_mode(s->x));
	if (strcmp(what, "version") == 0)
		return json_string(MAISON_VERSION);
	err_set(e, ERR_USAGE,
	    "get tree, screens, workspaces, windows, "
	    "focused, keys, commands, config, mode or version");
	return NULL;
}

static int
act(struct session *s, const struct request *r, json_t **result,
    bool *subscribe, struct err *e)
{
	switch (r->kind) {
	case REQUEST_CMD:
		if (session_command(s, r->n, r->words, 1, e) == -1)
			return -1;
		x_reconcile(s->x);
		return 0;
	case REQUEST_GET:
		*result = get(s, r->words[0], e);
		return *result == NULL ? -1 : 0;
	case REQUEST_SUBSCRIBE:
		*subscribe = true;
		session_subscribe(s);
		*result = layout_tree(s->m, true);
		return 0;
	case REQUEST_SYNC: /* done by then */
		return 0;
	}
	return 0;
}

/*
 * All that has come so far is handled, and what that brings: a key lets the
 * next one out.  What it takes are turns of the loop, which others use too.
 * In a flood nothing is ever quiet, and it waits no longer.
 */
static bool
in_sync(struct session *s, struct server_wait *w)
{
	x_hurry(s->x);
	x_reconcile(s->x);
	x_paint(s->x);
	if (x_flooded(s->x))
		w->kept++;
	if (!x_waiting(s->x))
		x_sync(s->x);
	return !x_waiting(s->x) || w->kept >= FLOOD_TURNS ||
	    w->tries >= SYNC_TURNS;
}

char *
session_line(void *ctx, const char *line, size_t len, struct server_wait *w,
    bool *subscribe)
{
	struct session *s = ctx;
	struct request r;
	struct err e = { 0 };
	json_t *result = NULL;
	char *answer;
	int rc = request_parse(&r, line, len, &e);

	if (rc == 0 && r.kind == REQUEST_SYNC && !in_sync(s, w)) {
		request_clear(&r);
		return NULL;
	}
	if (rc == 0)
		rc = act(s, &r, &result, subscribe, &e);
	answer = request_answer(&r, rc == -1 ? &e : NULL, result);
	request_clear(&r);
	return answer;
}
