/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/conv.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "lib/mem.h"
#include "plakar/cmd/cmd.h"
#include "plakar/compress/compress.h"
#include "plakar/exclude/exclude.h"
#include "plakar/push/push.h"
#include "plakar/repo/repo.h"
#include "plakar/snapshot/snapshots.h"
#include "plakar/store/store.h"
#include "plakar/ui/ui.h"
#include "plakar/walk/walk.h"

#define EXCLUDE_FILE_MAX   (16u << 20)
#define DEFAULT_CHECKPOINT ((uint64_t)4 << 30)
#define JOBS_MAX           64

enum {
	OPT_CHECKPOINT = 256,
	OPT_COMPRESSION,
	OPT_EXCLUDE_CACHES,
	OPT_EXCLUDE_FROM,
	OPT_EXCLUDE_LARGER,
	OPT_FORCE,
	OPT_IGNORE_FILES,
	OPT_NO_VERIFY,
	OPT_WHY,
};

static const struct opt options[] = {
	{ 'e', "exclude", "PATTERN",
	    "leave out what matches, as in .gitignore" },
	{ OPT_EXCLUDE_FROM, "exclude-from", "FILE",
	    "leave out what matches a line of FILE" },
	{ OPT_IGNORE_FILES, "ignore-files", NULL,
	    "leave out what .plakarignore files in directories say" },
	{ OPT_EXCLUDE_CACHES, "exclude-caches", NULL,
	    "of directories with a CACHEDIR.TAG, keep only that" },
	{ OPT_EXCLUDE_LARGER, "exclude-larger-than", "SIZE",
	    "leave out files above SIZE (10M, 2G)" },
	{ 'x', "one-file-system", NULL,
	    "don't enter what is mounted below a root" },
	{ 't', "tag", "TAG", "give the snapshot a tag; may be repeated" },
	{ 'n', "dry-run", NULL, "say what would be stored, store nothing" },
	{ OPT_WHY, "why", NULL, "say of each file that is read why it is" },
	{ OPT_FORCE, "force", NULL, "read all files, changed or not" },
	{ OPT_COMPRESSION, "compression", "LEVEL", "of zstd: 1 to 19" },
	{ OPT_NO_VERIFY, "no-verify", NULL,
	    "don't see whether what was compressed comes back" },
	{ 'j', "jobs", "N", "use N threads, not one a processor" },
	{ OPT_CHECKPOINT, "checkpoint", "SIZE",
	    "leave a partial snapshot whenever SIZE was stored (4G; 0: never)" },
	{ 0, NULL, NULL, NULL },
};

struct arguments {
	struct push_options push;
	struct walk_options walk;
	struct exclude *excludes;
	const char **tags;
};

static int
exclude_from(struct exclude *ex, const char *path, struct err *e)
{
	struct buf text = { 0 };
	int rc = fs_read_file(path, EXCLUDE_FILE_MAX, &text, e);

	if (rc == 0)
		exclude_add_text(ex, buf_str(&text), text.len);
	buf_free(&text);
	return rc;
}

static int
bad_value(const char *option, const char *value, struct err *e)
{
	err_set(e, ERR_USAGE, "--%s: \"%s\" can't be", option, value);
	return -1;
}

static int
take_size(const char *option, const char *value, uint64_t *size, struct err *e)
{
	return conv_size(value, size) ? 0 : bad_value(option, value, e);
}

static int
take_number(int id, const char *value, struct push_options *push, struct err *e)
{
	uint64_t n;

	if (id == 'j') {
		if (!conv_u64(value, 1, JOBS_MAX, &n))
			return bad_value("jobs", value, e);
		push->jobs = (unsigned)n;
		return 0;
	}
	if (!conv_u64(value, COMPRESS_LEVEL_MIN, COMPRESS_LEVEL_MAX, &n))
		return bad_value("compression", value, e);
	push->level = (int)n;
	return 0;
}

