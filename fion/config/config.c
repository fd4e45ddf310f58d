/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "fion/cmd/cmd.h"
#include "fion/config/config_internal.h"
#include "fion/model/model.h"

struct parser {
	struct config *c;
	const char *name;
	config_read_cb read;
	unsigned depth;
	struct err *e;
};

static void
words_free(char **words)
{
	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		free(words[i]);
	free(words);
}

/* The words of l from the i-th on. */
static char **
words_copy(const struct config_line *l, size_t i)
{
	char **words = xcalloc(l->n - i + 1, sizeof(*words));

	for (size_t n = 0; i < l->n; i++)
		words[n++] = xstrdup(l->words[i]);
	return words;
}

struct config_mode *
config_mode(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_modes; i++)
		if (strcmp(c->modes[i].name, name) == 0)
			return (struct config_mode *)(uintptr_t)&c->modes[i];
	return NULL;
}

static struct config_mode *
mode_make(struct config *c, const char *name)
{
	struct config_mode *m = config_mode(c, name);

	if (m != NULL || c->n_modes == CONFIG_MODES)
		return m;
	m = &c->modes[c->n_modes++];
	m->name = xstrdup(name);
	return m;
}

static void
mode_unbind(struct config_mode *m, struct config_key key)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->binds[i].key.sym != key.sym ||
		    m->binds[i].key.mods != key.mods)
			continue;
		words_free(m->binds[i].words);
		memmove(&m->binds[i], &m->binds[i + 1],
		    (m->n - i - 1) * sizeof(m->binds[0]));
		m->n--;
		return;
	}
}

/* "mode NAME [KEY]" */
static int
do_mode(struct parser *p, const struct config_line *l)
{
	struct config_key key = { 0 };
	struct config_mode *m;

	if (l->n < 2 || l->n > 3)
		return config_complain(
		    l, l->n > 3 ? 3 : l->n, p->e, "usage: mode NAME [KEY]");
	if (l->n == 3 && !config_key_parse(l->words[2], &key))
		return config_complain(
		    l, 2, p->e, "no key \"%s\"", l->words[2]);
	m = mode_make(p->c, l->words[1]);
	if (m == NULL)
		return config_complain(
		    l, 1, p->e, "more than %d modes", CONFIG_MODES);
	m->prefix = key;
	return 0;
}

/* The mode of "[in MODE]", and the index of the word after it. */
static struct config_mode *
which_mode(struct parser *p, const struct config_line *l, size_t *at)
{
	struct config_mode *m = &p->c->modes[0];

	*at = 1;
	if (l->n >= 3 && strcmp(l->words[1], "in") == 0) {
		m = config_mode(p->c, l->words[2]);
		*at = 3;
		if (m == NULL)
			config_complain(
			    l, 2, p->e, "no mode \"%s\"", l->words[2]);
	}
	return m;
}

/* "bind [in MODE] KEY COMMAND" */
static int
do_bind(struct parser *p, const struct config_line *l)
{
	struct config_key key;
	struct err why;
	size_t at;
	struct config_mode *m = which_mode(p, l, &at);

	if (m == NULL)
		return -1;
	if (l->n < at + 2)
		return config_complain(
		    l, l->n, p->e, "usage: bind [in MODE] KEY COMMAND");
	if (!config_key_parse(l->words[at], &key))
		return config_complain(
		    l, at, p->e, "no key \"%s\"", l->words[at]);
	if (cmd_find(l->n - at - 1, (const char *const *)&l->words[at + 1],
		&why) == NULL)
		return config_complain(l, at + 1, p->e, "%s", why.msg);
	mode_unbind(m, key);
	if (m->n == CONFIG_BINDS)
		return config_complain(
		    l, 0, p->e, "more than %d keys", CONFIG_BINDS);
	m->binds = xreallocarray(m->binds, m->n + 1, sizeof(*m->binds));
	m->binds[m->n].key = key;
	m->binds[m->n].words = words_copy(l, at + 1);
	m->binds[m->n].n = l->n - at - 1;
	m->n++;
	return 0;
}

