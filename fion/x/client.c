/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * client: windows of applications: managed, changed, let go.
 *
 * All that is to be known about all windows that came in a batch is asked
 * first and read then: one wait for the whole batch.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "fion/model/layout.h"
#include "fion/x/x_internal.h"

#define PING_MS 10000

enum prop {
	P_HINTS,
	P_SIZE,
	P_CLASS,
	P_NAME,
	P_NET_NAME,
	P_ROLE,
	P_TRANSIENT,
	P_PROTOCOLS,
	P_TYPE,
	P_STATE,
	P_STRUT,
	P_STRUT_PARTIAL,
	P_TIME,
	P_TIME_WINDOW,
	P_PID,
	P_MOTIF,
	P_WM_STATE,
	P_COUNT,
};

struct asked {
	xcb_window_t id;
	xcb_get_window_attributes_cookie_t attributes;
	xcb_get_geometry_cookie_t geometry;
	xcb_get_property_cookie_t props[P_COUNT];
};

static xcb_atom_t
prop_atom(const struct x *x, enum prop p)
{
	static const int names[P_COUNT] = {
		[P_NET_NAME] = X__NET_WM_NAME,
		[P_ROLE] = X_WM_WINDOW_ROLE,
		[P_PROTOCOLS] = X_WM_PROTOCOLS,
		[P_TYPE] = X__NET_WM_WINDOW_TYPE,
		[P_STATE] = X__NET_WM_STATE,
		[P_STRUT] = X__NET_WM_STRUT,
		[P_STRUT_PARTIAL] = X__NET_WM_STRUT_PARTIAL,
		[P_TIME] = X__NET_WM_USER_TIME,
		[P_TIME_WINDOW] = X__NET_WM_USER_TIME_WINDOW,
		[P_PID] = X__NET_WM_PID,
		[P_MOTIF] = X__MOTIF_WM_HINTS,
		[P_WM_STATE] = X_WM_STATE,
	};

	switch (p) {
	case P_HINTS:
		return XCB_ATOM_WM_HINTS;
	case P_SIZE:
		return XCB_ATOM_WM_NORMAL_HINTS;
	case P_CLASS:
		return XCB_ATOM_WM_CLASS;
	case P_NAME:
		return XCB_ATOM_WM_NAME;
	case P_TRANSIENT:
		return XCB_ATOM_WM_TRANSIENT_FOR;
	default:
		return x->atoms[names[p]];
	}
}

static xcb_get_property_cookie_t
ask_prop(struct x *x, xcb_window_t w, enum prop p)
{
	return xcb_get_property(x->c, 0, w, prop_atom(x, p),
	    XCB_GET_PROPERTY_TYPE_ANY, 0, PROPS_TEXT);
}

static void
read_title(struct client *c, const uint8_t *data, size_t len, bool latin1)
{
	char *text = props_text(data, len, latin1);

	win_set_text(&c->win->title, text);
	free(text);
}

static void
read_type(struct x *x, struct client *c, const uint8_t *data, size_t len)
{
	static const struct {
		enum x_atom atom;
		enum kind kind;
	} kinds[] = {
		{ X__NET_WM_WINDOW_TYPE_DOCK, KIND_DOCK },
		{ X__NET_WM_WINDOW_TYPE_DESKTOP, KIND_DESKTOP },
		{ X__NET_WM_WINDOW_TYPE_NOTIFICATION, KIND_NOTIFICATION },
		{ X__NET_WM_WINDOW_TYPE_DIALOG, KIND_DIALOG },
		{ X__NET_WM_WINDOW_TYPE_UTILITY, KIND_DIALOG },
		{ X__NET_WM_WINDOW_TYPE_TOOLBAR, KIND_DIALOG },
		{ X__NET_WM_WINDOW_TYPE_SPLASH, KIND_DIALOG },
		{ X__NET_WM_WINDOW_TYPE_MENU, KIND_DIALOG },
		{ X__NET_WM_WINDOW_TYPE_NORMAL, KIND_NORMAL },
	};

	for (size_t i = 0; i < len / 4; i++) {
		uint32_t a = props_card(data, len, i, 0);

		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			if (x->atoms[kinds[k].atom] == a) {
				c->kind = kinds[k].kind;
				return;
			}
		}
	}
}

