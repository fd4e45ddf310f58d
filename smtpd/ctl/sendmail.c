/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sendmail: a message on standard input, to the running smtpd.
 */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/opt.h"

#include "smtpd/proc/proc.h"
#include "smtpd/smtp/address.h"
#include "smtpd/smtp/header.h"
#include "smtpd/submit/submission.h"
#include "smtpd/submit/transaction.h"

#include "smtpd/ctl/client.h"
#include "smtpd/ctl/ctl.h"
#include "smtpd/ctl/offline.h"

/* What others have, and is taken without meaning anything here. */
#define IGNORED "A:B:E::e:L:mo:p:Svx"

const struct opt ctl_sendmail_options[] = {
	{ 'b', "", "MODE", "i: make the aliases anew; p: list the queue" },
	{ 'F', "", "NAME", "the sender's name, for a From field" },
	{ 'f', "", "ADDRESS", "the sender" },
	{ 'i', "", NULL, "a line with a dot does not end the message" },
	{ 'N', "", "WHEN", "when to be told: never, or success,failure,delay" },
	{ 'R', "", "WHAT", "what of the message comes back: full or hdrs" },
	{ 'r', "", "ADDRESS", "the sender" },
	{ 't', "", NULL, "recipients are those of To, Cc and Bcc" },
	{ 'V', "", "ENVID", "what notices call the message" },
	{ 0, NULL, NULL, NULL },
};

struct mail {
	struct submission s;
	const char *name; /* of the sender; or NULL */
	bool from_header;
};

static bool
add_rcpt(struct mail *m, const char *text, size_t len)
{
	if (submission_add_rcpt(&m->s, text, len))
		return true;
	fprintf(stderr, "sendmail: not an address: %.*s\n", (int)len, text);
	return false;
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
	const char *text = (const char *)m->s.text.data;
	struct header_field f;
	size_t at = 0;

	while (header_next(text, m->s.text.len, &at, &f) == HEADER_FIELD) {
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
		buf_add(&m->s.text, line, (size_t)n);
	}
	free(line);
	if (m->s.text.len > 0 && m->s.text.data[m->s.text.len - 1] != '\n')
		buf_add_u8(&m->s.text, '\n');
	return !ferror(stdin);
}

/* The header gets a From field when there is a name for it; a text that
 * doesn't begin with a header is all body. */
static void
complete_text(struct mail *m)
{
	const struct buf text = m->s.text;
	struct buf whole = { 0 };
	struct header_facts facts;
	long len = header_length((const char *)text.data, text.len, true);

	header_scan((const char *)text.data, (size_t)len, &facts);
	if (!facts.from && m->name != NULL)
		buf_printf(&whole, "From: %s <%s>\n", m->name,
		    m->s.words[SUBMISSION_FROM]);
	if (facts.bad)
		buf_add_u8(&whole, '\n');
	buf_add(&whole, text.data, text.len);
	buf_free(&m->s.text);
	m->s.text = whole;
}

static void
print_refusal(void *arg, const struct address *rcpt, const char *line)
{
	char text[ADDRESS_TEXT_LEN];

	(void)arg;
	if (rcpt == NULL)
		fprintf(stderr, "sendmail: %s\n", line);
	else
		fprintf(stderr, "sendmail: %s: %s\n", address_text(rcpt, text),
		    line);
}

/* To the smtpd that runs. */
static enum submit_result
send_now(struct mail *m, struct err *e)
{
	const uint8_t hello[8] = { 0, 0, 0, 0, MSG_LISTEN, 0, 0, 0 };
	enum submit_result rc;
	int fd = client_connect(e);
	struct submit *d;

	if (fd == -1)
		return SUBMIT_LOST;
	if (fs_write_all(fd, hello, sizeof(hello), e) == -1) {
		close(fd);
		return SUBMIT_LOST;
	}
	d = submit_new(fd, print_refusal, NULL, e);
	if (d == NULL)
		return SUBMIT_LOST;
	rc = submit_greet(d);
	if (rc == SUBMIT_OK)
		rc = submit_send(d, &m->s);
	if (rc == SUBMIT_OK)
		submit_quit(d);
	submit_free(d);
	return rc;
}

