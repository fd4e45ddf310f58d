/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/buf.h"
#include "lib/conv.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/queue/envelope.h"
#include "smtpd/smtp/command.h"

#include "smtpd/queue/spoolfile.h"

#define VERSION_MAX 4

/* The command that OpenSMTPD makes of a file; its name follows. */
#define MBOXFILE "/mail.mboxfile -f %{mbox.from} /"

enum how {
	VERSION,
	TYPE,
	TEXT,   /* which: enum envelope_text */
	XTEXT,  /* likewise, and goes into a command of SMTP */
	SOURCE, /* an address with or without decoration */
	SENDER,
	RCPT,
	DEST,
	NUMBER, /* which: enum number */
	FLAGS,
	NOTIFY,
	RET,
	ORCPT,
	COMMAND,
	MBOX,
	BOUNCE_TYPE,
	IGNORED
};

enum number {
	CTIME,
	LAST_TRY,
	LAST_BOUNCE,
	TTL,
	RETRY
};

/* Printed in this order; those above "optional" must be there. */
static const struct field {
	const char *name;
	enum how how;
	unsigned which;
	bool required;
} fields[] = {
	{ "version", VERSION, 0, true },
	{ "type", TYPE, 0, true },
	{ "dispatcher", TEXT, ENVELOPE_ACTION, true },
	{ "sender", SENDER, 0, true },
	{ "rcpt", RCPT, 0, true },
	{ "dest", DEST, 0, true },
	{ "ctime", NUMBER, CTIME, true },
	{ "ttl", NUMBER, TTL, true },
	{ "last-try", NUMBER, LAST_TRY, false },
	{ "last-bounce", NUMBER, LAST_BOUNCE, false },
	{ "retry", NUMBER, RETRY, false },
	{ "flags", FLAGS, 0, false },
	{ "dsn-notify", NOTIFY, 0, false },
	{ "dsn-ret", RET, 0, false },
	{ "sockaddr", SOURCE, 0, false },
	{ "tag", TEXT, ENVELOPE_TAG, false },
	{ "smtpname", TEXT, ENVELOPE_SMTPNAME, false },
	{ "helo", TEXT, ENVELOPE_HELO, false },
	{ "hostname", TEXT, ENVELOPE_HOSTNAME, false },
	{ "username", TEXT, ENVELOPE_USERNAME, false },
	{ "errorline", TEXT, ENVELOPE_ERROR, false },
	{ "dsn-envid", XTEXT, ENVELOPE_ENVID, false },
	{ "dsn-orcpt", ORCPT, ENVELOPE_ORCPT, false },
	{ "mda-user", TEXT, ENVELOPE_MDA_USER, false },
	{ "mda-exec", COMMAND, 0, false },
	{ "mda-file", MBOX, 0, false },
	{ "bounce-type", BOUNCE_TYPE, 0, false },
	{ "bounce-ttl", IGNORED, 0, false },
	{ "bounce-delay", IGNORED, 0, false },
	{ "mda-subaddress", IGNORED, 0, false },
	{ "esc-class", IGNORED, 0, false },
	{ "esc-code", IGNORED, 0, false },
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

struct word {
	const char *name;
	unsigned value;
};

static const struct word flag_words[] = {
	{ "authenticated", ENVELOPE_AUTHENTICATED },
	{ "internal", ENVELOPE_INTERNAL },
	{ "bounce", ENVELOPE_BOUNCE },
	{ "suspend", ENVELOPE_HOLD },
	{ "hold", ENVELOPE_HOLD },
	{ "failed", ENVELOPE_FAILED },
	{ "utf8", ENVELOPE_UTF8 },
	{ "8bit", ENVELOPE_8BIT },
	{ "delivered", ENVELOPE_DELIVERED },
	{ 0 },
};

static const struct word notify_words[] = {
	{ "success", DSN_SUCCESS },
	{ "failure", DSN_FAILURE },
	{ "delay", DSN_DELAY },
	{ "never", DSN_NEVER },
	{ 0 },
};

static const struct word ret_words[] = {
	{ "full", DSN_RET_FULL },
	{ "hdrs", DSN_RET_HDRS },
	{ 0 },
};

/* Printing */

static void
print_words(
    const char *name, const struct word *words, unsigned v, struct buf *out)
{
	const char *before = name;

	for (; words->name != NULL; words++) {
		if ((v & words->value) == 0)
			continue;
		buf_printf(out, "%s%s%s", before, before == name ? ": " : " ",
		    words->name);
		before = "";
		v &= ~words->value;
	}
	if (before != name)
		buf_add_u8(out, '\n');
}

static void
print_address(const char *name, const struct address *a, struct buf *out)
{
	char text[ADDRESS_TEXT_LEN];

	buf_printf(out, "%s: %s\n", name,
	    address_is_null(a) ? "<>" : address_text(a, text));
}

static uint64_t
number_of(const struct envelope *ev, unsigned which)
{
	switch ((enum number)which) {
	case CTIME:
		return ev->created_at;
	case LAST_TRY:
		return ev->last_try_at;
	case LAST_BOUNCE:
		return ev->last_bounce_at;
	case TTL:
		return ev->ttl;
	case RETRY:
		return ev->retry;
	}
	return 0;
}

static void
print_field(const struct field *f, const struct envelope *ev, struct buf *out)
{
	const char *text;

	switch (f->how) {
	case VERSION:
		buf_printf(out, "%s: 3\n", f->name);
		break;
	case TYPE:
		buf_printf(out, "%s: %s\n", f->name,
		    ev->type == ENVELOPE_MTA ? "mta" : "mda");
		break;
	case SOURCE:
	case ORCPT:
	case XTEXT:
	case TEXT:
		text = envelope_text(
		    ev, f->how == SOURCE ? ENVELOPE_SOURCE : f->which);
		if (text[0] != '\0' || f->required)
			buf_printf(out, "%s: %s\n", f->name, text);
		break;
	case COMMAND:
		text = envelope_text(ev, ENVELOPE_MDA_EXEC);
		if (text[0] == '|')
			buf_printf(out, "%s: %s\n", f->name, text + 1);
		break;
	case MBOX:
		text = envelope_text(ev, ENVELOPE_MDA_EXEC);
		if (text[0] == '/')
			buf_printf(out, "%s: %s\n", f->name, text);
		break;
	case SENDER:
		print_address(f->name, &ev->sender, out);
		break;
	case RCPT:
		print_address(f->name, &ev->rcpt, out);
		break;
	case DEST:
		print_address(f->name, &ev->dest, out);
		break;
	case NUMBER:
		buf_printf(
		    out, "%s: %" PRIu64 "\n", f->name, number_of(ev, f->which));
		break;
	case FLAGS:
		print_words(f->name, flag_words, ev->flags, out);
		break;
	case NOTIFY:
		print_words(f->name, notify_words, ev->notify, out);
		break;
	case RET:
		print_words(f->name, ret_words, ev->ret, out);
		break;
	case BOUNCE_TYPE:
	case IGNORED:
		break;
	}
}

void
spoolfile_print(const struct envelope *ev, struct buf *out)
{
	for (size_t i = 0; i < FIELDS; i++)
		print_field(&fields[i], ev, out);
}

/* Reading */

struct reader {
	struct envelope *ev;
	bool seen[FIELDS];
	bool bounce; /* type: what follows from bounce-type */
	char bounce_type[16];
};

static int
bad(struct err *e, const struct field *f, const char *value)
{
	err_set(e, ERR_CORRUPT, "%s: \"%.100s\" is not what stands there",
	    f->name, value);
	return -1;
}

/* Words between blanks, commas or bars. */
static int
read_words(const struct field *f, const struct word *words, const char *value,
    unsigned *out, struct err *e)
{
	const char *p = value;

	for (;;) {
		const struct word *w = words;
		size_t len;

		p += strspn(p, " ,|");
		len = strcspn(p, " ,|");
		if (len == 0)
			return 0;
		while (w->name != NULL &&
		    (strlen(w->name) != len ||
			strncasecmp(w->name, p, len) != 0))
			w++;
		if (w->name == NULL)
			return bad(e, f, value);
		*out |= w->value;
		p += len;
	}
}

/* Words, or the sum of their values: so does OpenSMTPD 6.8, also for none. */
static int
read_notify(
    const struct field *f, const char *value, unsigned *out, struct err *e)
{
	uint64_t v;

	if (!conv_u64(value, 0, DSN_NEVER, &v))
		return read_words(f, notify_words, value, out, e);
	*out = (unsigned)v;
	return 0;
}

/* OpenSMTPD 6.8 leaves out the type of the address. */
static int
read_orcpt(
    struct reader *r, const struct field *f, const char *value, struct err *e)
{
	bool bare = value[0] != '\0' && strchr(value, ';') == NULL;
	char *text = xasprintf("%s%s", bare ? "rfc822;" : "", value);
	int rc = 0;

	if (strlen(text) > ENVELOPE_TEXT_MAX || !smtp_xtext_valid(text))
		rc = bad(e, f, value);
	else
		envelope_set_text(r->ev, ENVELOPE_ORCPT, text);
	free(text);
	return rc;
}

/* A command: in an envelope, a bar says so, and a file begins with "/". */
static int
read_exec(
    struct reader *r, const struct field *f, const char *value, struct err *e)
{
	const char *file = strstr(value, MBOXFILE);
	char *text;

	if (f->how == MBOX)
		file = value;
	else if (file != NULL)
		file += sizeof(MBOXFILE) - 2;
	if (value[0] == '\0' || strlen(value) >= ENVELOPE_TEXT_MAX ||
	    (file != NULL && file[0] != '/') ||
	    envelope_text(r->ev, ENVELOPE_MDA_EXEC)[0] != '\0')
		return bad(e, f, value);
	text = file != NULL ? xstrdup(file) : xasprintf("|%s", value);
	envelope_set_text(r->ev, ENVELOPE_MDA_EXEC, text);
	free(text);
	return 0;
}

static int
read_address(const struct field *f, const char *value, bool may_be_null,
    struct address *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	if (may_be_null &&
	    (value[0] == '\0' || strcmp(value, "@") == 0 ||
		strcmp(value, "<>") == 0))
		return 0;
	if (address_parse(value, strlen(value), true, out))
		return 0;
	return bad(e, f, value);
}

static int
read_number(
    struct reader *r, const struct field *f, const char *value, struct err *e)
{
	uint64_t v;
	uint64_t max = f->which == RETRY ? UINT32_MAX : INT64_MAX / 4;

	if (!conv_u64(value, 0, max, &v))
		return bad(e, f, value);
	switch ((enum number)f->which) {
	case CTIME:
		r->ev->created_at = v;
		break;
	case LAST_TRY:
		r->ev->last_try_at = v;
		break;
	case LAST_BOUNCE:
		r->ev->last_bounce_at = v;
		break;
	case TTL:
		r->ev->ttl = v;
		break;
	case RETRY:
		r->ev->retry = (uint32_t)v;
		break;
	}
	return 0;
}

/* "local", or an address, which OpenSMTPD decorates when it is of IPv6. */
static void
read_source(struct reader *r, const char *value)
{
	char *text;
	size_t len;

	if (strncasecmp(value, "IPv6:", 5) == 0)
		value += 5;
	if (value[0] == '[')
		value++;
	len = strcspn(value, "]");
	text = xstrndup(value, len);
	envelope_set_text(r->ev, ENVELOPE_SOURCE, text);
	free(text);
}

static int
read_type(
    struct reader *r, const struct field *f, const char *value, struct err *e)
{
	r->bounce = strcmp(value, "bounce") == 0;
	if (strcmp(value, "mta") == 0)
		r->ev->type = ENVELOPE_MTA;
	else if (strcmp(value, "mda") == 0 || r->bounce)
		r->ev->type = ENVELOPE_MDA;
	else
		return bad(e, f, value);
	return 0;
}

static int
read_field(
    struct reader *r, const struct field *f, const char *value, struct err *e)
{
	uint64_t v;

	switch (f->how) {
	case VERSION:
		return conv_u64(value, 1, VERSION_MAX, &v) ? 0 :
							     bad(e, f, value);
	case TYPE:
		return read_type(r, f, value, e);
	case XTEXT:
	case TEXT:
		if (strlen(value) > ENVELOPE_TEXT_MAX ||
		    (f->how == XTEXT && !smtp_xtext_valid(value)))
			return bad(e, f, value);
		envelope_set_text(r->ev, f->which, value);
		return 0;
	case SOURCE:
		if (strlen(value) > ENVELOPE_TEXT_MAX)
			return bad(e, f, value);
		read_source(r, value);
		return 0;
	case SENDER:
		return read_address(f, value, true, &r->ev->sender, e);
	case RCPT:
		return read_address(f, value, true, &r->ev->rcpt, e);
	case DEST:
		return read_address(f, value, false, &r->ev->dest, e);
	case NUMBER:
		return read_number(r, f, value, e);
	case FLAGS:
		return read_words(f, flag_words, value, &r->ev->flags, e);
	case NOTIFY:
		return read_notify(f, value, &r->ev->notify, e);
	case ORCPT:
		return read_orcpt(r, f, value, e);
	case COMMAND:
	case MBOX:
		return read_exec(r, f, value, e);
	case RET:
		if (read_words(f, ret_words, value, &r->ev->ret, e) == -1 ||
		    r->ev->ret > DSN_RET_HDRS)
			return bad(e, f, value);
		return 0;
	case BOUNCE_TYPE:
		if (strlen(value) >= sizeof(r->bounce_type))
			return bad(e, f, value);
		memcpy(r->bounce_type, value, strlen(value) + 1);
		return 0;
	case IGNORED:
		return 0;
	}
	return 0;
}

/* One line, without its end; it holds no control bytes. */
static int
read_line(struct reader *r, char *line, struct err *e)
{
	char *colon = strchr(line, ':');
	const char *value;

	if (colon == NULL) {
		err_set(e, ERR_CORRUPT, "expected \"field: value\"");
		return -1;
	}
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " ");
	for (size_t i = 0; i < FIELDS; i++) {
		if (strcmp(fields[i].name, line) != 0)
			continue;
		if (r->seen[i]) {
			err_set(e, ERR_CORRUPT, "%s is there twice", line);
			return -1;
		}
		r->seen[i] = true;
		return read_field(r, &fields[i], value, e);
	}
	err_set(
	    e, ERR_UNSUPPORTED, "\"%.40s\" is no field of an envelope", line);
	return -1;
}