static void
read_state(struct x *x, struct client *c, const uint8_t *data, size_t len)
{
	const xcb_atom_t *a = x->atoms;

	if (props_has(data, len, a[X__NET_WM_STATE_FULLSCREEN]) &&
	    c->win != NULL)
		c->win->full = FULL_SCREEN;
	c->modal = props_has(data, len, a[X__NET_WM_STATE_MODAL]);
	c->above = props_has(data, len, a[X__NET_WM_STATE_ABOVE]);
	c->below = props_has(data, len, a[X__NET_WM_STATE_BELOW]);
	c->skip_taskbar = props_has(data, len, a[X__NET_WM_STATE_SKIP_TASKBAR]);
	c->demands = props_has(data, len, a[X__NET_WM_STATE_DEMANDS_ATTENTION]);
	c->maximized =
	    props_has(data, len, a[X__NET_WM_STATE_MAXIMIZED_VERT]) &&
	    props_has(data, len, a[X__NET_WM_STATE_MAXIMIZED_HORZ]);
}

/* What the property says; r may be NULL: then it is absent. */
static void
read_prop(
    struct x *x, struct client *c, enum prop p, xcb_get_property_reply_t *r)
{
	const uint8_t *d = r == NULL ? NULL : xcb_get_property_value(r);
	size_t n = r == NULL ? 0 : (size_t)xcb_get_property_value_length(r);
	bool cards = r != NULL && r->format == 32;
	size_t cn = cards ? n : 0;

	if (r != NULL && r->format == 16)
		n = 0;
	switch (p) {
	case P_HINTS:
		c->hints = props_hints(d, cn);
		break;
	case P_SIZE:
		c->size = props_size(d, cn);
		break;
	case P_NAME:
		if (c->win != NULL && !cards && n > 0)
			read_title(c, d, n, r->type != x->atoms[X_UTF8_STRING]);
		break;
	case P_NET_NAME:
		if (c->win != NULL && !cards && n > 0)
			read_title(c, d, n, false);
		break;
	case P_CLASS:
		if (c->win != NULL && !cards && n > 0) {
			free(c->win->instance);
			free(c->win->class);
			props_class(d, n, &c->win->instance, &c->win->class);
		}
		break;
	case P_ROLE:
		if (c->win != NULL && !cards && n > 0) {
			free(c->win->role);
			c->win->role = props_text(d, n, true);
		}
		break;
	case P_TRANSIENT:
		c->transient_for = props_card(d, cn, 0, XCB_NONE);
		break;
	case P_PROTOCOLS:
		c->takes_focus = props_has(d, cn, x->atoms[X_WM_TAKE_FOCUS]);
		c->deletes = props_has(d, cn, x->atoms[X_WM_DELETE_WINDOW]);
		c->pings = props_has(d, cn, x->atoms[X__NET_WM_PING]);
		break;
	case P_TYPE:
		read_type(x, c, d, cn);
		break;
	case P_STATE:
		read_state(x, c, d, cn);
		break;
	case P_STRUT:
		if (!c->has_strut)
			c->has_strut = props_strut(d, cn, false, &c->strut);
		break;
	case P_STRUT_PARTIAL:
		if (props_strut(d, cn, true, &c->strut))
			c->has_strut = true;
		break;
	case P_TIME:
		c->has_time = cn >= 4;
		c->user_time = props_card(d, cn, 0, 0);
		break;
	case P_TIME_WINDOW:
		c->time_window = props_card(d, cn, 0, XCB_NONE);
		break;
	case P_PID:
		c->pid = props_card(d, cn, 0, 0);
		break;
	case P_MOTIF:
		c->plain = props_motif_plain(d, cn);
		break;
	case P_WM_STATE:
	case P_COUNT:
		break;
	}
}