/* "unbind [in MODE] KEY|all" */
static int
do_unbind(struct parser *p, const struct config_line *l)
{
	struct config_key key;
	size_t at;
	struct config_mode *m = which_mode(p, l, &at);

	if (m == NULL)
		return -1;
	if (l->n != at + 1)
		return config_complain(
		    l, l->n, p->e, "usage: unbind [in MODE] KEY|all");
	if (strcmp(l->words[at], "all") == 0) {
		while (m->n > 0)
			words_free(m->binds[--m->n].words);
		return 0;
	}
	if (!config_key_parse(l->words[at], &key))
		return config_complain(
		    l, at, p->e, "no key \"%s\"", l->words[at]);
	mode_unbind(m, key);
	return 0;
}

static void
rule_clear(struct config_rule *r)
{
	free(r->class);
	free(r->instance);
	free(r->role);
	free(r->title);
	free(r->type);
	free(r->workspace);
	free(r->tile);
}

/* "NAME=PATTERN" before the arrow. */
static int
rule_match(struct parser *p, struct config_rule *r, const struct config_line *l,
    size_t i)
{
	struct {
		const char *name;
		char **at;
	} fields[] = { { "class", &r->class }, { "instance", &r->instance },
		{ "role", &r->role }, { "title", &r->title },
		{ "type", &r->type } };
	const char *eq = strchr(l->words[i], '=');

	for (size_t f = 0; eq != NULL && f < 5; f++) {
		size_t len = strlen(fields[f].name);

		if (len != (size_t)(eq - l->words[i]) ||
		    strncmp(fields[f].name, l->words[i], len) != 0)
			continue;
		free(*fields[f].at);
		*fields[f].at = xstrdup(eq + 1);
		return 0;
	}
	return config_complain(l, i, p->e,
	    "\"%s\": a rule matches class=, instance=, role=, title=, type=",
	    l->words[i]);
}

/* What stands after the arrow. */
static int
rule_act(struct parser *p, struct config_rule *r, const struct config_line *l,
    size_t i)
{
	const char *w = l->words[i];

	if (strncmp(w, "workspace=", 10) == 0 && w[10] != '\0') {
		free(r->workspace);
		r->workspace = xstrdup(w + 10);
	} else if (strncmp(w, "tile=", 5) == 0 && w[5] != '\0') {
		free(r->tile);
		r->tile = xstrdup(w + 5);
	} else if (strcmp(w, "float") == 0 || strcmp(w, "tiled") == 0) {
		r->floating = w[0] == 'f';
	} else if (strcmp(w, "fullscreen") == 0) {
		r->full = FULL_SCREEN;
	} else if (strcmp(w, "fullscreen=tile") == 0) {
		r->full = FULL_TILE;
	} else if (strcmp(w, "fullscreen=none") == 0) {
		r->full = FULL_NONE;
	} else if (strcmp(w, "nofocus") == 0) {
		r->no_focus = true;
	} else if (strcmp(w, "hints") == 0) {
		r->hints = true;
	} else {
		return config_complain(l, i, p->e,
		    "\"%s\": a rule says workspace=, tile=, float, tiled, "
		    "fullscreen, fullscreen=tile, fullscreen=none, nofocus, "
		    "hints",
		    w);
	}
	return 0;
}

/* "rule NAME=PATTERN ... -> WORD ..." */
static int
do_rule(struct parser *p, const struct config_line *l)
{
	struct config_rule r = { .floating = -1, .full = -1 };
	size_t i = 1;
	int rc = 0;

	for (; rc == 0 && i < l->n && strcmp(l->words[i], "->") != 0; i++)
		rc = rule_match(p, &r, l, i);
	if (rc == 0 && (i == 1 || i + 1 >= l->n))
		rc = config_complain(
		    l, i, p->e, "usage: rule NAME=PATTERN ... -> WORD ...");
	for (i++; rc == 0 && i < l->n; i++)
		rc = rule_act(p, &r, l, i);
	if (rc == 0 && p->c->n_rules == CONFIG_RULES)
		rc = config_complain(
		    l, 0, p->e, "more than %d rules", CONFIG_RULES);
	if (rc == -1) {
		rule_clear(&r);
		return -1;
	}
	p->c->rules =
	    xreallocarray(p->c->rules, p->c->n_rules + 1, sizeof(*p->c->rules));
	p->c->rules[p->c->n_rules++] = r;
	return 0;
}

