/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/conv.h"
#include "lib/mem.h"

#include "smtpd/conf/grammar.h"
#include "smtpd/conf/lex.h"

#include "smtpd/conf/build.h"

#define DELAY_MAX (10ULL * 365 * 86400) /* seconds */

struct conf_builder *
build_at(struct conf_builder *b, struct conf_pos pos)
{
	b->pos = pos;
	return b;
}

void
build_problem(struct conf_builder *b, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(b->problems, "%s:%d:%d: %s\n", b->pos.file, b->pos.line,
	    b->pos.column, text);
	b->failed = true;
}

/* Bison writes the name of '\n' as it stands in the grammar. */
static const char *
symbol_name(const char *name)
{
	return strcmp(name, "'\\n'") == 0 ? "end of line" : name;
}

void
build_syntax_error(
    struct conf_builder *b, const char *const *expected, size_t n, bool more)
{
	const struct conf_token *t =
	    &b->lexer->tokens[b->next == 0 ? 0 : b->next - 1];
	const char *renamed;
	struct buf text = { 0 };

	if (t->text != NULL)
		buf_printf(&text, "unexpected \"%s\"", t->text);
	else if (t->type == '\n')
		buf_add_str(&text, "unexpected end of line");
	else if (t->type == 0)
		buf_add_str(&text, "unexpected end of file");
	else
		buf_printf(&text, "unexpected '%c'", t->type);
	renamed = t->text == NULL ? NULL : conf_lex_renamed(t->text);
	if (renamed != NULL) {
		buf_printf(&text, ": it is written %s now", renamed);
		n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		buf_printf(&text, "%s%s",
		    i == 0                  ? ": expected " :
			i + 1 == n && !more ? " or " :
					      ", ",
		    symbol_name(expected[i]));
	}
	if (n > 0 && more)
		buf_add_str(&text, " ...");
	build_problem(b, "%s", buf_str(&text));
	buf_free(&text);
}

void
build_lack(struct conf_builder *b, const char *what)
{
	struct conf *c = b->conf;

	c->lacks = xreallocarray(c->lacks, c->n_lacks + 1, sizeof(*c->lacks));
	c->lacks[c->n_lacks++] = (struct conf_lack){ b->pos, what };
}

uint64_t
build_delay(struct conf_builder *b, const char *text)
{
	uint64_t v;
	size_t len = strlen(text);

	if (len < 2 || strchr("smhd", text[len - 1]) == NULL ||
	    !conv_seconds(text, &v) || v == 0 || v > DELAY_MAX) {
		build_problem(b,
		    "\"%s\" is not a delay: expected a number and one of "
		    "s, m, h, d",
		    text);
		return 1;
	}
	return v;
}

uint64_t
build_count(struct conf_builder *b, const char *text)
{
	uint64_t v = 0;

	if (!conv_u64(text, 0, INT64_MAX, &v))
		build_problem(b, "\"%s\" is out of range", text);
	return v;
}

uint64_t
build_size(struct conf_builder *b, const char *text)
{
	uint64_t v = 0;

	if (!conv_size(text, &v))
		build_problem(b,
		    "\"%s\" is not a size: expected a number and K, M or G",
		    text);
	return v;
}

/* Tables */

static struct conf_table *
new_table(struct conf_builder *b, const char *name)
{
	struct conf_table *t = xcalloc(1, sizeof(*t));

	t->name = xstrdup(name);
	t->pos = b->pos;
	t->type = xstrdup("static");
	TAILQ_INSERT_TAIL(&b->conf->tables, t, entry);
	return t;
}

void
build_table(struct conf_builder *b, const char *name)
{
	if (strlen(name) >= CONF_NAME_MAX)
		build_problem(b, "the table's name is too long");
	if (conf_find_table(b->conf, name) != NULL)
		build_problem(b, "the table \"%s\" is there already", name);
	b->table = new_table(b, name);
}

void
build_anonymous(struct conf_builder *b)
{
	char *name = xasprintf("anonymous:%u", ++b->conf->n_anonymous);

	b->table = new_table(b, name);
	free(name);
}

void
build_table_value(struct conf_builder *b, const char *key, const char *value)
{
	struct conf_table *t = b->table;

	if (t->n_pairs == 0)
		t->mapping = value != NULL;
	else if (t->mapping != (value != NULL))
		build_problem(b,
		    "a table is either a list or a mapping: \"%s\" is the "
		    "other kind",
		    key);
	if ((t->n_pairs & (t->n_pairs - 1)) == 0)
		t->pairs = xreallocarray(t->pairs,
		    t->n_pairs == 0 ? 1 : t->n_pairs * 2, sizeof(*t->pairs));
	t->pairs[t->n_pairs++] = (struct conf_pair){ xstrdup(key),
		value == NULL ? NULL : xstrdup(value) };
}

