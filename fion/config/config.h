/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * config: what the person wants: bindings, modes, rules, settings.
 *
 * Shape:  text, one directive a line: set, mode, bind, unbind, rule, bar,
 *         exec, include.  The built-in text comes first, so that a file says
 *         only what differs.
 * Limits: CONFIG_* below; a file that is larger is refused.
 * Errors: the first complaint, as "FILE:LINE:COLUMN: what".
 * Source: fion(5).
 */
#ifndef FION_CONFIG_CONFIG_H
#define FION_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "lib/err.h"

#define CONFIG_BYTES   (1U << 20) /* of one file */
#define CONFIG_WORDS   66         /* in one line */
#define CONFIG_MODES   32
#define CONFIG_BINDS   1024 /* in one mode */
#define CONFIG_RULES   1024
#define CONFIG_EXECS   64
#define CONFIG_INCLUDE 8 /* files deep */

/* Modifiers, in our own bits: the keyboard says which real ones they are. */
enum config_mod {
	CONFIG_SHIFT = 1,
	CONFIG_CTRL = 2,
	CONFIG_ALT = 4,
	CONFIG_WIN = 8,
	CONFIG_LEVEL3 = 16,
};

struct config_key {
	uint32_t mods; /* of enum config_mod */
	uint32_t sym;  /* as in xkbcommon */
};

struct config_bind {
	struct config_key key;
	char **words; /* ends with NULL */
	size_t n;
};

/* The first mode, "default", is where keys go while no mode waits. */
struct config_mode {
	char *name;
	struct config_key prefix; /* sym 0: none */
	struct config_bind *binds;
	size_t n;
};

/* Patterns as in fnmatch(3); NULL matches all. */
struct config_rule {
	char *class, *instance, *role, *title, *type;
	char *workspace, *tile;
	int floating; /* -1: not said */
	int full;     /* -1: not said, else enum full */
	bool no_focus, hints;
};

struct config_settings {
	char *font;
	uint32_t background, bar_background, bar_text, strip_background,
	    strip_text, tab_background, tab_text, focus_background, focus_text,
	    urgent_background, urgent_text, border, panel_key;
	int border_width;
	int mode_timeout; /* milliseconds; 0: none */
	int dpi;          /* 0: ask the server */
	bool strip_always;
	bool focus_follows_pointer;
	bool bar_bottom;
	bool bar;
	bool tray;
	bool steal_focus; /* applications may take the focus */
	char *clock;      /* strftime(3); empty: none */
	char *terminal;
	char *launcher_terminal; /* what ssh and man are run in */
};

struct config {
	struct config_settings set;
	struct config_mode modes[CONFIG_MODES];
	size_t n_modes;
	struct config_rule *rules;
	size_t n_rules;
	char **status; /* the status command, ends with NULL, or NULL */
	char ***execs; /* run once at start */
	size_t n_execs;
};

/* The built-in configuration in parts; ends with NULL. */
extern const char *const config_default_text[];

/* How many settings; the i-th name and its value as text (xmalloc'd). */
size_t config_setting_count(void);
const char *config_setting_name(size_t i);
char *config_setting_value(const struct config *c, size_t i);

/*
 * Read the text of a file to include, *len bytes; it and *path are owned by
 * the caller.  NULL with *e.
 * The name is as written; from is the file that includes it.
 */
typedef char *(*config_read_cb)(const char *from, const char *name, char **path,
    size_t *len, struct err *e);

/* The built-in configuration.  Never fails. */
struct config *config_new(void);
void config_free(struct config *c);

/* Add the directives of text; name is for complaints. */
int config_parse(struct config *c, const char *name, const char *text,
    size_t len, config_read_cb read, struct err *e) ATTR_CHECKED;

/*
 * The configuration of the file at path with the built-in one below it.  A
 * file that does not exist is no error unless must_exist.
 */
struct config *config_load(
    const char *path, bool must_exist, struct err *e) ATTR_CHECKED;

/* "Win+Shift+t" to a key and back (into buf). */
bool config_key_parse(const char *text, struct config_key *out);
void config_key_format(struct config_key key, char *buf, size_t len);

struct config_mode *config_mode(const struct config *c, const char *name);

/*
 * The binding of a key that types plain, and shifted with Shift, pressed with
 * mods: as it is named, or as the symbol that Shift makes of it.  NULL: none.
 */
const struct config_bind *config_bind_of(const struct config_mode *m,
    uint32_t plain, uint32_t shifted, uint32_t mods);

/* The mode that this key is the prefix of, *held: with Shift, to stay. */
const struct config_mode *config_prefix_of(
    const struct config *c, uint32_t plain, uint32_t mods, bool *held);

/* What all rules that match such a window say; the first says most.
 * Its texts are borrowed from c. */
struct config_rule config_match(const struct config *c, const char *class,
    const char *instance, const char *role, const char *title,
    const char *type);

#endif
