/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * keys: the keyboard's layout, and which keys are ours.
 *
 * All grabs freeze the keyboard (GrabModeSync): what is typed while fion
 * thinks waits in the server, and goes where it belongs after.
 */
#include <stdlib.h>
#include <string.h>

#include <xcb/xkb.h>
#include <xkbcommon/xkbcommon-x11.h>

#include "lib/mem.h"

#include "fion/x/x_internal.h"

static int
read_keymap(struct x *x, struct err *e)
{
	struct xkb_keymap *map = NULL;

	if (x->has_xkb)
		map = xkb_x11_keymap_new_from_device(
		    x->xkb, x->c, x->xkb_device, XKB_KEYMAP_COMPILE_NO_FLAGS);
	if (map == NULL)
		map = xkb_keymap_new_from_names(
		    x->xkb, NULL, XKB_KEYMAP_COMPILE_NO_FLAGS);
	if (map == NULL) {
		err_set(e, ERR_SYSTEM, "no keyboard layout can be read");
		return -1;
	}
	xkb_state_unref(x->xkb_state);
	x->xkb_state = xkb_state_new(map);
	keymap_set(&x->keymap, x->xkb, map);
	return 0;
}

static void
select_xkb(struct x *x)
{
	uint16_t events = XCB_XKB_EVENT_TYPE_NEW_KEYBOARD_NOTIFY |
	    XCB_XKB_EVENT_TYPE_MAP_NOTIFY | XCB_XKB_EVENT_TYPE_STATE_NOTIFY;
	uint16_t parts = XCB_XKB_MAP_PART_KEY_TYPES |
	    XCB_XKB_MAP_PART_KEY_SYMS | XCB_XKB_MAP_PART_MODIFIER_MAP |
	    XCB_XKB_MAP_PART_VIRTUAL_MODS;
	uint32_t flags = XCB_XKB_PER_CLIENT_FLAG_DETECTABLE_AUTO_REPEAT |
	    XCB_XKB_PER_CLIENT_FLAG_GRABS_USE_XKB_STATE |
	    XCB_XKB_PER_CLIENT_FLAG_LOOKUP_STATE_WHEN_GRABBED;
	xcb_xkb_select_events_details_t details = {
		.affectNewKeyboard = XCB_XKB_NKN_DETAIL_KEYCODES,
		.newKeyboardDetails = XCB_XKB_NKN_DETAIL_KEYCODES,
		.affectState = XCB_XKB_STATE_PART_GROUP_STATE,
		.stateDetails = XCB_XKB_STATE_PART_GROUP_STATE,
	};

	xcb_xkb_select_events_aux(x->c, (uint16_t)x->xkb_device, events, 0, 0,
	    parts, parts, &details);
	xcb_discard_reply(x->c,
	    xcb_xkb_per_client_flags(
		x->c, (uint16_t)x->xkb_device, flags, flags, 0, 0, 0)
		.sequence);
}

int
keys_init(struct x *x, struct err *e)
{
	x->xkb = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	if (x->xkb == NULL) {
		err_set(e, ERR_SYSTEM, "no keyboard library");
		return -1;
	}
	x->has_xkb =
	    xkb_x11_setup_xkb_extension(x->c, XKB_X11_MIN_MAJOR_XKB_VERSION,
		XKB_X11_MIN_MINOR_XKB_VERSION,
		XKB_X11_SETUP_XKB_EXTENSION_NO_FLAGS, NULL, NULL, &x->xkb_event,
		NULL) == 1;
	if (x->has_xkb) {
		x->xkb_device = xkb_x11_get_core_keyboard_device_id(x->c);
		select_xkb(x);
	}
	return read_keymap(x, e);
}

void
keys_free(struct x *x)
{
	xkb_state_unref(x->xkb_state);
	keymap_clear(&x->keymap);
	xkb_context_unref(x->xkb);
	free(x->grabs.grabs);
}

/* Only what differs from before is grabbed or let go. */
void
keys_regrab(struct x *x)
{
	const struct config_mode *def = &x->config->modes[0];
	struct grab_list want = { .n = 0 }, had = x->grabs;

	for (size_t i = 0; i < def->n; i++)
		keymap_grabs(&x->keymap, def->binds[i].key, &want);
	for (size_t i = 1; i < x->config->n_modes; i++) {
		struct config_key k = x->config->modes[i].prefix;

		keymap_grabs(&x->keymap, k, &want);
		k.mods |= CONFIG_SHIFT; /* to stay in the mode */
		keymap_grabs(&x->keymap, k, &want);
	}
	for (size_t i = 0; i < had.n; i++)
		if (!grab_listed(&want, had.grabs[i]))
			xcb_ungrab_key(x->c, had.grabs[i].code, x->root,
			    had.grabs[i].mods);
	for (size_t i = 0; i < want.n; i++)
		if (!grab_listed(&had, want.grabs[i]))
			xcb_grab_key(x->c, 0, x->root, want.grabs[i].mods,
			    want.grabs[i].code, XCB_GRAB_MODE_ASYNC,
			    XCB_GRAB_MODE_SYNC);
	free(had.grabs);
	x->grabs = want;
}

void
keys_reload(struct x *x)
{
	struct err e;

	if (read_keymap(x, &e) == -1)
		x_say(x, e.msg);
	keys_regrab(x);
}

void
keys_xkb_event(struct x *x, const xcb_generic_event_t *ev)
{
	const xcb_xkb_state_notify_event_t *st =
	    (const xcb_xkb_state_notify_event_t *)ev;

	switch (ev->pad0) {
	case XCB_XKB_NEW_KEYBOARD_NOTIFY:
	case XCB_XKB_MAP_NOTIFY:
		keys_reload(x);
		break;
	case XCB_XKB_STATE_NOTIFY:
		xkb_state_update_mask(x->xkb_state, st->baseMods,
		    st->latchedMods, st->lockedMods,
		    (xkb_layout_index_t)st->baseGroup,
		    (xkb_layout_index_t)st->latchedGroup, st->lockedGroup);
		break;
	default:
		break;
	}
}
