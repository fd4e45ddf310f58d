/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conv.h"
#include "lib/err.h"
#include "plakar/cmd/cmd.h"
#include "plakar/pull/pull.h"
#include "plakar/repo/repo.h"
#include "plakar/snapshot/snapshots.h"
#include "plakar/ui/text.h"
#include "plakar/ui/ui.h"

#define JOBS_MAX 64

enum {
	OPT_DELETE = 256,
	OPT_OVERWRITE,
	OPT_TO,
};

static const struct opt options[] = {
	{ OPT_TO, "to", "DIR",
	    "restore full paths below DIR, not below the snapshot's id" },
	{ OPT_OVERWRITE, "overwrite", "WHAT",
	    "of what is there: changed (the default), never, always" },
	{ OPT_DELETE, "delete", NULL,
	    "remove what is there but not in the snapshot" },
	{ 'n', "dry-run", NULL, "say what would be done, change nothing" },
	{ 'v', "verbose", NULL, "say what is done with each path" },
	{ 'j', "jobs", "N", "use N threads, not one a processor" },
	{ 0, NULL, NULL, NULL },
};

static int
take_overwrite(
    const char *value, enum target_overwrite *overwrite, struct err *e)
{
	static const struct {
		const char *word;
		enum target_overwrite overwrite;
	} words[] = {
		{ "changed", TARGET_CHANGED },
		{ "never", TARGET_NEVER },
		{ "always", TARGET_ALWAYS },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(value, words[i].word) == 0) {
			*overwrite = words[i].overwrite;
			return 0;
		}
	err_set(e, ERR_USAGE,
	    "--overwrite: \"%s\" is none of changed, never, always", value);
	return -1;
}

static int
take_option(struct pull_options *pull, int id, const char *value, struct err *e)
{
	uint64_t n;

	switch (id) {
	case OPT_TO:
		pull->to = value;
		return 0;
	case OPT_OVERWRITE:
		return take_overwrite(value, &pull->overwrite, e);
	case OPT_DELETE:
		pull->delete = true;
		return 0;
	case 'n':
		pull->dry_run = true;
		pull->tell = true;
		return 0;
	case 'v':
		pull->tell = true;
		return 0;
	default:
		if (!conv_u64(value, 1, JOBS_MAX, &n)) {
			err_set(e, ERR_USAGE, "--jobs: \"%s\" can't be", value);
			return -1;
		}
		pull->jobs = (unsigned)n;
		return 0;
	}
}

static void
note(void *ctx, enum pull_note kind, const char *path, const char *text)
{
	static const char *const types[] = {
		[PULL_ERROR] = "error",
		[PULL_WARNING] = "warning",
		[PULL_DONE] = "done",
	};

	ui_tell(ctx, types[kind], path, text);
}

static void
sample(void *ctx, struct ui_sample *s)
{
	struct pull_counters *c = ctx;

	s->verb = "restoring";
	s->files = atomic_load(&c->files);
	s->files_all = atomic_load(&c->files_total);
	s->bytes = atomic_load(&c->bytes);
	s->bytes_all = atomic_load(&c->bytes_total);
	s->all_known = true;
}

static void
tell_result(struct ui *ui, const struct pull_options *pull,
    struct pull_result *result, struct pull_counters *c)
{
	json_t *o = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "dry_run", (int)pull->dry_run, "dirs",
	    (json_int_t)atomic_load(&c->dirs), "dirs_total",
	    (json_int_t)atomic_load(&c->dirs_total), "files",
	    (json_int_t)atomic_load(&c->files), "files_total",
	    (json_int_t)atomic_load(&c->files_total), "bytes",
	    (json_int_t)atomic_load(&c->bytes), "kept",
	    (json_int_t)result->counts[TARGET_KEPT], "deleted",
	    (json_int_t)result->counts[TARGET_DELETED], "errors",
	    (json_int_t)atomic_load(&c->errors));

	text_json(o, "to", pull->to, strlen(pull->to));
	ui_object(ui, "pull", o);
	ui_result(ui, "Restoring directories: %" PRIu64 "/%" PRIu64,
	    (uint64_t)atomic_load(&c->dirs),
	    (uint64_t)atomic_load(&c->dirs_total));
	ui_result(ui, "Restoring files: %" PRIu64 "/%" PRIu64,
	    (uint64_t)atomic_load(&c->files),
	    (uint64_t)atomic_load(&c->files_total));
	if (result->shortfall.len > 0)
		ui_tell(ui, "warning", NULL, buf_str(&result->shortfall));
	if (result->stopped)
		ui_tell(ui, "warning", NULL, "interrupted: not all is there");
}

/* What begin() needs. */
struct restoring {
	struct cmd_ctx *ctx;
	const struct repo *repo;
	const struct pull_options *pull;
	struct pull_counters counters;
};

static void
begin(void *arg)
{
	struct restoring *r = arg;

	cmd_confine(r->ctx, r->repo, r->pull->dry_run ? NULL : r->pull->to);
	ui_progress_begin(r->ctx->ui, sample, &r->counters);
}

static int
pull_snapshot(struct cmd_ctx *ctx, struct repo *repo,
    const struct snapshot_ref *ref, struct pull_options *what, struct err *e)
{
	struct restoring r = { .ctx = ctx, .repo = repo, .pull = what };
	struct pull_result result = { .stopped = false };
	char id[SNAPSHOT_NAME_HEX + 1];
	int rc;

	snapshot_id_text(&ref->name, id);
	if (what->to == NULL)
		what->to = id;
	what->begin = begin;
	what->begin_ctx = &r;
	rc = pull(repo, &ref->snap, what, &r.counters, &result, e);
	ui_progress_end(ctx->ui);
	if (rc == 0) {
		tell_result(ctx->ui, what, &result, &r.counters);
		if (result.incomplete)
			rc = CMD_PARTIAL;
	}
	buf_free(&result.shortfall);
	return rc;
}

static int
pull_now(
    struct cmd_ctx *ctx, char *spec, struct pull_options *what, struct err *e)
{
	const char *id = snapshot_split(spec, &what->path);
	const struct snapshot_ref *ref;
	struct snapshot_list list;
	struct repo *repo;
	int rc = -1;

	if (cmd_open_repo(ctx, &repo, e) == -1)
		return -1;
	if (snapshot_list_load(repo, &list, e) == 0) {
		ref = snapshot_find(&list, id, false, e);
		if (ref != NULL && cmd_load_index(ctx, repo, e) == 0)
			rc = pull_snapshot(ctx, repo, ref, what, e);
		snapshot_list_free(&list);
	}
	repo_close(repo);
	return rc;
}

static int
run(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	struct pull_options what = { .overwrite = TARGET_CHANGED,
		.note = note,
		.note_ctx = ctx->ui,
		.stop = ctx->stop };
	int id, rc = 0;

	cmd_opt_begin(ctx, argc, argv);
	while (rc == 0 && (id = cmd_opt_next(ctx, e)) != OPT_END)
		rc = id == OPT_FAIL ? -1 :
				      take_option(&what, id, ctx->opt.value, e);
	if (rc == -1 || cmd_count_operands(ctx, argc, 1, 1, e) == -1)
		return -1;
	return pull_now(ctx, argv[ctx->opt.next], &what, e);
}

const struct cmd cmd_pull = {
	.name = "pull",
	.summary = "restore a snapshot, or a part of it",
	.usage = "[OPTIONS] ID[:/path]",
	.options = options,
	.restores = true,
	.run = run,
};