static void
get_prop(struct x *x, struct client *c, enum prop p)
{
	xcb_get_property_reply_t *r =
	    xcb_get_property_reply(x->c, ask_prop(x, c->id, p), NULL);

	read_prop(x, c, p, r);
	free(r);
}

void
client_queue(struct x *x, xcb_window_t w)
{
	for (size_t i = 0; i < x->n_pending; i++)
		if (x->pending[i] == w)
			return;
	if ((x->n_pending & (x->n_pending - 1)) == 0)
		x->pending = xreallocarray(x->pending,
		    x->n_pending == 0 ? 1 : x->n_pending * 2,
		    sizeof(*x->pending));
	x->pending[x->n_pending++] = w;
}

static void
ask(struct x *x, struct asked *a, xcb_window_t id)
{
	uint32_t mask =
	    XCB_EVENT_MASK_PROPERTY_CHANGE | XCB_EVENT_MASK_FOCUS_CHANGE;

	a->id = id;
	xcb_change_window_attributes(x->c, id, XCB_CW_EVENT_MASK, &mask);
	a->attributes = xcb_get_window_attributes(x->c, id);
	a->geometry = xcb_get_geometry(x->c, id);
	for (enum prop p = 0; p < P_COUNT; p++)
		a->props[p] = ask_prop(x, id, p);
}

static void
dock_manage(struct x *x, struct client *c)
{
	uint32_t mask =
	    XCB_EVENT_MASK_PROPERTY_CHANGE | XCB_EVENT_MASK_STRUCTURE_NOTIFY;

	xcb_change_window_attributes(x->c, c->id, XCB_CW_EVENT_MASK, &mask);
	xcb_map_window(x->c, c->id);
	outputs_struts(x);
}

static void
make_frame(struct x *x, struct client *c)
{
	uint32_t values[] = { 0, 0, XCB_GRAVITY_NORTH_WEST, 1,
		XCB_EVENT_MASK_SUBSTRUCTURE_REDIRECT |
		    XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY |
		    XCB_EVENT_MASK_ENTER_WINDOW,
		XCB_NONE };
	uint32_t mask = XCB_CW_BACK_PIXEL | XCB_CW_BORDER_PIXEL |
	    XCB_CW_BIT_GRAVITY | XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK;
	uint32_t none = 0;

	c->frame = xcb_generate_id(x->c);
	if (c->own_visual) {
		values[5] = xcb_generate_id(x->c);
		xcb_create_colormap(x->c, XCB_COLORMAP_ALLOC_NONE, values[5],
		    x->root, c->visual);
		mask |= XCB_CW_COLORMAP;
	}
	xcb_create_window(x->c, c->depth, c->frame, x->root, 0, 0, 1, 1, 0,
	    XCB_WINDOW_CLASS_INPUT_OUTPUT, c->visual, mask, values);
	if (c->own_visual)
		xcb_free_colormap(x->c, values[5]);
	xcb_change_save_set(x->c, XCB_SET_MODE_INSERT, c->id);
	xcb_configure_window(
	    x->c, c->id, XCB_CONFIG_WINDOW_BORDER_WIDTH, &none);
	xcb_reparent_window(x->c, c->id, c->frame, 0, 0);
	xcb_grab_button(x->c, 0, c->frame, XCB_EVENT_MASK_BUTTON_PRESS,
	    XCB_GRAB_MODE_SYNC, XCB_GRAB_MODE_ASYNC, XCB_NONE, XCB_NONE,
	    XCB_BUTTON_INDEX_ANY, XCB_MOD_MASK_ANY);
	x_remember(x, c->frame, OWNER_FRAME, c);
}

static const char *
type_name(const struct client *c)
{
	switch (c->kind) {
	case KIND_NORMAL:
		return "normal";
	case KIND_DIALOG:
		return "dialog";
	case KIND_NOTIFICATION:
		return "notification";
	case KIND_DOCK:
		return "dock";
	case KIND_DESKTOP:
		return "desktop";
	}
	return "normal";
}

