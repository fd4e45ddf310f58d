/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * store, the key: DIR/key tells the key of what is encrypted from others.
 *
 * A spool has one key at a time; it is taken, changed or given up while there
 * is no message.  A spool of plain messages may get one at any time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"

#include "smtpd/queue/seal.h"

#include "smtpd/queue/store_internal.h"

#define MAGIC     "MSQKEY01"
#define MAGIC_LEN 8
#define FILE_LEN  (MAGIC_LEN + SEAL_SALT + SEAL_CHECK)

/* 1: read into file; 0: there is none; -1: an error. */
static int
read_key_file(const char *path, uint8_t file[FILE_LEN], struct err *e)
{
	struct buf b = { 0 };
	int rc = -1;

	if (access(path, F_OK) == -1)
		return 0;
	if (fs_read_file(path, FILE_LEN, &b, e) == -1)
		goto out;
	if (b.len != FILE_LEN || memcmp(b.data, MAGIC, MAGIC_LEN) != 0) {
		err_set(e, ERR_CORRUPT, "%s: not the salt of a key", path);
		goto out;
	}
	memcpy(file, b.data, FILE_LEN);
	rc = 1;
out:
	buf_free(&b);
	return rc;
}

static int
begin_key(
    struct store *s, const char *path, const char *passphrase, struct err *e)
{
	uint8_t file[FILE_LEN];

	memcpy(file, MAGIC, MAGIC_LEN);
	arc4random_buf(file + MAGIC_LEN, SEAL_SALT);
	if (seal_set_key(s->seal, passphrase, file + MAGIC_LEN,
		file + MAGIC_LEN + SEAL_SALT, e) == -1)
		return -1;
	return fs_replace_file(path, file, FILE_LEN, 0600, e);
}

static int
use_key(struct store *s, const char *path, const char *passphrase,
    const uint8_t file[FILE_LEN], struct err *e)
{
	uint8_t check[SEAL_CHECK];

	if (seal_set_key(s->seal, passphrase, file + MAGIC_LEN, check, e) == -1)
		return -1;
	if (memcmp(check, file + MAGIC_LEN + SEAL_SALT, SEAL_CHECK) == 0)
		return 0;
	if (s->stats.messages == 0)
		return begin_key(s, path, passphrase, e);
	err_set(e, ERR_DENIED,
	    "%s: queue encryption: the key is not the one of the %llu messages "
	    "that are here",
	    s->dir, (unsigned long long)s->stats.messages);
	return -1;
}

/* Encrypted before, and no more. */
static int
give_up_key(struct store *s, const char *path, struct err *e)
{
	if (s->stats.messages > 0) {
		err_set(e, ERR_DENIED,
		    "%s: the %llu messages that are here were encrypted: "
		    "queue encryption is needed until they are gone",
		    s->dir, (unsigned long long)s->stats.messages);
		return -1;
	}
	if (unlink(path) == -1) {
		err_sys(e, "%s", path);
		return -1;
	}
	return 0;
}

int
store_take_key(struct store *s, const char *passphrase, struct err *e)
{
	char *path = fs_join(s->dir, "key");
	uint8_t file[FILE_LEN];
	int rc = read_key_file(path, file, e);

	if (rc == 0 && passphrase != NULL)
		rc = begin_key(s, path, passphrase, e);
	else if (rc == 1 && passphrase != NULL)
		rc = use_key(s, path, passphrase, file, e);
	else if (rc == 1)
		rc = give_up_key(s, path, e);
	free(path);
	return rc;
}
