/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "plakar/format/key.h"
#include "plakar/walk/names.h"

#include "plakar/restore/target_internal.h"

static int
check_empty(int fd, const char *dir, struct err *e)
{
	struct names names = { 0 };
	int rc = names_read(&names, fd);

	if (rc == -1) {
		err_sys(e, "%s", dir);
	} else if (names.n > 0) {
		err_set(e, ERR_EXISTS, "%s: not an empty directory", dir);
		rc = -1;
	}
	names_clear(&names);
	return rc;
}

static void
find_groups(struct target *t)
{
	int n = getgroups(0, NULL);

	t->groups = xcalloc((size_t)(n > 0 ? n : 0) + 1, sizeof(gid_t));
	n = n > 0 ? getgroups(n, t->groups) : 0;
	t->n_groups = n > 0 ? (size_t)n : 0;
	t->groups[t->n_groups++] = getegid();
}

int
target_open(const char *dir, const struct target_options *options,
    struct target **out, struct err *e)
{
	struct target *t = xcalloc(1, sizeof(*t));

	t->options = *options;
	t->existing = options->overwrite != TARGET_FRESH;
	t->privileged = geteuid() == 0;
	t->uid = geteuid();
	t->fd = -1;
	find_groups(t);
	pthread_mutex_init(&t->lock, NULL);
	if (!options->dry_run && fs_mkdir_all(dir, 0777, e) == -1)
		goto fail;
	t->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->fd == -1 && !(options->dry_run && errno == ENOENT)) {
		err_sys(e, "%s", dir);
		goto fail;
	}
	if (t->fd != -1) {
		if (!t->existing && check_empty(t->fd, dir, e) == -1)
			goto fail;
		t->clean = t->existing ||
		    fgetxattr(t->fd, "system.posix_acl_default", NULL, 0) > 0;
	}
	t->source = target_cursor_new(t);
	*out = t;
	return 0;
fail:
	target_close(t);
	return -1;
}

void
target_close(struct target *t)
{
	if (t == NULL)
		return;
	target_cursor_free(t->source);
	links_clear(&t->links);
	pthread_mutex_destroy(&t->lock);
	if (t->fd != -1)
		close(t->fd);
	free(t->groups);
	free(t);
}

uint64_t
target_count(const struct target *t, enum target_count what)
{
	return atomic_load(&t->counts[what]);
}

void
target_lose(struct target *t, enum target_count what)
{
	atomic_fetch_add(&t->counts[what], 1);
}

void
target_note(
    struct target *t, enum target_count what, const void *key, size_t len)
{
	atomic_fetch_add(&t->counts[what], 1);
	if (t->options.tell != NULL)
		t->options.tell(t->options.tell_arg, what, key, len);
}

bool
target_shortfall(const struct target *t, struct buf *line)
{
	static const struct {
		enum target_count what;
		const char *one, *many;
	} kinds[] = {
		{ TARGET_LOST_OWNER, "owner or group", "owners or groups" },
		{ TARGET_LOST_MODE, "mode", "modes" },
		{ TARGET_LOST_XATTR, "extended attribute",
		    "extended attributes" },
		{ TARGET_LOST_TIME, "time", "times" },
		{ TARGET_LOST_FLAGS, "set of inode flags",
		    "sets of inode flags" },
		{ TARGET_LOST_SPECIAL, "device or special file",
		    "devices or special files" },
	};
	bool any = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint64_t n = target_count(t, kinds[i].what);

		if (n == 0)
			continue;
		buf_printf(line, "%s%llu %s",
		    any ? ", " : "not restored: ", (unsigned long long)n,
		    n == 1 ? kinds[i].one : kinds[i].many);
		any = true;
	}
	if (any)
		buf_add_str(line,
		    t->privileged ?
			" (this file system or container does not allow it)" :
			" (only root can)");
	buf_str(line);
	return any;
}

struct target_cursor *
target_cursor_new(struct target *t)
{
	struct target_cursor *c = xcalloc(1, sizeof(*c));

	c->target = t;
	descent_init(
	    &c->at, t->fd == -1 ? -1 : fcntl(t->fd, F_DUPFD_CLOEXEC, 0));
	return c;
}

void
target_cursor_free(struct target_cursor *c)
{
	if (c == NULL)
		return;
	descent_clear(&c->at);
	buf_free(&c->name);
	free(c);
}

/* Go up to the deepest directory that stem, too, leads through. */
static size_t
leave_to_common(struct target_cursor *c, const uint8_t *stem, size_t len)
{
	const struct descent *d = &c->at;
	size_t same = 0, depth = 0;

	while (same < len && same < d->stem.len &&
	    d->stem.data[same] == stem[same])
		same++;
	while (depth < d->depth && d->levels[depth + 1].stem_len <= same)
		depth++;
	if (depth < d->depth)
		descent_leave(&c->at, depth);
	return d->stem.len;
}

int
check_below(size_t len, struct err *e)
{
	if (len > 0)
		return 0;
	err_set(e, ERR_CORRUPT, "the top of a tree that is no directory");
	return -1;
}

int
cursor_go(struct target_cursor *c, const void *key, size_t len,
    struct place *at, struct err *e)
{
	bool dry = c->target->options.dry_run;
	const uint8_t *stem = key;
	size_t stem_len, done, name_len;
	const char *name;

	if (!key_valid(key, len)) {
		err_set(e, ERR_CORRUPT, "not the path of a file");
		return -1;
	}
	stem_len = len > 0 ? key_parent_stem_len(key, len) : 0;
	name = len > 0 ? key_name(key, len, &name_len) : ".";
	buf_reset(&c->name);
	buf_add(&c->name, name, len > 0 ? name_len : 1);
	at->name = buf_str(&c->name);
	at->dirfd = -1;
	if (c->target->fd == -1)
		return 0;

	done = leave_to_common(c, stem, stem_len);
	while (done < stem_len) {
		const char *next = (const char *)stem + done;

		if (descent_enter(&c->at, next, -1) == -1) {
			if (dry && (errno == ENOENT || errno == ENOTDIR))
				return 0;
			err_sys(e, "cannot enter its directory");
			return -1;
		}
		done = c->at.stem.len;
	}
	at->dirfd = descent_fd(&c->at);
	if (at->dirfd == -1) {
		err_sys(e, "its directory was moved meanwhile");
		return -1;
	}
	return 0;
}

void
temp_name(char name[TEMP_LEN])
{
	uint64_t random = ((uint64_t)arc4random() << 32) | arc4random();

	snprintf(name, TEMP_LEN, ".plakar-%016llx", (unsigned long long)random);
}