/* The window it belongs to, following what it says, with loops cut. */
static struct win *
leader_of(struct x *x, struct client *c)
{
	struct client *o = x_client(x, c->transient_for);
	struct client *up = o;

	for (int i = 0; up != NULL && i < MODEL_DEPTH; i++) {
		if (up == c)
			return NULL;
		up = x_client(x, up->transient_for);
	}
	return o != NULL && o != c && up == NULL ? o->win : NULL;
}

static bool
wants_float(const struct client *c)
{
	bool fixed = c->size.max_w > 1 && c->size.max_h > 1 &&
	    c->size.max_w == c->size.min_w && c->size.max_h == c->size.min_h;

	return c->kind == KIND_DIALOG || c->kind == KIND_NOTIFICATION ||
	    c->modal || c->transient_for != XCB_NONE || fixed;
}

/* The tile that a new window goes to. */
static struct node *
choose_tile(struct x *x, struct client *c, const struct config_rule *rule,
    struct want **want)
{
	struct win *w = c->win;
	struct node *t =
	    layout_claim(x->m, c->id, w->class, w->instance, w->role, want);
	struct workspace *ws;

	if (t == NULL && rule->tile != NULL)
		t = tile_by_name(x->m, rule->tile);
	if (t == NULL && rule->workspace != NULL) {
		ws = workspace_by_name(x->m, rule->workspace);
		if (ws == NULL)
			ws = workspace_create(x->m, x->m->cur, rule->workspace);
		if (ws != NULL)
			t = ws->cur;
	}
	return t != NULL ? t : model_tile(x->m);
}

/* May it have the focus, being new? */
static bool
may_focus(struct x *x, struct client *c, const struct win *leader,
    const struct win *focused)
{
	if (c->no_focus || c->kind == KIND_NOTIFICATION || c->hints.iconic)
		return false;
	if (leader != NULL && leader == focused)
		return true;
	if (c->has_time && c->user_time == 0)
		return false;
	if (focused != NULL && c->has_time && x->user_time != 0 &&
	    (int32_t)(c->user_time - x->user_time) < 0)
		return false;
	return c->win->tile == model_tile(x->m) || leader != NULL;
}

/* Put the window where it belongs in the model. */
static void
place(struct x *x, struct client *c, bool adopting)
{
	struct win *w = c->win, *leader = leader_of(x, c);
	struct win *focused = model_focused(x->m);
	struct config_rule rule;
	struct want *want = NULL;
	struct node *t;
	bool refused;

	rule = config_match(
	    x->config, w->class, w->instance, w->role, w->title, type_name(c));
	c->no_focus = rule.no_focus;
	c->follow_hints = rule.hints;
	if (rule.full != -1)
		w->full = (enum full)rule.full;
	t = choose_tile(x, c, &rule, &want);
	if (rule.floating != -1 ? rule.floating == 1 : wants_float(c)) {
		if (leader != NULL && rule.floating == -1)
			t = leader->tile;
		win_move(x->m, w, t);
		win_set_floating(x->m, w, true);
		w->leader = leader != NULL && leader->tile == t ? leader : NULL;
		t->cur_float = focused == w ? w : NULL;
		t = w->tile;
	} else if (want == NULL) {
		win_move(x->m, w, t);
	}
	if (want != NULL) {
		layout_apply(x->m, w, t, want);
		want_free(want);
	} else if (!adopting && focused != w &&
	    may_focus(x, c, leader, focused)) {
		win_focus(x->m, w);
	} else if (!adopting) {
		refused = !c->no_focus && c->kind != KIND_NOTIFICATION;
		w->urgent = w->urgent || refused;
	}
}

/* Place it; who is not to have the focus does not hide what is shown. */
static void
enter_model(struct x *x, struct client *c, bool adopting)
{
	struct node *t = model_tile(x->m);
	struct win *keep = t->cur, *w = c->win;

	place(x, c, adopting);
	if (!adopting && keep != NULL && w->tile == t && t->cur == w &&
	    (w->urgent || c->hints.iconic || c->no_focus))
		t->cur = keep;
}

