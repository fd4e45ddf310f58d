/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/check/check.h"
#include "plakar/keys/credential.h"
#include "plakar/pull/pull.h"
#include "plakar/push/push.h"
#include "plakar/repo/repo.h"
#include "plakar/snapshot/snapshots.h"
#include "plakar/store/store.h"
#include "plakar/walk/walk.h"

#include "plakar/tests/support/ops.h"

static const struct credential_source no_passphrase = {
	.no_passphrase = true,
};

int
ops_init(const char *repo, struct err *e)
{
	const struct repo_options options = { .credential = &no_passphrase };

	return repo_create(repo, &options, e);
}

/* Open the repository, its snapshots and its index, in the right order. */
static struct repo *
open_all(const char *location, struct snapshot_list *list, struct err *e)
{
	struct repo *repo;

	if (repo_open(location, &no_passphrase, &repo, e) == -1)
		return NULL;
	if (snapshot_list_load(repo, list, e) == -1 ||
	    repo_load_index(repo, NULL, NULL, e) == -1) {
		snapshot_list_free(list);
		repo_close(repo);
		return NULL;
	}
	return repo;
}

static void
ignore_push_note(
    void *ctx, enum push_note note, const char *path, const char *text)
{
	(void)ctx;
	(void)note;
	(void)path;
	(void)text;
}

int
ops_push(const char *location, const char *source, char id[OPS_ID_LEN],
    struct err *e)
{
	const struct walk_options walk = { 0 };
	const struct push_options options = {
		.roots = &source,
		.roots_count = 1,
		.walk = &walk,
		.note = ignore_push_note,
	};
	struct push_counters counters = { 0 };
	struct push_result result = { 0 };
	struct snapshot_list list = { 0 };
	struct repo *repo = open_all(location, &list, e);
	int rc;

	if (repo == NULL)
		return -1;
	rc = push(repo, &options, &counters, &result, e);
	if (rc == 0 && (!result.stored || result.partial)) {
		err_set(e, ERR_CANCELLED, "no whole snapshot was made");
		rc = -1;
	}
	if (rc == 0) {
		snapshot_id_text(&result.name, id);
		if (result.sums.errors > 0) {
			err_set(e, ERR_SYSTEM, "something could not be read");
			rc = 1;
		}
	}
	snapshot_list_free(&list);
	repo_close(repo);
	return rc;
}

static void
note_object(void *ctx, const char *name, const char *text)
{
	err_set(ctx, ERR_CORRUPT, "%s: %s", name, text);
}

static void
note_path(void *ctx, const struct snapshot_ref *ref, const char *path,
    const char *text)
{
	(void)ref;
	err_set(ctx, ERR_CORRUPT, "%s: %s", path, text);
}

static void
ignore_snapshot(void *ctx, const struct snapshot_ref *ref, bool ok)
{
	(void)ctx;
	(void)ref;
	(void)ok;
}

static struct check_options
check_options_for(bool data, struct err *found)
{
	return (struct check_options){
		.data = data,
		.report = { note_object, note_path, ignore_snapshot, found },
	};
}

/* What a check that could be made has to say. */
static int
verdict(const struct check_counters *counters, const struct err *found,
    struct err *e)
{
	if (counters->problems == 0)
		return 0;
	*e = *found;
	return 1;
}

int
ops_check(const char *location, bool data, struct err *e)
{
	struct check_counters counters = { 0 };
	struct err found = { 0 };
	const struct check_options options = check_options_for(data, &found);
	struct repo *repo;
	int rc;

	if (repo_open(location, &no_passphrase, &repo, e) == -1)
		return -1;
	rc = check_repository(repo, &options, &counters, e);
	repo_close(repo);
	return rc == -1 ? -1 : verdict(&counters, &found, e);
}

int
ops_check_keyless(const char *location, struct err *e)
{
	struct check_counters counters = { 0 };
	struct err found = { 0 };
	const struct check_options options = check_options_for(true, &found);
	struct store *store;
	int rc;

	if (store_open(location, &store, e) == -1)
		return -1;
	rc = check_keyless(store, &options, &counters, e);
	store_close(store);
	return rc == -1 ? -1 : verdict(&counters, &found, e);
}

static void
note_pull(void *ctx, enum pull_note note, const char *path, const char *text)
{
	if (note == PULL_ERROR)
		err_set(ctx, ERR_CORRUPT, "%s: %s", path, text);
}

int
ops_pull(const char *location, const char *id, const char *to, struct err *e)
{
	struct err found = { 0 };
	const struct pull_options options = {
		.path = "/",
		.to = to,
		.overwrite = TARGET_FRESH,
		.note = note_pull,
		.note_ctx = &found,
	};
	struct pull_counters counters = { 0 };
	struct pull_result result = { 0 };
	struct snapshot_list list = { 0 };
	struct repo *repo = open_all(location, &list, e);
	const struct snapshot_ref *ref;
	int rc = -1;

	if (repo == NULL)
		return -1;
	ref = snapshot_find(&list, id, false, e);
	if (ref != NULL)
		rc = pull(repo, &ref->snap, &options, &counters, &result, e);
	if (rc == 0 && (result.incomplete || counters.errors > 0)) {
		*e = found;
		rc = 1;
	}
	buf_free(&result.shortfall);
	snapshot_list_free(&list);
	repo_close(repo);
	return rc;
}

int
ops_trash(const char *location, const char *id, struct err *e)
{
	struct snapshot_list list = { 0 };
	struct repo *repo = open_all(location, &list, e);
	const struct snapshot_ref *ref;
	int rc = -1;

	if (repo == NULL)
		return -1;
	ref = snapshot_find(&list, id, false, e);
	if (ref != NULL)
		rc = snapshot_trash(repo, ref, e);
	snapshot_list_free(&list);
	repo_close(repo);
	return rc;
}

int
ops_list(const char *location, void (*cb)(void *arg, const char *id), void *arg,
    struct err *e)
{
	struct snapshot_list list = { 0 };
	struct repo *repo;
	int rc = 0;

	if (repo_open(location, &no_passphrase, &repo, e) == -1)
		return -1;
	if (snapshot_list_load(repo, &list, e) == -1) {
		repo_close(repo);
		return -1;
	}
	for (size_t i = 0; i < list.count; i++) {
		const struct snapshot_ref *ref = &list.items[i];
		char id[OPS_ID_LEN];

		if (ref->damage != NULL) {
			err_set(e, ERR_CORRUPT, "%s", ref->damage);
			rc = 1;
		} else if (!ref->trashed) {
			snapshot_id_text(&ref->name, id);
			cb(arg, id);
		}
	}
	snapshot_list_free(&list);
	repo_close(repo);
	return rc;
}
