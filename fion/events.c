/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * events: what happens, told to who subscribed.
 *
 * Of windows, modes and screens X tells; what commands, keys and pagers did
 * to workspaces and tiles is seen by comparing the model with what was told
 * last, so that no way of changing it is forgotten.
 */
#include <stdlib.h>

#include "fion/model/layout.h"
#include "fion/session_internal.h"

/* Takes more (or NULL), which is told as name. */
static void
publish(struct session *s, const char *what, const char *name, json_t *more)
{
	json_t *j = json_pack("{s:s, s:I, s:s}", "event", what, "sequence",
	    (json_int_t)++s->sequence, "mode", x_mode(s->x));
	char *text;

	if (more != NULL)
		json_object_set_new(j, name, more);
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	server_publish(s->server, text);
	free(text);
}

void
session_event(struct session *s, const char *what, const struct win *w)
{
	if (server_has_subscribers(s->server))
		publish(
		    s, what, "window", w == NULL ? NULL : layout_win(s->m, w));
}

void
session_changes(struct session *s)
{
	struct model_digest now;
	const struct workspace *ws;

	if (!server_has_subscribers(s->server))
		return;
	now = model_digest(s->m);
	ws = workspace_current(s->m);
	if (now.workspaces != s->told.workspaces)
		publish(s, "workspace", "workspace",
		    ws == NULL ? NULL : json_string(ws->name));
	if (now.tile != s->told.tile)
		publish(s, "tile", "tile", layout_tile(s->m, model_tile(s->m)));
	if (now.layout != s->told.layout)
		publish(s, "layout", NULL, NULL);
	s->told = now;
}

void
session_subscribe(struct session *s)
{
	session_changes(s); /* to those who listen already */
	s->told = model_digest(s->m);
}