static void
add_tag(struct arguments *args, const char *tag)
{
	args->tags = xreallocarray(
	    args->tags, args->push.tags_count + 1, sizeof(char *));
	args->tags[args->push.tags_count++] = tag;
	args->push.tags = args->tags;
}

static int
take_option(struct arguments *args, int id, const char *value, struct err *e)
{
	switch (id) {
	case 'e':
		exclude_add(args->excludes, value, strlen(value));
		return 0;
	case OPT_EXCLUDE_FROM:
		return exclude_from(args->excludes, value, e);
	case OPT_IGNORE_FILES:
		args->walk.ignore_files = true;
		return 0;
	case OPT_EXCLUDE_CACHES:
		args->walk.exclude_caches = true;
		return 0;
	case OPT_EXCLUDE_LARGER:
		return take_size(
		    "exclude-larger-than", value, &args->walk.larger_than, e);
	case 'x':
		args->walk.one_file_system = true;
		return 0;
	case 't':
		add_tag(args, value);
		return 0;
	case 'n':
		args->push.dry_run = true;
		return 0;
	case OPT_WHY:
		args->push.why = true;
		return 0;
	case OPT_FORCE:
		args->push.force = true;
		return 0;
	case OPT_NO_VERIFY:
		args->push.no_verify = true;
		return 0;
	case OPT_CHECKPOINT:
		return take_size(
		    "checkpoint", value, &args->push.checkpoint, e);
	default:
		return take_number(id, value, &args->push, e);
	}
}

static void
note(void *ctx, enum push_note kind, const char *path, const char *text)
{
	static const char *const types[] = {
		[PUSH_ERROR] = "error",
		[PUSH_WARNING] = "warning",
		[PUSH_WHY] = "why",
	};

	ui_tell(ctx, types[kind], path, text);
}

static void
sample(void *ctx, struct ui_sample *s)
{
	struct push_counters *c = ctx;

	s->verb = "pushing";
	s->files = atomic_load(&c->files);
	s->bytes = atomic_load(&c->bytes_done);
	s->bytes_all = atomic_load(&c->bytes_found);
	s->new_bytes = atomic_load(&c->new_bytes);
	s->has_new_bytes = true;
	s->all_known = atomic_load(&c->walked);
}

static void
tell_object(struct ui *ui, const struct push_options *push,
    const struct push_result *result, struct push_counters *c, const char *id)
{
	ui_object(ui, "snapshot",
	    json_pack("{s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"id", id, "partial", (int)result->partial, "dry_run",
		(int)push->dry_run, "dirs", (json_int_t)result->sums.dirs,
		"files", (json_int_t)result->sums.others, "errors",
		(json_int_t)result->sums.errors, "bytes",
		(json_int_t)result->sums.bytes, "unchanged",
		(json_int_t)atomic_load(&c->unchanged), "new_bytes",
		(json_int_t)atomic_load(&c->new_bytes), "stored_bytes",
		(json_int_t)atomic_load(&c->stored)));
}

static void
tell_result(struct ui *ui, const struct push_options *push,
    const struct push_result *result, struct push_counters *c)
{
	const struct node_sums *sums = &result->sums;
	char id[SNAPSHOT_NAME_HEX + 1] = "", size[HUMAN_LEN];

	if (result->stored)
		snapshot_id_text(&result->name, id);
	tell_object(ui, push, result, c, id);
	if (push->dry_run) {
		human_size(atomic_load(&c->new_bytes), size);
		ui_result(ui,
		    "dry run: dirs=%" PRIu64 ", files=%" PRIu64
		    ", errors=%" PRIu64 ", new=%s",
		    sums->dirs, sums->others, sums->errors, size);
	} else if (result->stored) {
		ui_result(ui,
		    "snapshot %s: dirs=%" PRIu64 ", files=%" PRIu64
		    ", errors=%" PRIu64,
		    id, sums->dirs, sums->others, sums->errors);
	}
	if (result->partial)
		ui_tell(ui, "warning", NULL,
		    result->stored ?
			"interrupted: this snapshot is partial; the next "
			"push goes on from it" :
			"interrupted before anything was stored");
}

