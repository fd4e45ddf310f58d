/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sendmail: a message on standard input, to the running smtpd.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/proc.h"
#include "smtpd/smtp/address.h"
#include "smtpd/smtp/header.h"

#include "smtpd/ctl/ctl.h"

#define RCPTS_MAX 1000

struct mail {
	const char *from, *name, *notify, *ret, *envid;
	bool from_header;
	struct address rcpts[RCPTS_MAX];
	size_t n_rcpts;
	struct buf text; /* with LF */
	FILE *smtp;
};

static bool
add_rcpt(struct mail *m, const char *text, size_t len)
{
	if (m->n_rcpts == RCPTS_MAX ||
	    !address_parse(text, len, true, &m->rcpts[m->n_rcpts])) {
		fprintf(
		    stderr, "sendmail: not an address: %.*s\n", (int)len, text);
		return false;
	}
	for (size_t i = 0; i < m->n_rcpts; i++) {
		if (address_equal(&m->rcpts[i], &m->rcpts[m->n_rcpts]))
			return true;
	}
	m->n_rcpts++;
	return true;
}

/* One mailbox of a header field: what is in <>, or the text itself. */
static bool
add_mailbox(struct mail *m, const char *p, size_t len)
{
	const char *open = memchr(p, '<', len), *close;

	if (open != NULL) {
		close = memchr(open, '>', len - (size_t)(open - p));
		if (close == NULL)
			return false;
		return add_rcpt(m, open + 1, (size_t)(close - open) - 1);
	}
	while (len > 0 && strchr(" \t\r\n", *p) != NULL) {
		p++;
		len--;
	}
	while (len > 0 && strchr(" \t\r\n", p[len - 1]) != NULL)
		len--;
	return len == 0 || add_rcpt(m, p, len);
}

/* The value of a field without its comments. */
static void
drop_comments(const struct header_field *f, struct buf *out)
{
	bool quoted = false;
	unsigned comment = 0;

	for (size_t i = 0; i < f->value_len; i++) {
		char c = f->value[i];

		if (c == '\\' && i + 1 < f->value_len) {
			if (comment == 0)
				buf_add(out, f->value + i, 2);
			i++;
			continue;
		}
		if (c == '"' && comment == 0)
			quoted = !quoted;
		if (c == '(' && !quoted)
			comment++;
		else if (c == ')' && !quoted && comment > 0)
			comment--;
		else if (comment == 0)
			buf_add_u8(out, (uint8_t)c);
	}
}

/* The mailboxes of a field, between commas; those of a group as well. */
static bool
add_field(struct mail *m, const struct header_field *f)
{
	struct buf value = { 0 };
	size_t start = 0;
	bool quoted = false, inside = false, ok = true;
	const char *text;

	drop_comments(f, &value);
	buf_add_u8(&value, ',');
	text = (const char *)value.data;
	for (size_t i = 0; i < value.len && ok; i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && strchr("<[>]", text[i]) != NULL)
			inside = text[i] == '<' || text[i] == '[';
		else if (!quoted && !inside && text[i] == ':')
			start = i + 1;
		else if (i + 1 == value.len ||
		    (!quoted && (text[i] == ',' || text[i] == ';'))) {
			ok = add_mailbox(m, text + start, i - start);
			start = i + 1;
		}
	}
	buf_free(&value);
	return ok;
}

static bool
rcpts_from_header(struct mail *m)
{
	const char *text = (const char *)m->text.data;
	struct header_field f;
	size_t at = 0;

	while (header_next(text, m->text.len, &at, &f) == HEADER_FIELD) {
		if ((header_is(&f, "To") || header_is(&f, "Cc") ||
			header_is(&f, "Bcc")) &&
		    !add_field(m, &f))
			return false;
	}
	return true;
}

/* Standard input up to its end, or, unless -i, to a line with a dot. */
static bool
read_text(struct mail *m, bool dots)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) != -1) {
		if (n >= 2 && line[n - 1] == '\n' && line[n - 2] == '\r') {
			line[n - 2] = '\n';
			n--;
		}
		if (dots && n == 2 && line[0] == '.')
			break;
		buf_add(&m->text, line, (size_t)n);
	}
	free(line);
	if (m->text.len > 0 && m->text.data[m->text.len - 1] != '\n')
		buf_add_u8(&m->text, '\n');
	return !ferror(stdin);
}

/* The reply's last line; its first digit. */
static int
read_reply(struct mail *m, char *line, size_t size)
{
	do {
		if (fgets(line, (int)size, m->smtp) == NULL) {
			snprintf(line, size, "smtpd closed the connection\n");
			return 4;
		}
	} while (strlen(line) > 3 && line[3] == '-');
	return line[0] - '0';
}

static int
expect(struct mail *m, int expected)
{
	char line[2048];
	int got;

	fflush(m->smtp);
	got = read_reply(m, line, sizeof(line));
	if (got == expected)
		return 0;
	fprintf(stderr, "sendmail: %s", line);
	return got == 5 ? EX_UNAVAILABLE : EX_TEMPFAIL;
}

