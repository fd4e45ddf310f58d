/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The thread that reads the tree and makes all but the contents of files.
 * See pull.h for the whole.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/sys/cores.h"
#include "lib/workq.h"
#include "plakar/content/reader.h"
#include "plakar/format/key.h"
#include "plakar/format/snapshot.h"
#include "plakar/pull/compare.h"
#include "plakar/pull/writer.h"
#include "plakar/read/reader.h"
#include "plakar/repo/repo.h"
#include "plakar/tree/cursor.h"

#include "plakar/pull/pull.h"

#define TREE_BLOCKS 8 /* kept open, of the tree and content nodes */
#define DATA_BLOCKS 4 /* for each worker */
#define QUEUE_LEN   4 /* batches that wait for a worker */
#define JOBS_MAX    64

/* A directory above what is to be restored. */
struct above {
	struct buf key;
	bool made; /* by us */
};

struct pull_state {
	struct pull_shared shared;
	const struct snapshot *snap;
	struct reader *tree_reader;
	struct chunk_source source; /* tree_reader's */
	struct tree_cursor *cursor;
	struct tree_cursor *lookup; /* for --delete */
	struct target_cursor *at;
	struct pull_batch *batch; /* being filled */
	pthread_t threads[JOBS_MAX];
	unsigned threads_running;

	struct buf key;       /* of what is to be restored */
	struct buf low, high; /* of the keys below it */
	struct buf path;      /* of the current entry */
	struct above *above;  /* the deepest first */
	size_t above_count;
	struct above *above_now; /* the one being made */
};

static const char *
path_of(struct pull_state *ps, const struct node_item *item)
{
	buf_reset(&ps->path);
	key_to_path(item->key, item->key_len, &ps->path);
	return buf_str(&ps->path);
}

static void
report(struct pull_state *ps, const struct node_item *item, const struct err *e)
{
	pull_error(&ps->shared, path_of(ps, item), e);
}

static void
send_batch(struct pull_state *ps)
{
	/* The queue is closed only after the last batch. */
	if (ps->batch != NULL && !workq_push(ps->shared.queue, ps->batch))
		free(ps->batch);
	ps->batch = NULL;
}

/* The entry's attribute set, wherever it is kept. */
static int
load_xattrs(struct pull_state *ps, const struct entry *ent, struct buf *out,
    struct err *e)
{
	buf_reset(out);
	if (ent->has_xattrs_id)
		return ps->source.get(
		    ps->source.ctx, CHUNK_XATTR, &ent->xattrs_id, out, e);
	buf_add(out, ent->xattrs, ent->xattrs_len);
	return 0;
}

struct content_ctx {
	struct pull_state *ps;
	struct pull_file *file;
};

static int
add_piece(
    void *arg, const struct content_item *item, uint64_t offset, struct err *e)
{
	struct content_ctx *ctx = arg;
	struct pull_state *ps = ctx->ps;
	struct pull_batch *batch;

	(void)e;
	if (item->hole)
		return 0;
	if (ps->batch == NULL) {
		ps->batch = xmalloc(sizeof(*ps->batch));
		ps->batch->count = ps->batch->bytes = ps->batch->files = 0;
	}
	batch = ps->batch;
	atomic_fetch_add(&ctx->file->pieces, 1);
	batch->pieces[batch->count++] = (struct pull_piece){
		.file = ctx->file, .offset = offset, .item = *item
	};
	batch->bytes += item->len;
	if (batch->count == BATCH_PIECES || batch->bytes >= BATCH_BYTES)
		send_batch(ps);
	return 0;
}

/* Content that is in the entry itself is written here and now. */
static void
write_inline(struct pull_state *ps, struct pull_file *file)
{
	const struct entry *ent = &file->entry;
	struct err e;
	ssize_t n = pwrite(file->target.fd, ent->content, ent->content_len, 0);

	if (n == (ssize_t)ent->content_len) {
		atomic_fetch_add(&ps->shared.counters->bytes, ent->content_len);
		return;
	}
	err_sys(&e, "cannot write");
	pull_file_fail(&ps->shared, file, &e);
}