/* A notice that was still to be written: of what ours knows as well. */
static int
finish_bounce(struct reader *r, struct err *e)
{
	if (!r->bounce)
		return 0;
	if (strcmp(r->bounce_type, "failed") == 0) {
		r->ev->flags |= ENVELOPE_FAILED;
	} else if (strcmp(r->bounce_type, "delivered") == 0) {
		r->ev->flags |= ENVELOPE_DELIVERED;
	} else {
		err_set(e, ERR_UNSUPPORTED,
		    "a notice of type \"%s\" can't be taken over",
		    r->bounce_type);
		return -1;
	}
	return 0;
}

static int
read_lines(struct reader *r, const char *p, size_t len, struct err *e)
{
	for (unsigned n = 1; len > 0; n++) {
		const char *lf = memchr(p, '\n', len);
		size_t line_len = lf == NULL ? len : (size_t)(lf - p);
		char *line;
		int rc = 0;

		for (size_t i = 0; i < line_len; i++) {
			bool control =
			    (unsigned char)p[i] < 0x20 || p[i] == 0x7f;

			if (control && p[i] != 0x09) {
				err_set(e, ERR_CORRUPT,
				    "line %u: a control byte", n);
				return -1;
			}
		}
		line = xstrndup(p, line_len);
		if (line_len > 0)
			rc = read_line(r, line, e);
		free(line);
		if (rc == -1) {
			err_wrap(e, "line %u", n);
			return -1;
		}
		line_len += lf != NULL;
		p += line_len;
		len -= line_len;
	}
	return 0;
}

int
spoolfile_parse(
    const void *data, size_t len, struct envelope *ev, struct err *e)
{
	struct reader r = { .ev = ev };
	const uint8_t *p = data;

	envelope_init(ev);
	if (len > SPOOLFILE_MAX) {
		err_set(e, ERR_LIMIT, "an envelope of %zu bytes", len);
		return -1;
	}
	if (len >= 2 && p[0] == 0x1f && p[1] == 0x8b) {
		err_set(e, ERR_UNSUPPORTED,
		    "it is compressed: unpack it with gzip first");
		return -1;
	}
	if (read_lines(&r, data, len, e) == -1 || finish_bounce(&r, e) == -1)
		goto fail;
	for (size_t i = 0; i < FIELDS; i++) {
		if (fields[i].required && !r.seen[i]) {
			err_set(
			    e, ERR_CORRUPT, "there is no %s", fields[i].name);
			goto fail;
		}
	}
	return 0;
fail:
	envelope_clear(ev);
	return -1;
}
