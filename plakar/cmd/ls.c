/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <inttypes.h>
#include <string.h>

#include "lib/err.h"
#include "lib/human.h"
#include "plakar/cmd/cmd.h"
#include "plakar/cmd/open.h"
#include "plakar/format/key.h"
#include "plakar/tree/cursor.h"
#include "plakar/ui/text.h"
#include "plakar/ui/ui.h"

#define MODE_LEN 11 /* "drwxr-xr-x" and the NUL */

static const struct opt options[] = {
	{ 'l', "long", NULL, "tell mode, owner, size and time too" },
	{ 'R', "recursive", NULL, "list all below, with their paths" },
	{ 0, NULL, NULL, NULL },
};

struct listing {
	struct cmd_ctx *ctx;
	const struct snapshot *snap;
	bool long_lines, recursive;
};

static const struct {
	char letter;
	const char *name;
} types[] = {
	[ENTRY_FILE] = { '-', "file" },
	[ENTRY_DIR] = { 'd', "directory" },
	[ENTRY_SYMLINK] = { 'l', "link" },
	[ENTRY_FIFO] = { 'p', "fifo" },
	[ENTRY_SOCKET] = { 's', "socket" },
	[ENTRY_CHAR] = { 'c', "character device" },
	[ENTRY_BLOCK] = { 'b', "block device" },
};

static void
mode_text(const struct entry *ent, char text[MODE_LEN])
{
	static const char bits[] = "rwxrwxrwx";
	uint32_t mode = ent->mode;

	text[0] = types[ent->type].letter;
	for (unsigned i = 0; i < 9; i++)
		text[1 + i] = (mode & 0400u >> i) != 0 ? bits[i] : '-';
	if ((mode & 04000) != 0)
		text[3] = (mode & 0100) != 0 ? 's' : 'S';
	if ((mode & 02000) != 0)
		text[6] = (mode & 0010) != 0 ? 's' : 'S';
	if ((mode & 01000) != 0)
		text[9] = (mode & 0001) != 0 ? 't' : 'T';
	text[10] = '\0';
}

/* A user's or group's name at the time, or the number. */
static void
add_owner(struct buf *line, const struct snapshot_owners *owners, uint32_t id)
{
	const char *name = snapshot_owner_name(owners, id);
	size_t before = line->len;

	if (name != NULL)
		text_escape(line, name, strlen(name));
	else
		buf_printf(line, "%u", id);
	while (line->len < before + 8)
		buf_add_u8(line, ' ');
	buf_add_u8(line, ' ');
}

static void
add_details(const struct listing *l, const struct entry *ent, struct buf *line)
{
	char mode[MODE_LEN], at[HUMAN_LEN];

	mode_text(ent, mode);
	human_time((time_t)ent->mtime.sec, at);
	buf_printf(line, "%s ", mode);
	add_owner(line, &l->snap->users, ent->uid);
	add_owner(line, &l->snap->groups, ent->gid);
	if (ent->type == ENTRY_CHAR || ent->type == ENTRY_BLOCK)
		buf_printf(line, "%5u, %4u ", ent->rdev_major, ent->rdev_minor);
	else
		buf_printf(line, "%12" PRIu64 " ", ent->size);
	buf_printf(line, "%s ", at);
}

static void
print_line(const struct listing *l, const struct entry *ent, const char *name,
    size_t name_len)
{
	struct buf line = { 0 };

	if (l->long_lines)
		add_details(l, ent, &line);
	text_escape(&line, name, name_len);
	if (ent->type == ENTRY_DIR &&
	    (name_len == 0 || name[name_len - 1] != '/'))
		buf_add_str(&line, "/");
	if (l->long_lines && ent->type == ENTRY_SYMLINK) {
		buf_add_str(&line, " -> ");
		text_escape(&line, (const char *)ent->target, ent->target_len);
	}
	if (l->long_lines && ent->error_len > 0) {
		buf_add_str(&line, " (");
		text_escape(&line, ent->error, ent->error_len);
		buf_add_str(&line, ")");
	}
	ui_result(l->ctx->ui, "%s", buf_str(&line));
	buf_free(&line);
}

