/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/mem.h"

#include "smtpd/filters/rspamd/edit.h"
#include "smtpd/filters/rspamd/verdict.h"

struct tally {
	int64_t total, seen;
};

struct edit {
	const struct verdict *v;
	struct tally *tally; /* one a removal */
	bool in_body, dropping;
};

struct edit *
edit_new(const struct verdict *v)
{
	struct edit *d = xcalloc(1, sizeof(*d));

	d->v = v;
	d->tally = xcalloc(v->n_remove + 1, sizeof(*d->tally));
	return d;
}

void
edit_free(struct edit *d)
{
	if (d == NULL)
		return;
	free(d->tally);
	free(d);
}

/* "Name:", or with blanks before the colon. */
static bool
has_name(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0)
		return false;
	line += len;
	line += strspn(line, " \t");
	return *line == ':';
}

bool
edit_wants_count(const struct edit *d)
{
	for (size_t i = 0; i < d->v->n_remove; i++)
		if (d->v->remove[i].nth < 0)
			return true;
	return false;
}

bool
edit_count(struct edit *d, const char *line)
{
	for (size_t i = 0; i < d->v->n_remove; i++)
		if (has_name(line, d->v->remove[i].name))
			d->tally[i].total++;
	return line[0] != '\0';
}

/* Whether a removal takes a header that begins with line; all see it. */
static bool
is_removed(struct edit *d, const char *line)
{
	bool removed = false;

	for (size_t i = 0; i < d->v->n_remove; i++) {
		const struct verdict_removal *r = &d->v->remove[i];
		struct tally *t = &d->tally[i];

		if (!has_name(line, r->name))
			continue;
		t->seen++;
		if (r->nth == 0 || t->seen == r->nth ||
		    (r->nth < 0 && r->nth >= -t->total &&
			t->seen == t->total + 1 + r->nth))
			removed = true;
	}
	return removed;
}

bool
edit_keeps(struct edit *d, const char *line)
{
	if (d->in_body)
		return true;
	if (line[0] == '\0') {
		d->in_body = true;
		return true;
	}
	if (line[0] != ' ' && line[0] != '\t')
		d->dropping = is_removed(d, line);
	return !d->dropping;
}
