/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/conv.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/conf/grammar.h"
#include "smtpd/conf/source.h"

#include "smtpd/conf/lex.h"

#define STRING_MAX    8095
#define INCLUDE_DEPTH 16

struct macro {
	char *name, *value;
};

/* One file being read. */
struct input {
	const uint8_t *p;
	size_t len, at;
	struct conf_pos pos;
};

struct reader {
	struct conf_lexer *lx;
	struct conf_source *source;
	struct buf *problems;
	struct macro *macros;
	size_t n_macros, n_fixed; /* the fixed ones, from -D, come first */
	int depth;
};

static const struct {
	const char *word;
	int token;
} keywords[] = {
	{ "action", ACTION },
	{ "admd", ADMD },
	{ "alias", ALIAS },
	{ "any", ANY },
	{ "auth", AUTH },
	{ "auth-optional", AUTH_OPTIONAL },
	{ "backup", BACKUP },
	{ "bounce", BOUNCE },
	{ "bypass", BYPASS },
	{ "ca", CA },
	{ "cert", CERT },
	{ "chain", CHAIN },
	{ "chroot", CHROOT },
	{ "ciphers", CIPHERS },
	{ "commit", COMMIT },
	{ "compression", COMPRESSION },
	{ "connect", CONNECT },
	{ "data", DATA },
	{ "data-line", DATA_LINE },
	{ "dhe", DHE },
	{ "disconnect", DISCONNECT },
	{ "domain", DOMAIN },
	{ "ehlo", EHLO },
	{ "encryption", ENCRYPTION },
	{ "expand-only", EXPAND_ONLY },
	{ "fcrdns", FCRDNS },
	{ "filter", FILTER },
	{ "for", FOR },
	{ "forward-only", FORWARD_ONLY },
	{ "from", FROM },
	{ "group", GROUP },
	{ "helo", HELO },
	{ "helo-src", HELO_SRC },
	{ "host", HOST },
	{ "hostname", HOSTNAME },
	{ "hostnames", HOSTNAMES },
	{ "include", INCLUDE },
	{ "inet4", INET4 },
	{ "inet6", INET6 },
	{ "junk", JUNK },
	{ "key", KEY },
	{ "limit", LIMIT },
	{ "listen", LISTEN },
	{ "lmtp", LMTP },
	{ "local", LOCAL },
	{ "mail-from", MAIL_FROM },
	{ "maildir", MAILDIR },
	{ "mask-src", MASK_SRC },
	{ "masquerade", MASQUERADE },
	{ "match", MATCH },
	{ "max-deferred", MAX_DEFERRED },
	{ "max-message-size", MAX_MESSAGE_SIZE },
	{ "mbox", MBOX },
	{ "mda", MDA },
	{ "mta", MTA },
	{ "mx", MX },
	{ "no-dsn", NO_DSN },
	{ "no-verify", NO_VERIFY },
	{ "noop", NOOP },
	{ "on", ON },
	{ "phase", PHASE },
	{ "pki", PKI },
	{ "port", PORT },
	{ "proc", PROC },
	{ "proc-exec", PROC_EXEC },
	{ "protocols", PROTOCOLS },
	{ "proxy-v2", PROXY_V2 },
	{ "queue", QUEUE },
	{ "quit", QUIT },
	{ "rcpt-to", RCPT_TO },
	{ "rdns", RDNS },
	{ "received-auth", RECEIVED_AUTH },
	{ "recipient", RECIPIENT },
	{ "regex", REGEX },
	{ "reject", REJECT },
	{ "relay", RELAY },
	{ "report", REPORT },
	{ "rewrite", REWRITE },
	{ "rset", RSET },
	{ "scheduler", SCHEDULER },
	{ "senders", SENDERS },
	{ "smtp", SMTP },
	{ "smtp-in", SMTP_IN },
	{ "smtp-out", SMTP_OUT },
	{ "smtps", SMTPS },
	{ "socket", SOCKET },
	{ "src", SRC },
	{ "srs", SRS },
	{ "sub-addr-delim", SUB_ADDR_DELIM },
	{ "table", TABLE },
	{ "tag", TAG },
	{ "tagged", TAGGED },
	{ "tls", TLS },
	{ "tls-require", TLS_REQUIRE },
	{ "ttl", TTL },
	{ "user", USER },
	{ "userbase", USERBASE },
	{ "verify", VERIFY },
	{ "virtual", VIRTUAL },
	{ "warn-interval", WARN_INTERVAL },
	{ "wrapper", WRAPPER },
};

