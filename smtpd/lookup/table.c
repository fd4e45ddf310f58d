/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <fcntl.h>
#include <lmdb.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"

#include "smtpd/conf/conf.h"

#include "smtpd/lookup/table.h"
#include "smtpd/lookup/table_proc.h"

struct entry {
	char *key, *value; /* value is NULL in a list */
	size_t order;
	regex_t *regex; /* compiled when first needed */
};

struct table {
	char *name;
	struct entry *entries;
	size_t n, next;
	bool sorted;
	MDB_env *env; /* for a db, else NULL */
	MDB_dbi dbi;
	struct table_proc *program; /* for a program, else NULL */
	struct buf fetched;
};

void
table_add(struct table *t, const char *key, const char *value)
{
	if ((t->n & (t->n - 1)) == 0)
		t->entries = xreallocarray(
		    t->entries, t->n == 0 ? 1 : t->n * 2, sizeof(*t->entries));
	t->entries[t->n] = (struct entry){ xstrdup(key),
		value == NULL ? NULL : xstrdup(value), t->n, NULL };
	t->n++;
	t->sorted = false;
}

static char *
trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return s;
}

/* The separator after the key of a line, or NULL when it is all key. */
static char *
separator(char *line)
{
	char *p = line;

	if (*p == '[') {
		p = strchr(p, ']');
		if (p == NULL)
			return NULL;
	}
	while (*p != '\0' && *p != ':' && !isspace((unsigned char)*p))
		p++;
	return *p == '\0' ? NULL : p;
}

struct parse {
	struct table *table;
	bool decided, mapping;
	unsigned line;
};

static int
parse_line(struct parse *ps, char *line, const char *path, struct err *e)
{
	char *sep;

	line = trim(line);
	if (line[0] == '\0')
		return 0;
	if (line[0] == '#') {
		if (!ps->decided && strncmp(trim(line + 1), "@list", 5) == 0)
			ps->decided = true;
		return 0;
	}
	sep = ps->decided && !ps->mapping ? NULL : separator(line);
	if (!ps->decided) {
		ps->decided = true;
		ps->mapping = sep != NULL;
	}
	if (!ps->mapping) {
		table_add(ps->table, line, NULL);
		return 0;
	}
	if (sep == NULL || sep == line) {
		err_set(e, ERR_CORRUPT, "%s:%u: a key without a value", path,
		    ps->line);
		return -1;
	}
	*sep++ = '\0';
	sep = trim(sep);
	if (*sep == ':')
		sep = trim(sep + 1);
	table_add(ps->table, line, sep);
	return 0;
}

struct table *
table_parse(const char *path, const char *text, size_t len, struct err *e)
{
	struct parse ps = { .table = xcalloc(1, sizeof(*ps.table)) };
	size_t at = 0;

	ps.table->name = xstrdup(path);
	while (at < len) {
		const char *lf = memchr(text + at, '\n', len - at);
		size_t n = lf == NULL ? len - at : (size_t)(lf - text) - at;
		char *line = xstrndup(text + at, n);
		int rc;

		ps.line++;
		if (strlen(line) != n) {
			err_set(
			    e, ERR_CORRUPT, "%s:%u: a NUL byte", path, ps.line);
			rc = -1;
		} else {
			rc = parse_line(&ps, line, path, e);
		}
		free(line);
		if (rc == -1) {
			table_free(ps.table);
			return NULL;
		}
		at += n + 1;
	}
	return ps.table;
}

static struct table *
load_db(const char *path, struct err *e)
{
	struct table *t = xcalloc(1, sizeof(*t));
	MDB_txn *txn = NULL;
	int rc;

	t->name = xstrdup(path);
	rc = mdb_env_create(&t->env);
	if (rc == 0)
		rc = mdb_env_open(
		    t->env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0);
	if (rc == 0)
		rc = mdb_txn_begin(t->env, NULL, MDB_RDONLY, &txn);
	if (rc == 0) {
		rc = mdb_dbi_open(txn, NULL, 0, &t->dbi);
		mdb_txn_abort(txn);
	}
	if (rc == 0)
		return t;
	err_set(e, ERR_CORRUPT, "%s: %s", path, mdb_strerror(rc));
	table_free(t);
	return NULL;
}

struct table *
table_load(const struct conf_table *ct, struct err *e)
{
	struct buf text = { 0 };
	struct table *t = NULL;

	switch (ct->kind) {
	case CONF_TABLE_STATIC:
		t = xcalloc(1, sizeof(*t));
		t->name = xstrdup(ct->name);
		for (size_t i = 0; i < ct->n_pairs; i++)
			table_add(t, ct->pairs[i].key, ct->pairs[i].value);
		break;
	case CONF_TABLE_FILE:
		if (fs_read_file(ct->path, TABLE_FILE_MAX, &text, e) == 0)
			t = table_parse(
			    ct->path, (const char *)text.data, text.len, e);
		buf_free(&text);
		break;
	case CONF_TABLE_DB:
		t = load_db(ct->path, e);
		break;
	case CONF_TABLE_PROC:
		t = xcalloc(1, sizeof(*t));
		t->name = xstrdup(ct->name);
		t->program = table_proc_new(ct->name);
		break;
	}
	return t;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++) {
		free(t->entries[i].key);
		free(t->entries[i].value);
		if (t->entries[i].regex != NULL) {
			regfree(t->entries[i].regex);
			free(t->entries[i].regex);
		}
	}
	if (t->env != NULL)
		mdb_env_close(t->env);
	table_proc_free(t->program);
	buf_free(&t->fetched);
	free(t->entries);
	free(t->name);
	free(t);
}

bool
table_offers(struct table *t, enum table_service service)
{
	return t->program == NULL ? service != TABLE_AUTH :
				    table_proc_offers(t->program, service);
}

