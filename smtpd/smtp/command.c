/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/conv.h"

#include "smtpd/smtp/command.h"

#define SYNTAX_ADDRESS "553 5.1.3 Address syntax error"
#define SYNTAX_OPTION  "501 5.5.4 Syntax error in parameters"
#define UNKNOWN_OPTION "555 5.5.4 Parameter not recognized"

static const char *const verbs[] = {
	[SMTP_HELO] = "HELO",
	[SMTP_EHLO] = "EHLO",
	[SMTP_STARTTLS] = "STARTTLS",
	[SMTP_AUTH] = "AUTH",
	[SMTP_MAIL] = "MAIL",
	[SMTP_RCPT] = "RCPT",
	[SMTP_DATA] = "DATA",
	[SMTP_BDAT] = "BDAT",
	[SMTP_RSET] = "RSET",
	[SMTP_NOOP] = "NOOP",
	[SMTP_QUIT] = "QUIT",
	[SMTP_HELP] = "HELP",
	[SMTP_VRFY] = "VRFY",
	[SMTP_EXPN] = "EXPN",
};

const char *
smtp_verb_name(enum smtp_verb v)
{
	return v == SMTP_UNKNOWN ? "?" : verbs[v];
}

enum smtp_verb
smtp_command_verb(const char *line, const char **arg)
{
	size_t n = strcspn(line, " \t");

	*arg = line + n + strspn(line + n, " \t");
	for (unsigned v = 0; v < SMTP_UNKNOWN; v++) {
		if (strlen(verbs[v]) == n &&
		    strncasecmp(verbs[v], line, n) == 0)
			return v;
	}
	return SMTP_UNKNOWN;
}

/*
 * "<path>" at s, after an optional source route, which is ignored.  Gives
 * what is between the marks and moves on to what follows them.
 */
static bool
take_path(const char **s, const char **path, size_t *len)
{
	const char *p = *s, *end;
	bool quoted = false;

	if (*p != '<')
		return false;
	p++;
	if (*p == '@') {
		p = strchr(p, ':');
		if (p == NULL)
			return false;
		p++;
	}
	for (end = p; *end != '\0' && (quoted || *end != '>'); end++) {
		if (*end == '"')
			quoted = !quoted;
		else if (*end == '\\' && quoted && end[1] != '\0')
			end++;
	}
	if (*end != '>')
		return false;
	*path = p;
	*len = (size_t)(end - p);
	*s = end + 1;
	return *end == '>' && (**s == '\0' || **s == ' ');
}

bool
smtp_xtext_valid(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s < '!' || *s > '~' || *s == '=')
			return false;
		if (*s == '+') {
			char hex[3] = { s[1], s[1] == '\0' ? '\0' : s[2], 0 };

			if (strspn(hex, "0123456789ABCDEF") != 2 ||
			    strtol(hex, NULL, 16) < ' ' ||
			    strtol(hex, NULL, 16) > '~')
				return false;
			s += 2;
		}
	}
	return true;
}

/*
 * Cut the next " KEY=VALUE" off *s.  1 when there was one, 0 at the end, -1
 * for nonsense.  value is NULL when there is no '='.
 */
static int
next_option(char **s, char **key, char **value)
{
	char *p = *s + strspn(*s, " ");

	if (*p == '\0')
		return 0;
	*key = p;
	p += strcspn(p, " ");
	if (*p != '\0')
		*p++ = '\0';
	*s = p;
	*value = strchr(*key, '=');
	if (*value != NULL) {
		*(*value)++ = '\0';
		if (**value == '\0')
			return -1;
	}
	return **key == '\0' ? -1 : 1;
}

static const char *
mail_option(const char *key, const char *value, struct smtp_mail *out)
{
	if (strcasecmp(key, "SMTPUTF8") == 0 && value == NULL) {
		out->utf8 = true;
		return NULL;
	}
	if (value == NULL)
		return UNKNOWN_OPTION;
	if (strcasecmp(key, "SIZE") == 0)
		return conv_u64(value, 0, INT64_MAX, &out->size) ?
		    NULL :
		    SYNTAX_OPTION;
	if (strcasecmp(key, "BODY") == 0) {
		out->body_8bit = strcasecmp(value, "8BITMIME") == 0;
		return out->body_8bit || strcasecmp(value, "7BIT") == 0 ?
		    NULL :
		    SYNTAX_OPTION;
	}
	if (strcasecmp(key, "AUTH") == 0)
		return smtp_xtext_valid(value) ? NULL : SYNTAX_OPTION;
	if (strcasecmp(key, "RET") == 0) {
		out->has_dsn = true;
		out->ret = strcasecmp(value, "FULL") == 0 ? DSN_RET_FULL :
		    strcasecmp(value, "HDRS") == 0        ? DSN_RET_HDRS :
							    DSN_RET_NONE;
		return out->ret == DSN_RET_NONE ? SYNTAX_OPTION : NULL;
	}
	if (strcasecmp(key, "ENVID") == 0) {
		out->has_dsn = true;
		if (strlen(value) > SMTP_ENVID_MAX || !smtp_xtext_valid(value))
			return SYNTAX_OPTION;
		memcpy(out->envid, value, strlen(value) + 1);
		return NULL;
	}
	return UNKNOWN_OPTION;
}

