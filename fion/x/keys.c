/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * keys: the keyboard's layout, and which keys are ours.
 *
 * A key is found in every layout there is, so that a binding holds whatever
 * layout is in force, and also when none of them has Latin letters; it is
 * grabbed with every combination of the locks.
 * All grabs freeze the keyboard (GrabModeSync): what is typed while fion
 * thinks waits in the server, and goes where it belongs after.
 */
#include <stdlib.h>
#include <string.h>

#include <xcb/xkb.h>
#include <xkbcommon/xkbcommon-x11.h>

#include "lib/mem.h"

#include "fion/x/x_internal.h"

/* The real modifier that a name stands for, as a mask. */
static uint16_t
real_mod(struct xkb_keymap *map, const char *name)
{
	xkb_mod_index_t i = xkb_keymap_mod_get_index(map, name);
	struct xkb_state *st;
	uint32_t mask;

	if (i == XKB_MOD_INVALID || i >= 32)
		return 0;
	/* xkbcommon resolves a virtual one when the state is asked back. */
	st = xkb_state_new(map);
	xkb_state_update_mask(st, 1U << i, 0, 0, 0, 0, 0);
	mask = xkb_state_serialize_mods(st, XKB_STATE_MODS_EFFECTIVE);
	xkb_state_unref(st);
	return (uint16_t)(mask & 0xff);
}

/* The first symbol of a key that is Latin-1, or of no script, in any layout. */
static xkb_keysym_t
latin_sym(struct xkb_keymap *map, xkb_keycode_t code, xkb_level_index_t level)
{
	xkb_layout_index_t n = xkb_keymap_num_layouts_for_key(map, code);
	const xkb_keysym_t *syms;

	for (xkb_layout_index_t l = 0; l < n; l++)
		if (xkb_keymap_key_get_syms_by_level(
			map, code, l, level, &syms) == 1 &&
		    (syms[0] < 0x100 || syms[0] >= 0xfd00))
			return xkb_keysym_to_lower(syms[0]);
	return XKB_KEY_NoSymbol;
}

static uint32_t
letter_bit(xkb_keysym_t sym)
{
	return sym >= XKB_KEY_a && sym <= XKB_KEY_z ? 1U << (sym - XKB_KEY_a) :
						      0;
}

/* A letter that no layout has lies where it does on the American one. */
static xkb_keysym_t
sym_at(struct x *x, xkb_keycode_t code, xkb_level_index_t level)
{
	xkb_keysym_t sym = latin_sym(x->keymap, code, level), other;

	if (x->missing == 0)
		return sym;
	other = latin_sym(x->latin, code, level);
	return sym == XKB_KEY_NoSymbol ||
		(letter_bit(other) & x->missing) != 0 ?
	    other :
	    sym;
}

/* Does any layout have it there?  sym_at() may name that of another. */
static bool
code_has(
    struct x *x, xkb_keycode_t code, xkb_level_index_t level, xkb_keysym_t sym)
{
	xkb_layout_index_t n = xkb_keymap_num_layouts_for_key(x->keymap, code);
	const xkb_keysym_t *syms;

	for (xkb_layout_index_t l = 0; l < n; l++)
		if (xkb_keymap_key_get_syms_by_level(
			x->keymap, code, l, level, &syms) == 1 &&
		    xkb_keysym_to_lower(syms[0]) == sym)
			return true;
	return sym_at(x, code, level) == sym;
}

uint32_t
keys_sym(struct x *x, uint8_t code, bool shifted)
{
	xkb_keysym_t sym = sym_at(x, code, shifted);
	const xkb_keysym_t *syms;

	if (sym == XKB_KEY_NoSymbol &&
	    xkb_keymap_key_get_syms_by_level(
		x->keymap, code, 0, shifted, &syms) == 1)
		sym = xkb_keysym_to_lower(syms[0]);
	return sym;
}

/* The letters that no key types in any layout. */
static uint32_t
missing_letters(struct xkb_keymap *map)
{
	xkb_keycode_t min = xkb_keymap_min_keycode(map);
	xkb_keycode_t max = xkb_keymap_max_keycode(map);
	uint32_t missing = (1U << 26) - 1;

	for (xkb_keycode_t code = min; code <= max; code++)
		missing &= ~letter_bit(latin_sym(map, code, 0));
	return missing;
}

/* Another layout for them; most people need none, and it is large. */
static void
read_latin(struct x *x)
{
	const struct xkb_rule_names us = { .layout = "us" };

	xkb_keymap_unref(x->latin);
	x->latin = NULL;
	x->missing = missing_letters(x->keymap);
	if (x->missing != 0)
		x->latin = xkb_keymap_new_from_names(
		    x->xkb, &us, XKB_KEYMAP_COMPILE_NO_FLAGS);
	if (x->latin == NULL)
		x->missing = 0;
}

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
	xkb_keymap_unref(x->keymap);
	xkb_state_unref(x->xkb_state);
	x->keymap = map;
	x->xkb_state = xkb_state_new(map);
	read_latin(x);
	x->mod_num = real_mod(map, XKB_MOD_NAME_NUM);
	x->mod_alt = real_mod(map, XKB_MOD_NAME_ALT);
	x->mod_win = real_mod(map, XKB_MOD_NAME_LOGO);
	x->mod_level3 = real_mod(map, "LevelThree");
	x->mod_scroll = real_mod(map, "ScrollLock");
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
	xkb_keymap_unref(x->keymap);
	xkb_keymap_unref(x->latin);
	xkb_context_unref(x->xkb);
	free(x->grabs);
}