static void
hand_out(struct pull_state *ps, struct pull_file *file)
{
	struct content_ctx ctx = { .ps = ps, .file = file };
	struct err e;

	if (file->entry.content_kind == ENTRY_CONTENT_INLINE)
		write_inline(ps, file);
	else if (content_each(&ps->source, &file->entry, add_piece, NULL, &ctx,
		     &e) == -1)
		pull_file_fail(&ps->shared, file, &e);
	if (ps->batch != NULL && ++ps->batch->files >= BATCH_FILES)
		send_batch(ps);
	pull_piece_done(&ps->shared, file);
}

/* See whether a file that is there has the content that it should have. */
static void
settle(struct pull_state *ps, struct pull_file *file)
{
	struct err e;
	int same =
	    pull_compare(&ps->source, repo_id_key(ps->shared.repo, CHUNK_DATA),
		&file->entry, file->target.fd, &e);

	if (same == 1)
		file->target.todo = TARGET_KEEP;
	else if (same == -1 || target_file_rewrite(&file->target, &e) == -1)
		pull_file_fail(&ps->shared, file, &e);
}

static int
restore_file(struct pull_state *ps, const struct node_item *item, struct err *e)
{
	struct pull_file *file = xcalloc(1, sizeof(*file));
	bool begun = false;

	atomic_init(&file->pieces, 1);
	buf_add(&file->encoded, item->entry, item->entry_len);
	if (entry_decode(
		file->encoded.data, file->encoded.len, &file->entry, e) == 0 &&
	    load_xattrs(ps, &file->entry, &file->xattrs, e) == 0 &&
	    target_file_begin(ps->at, item->key, item->key_len, &file->entry,
		&file->target, e) == 0)
		begun = true;
	if (!begun) {
		buf_free(&file->encoded);
		buf_free(&file->xattrs);
		free(file);
		return -1;
	}
	file->path = xstrdup(path_of(ps, item));
	if (file->target.todo == TARGET_COMPARE)
		settle(ps, file);
	if (file->target.todo == TARGET_WRITE && !atomic_load(&file->failed))
		hand_out(ps, file);
	else
		pull_piece_done(&ps->shared, file);
	return 0;
}

static int
restore_special(struct pull_state *ps, const struct node_item *item,
    const struct entry *ent, struct err *e)
{
	struct buf xattrs = { 0 };
	int rc = load_xattrs(ps, ent, &xattrs, e);

	if (rc == 0)
		rc = target_special(ps->at, item->key, item->key_len, ent,
		    xattrs.data, xattrs.len, e);
	buf_free(&xattrs);
	if (rc == 0)
		atomic_fetch_add(&ps->shared.counters->files, 1);
	return rc;
}

/* What was not saved can't be restored; say so rather than make it empty. */
static bool
was_not_saved(const struct entry *ent)
{
	return ent->error_len > 0 && ent->type == ENTRY_FILE && ent->size > 0 &&
	    ent->content_kind == ENTRY_CONTENT_NONE;
}

/* An entry other than a directory. */
static int
restore_other(struct pull_state *ps, const struct node_item *item,
    const struct entry *ent, struct err *e)
{
	bool linked = false;
	int rc;

	if (was_not_saved(ent)) {
		err_set(e, ERR_NOT_FOUND, "was not saved: %.*s",
		    (int)ent->error_len, ent->error);
		return -1;
	}
	if (ent->nlink > 0 &&
	    target_link(ps->at, item->key, item->key_len, ent, &linked, e) ==
		-1)
		return -1;
	if (linked) {
		atomic_fetch_add(&ps->shared.counters->files, 1);
		return 0;
	}
	rc = ent->type == ENTRY_FILE ? restore_file(ps, item, e) :
				       restore_special(ps, item, ent, e);
	if (rc == -1 && ent->nlink > 0)
		target_link_forget(ps->shared.target, ent);
	return rc;
}