/* "bar status PROGRAM [ARGUMENT ...]" */
static int
do_bar(struct parser *p, const struct config_line *l)
{
	if (l->n < 3 || strcmp(l->words[1], "status") != 0)
		return config_complain(
		    l, 1, p->e, "usage: bar status PROGRAM [ARGUMENT ...]");
	words_free(p->c->status);
	p->c->status = words_copy(l, 2);
	return 0;
}

static int
do_exec(struct parser *p, const struct config_line *l)
{
	struct config *c = p->c;

	if (l->n < 2)
		return config_complain(
		    l, 1, p->e, "usage: exec PROGRAM [ARGUMENT ...]");
	if (c->n_execs == CONFIG_EXECS)
		return config_complain(
		    l, 0, p->e, "more than %d programs", CONFIG_EXECS);
	c->execs = xreallocarray(c->execs, c->n_execs + 1, sizeof(*c->execs));
	c->execs[c->n_execs++] = words_copy(l, 1);
	return 0;
}

static int parse_text(struct parser *p, const char *text, size_t len);

static int
do_include(struct parser *p, const struct config_line *l)
{
	struct parser inner = *p;
	struct err why;
	char *path = NULL, *text;
	size_t len;
	int rc;

	if (l->n != 2)
		return config_complain(l, 1, p->e, "usage: include FILE");
	if (p->read == NULL || p->depth == CONFIG_INCLUDE)
		return config_complain(
		    l, 1, p->e, "include: %d files deep", CONFIG_INCLUDE);
	text = p->read(p->name, l->words[1], &path, &len, &why);
	if (text == NULL)
		return config_complain(l, 1, p->e, "%s", why.msg);
	inner.name = path;
	inner.depth++;
	rc = parse_text(&inner, text, len);
	free(path);
	free(text);
	return rc;
}

static int
do_line(struct parser *p, const struct config_line *l)
{
	const char *w = l->words[0];

	if (strcmp(w, "set") == 0)
		return config_set(p->c, l, p->e);
	if (strcmp(w, "mode") == 0)
		return do_mode(p, l);
	if (strcmp(w, "bind") == 0)
		return do_bind(p, l);
	if (strcmp(w, "unbind") == 0)
		return do_unbind(p, l);
	if (strcmp(w, "rule") == 0)
		return do_rule(p, l);
	if (strcmp(w, "bar") == 0)
		return do_bar(p, l);
	if (strcmp(w, "exec") == 0)
		return do_exec(p, l);
	if (strcmp(w, "include") == 0)
		return do_include(p, l);
	return config_complain(l, 0, p->e,
	    "\"%s\": a line begins with set, mode, bind, unbind, rule, bar, "
	    "exec or include",
	    w);
}

static int
parse_text(struct parser *p, const char *text, size_t len)
{
	struct config_line l = { .file = p->name };
	size_t i = 0;
	int rc = 0;

	while (rc == 0 && i < len) {
		const char *end = memchr(text + i, '\n', len - i);
		size_t n = end == NULL ? len - i : (size_t)(end - text) - i;

		l.line++;
		rc = config_line_split(&l, text + i, n, p->e);
		if (rc == 0 && l.n > 0)
			rc = do_line(p, &l);
		config_line_clear(&l);
		i += n + 1;
	}
	return rc;
}

int
config_parse(struct config *c, const char *name, const char *text, size_t len,
    config_read_cb read, struct err *e)
{
	struct parser p = { .c = c, .name = name, .read = read, .e = e };

	if (len > CONFIG_BYTES) {
		err_set(e, ERR_LIMIT, "%s: larger than %u bytes", name,
		    CONFIG_BYTES);
		return -1;
	}
	return parse_text(&p, text, len);
}