struct conf_table *
build_table_end(struct conf_builder *b)
{
	struct conf_table *t = b->table;

	b->table = NULL;
	return t;
}

/* text as one word of a shell. */
static void
put_quoted(struct buf *out, const char *text)
{
	buf_add_u8(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_add_str(out, "'\\''");
		else
			buf_add_u8(out, (uint8_t)*text);
	}
	buf_add_u8(out, '\'');
}

/* proc:COMMAND, or TYPE:ARGUMENT for the program table-TYPE. */
static void
table_program_of(struct conf_builder *b, struct conf_table *t)
{
	struct buf command = { 0 };

	if (strcmp(t->type, "proc") == 0 || strcmp(t->type, "proc-exec") == 0) {
		buf_add_str(&command, t->path);
	} else {
		if (t->type[strspn(t->type,
			"abcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0')
			build_problem(
			    b, "\"%s\" is no type of a table", t->type);
		buf_printf(&command, "table-%s ", t->type);
		put_quoted(&command, t->path);
	}
	if (strpbrk(t->name, "|\n") != NULL)
		build_problem(b, "the name of a program's table holds no |");
	if (t->path[strspn(t->path, " \t")] == '\0')
		build_problem(b, "the table \"%s\" has no command", t->name);
	t->program = xcalloc(1, sizeof(*t->program));
	t->program->name = xstrdup(t->name);
	t->program->command = xstrdup(buf_str(&command));
	t->program->pos = b->pos;
	buf_free(&command);
}

void
build_table_path(struct conf_builder *b, const char *name, const char *path)
{
	struct conf_table *t;
	const char *colon = strchr(path, ':');

	build_table(b, name);
	t = build_table_end(b);
	free(t->type);
	if (path[0] == '/' || colon == NULL) {
		t->type = xstrdup("file");
		t->path = xstrdup(path);
	} else {
		t->type = xstrndup(path, (size_t)(colon - path));
		t->path = xstrdup(colon + 1);
	}
	if (strcmp(t->type, "file") == 0 || strcmp(t->type, "static") == 0) {
		t->kind = CONF_TABLE_FILE;
	} else if (strcmp(t->type, "db") == 0) {
		t->kind = CONF_TABLE_DB;
	} else {
		t->kind = CONF_TABLE_PROC;
		table_program_of(b, t);
		return;
	}
	if (t->path[0] != '/')
		build_problem(b, "\"%s\" is not an absolute path", t->path);
}

struct conf_table *
build_table_ref(struct conf_builder *b, const char *name)
{
	struct conf_table *t = conf_find_table(b->conf, name);

	if (t == NULL) {
		build_problem(
		    b, "the table <%s> is not declared above this line", name);
		t = new_table(b, name);
	}
	return t;
}

void
build_builtin_tables(struct conf_builder *b)
{
	static const char *const names[] = { "anyhost", "localhost",
		"localnames", "anydestination", "getpwnam" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		new_table(b, names[i])->builtin = true;
	b->table = conf_find_table(b->conf, "anyhost");
	build_table_value(b, "local", NULL);
	build_table_value(b, "0.0.0.0/0", NULL);
	build_table_value(b, "::/0", NULL);
	b->table = conf_find_table(b->conf, "anydestination");
	build_table_value(b, "*", NULL);
	b->table = conf_find_table(b->conf, "localnames");
	build_table_value(b, "localhost", NULL);
	b->table = conf_find_table(b->conf, "localhost");
	build_table_value(b, "local", NULL);
	b->table = NULL;
}

/* Small directives */

static void
set_text(char **where, const char *text)
{
	free(*where);
	*where = text == NULL ? NULL : xstrdup(text);
}

void
build_admd(struct conf_builder *b, const char *id)
{
	for (const char *p = id; *p != '\0'; p++) {
		if (!isprint((unsigned char)*p)) {
			build_problem(b, "an admd of printable bytes only");
			return;
		}
	}
	set_text(&b->conf->admd, id);
}

void
build_warn_reset(struct conf_builder *b)
{
	memset(b->conf->warn_at, 0, sizeof(b->conf->warn_at));
}

void
build_warn(struct conf_builder *b, uint64_t delay)
{
	for (size_t i = 0; i < CONF_WARN_MAX; i++) {
		if (b->conf->warn_at[i] == 0) {
			b->conf->warn_at[i] = delay;
			return;
		}
	}
	build_problem(b, "more than %d delays", CONF_WARN_MAX);
}

static void
check_path(struct conf_builder *b, const char *path)
{
	if (path[0] != '/')
		build_problem(b, "\"%s\" is not an absolute path", path);
}

void
build_ca(struct conf_builder *b, const char *name, const char *cert)
{
	struct conf_ca *ca;

	if (conf_find_ca(b->conf, name) != NULL)
		build_problem(b, "the ca \"%s\" is there already", name);
	check_path(b, cert);
	ca = xcalloc(1, sizeof(*ca));
	ca->name = xstrdup(name);
	ca->cert = xstrdup(cert);
	TAILQ_INSERT_TAIL(&b->conf->cas, ca, entry);
}

void
build_pki(struct conf_builder *b, const char *name)
{
	char *lower = xstrdup(name);

	for (char *p = lower; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	b->pki = conf_find_pki(b->conf, lower);
	if (b->pki == NULL) {
		b->pki = xcalloc(1, sizeof(*b->pki));
		b->pki->name = lower;
		b->pki->pos = b->pos;
		TAILQ_INSERT_TAIL(&b->conf->pkis, b->pki, entry);
	} else {
		free(lower);
	}
}

void
build_pki_set(struct conf_builder *b, int what, const char *value)
{
	struct conf_pki *pki = b->pki;

	switch (what) {
	case CERT:
		check_path(b, value);
		set_text(&pki->cert, value);
		break;
	case KEY:
		check_path(b, value);
		set_text(&pki->key, value);
		break;
	default:
		if (strcmp(value, "legacy") == 0)
			build_problem(b,
			    "dhe legacy: groups of 1024 bits keep no secret; "
			    "auto or none");
		else if (strcmp(value, "none") != 0 &&
		    strcmp(value, "auto") != 0)
			build_problem(b, "dhe is none or auto");
		set_text(&pki->dhe, value);
		break;
	}
}

void
build_wrapper(struct conf_builder *b, const char *name, const char *command)
{
	struct conf_wrapper *w;

	if (conf_find_wrapper(b->conf, name) != NULL)
		build_problem(b, "the wrapper \"%s\" is there already", name);
	w = xcalloc(1, sizeof(*w));
	w->name = xstrdup(name);
	w->command = xstrdup(command);
	TAILQ_INSERT_TAIL(&b->conf->wrappers, w, entry);
}

void
build_queue_ttl(struct conf_builder *b, uint64_t ttl)
{
	b->conf->ttl = ttl;
}

void
build_queue_compression(struct conf_builder *b)
{
	b->conf->compression = true;
}

void
build_queue_key(struct conf_builder *b, const char *key)
{
	set_text(
	    &b->conf->encryption, strcmp(key, "-") == 0 ? CONF_KEY_STDIN : key);
	if (!conf_key_elsewhere(b->conf) && strlen(key) < CONF_KEY_MIN)
		build_problem(
		    b, "a key of at least %d characters", CONF_KEY_MIN);
}

void
build_queue_size(struct conf_builder *b, const char *what, uint64_t size)
{
	if (strcmp(what, "reserve") == 0)
		b->conf->reserve = size;
	else
		build_problem(b,
		    "expected compression, encryption, reserve or ttl, not "
		    "\"%s\"",
		    what);
}

void
build_smtp_ciphers(struct conf_builder *b, const char *ciphers)
{
	set_text(&b->conf->smtp_ciphers, ciphers);
}

void
build_message_size(struct conf_builder *b, uint64_t size)
{
	if (size == 0 || size > UINT32_MAX)
		build_problem(b, "a message size from 1 byte to 4G");
	b->conf->max_message_size = size;
}

void
build_delimiter(struct conf_builder *b, const char *text)
{
	if (strlen(text) != 1 || !isprint((unsigned char)text[0]) ||
	    text[0] == ' ' || text[0] == '@')
		build_problem(b,
		    "sub-addr-delim is one printable character, neither a "
		    "space nor @");
	else
		b->conf->sub_addr_delim = text[0];
}

void
build_srs_key(struct conf_builder *b, const char *key, bool backup)
{
	set_text(backup ? &b->conf->srs_key_backup : &b->conf->srs_key, key);
	if (key[0] == '\0')
		build_problem(b, "an empty key");
}

void
build_srs_ttl(struct conf_builder *b, uint64_t ttl)
{
	if (ttl < 86400)
		build_problem(b, "an srs ttl of at least one day");
	b->conf->srs_ttl = ttl;
}