/* Make one entry; what fails is reported, and the pull goes on. */
static void
restore_entry(struct pull_state *ps, const struct node_item *item)
{
	struct entry ent;
	struct err e;
	int rc;

	if (!key_valid(item->key, item->key_len)) {
		err_set(&e, ERR_CORRUPT, "a name that can't be");
		pull_error(&ps->shared, "(tree)", &e);
		return;
	}
	rc = entry_decode(item->entry, item->entry_len, &ent, &e);
	if (rc == 0 && ent.type == ENTRY_DIR) {
		rc = target_dir(ps->at, item->key, item->key_len, &ent, &e);
		if (rc == 0)
			atomic_fetch_add(&ps->shared.counters->dirs, 1);
	} else if (rc == 0) {
		rc = restore_other(ps, item, &ent, &e);
	}
	if (rc == -1)
		report(ps, item, &e);
}

/* Give a directory its metadata. */
static void
finish_entry(struct pull_state *ps, const struct node_item *item)
{
	struct buf xattrs = { 0 };
	struct entry ent;
	struct err e;

	if (entry_decode(item->entry, item->entry_len, &ent, &e) == -1 ||
	    ent.type != ENTRY_DIR)
		return; /* reported before, or not ours to finish */
	if (load_xattrs(ps, &ent, &xattrs, &e) == -1 ||
	    target_dir_finish(ps->at, item->key, item->key_len, &ent,
		xattrs.data, xattrs.len, &e) == -1)
		report(ps, item, &e);
	buf_free(&xattrs);
}

/* Whether item is below what was asked for. */
static bool
is_below(const struct pull_state *ps, const struct node_item *item)
{
	return node_key_compare(
		   item->key, item->key_len, ps->low.data, ps->low.len) >= 0 &&
	    (ps->high.len == 0 ||
		node_key_compare(
		    item->key, item->key_len, ps->high.data, ps->high.len) < 0);
}

static bool
ended(struct pull_state *ps)
{
	const atomic_bool *stop = ps->shared.options->stop;

	return pull_failed(&ps->shared) || (stop != NULL && atomic_load(stop));
}

typedef void (*each_cb)(struct pull_state *ps, const struct node_item *item);

/* Call cb for the entry of key itself. */
static int
each_one(
    struct pull_state *ps, const struct buf *key, each_cb cb, struct err *e)
{
	struct node_item item;
	int got = tree_cursor_find(ps->cursor, key->data, key->len, &item, e);

	if (got == 0)
		err_set(e, ERR_NOT_FOUND, "%s: not in this snapshot",
		    ps->shared.options->path);
	if (got != 1)
		return -1;
	cb(ps, &item);
	return 0;
}

/* Call cb for what was asked for and all below it, in order. */
static int
each_forward(struct pull_state *ps, each_cb cb, struct err *e)
{
	struct node_item item;
	int got = 1;

	if (each_one(ps, &ps->key, cb, e) == -1 ||
	    tree_cursor_seek(ps->cursor, ps->low.data, ps->low.len, e) == -1)
		return -1;
	while (!ended(ps) &&
	    (got = tree_cursor_next(ps->cursor, &item, e)) == 1 &&
	    is_below(ps, &item))
		cb(ps, &item);
	return got == -1 ? -1 : 0;
}

/* The same in reverse: what is below comes first. */
static int
each_backward(struct pull_state *ps, each_cb cb, struct err *e)
{
	struct node_item item;
	int got = ps->high.len > 0 ?
	    tree_cursor_seek(ps->cursor, ps->high.data, ps->high.len, e) :
	    tree_cursor_end(ps->cursor, e);

	while (got != -1 && !pull_failed(&ps->shared) &&
	    (got = tree_cursor_prev(ps->cursor, &item, e)) == 1 &&
	    is_below(ps, &item))
		cb(ps, &item);
	return got == -1 ? -1 : each_one(ps, &ps->key, cb, e);
}

