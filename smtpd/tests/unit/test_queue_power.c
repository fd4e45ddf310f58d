/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The store when the power fails, and when the disk does.
 *
 * The calls by which it writes are wrapped (ld --wrap): they are done, and
 * recorded.  From the record, what a disk may hold after any of them is made
 * again, in a directory of its own: what was synced, and of the rest nothing,
 * all, or some sectors and some names.  The store that opens it must have
 * each acknowledged message whole, and none that was removed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/queue/envelope.h"
#include "smtpd/queue/record.h"
#include "smtpd/queue/store.h"

#define SECTOR      512
#define SEGMENT_LEN 4096
#define MESSAGES    60
#define NAMES       64

ssize_t __real_pwrite64(int fd, const void *p, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t len, off_t at);
ssize_t __real_write(int fd, const void *p, size_t len);
ssize_t __wrap_write(int fd, const void *p, size_t len);
int __real_ftruncate64(int fd, off_t len);
int __wrap_ftruncate64(int fd, off_t len);
int __real_fallocate64(int fd, int mode, off_t at, off_t len);
int __wrap_fallocate64(int fd, int mode, off_t at, off_t len);
int __real_openat64(int dir, const char *name, int flags, mode_t mode);
int __wrap_openat64(int dir, const char *name, int flags, mode_t mode);
int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __real_linkat(int a, const char *from, int b, const char *to, int flags);
int __wrap_linkat(int a, const char *from, int b, const char *to, int flags);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);

enum op_kind {
	OP_WRITE,
	OP_LENGTH,
	OP_SYNC, /* a file or a directory */
	OP_NAME,
	OP_UNNAME
};

struct op {
	enum op_kind kind;
	ino_t file; /* or directory */
	ino_t dir;
	char name[NAMES];
	uint64_t at, len;
	uint8_t *data;
};

static struct op *ops;
static size_t n_ops;
static bool recording;
/* Faults: the how-manieth call of the kind fails, and with what. */
static int fail_after = -1, fail_errno;
static bool fail_always;

static char home[40]; /* in memory, if there is such a place */
static char spool[64], image[64];

static ino_t failed; /* the file whose write or sync failed last */

static bool
fails(void)
{
	if (!recording || fail_after == -1)
		return false;
	if (fail_after > 0) {
		fail_after--;
		return false;
	}
	if (!fail_always)
		fail_after = -1;
	errno = fail_errno;
	return true;
}

static ino_t
inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static struct op *
record_op(enum op_kind kind, int fd)
{
	struct op *op;

	ops = xreallocarray(ops, n_ops + 1, sizeof(*ops));
	op = &ops[n_ops++];
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->file = inode(fd);
	return op;
}

static void
record_name(enum op_kind kind, int dir, const char *name, ino_t file)
{
	struct op *op = record_op(kind, dir);

	op->dir = op->file;
	op->file = file;
	snprintf(op->name, sizeof(op->name), "%s", name);
}

static void
record_write(int fd, const void *p, size_t len, uint64_t at)
{
	struct op *op = record_op(OP_WRITE, fd);

	op->at = at;
	op->len = len;
	op->data = xmalloc(len);
	memcpy(op->data, p, len);
}

ssize_t
__wrap_pwrite64(int fd, const void *p, size_t len, off_t at)
{
	if (fails()) {
		/* Half of it may be there. */
		assert_int_equal(__real_pwrite64(fd, p, len / 2, at), len / 2);
		failed = inode(fd);
		errno = fail_errno;
		return -1;
	}
	if (recording && inode(fd) == failed)
		fail_msg("a segment is written again after an error");
	if (recording)
		record_write(fd, p, len, (uint64_t)at);
	return __real_pwrite64(fd, p, len, at);
}

ssize_t
__wrap_write(int fd, const void *p, size_t len)
{
	if (fd > 2 && recording)
		record_write(fd, p, len, (uint64_t)lseek(fd, 0, SEEK_CUR));
	return __real_write(fd, p, len);
}

int
__wrap_ftruncate64(int fd, off_t len)
{
	if (recording)
		record_op(OP_LENGTH, fd)->len = (uint64_t)len;
	return __real_ftruncate64(fd, len);
}

