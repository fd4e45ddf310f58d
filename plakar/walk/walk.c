/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * One step of the walk is one of: give an entry of the directory being
 * listed; when the list is through, go on to the nearest subdirectory that
 * is still to be entered.  Problems wait in a queue of their own.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "plakar/exclude/exclude.h"
#include "plakar/format/key.h"
#include "plakar/walk/descent.h"
#include "plakar/walk/names.h"
#include "plakar/walk/roots.h"

#include "plakar/walk/walk.h"

/* Subdirectories that stay open from being given to being entered. */
#define AHEAD_MAX   60
#define FEW_OTHERS  4 /* the one given, an ignore file, a tag, a spare */

#define STATX_FLAGS (AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT)
#define STATX_MASK  (STATX_BASIC_STATS | STATX_BTIME)
#define OPEN_FLAGS  (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

#define TAG_NAME    "CACHEDIR.TAG"
#define TAG_TEXT    "Signature: 8a477f597d28d172789f06886806bc55"
#define TAG_LEN     (sizeof(TAG_TEXT) - 1)

#define REASON_LEN  256

static_assert(DESCENT_OPEN_MAX + AHEAD_MAX + FEW_OTHERS <= WALK_OPEN_MAX,
    "the header's promise");

/* A subdirectory still to be entered. */
struct pending {
	uint32_t name;           /* offset in the level's names */
	int fd;                  /* or -1 */
	const struct root *node; /* NULL: no root here or below */
	bool is_root;
	bool wanted; /* else only the roots below are */
	bool only_tag;
};

struct level {
	struct pending *pending;
	char *names;
	size_t n, next;
	size_t path_len; /* of its path, which ends without a slash */
	size_t root_len; /* of its root's */
	uint32_t dev_major, dev_minor; /* of its root */
	const struct root *node;
	bool wanted;
	struct exclude *ignore; /* from its ignore file */
	size_t ignored_by;      /* deepest level with such, plus one; 0 none */
	size_t ignored_next;    /* if this level has one: the next above */
};

struct problem {
	char *path;
	char reason[REASON_LEN];
	bool vanished;
};

struct walk {
	struct walk_options options;
	struct root *top;
	char **roots;
	size_t n_roots;

	struct descent at;
	struct level *levels; /* one for each of at.levels */
	size_t cap;
	struct buf path;
	struct buf key; /* begins with the stem of the present directory */

	bool started;
	bool listing;
	struct names names; /* of the directory being listed */
	size_t next;
	struct buf pending; /* its subdirectories */
	struct buf pending_names;

	struct problem *problems;
	size_t n_problems, next_problem;
	char reason[REASON_LEN];
	char *problem_path;
	int fd; /* given with the last item, to be closed; or -1 */
	unsigned ahead;
	uid_t uid;
	uint64_t excluded;
};

static struct level *
level_of(struct walk *w)
{
	return &w->levels[w->at.depth];
}

static void
say(char reason[REASON_LEN], const char *what, int error)
{
	struct buf text = { 0 };

	buf_printf(&text, "%s: %s", what, strerror(error));
	strncpy(reason, buf_str(&text), REASON_LEN - 1);
	reason[REASON_LEN - 1] = '\0';
	buf_free(&text);
}

/* Queue a problem. */
static struct problem *
complain(struct walk *w, const char *path, const char *what, int error)
{
	struct problem *p;

	w->problems =
	    xreallocarray(w->problems, w->n_problems + 1, sizeof(*w->problems));
	p = &w->problems[w->n_problems++];
	*p = (struct problem){ .path = xstrdup(path),
		.vanished = error == ENOENT };
	say(p->reason, what, error);
	return p;
}

