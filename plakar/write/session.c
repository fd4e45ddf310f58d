/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/secret.h"
#include "plakar/crypto/random.h"
#include "plakar/crypto/sealkey.h"
#include "plakar/index/index.h"
#include "plakar/repo/repo.h"
#include "plakar/write/claims.h"

#include "plakar/write/session_internal.h"

static int
make_class_key(struct session *s, enum chunk_class class, struct err *e)
{
	struct class_key *key = &s->keys[class - 1];
	const uint8_t *public_key = class == CLASS_DATA ?
	    s->repo->config.data_public :
	    s->repo->config.metadata_public;

	key->secret = secret_alloc(SEALKEY_SESSION_LEN);
	random_bytes(key->secret, SEALKEY_SESSION_LEN);
	return sealkey_seal(public_key, key->secret, key->sealed, e);
}

int
session_new(struct repo *repo, const struct session_options *options,
    struct session **out, struct err *e)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->repo = repo;
	s->options = *options;
	pthread_mutex_init(&s->metadata_lock, NULL);
	s->claims = claims_new();
	s->catalog = catalog_new(s);
	s->metadata = packer_new(s, CLASS_METADATA);
	if (make_class_key(s, CLASS_DATA, e) == -1 ||
	    make_class_key(s, CLASS_METADATA, e) == -1) {
		session_free(s);
		return -1;
	}
	*out = s;
	return 0;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	packer_free(s->metadata);
	catalog_free(s->catalog);
	claims_free(s->claims);
	for (size_t i = 0; i < 2; i++)
		secret_free(s->keys[i].secret);
	pthread_mutex_destroy(&s->metadata_lock);
	free(s);
}

bool
session_claim(struct session *s, const struct chunk_id *id)
{
	/*
	 * In this order: a segment enters the index before its claims are
	 * dropped, so an id that is stored is always found in one of them.
	 */
	return !claims_has(s->claims, id) && !index_has(s->repo->index, id) &&
	    claims_take(s->claims, id);
}

static int
put_metadata(void *ctx, enum chunk_kind kind, const void *data, size_t len,
    struct chunk_id *id, struct err *e)
{
	struct session *s = ctx;
	struct id_job job = { .data = data, .len = len };
	int rc = 0;

	id_compute(repo_id_key(s->repo, kind), &job, 1);
	memcpy(id->bytes, job.out, CHUNK_ID_LEN);
	if (!session_claim(s, id))
		return 0;
	pthread_mutex_lock(&s->metadata_lock);
	rc = packer_add(s->metadata, kind, id, data, len, e);
	pthread_mutex_unlock(&s->metadata_lock);
	return rc;
}

struct chunk_sink
session_sink(struct session *s)
{
	return (struct chunk_sink){ .put = put_metadata, .ctx = s };
}

int
session_flush(struct session *s, struct err *e)
{
	int rc;

	pthread_mutex_lock(&s->metadata_lock);
	rc = packer_flush(s->metadata, e);
	pthread_mutex_unlock(&s->metadata_lock);
	return rc == -1 ? -1 : catalog_flush(s->catalog, e);
}

void
session_totals(struct session *s, struct session_totals *totals)
{
	totals->chunks = atomic_load(&s->chunks);
	totals->bytes = atomic_load(&s->bytes);
	totals->stored = atomic_load(&s->stored);
}

struct packer *
session_packer(struct session *s)
{
	return packer_new(s, CLASS_DATA);
}