int
__wrap_fallocate64(int fd, int mode, off_t at, off_t len)
{
	if (fails())
		return -1;
	if (recording)
		record_op(OP_LENGTH, fd)->len = (uint64_t)(at + len);
	return __real_fallocate64(fd, mode, at, len);
}

int
__wrap_openat64(int dir, const char *name, int flags, mode_t mode)
{
	int fd;

	if ((flags & O_CREAT) != 0 && fails())
		return -1;
	fd = __real_openat64(dir, name, flags, mode);
	if (recording && fd != -1 && (flags & O_CREAT) != 0)
		record_name(OP_NAME, dir, name, inode(fd));
	return fd;
}

int
__wrap_linkat(int a, const char *from, int b, const char *to, int flags)
{
	struct stat st;

	if (fails())
		return -1;
	assert_int_equal(stat(from, &st), 0);
	if (recording)
		record_name(OP_NAME, b, to, st.st_ino);
	return __real_linkat(a, from, b, to, flags);
}

int
__wrap_unlinkat(int dir, const char *name, int flags)
{
	char kept[96];

	if (!recording)
		return __real_unlinkat(dir, name, flags);
	record_name(OP_UNNAME, dir, name, 0);
	/* No later file gets its inode. */
	snprintf(kept, sizeof(kept), "%s/gone.%zu", home, n_ops);
	return renameat(dir, name, AT_FDCWD, kept);
}

/* No test needs the disk's own patience. */
int
__wrap_fsync(int fd)
{
	if (fails()) {
		failed = inode(fd);
		return -1;
	}
	if (recording)
		record_op(OP_SYNC, fd);
	return 0;
}

int
__wrap_fdatasync(int fd)
{
	return __wrap_fsync(fd);
}

static void
empty_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (d->d_type == DT_REG)
			__real_unlinkat(dirfd(dir), d->d_name, 0);
	}
	if (dir != NULL)
		closedir(dir);
}

static void
empty_spool(const char *base)
{
	static const char *const names[] = { "log", "bodies", "corrupt" };
	char path[96];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", base, names[i]);
		empty_dir(path);
		mkdir(path, 0700);
	}
}

static void
forget_ops(void)
{
	for (size_t i = 0; i < n_ops; i++)
		free(ops[i].data);
	free(ops);
	ops = NULL;
	n_ops = 0;
}

static int
set_up(void **state)
{
	(void)state;
	recording = false;
	failed = 0;
	fail_after = -1;
	fail_always = false;
	snprintf(home, sizeof(home), "/dev/shm/test_queue_power.XXXXXX");
	if (mkdtemp(home) == NULL) {
		snprintf(home, sizeof(home), "/tmp/test_queue_power.XXXXXX");
		if (mkdtemp(home) == NULL)
			return -1;
	}
	snprintf(spool, sizeof(spool), "%s/spool", home);
	snprintf(image, sizeof(image), "%s/image", home);
	if (mkdir(spool, 0700) == -1 || mkdir(image, 0700) == -1)
		return -1;
	empty_spool(spool);
	empty_spool(image);
	return 0;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	recording = false;
	forget_ops();
	snprintf(command, sizeof(command), "rm -rf %s", home);
	return system(command);
}

/* What the test knows of each message: the first and last operation of the
 * commits that added and removed it (0: none). */
struct known {
	uint32_t n_envelopes;
	bool external;
	size_t adding, added, removing, removed;
	uint32_t retry; /* that a commit has returned for, at retried */
	size_t retried;
};

static struct known known[MESSAGES + 1];
static size_t commit_begin; /* operations before the last commit */

static struct envelope
sample(uint32_t msgid, uint32_t n)
{
	struct envelope ev;

	envelope_init(&ev);
	ev.id = (uint64_t)msgid << 32 | n;
	assert_true(address_parse("a@example.org", 13, false, &ev.sender));
	assert_true(address_parse("b@example.org", 13, false, &ev.dest));
	ev.created_at = 1000;
	return ev;
}