static bool
give_problem(struct walk *w, struct walk_item *item)
{
	struct problem *p;

	if (w->next_problem == w->n_problems) {
		w->next_problem = 0;
		w->n_problems = 0;
		return false;
	}
	p = &w->problems[w->next_problem++];
	free(w->problem_path);
	w->problem_path = p->path;
	memcpy(w->reason, p->reason, sizeof(w->reason));
	*item = (struct walk_item){ .kind = WALK_PROBLEM,
		.path = w->problem_path,
		.path_len = strlen(w->problem_path),
		.problem = w->reason,
		.vanished = p->vanished,
		.dirfd = -1,
		.fd = -1 };
	return true;
}

/* Open something to read it, leaving its access time alone if allowed. */
static int
open_quietly(const struct walk *w, int dirfd, const char *name, int flags,
    uint32_t owner)
{
	int quiet = w->uid == 0 || w->uid == owner ? O_NOATIME : 0;
	int fd;

	flags |= OPEN_FLAGS;
	do
		fd = openat(dirfd, name, flags | quiet);
	while (fd == -1 && errno == EINTR);
	if (fd == -1 && errno == EPERM && quiet != 0)
		fd = openat(dirfd, name, flags);
	return fd;
}

/* Set path and key to those of name in the present directory. */
static void
point_at(struct walk *w, const char *name)
{
	size_t len = strlen(name);

	w->path.len = level_of(w)->path_len;
	buf_add_u8(&w->path, '/');
	buf_add(&w->path, name, len);
	buf_str(&w->path);
	w->key.len = w->at.stem.len;
	buf_add_u8(&w->key, 0);
	buf_add(&w->key, name, len);
}

/* Whether the path at hand, in the present directory, is left out. */
static bool
excluded(struct walk *w, bool is_dir, uint64_t size, bool is_file)
{
	const struct level *level = level_of(w);
	const char *path = (const char *)w->path.data;
	size_t by = level->ignored_by;
	enum exclude_verdict verdict;

	if (is_file && w->options.larger_than > 0 &&
	    size > w->options.larger_than)
		return true;
	verdict = exclude_match(
	    w->options.excludes, path, path + level->root_len + 1, is_dir);
	while (verdict == EXCLUDE_SILENT && by > 0) {
		const struct level *from = &w->levels[by - 1];

		verdict = exclude_match(
		    from->ignore, path, path + from->path_len + 1, is_dir);
		by = from->ignored_next;
	}
	return verdict == EXCLUDE_OUT;
}

/* Whether the directory open as fd says that it is a cache. */
static bool
is_cache(const struct walk *w, int fd)
{
	char text[TAG_LEN];
	int tag = open_quietly(w, fd, TAG_NAME, 0, w->uid);
	bool yes;

	if (tag == -1)
		return false;
	yes = read(tag, text, TAG_LEN) == (ssize_t)TAG_LEN &&
	    memcmp(text, TAG_TEXT, TAG_LEN) == 0;
	close(tag);
	return yes;
}

static void
add_pending(struct walk *w, const char *name, struct pending one)
{
	one.name = (uint32_t)w->pending_names.len;
	if (one.fd != -1 && w->ahead < AHEAD_MAX) {
		w->fd = -1;
		w->ahead++;
	} else {
		one.fd = -1;
	}
	buf_add(&w->pending_names, name, strlen(name) + 1);
	buf_add(&w->pending, &one, sizeof(one));
}

/* The entry in item is a directory: open it, see how far to enter it. */
static void
give_dir(struct walk *w, struct walk_item *item, struct pending one)
{
	const struct level *level = level_of(w);
	const struct statx *st = &item->st;

	if (w->options.one_file_system && one.wanted && !one.is_root &&
	    (st->stx_dev_major != level->dev_major ||
		st->stx_dev_minor != level->dev_minor)) {
		item->recorded_only = true;
		one.wanted = false;
		if (one.node == NULL)
			return;
	}
	one.fd =
	    open_quietly(w, item->dirfd, item->name, O_DIRECTORY, st->stx_uid);
	item->fd = w->fd = one.fd;
	if (one.fd == -1 && one.wanted) {
		item->vanished = errno == ENOENT;
		say(w->reason, "cannot open the directory", errno);
		item->problem = w->reason;
		one.wanted = false;
		if (one.node == NULL || one.node->n == 0)
			return;
	}
	if (w->options.exclude_caches && one.wanted && !one.is_root)
		one.only_tag = is_cache(w, one.fd);
	item->recorded_only |= !one.wanted || one.only_tag;
	item->above_root = !one.wanted;
	add_pending(w, item->name, one);
}

