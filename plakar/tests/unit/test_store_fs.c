/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "plakar/store/store.h"

#include "plakar/tests/support/store_fault.h"

#define ID_A "aa00000000000000000000000000000000000000000000000000000000000001"
#define ID_B "bb00000000000000000000000000000000000000000000000000000000000002"

struct fixture {
	char root[64]; /* a scratch directory */
	char *path;    /* the store in it */
	struct store *store;
	struct err e;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	snprintf(f->root, sizeof(f->root), "/tmp/plakar-store-XXXXXX");
	if (mkdtemp(f->root) == NULL)
		return -1;
	f->path = xasprintf("%s/repo", f->root);
	if (store_create(f->path, &f->store, &f->e) == -1)
		return -1;
	*state = f;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int rc;

	store_close(f->store);
	rc = nftw(f->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f->path);
	free(f);
	return rc;
}

static char *
below(const struct fixture *f, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	return path;
}

static int
count_files(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *ent;
	int n = 0;

	assert_non_null(dir);
	while ((ent = readdir(dir)) != NULL)
		n += ent->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void
put(struct fixture *f, const char *name, const char *text)
{
	assert_int_equal(
	    store_put(f->store, name, text, strlen(text), &f->e), 0);
}

static void
assert_object(struct fixture *f, const char *name, const char *text)
{
	struct buf b = { 0 };

	assert_int_equal(store_get(f->store, name, 1000, &b, &f->e), 0);
	assert_string_equal(buf_str(&b), text);
	buf_free(&b);
}

static void
object_comes_back(void **state)
{
	struct fixture *f = *state;
	const char *names[] = { "config", "data/" ID_A, "index/" ID_A,
		"keys/" ID_A, "locks/" ID_A, "snapshots/" ID_A };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint64_t size = 0;
		bool exists = true;

		assert_int_equal(
		    store_exists(f->store, names[i], &exists, &f->e), 0);
		assert_false(exists);
		put(f, names[i], names[i]);
		assert_object(f, names[i], names[i]);
		assert_int_equal(
		    store_size(f->store, names[i], &size, &f->e), 0);
		assert_int_equal(size, strlen(names[i]));
		assert_int_equal(
		    store_exists(f->store, names[i], &exists, &f->e), 0);
		assert_true(exists);
	}
	assert_int_equal(store_sync(f->store, &f->e), 0);
	assert_int_equal(count_files(below(f, "tmp")), 0);
}

