/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <bsd/string.h>
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/filters/rspamd/verdict.h"

#define REPLY_MAX       400 /* bytes of text behind the code */
#define HEADER_NAME_MAX 100 /* bytes of a header's name */
#define FOLD_AT         78
#define TESTS_WIDE      68

/* The order in which ARC's headers must stand; others come after. */
static const char *const ranked[] = { "ARC-Seal", "ARC-Message-Signature",
	"ARC-Authentication-Results", "Authentication-Results" };

#define RANKS (sizeof(ranked) / sizeof(ranked[0]))

static bool
is_name(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > HEADER_NAME_MAX)
		return false;
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~' || *s == ':')
			return false;
	return true;
}

/* Where a line of len bytes, too wide, can be cut before a blank; or len. */
static size_t
fold_point(const char *line, size_t len)
{
	size_t at = len;

	for (size_t i = 1; i < len; i++) {
		bool blank = line[i] == ' ' || line[i] == '\t';
		bool after = line[i - 1] != ' ' && line[i - 1] != '\t';

		if (!blank || !after)
			continue;
		if (i > FOLD_AT && at != len)
			break;
		at = i;
	}
	return at;
}

/* One line of a header, without what a line must not hold. */
static void
put_line(struct buf *out, const char *line, size_t len, bool fold)
{
	while (len > 0) {
		size_t cut =
		    fold && len > FOLD_AT ? fold_point(line, len) : len;

		for (size_t i = 0; i < cut; i++)
			buf_add_u8(out,
			    (uint8_t)line[i] < ' ' && line[i] != '\t' ?
				' ' :
				(uint8_t)line[i]);
		buf_add_u8(out, '\n');
		line += cut;
		len -= cut;
	}
}

/* The len bytes without blanks and CRs at the end. */
static size_t
trimmed(const char *s, size_t len)
{
	while (len > 0 && strchr(" \t\r", s[len - 1]) != NULL)
		len--;
	return len;
}

/*
 * Add a header whose value may have several lines: each but the first is
 * made to begin with a blank, so that none can pass for a header or an end.
 */
static void
put_header(struct buf *out, const char *name, const char *value, bool fold)
{
	struct buf line = { 0 };
	bool first = true;

	if (!is_name(name))
		return;
	buf_printf(&line, "%s: ", name);
	for (;;) {
		size_t raw = strcspn(value, "\n");
		size_t len = trimmed(value, raw);

		if (!first && len > 0 && *value != ' ' && *value != '\t')
			buf_add_u8(&line, '\t');
		buf_add(&line, value, len);
		line.len = trimmed((const char *)line.data, line.len);
		if (line.len > 0)
			put_line(out, (const char *)line.data, line.len, fold);
		buf_reset(&line);
		first = false;
		if (value[raw] == '\0')
			break;
		value += raw + 1;
	}
	buf_free(&line);
}

/* A DKIM signature may be folded where white space does not count. */
static void
put_signature(struct buf *out, const char *value)
{
	put_header(
	    out, "DKIM-Signature", value, strstr(value, "c=simple") == NULL);
}

