/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <fnmatch.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/source.h"

struct file {
	char *path;
	struct buf bytes;
};

struct conf_source {
	bool from_disk;
	struct file files[CONF_SOURCE_FILES];
	size_t n_files;
};

struct conf_source *
conf_source_disk(void)
{
	struct conf_source *s = xcalloc(1, sizeof(*s));

	s->from_disk = true;
	return s;
}

static struct file *
add_file(struct conf_source *s, const char *path, size_t path_len)
{
	struct file *f = &s->files[s->n_files++];

	f->path = xstrndup(path, path_len);
	buf_init(&f->bytes);
	return f;
}

struct conf_source *
conf_source_memory(const char *path, const void *data, size_t len)
{
	struct conf_source *s = xcalloc(1, sizeof(*s));

	buf_add(&add_file(s, path, strlen(path))->bytes, data, len);
	return s;
}

static int
read_file(struct conf_source *s, const char *path, struct err *e)
{
	struct buf bytes = { 0 };
	struct stat st;

	if (s->n_files == CONF_SOURCE_FILES) {
		err_set(e, ERR_LIMIT, "more than %d files", CONF_SOURCE_FILES);
		return -1;
	}
	if (stat(path, &st) == -1) {
		err_sys(e, "%s", path);
		return -1;
	}
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 && S_ISREG(st.st_mode)) {
		err_set(e, ERR_DENIED,
		    "%s: writable by its group or by others (chmod go-w)",
		    path);
		return -1;
	}
	if (fs_read_file(path, CONF_SOURCE_MAX, &bytes, e) == -1)
		return -1;
	add_file(s, path, strlen(path))->bytes = bytes;
	return 0;
}

int
conf_source_get(struct conf_source *s, const char *path, const uint8_t **data,
    size_t *len, struct err *e)
{
	for (size_t i = 0; i < s->n_files; i++) {
		if (strcmp(s->files[i].path, path) == 0) {
			*data = s->files[i].bytes.data;
			*len = s->files[i].bytes.len;
			return 0;
		}
	}
	if (!s->from_disk) {
		err_set(e, ERR_NOT_FOUND, "%s: no such file", path);
		return -1;
	}
	if (read_file(s, path, e) == -1)
		return -1;
	*data = s->files[s->n_files - 1].bytes.data;
	*len = s->files[s->n_files - 1].bytes.len;
	return 0;
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
conf_source_glob(
    struct conf_source *s, const char *pattern, char ***paths, size_t *n)
{
	glob_t g = { 0 };

	*n = 0;
	if (s->from_disk && glob(pattern, 0, NULL, &g) == 0) {
		*paths = xcalloc(g.gl_pathc + 1, sizeof(**paths));
		for (size_t i = 0; i < g.gl_pathc; i++)
			(*paths)[(*n)++] = xstrdup(g.gl_pathv[i]);
	} else {
		*paths = xcalloc(s->n_files + 1, sizeof(**paths));
		for (size_t i = 0; !s->from_disk && i < s->n_files; i++) {
			if (fnmatch(pattern, s->files[i].path,
				FNM_PATHNAME | FNM_PERIOD) == 0)
				(*paths)[(*n)++] = xstrdup(s->files[i].path);
		}
	}
	if (s->from_disk)
		globfree(&g);
	qsort(*paths, *n, sizeof(**paths), compare_paths);
}

size_t
conf_source_hide(struct conf_source *s, const char *text)
{
	size_t len = strlen(text), n = 0;

	for (size_t i = 0; i < s->n_files && len > 0; i++) {
		struct buf *b = &s->files[i].bytes;
		uint8_t *p;

		while (b->len > 0 &&
		    (p = memmem(b->data, b->len, text, len)) != NULL) {
			memset(p, 'x', len);
			n++;
		}
	}
	return n;
}

size_t
conf_source_count(const struct conf_source *s)
{
	return s->n_files;
}

void
conf_source_encode(const struct conf_source *s, size_t n, struct buf *out)
{
	wire_put_varint(out, n);
	for (size_t i = 0; i < n; i++) {
		wire_put_varint(out, strlen(s->files[i].path));
		buf_add_str(out, s->files[i].path);
		wire_put_varint(out, s->files[i].bytes.len);
		buf_add(out, s->files[i].bytes.data, s->files[i].bytes.len);
	}
}

struct conf_source *
conf_source_decode(const void *data, size_t len, struct err *e)
{
	struct conf_source *s = xcalloc(1, sizeof(*s));
	struct wire w;
	uint64_t n;

	wire_init(&w, data, len);
	n = wire_varint(&w);
	for (uint64_t i = 0; i < n && wire_ok(&w); i++) {
		size_t path_len = (size_t)wire_varint(&w);
		const uint8_t *path = wire_bytes(&w, path_len);
		size_t file_len = (size_t)wire_varint(&w);
		const uint8_t *file = wire_bytes(&w, file_len);

		if (!wire_ok(&w) || s->n_files == CONF_SOURCE_FILES)
			break;
		buf_add(&add_file(s, (const char *)path, path_len)->bytes, file,
		    file_len);
	}
	if (!wire_done(&w) || s->n_files != n) {
		err_set(e, ERR_CORRUPT, "a configuration that does not decode");
		conf_source_free(s);
		return NULL;
	}
	return s;
}

void
conf_source_free(struct conf_source *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_files; i++) {
		free(s->files[i].path);
		buf_free(&s->files[i].bytes);
	}
	free(s);
}
