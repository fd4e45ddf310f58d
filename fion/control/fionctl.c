/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * fionctl: tell fion what to do, ask how things are, listen.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/opt.h"

#include "fion/cmd/cmd.h"
#include "fion/control/paths.h"

#define LEFT 33 /* columns of a command in the help */

enum {
	OPT_HELP = 'h',
	OPT_JSON = 'j',
	OPT_DISPLAY = 'd',
	OPT_VERSION = 256,
};

/* What fionctl knows beside the commands of fion; as in cmd_table. */
static const struct cmd requests[] = {
	{ "get", "tree", "", "everything, as a tree", 0, 0, false },
	{ "get", "screens", "", "the screens", 0, 0, false },
	{ "get", "workspaces", "", "the workspaces, of all screens", 0, 0,
	    false },
	{ "get", "windows", "", "all windows", 0, 0, false },
	{ "get", "focused", "", "the window that has the focus", 0, 0, false },
	{ "get", "keys", "", "every mode and what its keys do", 0, 0, false },
	{ "get", "commands", "", "every command", 0, 0, false },
	{ "get", "config", "", "every setting and its value", 0, 0, false },
	{ "get", "mode", "", "the mode that waits for a key", 0, 0, false },
	{ "get", "version", "", "the version of the fion that runs", 0, 0,
	    false },
	{ "subscribe", NULL, "", "the tree, then events as they happen", 0, 0,
	    false },
	{ "sync", NULL, "", "wait until all is done and drawn", 0, 0, false },
	{ "help", NULL, "[COMMAND]", "what there is; or about a command", 0, 2,
	    false },
	{ NULL, NULL, NULL, NULL, 0, 0, false },
};

static const struct opt options[] = {
	{ OPT_DISPLAY, "display", "DISPLAY", "the fion of this display" },
	{ OPT_JSON, "json", NULL, "print the whole answer as JSON" },
	{ OPT_HELP, "help", NULL, "this" },
	{ OPT_VERSION, "version", NULL, "print the version" },
	{ 0, NULL, NULL, NULL },
};

static void
usage(FILE *out)
{
	fprintf(out,
	    "usage: fionctl [-j] [-d DISPLAY] COMMAND [ARGUMENT ...]\n"
	    "       fionctl [-j] [-d DISPLAY] get WHAT\n"
	    "       fionctl [-d DISPLAY] subscribe\n"
	    "       fionctl help [COMMAND]\n\n");
	opt_print(options, out);
}

/* The lines of a table whose noun, and verb if not NULL, are these. */
static size_t
print_commands(const struct cmd *c, const char *noun, const char *verb)
{
	size_t n = 0;

	for (; c->noun != NULL; c++) {
		char words[80];

		if (noun != NULL && strcmp(noun, c->noun) != 0)
			continue;
		if (verb != NULL &&
		    (c->verb == NULL || strcmp(verb, c->verb) != 0))
			continue;
		snprintf(words, sizeof(words), "%s%s%s%s%s", c->noun,
		    c->verb == NULL ? "" : " ", c->verb == NULL ? "" : c->verb,
		    c->args[0] == '\0' ? "" : " ", c->args);
		if (strlen(words) > LEFT)
			printf("  %s\n  %-*s %s\n", words, LEFT, "", c->help);
		else
			printf("  %-*s %s\n", LEFT, words, c->help);
		n++;
	}
	return n;
}

/* For tools/tables.py. */
static void
print_tables(void)
{
	const struct cmd *const all[] = { cmd_table, requests };

	opt_print_table("", options, stdout);
	for (size_t t = 0; t < 2; t++)
		for (const struct cmd *c = all[t]; c->noun != NULL; c++)
			printf("%s%s%s\t\t\t%s\t%s\n", c->noun,
			    c->verb == NULL ? "" : " ",
			    c->verb == NULL ? "" : c->verb, c->args, c->help);
}

static int
help(int argc, char **argv)
{
	const char *noun = argc > 0 ? argv[0] : NULL;
	const char *verb = argc > 1 ? argv[1] : NULL;
	size_t n;

	if (noun != NULL && strcmp(noun, "--tables") == 0) {
		print_tables();
		return 0;
	}
	if (noun == NULL) {
		usage(stdout);
		printf("\nThe commands; fionctl(1) says more:\n\n");
	}
	n = print_commands(cmd_table, noun, verb);
	n += print_commands(requests, noun, verb);
	if (n > 0)
		return 0;
	fprintf(stderr, "fionctl: no command \"%s%s%s\"\n", noun,
	    verb == NULL ? "" : " ", verb == NULL ? "" : verb);
	return 2;
}

/* Is it one of requests, or a command that fion takes? */
static bool
known(int argc, char **argv, struct err *e)
{
	const struct cmd *r;

	for (r = requests; r->noun != NULL; r++) {
		if (strcmp(r->noun, argv[0]) != 0)
			continue;
		if (argc == (r->verb == NULL ? 1 : 2) &&
		    (r->verb == NULL || strcmp(r->verb, argv[1]) == 0))
			return true;
		if (r[1].noun == NULL || strcmp(r->noun, r[1].noun) != 0)
			break;
	}
	if (r->noun == NULL)
		return cmd_find((size_t)argc, (const char *const *)argv, e) !=
		    NULL;
	err_set(e, ERR_USAGE, "see \"fionctl help %s\"", argv[0]);
	return false;
}

