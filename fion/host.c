/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * host: commands carried out: from keys, prompts and the control socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "fion/control/paths.h"
#include "fion/control/request.h"
#include "fion/model/layout.h"
#include "fion/session_internal.h"
#include "fion/words.h"

/* Split at blanks in place; ends with NULL.  How many. */
static size_t
split(char *text, const char **words, size_t max)
{
	char *rest = text, *word;
	size_t n = 0;

	while (n < max && (word = strsep(&rest, " \t")) != NULL)
		if (word[0] != '\0')
			words[n++] = word;
	words[n] = NULL;
	return n;
}

static int
op_close(void *ctx, struct win *w, bool kill, struct err *e)
{
	struct session *s = ctx;

	(void)e;
	x_close_window(s->x, w, kill);
	return 0;
}

static int
op_exec(void *ctx, const char *const *argv, struct err *e)
{
	struct session *s = ctx;

	return keeper_exec(s->keeper, argv, -1, -1, e);
}

static int
op_mode(void *ctx, const char *name, bool held, struct err *e)
{
	struct session *s = ctx;

	return x_enter_mode(s->x, name, held, e);
}

/* A name for the prompt that outlives the command that asked. */
static const char *
kind_name(const char *kind)
{
	static const char *const kinds[] = { "run", "window", "workspace",
		"ssh", "man", "command", "rename" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return kinds[i];
	return NULL;
}

static int
op_prompt(void *ctx, const char *kind, struct err *e)
{
	struct session *s = ctx;
	struct prompt_words words;

	if (kind_name(kind) == NULL || !words_for(kind, s->m, &words)) {
		err_set(e, ERR_USAGE, "no prompt \"%s\"", kind);
		return -1;
	}
	return x_ask(s->x, kind_name(kind), &words, &s->history, e);
}

/* The first program of the list that there is. */
static bool
find_program(const char *name)
{
	const char *path = getenv("PATH");
	char *copy = xstrdup(path != NULL ? path : "/usr/bin:/bin");
	char *rest = copy, *dir;
	bool found = false;

	while (!found && (dir = strsep(&rest, ":")) != NULL) {
		char *full = xasprintf("%s/%s", dir, name);

		found = access(full, X_OK) == 0;
		free(full);
	}
	free(copy);
	return found;
}

static int
start_terminal(struct session *s, struct err *e)
{
	char *list = xstrdup(s->config->set.terminal);
	const char *words[17], *argv[2] = { NULL, NULL };
	int rc = -1;

	split(list, words, 16);
	for (size_t i = 0; words[i] != NULL && argv[0] == NULL; i++)
		if (find_program(words[i]))
			argv[0] = words[i];
	if (argv[0] != NULL)
		rc = keeper_exec(s->keeper, argv, -1, -1, e);
	else
		err_set(e, ERR_NOT_FOUND,
		    "none of these terminals is "
		    "installed: %s",
		    s->config->set.terminal);
	free(list);
	return rc;
}

static int
save_layout(struct session *s, const char *name, struct err *e)
{
	char *path = path_layout(name), *temp, *text;
	json_t *j;
	FILE *f;
	int rc = -1;

	if (path == NULL) {
		err_set(e, ERR_USAGE,
		    "\"%s\": a layout's name has letters, "
		    "digits, - and _",
		    name);
		return -1;
	}
	temp = xasprintf("%s.new", path);
	j = layout_tree(s->m, false);
	text = json_dumps(j, JSON_INDENT(2));
	f = fopen(temp, "we");
	if (f == NULL || fprintf(f, "%s\n", text) < 0 || fflush(f) == EOF ||
	    fsync(fileno(f)) == -1 || rename(temp, path) == -1)
		err_sys(e, "%s", path);
	else
		rc = 0;
	if (f != NULL)
		fclose(f);
	json_decref(j);
	free(text);
	free(temp);
	free(path);
	return rc;
}

static int
load_layout(struct session *s, const char *name, struct err *e)
{
	char *path = path_layout(name), *text;
	FILE *f;
	size_t n;
	int rc = -1;

	if (path == NULL) {
		err_set(e, ERR_USAGE, "\"%s\" names no layout", name);
		return -1;
	}
	f = fopen(path, "re");
	if (f == NULL) {
		err_sys(e, "%s", path);
	} else {
		text = xmalloc(LAYOUT_BYTES + 1);
		n = fread(text, 1, LAYOUT_BYTES + 1, f);
		rc = layout_load(s->m, text, n, e);
		if (rc == -1)
			err_wrap(e, "%s", path);
		free(text);
		fclose(f);
	}
	free(path);
	return rc;
}

static int
reload(struct session *s, struct err *e)
{
	char *path = s->options->config != NULL ? xstrdup(s->options->config) :
						  path_config();
	struct config *c = config_load(path, s->options->config != NULL, e);

	free(path);
	if (c == NULL) {
		x_say(s->x, e->msg);
		return -1;
	}
	x_set_config(s->x, c);
	config_free(s->config);
	s->config = c;
	session_status_start(s);
	session_clock(s);
	x_note(s->x, "The configuration is read.");
	return 0;
}

static int
repeat(struct session *s, struct err *e)
{
	if (s->last == NULL) {
		err_set(e, ERR_NOT_FOUND, "no command to repeat");
		return -1;
	}
	return cmd_run(&s->host, s->n_last, (const char *const *)s->last,
	    s->last_times, e);
}

static int
op_wm(void *ctx, enum cmd_wm what, const char *arg, struct err *e)
{
	struct session *s = ctx;

	switch (what) {
	case CMD_WM_RELOAD:
		return reload(s, e);
	case CMD_WM_RESTART:
		s->exit_code = KEEPER_RESTART;
		return 0;
	case CMD_WM_QUIT:
		s->exit_code = 0;
		return 0;
	case CMD_WM_SAVE:
		return save_layout(s, arg, e);
	case CMD_WM_LOAD:
		return load_layout(s, arg, e);
	case CMD_WM_PASS:
		x_pass_next(s->x);
		return 0;
	case CMD_WM_BAR:
		x_toggle_bar(s->x);
		return 0;
	case CMD_WM_TERMINAL:
		return start_terminal(s, e);
	case CMD_WM_REPEAT:
		return repeat(s, e);
	}
	return 0;
}

const struct cmd_ops session_ops = {
	.close = op_close,
	.exec = op_exec,
	.mode = op_mode,
	.prompt = op_prompt,
	.wm = op_wm,
};

static void
free_words(char **words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(words[i]);
	free(words);
}

void
session_forget(struct session *s)
{
	free_words(s->last, s->n_last);
	s->last = NULL;
	s->n_last = 0;
}

int
session_command(struct session *s, size_t n, const char *const *words,
    unsigned times, struct err *e)
{
	/* The words may be of a configuration that the command replaces. */
	char **own = xcalloc(n + 1, sizeof(*own));
	int rc;

	for (size_t i = 0; i < n; i++)
		own[i] = xstrdup(words[i]);
	rc = cmd_run(&s->host, n, (const char *const *)own, times, e);
	x_touch(s->x);
	if (rc == -1 || strcmp(own[0], "repeat") == 0 ||
	    strcmp(own[0], "mode") == 0) {
		free_words(own, n);
		return rc;
	}
	session_forget(s);
	s->last = own;
	s->n_last = n;
	s->last_times = times;
	return 0;
}

/* Hooks of x ---------------------------------------------------------------- */

static void
on_command(void *ctx, size_t n, const char *const *words, unsigned times)
{
	struct session *s = ctx;
	struct err e = { 0 };

	if (session_command(s, n, words, times, &e) == -1)
		x_say(s->x, e.msg);
}

/* A program in a terminal: "xterm -e" and the words. */
static int
in_terminal(struct session *s, const char *program, char *line, struct err *e)
{
	char *run = xstrdup(s->config->set.launcher_terminal);
	const char *argv[CMD_WORDS + 1];
	size_t n = split(run, argv, 16);
	int rc;

	argv[n++] = program;
	split(line, argv + n, CMD_WORDS - n);
	rc = keeper_exec(s->keeper, argv, -1, -1, e);
	free(run);
	return rc;
}

/* "title  (Class 0x1234)": the window of that number. */
static int
go_to_window(struct session *s, const char *line, struct err *e)
{
	const char *at = strrchr(line, ' ');
	char *number = xstrdup(at != NULL ? at + 1 : line);
	const char *words[] = { "tab", "focus", number };
	int rc;

	number[strcspn(number, ")")] = '\0';
	rc = cmd_run(&s->host, 3, words, 1, e);
	free(number);
	return rc;
}

static int
do_line(struct session *s, const char *kind, const char *line, char *copy,
    struct err *e)
{
	const char *words[CMD_WORDS + 1];
	size_t n;

	if (strcmp(kind, "window") == 0)
		return go_to_window(s, line, e);
	if (strcmp(kind, "ssh") == 0 || strcmp(kind, "man") == 0)
		return in_terminal(s, kind, copy, e);
	if (strcmp(kind, "workspace") == 0 || strcmp(kind, "rename") == 0) {
		const char *ws[] = { "workspace",
			kind[0] == 'w' ? "pick" : "rename", line };

		return cmd_run(&s->host, 3, ws, 1, e);
	}
	n = split(copy, words, CMD_WORDS);
	if (n == 0)
		return 0;
	if (strcmp(kind, "command") == 0)
		return session_command(s, n, words, 1, e);
	return keeper_exec(s->keeper, words, -1, -1, e);
}

static void
on_line(void *ctx, const char *kind, const char *line)
{
	struct session *s = ctx;
	struct err e = { 0 };
	char *copy = xstrdup(line);

	history_add(&s->history, kind, line);
	x_touch(s->x);
	if (line[0] != '\0' && do_line(s, kind, line, copy, &e) == -1)
		x_say(s->x, e.msg);
	free(copy);
}

static void
on_event(void *ctx, const char *what, const struct win *w)
{
	session_event(ctx, what, w);
}

static void
on_click(void *ctx, size_t block, unsigned button)
{
	struct session *s = ctx;
	struct buf b = { 0 };

	if (s->status_in == -1 || !s->status.clicks || block >= s->status.n)
		return;
	status_click(&s->status, block, button, &b);
	/* A command that does not read its clicks loses them. */
	if (write(s->status_in, b.data, b.len) == -1)
		s->status.clicks = errno == EAGAIN;
	buf_free(&b);
}

const struct x_hooks session_hooks = {
	.command = on_command,
	.line = on_line,
	.event = on_event,
	.click = on_click,
};