static void
count_entry(struct pull_state *ps, const struct node_item *item)
{
	struct pull_counters *counters = ps->shared.counters;
	struct entry ent;
	struct err e;

	if (entry_decode(item->entry, item->entry_len, &ent, &e) == -1)
		return;
	if (ent.type == ENTRY_DIR)
		atomic_fetch_add(&counters->dirs_total, 1);
	else
		atomic_fetch_add(&counters->files_total, 1);
	if (ent.type == ENTRY_FILE)
		atomic_fetch_add(&counters->bytes_total, ent.size);
}

/* How much there is to do. */
static int
count_all(struct pull_state *ps, struct err *e)
{
	struct pull_counters *counters = ps->shared.counters;

	if (ps->key.len > 0)
		return each_forward(ps, count_entry, e);
	atomic_store(&counters->dirs_total, ps->snap->sums.dirs);
	atomic_store(&counters->files_total, ps->snap->sums.others);
	atomic_store(&counters->bytes_total, ps->snap->sums.bytes);
	return 0;
}

/* For --delete: is there such a path in the snapshot? */
static int
has_key(void *arg, const void *key, size_t len, struct err *e)
{
	struct pull_state *ps = arg;
	struct node_item item;

	return tree_cursor_find(ps->lookup, key, len, &item, e);
}

static void
tell(void *arg, enum target_count what, const void *key, size_t len)
{
	static const char *const words[] = {
		[TARGET_MADE] = "made",
		[TARGET_REPLACED] = "replaced",
		[TARGET_KEPT] = "kept",
		[TARGET_SKIPPED] = "skipped",
		[TARGET_DELETED] = "deleted",
	};
	struct pull_state *ps = arg;
	struct buf path = { 0 };

	if (ps->above_now != NULL && what == TARGET_MADE)
		ps->above_now->made = true;
	if (!ps->shared.options->tell || what == TARGET_KEPT)
		return;
	key_to_path(key, len, &path);
	pull_note(&ps->shared, PULL_DONE, buf_str(&path), words[what]);
	buf_free(&path);
}

/* Note the directories above what was asked for, from the root down. */
static void
list_above(struct pull_state *ps)
{
	struct buf key = { 0 }, up = { 0 };
	size_t n = 0;

	buf_add(&key, ps->key.data, ps->key.len);
	while (key_parent(key.data, key.len, &up)) {
		ps->above = xreallocarray(ps->above, n + 1, sizeof(*ps->above));
		ps->above[n++] = (struct above){ .key = up };
		buf_reset(&key);
		buf_add(&key, up.data, up.len);
		up = (struct buf){ 0 };
	}
	buf_free(&key);
	buf_free(&up);
	ps->above_count = n;
}

/* Made if missing, and only those get the metadata of the snapshot. */
static int
restore_above(struct pull_state *ps, struct err *e)
{
	for (size_t i = ps->above_count; i > 0; i--) {
		ps->above_now = &ps->above[i - 1];
		if (each_one(ps, &ps->above[i - 1].key, restore_entry, e) == -1)
			return -1;
	}
	ps->above_now = NULL;
	return 0;
}

static int
finish_above(struct pull_state *ps, struct err *e)
{
	for (size_t i = 0; i < ps->above_count; i++)
		if (ps->above[i].made &&
		    each_one(ps, &ps->above[i].key, finish_entry, e) == -1)
			return -1;
	return 0;
}

static int
start_workers(struct pull_state *ps, unsigned count, struct err *e)
{
	for (unsigned i = 0; i < count; i++) {
		int rc = pthread_create(
		    &ps->threads[i], NULL, pull_worker, &ps->shared);

		if (rc != 0) {
			errno = rc;
			err_sys(e, "cannot start a thread");
			return -1;
		}
		ps->threads_running++;
	}
	return 0;
}