static int
connect_to(const char *display, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char *path = path_socket(display, false);
	struct ucred who;
	socklen_t len = sizeof(who);
	int fd = -1;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		err_set(e, ERR_LIMIT, "%s: the path is too long", path);
		goto out;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 &&
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		err_sys(e, "no fion answers at %s", path);
		close(fd);
		fd = -1;
	} else if (fd == -1) {
		err_sys(e, "socket");
	} else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1 ||
	    who.uid != geteuid()) {
		err_set(e, ERR_DENIED, "%s: it is another user's fion", path);
		close(fd);
		fd = -1;
	}
out:
	free(path);
	return fd;
}

static int
send_request(int fd, int argc, char **argv, struct err *e)
{
	json_t *words = json_array(), *j;
	char *text;
	int rc = 0;

	if (strcmp(argv[0], "get") == 0) {
		j = json_pack("{s:s}", "get", argv[1]);
		json_decref(words);
	} else if (strcmp(argv[0], "subscribe") == 0 ||
	    strcmp(argv[0], "sync") == 0) {
		j = json_pack("{s:b}", argv[0], 1);
		json_decref(words);
	} else {
		for (int i = 0; i < argc; i++)
			json_array_append_new(words, json_string(argv[i]));
		j = json_pack("{s:o}", "cmd", words);
	}
	text = j == NULL ? NULL : json_dumps(j, JSON_COMPACT);
	json_decref(j);
	if (text == NULL) {
		err_set(e, ERR_USAGE, "the words are not UTF-8");
		return -1;
	}
	if (dprintf(fd, "%s\n", text) < 0) {
		err_sys(e, "fion");
		rc = -1;
	}
	free(text);
	return rc;
}

/* The next line, without its end; false at the end. */
static bool
next_line(int fd, struct buf *in, struct buf *line)
{
	for (;;) {
		const uint8_t *nl =
		    in->len == 0 ? NULL : memchr(in->data, '\n', in->len);
		uint8_t data[16384];
		ssize_t n;

		if (nl != NULL) {
			buf_reset(line);
			buf_add(line, in->data, (size_t)(nl - in->data));
			buf_consume(in, line->len + 1);
			return true;
		}
		n = read(fd, data, sizeof(data));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf_add(in, data, (size_t)n);
	}
}

static int
show_answer(const char *line, size_t len, bool as_json)
{
	json_t *j = json_loadb(line, len, 0, NULL), *result;
	bool good = json_is_true(json_object_get(j, "ok"));
	const char *why = json_string_value(json_object_get(j, "error"));

	result = json_object_get(j, "result");
	if (as_json) {
		printf("%s\n", line);
	} else if (!good) {
		fprintf(stderr, "fionctl: %s\n", why != NULL ? why : line);
	} else if (json_is_string(result)) {
		printf("%s\n", json_string_value(result));
	} else if (result != NULL) {
		json_dumpf(result, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
		printf("\n");
	}
	json_decref(j);
	return good ? 0 : 1;
}

static int
talk(int fd, bool as_json, bool listen)
{
	struct buf in = { 0 }, line = { 0 };
	int rc = 1;

	if (next_line(fd, &in, &line)) {
		rc = show_answer(buf_str(&line), line.len, as_json || listen);
		while (listen && rc == 0 && next_line(fd, &in, &line)) {
			printf("%s\n", buf_str(&line));
			if (fflush(stdout) == EOF)
				break;
		}
	} else {
		fprintf(stderr, "fionctl: fion ended before it answered\n");
	}
	buf_free(&in);
	buf_free(&line);
	return rc;
}

int
main(int argc, char **argv)
{
	const char *display = NULL;
	struct opt_parser p;
	bool as_json = false;
	struct err e = { 0 };
	int id, fd, rc;

	opt_init(&p, options, argc, argv, true);
	while ((id = opt_next(&p, &e)) != OPT_END) {
		switch (id) {
		case OPT_DISPLAY:
			display = p.value;
			break;
		case OPT_JSON:
			as_json = true;
			break;
		case OPT_HELP:
			usage(stdout);
			return 0;
		case OPT_VERSION:
			printf("fionctl %s\n", MAISON_VERSION);
			return 0;
		default:
			fprintf(stderr, "fionctl: %s\n", e.msg);
			usage(stderr);
			return 2;
		}
	}
	if (p.next >= argc) {
		usage(stderr);
		return 2;
	}
	if (strcmp(argv[p.next], "help") == 0)
		return help(argc - p.next - 1, argv + p.next + 1);
	if (!known(argc - p.next, argv + p.next, &e)) {
		fprintf(stderr, "fionctl: %s\n", e.msg);
		return 2;
	}
	fd = connect_to(display, &e);
	if (fd == -1 ||
	    send_request(fd, argc - p.next, argv + p.next, &e) == -1) {
		fprintf(stderr, "fionctl: %s\n", e.msg);
		return 1;
	}
	rc = talk(fd, as_json, strcmp(argv[p.next], "subscribe") == 0);
	close(fd);
	return rc;
}