static void
client_manage(struct x *x, struct client *c, bool adopting,
    const xcb_get_geometry_reply_t *g)
{
	const struct win *focused;

	x_remember(x, c->id, OWNER_CLIENT, c);
	TAILQ_INSERT_TAIL(&x->clients, c, link);
	if (c->kind == KIND_DOCK || c->kind == KIND_DESKTOP) {
		win_remove(x->m, c->win);
		c->win = NULL;
		dock_manage(x, c);
		return;
	}
	c->win->float_w = g->width;
	c->win->float_h = g->height;
	props_constrain(&c->size, &c->win->float_w, &c->win->float_h);
	focused = model_focused(x->m);
	enter_model(x, c, adopting);
	make_frame(x, c);
	if (c->hints.urgent || c->demands)
		c->win->urgent = c->win != focused;
	x->dirty = true;
	x->hooks->event(x->ctx, "window-new", c->win);
}

/* A window that waits in the scratch tile's shadow until it is placed. */
static struct win *
provisional(struct x *x, xcb_window_t id)
{
	struct node *t = x->m->scratch;
	struct win *cur = t->cur, *w = win_add(x->m, id, t, false, NULL);

	t->cur = cur != NULL ? cur : w;
	return w;
}

static void
answer(struct x *x, struct asked *a, bool adopting)
{
	xcb_get_window_attributes_reply_t *at =
	    xcb_get_window_attributes_reply(x->c, a->attributes, NULL);
	xcb_get_geometry_reply_t *g =
	    xcb_get_geometry_reply(x->c, a->geometry, NULL);
	bool wanted = at != NULL && g != NULL && !at->override_redirect &&
	    at->_class == XCB_WINDOW_CLASS_INPUT_OUTPUT &&
	    x_client(x, a->id) == NULL;
	xcb_get_property_reply_t *props[P_COUNT];
	struct client *c;

	for (enum prop p = 0; p < P_COUNT; p++)
		props[p] = xcb_get_property_reply(x->c, a->props[p], NULL);
	if (wanted && adopting && at->map_state != XCB_MAP_STATE_VIEWABLE)
		wanted = props[P_WM_STATE] != NULL &&
		    props_card(xcb_get_property_value(props[P_WM_STATE]),
			(size_t)xcb_get_property_value_length(
			    props[P_WM_STATE]),
			0, 0) == 3;
	if (wanted) {
		c = xcalloc(1, sizeof(*c));
		c->id = a->id;
		c->visual = at->visual;
		c->depth = g->depth;
		c->border = g->border_width;
		c->own_visual = at->visual != x->screen->root_visual;
		c->sent_desktop = UINT32_MAX - 1;
		c->sent_state = UINT32_MAX;
		c->win = provisional(x, a->id);
		for (enum prop p = 0; p < P_COUNT; p++)
			read_prop(x, c, p, props[p]);
		client_manage(x, c, adopting, g);
	}
	for (enum prop p = 0; p < P_COUNT; p++)
		free(props[p]);
	free(at);
	free(g);
}

static void
manage_all(struct x *x, bool adopting)
{
	size_t n = x->n_pending;
	struct asked *asked;

	if (n == 0)
		return;
	x->n_pending = 0;
	asked = xcalloc(n, sizeof(*asked));
	for (size_t i = 0; i < n; i++)
		ask(x, &asked[i], x->pending[i]);
	for (size_t i = 0; i < n; i++)
		answer(x, &asked[i], adopting);
	free(asked);
}

void
client_manage_pending(struct x *x)
{
	manage_all(x, false);
}

void
client_adopt_all(struct x *x)
{
	xcb_query_tree_reply_t *r =
	    xcb_query_tree_reply(x->c, xcb_query_tree(x->c, x->root), NULL);
	xcb_window_t *w = r == NULL ? NULL : xcb_query_tree_children(r);
	int n = r == NULL ? 0 : xcb_query_tree_children_length(r);

	for (int i = 0; i < n; i++)
		if (w[i] != x->check && w[i] != x->nofocus &&
		    x_lookup(x, w[i]) == NULL)
			client_queue(x, w[i]);
	free(r);
	manage_all(x, true);
}