static void
put_signatures(struct buf *out, const json_t *sig)
{
	const json_t *one;
	size_t i;

	if (json_is_string(sig))
		put_signature(out, json_string_value(sig));
	json_array_foreach(sig, i, one) if (json_is_string(one))
	    put_signature(out, json_string_value(one));
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "tests=[A=1.000, B=2.000]" behind what is there, wrapped. */
static void
put_tests(struct buf *out, json_t *symbols)
{
	size_t n = json_object_size(symbols), i = 0, wide = 0;
	const char **names = xcalloc(n, sizeof(*names));
	struct buf one = { 0 };
	const char *name;
	json_t *value;

	json_object_foreach(symbols, name, value) names[i++] = name;
	qsort(names, n, sizeof(*names), compare_names);
	buf_add_str(out, "\n\ttests=[");
	for (i = 0; i < n; i++) {
		const json_t *score = json_object_get(
		    json_object_get(symbols, names[i]), "score");

		if (!is_name(names[i]))
			continue;
		buf_reset(&one);
		buf_printf(&one, "%s=%.3f%s", names[i],
		    json_number_value(score), i + 1 < n ? ", " : "");
		if (wide + one.len > TESTS_WIDE) {
			buf_add_str(out, "\n\t");
			wide = 0;
		}
		buf_add(out, one.data, one.len);
		wide += one.len;
	}
	buf_add_u8(out, ']');
	buf_free(&one);
	free(names);
}

static void
put_spam(struct buf *out, const json_t *root)
{
	double score = json_number_value(json_object_get(root, "score"));
	double most =
	    json_number_value(json_object_get(root, "required_score"));
	json_t *symbols = json_object_get(root, "symbols");
	struct buf status = { 0 };
	char text[64];

	put_header(out, "X-Spam", "yes", false);
	snprintf(text, sizeof(text), "%.10g / %.10g", score, most);
	put_header(out, "X-Spam-Score", text, false);
	if (json_object_size(symbols) == 0)
		return;
	buf_printf(&status, "Yes, score=%.3f required=%.3f", score, most);
	put_tests(&status, symbols);
	put_header(out, "X-Spam-Status", buf_str(&status), false);
	buf_free(&status);
}

static size_t
rank_of(const char *name)
{
	size_t i;

	for (i = 0; i < RANKS; i++)
		if (strcasecmp(name, ranked[i]) == 0)
			break;
	return i;
}

/* A value, an object with one, or a list of these; only what has a rank. */
static void
put_added(struct buf *out, const char *name, const json_t *value, bool ordered)
{
	const json_t *one;
	size_t i;

	if (json_is_string(value) && !ordered)
		put_header(out, name, json_string_value(value), false);
	if (json_is_object(value) && ordered) {
		one = json_object_get(value, "value");
		if (json_is_string(one))
			put_header(out, name, json_string_value(one), false);
	}
	json_array_foreach(value, i, one) if (!json_is_array(one))
	    put_added(out, name, one, ordered);
}

/* First what has no order, then what has, ARC's own before the others. */
static void
put_milter(struct buf *out, json_t *added)
{
	const char *name;
	json_t *value;

	json_object_foreach(added, name, value)
	    put_added(out, name, value, false);
	for (size_t rank = 0; rank <= RANKS; rank++)
		json_object_foreach(added, name, value) if (rank_of(name) ==
		    rank) put_added(out, name, value, true);
}

static void
add_removal(struct verdict *v, const char *name, const json_t *nth)
{
	struct verdict_removal r = { .nth = json_integer_value(nth) };
	const json_t *one;
	size_t i;

	json_array_foreach(nth, i, one) if (json_is_integer(one))
	    add_removal(v, name, one);
	if (json_is_array(nth) || !is_name(name) ||
	    v->n_remove > VERDICT_REMOVE_MAX)
		return;
	r.name = xstrdup(name);
	v->remove = xreallocarray(v->remove, v->n_remove + 1, sizeof(r));
	v->remove[v->n_remove++] = r;
}

/* "550 5.7.1 text", with text of rspamd's, if it has one, on one line. */
static char *
make_reply(const char *code, const json_t *root, const char *otherwise)
{
	const json_t *said =
	    json_object_get(json_object_get(root, "messages"), "smtp_message");
	const char *text = json_string_value(said);
	char *reply;

	if (text == NULL || text[0] == '\0')
		text = otherwise;
	reply = xasprintf("%.*s %.*s",
	    isdigit((unsigned char)text[0]) && text[1] == '.' ? 3 : 9, code,
	    REPLY_MAX, text);
	for (char *p = reply; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ')
			*p = ' ';
		else if ((unsigned char)*p > '~')
			*p = '?';
	}
	return reply;
}

static void
read_action(const json_t *root, const char *action, struct verdict *v)
{
	const json_t *subject = json_object_get(root, "subject");

	if (strcmp(action, "reject") == 0 || strcmp(action, "discard") == 0) {
		v->reply = make_reply("550 5.7.1", root, "message rejected");
	} else if (strcmp(action, "soft reject") == 0) {
		v->reply = make_reply("451 4.7.1", root, "try again later");
	} else if (strcmp(action, "add header") == 0 ||
	    strcmp(action, "quarantine") == 0) {
		put_spam(&v->headers, root);
	} else if (strcmp(action, "rewrite subject") == 0 &&
	    json_is_string(subject)) {
		/* The new one stands first, the old ones nowhere. */
		put_header(
		    &v->headers, "Subject", json_string_value(subject), false);
		add_removal(v, "Subject", NULL);
	}
}

static int
check_limits(const struct verdict *v, struct err *e)
{
	if (v->headers.len <= VERDICT_HEADERS_MAX &&
	    v->n_remove <= VERDICT_REMOVE_MAX)
		return 0;
	err_set(e, ERR_LIMIT, "too many headers to add or remove");
	return -1;
}

int
verdict_parse(const char *json, size_t len, struct verdict *out, struct err *e)
{
	json_error_t problem;
	json_t *root = json_loadb(json, len, 0, &problem);
	json_t *milter = json_object_get(root, "milter"), *value;
	const char *name,
	    *action = json_string_value(json_object_get(root, "action"));
	int rc;

	*out = (struct verdict){ 0 };
	if (action == NULL) {
		err_set(e, ERR_CORRUPT, "an answer without an action%s%s",
		    root == NULL ? ": " : "", root == NULL ? problem.text : "");
		json_decref(root);
		return -1;
	}
	put_signatures(&out->headers, json_object_get(root, "dkim-signature"));
	read_action(root, action, out);
	put_milter(&out->headers, json_object_get(milter, "add_headers"));
	json_object_foreach(json_object_get(milter, "remove_headers"), name,
	    value) add_removal(out, name, value);
	json_decref(root);
	rc = check_limits(out, e);
	if (rc == -1)
		verdict_clear(out);
	return rc;
}

void
verdict_clear(struct verdict *v)
{
	free(v->reply);
	buf_free(&v->headers);
	for (size_t i = 0; i < v->n_remove; i++)
		free(v->remove[i].name);
	free(v->remove);
	*v = (struct verdict){ 0 };
}
