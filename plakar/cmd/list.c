/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <inttypes.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/human.h"

#include "plakar/repo/repo.h"
#include "plakar/snapshot/snapshots.h"
#include "plakar/ui/text.h"
#include "plakar/ui/ui.h"

#include "plakar/cmd/cmd.h"

enum {
	OPT_TRASHED = 256,
	OPT_TAG,
};

static const struct opt options[] = {
	{ OPT_TRASHED, "trashed", NULL, "list those in the trash instead" },
	{ OPT_TAG, "tag", "TAG", "only those with this tag" },
	{ 0, NULL, NULL, NULL },
};

static json_t *
texts(char *const *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();

		text_json(o, "text", list[i], strlen(list[i]));
		json_array_append_new(array, o);
	}
	return array;
}

static void
set_time(json_t *o, const char *name, const struct snapshot_time *at)
{
	char text[HUMAN_LEN];

	human_time_utc((time_t)at->sec, text);
	json_object_set_new(o, name, json_string(text));
}

static void
list_object(struct cmd_ctx *ctx, const struct snapshot_ref *ref, const char *id)
{
	const struct snapshot *s = &ref->snap;
	json_t *o = json_object();

	json_object_set_new(o, "id", json_string(id));
	if (ref->damage != NULL) {
		text_json(o, "damage", ref->damage, strlen(ref->damage));
		ui_object(ctx->ui, "snapshot", o);
		return;
	}
	set_time(o, "time", &s->start);
	set_time(o, "end", &s->end);
	text_json(o, "host", s->host, strlen(s->host));
	text_json(o, "user", s->user, strlen(s->user));
	json_object_set_new(o, "roots", texts(s->roots, s->roots_count));
	json_object_set_new(o, "tags", texts(s->tags, s->tags_count));
	json_object_set_new(
	    o, "directories", json_integer((json_int_t)s->sums.dirs));
	json_object_set_new(
	    o, "files", json_integer((json_int_t)s->sums.others));
	json_object_set_new(
	    o, "bytes", json_integer((json_int_t)s->sums.bytes));
	json_object_set_new(
	    o, "errors", json_integer((json_int_t)s->sums.errors));
	json_object_set_new(
	    o, "new_bytes", json_integer((json_int_t)s->new_bytes));
	json_object_set_new(
	    o, "stored_bytes", json_integer((json_int_t)s->stored_bytes));
	json_object_set_new(o, "partial", json_boolean(s->partial));
	json_object_set_new(o, "trashed", json_boolean(ref->trashed));
	ui_object(ctx->ui, "snapshot", o);
}

static void
list_line(struct cmd_ctx *ctx, const struct snapshot_ref *ref, const char *id)
{
	const struct snapshot *s = &ref->snap;
	char time_text[HUMAN_LEN], size[HUMAN_LEN];
	struct buf more = { 0 };

	if (ref->damage != NULL) {
		text_escape(&more, ref->damage, strlen(ref->damage));
		ui_result(
		    ctx->ui, "%-19s %s damaged: %s", "?", id, buf_str(&more));
		buf_free(&more);
		return;
	}
	human_time((time_t)s->start.sec, time_text);
	human_size(s->sums.bytes, size);
	if (s->sums.errors > 0)
		buf_printf(&more, " errors=%" PRIu64, s->sums.errors);
	if (s->partial)
		buf_add_str(&more, " partial");
	buf_add_str(&more, " ");
	text_escape(&more, s->host, strlen(s->host));
	for (size_t i = 0; i < s->roots_count; i++) {
		buf_add_str(&more, i == 0 ? ":" : ",");
		text_escape(&more, s->roots[i], strlen(s->roots[i]));
	}
	for (size_t i = 0; i < s->tags_count; i++) {
		buf_add_str(&more, " #");
		text_escape(&more, s->tags[i], strlen(s->tags[i]));
	}
	ui_result(ctx->ui, "%s %s dcnt=%" PRIu64 " fcnt=%" PRIu64 " size=%s%s",
	    time_text, id, s->sums.dirs, s->sums.others, size, buf_str(&more));
	buf_free(&more);
}

static bool
has_tag(const struct snapshot *s, const char *tag)
{
	for (size_t i = 0; i < s->tags_count; i++)
		if (strcmp(s->tags[i], tag) == 0)
			return true;
	return false;
}

static int
list(struct cmd_ctx *ctx, bool trashed, const char *tag, struct err *e)
{
	struct snapshot_list all = { 0 };
	struct repo *repo;
	int rc = -1;

	if (cmd_open_repo(ctx, &repo, e) == -1)
		return -1;
	if (snapshot_list_load(repo, &all, e) == -1)
		goto out;
	rc = 0;
	for (size_t i = 0; i < all.count; i++) {
		const struct snapshot_ref *ref = &all.items[i];
		char id[SNAPSHOT_NAME_HEX + 1];

		if (ref->trashed != trashed ||
		    (tag != NULL && !has_tag(&ref->snap, tag)))
			continue;
		snapshot_id_text(&ref->name, id);
		if (ui_is_json(ctx->ui))
			list_object(ctx, ref, id);
		else
			list_line(ctx, ref, id);
		if (ref->damage != NULL)
			rc = CMD_PARTIAL;
	}
out:
	snapshot_list_free(&all);
	repo_close(repo);
	return rc;
}

static int
run(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	const char *tag = NULL;
	bool trashed = false;
	int id;

	cmd_opt_begin(ctx, argc, argv);
	while ((id = cmd_opt_next(ctx, e)) != OPT_END) {
		if (id == OPT_FAIL)
			return -1;
		if (id == OPT_TRASHED)
			trashed = true;
		else
			tag = ctx->opt.value;
	}
	if (cmd_count_operands(ctx, argc, 0, 0, e) == -1)
		return -1;
	return list(ctx, trashed, tag, e);
}

const struct cmd cmd_list = {
	.name = "list",
	.summary = "list the snapshots, oldest first",
	.usage = "[OPTIONS]",
	.options = options,
	.run = run,
};