static size_t
body_of(uint32_t msgid, char out[1024])
{
	size_t len = (size_t)msgid * 211 % 900 + 20;

	memset(out, 'a' + (char)(msgid % 26), len);
	snprintf(out, 1024, "body %u", msgid);
	out[strlen(out)] = ' ';
	out[len - 1] = '\n';
	out[len] = '\0';
	return len;
}

static struct store *
open_or_fail(const char *dir)
{
	const struct store_options options = { .segment_len = SEGMENT_LEN };
	struct err e;
	struct store *s = store_open(dir, &options, &e);

	if (s == NULL)
		fail_msg("%s", e.msg);
	return s;
}

static bool
add_file(struct store *s, uint32_t msgid, const char *body, size_t len,
    uint8_t *flags)
{
	struct err e;
	int fd = store_body_file(s, &e);
	bool ok;

	if (fd == -1)
		return false;
	assert_int_equal(write(fd, body, len), len);
	ok = store_body_link(s, msgid, fd, flags, &e) == 0;
	close(fd);
	return ok;
}

/* Add to what waits; about: the envelope that goes with it, or 0. */
static bool
add(struct store *s, uint32_t msgid, uint64_t about)
{
	struct known *k = &known[msgid];
	struct envelope evs[3];
	char body[1024];
	size_t len = body_of(msgid, body);

	uint8_t flags = 0;

	k->n_envelopes = msgid % 3 + 1;
	k->external = msgid % 7 == 0;
	if (k->external && !add_file(s, msgid, body, len, &flags))
		return false;
	for (uint32_t i = 0; i < k->n_envelopes; i++)
		evs[i] = sample(msgid, i + 1);
	store_add_message(s,
	    &(struct store_new){ .msgid = msgid,
		.evs = evs,
		.n = k->n_envelopes,
		.body = k->external ? NULL : body,
		.body_len = len,
		.file_flags = flags,
		.about = &about,
		.n_about = about != 0 ? 1 : 0 });
	for (uint32_t i = 0; i < k->n_envelopes; i++)
		envelope_clear(&evs[i]);
	return true;
}

static void
add_removal(struct store *s, uint32_t msgid)
{
	for (uint32_t i = 0; i < known[msgid].n_envelopes; i++)
		store_add_remove(s, (uint64_t)msgid << 32 | (i + 1));
}

static bool
commit(struct store *s)
{
	struct err e;

	commit_begin = n_ops;
	return store_commit(s, &e) == 0;
}

static void
update(struct store *s, uint32_t msgid)
{
	struct envelope ev;
	struct err e;

	assert_int_equal(store_get(s, (uint64_t)msgid << 32 | 1, &ev, &e), 0);
	ev.retry++;
	store_add_update(s, &ev);
	assert_true(commit(s));
	known[msgid].retry = ev.retry;
	known[msgid].retried = n_ops;
	envelope_clear(&ev);
}

/* A life of a queue: what comes, waits, is tried, goes. */
static void
live(struct store *s)
{
	struct err e;

	for (uint32_t m = 1; m <= MESSAGES; m++) {
		/* A notice of message m - 3, when that has one envelope. */
		uint32_t about =
		    m % 9 == 0 && m % 4 != 0 && known[m - 3].n_envelopes == 1 ?
		    m - 3 :
		    0;
		size_t begin = n_ops;

		assert_true(
		    add(s, m, about != 0 ? (uint64_t)about << 32 | 1 : 0));
		if (m % 4 == 0) /* together with the next */
			continue;
		assert_true(commit(s));
		for (uint32_t i = m; i > 0 && known[i].added == 0; i--) {
			known[i].adding = begin;
			known[i].added = n_ops;
		}
		if (about != 0) {
			known[about].removing = commit_begin;
			known[about].removed = n_ops;
		}
		if (m % 5 == 0)
			update(s, m);
		/* All but one in ten go soon. */
		if (m > 5 && (m - 5) % 10 != 0 && known[m - 5].removed == 0 &&
		    known[m - 5].added != 0) {
			add_removal(s, m - 5);
			assert_true(commit(s));
			known[m - 5].removing = commit_begin;
			known[m - 5].removed = n_ops;
		}
		assert_int_equal(store_collect(s, &e), 0);
	}
	/* Then all goes: many segments at once. */
	for (uint32_t m = 1; m <= MESSAGES; m++) {
		if (known[m].removed != 0)
			continue;
		add_removal(s, m);
		assert_true(commit(s));
		known[m].removing = commit_begin;
		known[m].removed = n_ops;
	}
	assert_int_equal(store_collect(s, &e), 0);
}