static void
hand_back(struct x *x, struct client *c)
{
	uint32_t border = c->border, none = 0;
	uint32_t withdrawn[2] = { 0, XCB_NONE };
	struct rect r = c->frame_at;

	xcb_change_window_attributes(x->c, c->id, XCB_CW_EVENT_MASK, &none);
	if (c->win != NULL) {
		xcb_configure_window(
		    x->c, c->id, XCB_CONFIG_WINDOW_BORDER_WIDTH, &border);
		xcb_reparent_window(
		    x->c, c->id, x->root, (int16_t)r.x, (int16_t)r.y);
		xcb_change_save_set(x->c, XCB_SET_MODE_DELETE, c->id);
	}
	x_prop_cards(x, c->id, X_WM_STATE, x->atoms[X_WM_STATE], withdrawn, 2);
	xcb_delete_property(x->c, c->id, x->atoms[X__NET_WM_STATE]);
	xcb_delete_property(x->c, c->id, x->atoms[X__NET_WM_DESKTOP]);
}

void
client_unmanage(struct x *x, struct client *c, bool gone)
{
	bool strut = c->has_strut;

	if (!gone)
		hand_back(x, c);
	x_forget(x, c->id);
	if (c->frame != XCB_NONE) {
		x_forget(x, c->frame);
		xcb_destroy_window(x->c, c->frame);
	}
	TAILQ_REMOVE(&x->clients, c, link);
	if (c->win != NULL) {
		x->hooks->event(x->ctx, "window-gone", c->win);
		if (x->focus_win == c->win)
			x->focus_win = NULL;
		win_remove(x->m, c->win);
	}
	if (x->focus == c->id)
		x->focus = XCB_NONE;
	free(c);
	x->dirty = true;
	if (strut)
		outputs_struts(x);
}

void
client_set_urgent(struct x *x, struct client *c, bool urgent)
{
	if (c->win == NULL || (urgent && c->win == model_focused(x->m)))
		return;
	if (c->win->urgent == urgent)
		return;
	c->win->urgent = urgent;
	x->hooks->event(x->ctx, "urgent", c->win);
}

void
client_property(struct x *x, struct client *c, xcb_atom_t atom)
{
	bool was = c->hints.urgent;

	for (enum prop p = 0; p < P_STATE; p++)
		if (prop_atom(x, p) == atom && p != P_TYPE)
			get_prop(x, c, p);
	if (atom == XCB_ATOM_WM_HINTS && c->hints.urgent != was)
		client_set_urgent(x, c, c->hints.urgent);
	if (atom == x->atoms[X__NET_WM_USER_TIME])
		get_prop(x, c, P_TIME);
	if (atom == XCB_ATOM_WM_NAME)
		get_prop(x, c, P_NET_NAME); /* it says more */
	if (atom == XCB_ATOM_WM_TRANSIENT_FOR && c->win != NULL &&
	    c->win->floating) {
		struct win *leader = leader_of(x, c);

		if (leader != NULL && leader->tile != c->win->tile)
			win_move(x->m, c->win, leader->tile);
		c->win->leader = leader != c->win ? leader : NULL;
	}
	if (atom == x->atoms[X__NET_WM_STRUT] ||
	    atom == x->atoms[X__NET_WM_STRUT_PARTIAL]) {
		c->has_strut = false;
		get_prop(x, c, P_STRUT);
		get_prop(x, c, P_STRUT_PARTIAL);
		outputs_struts(x);
	}
	if ((atom == XCB_ATOM_WM_NAME || atom == x->atoms[X__NET_WM_NAME]) &&
	    c->win != NULL)
		x->hooks->event(x->ctx, "title", c->win);
}

/* A synthetic ConfigureNotify: where the window is on the root. */
void
client_tell_place(struct x *x, struct client *c)
{
	xcb_configure_notify_event_t ev = {
		.response_type = XCB_CONFIGURE_NOTIFY,
		.event = c->id,
		.window = c->id,
		.x = (int16_t)(c->frame_at.x + c->inner_at.x),
		.y = (int16_t)(c->frame_at.y + c->inner_at.y),
		.width = (uint16_t)c->inner_at.w,
		.height = (uint16_t)c->inner_at.h,
	};

	xcb_send_event(
	    x->c, 0, c->id, XCB_EVENT_MASK_STRUCTURE_NOTIFY, (const char *)&ev);
}