/* To smtpd, or, when there is none that takes it, to where it waits. */
static int
send_mail(struct mail *m)
{
	struct err now, e;

	err_set(&now, ERR_SYSTEM, "smtpd closed the connection");
	signal(SIGPIPE, SIG_IGN);
	switch (send_now(m, &now)) {
	case SUBMIT_OK:
		return EX_OK;
	case SUBMIT_LATER:
		return EX_TEMPFAIL;
	case SUBMIT_REFUSED:
		return EX_UNAVAILABLE;
	case SUBMIT_LOST:
		break;
	}
	if (offline_write(&m->s, &e) == 0)
		return EX_OK;
	fprintf(stderr, "sendmail: %s\nsendmail: nor can it wait: %s\n",
	    now.msg, e.msg);
	return EX_TEMPFAIL;
}

static const char *
own_name(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw == NULL ? "nobody" : pw->pw_name;
}

/* False, after saying so, when that can't be. */
static bool
set_word(struct mail *m, enum submission_word word, const char *text)
{
	if (submission_set(&m->s, word, text))
		return true;
	fprintf(stderr, "sendmail: %s: %s\n",
	    word == SUBMISSION_FROM ? "not an address" : "not possible", text);
	return false;
}

/* The envelope's part of the options; false: a bad one. */
static bool
envelope_option(struct mail *m, int c, const char *text)
{
	switch (c) {
	case 'N':
		return set_word(m, SUBMISSION_NOTIFY, text);
	case 'R':
		return set_word(m, SUBMISSION_RET, text);
	case 'V':
		return set_word(m, SUBMISSION_ENVID, text);
	default:
		return set_word(
		    m, SUBMISSION_FROM, strcmp(text, "<>") == 0 ? "" : text);
	}
}

/* -1: go on; else the exit status. */
static int
read_options(
    struct mail *m, int argc, char **argv, bool *dots, bool *newaliases)
{
	char letters[64];
	int c, status;

	ctl_letters(ctl_sendmail_options, IGNORED, letters, sizeof(letters));
	while ((c = getopt(argc, argv, letters)) != -1) {
		switch (c) {
		case 'F':
			m->name = optarg;
			break;
		case 'f':
		case 'r':
		case 'N':
		case 'R':
		case 'V':
			if (!envelope_option(m, c, optarg))
				return EX_USAGE;
			break;
		case 'i':
			*dots = false;
			break;
		case 'o':
			if (optarg[0] == 'i')
				*dots = false;
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
	for (; optind < argc; optind++) {
		if (!add_rcpt(m, argv[optind], strlen(argv[optind])))
			return EX_DATAERR;
	}
	if (!read_text(m, dots) || (m->from_header && !rcpts_from_header(m)))
		return EX_DATAERR;
	if (m->s.n_rcpts == 0) {
		fprintf(stderr, "sendmail: no recipients\n");
		return EX_USAGE;
	}
	complete_text(m);
	return send_mail(m);
}

int
ctl_sendmail(int argc, char **argv)
{
	struct mail *m = xcalloc(1, sizeof(*m));
	bool dots = true, newaliases = false;
	int rc;

	if (!submission_set(&m->s, SUBMISSION_FROM, own_name()) ||
	    !submission_set(&m->s, SUBMISSION_USER, own_name())) {
		free(m);
		return EX_NOUSER;
	}
	rc = read_options(m, argc, argv, &dots, &newaliases);
	if (rc == -1)
		rc = newaliases ? ctl_makemap(argc, argv, true) :
				  submit(m, argc, argv, dots);
	submission_free(&m->s);
	free(m);
	return rc;
}
