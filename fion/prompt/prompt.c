/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <xkbcommon/xkbcommon-keysyms.h>

#include "lib/mem.h"

#include "fion/prompt/prompt.h"

void
words_add(struct prompt_words *w, const char *word)
{
	if (w->n >= PROMPT_WORDS || word[0] == '\0')
		return;
	if ((w->n & (w->n - 1)) == 0)
		w->words = xreallocarray(
		    w->words, w->n == 0 ? 1 : w->n * 2, sizeof(*w->words));
	w->words[w->n++] = xstrdup(word);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
words_sort(struct prompt_words *w)
{
	size_t kept = 0;

	if (w->n == 0)
		return;
	qsort(w->words, w->n, sizeof(*w->words), compare);
	for (size_t i = 1; i < w->n; i++) {
		if (strcmp(w->words[i], w->words[kept]) == 0)
			free(w->words[i]);
		else
			w->words[++kept] = w->words[i];
	}
	w->n = kept + 1;
}

void
words_clear(struct prompt_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->words[i]);
	free(w->words);
	w->words = NULL;
	w->n = 0;
}

void
history_add(struct prompt_history *h, const char *kind, const char *text)
{
	char *line;

	if (text[0] == '\0')
		return;
	line = xasprintf("%s %s", kind, text);
	for (size_t i = 0; i < h->n; i++) {
		if (strcmp(h->lines[i], line) != 0)
			continue;
		free(h->lines[i]);
		memmove(&h->lines[i], &h->lines[i + 1],
		    (--h->n - i) * sizeof(h->lines[0]));
	}
	if (h->n == PROMPT_HISTORY) {
		free(h->lines[0]);
		memmove(
		    &h->lines[0], &h->lines[1], --h->n * sizeof(h->lines[0]));
	}
	h->lines[h->n++] = line;
}

void
history_load(struct prompt_history *h, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		const char *nl = memchr(text + i, '\n', len - i);
		size_t n = nl == NULL ? len - i : (size_t)(nl - text) - i;
		char *line = xstrndup(text + i, n);
		char *space = strchr(line, ' ');

		if (space != NULL && n < PROMPT_BYTES) {
			*space = '\0';
			history_add(h, line, space + 1);
		}
		free(line);
		i += n + 1;
	}
}

void
history_dump(const struct prompt_history *h, struct buf *out)
{
	for (size_t i = 0; i < h->n; i++)
		buf_printf(out, "%s\n", h->lines[i]);
}

void
history_clear(struct prompt_history *h)
{
	while (h->n > 0)
		free(h->lines[--h->n]);
}

void
prompt_init(struct prompt *p, const char *kind, struct prompt_history *history)
{
	memset(p, 0, sizeof(*p));
	p->kind = kind;
	p->history = history;
	p->pick = strcmp(kind, "window") == 0;
}

void
prompt_clear(struct prompt *p)
{
	buf_free(&p->text);
	buf_free(&p->typed);
	words_clear(&p->words);
	memset(p, 0, sizeof(*p));
}

const char *
prompt_text(struct prompt *p)
{
	return buf_str(&p->text);
}

static void
set_text(struct prompt *p, const char *text)
{
	buf_reset(&p->text);
	buf_add_str(&p->text, text);
	p->cursor = p->text.len;
}

static void
insert(struct prompt *p, const char *text)
{
	size_t len = strlen(text);
	uint8_t *at;

	if (p->text.len + len >= PROMPT_BYTES)
		return;
	buf_add_str(&p->text, text);
	at = p->text.data + p->cursor;
	memmove(at + len, at, p->text.len - len - p->cursor);
	memcpy(at, text, len);
	p->cursor += len;
}

/* Where the character before (or after) the place begins. */
static size_t
back(const struct prompt *p, size_t at)
{
	while (at > 0 && (p->text.data[--at] & 0xc0) == 0x80)
		;
	return at;
}