/* Fill in the entry for name.  False when there is nothing to give. */
static bool
give_entry(struct walk *w, const char *name, struct walk_item *item)
{
	const struct level *level = level_of(w);
	const struct root *node = root_find(level->node, name);
	struct pending one = { .node = node,
		.is_root = node != NULL && node->is_root };
	bool is_dir;

	point_at(w, name);
	item->dirfd = descent_fd(&w->at);
	if (item->dirfd == -1 ||
	    statx(item->dirfd, name, STATX_FLAGS, STATX_MASK, &item->st) ==
		-1) {
		/* A root that is not there is worth more than a note. */
		complain(
		    w, (const char *)w->path.data, "cannot look at it", errno)
		    ->vanished &= node == NULL;
		return false;
	}
	if (w->key.len > KEY_MAX) {
		complain(w, (const char *)w->path.data, "cannot be recorded",
		    ENAMETOOLONG);
		return false;
	}
	is_dir = S_ISDIR(item->st.stx_mode);
	one.wanted = one.is_root ||
	    (level->wanted &&
		!excluded(
		    w, is_dir, item->st.stx_size, S_ISREG(item->st.stx_mode)));
	if (!one.wanted && (node == NULL || !is_dir)) {
		w->excluded++;
		return false;
	}
	item->kind = WALK_ENTRY;
	item->path = (const char *)w->path.data;
	item->path_len = w->path.len;
	item->problem = NULL;
	item->vanished = false;
	item->key = w->key.data;
	item->key_len = w->key.len;
	item->name = name;
	item->fd = -1;
	item->recorded_only = false;
	item->above_root = false;
	if (is_dir)
		give_dir(w, item, one);
	return true;
}

/* The list is through: keep what is to be entered, and no more. */
static void
end_listing(struct walk *w)
{
	struct level *level = level_of(w);

	w->listing = false;
	level->n = w->pending.len / sizeof(struct pending);
	if (level->n == 0)
		return;
	level->pending = xreallocarray(NULL, w->pending.len, 1);
	memcpy(level->pending, w->pending.data, w->pending.len);
	level->names = xreallocarray(NULL, w->pending_names.len, 1);
	memcpy(level->names, w->pending_names.data, w->pending_names.len);
}

static void
read_ignore_file(struct walk *w, struct level *level, int fd)
{
	struct buf text = { 0 };
	int file = open_quietly(w, fd, WALK_IGNORE_NAME, 0, w->uid);
	ssize_t n = -1;

	if (file != -1) {
		do {
			size_t room = WALK_IGNORE_MAX + 1 - text.len;

			n = read(file, buf_reserve(&text, room), room);
			text.len += n > 0 ? (size_t)n : 0;
		} while (n > 0 || (n == -1 && errno == EINTR));
	}
	if (n == 0 && text.len > WALK_IGNORE_MAX) {
		errno = EFBIG;
		n = -1;
	}
	if (n == 0) {
		level->ignore = exclude_new(false);
		exclude_add_text(
		    level->ignore, (const char *)text.data, text.len);
		level->ignored_next = level->ignored_by;
		level->ignored_by = w->at.depth + 1;
	} else {
		point_at(w, WALK_IGNORE_NAME);
		complain(w, (const char *)w->path.data,
		    "cannot read it, so it excludes nothing", errno);
	}
	if (file != -1)
		close(file);
	buf_free(&text);
}