static void
send_text(struct mail *m)
{
	const char *text = (const char *)m->text.data;
	struct header_facts facts;
	bool start = true;
	long len = header_length(text, m->text.len, true);

	header_scan(text, m->text.len == 0 ? 0 : (size_t)len, &facts);
	if (!facts.from && m->name != NULL)
		fprintf(m->smtp, "From: %s <%s>\r\n", m->name, m->from);
	/* A text that doesn't begin with a header is all body. */
	if (facts.bad)
		fputs("\r\n", m->smtp);
	for (size_t i = 0; i < m->text.len; i++) {
		char c = text[i];

		if (start && c == '.')
			putc('.', m->smtp);
		if (c == '\n')
			putc('\r', m->smtp);
		if (c != '\r' && c != '\0')
			putc(c, m->smtp);
		start = c == '\n';
	}
	fputs(".\r\n", m->smtp);
}

static int
transact(struct mail *m)
{
	char rcpt[ADDRESS_TEXT_LEN], dsn[256];
	int rc;

	rc = expect(m, 2);
	if (rc == 0) {
		fputs("EHLO localhost\r\n", m->smtp);
		rc = expect(m, 2);
	}
	snprintf(dsn, sizeof(dsn), " BODY=8BITMIME%s%s%s%s",
	    m->ret == NULL ? "" : " RET=", m->ret == NULL ? "" : m->ret,
	    m->envid == NULL ? "" : " ENVID=",
	    m->envid == NULL ? "" : m->envid);
	if (rc == 0) {
		fprintf(m->smtp, "MAIL FROM:<%s>%s\r\n", m->from, dsn);
		rc = expect(m, 2);
	}
	snprintf(dsn, sizeof(dsn), "%s%s", m->notify == NULL ? "" : " NOTIFY=",
	    m->notify == NULL ? "" : m->notify);
	for (size_t i = 0; i < m->n_rcpts && rc == 0; i++) {
		fprintf(m->smtp, "RCPT TO:<%s>%s\r\n",
		    address_text(&m->rcpts[i], rcpt), dsn);
		rc = expect(m, 2);
	}
	if (rc == 0) {
		fputs("DATA\r\n", m->smtp);
		rc = expect(m, 3);
	}
	if (rc == 0) {
		send_text(m);
		rc = expect(m, 2);
	}
	if (rc == 0)
		fputs("QUIT\r\n", m->smtp);
	return rc;
}

static int
send_mail(struct mail *m)
{
	const uint8_t hello[8] = { 0, 0, 0, 0, MSG_LISTEN, 0, 0, 0 };
	struct err e;
	int fd = ctl_connect(&e), rc;

	if (fd == -1 || fs_write_all(fd, hello, sizeof(hello), &e) == -1) {
		fprintf(stderr, "sendmail: %s\n", e.msg);
		return EX_TEMPFAIL;
	}
	m->smtp = fdopen(fd, "r+");
	if (m->smtp == NULL)
		return EX_OSERR;
	rc = transact(m);
	fclose(m->smtp);
	return rc;
}

static const char *
own_name(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw == NULL ? "nobody" : pw->pw_name;
}

/* -1: go on; else the exit status. */
static int
read_options(
    struct mail *m, int argc, char **argv, bool *dots, bool *newaliases)
{
	int c, status;

	while ((c = getopt(
		    argc, argv, "A:B:b:E::e:F:f:iL:mN:o:p:R:r:StV:vx")) != -1) {
		switch (c) {
		case 'F':
			m->name = optarg;
			break;
		case 'f':
		case 'r':
			m->from = strcmp(optarg, "<>") == 0 ? "" : optarg;
			break;
		case 'i':
			*dots = false;
			break;
		case 'o':
			if (optarg[0] == 'i')
				*dots = false;
			break;
		case 'N':
			m->notify = optarg;
			break;
		case 'R':
			m->ret = optarg;
			break;
		case 'V':
			m->envid = optarg;
			break;
		case 't':
			m->from_header = true;
			break;
		case 'b':
			*newaliases = optarg[0] == 'i';
			if (optarg[0] == 'p') {
				ctl_main("mailq", 0, NULL, &status);
				return status;
			}
			break;
		case '?':
			return EX_USAGE;
		default:
			break;
		}
	}
	return -1;
}

static int
submit(struct mail *m, int argc, char **argv, bool dots)
{
	struct address from;

	for (; optind < argc; optind++) {
		if (!add_rcpt(m, argv[optind], strlen(argv[optind])))
			return EX_DATAERR;
	}
	if (m->from[0] != '\0' &&
	    !address_parse(m->from, strlen(m->from), true, &from)) {
		fprintf(stderr, "sendmail: not an address: %s\n", m->from);
		return EX_USAGE;
	}
	if (!read_text(m, dots) || (m->from_header && !rcpts_from_header(m)))
		return EX_DATAERR;
	if (m->n_rcpts == 0) {
		fprintf(stderr, "sendmail: no recipients\n");
		return EX_USAGE;
	}
	return send_mail(m);
}

int
ctl_sendmail(int argc, char **argv)
{
	struct mail *m = xcalloc(1, sizeof(*m));
	bool dots = true, newaliases = false;
	int rc;

	m->from = own_name();
	rc = read_options(m, argc, argv, &dots, &newaliases);
	if (rc == -1)
		rc = newaliases ? ctl_makemap(argc, argv, true) :
				  submit(m, argc, argv, dots);
	buf_free(&m->text);
	free(m);
	return rc;
}
