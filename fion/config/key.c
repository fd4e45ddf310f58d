/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * key: names of keys, as a person writes them, and what is bound to them.
 */
#include <stdio.h>
#include <string.h>

#include <xkbcommon/xkbcommon.h>

#include "fion/config/config.h"

static const struct {
	const char *name;
	uint32_t mod;
} mod_names[] = {
	{ "Win", CONFIG_WIN },
	{ "Super", CONFIG_WIN },
	{ "Mod4", CONFIG_WIN },
	{ "Ctrl", CONFIG_CTRL },
	{ "Control", CONFIG_CTRL },
	{ "Alt", CONFIG_ALT },
	{ "Mod1", CONFIG_ALT },
	{ "AltGr", CONFIG_LEVEL3 },
	{ "Shift", CONFIG_SHIFT },
};

static uint32_t
mod_named(const char *s, size_t len)
{
	for (size_t i = 0; i < sizeof(mod_names) / sizeof(mod_names[0]); i++)
		if (strlen(mod_names[i].name) == len &&
		    strncasecmp(mod_names[i].name, s, len) == 0)
			return mod_names[i].mod;
	return 0;
}

bool
config_key_parse(const char *text, struct config_key *out)
{
	struct config_key k = { 0 };
	const char *plus;
	uint32_t lower;

	while ((plus = strchr(text, '+')) != NULL && plus != text) {
		uint32_t mod = mod_named(text, (size_t)(plus - text));

		if (mod == 0)
			return false;
		k.mods |= mod;
		text = plus + 1;
	}
	if (strlen(text) == 1 && text[0] > ' ' && text[0] < 0x7f)
		k.sym = xkb_utf32_to_keysym((uint32_t)text[0]);
	else
		k.sym = xkb_keysym_from_name(text, XKB_KEYSYM_NO_FLAGS);
	if (k.sym == XKB_KEY_NoSymbol)
		k.sym = xkb_keysym_from_name(text, XKB_KEYSYM_CASE_INSENSITIVE);
	if (k.sym == XKB_KEY_NoSymbol)
		return false;
	/* A capital is its letter with Shift. */
	lower = xkb_keysym_to_lower(k.sym);
	if (lower != k.sym) {
		k.sym = lower;
		k.mods |= CONFIG_SHIFT;
	}
	*out = k;
	return true;
}

void
config_key_format(struct config_key key, char *buf, size_t len)
{
	char name[64];
	size_t used = 0;

	if (xkb_keysym_get_name(key.sym, name, sizeof(name)) <= 0)
		name[0] = '\0';
	for (size_t i = 0; i < sizeof(mod_names) / sizeof(mod_names[0]); i++) {
		int n;

		if ((key.mods & mod_names[i].mod) == 0 || used >= len)
			continue;
		n = snprintf(buf + used, len - used, "%s+", mod_names[i].name);
		used += (size_t)n;
		key.mods &= ~mod_names[i].mod;
	}
	if (used < len)
		snprintf(buf + used, len - used, "%s", name);
}

const struct config_bind *
config_bind_of(const struct config_mode *m, uint32_t plain, uint32_t shifted,
    uint32_t mods)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct config_key *k = &m->binds[i].key;

		if (k->sym == plain && k->mods == mods)
			return &m->binds[i];
		if (k->sym == shifted && (mods & CONFIG_SHIFT) != 0 &&
		    (k->mods | CONFIG_SHIFT) == mods && plain != shifted)
			return &m->binds[i];
	}
	return NULL;
}

const struct config_mode *
config_prefix_of(
    const struct config *c, uint32_t plain, uint32_t mods, bool *held)
{
	for (size_t i = 1; i < c->n_modes; i++) {
		const struct config_mode *m = &c->modes[i];

		if (m->prefix.sym == 0 || m->prefix.sym != plain)
			continue;
		*held = mods == (m->prefix.mods | CONFIG_SHIFT);
		if (mods == m->prefix.mods || *held)
			return m;
	}
	return NULL;
}