/* Collect the names in the present directory that are to be given. */
static void
begin_listing(struct walk *w, int fd, bool only_tag)
{
	struct level *level = level_of(w);

	w->listing = true;
	w->next = 0;
	w->pending.len = 0;
	w->pending_names.len = 0;
	if (level->wanted && !only_tag) {
		if (names_read(&w->names, fd) == -1)
			complain(w, w->path.len > 0 ? buf_str(&w->path) : "/",
			    "cannot list the directory", errno);
		if (w->options.ignore_files &&
		    names_have(&w->names, WALK_IGNORE_NAME))
			read_ignore_file(w, level, fd);
		return;
	}
	names_reset(&w->names);
	if (only_tag)
		names_add(&w->names, TAG_NAME);
	for (size_t i = 0; level->node != NULL && i < level->node->n; i++)
		names_add(&w->names, level->node->below[i]->name);
	names_sort(&w->names);
}

/* Make room for the level of the directory just entered. */
static struct level *
push_level(struct walk *w)
{
	if (w->at.depth >= w->cap) {
		w->cap = w->cap == 0 ? 32 : w->cap * 2;
		w->levels =
		    xreallocarray(w->levels, w->cap, sizeof(*w->levels));
	}
	w->levels[w->at.depth] = (struct level){ 0 };
	return level_of(w);
}

static void
clear_level(struct walk *w, struct level *level)
{
	for (; level->next < level->n; level->next++)
		if (level->pending[level->next].fd != -1) {
			close(level->pending[level->next].fd);
			w->ahead--;
		}
	free(level->pending);
	free(level->names);
	exclude_free(level->ignore);
}

/* Enter a subdirectory of the present directory, open as fd. */
static void
enter(struct walk *w, const struct pending *one, const char *name, int fd)
{
	size_t above = w->at.depth;
	struct level *level;
	struct stat st;

	point_at(w, name);
	if (descent_enter(&w->at, name, fd) == -1) {
		complain(w, (const char *)w->path.data,
		    "cannot enter the directory", errno);
		return;
	}
	level = push_level(w);
	level->path_len = w->path.len;
	level->node = one->node;
	level->wanted = one->wanted;
	level->root_len = w->levels[above].root_len;
	level->dev_major = w->levels[above].dev_major;
	level->dev_minor = w->levels[above].dev_minor;
	level->ignored_by = w->levels[above].ignored_by;
	if (one->is_root) {
		level->root_len = level->path_len;
		level->ignored_by = 0;
		if (w->options.one_file_system && fstat(fd, &st) == 0) {
			level->dev_major = major(st.st_dev);
			level->dev_minor = minor(st.st_dev);
		}
	}
	/* The entry's name becomes the last component of the stem. */
	w->key.len = w->at.levels[above].stem_len;
	buf_add(&w->key, name, strlen(name) + 1);
	begin_listing(w, fd, one->only_tag);
}

/* Go on to the next subdirectory to be entered.  False when none is left. */
static bool
descend(struct walk *w)
{
	struct level *level = level_of(w);
	struct pending one;
	const char *name;
	int dir;

	while (level->next == level->n) {
		if (w->at.depth == 0)
			return false;
		clear_level(w, level);
		descent_leave(&w->at, w->at.depth - 1);
		level = level_of(w);
	}
	one = level->pending[level->next++];
	name = level->names + one.name;
	if (one.fd != -1) {
		w->ahead--;
	} else if (one.wanted) {
		dir = descent_fd(&w->at);
		if (dir != -1)
			one.fd =
			    open_quietly(w, dir, name, O_DIRECTORY, w->uid);
		if (one.fd == -1) {
			point_at(w, name);
			complain(w, (const char *)w->path.data,
			    "cannot open the directory", errno);
			return true;
		}
	}
	enter(w, &one, name, one.fd);
	return true;
}