/* A window that is not ours: as it asks. */
static void
grant(struct x *x, const xcb_configure_request_event_t *ev)
{
	uint32_t values[7];
	size_t n = 0;

	if ((ev->value_mask & XCB_CONFIG_WINDOW_X) != 0)
		values[n++] = (uint32_t)ev->x;
	if ((ev->value_mask & XCB_CONFIG_WINDOW_Y) != 0)
		values[n++] = (uint32_t)ev->y;
	if ((ev->value_mask & XCB_CONFIG_WINDOW_WIDTH) != 0)
		values[n++] = ev->width;
	if ((ev->value_mask & XCB_CONFIG_WINDOW_HEIGHT) != 0)
		values[n++] = ev->height;
	if ((ev->value_mask & XCB_CONFIG_WINDOW_BORDER_WIDTH) != 0)
		values[n++] = ev->border_width;
	if ((ev->value_mask & XCB_CONFIG_WINDOW_SIBLING) != 0)
		values[n++] = ev->sibling;
	if ((ev->value_mask & XCB_CONFIG_WINDOW_STACK_MODE) != 0)
		values[n++] = ev->stack_mode;
	xcb_configure_window(x->c, ev->window, ev->value_mask, values);
}

/* The middle of a float from the middle of its tile. */
static void
float_to(struct win *w, int px, int py)
{
	struct rect t = w->tile->rect;

	w->float_dx = px - (t.x + (t.w - w->float_w) / 2);
	w->float_dy = py - (t.y + (t.h - w->float_h) / 2);
}

void
client_configure_request(struct x *x, const xcb_configure_request_event_t *ev)
{
	struct client *c = x_client(x, ev->window);
	struct win *w = c == NULL ? NULL : c->win;

	if (w == NULL) {
		grant(x, ev);
		return;
	}
	if (w->floating && w->full != FULL_SCREEN) {
		int px = c->frame_at.x, py = c->frame_at.y;

		if ((ev->value_mask & XCB_CONFIG_WINDOW_WIDTH) != 0)
			w->float_w = ev->width < 1 ? 1 : ev->width;
		if ((ev->value_mask & XCB_CONFIG_WINDOW_HEIGHT) != 0)
			w->float_h = ev->height < 1 ? 1 : ev->height;
		props_constrain(&c->size, &w->float_w, &w->float_h);
		if ((ev->value_mask & XCB_CONFIG_WINDOW_X) != 0)
			px = ev->x;
		if ((ev->value_mask & XCB_CONFIG_WINDOW_Y) != 0)
			py = ev->y;
		if ((ev->value_mask &
			(XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y)) != 0)
			float_to(w, px, py);
	}
	if ((ev->value_mask & XCB_CONFIG_WINDOW_STACK_MODE) != 0 &&
	    ev->stack_mode == XCB_STACK_MODE_ABOVE &&
	    (ev->value_mask & XCB_CONFIG_WINDOW_SIBLING) == 0)
		focus_request(x, c, false, c->user_time);
	client_tell_place(x, c);
}

void
client_close(struct x *x, struct client *c, bool kill)
{
	uint32_t data[5] = { x->atoms[X_WM_DELETE_WINDOW], x->time, 0, 0, 0 };

	/* Without its connection a program has no window left to lose. */
	if (kill || !c->deletes || (c->win != NULL && c->win->hung)) {
		xcb_kill_client(x->c, c->id);
		return;
	}
	x_send(x, c->id, c->id, X_WM_PROTOCOLS, data, 0);
	if (c->pings && c->ping_at == 0) {
		data[0] = x->atoms[X__NET_WM_PING];
		data[2] = c->id;
		x_send(x, c->id, c->id, X_WM_PROTOCOLS, data, 0);
		c->ping_at = x_now() + PING_MS;
	}
}
