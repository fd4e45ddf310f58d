/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>

#include <xkbcommon/xkbcommon.h>

#include "lib/mem.h"

#include "fion/keys/keymap.h"

#define SHIFT   1U
#define LOCK    2U
#define CONTROL 4U

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
sym_at(const struct keymap *k, xkb_keycode_t code, xkb_level_index_t level)
{
	xkb_keysym_t sym = latin_sym(k->map, code, level), other;

	if (k->missing == 0)
		return sym;
	other = latin_sym(k->latin, code, level);
	return sym == XKB_KEY_NoSymbol ||
		(letter_bit(other) & k->missing) != 0 ?
	    other :
	    sym;
}

/* Does any layout have it there?  sym_at() may name that of another. */
static bool
code_has(const struct keymap *k, xkb_keycode_t code, xkb_level_index_t level,
    xkb_keysym_t sym)
{
	xkb_layout_index_t n = xkb_keymap_num_layouts_for_key(k->map, code);
	const xkb_keysym_t *syms;

	for (xkb_layout_index_t l = 0; l < n; l++)
		if (xkb_keymap_key_get_syms_by_level(
			k->map, code, l, level, &syms) == 1 &&
		    xkb_keysym_to_lower(syms[0]) == sym)
			return true;
	return sym_at(k, code, level) == sym;
}

uint32_t
keymap_sym(const struct keymap *k, uint8_t code, bool shifted)
{
	xkb_keysym_t sym = sym_at(k, code, shifted);
	const xkb_keysym_t *syms;

	if (sym == XKB_KEY_NoSymbol &&
	    xkb_keymap_key_get_syms_by_level(k->map, code, 0, shifted, &syms) ==
		1)
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
read_latin(struct keymap *k, struct xkb_context *ctx)
{
	const struct xkb_rule_names us = { .layout = "us" };

	xkb_keymap_unref(k->latin);
	k->latin = NULL;
	k->missing = missing_letters(k->map);
	if (k->missing != 0)
		k->latin = xkb_keymap_new_from_names(
		    ctx, &us, XKB_KEYMAP_COMPILE_NO_FLAGS);
	if (k->latin == NULL)
		k->missing = 0;
}

void
keymap_set(struct keymap *k, struct xkb_context *ctx, struct xkb_keymap *map)
{
	xkb_keymap_unref(k->map);
	k->map = map;
	read_latin(k, ctx);
	k->num = real_mod(map, XKB_MOD_NAME_NUM);
	k->alt = real_mod(map, XKB_MOD_NAME_ALT);
	k->win = real_mod(map, XKB_MOD_NAME_LOGO);
	k->level3 = real_mod(map, "LevelThree");
	k->scroll = real_mod(map, "ScrollLock");
}

void
keymap_clear(struct keymap *k)
{
	xkb_keymap_unref(k->map);
	xkb_keymap_unref(k->latin);
	*k = (struct keymap){ 0 };
}

uint32_t
keymap_mods(const struct keymap *k, uint16_t state)
{
	uint32_t m = 0;

	if ((state & SHIFT) != 0)
		m |= CONFIG_SHIFT;
	if ((state & CONTROL) != 0)
		m |= CONFIG_CTRL;
	if ((state & k->alt) != 0)
		m |= CONFIG_ALT;
	if ((state & k->win) != 0)
		m |= CONFIG_WIN;
	if ((state & k->level3) != 0)
		m |= CONFIG_LEVEL3;
	return m;
}

static uint16_t
real_mods(const struct keymap *k, uint32_t mods)
{
	uint16_t m = 0;

	if ((mods & CONFIG_SHIFT) != 0)
		m |= SHIFT;
	if ((mods & CONFIG_CTRL) != 0)
		m |= CONTROL;
	if ((mods & CONFIG_ALT) != 0)
		m |= k->alt;
	if ((mods & CONFIG_WIN) != 0)
		m |= k->win;
	if ((mods & CONFIG_LEVEL3) != 0)
		m |= k->level3;
	return m;
}

bool
grab_listed(const struct grab_list *list, struct grab g)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->grabs[i].code == g.code &&
		    list->grabs[i].mods == g.mods)
			return true;
	return false;
}

/* The key with and without each of the locks. */
static void
add_grabs(const struct keymap *k, struct grab_list *list, struct grab key)
{
	const uint16_t locks[3] = { LOCK, k->num, k->scroll };

	for (unsigned set = 0; set < 8; set++) {
		struct grab g = key;

		for (unsigned i = 0; i < 3; i++)
			if ((set & (1U << i)) != 0)
				g.mods |= locks[i];
		if (grab_listed(list, g))
			continue;
		list->grabs = xreallocarray(
		    list->grabs, list->n + 1, sizeof(*list->grabs));
		list->grabs[list->n++] = g;
	}
}

void
keymap_grabs(
    const struct keymap *k, struct config_key key, struct grab_list *list)
{
	xkb_keycode_t min = xkb_keymap_min_keycode(k->map);
	xkb_keycode_t max = xkb_keymap_max_keycode(k->map);
	uint16_t mods = real_mods(k, key.mods);

	if (key.sym == 0 || ((key.mods & CONFIG_WIN) != 0 && k->win == 0))
		return;
	for (xkb_keycode_t code = min; code <= max && code < 256; code++) {
		struct grab g = { .code = (uint8_t)code, .mods = mods };

		if (!code_has(k, code, 0, key.sym)) {
			if (!code_has(k, code, 1, key.sym))
				continue;
			g.mods |= SHIFT;
		}
		add_grabs(k, list, g);
	}
}
