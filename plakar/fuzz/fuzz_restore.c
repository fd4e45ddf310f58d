/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * A hostile snapshot: entries with any keys, in any order, links that lead
 * out among them, restored below a private directory.  Nothing beside the
 * target may appear, vanish or change.
 *
 * The input is three bytes an operation: what, the path (two bits a
 * component, up to three of them, then how many), and a detail.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/entry.h"
#include "plakar/restore/target.h"
#include "plakar/restore/target_internal.h"
#include "plakar/walk/names.h"

#define OPERATIONS_MAX 64

static const char secret[] = "outside";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A key, which need not be valid. */
static void
make_key(uint8_t path, uint8_t detail, struct buf *key)
{
	static const char *const tame[] = { "a", "b", "c", "d" };
	static const char *const wild[] = { "a", "..", "b/../..", "outside" };
	const char *const *names = (detail & 0xe0) == 0xe0 ? wild : tame;
	unsigned n = path >> 6;

	buf_reset(key);
	for (unsigned i = 0; i < n; i++) {
		if (i + 1 == n)
			buf_add_u8(key, 0);
		buf_add_str(key, names[(path >> (2 * i)) & 3]);
		if (i + 1 < n)
			buf_add_u8(key, 0);
	}
}

static void
make_file(struct target_cursor *c, const struct buf *key,
    const struct entry *ent, bool ok)
{
	struct target_file f;
	struct err e;

	if (target_file_begin(c, key->data, key->len, ent, &f, &e) == -1)
		return;
	if (f.todo == TARGET_COMPARE && !ok)
		ok = target_file_rewrite(&f, &e) == 0;
	if (f.todo == TARGET_WRITE && write(f.fd, "text", 4) != 4)
		ok = false;
	/* A hostile snapshot may well fail. */
	if (target_file_end(&f, NULL, 0, ok, &e) == -1)
		return;
}

static void
make_link(struct target_cursor *c, const struct buf *key, struct entry *ent)
{
	bool done = false;
	struct err e;

	ent->nlink = 2;
	ent->ino = 5;
	if (target_link(c, key->data, key->len, ent, &done, &e) == 0 && !done)
		make_file(c, key, ent, true);
}

static void
operate(struct target_cursor *c, const uint8_t op[3], struct buf *key)
{
	static const char *const targets[] = { "../outside", "..", "/", "a",
		"../outside/file", "." };
	struct entry ent = { .mode = 0755, .size = 4, .type = ENTRY_FILE };
	const char *target = targets[op[2] % 6];
	struct err e;
	int rc = 0;

	make_key(op[1], op[2], key);
	switch (op[0] % 6) {
	case 0:
		ent.type = ENTRY_DIR;
		rc = target_dir(c, key->data, key->len, &ent, &e);
		break;
	case 1:
		make_file(c, key, &ent, (op[2] & 1) == 0);
		break;
	case 2:
		ent.type = ENTRY_SYMLINK;
		ent.target = (const uint8_t *)target;
		ent.target_len = strlen(target);
		rc = target_special(c, key->data, key->len, &ent, NULL, 0, &e);
		break;
	case 3:
		ent.type = ENTRY_FIFO;
		rc = target_special(c, key->data, key->len, &ent, NULL, 0, &e);
		break;
	case 4:
		ent.type = ENTRY_DIR;
		rc = target_dir_finish(
		    c, key->data, key->len, &ent, NULL, 0, &e);
		break;
	case 5:
		make_link(c, key, &ent);
		break;
	}
	(void)rc;
}

/* For --delete: the snapshot has a, and nothing else. */
static int
has_a(void *arg, const void *key, size_t len, struct err *e)
{
	(void)arg;
	(void)e;
	return len > 0 && ((const char *)key)[len - 1] == 'a';
}

static void
check_outside(int top)
{
	struct names names = { 0 };
	char text[sizeof(secret) + 1] = "";
	struct stat st;
	int fd = openat(top, ".", O_RDONLY | O_DIRECTORY);

	assert(names_read(&names, fd) == 0);
	assert(names.n == 2 && names_have(&names, "outside") &&
	    names_have(&names, "target"));
	close(fd);
	fd = openat(top, "outside", O_RDONLY | O_DIRECTORY);
	assert(names_read(&names, fd) == 0);
	assert(names.n == 1 && names_have(&names, "file"));
	assert(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0700);
	close(fd);
	fd = openat(top, "outside/file", O_RDONLY);
	assert(read(fd, text, sizeof(text)) == (ssize_t)strlen(secret));
	assert(memcmp(text, secret, strlen(secret)) == 0);
	assert(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0600 &&
	    st.st_nlink == 1 && st.st_mtime > 0);
	close(fd);
	names_clear(&names);
}

static void
restore(const char *dir, const uint8_t *data, size_t len)
{
	struct target_options options = { .overwrite = (enum target_overwrite)(
					      data[0] % 4),
		.has = data[0] & 4 ? has_a : NULL };
	struct target_cursor *c;
	struct buf key = { 0 };
	struct target *t;
	struct err e;

	if (target_open(dir, &options, &t, &e) == -1)
		abort();
	c = target_cursor_new(t);
	for (size_t i = 0; i < OPERATIONS_MAX && 1 + 3 * (i + 1) <= len; i++)
		operate(c, data + 1 + 3 * i, &key);
	target_cursor_free(c);
	target_close(t);
	buf_free(&key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char top[] = "/tmp/plakar-fuzz-restore-XXXXXX";
	char target[sizeof(top) + 8];
	int tmp = open("/tmp", O_RDONLY | O_DIRECTORY), dir, fd;
	struct err e;

	if (len < 4)
		return 0;
	if (mkdtemp(top) == NULL)
		abort();
	dir = open(top, O_RDONLY | O_DIRECTORY);
	mkdirat(dir, "outside", 0700);
	fd = openat(dir, "outside/file", O_CREAT | O_WRONLY, 0600);
	if (fd == -1 || write(fd, secret, strlen(secret)) == -1)
		abort();
	close(fd);
	snprintf(target, sizeof(target), "%s/target", top);
	restore(target, data, len);
	check_outside(dir);
	close(dir);
	/* It crosses no file system: /tmp is what top is on. */
	if (remove_tree(tmp, top + strlen("/tmp/"), &e) == -1)
		abort();
	close(tmp);
	return 0;
}
