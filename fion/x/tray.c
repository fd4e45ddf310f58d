/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * tray: small windows of programs in the bar of the first screen (XEMBED).
 *
 * An icon is known from when it asked to be docked until its window goes, is
 * taken elsewhere by its program, or fion ends; when the bar goes it waits,
 * unmapped, on the root.  Its place and size are ours, whatever it does.
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
	x->tray_on = true;
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

static void
to_root(struct x *x, struct tray_icon *icon)
{
	xcb_unmap_window(x->c, icon->window);
	xcb_reparent_window(x->c, icon->window, x->root, 0, 0);
	icon->mapped = false;
	icon->bar = XCB_NONE;
}

void
tray_stop(struct x *x)
{
	struct tray_icon *icon;

	while ((icon = TAILQ_FIRST(&x->tray)) != NULL) {
		to_root(x, icon);
		tray_gone(x, icon);
	}
}

void
tray_leave(struct x *x, xcb_window_t bar)
{
	struct tray_icon *icon;

	TAILQ_FOREACH(icon, &x->tray, link)
		if (icon->bar == bar)
			to_root(x, icon);
}

/* Does it want to be seen?  Who does not say so does. */
static void
read_info(struct x *x, struct tray_icon *icon)
{
	xcb_get_property_reply_t *r = xcb_get_property_reply(x->c,
	    xcb_get_property(x->c, 0, icon->window, x->atoms[X__XEMBED_INFO],
		XCB_GET_PROPERTY_TYPE_ANY, 0, 2),
	    NULL);

	icon->shown = r == NULL || r->format != 32 ||
	    props_shown(xcb_get_property_value(r),
		(size_t)xcb_get_property_value_length(r));
	free(r);
	x->unpainted = true;
}

static void
dock(struct x *x, xcb_window_t w)
{
	uint32_t mask =
	    XCB_EVENT_MASK_STRUCTURE_NOTIFY | XCB_EVENT_MASK_PROPERTY_CHANGE;
	struct tray_icon *icon;
	size_t n = 0;

	TAILQ_FOREACH(icon, &x->tray, link)
		n++;
	/* The root and windows of ours are no icons, whoever says so. */
	if (n >= MAX_ICONS || w == XCB_NONE || w == x->root || w == x->check ||
	    w == x->nofocus || x_lookup(x, w) != NULL)
		return;
	icon = xcalloc(1, sizeof(*icon));
	icon->window = w;
	TAILQ_INSERT_TAIL(&x->tray, icon, link);
	x_remember(x, w, OWNER_TRAY, icon);
	xcb_change_window_attributes(x->c, w, XCB_CW_EVENT_MASK, &mask);
	xcb_change_save_set(x->c, XCB_SET_MODE_INSERT, w);
	read_info(x, icon);
}

bool
tray_message(struct x *x, const xcb_client_message_event_t *ev)
{
	if (ev->type != x->atoms[X__NET_SYSTEM_TRAY_OPCODE] || ev->format != 32)
		return false;
	if (x->tray_on && ev->data.data32[1] == REQUEST_DOCK)
		dock(x, ev->data.data32[2]);
	return true;
}

void
tray_property(struct x *x, struct tray_icon *icon, xcb_atom_t atom)
{
	if (atom == x->atoms[X__XEMBED_INFO])
		read_info(x, icon);
}

void
tray_unmapped(struct x *x, struct tray_icon *icon)
{
	if (!icon->mapped)
		return; /* by us */
	icon->mapped = icon->shown = false;
	x->unpainted = true;
}

void
tray_map(struct x *x, struct tray_icon *icon)
{
	icon->shown = true;
	x->unpainted = true;
}

void
tray_reparented(struct x *x, struct tray_icon *icon, xcb_window_t parent)
{
	uint32_t none = 0;

	if (parent == (icon->bar != XCB_NONE ? icon->bar : x->root))
		return;
	xcb_change_window_attributes(
	    x->c, icon->window, XCB_CW_EVENT_MASK, &none);
	xcb_change_save_set(x->c, XCB_SET_MODE_DELETE, icon->window);
	tray_gone(x, icon);
}

int
tray_width(struct x *x)
{
	const struct tray_icon *icon;
	int w = 0;

	TAILQ_FOREACH(icon, &x->tray, link)
		w += icon->shown ? x->bar_height : 0;
	return w;
}

static void
embed(struct x *x, struct tray_icon *icon, xcb_window_t bar)
{
	uint32_t data[5] = { x->time, EMBEDDED_NOTIFY, 0, bar, 0 };
	uint32_t none = 0;

	xcb_configure_window(
	    x->c, icon->window, XCB_CONFIG_WINDOW_BORDER_WIDTH, &none);
	xcb_reparent_window(x->c, icon->window, bar, 0, 0);
	x_send(x, icon->window, icon->window, X__XEMBED, data, 0);
	icon->bar = bar;
	icon->at = (struct rect){ 0 };
}

/* At its place in the bar, of its size, and seen. */
static void
place(struct x *x, struct tray_icon *icon, struct rect r)
{
	uint32_t v[] = { (uint32_t)r.x, (uint32_t)r.y, (uint32_t)r.w,
		(uint32_t)r.h };

	if (memcmp(&r, &icon->at, sizeof(r)) != 0)
		xcb_configure_window(x->c, icon->window,
		    XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y |
			XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT,
		    v);
	icon->at = r;
	if (!icon->mapped)
		xcb_map_window(x->c, icon->window);
	icon->mapped = true;
}

void
tray_place(struct x *x, xcb_window_t bar, int right, int height)
{
	struct tray_icon *icon;
	int at = right - tray_width(x);

	TAILQ_FOREACH(icon, &x->tray, link) {
		if (icon->bar != bar)
			embed(x, icon, bar);
		if (icon->shown) {
			place(x, icon,
			    (struct rect){ at + 1, 1, height - 2, height - 2 });
			at += height;
		} else if (icon->mapped) {
			icon->mapped = false;
			xcb_unmap_window(x->c, icon->window);
		}
	}
}