struct config *
config_new(void)
{
	struct config *c = xcalloc(1, sizeof(*c));
	struct err e;

	mode_make(c, "default");
	/* The built-in text is tested: it parses. */
	for (size_t i = 0; config_default_text[i] != NULL; i++) {
		const char *text = config_default_text[i];

		if (config_parse(c, "built-in", text, strlen(text), NULL, &e) ==
		    -1) {
			fprintf(stderr, "fion: %s\n", e.msg);
			abort();
		}
	}
	return c;
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n_modes; i++) {
		struct config_mode *m = &c->modes[i];

		while (m->n > 0)
			words_free(m->binds[--m->n].words);
		free(m->binds);
		free(m->name);
	}
	while (c->n_rules > 0)
		rule_clear(&c->rules[--c->n_rules]);
	free(c->rules);
	while (c->n_execs > 0)
		words_free(c->execs[--c->n_execs]);
	free(c->execs);
	words_free(c->status);
	config_settings_clear(&c->set);
	free(c);
}

/* The text of the file at path, *len bytes, or NULL. */
static char *
read_file(const char *path, size_t *len, struct err *e)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t n;

	if (f == NULL) {
		err_sys(e, "%s", path);
		return NULL;
	}
	text = xmalloc(CONFIG_BYTES + 1);
	n = fread(text, 1, CONFIG_BYTES + 1, f);
	if (ferror(f) || n > CONFIG_BYTES) {
		if (ferror(f))
			err_sys(e, "%s", path);
		else
			err_set(e, ERR_LIMIT, "%s: larger than %u bytes", path,
			    CONFIG_BYTES);
		free(text);
		text = NULL;
	} else {
		*len = n;
	}
	fclose(f);
	return text;
}

/* A path beside the file that includes it, unless absolute or from ~. */
static char *
read_include(
    const char *from, const char *name, char **path, size_t *len, struct err *e)
{
	const char *slash = strrchr(from, '/'), *home = getenv("HOME");
	char *text;

	if (strncmp(name, "~/", 2) == 0 && home != NULL)
		*path = xasprintf("%s/%s", home, name + 2);
	else if (name[0] == '/' || slash == NULL)
		*path = xstrdup(name);
	else
		*path = xasprintf("%.*s/%s", (int)(slash - from), from, name);
	text = read_file(*path, len, e);
	if (text == NULL) {
		free(*path);
		*path = NULL;
	}
	return text;
}

struct config *
config_load(const char *path, bool must_exist, struct err *e)
{
	struct config *c;
	size_t len;
	char *text = read_file(path, &len, e);

	if (text == NULL) {
		if (e->errnum != ENOENT || must_exist)
			return NULL;
		err_clear(e);
		return config_new();
	}
	c = config_new();
	if (config_parse(c, path, text, len, read_include, e) == -1) {
		config_free(c);
		c = NULL;
	}
	free(text);
	return c;
}

static bool
pattern_fits(const char *pattern, const char *text)
{
	return pattern == NULL || fnmatch(pattern, text, 0) == 0;
}

struct config_rule
config_match(const struct config *c, const char *class, const char *instance,
    const char *role, const char *title, const char *type)
{
	struct config_rule all = { .floating = -1, .full = -1 };

	for (size_t i = 0; i < c->n_rules; i++) {
		const struct config_rule *r = &c->rules[i];

		if (!pattern_fits(r->class, class) ||
		    !pattern_fits(r->instance, instance) ||
		    !pattern_fits(r->role, role) ||
		    !pattern_fits(r->title, title) ||
		    !pattern_fits(r->type, type))
			continue;
		if (all.workspace == NULL)
			all.workspace = r->workspace;
		if (all.tile == NULL)
			all.tile = r->tile;
		if (all.floating == -1)
			all.floating = r->floating;
		if (all.full == -1)
			all.full = r->full;
		all.no_focus = all.no_focus || r->no_focus;
		all.hints = all.hints || r->hints;
	}
	return all;
}
