/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * makemap: a text file as an lmdb file, for tables of type db.  The new file
 * takes the old one's place when it is whole.
 */
#include <ctype.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/opt.h"

#include "smtpd/lookup/aliases.h"

#include "smtpd/ctl/ctl.h"

#define SOURCE_MAX (256u << 20)
#define MAP_SIZE   (1UL << 30)

const struct opt ctl_makemap_options[] = {
	{ 'o', "", "FILE", "write this one, and not FILE.db" },
	{ 't', "", "KIND", "of what: aliases, hash or set" },
	{ 0, NULL, NULL, NULL },
};

struct map {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	size_t n;
};

static int
put(const char *name, const char *value, void *arg, struct err *e)
{
	struct map *m = arg;
	char *key = xstrdup(name);
	MDB_val k = { strlen(key), key }, v = { strlen(value), NULL };
	char *copy = xstrdup(value);
	int rc;

	for (char *p = key; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	v.mv_data = copy;
	rc = mdb_put(m->txn, m->dbi, &k, &v, 0);
	free(key);
	free(copy);
	m->n++;
	if (rc == 0)
		return 0;
	err_set(e, ERR_SYSTEM, "%s: %s", name, mdb_strerror(rc));
	return -1;
}

/* An alias must be one before it goes into the file. */
static int
put_alias(const char *name, const char *value, void *arg, struct err *e)
{
	struct alias_list l = { 0 };

	if (aliases_parse(value, strlen(value), &l, e) == -1)
		return -1;
	alias_list_free(&l);
	return put(name, value, arg, e);
}

/* "key value" a line; for a set, the line is the key. */
static int
put_lines(struct map *m, const char *path, char *text, bool set, struct err *e)
{
	char *save = NULL;
	unsigned line = 0;

	for (char *p = strtok_r(text, "\n", &save); p != NULL;
	     p = strtok_r(NULL, "\n", &save)) {
		size_t n;

		line++;
		p += strspn(p, " \t");
		if (*p == '\0' || *p == '#')
			continue;
		n = strcspn(p, set ? "\r" : " \t\r");
		if (!set && p[n] == '\0') {
			err_set(
			    e, ERR_CORRUPT, "%s: \"%s\" has no value", path, p);
			return -1;
		}
		if (p[n] != '\0')
			p[n++] = '\0';
		if (put(p, set ? "" : p + n + strspn(p + n, " \t"), m, e) == -1)
			return -1;
	}
	return 0;
}

static int
open_map(struct map *m, const char *path, struct err *e)
{
	int rc = mdb_env_create(&m->env);

	if (rc == 0)
		rc = mdb_env_set_mapsize(m->env, MAP_SIZE);
	if (rc == 0)
		rc =
		    mdb_env_open(m->env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0644);
	if (rc == 0)
		rc = mdb_txn_begin(m->env, NULL, 0, &m->txn);
	if (rc == 0)
		rc = mdb_dbi_open(m->txn, NULL, MDB_CREATE, &m->dbi);
	if (rc == 0)
		return 0;
	err_set(e, ERR_SYSTEM, "%s: %s", path, mdb_strerror(rc));
	return -1;
}

static int
make(const char *source, const char *target, const char *type, size_t *n,
    struct err *e)
{
	char *temp = xasprintf("%s.XXXXXX", target);
	struct buf text = { 0 };
	struct map m = { 0 };
	int rc = fs_read_file(source, SOURCE_MAX, &text, e), fd;

	fd = rc == 0 ? mkstemp(temp) : -1;
	if (rc == 0 && fd == -1) {
		err_sys(e, "%s", temp);
		rc = -1;
	}
	if (fd != -1) {
		close(fd);
		unlink(temp);
	}
	if (rc == 0)
		rc = open_map(&m, temp, e);
	if (rc == 0 && strcmp(type, "aliases") == 0)
		rc = aliases_each(
		    source, buf_str(&text), text.len, put_alias, &m, e);
	else if (rc == 0)
		rc = put_lines(&m, source, (char *)(uintptr_t)buf_str(&text),
		    strcmp(type, "set") == 0, e);
	if (rc == 0 && mdb_txn_commit(m.txn) != 0) {
		err_set(e, ERR_SYSTEM, "%s: not written", temp);
		rc = -1;
	}
	if (m.env != NULL)
		mdb_env_close(m.env);
	if (rc == 0 && rename(temp, target) == -1) {
		err_sys(e, "%s", target);
		rc = -1;
	}
	if (rc == -1)
		unlink(temp);
	*n = m.n;
	free(temp);
	buf_free(&text);
	return rc;
}

int
ctl_makemap(int argc, char **argv, bool newaliases)
{
	const char *type = newaliases ? "aliases" : "hash", *target = NULL;
	const char *source = newaliases ? CTL_ALIASES : NULL;
	struct err e;
	char *out;
	size_t n;
	char letters[8];
	int c, rc;

	optind = 1;
	ctl_letters(ctl_makemap_options, "", letters, sizeof(letters));
	while (!newaliases && (c = getopt(argc, argv, letters)) != -1) {
		if (c == 'o')
			target = optarg;
		else if (c == 't')
			type = optarg;
		else
			return 2;
	}
	if (!newaliases && optind + 1 == argc)
		source = argv[optind];
	if (source == NULL ||
	    (strcmp(type, "hash") != 0 && strcmp(type, "set") != 0 &&
		strcmp(type, "aliases") != 0)) {
		fprintf(stderr,
		    "usage: makemap [-o FILE] [-t aliases|hash|set] FILE\n");
		return 2;
	}
	out = target != NULL ? xstrdup(target) : xasprintf("%s.db", source);
	rc = make(source, out, type, &n, &e);
	if (rc == 0)
		printf("%s: %zu %s\n", source, n,
		    strcmp(type, "aliases") == 0 ? "aliases" : "entries");
	else
		fprintf(stderr, "%s: %s\n",
		    newaliases ? "newaliases" : "makemap", e.msg);
	free(out);
	return rc == 0 ? 0 : 1;
}