static size_t
forth(const struct prompt *p, size_t at)
{
	if (at < p->text.len)
		at++;
	while (at < p->text.len && (p->text.data[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static void
erase(struct prompt *p, size_t from, size_t to)
{
	memmove(p->text.data + from, p->text.data + to, p->text.len - to);
	p->text.len -= to - from;
	p->cursor = from;
}

static size_t
word_back(const struct prompt *p)
{
	size_t at = p->cursor;

	while (at > 0 && p->text.data[at - 1] == ' ')
		at--;
	while (at > 0 && p->text.data[at - 1] != ' ')
		at--;
	return at;
}

/* What fits: 2 at its beginning, 1 inside, 0 not. */
static int
fits(const char *word, const char *typed, size_t len)
{
	if (strncasecmp(word, typed, len) == 0)
		return 2;
	return strcasestr(word, typed) != NULL ? 1 : 0;
}

const char *
prompt_match(const struct prompt *p, size_t i)
{
	const struct buf *b = p->completing ? &p->typed : &p->text;
	char typed[PROMPT_BYTES];

	if (b->len >= sizeof(typed))
		return NULL;
	if (b->len > 0)
		memcpy(typed, b->data, b->len);
	typed[b->len] = '\0';
	for (int want = 2; want >= 1; want--)
		for (size_t w = 0; w < p->words.n; w++)
			if (fits(p->words.words[w], typed, b->len) == want &&
			    i-- == 0)
				return p->words.words[w];
	return NULL;
}

static void
complete(struct prompt *p, bool on)
{
	const char *word;

	if (!p->completing) {
		buf_reset(&p->typed);
		buf_add(&p->typed, buf_str(&p->text), p->text.len);
		p->completing = true;
		p->match = 0;
	} else if (on) {
		p->match++;
	} else if (p->match > 0) {
		p->match--;
	}
	word = prompt_match(p, p->match);
	if (word == NULL) {
		p->match = 0;
		word = prompt_match(p, 0);
	}
	if (word != NULL)
		set_text(p, word);
	else
		p->completing = false;
}

/* The line of this kind n back, or NULL. */
static const char *
history_back(const struct prompt *p, size_t n)
{
	size_t len = strlen(p->kind);

	for (size_t i = p->history->n; i > 0 && n > 0; i--) {
		const char *line = p->history->lines[i - 1];

		if (strncmp(line, p->kind, len) == 0 && line[len] == ' ' &&
		    --n == 0)
			return line + len + 1;
	}
	return NULL;
}

static void
recall(struct prompt *p, bool older)
{
	const char *line;

	if (!older && p->recall <= 1) {
		p->recall = 0;
		set_text(p, "");
		return;
	}
	line = history_back(p, older ? p->recall + 1 : p->recall - 1);
	if (line != NULL) {
		p->recall = older ? p->recall + 1 : p->recall - 1;
		set_text(p, line);
	}
}

static void
edit(struct prompt *p, uint32_t sym)
{
	switch (sym) {
	case XKB_KEY_BackSpace:
		erase(p, back(p, p->cursor), p->cursor);
		break;
	case XKB_KEY_Delete:
		erase(p, p->cursor, forth(p, p->cursor));
		break;
	case XKB_KEY_Left:
		p->cursor = back(p, p->cursor);
		break;
	case XKB_KEY_Right:
		p->cursor = forth(p, p->cursor);
		break;
	case XKB_KEY_Home:
		p->cursor = 0;
		break;
	case XKB_KEY_End:
		p->cursor = p->text.len;
		break;
	}
}

/* Ctrl and a letter, as in a shell, is one of the other keys. */
static uint32_t
plain(struct prompt *p, uint32_t sym)
{
	switch (sym) {
	case XKB_KEY_a:
		return XKB_KEY_Home;
	case XKB_KEY_e:
		return XKB_KEY_End;
	case XKB_KEY_b:
		return XKB_KEY_Left;
	case XKB_KEY_f:
		return XKB_KEY_Right;
	case XKB_KEY_h:
		return XKB_KEY_BackSpace;
	case XKB_KEY_d:
		return XKB_KEY_Delete;
	case XKB_KEY_p:
		return XKB_KEY_Up;
	case XKB_KEY_n:
		return XKB_KEY_Down;
	case XKB_KEY_c:
	case XKB_KEY_g:
		return XKB_KEY_Escape;
	case XKB_KEY_j:
	case XKB_KEY_m:
		return XKB_KEY_Return;
	case XKB_KEY_u:
		erase(p, 0, p->cursor);
		return XKB_KEY_NoSymbol;
	case XKB_KEY_w:
		erase(p, word_back(p), p->cursor);
		return XKB_KEY_NoSymbol;
	}
	return XKB_KEY_NoSymbol;
}

/* The line as it is, or the word that it begins. */
static enum prompt_result
done(struct prompt *p)
{
	const char *word = prompt_match(p, 0);

	if (p->pick && !p->completing && p->text.len > 0 && word != NULL)
		set_text(p, word);
	return PROMPT_DONE;
}

enum prompt_result
prompt_key(struct prompt *p, uint32_t sym, bool ctrl, const char *text)
{
	if (p->text.data == NULL)
		buf_reserve(&p->text, 1);
	if (ctrl) {
		sym = plain(p, sym);
		text = "";
	}
	switch (sym) {
	case XKB_KEY_Escape:
		return PROMPT_CANCELLED;
	case XKB_KEY_Return:
	case XKB_KEY_KP_Enter:
		return done(p);
	case XKB_KEY_Tab:
	case XKB_KEY_ISO_Left_Tab:
		complete(p, sym == XKB_KEY_Tab);
		return PROMPT_GOING;
	case XKB_KEY_Up:
	case XKB_KEY_Down:
		p->completing = false;
		recall(p, sym == XKB_KEY_Up);
		return PROMPT_GOING;
	}
	edit(p, sym);
	if ((uint8_t)text[0] >= ' ' && text[0] != 0x7f)
		insert(p, text);
	p->completing = false;
	return PROMPT_GOING;
}
