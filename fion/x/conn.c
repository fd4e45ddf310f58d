/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * conn: the connection, its atoms, becoming the window manager and ceasing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xcb/randr.h>
#include <xcb/sync.h>
#include <xcb/xkb.h>

#include "lib/mem.h"

#include "fion/x/draw.h"
#include "fion/x/x_internal.h"

#define TAKE_OVER_MS 5000

static const char *const atom_names[] = {
#define A(name) #name,
	X_ATOMS(A)
#undef A
};

uint64_t
x_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t
x_clock(void)
{
	return x_now();
}

void
x_prop_cards(struct x *x, xcb_window_t w, enum x_atom name, xcb_atom_t type,
    const uint32_t *v, size_t n)
{
	xcb_change_property(x->c, XCB_PROP_MODE_REPLACE, w, x->atoms[name],
	    type, 32, (uint32_t)n, v);
}

void
x_prop_text(struct x *x, xcb_window_t w, enum x_atom name, const char *text)
{
	xcb_change_property(x->c, XCB_PROP_MODE_REPLACE, w, x->atoms[name],
	    x->atoms[X_UTF8_STRING], 8, (uint32_t)strlen(text), text);
}

void
x_send(struct x *x, xcb_window_t to, xcb_window_t about, enum x_atom type,
    const uint32_t data[5], uint32_t mask)
{
	xcb_client_message_event_t ev = {
		.response_type = XCB_CLIENT_MESSAGE,
		.format = 32,
		.window = about,
		.type = x->atoms[type],
	};

	memcpy(ev.data.data32, data, sizeof(ev.data.data32));
	xcb_send_event(x->c, 0, to, mask, (const char *)&ev);
}

/* The table of windows -------------------------------------------------- */

static size_t
slot(const struct x *x, uint32_t id)
{
	size_t i = (id * 2654435761U) & (x->cap_entries - 1);

	while (x->entries[i].id != 0 && x->entries[i].id != id)
		i = (i + 1) & (x->cap_entries - 1);
	return i;
}

void
x_remember(struct x *x, uint32_t id, enum owner owner, void *ptr)
{
	size_t i;

	if ((x->n_entries + 1) * 2 > x->cap_entries) {
		struct entry *old = x->entries;
		size_t cap = x->cap_entries;

		x->cap_entries = cap == 0 ? 64 : cap * 2;
		x->entries = xcalloc(x->cap_entries, sizeof(*x->entries));
		for (i = 0; i < cap; i++)
			if (old[i].id != 0)
				x->entries[slot(x, old[i].id)] = old[i];
		free(old);
	}
	i = slot(x, id);
	x->n_entries += x->entries[i].id == 0;
	x->entries[i] = (struct entry){ .id = id, .owner = owner, .ptr = ptr };
}

void
x_forget(struct x *x, uint32_t id)
{
	size_t i = x->cap_entries == 0 ? 0 : slot(x, id);

	if (x->cap_entries == 0 || x->entries[i].id != id)
		return;
	x->entries[i].id = 0;
	x->n_entries--;
	/* Close the gap: what follows may have been pushed there. */
	for (size_t j = (i + 1) & (x->cap_entries - 1); x->entries[j].id != 0;
	     j = (j + 1) & (x->cap_entries - 1)) {
		struct entry e = x->entries[j];

		x->entries[j].id = 0;
		x->entries[slot(x, e.id)] = e;
	}
}

struct entry *
x_lookup(struct x *x, uint32_t id)
{
	size_t i;

	if (id == 0 || x->cap_entries == 0)
		return NULL;
	i = slot(x, id);
	return x->entries[i].id == id ? &x->entries[i] : NULL;
}

struct client *
x_client(struct x *x, uint32_t id)
{
	struct entry *e = x_lookup(x, id);

	return e != NULL && e->owner <= OWNER_FRAME ? e->ptr : NULL;
}

struct client *
x_client_of(struct x *x, const struct win *w)
{
	return w == NULL ? NULL : x_client(x, w->id);
}

/* Becoming the window manager ---------------------------------------------- */

