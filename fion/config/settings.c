/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * settings: the table of what "set" can set.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conv.h"
#include "lib/mem.h"

#include "fion/config/config_internal.h"

enum kind {
	TEXT,
	COLOUR,
	NUMBER,
	ONOFF,
};

struct setting {
	const char *name;
	enum kind kind;
	size_t at;
	int min, max;
};

#define AT(field) offsetof(struct config_settings, field)

static const struct setting table[] = {
	{ "background", COLOUR, AT(background), 0, 0 },
	{ "bar", ONOFF, AT(bar), 0, 0 },
	{ "bar-background", COLOUR, AT(bar_background), 0, 0 },
	{ "bar-bottom", ONOFF, AT(bar_bottom), 0, 0 },
	{ "bar-text", COLOUR, AT(bar_text), 0, 0 },
	{ "border", COLOUR, AT(border), 0, 0 },
	{ "border-width", NUMBER, AT(border_width), 0, 64 },
	{ "clock", TEXT, AT(clock), 0, 0 },
	{ "dpi", NUMBER, AT(dpi), 0, 1200 },
	{ "focus-background", COLOUR, AT(focus_background), 0, 0 },
	{ "focus-follows-pointer", ONOFF, AT(focus_follows_pointer), 0, 0 },
	{ "focus-text", COLOUR, AT(focus_text), 0, 0 },
	{ "font", TEXT, AT(font), 0, 0 },
	{ "mode-timeout", NUMBER, AT(mode_timeout), 0, 600000 },
	{ "panel-key", COLOUR, AT(panel_key), 0, 0 },
	{ "steal-focus", ONOFF, AT(steal_focus), 0, 0 },
	{ "strip-always", ONOFF, AT(strip_always), 0, 0 },
	{ "strip-background", COLOUR, AT(strip_background), 0, 0 },
	{ "strip-text", COLOUR, AT(strip_text), 0, 0 },
	{ "tab-background", COLOUR, AT(tab_background), 0, 0 },
	{ "tab-text", COLOUR, AT(tab_text), 0, 0 },
	{ "terminal", TEXT, AT(terminal), 0, 0 },
	{ "terminal-run", TEXT, AT(launcher_terminal), 0, 0 },
	{ "tray", ONOFF, AT(tray), 0, 0 },
	{ "urgent-background", COLOUR, AT(urgent_background), 0, 0 },
	{ "urgent-text", COLOUR, AT(urgent_text), 0, 0 },
};

#define N_SETTINGS (sizeof(table) / sizeof(table[0]))

static bool
parse_colour(const char *s, uint32_t *out)
{
	uint32_t v = 0;

	if (s[0] != '#' || strlen(s) != 7)
		return false;
	for (s++; *s != '\0'; s++) {
		const char *digits = "0123456789abcdef", *d;
		char c = *s >= 'A' && *s <= 'F' ? (char)(*s + 32) : *s;

		d = strchr(digits, c);
		if (d == NULL)
			return false;
		v = v << 4 | (uint32_t)(d - digits);
	}
	*out = v;
	return true;
}

static int
set_one(struct config *c, const struct setting *t, const struct config_line *l,
    struct err *e)
{
	char *at = (char *)&c->set + t->at;
	const char *value = l->words[2];
	int64_t n;

	switch (t->kind) {
	case TEXT:
		free(*(char **)(void *)at);
		*(char **)(void *)at = xstrdup(value);
		return 0;
	case COLOUR:
		if (!parse_colour(value, (uint32_t *)(void *)at))
			return config_complain(l, 2, e,
			    "\"%s\" is not a colour such as #3465a4", value);
		return 0;
	case NUMBER:
		if (!conv_i64(value, t->min, t->max, &n))
			return config_complain(l, 2, e,
			    "\"%s\" is not a number from %d to %d", value,
			    t->min, t->max);
		*(int *)(void *)at = (int)n;
		return 0;
	case ONOFF:
		if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
			return config_complain(
			    l, 2, e, "\"%s\" is not on or off", value);
		*(bool *)(void *)at = strcmp(value, "on") == 0;
		return 0;
	}
	return 0;
}

int
config_set(struct config *c, const struct config_line *l, struct err *e)
{
	if (l->n != 3)
		return config_complain(
		    l, l->n > 3 ? 3 : l->n, e, "usage: set NAME VALUE");
	for (size_t i = 0; i < N_SETTINGS; i++)
		if (strcmp(table[i].name, l->words[1]) == 0)
			return set_one(c, &table[i], l, e);
	return config_complain(l, 1, e, "no setting \"%s\"", l->words[1]);
}

size_t
config_setting_count(void)
{
	return N_SETTINGS;
}

const char *
config_setting_name(size_t i)
{
	return table[i].name;
}

char *
config_setting_value(const struct config *c, size_t i)
{
	const char *at = (const char *)&c->set + table[i].at;

	switch (table[i].kind) {
	case TEXT:
		return xstrdup(*(char *const *)(const void *)at);
	case COLOUR:
		return xasprintf("#%06x", *(const uint32_t *)(const void *)at);
	case NUMBER:
		return xasprintf("%d", *(const int *)(const void *)at);
	case ONOFF:
		return xstrdup(*(const bool *)(const void *)at ? "on" : "off");
	}
	return xstrdup("");
}

void
config_settings_clear(struct config_settings *s)
{
	for (size_t i = 0; i < N_SETTINGS; i++)
		if (table[i].kind == TEXT)
			free(*(char **)(void *)((char *)s + table[i].at));
}