static void
objects_lie_where_other_servers_look(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	put(f, "data/" ID_A, "x");
	put(f, "index/" ID_A, "x");
	assert_int_equal(stat(below(f, "data/aa/" ID_A), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_int_equal(stat(below(f, "index/" ID_A), &st), 0);
	assert_int_equal(stat(below(f, "data/ff"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(count_files(below(f, "data")), 256);
}

static void
object_appears_only_when_committed(void **state)
{
	struct fixture *f = *state;
	struct store_put *p, *q;
	bool exists;

	assert_int_equal(store_put_begin(f->store, &p, &f->e), 0);
	assert_int_equal(store_put_begin(f->store, &q, &f->e), 0);
	assert_int_equal(store_put_write(p, "one ", 4, &f->e), 0);
	assert_int_equal(store_put_write(q, "other", 5, &f->e), 0);
	assert_int_equal(store_put_write(p, "two", 3, &f->e), 0);
	assert_int_equal(
	    store_exists(f->store, "data/" ID_A, &exists, &f->e), 0);
	assert_false(exists);
	assert_int_equal(store_put_commit(p, "data/" ID_A, &f->e), 0);
	store_put_abort(q);
	assert_object(f, "data/" ID_A, "one two");
	assert_int_equal(count_files(below(f, "tmp")), 0);
}

static void
large_object_comes_back(void **state)
{
	enum {
		LEN = 20 << 20,
		STEP = 1 << 20
	};
	struct fixture *f = *state;
	uint8_t *data = xmalloc(LEN), *got = xmalloc(LEN);
	struct store_put *p;

	for (size_t i = 0; i < LEN; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 20);
	assert_int_equal(store_put_begin(f->store, &p, &f->e), 0);
	for (size_t at = 0; at < LEN; at += STEP)
		assert_int_equal(store_put_write(p, data + at, STEP, &f->e), 0);
	assert_int_equal(store_put_commit(p, "data/" ID_A, &f->e), 0);
	assert_int_equal(
	    store_get_range(f->store, "data/" ID_A, 0, LEN, got, &f->e), 0);
	assert_memory_equal(data, got, LEN);
	free(data);
	free(got);
}

static void
range_is_exact_or_an_error(void **state)
{
	struct fixture *f = *state;
	char dst[8] = "";

	put(f, "data/" ID_A, "0123456789");
	assert_int_equal(
	    store_get_range(f->store, "data/" ID_A, 3, 4, dst, &f->e), 0);
	assert_memory_equal(dst, "3456", 4);
	assert_int_equal(
	    store_get_range(f->store, "data/" ID_A, 10, 0, dst, &f->e), 0);
	assert_int_equal(
	    store_get_range(f->store, "data/" ID_A, 8, 3, dst, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_CORRUPT);
	assert_non_null(strstr(f->e.msg, ID_A));
	assert_int_equal(
	    store_get_range(f->store, "data/" ID_B, 0, 1, dst, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_NOT_FOUND);
}

static void
get_refuses_more_than_the_limit(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };

	put(f, "index/" ID_A, "0123456789");
	assert_int_equal(store_get(f->store, "index/" ID_A, 9, &b, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_LIMIT);
	assert_int_equal(store_get(f->store, "index/" ID_A, 10, &b, &f->e), 0);
	assert_int_equal(b.len, 10);
	buf_free(&b);
}

static void
bad_names_are_refused(void **state)
{
	static const char *const names[] = { "", "config/", "Config", "data",
		"data/", "data/abc", "../config", "data/../config", "tmp/" ID_A,
		"data//" ID_A, "/data/" ID_A, "data/" ID_A "0",
		"data/AA00000000000000000000000000000000000000000000000000000"
		"000000001",
		"data/../../0000000000000000000000000000000000000000000000000"
		"000000001",
		"dat/" ID_A, "config/" ID_A, "dataX/" ID_A };
	struct fixture *f = *state;
	struct buf b = { 0 };
	uint64_t size;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(
		    store_put(f->store, names[i], "x", 1, &f->e), -1);
		assert_int_equal(f->e.kind, ERR_USAGE);
		assert_int_equal(
		    store_get(f->store, names[i], 9, &b, &f->e), -1);
		assert_int_equal(f->e.kind, ERR_USAGE);
		assert_int_equal(
		    store_size(f->store, names[i], &size, &f->e), -1);
		assert_int_equal(f->e.kind, ERR_USAGE);
		assert_int_equal(store_delete(f->store, names[i], &f->e), -1);
		assert_int_equal(f->e.kind, ERR_USAGE);
	}
	assert_int_equal(count_files(below(f, "tmp")), 0);
}

struct listing {
	int n;
	uint64_t bytes;
	bool stop;
};

static int
note(void *arg, const char *name, uint64_t size, struct err *e)
{
	struct listing *l = arg;
	enum store_kind kind;

	assert_true(store_name_parse(name, &kind));
	l->n++;
	l->bytes += size;
	if (!l->stop)
		return 0;
	err_set(e, ERR_CANCELLED, "enough");
	return -1;
}

static void
listing_tells_objects_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct listing data = { 0 }, index = { 0 }, config = { 0 };
	int fd;

	put(f, "data/" ID_A, "123");
	put(f, "data/" ID_B, "4567");
	put(f, "index/" ID_B, "1");
	/* Things that people and programs leave in folders. */
	assert_int_equal(mkdir(below(f, "data/aa/" ID_B), 0700), 0);
	assert_int_equal(symlink("/etc/passwd", below(f, "data/00/" ID_A)), 0);
	fd = open(below(f, "data/00/" ID_B), O_WRONLY | O_CREAT, 0600);
	assert_true(fd != -1);
	close(fd);
	fd = open(below(f, "data/aa/.DS_Store"), O_WRONLY | O_CREAT, 0600);
	assert_true(fd != -1);
	close(fd);

	assert_int_equal(
	    store_list(f->store, STORE_DATA, note, &data, &f->e), 0);
	assert_int_equal(data.n, 2);
	assert_int_equal(data.bytes, 7);
	assert_int_equal(
	    store_list(f->store, STORE_INDEX, note, &index, &f->e), 0);
	assert_int_equal(index.n, 1);
	assert_int_equal(
	    store_list(f->store, STORE_CONFIG, note, &config, &f->e), 0);
	assert_int_equal(config.n, 0);

	data.n = 0;
	data.stop = true;
	assert_int_equal(
	    store_list(f->store, STORE_DATA, note, &data, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_CANCELLED);
	assert_int_equal(data.n, 1);
}

static void
deleted_object_is_gone(void **state)
{
	struct fixture *f = *state;
	bool exists = true;

	put(f, "snapshots/" ID_A, "x");
	assert_int_equal(store_delete(f->store, "snapshots/" ID_A, &f->e), 0);
	assert_int_equal(
	    store_exists(f->store, "snapshots/" ID_A, &exists, &f->e), 0);
	assert_false(exists);
	assert_int_equal(store_delete(f->store, "snapshots/" ID_A, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_NOT_FOUND);
	assert_int_equal(store_sync(f->store, &f->e), 0);
}

static void
config_is_never_replaced(void **state)
{
	struct fixture *f = *state;

	put(f, "config", "first");
	assert_int_equal(store_put(f->store, "config", "second", 6, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_EXISTS);
	assert_object(f, "config", "first");
	assert_int_equal(count_files(below(f, "tmp")), 0);
}

static void
damaged_object_is_healed_by_a_put(void **state)
{
	struct fixture *f = *state;

	put(f, "data/" ID_A, "right");
	assert_int_equal(chmod(below(f, "data/aa/" ID_A), 0600), 0);
	assert_int_equal(truncate(below(f, "data/aa/" ID_A), 2), 0);
	put(f, "data/" ID_A, "right");
	assert_object(f, "data/" ID_A, "right");
}

static void
missing_folders_are_made_again(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rmdir(below(f, "tmp")), 0);
	assert_int_equal(rmdir(below(f, "index")), 0);
	for (int i = 0; i < 256; i++) {
		char name[16];

		snprintf(name, sizeof(name), "data/%02x", i);
		assert_int_equal(rmdir(below(f, name)), 0);
	}
	assert_int_equal(rmdir(below(f, "data")), 0);
	put(f, "data/" ID_A, "a");
	put(f, "data/" ID_B, "b");
	put(f, "index/" ID_A, "i");
	assert_object(f, "data/" ID_A, "a");
	assert_object(f, "index/" ID_A, "i");
	assert_int_equal(store_sync(f->store, &f->e), 0);
}

static void
create_refuses_what_is_not_empty(void **state)
{
	struct fixture *f = *state;
	struct store *s;

	/* An init that was interrupted before it stored "config". */
	assert_int_equal(store_create(f->path, &s, &f->e), 0);
	store_close(s);
	put(f, "config", "x");
	assert_int_equal(store_create(f->path, &s, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_EXISTS);
	assert_int_equal(store_create(f->root, &s, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_EXISTS);
	assert_non_null(strstr(f->e.msg, "\"repo\""));
}

static void
create_makes_what_is_missing_above(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s/deep/er/repo", f->root);
	struct store *s;

	assert_int_equal(store_create(path, &s, &f->e), 0);
	assert_string_equal(store_location(s), path);
	store_close(s);
	free(path);
}

static void
open_needs_a_repository(void **state)
{
	struct fixture *f = *state;
	char *url = xasprintf("file://%s", f->path);
	char *missing = xasprintf("%s/nothing", f->root);
	struct store *s;

	assert_int_equal(store_open(f->path, &s, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_NOT_FOUND);
	assert_int_equal(store_open(missing, &s, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_NOT_FOUND);
	assert_int_equal(access(missing, F_OK), -1);
	put(f, "config", "x");
	assert_int_equal(store_open(url, &s, &f->e), 0);
	store_close(s);
	free(url);
	free(missing);
}

static void
unknown_schemes_are_named(void **state)
{
	static const struct {
		const char *location, *word;
		enum err_kind kind;
	} cases[] = {
		{ "gopher://host/x", "gopher://", ERR_UNSUPPORTED },
		{ "zip:///x", "zip://", ERR_UNSUPPORTED },
		{ "file://host/x", "without a host", ERR_USAGE },
		{ "", "empty", ERR_USAGE },
	};
	struct fixture *f = *state;
	struct store *s;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(store_open(cases[i].location, &s, &f->e), -1);
		assert_int_equal(f->e.kind, cases[i].kind);
		assert_non_null(strstr(f->e.msg, cases[i].word));
	}
}

/* A file in tmp/, as a writer leaves it; its descriptor. */
static int
leftover(struct fixture *f, const char *name, time_t age)
{
	struct timespec times[2];
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "tmp/%s", name);
	fd = open(below(f, path), O_WRONLY | O_CREAT, 0400);
	assert_true(fd != -1);
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= age;
	times[1] = times[0];
	assert_int_equal(futimens(fd, times), 0);
	return fd;
}

static void
leftovers_go_when_old_and_nobodys(void **state)
{
	struct fixture *f = *state;
	int old = leftover(f, "old", 100000);
	int young = leftover(f, "young", 1000);
	int held = leftover(f, "held", 100000);

	assert_int_equal(flock(held, LOCK_EX), 0);
	close(old);
	close(young);
	put(f, "data/" ID_A, "x");
	assert_int_equal(access(below(f, "tmp/old"), F_OK), -1);
	assert_int_equal(access(below(f, "tmp/young"), F_OK), 0);
	assert_int_equal(access(below(f, "tmp/held"), F_OK), 0);
	close(held);
}

#define THREADS    4
#define PER_THREAD 50

struct worker {
	struct fixture *f;
	unsigned number;
};

static void *
put_and_get_many(void *arg)
{
	struct worker *w = arg;
	struct err e;

	for (unsigned i = 0; i < PER_THREAD; i++) {
		char name[STORE_NAME_MAX], text[32], back[32];
		size_t len =
		    (size_t)snprintf(text, sizeof(text), "%u/%u", w->number, i);

		snprintf(name, sizeof(name), "data/%02x%062x", i,
		    w->number * PER_THREAD + i);
		if (store_put(w->f->store, name, text, len, &e) == -1 ||
		    store_get_range(w->f->store, name, 0, len, back, &e) ==
			-1 ||
		    memcmp(text, back, len) != 0 ||
		    store_sync(w->f->store, &e) == -1)
			return w;
	}
	return NULL;
}

static void
threads_do_not_disturb_each_other(void **state)
{
	struct fixture *f = *state;
	struct worker workers[THREADS];
	struct listing l = { 0 };
	pthread_t threads[THREADS];
	void *failed;

	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ f, i };
		assert_int_equal(pthread_create(&threads[i], NULL,
				     put_and_get_many, &workers[i]),
		    0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(store_list(f->store, STORE_DATA, note, &l, &f->e), 0);
	assert_int_equal(l.n, THREADS * PER_THREAD);
}

static void
processes_may_put_the_same_object(void **state)
{
	struct fixture *f = *state;
	int status;

	put(f, "config", "x");
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		assert_true(pid != -1);
		if (pid != 0)
			continue;
		for (int n = 0; n < 100; n++) {
			if (store_put(
				f->store, "data/" ID_A, "same", 4, &f->e) == -1)
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_object(f, "data/" ID_A, "same");
	assert_int_equal(count_files(below(f, "tmp")), 0);
}

static void
failed_operation_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct store *faulty = store_fault_new(f->store);
	unsigned long calls;

	f->store = faulty;
	store_fault_arm(faulty, 0, 0, false);
	put(f, "data/" ID_A, "x");
	calls = store_fault_calls(faulty);
	assert_int_equal(calls, 3);
	for (unsigned long n = 1; n <= calls; n++) {
		store_fault_arm(faulty, n, ENOSPC, true);
		assert_int_equal(
		    store_put(faulty, "data/" ID_B, "y", 1, &f->e), -1);
		assert_int_equal(f->e.errnum, ENOSPC);
		assert_int_equal(count_files(below(f, "tmp")), 0);
		store_fault_arm(faulty, 0, 0, false);
		assert_object(f, "data/" ID_A, "x");
	}
}

static void
file_that_is_no_object_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };

	assert_int_equal(mkfifo(below(f, "index/" ID_A), 0600), 0);
	assert_int_equal(store_get(f->store, "index/" ID_A, 10, &b, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_CORRUPT);
	assert_int_equal(symlink("/etc/passwd", below(f, "index/" ID_B)), 0);
	assert_int_equal(
	    store_get(f->store, "index/" ID_B, 10000, &b, &f->e), -1);
	buf_free(&b);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(object_comes_back),
		CASE(objects_lie_where_other_servers_look),
		CASE(object_appears_only_when_committed),
		CASE(large_object_comes_back),
		CASE(range_is_exact_or_an_error),
		CASE(get_refuses_more_than_the_limit),
		CASE(bad_names_are_refused),
		CASE(listing_tells_objects_and_nothing_else),
		CASE(deleted_object_is_gone),
		CASE(config_is_never_replaced),
		CASE(damaged_object_is_healed_by_a_put),
		CASE(missing_folders_are_made_again),
		CASE(create_refuses_what_is_not_empty),
		CASE(create_makes_what_is_missing_above),
		CASE(open_needs_a_repository),
		CASE(unknown_schemes_are_named),
		CASE(leftovers_go_when_old_and_nobodys),
		CASE(threads_do_not_disturb_each_other),
		CASE(processes_may_put_the_same_object),
		CASE(failed_operation_leaves_nothing),
		CASE(file_that_is_no_object_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