/* Skip "FROM:" or "TO:" and blanks after it, which many clients send. */
static const char *
skip_word(const char *arg, const char *word)
{
	if (strncasecmp(arg, word, strlen(word)) != 0)
		return NULL;
	arg += strlen(word);
	return arg + strspn(arg, " ");
}

const char *
smtp_parse_mail(const char *arg, struct smtp_mail *out)
{
	char options[SMTP_COMMAND_MAX + 1], *s = options, *key, *value;
	const char *path, *problem;
	size_t len;
	int rc;

	memset(out, 0, sizeof(*out));
	arg = skip_word(arg, "FROM:");
	if (arg == NULL || strlen(arg) > SMTP_COMMAND_MAX)
		return "501 5.5.4 Syntax: MAIL FROM:<address>";
	if (!take_path(&arg, &path, &len))
		return SYNTAX_ADDRESS;
	memcpy(options, arg, strlen(arg) + 1);
	while ((rc = next_option(&s, &key, &value)) == 1) {
		problem = mail_option(key, value, out);
		if (problem != NULL)
			return problem;
	}
	if (rc == -1)
		return SYNTAX_OPTION;
	if (len > 0 && !address_parse(path, len, out->utf8, &out->from))
		return SYNTAX_ADDRESS;
	return NULL;
}

/* NOTIFY=NEVER, or a list of the others. */
static bool
parse_notify(char *value, unsigned *out)
{
	char *save = NULL;

	*out = 0;
	for (char *w = strtok_r(value, ",", &save); w != NULL;
	     w = strtok_r(NULL, ",", &save)) {
		if (strcasecmp(w, "SUCCESS") == 0)
			*out |= DSN_SUCCESS;
		else if (strcasecmp(w, "FAILURE") == 0)
			*out |= DSN_FAILURE;
		else if (strcasecmp(w, "DELAY") == 0)
			*out |= DSN_DELAY;
		else if (strcasecmp(w, "NEVER") == 0)
			*out |= DSN_NEVER;
		else
			return false;
	}
	return *out == DSN_NEVER || (*out != 0 && (*out & DSN_NEVER) == 0);
}

static const char *
rcpt_option(const char *key, char *value, struct smtp_rcpt *out)
{
	const char *semicolon;

	if (value == NULL)
		return UNKNOWN_OPTION;
	out->has_dsn = true;
	if (strcasecmp(key, "NOTIFY") == 0)
		return parse_notify(value, &out->notify) ? NULL : SYNTAX_OPTION;
	if (strcasecmp(key, "ORCPT") == 0) {
		semicolon = strchr(value, ';');
		if (semicolon == NULL || semicolon == value ||
		    strlen(value) > SMTP_ORCPT_MAX || !smtp_xtext_valid(value))
			return SYNTAX_OPTION;
		memcpy(out->orcpt, value, strlen(value) + 1);
		return NULL;
	}
	return UNKNOWN_OPTION;
}

const char *
smtp_parse_rcpt(const char *arg, bool utf8, struct smtp_rcpt *out)
{
	char options[SMTP_COMMAND_MAX + 1], *s = options, *key, *value;
	const char *path, *problem;
	size_t len;
	int rc;

	memset(out, 0, sizeof(*out));
	arg = skip_word(arg, "TO:");
	if (arg == NULL || strlen(arg) > SMTP_COMMAND_MAX)
		return "501 5.5.4 Syntax: RCPT TO:<address>";
	if (!take_path(&arg, &path, &len) || len == 0 ||
	    !address_parse(path, len, utf8, &out->to))
		return SYNTAX_ADDRESS;
	memcpy(options, arg, strlen(arg) + 1);
	while ((rc = next_option(&s, &key, &value)) == 1) {
		problem = rcpt_option(key, value, out);
		if (problem != NULL)
			return problem;
	}
	return rc == -1 ? SYNTAX_OPTION : NULL;
}

const char *
smtp_parse_bdat(const char *arg, struct smtp_bdat *out)
{
	char number[24];
	size_t n = strcspn(arg, " ");

	if (n >= sizeof(number))
		return SYNTAX_OPTION;
	memcpy(number, arg, n);
	number[n] = '\0';
	out->last = false;
	if (!conv_u64(number, 0, INT64_MAX, &out->len))
		return SYNTAX_OPTION;
	arg += n + strspn(arg + n, " ");
	if (*arg == '\0')
		return NULL;
	out->last = strcasecmp(arg, "LAST") == 0;
	return out->last ? NULL : SYNTAX_OPTION;
}

bool
smtp_helo_valid(const char *arg)
{
	size_t len = strlen(arg);

	if (len == 0 || len > ADDRESS_DOMAIN_MAX)
		return false;
	if (arg[0] == '[')
		return address_domain_valid(arg, len, false);
	for (; *arg != '\0'; arg++) {
		if (!isalnum((unsigned char)*arg) &&
		    strchr("-._:", *arg) == NULL && (unsigned char)*arg < 0x80)
			return false;
	}
	return true;
}