enum policy {
	KEEP_NOTHING,
	KEEP_ALL,
	KEEP_SOME,
	POLICIES = 5 /* three times some */
};

static bool
synced(size_t i, size_t cut, ino_t what)
{
	for (size_t k = i + 1; k < cut; k++) {
		if (ops[k].kind == OP_SYNC && ops[k].file == what)
			return true;
	}
	return false;
}

static uint32_t tosses;

/* The same in each run (xorshift). */
static bool
toss(void)
{
	tosses ^= tosses << 13;
	tosses ^= tosses >> 17;
	tosses ^= tosses << 5;
	return tosses % 2 == 0;
}

static bool
keep(bool is_synced, unsigned policy)
{
	return is_synced || policy == KEEP_ALL ||
	    (policy >= KEEP_SOME && toss());
}

static void
image_write(int fd, const struct op *op, bool is_synced, unsigned policy)
{
	for (uint64_t at = 0; at < op->len;) {
		uint64_t n = SECTOR - (op->at + at) % SECTOR;

		if (n > op->len - at)
			n = op->len - at;
		if (keep(is_synced, policy))
			assert_int_equal(__real_pwrite64(fd, op->data + at, n,
					     (off_t)(op->at + at)),
			    n);
		at += n;
	}
}

/* The bytes of a file, as they may be. */
static void
image_file(const char *path, ino_t file, size_t cut, unsigned policy)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	for (size_t i = 0; i < cut; i++) {
		bool is_synced;

		if (ops[i].file != file ||
		    (ops[i].kind != OP_WRITE && ops[i].kind != OP_LENGTH))
			continue;
		is_synced = synced(i, cut, file);
		if (ops[i].kind == OP_WRITE)
			image_write(fd, &ops[i], is_synced, policy);
		else if (keep(is_synced, policy))
			assert_int_equal(
			    __real_ftruncate64(fd, (off_t)ops[i].len), 0);
	}
	close(fd);
}

/* Which names there may be, and the files that they name. */
static void
make_image(size_t cut, unsigned policy)
{
	empty_spool(image);
	for (size_t i = 0; i < cut; i++) {
		bool gone = false;
		char path[160];

		if (ops[i].kind != OP_NAME ||
		    strcmp(ops[i].name, "lock") == 0 ||
		    !keep(synced(i, cut, ops[i].dir), policy))
			continue;
		for (size_t k = i + 1; k < cut && !gone; k++)
			gone = ops[k].kind == OP_UNNAME &&
			    strcmp(ops[k].name, ops[i].name) == 0 &&
			    keep(synced(k, cut, ops[k].dir), policy);
		if (gone)
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", image,
		    strchr(ops[i].name, '.') != NULL ? "log" : "bodies",
		    ops[i].name);
		image_file(path, ops[i].file, cut, policy);
	}
}

static void
assert_body(struct store *s, uint32_t msgid)
{
	struct buf b = { 0 };
	struct err e;
	uint64_t len;
	char want[1024];
	size_t want_len = body_of(msgid, want);
	int fd;

	assert_int_equal(store_get_body(s, msgid, &b, &fd, &len, &e), 0);
	assert_int_equal(len, want_len);
	if (fd != -1) {
		assert_int_equal(
		    read(fd, buf_reserve(&b, want_len), want_len), want_len);
		b.len = want_len;
		close(fd);
	}
	assert_int_equal(b.len, want_len);
	assert_memory_equal(b.data, want, want_len);
	buf_free(&b);
}

static void
assert_message(struct store *s, uint32_t msgid, size_t cut, bool whole)
{
	const struct known *k = &known[msgid];
	struct envelope ev;
	uint64_t ids[4];
	struct err e;
	size_t n = store_envelopes(s, msgid, ids, 4);

	assert_true(n > 0 && n <= k->n_envelopes);
	if (whole)
		assert_int_equal(n, k->n_envelopes);
	assert_body(s, msgid);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(store_get(s, ids[i], &ev, &e), 0);
		if (ids[i] == ((uint64_t)msgid << 32 | 1) && k->retried != 0 &&
		    k->retried <= cut)
			assert_int_equal(ev.retry, k->retry);
		envelope_clear(&ev);
	}
}

