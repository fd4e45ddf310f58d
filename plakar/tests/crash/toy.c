/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * A push reduced to its writes: packs, an index that names them, a snapshot
 * that names the index, through the real store.
 *
 *     toy init REPO
 *     toy push REPO SEED        prints the snapshot's name
 *     toy careless REPO SEED    the same, but never waits for the disk
 *     toy hasty REPO SEED       the same, but puts the snapshot first
 *     toy trash REPO NAME       deletes a snapshot
 *
 * The crash tests run on it too: they must find nothing wrong with push, and
 * something with careless and with hasty; else they would prove nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hex.h"

#include "plakar/hash/sha256.h"
#include "plakar/store/store.h"

#define PACKS    3
#define PACK_LEN 20000

enum order {
	ORDER_RIGHT,
	ORDER_CARELESS,
	ORDER_HASTY
};

static void
name_of(
    const char *kind, const void *data, size_t len, char name[STORE_NAME_MAX])
{
	char text[2 * SHA256_LEN + 1];
	uint8_t digest[SHA256_LEN];

	sha256(data, len, digest);
	hex_encode(digest, sizeof(digest), text);
	snprintf(name, STORE_NAME_MAX, "%s/%s", kind, text);
}

static int
sync_if(struct store *s, enum order order, struct err *e)
{
	return order == ORDER_CARELESS ? 0 : store_sync(s, e);
}

/* Put a pack in two writes; its name goes to the end of index. */
static int
put_pack(struct store *s, unsigned seed, struct buf *index, struct err *e)
{
	static uint8_t data[PACK_LEN];
	char name[STORE_NAME_MAX];
	struct store_put *p;

	for (size_t i = 0; i < sizeof(data); i++) {
		seed = seed * 1103515245 + 12345;
		data[i] = (uint8_t)(seed >> 16);
	}
	name_of("data", data, sizeof(data), name);
	buf_printf(index, "%s\n", name);
	if (store_put_begin(s, &p, e) == -1)
		return -1;
	if (store_put_write(p, data, PACK_LEN / 2, e) == -1 ||
	    store_put_write(p, data + PACK_LEN / 2, PACK_LEN / 2, e) == -1) {
		store_put_abort(p);
		return -1;
	}
	return store_put_commit(p, name, e);
}

static int
put_text(struct store *s, const char *name, const char *text, struct err *e)
{
	return store_put(s, name, text, strlen(text), e);
}

static int
push(struct store *s, unsigned seed, enum order order, struct err *e)
{
	char index_name[STORE_NAME_MAX], name[STORE_NAME_MAX];
	struct buf index = { 0 };
	int rc = -1;

	for (unsigned i = 0; i < PACKS; i++) {
		if (put_pack(s, seed * 100 + i, &index, e) == -1)
			goto out;
	}
	name_of("index", index.data, index.len, index_name);
	name_of("snapshots", index_name, strlen(index_name), name);
	if (sync_if(s, order, e) == -1 ||
	    (order == ORDER_HASTY &&
		(put_text(s, name, index_name, e) == -1 ||
		    store_sync(s, e) == -1)) ||
	    put_text(s, index_name, buf_str(&index), e) == -1 ||
	    sync_if(s, order, e) == -1 ||
	    put_text(s, name, index_name, e) == -1 ||
	    sync_if(s, order, e) == -1)
		goto out;
	printf("%s\n", name);
	rc = 0;
out:
	buf_free(&index);
	return rc;
}

static int
run(const char *verb, const char *path, const char *arg, struct err *e)
{
	struct store *s;
	int rc;

	if (strcmp(verb, "init") == 0) {
		if (store_create(path, &s, e) == -1)
			return -1;
		rc = store_put(s, "config", "toy\n", 4, e);
		if (rc == 0)
			rc = store_sync(s, e);
		store_close(s);
		return rc;
	}
	if (store_open(path, &s, e) == -1)
		return -1;
	if (strcmp(verb, "trash") == 0) {
		rc = store_delete(s, arg, e);
		if (rc == 0)
			rc = store_sync(s, e);
	} else
		rc = push(s, (unsigned)strtoul(arg, NULL, 10),
		    verb[0] == 'c'     ? ORDER_CARELESS :
			verb[0] == 'h' ? ORDER_HASTY :
					 ORDER_RIGHT,
		    e);
	store_close(s);
	return rc;
}

int
main(int argc, char **argv)
{
	struct err e;

	if (argc < 3) {
		fprintf(stderr, "usage: toy VERB REPO [ARG]\n");
		return 2;
	}
	if (run(argv[1], argv[2], argc > 3 ? argv[3] : "", &e) == -1) {
		fprintf(stderr, "toy: %s\n", e.msg);
		return 1;
	}
	return 0;
}
