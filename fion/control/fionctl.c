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

#include "fion/control/paths.h"

enum {
	OPT_HELP = 'h',
	OPT_JSON = 'j',
	OPT_DISPLAY = 'd',
	OPT_VERSION = 256,
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
	    "       fionctl [-j] get tree|screens|workspaces|windows|"
	    "focused|keys|commands|config|mode|version\n"
	    "       fionctl subscribe\n\n");
	opt_print(options, out);
}

static int
connect_to(const char *display, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char *path = path_socket(display, false);
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

	if (strcmp(argv[0], "get") == 0 && argc == 2) {
		j = json_pack("{s:s}", "get", argv[1]);
		json_decref(words);
	} else if ((strcmp(argv[0], "subscribe") == 0 ||
		       strcmp(argv[0], "sync") == 0) &&
	    argc == 1) {
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
		rc = show_answer(buf_str(&line), line.len, as_json && !listen);
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