/* Words of grammars before 6.4, and what says the same today. */
static const char *const renamed[][2] = {
	{ "accept", "\"match ... action NAME\"" },
	{ "deliver", "\"action NAME maildir|mbox|mda|lmtp\"" },
	{ "expire", "\"queue ttl\" or \"ttl\" in an action" },
	{ "secure", "\"tls\" and \"smtps\"" },
	{ "certificate", "\"pki NAME cert\"" },
	{ "ca-cert", "\"ca NAME cert\"" },
	{ "starttls", "\"tls\"" },
	{ "starttls-require", "\"tls-require\"" },
	{ "limits", "\"limit\"" },
	{ "max-mails", "\"smtp limit max-mails\"" },
	{ "sender", "\"mail-from\"" },
	{ "recipients", "\"rcpt-to\"" },
	{ "via", "\"relay host\"" },
	{ "as", "\"mail-from\" in an action relay" },
	{ "subaddressing-delimiter", "\"smtp sub-addr-delim\"" },
	{ "mask-source", "\"mask-src\"" },
	{ "proxy", "\"proxy-v2\"" },
};

const char *
conf_lex_renamed(const char *word)
{
	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++) {
		if (strcmp(renamed[i][0], word) == 0)
			return renamed[i][1];
	}
	return NULL;
}

static int
keyword(const char *word)
{
	size_t lo = 0, hi = sizeof(keywords) / sizeof(keywords[0]);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(word, keywords[mid].word);

		if (c == 0)
			return keywords[mid].token;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return STRING;
}

bool
conf_lex_plain(const char *word)
{
	size_t n = 0;

	if (!isalpha((unsigned char)word[0]))
		return false;
	while (
	    isalnum((unsigned char)word[n]) || word[n] == '_' || word[n] == '-')
		n++;
	return word[n] == '\0' && keyword(word) == STRING;
}

static void ATTR_PRINTF(3, 4)
    problem(struct reader *r, struct conf_pos pos, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (pos.line > 0)
		buf_printf(
		    r->problems, "%s:%d:%d: ", pos.file, pos.line, pos.column);
	buf_printf(r->problems, "%s\n", text);
	r->lx->failed = true;
}

static int
peek(const struct input *in)
{
	return in->at < in->len ? in->p[in->at] : -1;
}

static int
take(struct input *in)
{
	int c = peek(in);

	if (c == -1)
		return -1;
	in->at++;
	if (c == '\n') {
		in->pos.line++;
		in->pos.column = 1;
	} else {
		in->pos.column++;
	}
	return c;
}

static void
add_token(struct reader *r, int type, const char *text, struct conf_pos pos)
{
	struct conf_lexer *lx = r->lx;

	if ((lx->n_tokens & (lx->n_tokens - 1)) == 0)
		lx->tokens = xreallocarray(lx->tokens,
		    lx->n_tokens == 0 ? 1 : lx->n_tokens * 2,
		    sizeof(*lx->tokens));
	lx->tokens[lx->n_tokens++] = (struct conf_token){
		.type = type,
		.text = text == NULL ? NULL : xstrdup(text),
		.pos = pos,
	};
}

/* Blanks, joined lines and comments. */
static void
skip_blank(struct input *in)
{
	for (;;) {
		int c = peek(in);

		if (c == ' ' || c == '\t' || c == '\r') {
			take(in);
		} else if (c == '\\' && in->at + 1 < in->len &&
		    in->p[in->at + 1] == '\n') {
			take(in);
			take(in);
		} else if (c == '#') {
			while (peek(in) != -1 && peek(in) != '\n') {
				if (take(in) == '\\' && peek(in) == '\n')
					take(in);
			}
		} else {
			return;
		}
	}
}

static void
lex_quoted(struct reader *r, struct input *in)
{
	struct conf_pos pos = in->pos;
	struct buf text = { 0 };
	int quote = take(in), c;

	while ((c = take(in)) != quote) {
		if (c == -1) {
			problem(r, pos, "a string that does not end");
			break;
		}
		if (c == '\n')
			continue;
		if (c == '\\') {
			int next = peek(in);

			if (next == quote || next == ' ' || next == '\t')
				c = take(in);
			else if (next == '\n') {
				take(in);
				continue;
			}
		}
		if (c == '\0')
			problem(r, pos, "a NUL byte in a string");
		else
			buf_add_u8(&text, (uint8_t)c);
	}
	if (text.len > STRING_MAX)
		problem(r, pos, "a string above %d bytes", STRING_MAX);
	add_token(r, STRING, buf_str(&text), pos);
	buf_free(&text);
}