/* Give "/", where every walk starts. */
static bool
give_top(struct walk *w, struct walk_item *item)
{
	struct level *level = level_of(w);
	int fd = w->at.levels[0].fd;

	w->started = true;
	*item = (struct walk_item){ .kind = WALK_ENTRY,
		.path = "/",
		.path_len = 1,
		.key = w->key.data,
		.dirfd = fd,
		.name = ".",
		.fd = fd,
		.recorded_only = !level->wanted,
		.above_root = !level->wanted };
	if (statx(fd, ".", STATX_FLAGS, STATX_MASK, &item->st) == -1) {
		complain(w, "/", "cannot look at it", errno);
		return false;
	}
	level->dev_major = item->st.stx_dev_major;
	level->dev_minor = item->st.stx_dev_minor;
	begin_listing(w, fd, false);
	return true;
}

bool
walk_next(struct walk *w, struct walk_item *item)
{
	if (w->fd != -1) {
		close(w->fd);
		w->fd = -1;
	}
	for (;;) {
		if (give_problem(w, item))
			return true;
		if (!w->started) {
			if (give_top(w, item))
				return true;
		} else if (w->listing && w->next < w->names.n) {
			const char *name = names_get(&w->names, w->next++);

			if (give_entry(w, name, item))
				return true;
		} else if (w->listing) {
			end_listing(w);
		} else if (!descend(w)) {
			return false;
		}
	}
}

/* Resolve the roots; those that aren't there become problems. */
static int
find_roots(struct walk *w, const char *const *roots, size_t n, struct err *e)
{
	w->roots = xcalloc(n + 1, sizeof(char *));
	for (size_t i = 0; i < n; i++) {
		char *path = root_resolve(roots[i]);
		bool again = false;

		if (path == NULL) {
			err_sys(e, "%s", roots[i]);
			complain(w, roots[i], "cannot find it", errno)
			    ->vanished = false;
			continue;
		}
		for (size_t j = 0; j < w->n_roots; j++)
			again |= strcmp(path, w->roots[j]) == 0;
		if (again) {
			free(path);
			continue;
		}
		root_add(w->top, path);
		w->roots[w->n_roots++] = path;
	}
	return w->n_roots > 0 ? 0 : -1;
}

int
walk_open(const char *const *roots, size_t n,
    const struct walk_options *options, struct walk **out, struct err *e)
{
	struct walk *w = xcalloc(1, sizeof(*w));
	int fd;

	assert(n > 0);
	w->options = *options;
	w->top = root_new();
	w->fd = -1;
	w->uid = geteuid();
	if (find_roots(w, roots, n, e) == -1)
		goto fail;
	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) {
		err_sys(e, "/");
		goto fail;
	}
	descent_init(&w->at, fd);
	push_level(w);
	w->levels[0].node = w->top;
	w->levels[0].wanted = w->top->is_root;
	*out = w;
	return 0;
fail:
	walk_close(w);
	return -1;
}

void
walk_close(struct walk *w)
{
	if (w == NULL)
		return;
	if (w->fd != -1)
		close(w->fd);
	if (w->levels != NULL) {
		if (w->listing)
			end_listing(w);
		for (size_t i = 0; i <= w->at.depth; i++)
			clear_level(w, &w->levels[i]);
	}
	free(w->levels);
	descent_clear(&w->at);
	names_clear(&w->names);
	buf_free(&w->pending);
	buf_free(&w->pending_names);
	buf_free(&w->path);
	buf_free(&w->key);
	for (; w->next_problem < w->n_problems; w->next_problem++)
		free(w->problems[w->next_problem].path);
	free(w->problems);
	free(w->problem_path);
	for (size_t i = 0; i < w->n_roots; i++)
		free(w->roots[i]);
	free(w->roots);
	root_free(w->top);
	free(w);
}

const char *
walk_root(const struct walk *w, size_t i)
{
	return w->roots[i];
}

uint64_t
walk_excluded(const struct walk *w)
{
	return w->excluded;
}