/* All that was handed out is written when this returns. */
static void
end_workers(struct pull_state *ps)
{
	send_batch(ps);
	workq_close(ps->shared.queue);
	for (unsigned i = 0; i < ps->threads_running; i++)
		pthread_join(ps->threads[i], NULL);
	ps->threads_running = 0;
}

static int
open_state(struct pull_state *ps, struct err *e)
{
	const struct pull_options *options = ps->shared.options;
	const struct chunk_id *root = ps->snap->empty ? NULL : &ps->snap->tree;
	unsigned jobs = cores_count(options->jobs, JOBS_MAX);
	struct target_options target = { .overwrite = options->overwrite,
		.dry_run = options->dry_run,
		.tell = tell,
		.tell_arg = ps };

	ps->shared.queue = workq_new(QUEUE_LEN);
	ps->shared.reader = reader_new(ps->shared.repo, DATA_BLOCKS * jobs);
	ps->tree_reader = reader_new(ps->shared.repo, TREE_BLOCKS);
	ps->source = reader_source(ps->tree_reader);
	ps->cursor = tree_cursor_new(&ps->source, root);
	if (options->delete) {
		ps->lookup = tree_cursor_new(&ps->source, root);
		target.has = has_key;
		target.has_arg = ps;
	}
	if (key_from_path(options->path, strlen(options->path), &ps->key, e) ==
	    -1)
		return -1;
	buf_reserve(&ps->key, 1);
	key_descendants(ps->key.data, ps->key.len, &ps->low, &ps->high);
	list_above(ps);
	if (count_all(ps, e) == -1 ||
	    target_open(options->to, &target, &ps->shared.target, e) == -1)
		return -1;
	ps->at = target_cursor_new(ps->shared.target);
	if (options->begin != NULL)
		options->begin(options->begin_ctx);
	return start_workers(ps, jobs, e);
}

static void
close_state(struct pull_state *ps)
{
	end_workers(ps);
	workq_free(ps->shared.queue, NULL);
	if (ps->at != NULL)
		target_cursor_free(ps->at);
	target_close(ps->shared.target);
	tree_cursor_free(ps->cursor);
	tree_cursor_free(ps->lookup);
	reader_free(ps->tree_reader);
	reader_free(ps->shared.reader);
	for (size_t i = 0; i < ps->above_count; i++)
		buf_free(&ps->above[i].key);
	free(ps->above);
	buf_free(&ps->key);
	buf_free(&ps->low);
	buf_free(&ps->high);
	buf_free(&ps->path);
	pthread_mutex_destroy(&ps->shared.lock);
}

static int
restore_all(struct pull_state *ps, struct err *e)
{
	if (restore_above(ps, e) == -1 ||
	    each_forward(ps, restore_entry, e) == -1)
		return -1;
	end_workers(ps);
	if (each_backward(ps, finish_entry, e) == -1 ||
	    finish_above(ps, e) == -1)
		return -1;
	if (pull_failed(&ps->shared)) {
		*e = ps->shared.error;
		return -1;
	}
	return 0;
}

int
pull(struct repo *repo, const struct snapshot *snap,
    const struct pull_options *options, struct pull_counters *counters,
    struct pull_result *result, struct err *e)
{
	struct pull_state ps = { .shared = { .repo = repo,
				     .options = options,
				     .counters = counters },
		.snap = snap };
	int rc = -1;

	*result = (struct pull_result){ .stopped = false };
	pthread_mutex_init(&ps.shared.lock, NULL);
	if (open_state(&ps, e) == 0)
		rc = restore_all(&ps, e);
	if (rc == 0) {
		result->stopped =
		    options->stop != NULL && atomic_load(options->stop);
		for (int i = 0; i < TARGET_COUNTS; i++)
			result->counts[i] = target_count(
			    ps.shared.target, (enum target_count)i);
		result->incomplete =
		    target_shortfall(ps.shared.target, &result->shortfall) ||
		    atomic_load(&counters->errors) > 0 || result->stopped;
	}
	close_state(&ps);
	return rc;
}