static void
assert_survived(size_t cut, unsigned policy)
{
	struct store *s = open_or_fail(image);

	for (uint32_t m = 1; m <= MESSAGES; m++) {
		const struct known *k = &known[m];
		bool there = store_has_message(s, m);
		bool acknowledged = k->added != 0 && k->added <= cut;
		bool going = k->removed != 0 && k->removing < cut;

		if (acknowledged && !going && !there)
			fail_msg(
			    "cut %zu, policy %u: %u is lost", cut, policy, m);
		if (k->removed != 0 && k->removed <= cut && there)
			fail_msg(
			    "cut %zu, policy %u: %u came back", cut, policy, m);
		if (there)
			assert_message(s, m, cut, !going);
	}
	store_close(s);
}

static void
power_fails_anywhere(void **state)
{
	struct store *s;

	(void)state;
	tosses = 1;
	memset(known, 0, sizeof(known));
	recording = true;
	s = open_or_fail(spool);
	live(s);
	store_close(s);
	recording = false;
	assert_true(n_ops > 200);
	for (size_t cut = 0; cut <= n_ops; cut++) {
		for (unsigned policy = 0; policy < POLICIES; policy++) {
			make_image(cut, policy);
			assert_survived(cut, policy);
			/* And again, after what was cut. */
			assert_survived(cut, policy);
		}
	}
}

/* Each write, sync and creation fails once, or from then on. */
static void
disk_fails_anywhere(void **state)
{
	static const int errors[] = { ENOSPC, EIO };
	unsigned refused = 0;

	(void)state;
	for (int at = 0; at < 40; at++) {
		for (unsigned how = 0; how < 4; how++) {
			bool kept[13] = { false }, removed = false;
			struct store *s;
			struct err e;

			memset(known, 0, sizeof(known));
			empty_spool(spool);
			failed = 0;
			s = open_or_fail(spool);
			recording = true;
			fail_after = at;
			fail_errno = errors[how % 2];
			fail_always = how >= 2;
			for (uint32_t m = 1; m <= 12; m++) {
				kept[m] = add(s, m, 0) && commit(s);
				if (!kept[m] && known[m].external)
					store_body_unlink(s, m);
				refused += !kept[m];
				if (m == 6 && kept[1]) {
					add_removal(s, 1);
					removed = true;
					/* It waits, if it must. */
					(void)!commit(s);
				}
				(void)!store_collect(s, &e);
			}
			/* The disk is well again. */
			fail_after = -1;
			recording = false;
			forget_ops();
			assert_true(commit(s));
			kept[12] = kept[12] || (add(s, 12, 0) && commit(s));
			assert_true(kept[12]);
			store_close(s);
			s = open_or_fail(spool);
			for (uint32_t m = 1; m <= 12; m++) {
				bool want = kept[m] && !(m == 1 && removed);

				assert_int_equal(store_has_message(s, m), want);
				if (want)
					assert_message(s, m, 0, true);
			}
			store_close(s);
		}
	}
	assert_true(refused > 0);
}

/* One bit of a segment flips: what it is in is named and kept aside, and the
 * other messages are there. */
