/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <inttypes.h>
#include <stdio.h>

#include "lib/conv.h"
#include "lib/err.h"
#include "lib/human.h"
#include "plakar/check/check.h"
#include "plakar/cmd/cmd.h"
#include "plakar/repo/repo.h"
#include "plakar/snapshot/snapshots.h"
#include "plakar/store/store.h"
#include "plakar/ui/ui.h"

#define JOBS_MAX 64

enum {
	OPT_DATA = 256,
	OPT_KEYLESS,
};

static const struct opt options[] = {
	{ OPT_DATA, "data", NULL, "read and verify all that is stored" },
	{ OPT_KEYLESS, "keyless", NULL,
	    "only hold each object against its name; needs no passphrase" },
	{ 'j', "jobs", "N", "use N threads, not one a processor" },
	{ 0, NULL, NULL, NULL },
};

static void
tell_object(void *ctx, const char *name, const char *text)
{
	ui_tell(ctx, "error", name, text);
}

static void
tell_path(void *ctx, const struct snapshot_ref *ref, const char *path,
    const char *text)
{
	char id[SNAPSHOT_NAME_HEX + 1], where[64];

	snapshot_id_text(&ref->name, id);
	if (path != NULL) {
		ui_tell(ctx, "error", path, text);
		return;
	}
	snprintf(where, sizeof(where), "snapshot %s", id);
	ui_tell(ctx, "error", where, text);
}

static void
tell_snapshot(void *ctx, const struct snapshot_ref *ref, bool ok)
{
	char id[SNAPSHOT_NAME_HEX + 1];

	snapshot_id_text(&ref->name, id);
	ui_result(ctx, "%s: %s", id, ok ? "OK" : "KO");
	ui_object(
	    ctx, "snapshot", json_pack("{s:s, s:b}", "id", id, "ok", (int)ok));
}

static void
sample(void *ctx, struct ui_sample *s)
{
	struct check_counters *c = ctx;

	s->verb = "checking";
	s->files = atomic_load(&c->objects);
	s->files_all = atomic_load(&c->objects_total);
	s->bytes = atomic_load(&c->bytes);
	s->bytes_all = atomic_load(&c->bytes_total);
	s->all_known = true;
}

static int
check_with_key(struct cmd_ctx *ctx, struct check_options *check,
    struct check_counters *counters, struct err *e)
{
	struct repo *repo;
	int rc;

	if (cmd_open_repo(ctx, &repo, e) == -1)
		return -1;
	ui_progress_begin(ctx->ui, sample, counters);
	rc = check_repository(repo, check, counters, e);
	ui_progress_end(ctx->ui);
	repo_close(repo);
	return rc;
}

static int
check_without_key(struct cmd_ctx *ctx, struct check_options *check,
    struct check_counters *counters, struct err *e)
{
	const char *location = cmd_location(ctx, e);
	struct store *store;
	int rc;

	if (location == NULL || store_open(location, &store, e) == -1)
		return -1;
	ui_progress_begin(ctx->ui, sample, counters);
	rc = check_keyless(store, check, counters, e);
	ui_progress_end(ctx->ui);
	store_close(store);
	return rc;
}

static void
tell_result(struct cmd_ctx *ctx, struct check_counters *c)
{
	uint64_t problems = atomic_load(&c->problems);
	char size[HUMAN_LEN];

	human_size(atomic_load(&c->bytes), size);
	ui_object(ctx->ui, "check",
	    json_pack("{s:I, s:I, s:I}", "problems", (json_int_t)problems,
		"objects", (json_int_t)atomic_load(&c->objects), "bytes",
		(json_int_t)atomic_load(&c->bytes)));
	if (atomic_load(&c->objects) > 0)
		ui_result(ctx->ui, "read %" PRIu64 " objects, %s",
		    (uint64_t)atomic_load(&c->objects), size);
}

static int
run(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	struct check_counters counters = { 0 };
	struct check_options check = { .stop = ctx->stop,
		.report = { .object = tell_object,
		    .path = tell_path,
		    .snapshot = tell_snapshot,
		    .ctx = ctx->ui } };
	bool keyless = false;
	uint64_t jobs;
	int id;

	cmd_opt_begin(ctx, argc, argv);
	while ((id = cmd_opt_next(ctx, e)) != OPT_END) {
		if (id == OPT_FAIL)
			return -1;
		if (id == OPT_DATA) {
			check.data = true;
		} else if (id == OPT_KEYLESS) {
			keyless = true;
		} else if (conv_u64(ctx->opt.value, 1, JOBS_MAX, &jobs)) {
			check.jobs = (unsigned)jobs;
		} else {
			err_set(e, ERR_USAGE, "--jobs: \"%s\" can't be",
			    ctx->opt.value);
			return -1;
		}
	}
	if (cmd_count_operands(ctx, argc, 0, keyless ? 0 : 1, e) == -1)
		return -1;
	if (ctx->opt.next < argc)
		check.snapshot = argv[ctx->opt.next];
	if ((keyless ? check_without_key(ctx, &check, &counters, e) :
		       check_with_key(ctx, &check, &counters, e)) == -1)
		return -1;
	tell_result(ctx, &counters);
	if (atomic_load(&counters.problems) > 0) {
		err_set(e, ERR_CORRUPT, "%" PRIu64 " problems found",
		    (uint64_t)atomic_load(&counters.problems));
		return -1;
	}
	return 0;
}

const struct cmd cmd_check = {
	.name = "check",
	.summary = "see whether all that was saved is there, and right",
	.usage = "[OPTIONS] [ID]",
	.options = options,
	.run = run,
};