static void
get_atoms(struct x *x)
{
	xcb_intern_atom_cookie_t cookies[X_ATOM_COUNT + 2];
	char wm[32], tray[48];

	snprintf(wm, sizeof(wm), "WM_S%d", x->number);
	snprintf(tray, sizeof(tray), "_NET_SYSTEM_TRAY_S%d", x->number);
	for (size_t i = 0; i < X_ATOM_COUNT; i++)
		cookies[i] = xcb_intern_atom(
		    x->c, 0, (uint16_t)strlen(atom_names[i]), atom_names[i]);
	cookies[X_ATOM_COUNT] =
	    xcb_intern_atom(x->c, 0, (uint16_t)strlen(wm), wm);
	cookies[X_ATOM_COUNT + 1] =
	    xcb_intern_atom(x->c, 0, (uint16_t)strlen(tray), tray);
	for (size_t i = 0; i < X_ATOM_COUNT + 2; i++) {
		xcb_intern_atom_reply_t *r =
		    xcb_intern_atom_reply(x->c, cookies[i], NULL);
		xcb_atom_t a = r == NULL ? XCB_ATOM_NONE : r->atom;

		if (i < X_ATOM_COUNT)
			x->atoms[i] = a;
		else if (i == X_ATOM_COUNT)
			x->wm_sn = a;
		else
			x->tray_sn = a;
		free(r);
	}
}

static xcb_window_t
selection_owner(struct x *x, xcb_atom_t selection)
{
	xcb_get_selection_owner_reply_t *r = xcb_get_selection_owner_reply(
	    x->c, xcb_get_selection_owner(x->c, selection), NULL);
	xcb_window_t owner = r == NULL ? XCB_NONE : r->owner;

	free(r);
	return owner;
}

/* A time of the server: that of a property we change. */
static xcb_timestamp_t
server_time(struct x *x)
{
	xcb_timestamp_t t = XCB_CURRENT_TIME;

	x_prop_cards(x, x->check, X__FION_TIME, XCB_ATOM_CARDINAL, NULL, 0);
	xcb_flush(x->c);
	while (t == XCB_CURRENT_TIME) {
		xcb_generic_event_t *ev = xcb_wait_for_event(x->c);

		if (ev == NULL)
			break;
		if ((ev->response_type & 0x7f) == XCB_PROPERTY_NOTIFY)
			t = ((xcb_property_notify_event_t *)ev)->time;
		free(ev);
	}
	return t;
}

static void
nap(void)
{
	struct timespec ts = { .tv_nsec = 5000000 };

	nanosleep(&ts, NULL);
}

/* Until the old owner's window is destroyed. */
static void
wait_destroyed(struct x *x, xcb_window_t w)
{
	uint64_t end = x_now() + TAKE_OVER_MS;

	while (x_now() < end) {
		xcb_get_geometry_reply_t *r = xcb_get_geometry_reply(
		    x->c, xcb_get_geometry(x->c, w), NULL);

		if (r == NULL)
			return;
		free(r);
		nap();
	}
}

/* Ask for what only one client may have. */
static bool
redirect(struct x *x)
{
	uint32_t mask = XCB_EVENT_MASK_SUBSTRUCTURE_REDIRECT |
	    XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY |
	    XCB_EVENT_MASK_STRUCTURE_NOTIFY | XCB_EVENT_MASK_PROPERTY_CHANGE |
	    XCB_EVENT_MASK_FOCUS_CHANGE | XCB_EVENT_MASK_ENTER_WINDOW |
	    XCB_EVENT_MASK_BUTTON_PRESS;
	xcb_generic_error_t *bad = xcb_request_check(x->c,
	    xcb_change_window_attributes_checked(
		x->c, x->root, XCB_CW_EVENT_MASK, &mask));
	bool good = bad == NULL;

	free(bad);
	return good;
}

static int
take_over(struct x *x, bool replace, bool again, struct err *e)
{
	xcb_window_t old = selection_owner(x, x->wm_sn);
	uint64_t end = x_now() + (replace || again ? TAKE_OVER_MS : 0);
	uint32_t data[5];

	if (old != XCB_NONE && !replace && !again) {
		err_set(e, ERR_EXISTS,
		    "another window manager is running; "
		    "\"fion --replace\" takes over from it");
		return -1;
	}
	x->time = server_time(x);
	xcb_set_selection_owner(x->c, x->check, x->wm_sn, x->time);
	if (selection_owner(x, x->wm_sn) != x->check) {
		err_set(e, ERR_EXISTS, "another window manager won");
		return -1;
	}
	if (old != XCB_NONE)
		wait_destroyed(x, old);
	while (!redirect(x)) {
		if (x_now() >= end) {
			err_set(e, ERR_EXISTS,
			    "another window manager is "
			    "running%s",
			    replace ? ", and does not give way" :
				      "; \"fion --replace\" takes over, if "
				      "it knows how to give way");
			return -1;
		}
		nap();
	}
	data[0] = x->time;
	data[1] = x->wm_sn;
	data[2] = x->check;
	data[3] = data[4] = 0;
	x_send(x, x->root, x->root, X_MANAGER, data,
	    XCB_EVENT_MASK_STRUCTURE_NOTIFY);
	return 0;
}