struct table_proc *
table_program(struct table *t)
{
	return t->program;
}

static int
compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = strcasecmp(x->key, y->key);

	return c != 0 ? c : x->order < y->order ? -1 : x->order > y->order;
}

/* The last entry with this key. */
static const struct entry *
find(struct table *t, const char *key)
{
	size_t lo = 0, hi = t->n;

	if (!t->sorted && t->n > 0) {
		qsort(t->entries, t->n, sizeof(*t->entries), compare_entries);
		t->sorted = true;
	}
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (strcasecmp(t->entries[mid].key, key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || strcasecmp(t->entries[lo - 1].key, key) != 0)
		return NULL;
	return &t->entries[lo - 1];
}

static int
compile(struct table *t, struct entry *en, struct err *e)
{
	const char *text = en->key;
	int flags = REG_EXTENDED | REG_NOSUB | REG_ICASE;
	char why[128];
	int rc;

	if (strncmp(text, "(?i)", 4) == 0)
		text += 4;
	en->regex = xcalloc(1, sizeof(*en->regex));
	rc = regcomp(en->regex, text, flags);
	if (rc == 0)
		return 0;
	regerror(rc, en->regex, why, sizeof(why));
	err_set(e, ERR_USAGE, "%s: regex \"%s\": %s", t->name, en->key, why);
	free(en->regex);
	en->regex = NULL;
	return -1;
}

int
table_check_regex(struct table *t, struct err *e)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->entries[i].regex == NULL &&
		    compile(t, &t->entries[i], e) == -1)
			return -1;
	}
	return 0;
}

static bool
covers(const struct entry *en, enum table_service service, const char *key)
{
	switch (service) {
	case TABLE_DOMAIN:
		return table_match_domain(en->key, key);
	case TABLE_NETADDR:
		return table_match_netaddr(en->key, key);
	case TABLE_MAILADDR:
		return table_match_mailaddr(en->key, key);
	default:
		return regexec(en->regex, key, 0, NULL, 0) == 0;
	}
}

/* What a db has for the key, exactly. */
static int
find_db(struct table *t, const char *key, struct buf *value, struct err *e)
{
	char lower[TABLE_KEY_MAX + 1];
	size_t len = strlen(key);
	MDB_val k = { len, lower }, v;
	MDB_txn *txn;
	int rc;

	for (size_t i = 0; i < len; i++)
		lower[i] = (char)tolower((unsigned char)key[i]);
	if (len == 0 || len > 511)
		return 0;
	rc = mdb_txn_begin(t->env, NULL, MDB_RDONLY, &txn);
	if (rc == 0) {
		rc = mdb_get(txn, t->dbi, &k, &v);
		if (rc == 0 && value != NULL)
			buf_add(value, v.mv_data, v.mv_size);
		mdb_txn_abort(txn);
	}
	if (rc == 0)
		return 1;
	if (rc == MDB_NOTFOUND)
		return 0;
	err_set(e, ERR_CORRUPT, "%s: %s", t->name, mdb_strerror(rc));
	return -1;
}

/* The texts that a db may have for an address or a domain, widest last. */
static int
find_db_cover(struct table *t, enum table_service service, const char *key,
    struct buf *value, struct err *e)
{
	const char *at = strrchr(key, '@');
	const char *dot = at != NULL ? at + 1 : key;
	char wide[TABLE_KEY_MAX + 8];
	int rc = find_db(t, key, value, e);

	if (rc == 0 && at != NULL) {
		rc = find_db(t, at, value, e);
		memcpy(wide, key, (size_t)(at - key));
		wide[at - key] = '\0';
		if (rc == 0)
			rc = find_db(t, wide, value, e);
	}
	if (service == TABLE_NETADDR || service == TABLE_REGEX)
		return rc;
	while (rc == 0 && (dot = strchr(dot, '.')) != NULL) {
		size_t n = 0;

		if (at != NULL)
			wide[n++] = '@';
		wide[n++] = '*';
		memcpy(wide + n, dot, strlen(dot) + 1);
		rc = find_db(t, wide, value, e);
		dot++;
	}
	return rc;
}

int
table_lookup(struct table *t, enum table_service service, const char *key,
    struct buf *value, struct err *e)
{
	const struct entry *en = NULL;

	if (strlen(key) > TABLE_KEY_MAX)
		return 0;
	if (t->program != NULL)
		return table_proc_lookup(t->program, service, key, value, e);
	if (t->env != NULL)
		return service >= TABLE_DOMAIN ?
		    find_db_cover(t, service, key, value, e) :
		    find_db(t, key, value, e);
	if (service == TABLE_REGEX && table_check_regex(t, e) == -1)
		return -1;
	if (service >= TABLE_DOMAIN) {
		for (size_t i = 0; i < t->n && en == NULL; i++) {
			if (covers(&t->entries[i], service, key))
				en = &t->entries[i];
		}
	} else {
		en = find(t, key);
	}
	if (en == NULL)
		return 0;
	if (value != NULL && en->value != NULL)
		buf_add_str(value, en->value);
	return 1;
}

const char *
table_fetch(struct table *t, enum table_service service, struct err *e)
{
	const struct entry *en;
	struct buf got = { 0 };
	int rc;

	err_clear(e);
	if (t->program != NULL) {
		/* Others may have asked while we waited. */
		rc = table_proc_fetch(t->program, service, &got, e);
		buf_reset(&t->fetched);
		buf_add(&t->fetched, got.data, got.len);
		buf_free(&got);
		return rc == 1 ? buf_str(&t->fetched) : NULL;
	}
	if (t->n == 0)
		return NULL;
	en = &t->entries[t->next++ % t->n];
	return en->value != NULL ? en->value : en->key;
}
