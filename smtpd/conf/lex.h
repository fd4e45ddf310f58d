/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * conf_lex: smtpd.conf as tokens, with macros and includes resolved.
 *
 * Lexical rules: a statement ends with its line; backslash and newline join
 * lines; '#' starts a comment; "..." and '...' are strings in which a
 * backslash takes the meaning from the same quote, blank or newline only;
 * a bare word starts with a letter, digit, ':' or '_' and goes on with
 * anything printable but ( ) { } < > ! = # and comma; a number is digits
 * before a blank, a closing mark or the end.
 *
 * Errors: problems get one line each; reading goes on after them.
 */
#ifndef SMTPD_CONF_LEX_H
#define SMTPD_CONF_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smtpd/conf/conf.h"

struct buf;
struct conf_source;

struct conf_token {
	int type;   /* of the grammar: a keyword, STRING, NUMBER, a character */
	char *text; /* for words, strings and numbers */
	struct conf_pos pos;
};

struct conf_lexer {
	struct conf_token *tokens; /* the last has type 0 */
	size_t n_tokens;
	char **files; /* names that positions point to; moved to the tree */
	size_t n_files;
	bool failed;
};

/* Read path and what it includes. */
void conf_lex(struct conf_lexer *lx, struct conf_source *source,
    const char *path, const char *const *macros, size_t n_macros,
    struct buf *problems);

/* Release all, but the file names when they have been moved away. */
void conf_lex_free(struct conf_lexer *lx);

/* Whether a word means itself without quotes: letters, digits, no keyword. */
bool conf_lex_plain(const char *word);

/* The keyword of today for one of an older grammar, or NULL. */
const char *conf_lex_renamed(const char *word);

#endif
