/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/attr.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/submit/submission.h"

#include "smtpd/submit/transaction.h"

#define LINE_MAX_LEN 2048

struct submit {
	FILE *in, *out; /* two, since what is read ahead stays read */
	submit_cb *cb;
	void *arg;
	bool sent; /* all of the message */
};

/* The reply's last line, without its end; false when there is none. */
static bool
read_reply(struct submit *d, char line[LINE_MAX_LEN])
{
	fflush(d->out);
	do {
		if (fgets(line, LINE_MAX_LEN, d->in) == NULL)
			return false;
	} while (strlen(line) > 3 && line[3] == '-');
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

/* Wait for a reply of the class expected. */
static enum submit_result
expect(struct submit *d, char expected, const struct address *rcpt)
{
	static const char lost[] = "451 4.3.0 smtpd closed the connection";
	char line[LINE_MAX_LEN];

	if (!read_reply(d, line)) {
		d->cb(d->arg, NULL, lost);
		return d->sent ? SUBMIT_LATER : SUBMIT_LOST;
	}
	if (line[0] == expected)
		return SUBMIT_OK;
	d->cb(d->arg, rcpt, line);
	if (!d->sent && strncmp(line, "421", 3) == 0)
		return SUBMIT_LOST;
	return line[0] == '5' ? SUBMIT_REFUSED : SUBMIT_LATER;
}

static void say(struct submit *d, const char *fmt, ...) ATTR_PRINTF(2, 3);

static void
say(struct submit *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(d->out, fmt, ap);
	va_end(ap);
	fputs("\r\n", d->out);
}

/* " NAME=value", or nothing. */
static void
put_parameter(struct submit *d, const char *name, const char *value)
{
	if (value[0] != '\0')
		fprintf(d->out, " %s=%s", name, value);
}

/* Line ends as CR LF, dots doubled; CR and NUL have no place in a line. */
static void
send_text(struct submit *d, const struct buf *text)
{
	bool start = true;

	for (size_t i = 0; i < text->len; i++) {
		char c = (char)text->data[i];

		if (start && c == '.')
			putc('.', d->out);
		if (c == '\n')
			putc('\r', d->out);
		if (c != '\r' && c != '\0')
			putc(c, d->out);
		start = c == '\n';
	}
	if (!start)
		fputs("\r\n", d->out);
	d->sent = true;
	fputs(".\r\n", d->out);
}

/* All recipients, whatever is said of one; the worst of what was said. */
static enum submit_result
send_rcpts(struct submit *d, const struct submission *s)
{
	enum submit_result rc = SUBMIT_OK;
	char text[ADDRESS_TEXT_LEN];

	for (size_t i = 0; i < s->n_rcpts; i++) {
		enum submit_result one;

		fprintf(
		    d->out, "RCPT TO:<%s>", address_text(&s->rcpts[i], text));
		put_parameter(d, "NOTIFY", s->words[SUBMISSION_NOTIFY]);
		say(d, "%s", "");
		one = expect(d, '2', &s->rcpts[i]);
		if (one == SUBMIT_LOST)
			return one;
		if (one != SUBMIT_OK && rc != SUBMIT_REFUSED)
			rc = one;
	}
	return rc;
}

static bool
is_utf8(const struct submission *s)
{
	for (const char *p = s->words[SUBMISSION_FROM]; *p != '\0'; p++) {
		if ((unsigned char)*p > 127)
			return true;
	}
	for (size_t i = 0; i < s->n_rcpts; i++) {
		if (address_is_utf8(&s->rcpts[i]))
			return true;
	}
	return false;
}

static enum submit_result
send_mail(struct submit *d, const struct submission *s)
{
	fprintf(d->out, "MAIL FROM:<%s> BODY=8BITMIME%s",
	    s->words[SUBMISSION_FROM], is_utf8(s) ? " SMTPUTF8" : "");
	put_parameter(d, "RET", s->words[SUBMISSION_RET]);
	put_parameter(d, "ENVID", s->words[SUBMISSION_ENVID]);
	say(d, "%s", "");
	return expect(d, '2', NULL);
}

struct submit *
submit_new(int fd, submit_cb *cb, void *arg, struct err *e)
{
	struct submit *d = xcalloc(1, sizeof(*d));
	int again = dup(fd);

	d->cb = cb;
	d->arg = arg;
	d->in = fdopen(fd, "r");
	d->out = again == -1 ? NULL : fdopen(again, "w");
	if (d->in != NULL && d->out != NULL)
		return d;
	err_sys(e, "a connection");
	if (d->in == NULL)
		close(fd);
	if (d->out == NULL && again != -1)
		close(again);
	submit_free(d);
	return NULL;
}

void
submit_free(struct submit *d)
{
	if (d == NULL)
		return;
	if (d->in != NULL)
		fclose(d->in);
	if (d->out != NULL)
		fclose(d->out);
	free(d);
}

enum submit_result
submit_greet(struct submit *d)
{
	enum submit_result rc = expect(d, '2', NULL);

	if (rc != SUBMIT_OK)
		return rc;
	say(d, "EHLO localhost");
	return expect(d, '2', NULL);
}

void
submit_quit(struct submit *d)
{
	say(d, "QUIT");
}

enum submit_result
submit_send(struct submit *d, const struct submission *s)
{
	enum submit_result rc;
	char line[LINE_MAX_LEN];

	d->sent = false;
	rc = send_mail(d, s);
	if (rc == SUBMIT_OK)
		rc = send_rcpts(d, s);
	if (rc == SUBMIT_OK) {
		say(d, "DATA");
		rc = expect(d, '3', NULL);
	}
	if (rc == SUBMIT_OK) {
		send_text(d, &s->text);
		rc = expect(d, '2', NULL);
	}
	if (rc == SUBMIT_REFUSED && !d->sent) {
		say(d, "RSET");
		if (!read_reply(d, line))
			rc = SUBMIT_LOST;
	}
	return rc;
}