uint32_t
keys_mods(struct x *x, uint16_t state)
{
	uint32_t m = 0;

	if ((state & XCB_MOD_MASK_SHIFT) != 0)
		m |= CONFIG_SHIFT;
	if ((state & XCB_MOD_MASK_CONTROL) != 0)
		m |= CONFIG_CTRL;
	if ((state & x->mod_alt) != 0)
		m |= CONFIG_ALT;
	if ((state & x->mod_win) != 0)
		m |= CONFIG_WIN;
	if ((state & x->mod_level3) != 0)
		m |= CONFIG_LEVEL3;
	return m;
}

static uint16_t
real_mods(const struct x *x, uint32_t mods)
{
	uint16_t m = 0;

	if ((mods & CONFIG_SHIFT) != 0)
		m |= XCB_MOD_MASK_SHIFT;
	if ((mods & CONFIG_CTRL) != 0)
		m |= XCB_MOD_MASK_CONTROL;
	if ((mods & CONFIG_ALT) != 0)
		m |= x->mod_alt;
	if ((mods & CONFIG_WIN) != 0)
		m |= x->mod_win;
	if ((mods & CONFIG_LEVEL3) != 0)
		m |= x->mod_level3;
	return m;
}

static void
add_grab(
    struct x *x, struct grab **grabs, size_t *n, uint8_t code, uint16_t mods)
{
	uint16_t locks[3] = { XCB_MOD_MASK_LOCK, x->mod_num, x->mod_scroll };

	for (unsigned set = 0; set < 8; set++) {
		struct grab g = { .code = code, .mods = mods };
		bool known = false;

		for (unsigned i = 0; i < 3; i++)
			if ((set & (1U << i)) != 0)
				g.mods |= locks[i];
		for (size_t i = 0; i < *n && !known; i++)
			known = (*grabs)[i].code == g.code &&
			    (*grabs)[i].mods == g.mods;
		if (known)
			continue;
		*grabs = xreallocarray(*grabs, *n + 1, sizeof(**grabs));
		(*grabs)[(*n)++] = g;
	}
}

static void
add_key(struct x *x, struct grab **grabs, size_t *n, struct config_key key)
{
	xkb_keycode_t min = xkb_keymap_min_keycode(x->keymap);
	xkb_keycode_t max = xkb_keymap_max_keycode(x->keymap);
	uint16_t mods = real_mods(x, key.mods);

	if (key.sym == 0 || ((key.mods & CONFIG_WIN) != 0 && x->mod_win == 0))
		return;
	for (xkb_keycode_t code = min; code <= max && code < 256; code++) {
		if (code_has(x, code, 0, key.sym))
			add_grab(x, grabs, n, (uint8_t)code, mods);
		else if (code_has(x, code, 1, key.sym))
			add_grab(x, grabs, n, (uint8_t)code,
			    mods | XCB_MOD_MASK_SHIFT);
	}
}

static bool
has_grab(const struct grab *grabs, size_t n, struct grab g)
{
	for (size_t i = 0; i < n; i++)
		if (grabs[i].code == g.code && grabs[i].mods == g.mods)
			return true;
	return false;
}

/* Only what differs from before is grabbed or let go. */
void
keys_regrab(struct x *x)
{
	struct grab *want = NULL;
	size_t n = 0;
	const struct config_mode *def = &x->config->modes[0];

	for (size_t i = 0; i < def->n; i++)
		add_key(x, &want, &n, def->binds[i].key);
	for (size_t i = 1; i < x->config->n_modes; i++) {
		struct config_key k = x->config->modes[i].prefix;

		add_key(x, &want, &n, k);
		k.mods |= CONFIG_SHIFT; /* to stay in the mode */
		add_key(x, &want, &n, k);
	}
	for (size_t i = 0; i < x->n_grabs; i++)
		if (!has_grab(want, n, x->grabs[i]))
			xcb_ungrab_key(
			    x->c, x->grabs[i].code, x->root, x->grabs[i].mods);
	for (size_t i = 0; i < n; i++)
		if (!has_grab(x->grabs, x->n_grabs, want[i]))
			xcb_grab_key(x->c, 0, x->root, want[i].mods,
			    want[i].code, XCB_GRAB_MODE_ASYNC,
			    XCB_GRAB_MODE_SYNC);
	free(x->grabs);
	x->grabs = want;
	x->n_grabs = n;
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