static void
make_windows(struct x *x)
{
	uint32_t check[] = { 1, XCB_EVENT_MASK_PROPERTY_CHANGE };
	/* No keys: those that are not grabbed must not seem to be. */
	uint32_t nofocus[] = { 1, XCB_EVENT_MASK_FOCUS_CHANGE };

	x->check = xcb_generate_id(x->c);
	xcb_create_window(x->c, XCB_COPY_FROM_PARENT, x->check, x->root, -10,
	    -10, 1, 1, 0, XCB_WINDOW_CLASS_INPUT_ONLY, XCB_COPY_FROM_PARENT,
	    XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK, check);
	x->nofocus = xcb_generate_id(x->c);
	xcb_create_window(x->c, XCB_COPY_FROM_PARENT, x->nofocus, x->root, -10,
	    -10, 1, 1, 0, XCB_WINDOW_CLASS_INPUT_ONLY, XCB_COPY_FROM_PARENT,
	    XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK, nofocus);
	xcb_map_window(x->c, x->nofocus);
}

static xcb_screen_t *
nth_screen(xcb_connection_t *c, int n)
{
	xcb_screen_iterator_t it = xcb_setup_roots_iterator(xcb_get_setup(c));

	for (; it.rem > 0 && n > 0; n--)
		xcb_screen_next(&it);
	return it.rem > 0 ? it.data : NULL;
}

static void
prefetch(struct x *x)
{
	xcb_prefetch_extension_data(x->c, &xcb_randr_id);
	xcb_prefetch_extension_data(x->c, &xcb_xkb_id);
	xcb_prefetch_extension_data(x->c, &xcb_sync_id);
	xcb_prefetch_maximum_request_length(x->c);
}

struct x *
x_open(const char *display, struct model *m, const struct config *config,
    const struct x_hooks *hooks, void *ctx, bool replace, bool again,
    struct err *e)
{
	struct x *x = xcalloc(1, sizeof(*x));

	x->m = m;
	x->config = config;
	x->hooks = hooks;
	x->ctx = ctx;
	x->bar_on = true;
	TAILQ_INIT(&x->clients);
	TAILQ_INIT(&x->tiles);
	TAILQ_INIT(&x->bars);
	TAILQ_INIT(&x->tray);
	x->c = xcb_connect(display, &x->number);
	if (xcb_connection_has_error(x->c) == 0)
		x->screen = nth_screen(x->c, x->number);
	if (x->screen == NULL) {
		err_set(e, ERR_SYSTEM, "can't connect to display \"%s\"",
		    display != NULL ? display : "");
		goto fail;
	}
	x->root = x->screen->root;
	prefetch(x);
	get_atoms(x);
	make_windows(x);
	if (take_over(x, replace, again, e) == -1)
		goto fail;
	sync_init(x);
	if (keys_init(x, e) == -1)
		goto fail;
	x->draw = draw_new(x->screen->width_in_millimeters == 0 ?
		0 :
		x->screen->width_in_pixels * 254 /
		    x->screen->width_in_millimeters / 10);
	x_set_config(x, config);
	outputs_init(x);
	ewmh_announce(x);
	return x;
fail:
	xcb_disconnect(x->c);
	free(x);
	return NULL;
}

int
x_fd(const struct x *x)
{
	return xcb_get_file_descriptor(x->c);
}

void
x_sync(struct x *x)
{
	if (x->dirty)
		x_save_layout(x);
	free(xcb_get_input_focus_reply(x->c, xcb_get_input_focus(x->c), NULL));
}

static void
free_all(struct x *x)
{
	struct tilewin *t;

	bar_free(x);
	while ((t = TAILQ_FIRST(&x->tiles)) != NULL) {
		TAILQ_REMOVE(&x->tiles, t, link);
		free(t);
	}
	keys_free(x);
	draw_free(x->draw);
	buf_free(&x->sent_list);
	buf_free(&x->sent_stack);
	buf_free(&x->sent_layers);
	buf_free(&x->sent_names);
	buf_free(&x->sent_area);
	free(x->entries);
	free(x->pending);
	free(x->next);
	free(x);
}

void
x_close(struct x *x, bool keep)
{
	struct client *c;

	if (keep)
		x_save_layout(x);
	x->m->scratch_shown = false;
	tray_stop(x);
	modes_leave(x);
	while ((c = TAILQ_FIRST(&x->clients)) != NULL)
		client_unmanage(x, c, false);
	if (!keep)
		xcb_delete_property(x->c, x->root, x->atoms[X__FION_LAYOUT]);
	x->dirty = false;
	ewmh_withdraw(x);
	xcb_set_input_focus(x->c, XCB_INPUT_FOCUS_POINTER_ROOT,
	    XCB_INPUT_FOCUS_POINTER_ROOT, XCB_CURRENT_TIME);
	x_sync(x);
	xcb_disconnect(x->c);
	free_all(x);
}
