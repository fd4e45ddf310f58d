/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * tray: small windows of programs in the bar (XEMBED).
 *
 * Source: the freedesktop.org System Tray and XEMBED specifications.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "fion/x/x_internal.h"

#define REQUEST_DOCK    0
#define EMBEDDED_NOTIFY 0
#define MAX_ICONS       32

/* Only where nobody else has it. */
void
tray_start(struct x *x)
{
	xcb_get_selection_owner_reply_t *r;
	uint32_t data[5] = { x->time, x->tray_sn, x->check, 0, 0 };
	uint32_t orientation = 0, visual = x->screen->root_visual;
	bool taken;

	if (!x->config->set.tray)
		return;
	r = xcb_get_selection_owner_reply(
	    x->c, xcb_get_selection_owner(x->c, x->tray_sn), NULL);
	taken = r == NULL || r->owner != XCB_NONE;
	free(r);
	if (taken)
		return;
	x->tray_owner = x->check;
	x_prop_cards(x, x->check, X__NET_SYSTEM_TRAY_ORIENTATION,
	    XCB_ATOM_CARDINAL, &orientation, 1);
	x_prop_cards(x, x->check, X__NET_SYSTEM_TRAY_VISUAL, XCB_ATOM_VISUALID,
	    &visual, 1);
	xcb_set_selection_owner(x->c, x->check, x->tray_sn, x->time);
	x_send(x, x->root, x->root, X_MANAGER, data,
	    XCB_EVENT_MASK_STRUCTURE_NOTIFY);
}

void
tray_gone(struct x *x, struct tray_icon *icon)
{
	x_forget(x, icon->window);
	TAILQ_REMOVE(&x->tray, icon, link);
	free(icon);
	x->unpainted = true;
}

void
tray_stop(struct x *x)
{
	struct tray_icon *icon;

	while ((icon = TAILQ_FIRST(&x->tray)) != NULL) {
		xcb_unmap_window(x->c, icon->window);
		xcb_reparent_window(x->c, icon->window, x->root, 0, 0);
		tray_gone(x, icon);
	}
}

static void
dock(struct x *x, xcb_window_t w)
{
	struct barwin *bar = TAILQ_FIRST(&x->bars);
	uint32_t mask =
	    XCB_EVENT_MASK_STRUCTURE_NOTIFY | XCB_EVENT_MASK_PROPERTY_CHANGE;
	uint32_t data[5] = { x->time, EMBEDDED_NOTIFY, 0, 0, 0 };
	struct tray_icon *icon;
	size_t n = 0;

	TAILQ_FOREACH(icon, &x->tray, link)
		n++;
	if (bar == NULL || n >= MAX_ICONS || x_lookup(x, w) != NULL)
		return;
	icon = xcalloc(1, sizeof(*icon));
	icon->window = w;
	TAILQ_INSERT_TAIL(&x->tray, icon, link);
	x_remember(x, w, OWNER_TRAY, icon);
	xcb_change_window_attributes(x->c, w, XCB_CW_EVENT_MASK, &mask);
	xcb_change_save_set(x->c, XCB_SET_MODE_INSERT, w);
	xcb_reparent_window(x->c, w, bar->window, 0, 0);
	data[3] = bar->window;
	x_send(x, w, w, X__XEMBED, data, 0);
	x->unpainted = true;
}

bool
tray_message(struct x *x, const xcb_client_message_event_t *ev)
{
	if (ev->type != x->atoms[X__NET_SYSTEM_TRAY_OPCODE] || ev->format != 32)
		return false;
	if (x->tray_owner != XCB_NONE && ev->data.data32[1] == REQUEST_DOCK)
		dock(x, ev->data.data32[2]);
	return true;
}

int
tray_width(struct x *x)
{
	const struct tray_icon *icon;
	int w = 0;

	TAILQ_FOREACH(icon, &x->tray, link)
		w += x->bar_height;
	return w;
}

/* The icons at the right end of the first screen's bar. */
void
tray_place(struct x *x, int right, int height)
{
	struct tray_icon *icon;
	int at = right - tray_width(x);

	TAILQ_FOREACH(icon, &x->tray, link) {
		uint32_t v[] = { (uint32_t)at + 1, 1, (uint32_t)(height - 2),
			(uint32_t)(height - 2) };

		xcb_configure_window(x->c, icon->window,
		    XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y |
			XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT,
		    v);
		if (!icon->mapped)
			xcb_map_window(x->c, icon->window);
		icon->mapped = true;
		at += height;
	}
}
