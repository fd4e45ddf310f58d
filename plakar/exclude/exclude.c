/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "plakar/exclude/glob.h"

#include "plakar/exclude/exclude.h"

/* What stands between two slashes of a pattern. */
struct segment {
	const char *text;
	size_t len;
	bool any_depth; /* "**" */
};

struct pattern {
	char *text;
	struct segment *segments;
	size_t n;
	bool negated;
	bool dir_only;
	bool anchored; /* else the one segment is for names at any depth */
	bool absolute; /* anchored at the root of the file system */
};

struct exclude {
	struct pattern *patterns;
	size_t n;
	bool from_command_line;
};

struct exclude *
exclude_new(bool from_command_line)
{
	struct exclude *ex = xcalloc(1, sizeof(*ex));

	ex->from_command_line = from_command_line;
	return ex;
}

void
exclude_free(struct exclude *ex)
{
	if (ex == NULL)
		return;
	for (size_t i = 0; i < ex->n; i++) {
		free(ex->patterns[i].text);
		free(ex->patterns[i].segments);
	}
	free(ex->patterns);
	free(ex);
}

/* The length without the spaces at the end that no backslash protects. */
static size_t
trimmed(const char *text, size_t len)
{
	size_t end = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len)
			i++;
		else if (text[i] == ' ')
			continue;
		end = i + 1;
	}
	return end;
}

static void
split(struct pattern *p)
{
	const char *text = p->text;

	for (;;) {
		size_t len = strcspn(text, "/");

		p->segments =
		    xreallocarray(p->segments, p->n + 1, sizeof(*p->segments));
		p->segments[p->n++] = (struct segment){
			.text = text,
			.len = len,
			.any_depth = len == 2 && memcmp(text, "**", 2) == 0,
		};
		if (text[len] == '\0')
			return;
		text += len + 1;
	}
}

void
exclude_add(struct exclude *ex, const char *pattern, size_t len)
{
	struct pattern p = { 0 };

	len = trimmed(pattern, len);
	if (len > 0 && pattern[0] == '!') {
		p.negated = true;
		pattern++;
		len--;
	}
	if (len > 0 && pattern[len - 1] == '/') {
		p.dir_only = true;
		len--;
	}
	if (len == 0 || memchr(pattern, '\0', len) != NULL)
		return;
	p.anchored = memchr(pattern, '/', len) != NULL;
	p.absolute = ex->from_command_line && pattern[0] == '/';
	if (pattern[0] == '/') {
		pattern++;
		len--;
	}
	p.text = xstrndup(pattern, len);
	split(&p);
	ex->patterns =
	    xreallocarray(ex->patterns, ex->n + 1, sizeof(*ex->patterns));
	ex->patterns[ex->n++] = p;
}

void
exclude_add_text(struct exclude *ex, const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";
	const char *end = text + len;

	if (len >= 3 && memcmp(text, mark, 3) == 0)
		text += 3;
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl != NULL ? nl : end) - text);

		len = n;
		if (len > 0 && text[len - 1] == '\r')
			len--;
		if (len > 0 && text[0] != '#')
			exclude_add(ex, text, len);
		text += n + (nl != NULL);
	}
}

/* Match a path's components with the segments of an anchored pattern. */
static bool
match_anchored(const struct pattern *p, const char *path)
{
	size_t i = 0, after_any = 0;
	const char *resume = NULL;

	for (;;) {
		size_t len = strcspn(path, "/");
		bool matched = false;

		if (i < p->n && p->segments[i].any_depth) {
			/* At the end it stands for one component or more. */
			if (i + 1 == p->n)
				return *path != '\0';
			after_any = ++i;
			resume = path;
			continue;
		}
		if (i < p->n && len > 0)
			matched = glob_match(
			    p->segments[i].text, p->segments[i].len, path, len);
		if (matched) {
			path += len;
			i++;
			if (*path == '\0' && i == p->n)
				return true;
			path += *path == '/';
			continue;
		}
		/* Let the last "**" take one component more. */
		if (resume == NULL || *resume == '\0')
			return false;
		resume += strcspn(resume, "/");
		resume += *resume == '/';
		path = resume;
		i = after_any;
	}
}

static bool
match_name(const struct pattern *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	return glob_match(
	    p->segments[0].text, p->segments[0].len, name, strlen(name));
}

enum exclude_verdict
exclude_match(
    const struct exclude *ex, const char *path, const char *rel, bool is_dir)
{
	for (size_t i = ex != NULL ? ex->n : 0; i > 0; i--) {
		const struct pattern *p = &ex->patterns[i - 1];
		bool matched;

		if (p->dir_only && !is_dir)
			continue;
		if (p->anchored)
			matched =
			    match_anchored(p, p->absolute ? path + 1 : rel);
		else
			matched = match_name(p, rel);
		if (matched)
			return p->negated ? EXCLUDE_KEEP : EXCLUDE_OUT;
	}
	return EXCLUDE_SILENT;
}
