/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * micro_copy FROM TO [WORKERS]: a directory copied through walk, meta and
 * restore, with no repository in between: what these three cost a pull, to
 * be held against cp -a FROM TO.
 */
#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/workq.h"

#include "plakar/format/entry.h"
#include "plakar/format/key.h"
#include "plakar/meta/meta.h"
#include "plakar/restore/target.h"
#include "plakar/walk/walk.h"

#define RUN_FILES   64
#define QUEUE_LEN   16
#define PIECE       (256 * 1024)
#define WORKERS_MAX 16

/* One entry, with all that it points to. */
struct job {
	char *path;
	struct buf key, storage;
	struct entry ent;
};

struct run {
	struct job jobs[RUN_FILES];
	size_t n;
};

static struct workq *queue;
static struct target *target;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
give_up(const char *path, const struct err *e)
{
	fprintf(stderr, "%s: %s\n", path, e->msg);
	exit(1);
}

static void
copy_file(struct target_cursor *c, const struct job *job, uint8_t *piece)
{
	struct target_file f;
	struct err e;
	uint64_t at = 0;
	size_t n = 0;
	int from = open(job->path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (from == -1)
		err_sys(&e, "cannot open");
	if (from == -1 ||
	    target_file_begin(
		c, job->key.data, job->key.len, &job->ent, &f, &e) == -1)
		give_up(job->path, &e);
	do {
		rc = fs_pread_full(from, piece, PIECE, at, &n, &e);
		if (rc == 0)
			rc = fs_write_all(f.fd, piece, n, &e);
		at += n;
	} while (rc == 0 && n == PIECE);
	close(from);
	if (rc == -1 ||
	    target_file_end(
		&f, job->ent.xattrs, job->ent.xattrs_len, true, &e) == -1)
		give_up(job->path, &e);
}

static void
copy_other(struct target_cursor *c, const struct job *job, uint8_t *piece)
{
	const struct entry *ent = &job->ent;
	bool done = false;
	struct err e;

	if (ent->nlink > 0 &&
	    target_link(c, job->key.data, job->key.len, ent, &done, &e) == -1)
		give_up(job->path, &e);
	if (done)
		return;
	if (ent->type == ENTRY_FILE)
		copy_file(c, job, piece);
	else if (target_special(c, job->key.data, job->key.len, ent,
		     ent->xattrs, ent->xattrs_len, &e) == -1)
		give_up(job->path, &e);
}

static void
job_clear(struct job *job)
{
	free(job->path);
	buf_free(&job->key);
	buf_free(&job->storage);
}

static void *
work(void *arg)
{
	struct target_cursor *c = target_cursor_new(target);
	uint8_t *piece = xmalloc(PIECE);
	struct run *run;

	(void)arg;
	while ((run = workq_pop(queue)) != NULL) {
		for (size_t i = 0; i < run->n; i++) {
			copy_other(c, &run->jobs[i], piece);
			job_clear(&run->jobs[i]);
		}
		free(run);
	}
	free(piece);
	target_cursor_free(c);
	return NULL;
}

static struct job
make_job(const struct walk_item *item, size_t root_len)
{
	struct job job = { 0 };
	struct err e;

	job.path = xstrndup(item->path, item->path_len);
	if (meta_capture(item->dirfd, item->name, item->fd, &item->st, &job.ent,
		&job.storage, &e) == -1 ||
	    (item->path_len > root_len &&
		key_from_path(item->path + root_len, item->path_len - root_len,
		    &job.key, &e) == -1))
		give_up(item->path, &e);
	return job;
}

static void
hand_out(struct run **run)
{
	bool pushed = workq_push(queue, *run);

	assert(pushed);
	*run = xcalloc(1, sizeof(**run));
}

/* Walk, make directories and hand out the rest; gives the directories. */
static struct job *
copy_all(struct walk *w, size_t *n_dirs)
{
	struct target_cursor *c = target_cursor_new(target);
	struct run *run = xcalloc(1, sizeof(*run));
	size_t root_len = strlen(walk_root(w, 0));
	struct job *dirs = NULL;
	struct walk_item item;
	struct err e;

	while (walk_next(w, &item)) {
		if (item.kind == WALK_PROBLEM || item.above_root)
			continue;
		if (!S_ISDIR(item.st.stx_mode)) {
			run->jobs[run->n++] = make_job(&item, root_len);
			if (run->n == RUN_FILES)
				hand_out(&run);
			continue;
		}
		dirs = xreallocarray(dirs, *n_dirs + 1, sizeof(*dirs));
		dirs[*n_dirs] = make_job(&item, root_len);
		if (target_dir(c, dirs[*n_dirs].key.data, dirs[*n_dirs].key.len,
			&dirs[*n_dirs].ent, &e) == -1)
			give_up(item.path, &e);
		(*n_dirs)++;
	}
	hand_out(&run);
	free(run);
	workq_close(queue);
	target_cursor_free(c);
	return dirs;
}

static void
finish_dirs(struct job *dirs, size_t n)
{
	struct target_cursor *c = target_cursor_new(target);
	struct err e;

	while (n-- > 0) {
		if (target_dir_finish(c, dirs[n].key.data, dirs[n].key.len,
			&dirs[n].ent, dirs[n].ent.xattrs,
			dirs[n].ent.xattrs_len, &e) == -1)
			give_up(dirs[n].path, &e);
		job_clear(&dirs[n]);
	}
	free(dirs);
	target_cursor_free(c);
}

int
main(int argc, char **argv)
{
	const struct walk_options walk_options = { 0 };
	const struct target_options options = { 0 };
	int workers = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 2;
	pthread_t threads[WORKERS_MAX];
	const char *from = argc > 1 ? argv[1] : "";
	double start = now();
	struct walk *w;
	struct job *dirs;
	size_t n = 0;
	struct err e;

	if (argc < 3 || workers < 1 || workers > WORKERS_MAX) {
		fprintf(stderr, "usage: micro_copy FROM TO [WORKERS]\n");
		return 2;
	}
	if (walk_open(&from, 1, &walk_options, &w, &e) == -1 ||
	    target_open(argv[2], &options, &target, &e) == -1)
		give_up(from, &e);
	queue = workq_new(QUEUE_LEN);
	for (int i = 0; i < workers; i++)
		if (pthread_create(&threads[i], NULL, work, NULL) != 0)
			return 1;
	dirs = copy_all(w, &n);
	for (int i = 0; i < workers; i++)
		pthread_join(threads[i], NULL);
	finish_dirs(dirs, n);
	walk_close(w);
	workq_free(queue, NULL);
	printf("%llu made, %.3f s\n",
	    (unsigned long long)target_count(target, TARGET_MADE),
	    now() - start);
	target_close(target);
	return 0;
}