static void
a_bit_flips_anywhere(void **state)
{
	char path[96], name[96];
	struct store_stats stats;
	uint8_t whole[SEGMENT_LEN], bad;
	struct store *s;
	ssize_t len;
	int fd;

	(void)state;
	memset(known, 0, sizeof(known));
	s = open_or_fail(spool);
	for (uint32_t m = 1; m <= 3; m++)
		assert_true(add(s, m, 0) && commit(s));
	store_close(s);
	snprintf(path, sizeof(path), "%s/log/00000001.seg", spool);
	fd = open(path, O_RDONLY);
	len = read(fd, whole, sizeof(whole));
	close(fd);
	assert_true(len > 500);
	for (ssize_t i = 0; i < len; i++) {
		unsigned there = 0;

		empty_spool(image);
		snprintf(name, sizeof(name), "%s/log/00000001.seg", image);
		fd = open(name, O_RDWR | O_CREAT, 0600);
		assert_int_equal(
		    __real_pwrite64(fd, whole, (size_t)len, 0), len);
		bad = whole[i] ^ (uint8_t)(1u << (i % 8));
		assert_int_equal(__real_pwrite64(fd, &bad, 1, i), 1);
		close(fd);
		s = open_or_fail(image);
		store_get_stats(s, &stats);
		for (uint32_t m = 1; m <= 3; m++) {
			if (!store_has_message(s, m))
				continue;
			there++;
			assert_message(s, m, 0, true);
		}
		/* The last bytes are those of the closing record. */
		if (i < len - RECORD_HEADER_LEN)
			assert_int_equal(stats.damaged, 1);
		else
			assert_int_equal(there, 3);
		assert_true(there >= 2);
		assert_int_equal(there == 2,
		    i >= SEGMENT_HEADER && i < len - RECORD_HEADER_LEN);
		snprintf(name, sizeof(name), "%s/corrupt/00000001.seg-%zx",
		    image, (size_t)0);
		if (i < SEGMENT_HEADER)
			assert_int_equal(access(name, F_OK), 0);
		store_close(s);
	}
}

/* A message whose text is a record, in a segment that is damaged before it:
 * nothing of it is taken for one. */
static void
a_message_can_not_forge_a_record(void **state)
{
	struct envelope ev = sample(99, 1);
	struct buf forged = { 0 };
	struct store *s;
	char path[96];
	struct err e;
	size_t start;
	int fd;

	(void)state;
	start = record_begin(&forged, RECORD_REMOVE);
	for (int i = 0; i < 8; i++)
		buf_add(&forged, &(uint64_t){ 1ULL << 32 | 1 }, 8);
	record_end(&forged, start);
	record_stamp(forged.data, forged.len, 0x4242424242424242);
	memset(known, 0, sizeof(known));
	s = open_or_fail(spool);
	assert_true(add(s, 1, 0) && add(s, 2, 0) && commit(s));
	store_add_message(s,
	    &(struct store_new){ .msgid = 99,
		.evs = &ev,
		.n = 1,
		.body = forged.data,
		.body_len = forged.len });
	assert_true(commit(s) && add(s, 3, 0) && commit(s));
	store_close(s);
	/* Its record's first byte: the search begins within it. */
	snprintf(path, sizeof(path), "%s/log/00000001.seg", spool);
	fd = open(path, O_RDWR);
	for (off_t at = SEGMENT_HEADER;; at++) {
		uint8_t p[RECORD_HEADER_LEN + 4];

		assert_int_equal(pread(fd, p, sizeof(p), at), sizeof(p));
		if (memcmp(p, "MQRK", 4) == 0 && p[RECORD_HEADER_LEN] == 99) {
			assert_int_equal(__real_pwrite64(fd, "X", 1, at), 1);
			break;
		}
	}
	close(fd);
	s = open_or_fail(spool);
	assert_false(store_has_message(s, 99));
	for (uint32_t m = 1; m <= 3; m++)
		assert_message(s, m, 0, true);
	assert_int_equal(store_collect(s, &e), 0);
	store_close(s);
	buf_free(&forged);
	envelope_clear(&ev);
}

/* A body's file belongs to the message that has its id now. */
static void
an_id_may_come_again(void **state)
{
	struct store *s;

	(void)state;
	memset(known, 0, sizeof(known));
	s = open_or_fail(spool);
	assert_true(add(s, 7, 0) && commit(s));
	add_removal(s, 7);
	assert_true(commit(s) && add(s, 7, 0) && commit(s));
	store_close(s);
	s = open_or_fail(spool);
	assert_message(s, 7, 0, true);
	store_close(s);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(power_fails_anywhere),
		WITH_DIR(disk_fails_anywhere),
		WITH_DIR(a_bit_flips_anywhere),
		WITH_DIR(a_message_can_not_forge_a_record),
		WITH_DIR(an_id_may_come_again),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