/* The first push of a person's life makes the repository. */
static int
open_or_make(
    struct cmd_ctx *ctx, bool dry_run, struct repo **repo, struct err *e)
{
	struct repo_options new_repo = { .credential = &ctx->credential };
	const char *location = cmd_location(ctx, e);

	if (location == NULL)
		return -1;
	if (cmd_open_repo(ctx, repo, e) == 0)
		return 0;
	if (e->kind != ERR_NOT_FOUND || dry_run ||
	    repo_create(location, &new_repo, e) == -1)
		return -1;
	ui_note(ctx->ui, "made a new repository at %s", location);
	return cmd_open_repo(ctx, repo, e);
}

/* Leave path out, whatever characters it has. */
static void
exclude_path(struct exclude *ex, const char *path)
{
	struct buf pattern = { 0 };

	for (const char *p = path; *p != '\0'; p++) {
		if (strchr("*?[]!# \\", *p) != NULL)
			buf_add_u8(&pattern, '\\');
		buf_add_u8(&pattern, (uint8_t)*p);
	}
	exclude_add(ex, buf_str(&pattern), pattern.len);
	buf_free(&pattern);
}

/*
 * A repository below what is pushed would be saved into itself, and grow for
 * ever: it is left out, under the name that was given and under its real one.
 */
static void
exclude_repository(struct exclude *ex, const struct store *store)
{
	const char *path = store_path(store);
	char *real = path == NULL ? NULL : realpath(path, NULL);

	if (path != NULL && path[0] == '/')
		exclude_path(ex, path);
	if (real != NULL)
		exclude_path(ex, real);
	free(real);
}

static int
push_now(struct cmd_ctx *ctx, struct arguments *args, struct err *e)
{
	struct push_counters counters = { 0 };
	struct push_result result;
	struct repo *repo;
	int rc;

	if (open_or_make(ctx, args->push.dry_run, &repo, e) == -1)
		return -1;
	exclude_repository(args->excludes, repo->store);
	rc = cmd_load_index(ctx, repo, e);
	if (rc == 0) {
		ui_progress_begin(ctx->ui, sample, &counters);
		rc = push(repo, &args->push, &counters, &result, e);
		ui_progress_end(ctx->ui);
	}
	if (rc == 0) {
		tell_result(ctx->ui, &args->push, &result, &counters);
		if (result.sums.errors > 0 || result.partial)
			rc = CMD_PARTIAL;
	}
	repo_close(repo);
	return rc;
}

static int
run(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	static const char *const here[] = { "." };
	struct arguments args = { .push = { .note = note,
				      .note_ctx = ctx->ui,
				      .stop = ctx->stop,
				      .checkpoint = DEFAULT_CHECKPOINT } };
	int id = 0, rc = 0;

	args.excludes = exclude_new(true);
	args.walk.excludes = args.excludes;
	args.push.walk = &args.walk;
	cmd_opt_begin(ctx, argc, argv);
	while (rc == 0 && (id = cmd_opt_next(ctx, e)) != OPT_END)
		rc = id == OPT_FAIL ? -1 :
				      take_option(&args, id, ctx->opt.value, e);
	if (rc == 0) {
		bool named = ctx->opt.next < argc;

		args.push.roots =
		    named ? (const char *const *)(argv + ctx->opt.next) : here;
		args.push.roots_count =
		    named ? (size_t)(argc - ctx->opt.next) : 1;
		rc = push_now(ctx, &args, e);
	}
	exclude_free(args.excludes);
	free(args.tags);
	return rc;
}

const struct cmd cmd_push = {
	.name = "push",
	.summary = "save directories and files as a snapshot",
	.usage = "[OPTIONS] [PATH ...]",
	.options = options,
	.stores = true,
	.run = run,
};