static bool
word_char(int c)
{
	return c != -1 &&
	    (isalnum(c) || (ispunct(c) && strchr("(){}<>!=#,\"'", c) == NULL));
}

/* Whether the digits at in are a number: see the lexical rules. */
static bool
at_number(const struct input *in)
{
	size_t i = in->at;

	if (in->p[i] == '-')
		i++;
	if (i >= in->len || !isdigit(in->p[i]))
		return false;
	while (i < in->len && isdigit(in->p[i]))
		i++;
	return i == in->len || strchr(" \t\r\n),/}=", in->p[i]) != NULL;
}

static void
lex_number(struct reader *r, struct input *in)
{
	struct conf_pos pos = in->pos;
	struct buf text = { 0 };
	int64_t v = 0;

	do {
		buf_add_u8(&text, (uint8_t)take(in));
	} while (isdigit(peek(in)));
	if (!conv_i64(buf_str(&text), INT64_MIN, INT64_MAX, &v))
		problem(r, pos, "the number %s is too large", buf_str(&text));
	add_token(r, NUMBER, buf_str(&text), pos);
	buf_free(&text);
}

static void lex_input(struct reader *r, struct input *in, bool top);

/* What -D gave wins over the file; in the file, the last definition. */
static const struct macro *
find_macro(const struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->n_fixed; i++) {
		if (strcmp(r->macros[i].name, name) == 0)
			return &r->macros[i];
	}
	for (size_t i = r->n_macros; i > r->n_fixed; i--) {
		if (strcmp(r->macros[i - 1].name, name) == 0)
			return &r->macros[i - 1];
	}
	return NULL;
}

/* $name: its value, read as if it stood here, but without '$' in it. */
static void
lex_macro_use(struct reader *r, struct input *in)
{
	struct conf_pos pos = in->pos;
	struct buf name = { 0 };
	const struct macro *m;
	struct input value;

	take(in);
	while (isalnum(peek(in)) || peek(in) == '_')
		buf_add_u8(&name, (uint8_t)take(in));
	m = find_macro(r, buf_str(&name));
	if (m != NULL) {
		value = (struct input){ (const uint8_t *)m->value,
			strlen(m->value), 0, pos };
		lex_input(r, &value, false);
		buf_free(&name);
		return;
	}
	problem(r, pos, "the macro \"%s\" is not defined", buf_str(&name));
	buf_free(&name);
}

static void
lex_word(struct reader *r, struct input *in)
{
	struct conf_pos pos = in->pos;
	struct buf text = { 0 };

	while (word_char(peek(in)))
		buf_add_u8(&text, (uint8_t)take(in));
	add_token(r, keyword(buf_str(&text)), buf_str(&text), pos);
	buf_free(&text);
}

static void
lex_one(struct reader *r, struct input *in, bool top)
{
	struct conf_pos pos = in->pos;
	int c = peek(in);

	if (c == '"' || c == '\'') {
		lex_quoted(r, in);
	} else if (c == '$' && top) {
		lex_macro_use(r, in);
	} else if ((isdigit(c) || c == '-') && at_number(in)) {
		lex_number(r, in);
	} else if (isalnum(c) || c == ':' || c == '_') {
		lex_word(r, in);
	} else if (c == '=' && in->at + 1 < in->len &&
	    in->p[in->at + 1] == '>') {
		take(in);
		take(in);
		add_token(r, ARROW, NULL, pos);
	} else if (strchr("{}()<>!=,\n", c) != NULL && c != '\0') {
		take(in);
		add_token(r, c, NULL, pos);
	} else {
		take(in);
		problem(r, pos,
		    "unexpected character '%c' (a word that starts so must "
		    "stand in quotes)",
		    isprint(c) ? c : '?');
	}
}

static void
define(struct reader *r, const char *name, const char *value)
{
	r->macros =
	    xreallocarray(r->macros, r->n_macros + 1, sizeof(*r->macros));
	r->macros[r->n_macros++] =
	    (struct macro){ xstrdup(name), xstrdup(value) };
}

static void lex_file(struct reader *r, const char *path, struct conf_pos from);

static void
include(struct reader *r, const char *pattern, struct conf_pos pos)
{
	char **paths;
	size_t n;

	if (strpbrk(pattern, "*?[") == NULL) {
		lex_file(r, pattern, pos);
		return;
	}
	conf_source_glob(r->source, pattern, &paths, &n);
	for (size_t i = 0; i < n; i++) {
		lex_file(r, paths[i], pos);
		free(paths[i]);
	}
	free(paths);
}