static void
set_owner(json_t *o, const char *name, const struct snapshot_owners *owners,
    uint32_t id)
{
	const char *text = snapshot_owner_name(owners, id);

	if (text != NULL)
		text_json(o, name, text, strlen(text));
}

static void
print_object(
    const struct listing *l, const struct entry *ent, const struct buf *path)
{
	char mode[HUMAN_LEN], at[HUMAN_LEN];
	json_t *o;

	snprintf(mode, sizeof(mode), "%04o", ent->mode);
	human_time_utc((time_t)ent->mtime.sec, at);
	o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:I}", "kind",
	    types[ent->type].name, "mode", mode, "uid", (json_int_t)ent->uid,
	    "gid", (json_int_t)ent->gid, "size", (json_int_t)ent->size, "mtime",
	    at, "mtime_nsec", (json_int_t)ent->mtime.nsec);
	text_json(o, "path", (const char *)path->data, path->len);
	set_owner(o, "user", &l->snap->users, ent->uid);
	set_owner(o, "group", &l->snap->groups, ent->gid);
	if (ent->type == ENTRY_SYMLINK)
		text_json(
		    o, "target", (const char *)ent->target, ent->target_len);
	if (ent->error_len > 0)
		text_json(o, "error", ent->error, ent->error_len);
	ui_object(l->ctx->ui, "entry", o);
}

static int
print_entry(const struct listing *l, const uint8_t *key, size_t key_len,
    const struct entry *ent)
{
	struct buf path = { 0 };
	const char *name;
	size_t name_len;

	key_to_path(key, key_len, &path);
	if (ui_is_json(l->ctx->ui)) {
		print_object(l, ent, &path);
	} else if (l->recursive) {
		print_line(l, ent, (const char *)path.data, path.len);
	} else {
		name = key_name(key, key_len, &name_len);
		print_line(l, ent, name, name_len);
	}
	buf_free(&path);
	return 0;
}

/* All entries with low <= key < high, or without end when high is empty. */
static int
print_range(const struct listing *l, struct tree_cursor *tc,
    const struct buf *low, const struct buf *high, struct err *e)
{
	struct node_item item;
	struct entry ent;
	int rc = tree_cursor_seek(tc, low->data, low->len, e);

	while (rc == 0) {
		if (atomic_load(l->ctx->stop)) {
			err_set(e, ERR_CANCELLED, "interrupted");
			return -1;
		}
		rc = tree_cursor_next(tc, &item, e);
		if (rc != 1)
			return rc;
		if (high->len > 0 &&
		    node_key_compare(
			item.key, item.key_len, high->data, high->len) >= 0)
			return 0;
		rc = entry_decode(item.entry, item.entry_len, &ent, e);
		if (rc == 0)
			rc = print_entry(l, item.key, item.key_len, &ent);
	}
	return rc;
}

static int
list_part(struct listing *l, struct cmd_opened *o, struct err *e)
{
	struct buf low = { 0 }, high = { 0 };
	int rc;

	l->snap = &o->ref->snap;
	if (o->entry.type != ENTRY_DIR)
		return print_entry(l, o->key.data, o->key.len, &o->entry);
	if (l->recursive)
		key_descendants(o->key.data, o->key.len, &low, &high);
	else
		key_children(o->key.data, o->key.len, &low, &high);
	rc = print_range(l, o->cursor, &low, &high, e);
	buf_free(&low);
	buf_free(&high);
	return rc;
}

static int
run(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	struct listing l = { .ctx = ctx };
	struct cmd_opened o;
	int id, rc;

	cmd_opt_begin(ctx, argc, argv);
	while ((id = cmd_opt_next(ctx, e)) != OPT_END) {
		if (id == OPT_FAIL)
			return -1;
		if (id == 'l')
			l.long_lines = true;
		else
			l.recursive = true;
	}
	if (cmd_count_operands(ctx, argc, 1, 1, e) == -1)
		return -1;
	rc = cmd_open(ctx, argv[ctx->opt.next], &o, e);
	if (rc == 0)
		rc = list_part(&l, &o, e);
	cmd_close(&o);
	return rc;
}

const struct cmd cmd_ls = {
	.name = "ls",
	.summary = "list a directory of a snapshot",
	.usage = "[OPTIONS] ID[:/path]",
	.options = options,
	.run = run,
};