/*
 * A line has been read into tokens[first..]: a macro definition and an
 * include are done here and leave no token.
 */
static void
end_line(struct reader *r, size_t first)
{
	struct conf_lexer *lx = r->lx;
	struct conf_token *t = lx->tokens + first;
	size_t n = lx->n_tokens - first;
	bool is_macro = n >= 2 && t[0].type == STRING && t[1].type == '=';
	bool is_include = n >= 1 && t[0].type == INCLUDE;
	struct conf_token kept[3] = { { 0 } };

	if (!is_macro && !is_include)
		return;
	for (size_t i = 0; i < n; i++) {
		if (i < 3)
			kept[i] = t[i];
		else
			free(t[i].text);
	}
	lx->n_tokens = first;
	if (is_macro && n == 4 && kept[2].text != NULL) {
		define(r, kept[0].text, kept[2].text);
	} else if (is_include && n == 3 && kept[1].type == STRING) {
		include(r, kept[1].text, kept[1].pos);
	} else {
		problem(r, kept[0].pos,
		    is_macro ? "a macro is NAME = VALUE, the value one word or "
			       "one string in quotes" :
			       "include takes one path in quotes");
	}
	for (size_t i = 0; i < 3 && i < n; i++)
		free(kept[i].text);
}

static void
lex_input(struct reader *r, struct input *in, bool top)
{
	size_t first = r->lx->n_tokens;
	int depth = 0; /* of braces: a statement goes on within them */

	for (;;) {
		int last;

		skip_blank(in);
		if (peek(in) == -1)
			break;
		lex_one(r, in, top);
		if (!top || r->lx->n_tokens == first)
			continue;
		last = r->lx->tokens[r->lx->n_tokens - 1].type;
		depth += last == '{' ? 1 : last == '}' ? -1 : 0;
		if (last == '\n' && depth <= 0) {
			depth = 0;
			end_line(r, first);
			first = r->lx->n_tokens;
		}
	}
	if (top && r->lx->n_tokens > first) {
		add_token(r, '\n', NULL, in->pos);
		end_line(r, first);
	}
}

static void
lex_file(struct reader *r, const char *path, struct conf_pos from)
{
	struct conf_lexer *lx = r->lx;
	struct input in = { 0 };
	struct err e;

	if (r->depth == INCLUDE_DEPTH) {
		problem(r, from, "includes deeper than %d", INCLUDE_DEPTH);
		return;
	}
	if (conf_source_get(r->source, path, &in.p, &in.len, &e) == -1) {
		problem(r, from, "%s", e.msg);
		return;
	}
	lx->files =
	    xreallocarray(lx->files, lx->n_files + 1, sizeof(*lx->files));
	lx->files[lx->n_files] = xstrdup(path);
	in.pos = (struct conf_pos){ lx->files[lx->n_files++], 1, 1 };
	r->depth++;
	lex_input(r, &in, true);
	r->depth--;
}

void
conf_lex(struct conf_lexer *lx, struct conf_source *source, const char *path,
    const char *const *macros, size_t n_macros, struct buf *problems)
{
	struct reader r = { lx, source, problems, NULL, 0, 0, 0 };
	struct conf_pos top = { path, 0, 0 };

	*lx = (struct conf_lexer){ 0 };
	for (size_t i = 0; i < n_macros; i++) {
		const char *eq = strchr(macros[i], '=');
		char *name;

		if (eq == NULL)
			continue;
		name = xstrndup(macros[i], (size_t)(eq - macros[i]));
		define(&r, name, eq + 1);
		free(name);
	}
	r.n_fixed = r.n_macros;
	lex_file(&r, path, top);
	if (lx->n_files > 0)
		top.file = lx->files[0];
	add_token(&r, 0, NULL,
	    lx->n_tokens > 0 ? lx->tokens[lx->n_tokens - 1].pos : top);
	for (size_t i = 0; i < r.n_macros; i++) {
		free(r.macros[i].name);
		free(r.macros[i].value);
	}
	free(r.macros);
}

void
conf_lex_free(struct conf_lexer *lx)
{
	for (size_t i = 0; i < lx->n_tokens; i++)
		free(lx->tokens[i].text);
	free(lx->tokens);
	for (size_t i = 0; i < lx->n_files; i++)
		free(lx->files[i]);
	free(lx->files);
	*lx = (struct conf_lexer){ 0 };
}
