/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"

#include "smtpd/smtp/header.h"

#include "smtpd/deliver/methods.h"

/* From this many files on, one sync of the file system is cheaper. */
#define SYNCFS_FROM 8

struct item {
	uint64_t id;
	char *dir, *name;
	int fd;
};

struct maildir_batch {
	struct item *items;
	size_t n;
};

struct maildir_batch *
maildir_batch_new(void)
{
	return xcalloc(1, sizeof(struct maildir_batch));
}

static enum delivery_status
later(char *line, const char *what, const char *path)
{
	snprintf(line, DELIVERY_STATUS_MAX, "%s %.300s: %s", what, path,
	    strerror(errno));
	return DELIVERY_LATER;
}

/* Make dir and its three folders where they are missing. */
static bool
make_folders(const char *dir)
{
	static const char *const parts[] = { "tmp", "new", "cur" };
	struct err e;
	struct stat st;
	bool ok = true;

	for (size_t i = 0; i < 3 && ok; i++) {
		char *path = fs_join(dir, parts[i]);

		if (stat(path, &st) == -1)
			ok = fs_mkdir_all(path, 0700, &e) == 0;
		free(path);
	}
	return ok;
}

static bool
is_spam(const struct delivery *d)
{
	struct buf keep = { 0 };
	const char *header;
	size_t len = delivery_header(d, &keep, &header);
	bool spam = header_is_spam(header, len);

	buf_free(&keep);
	return spam;
}

/* The folder for this message: NULL when the path can't be formed. */
static char *
choose_dir(const struct delivery *d)
{
	const char *target = d->target == NULL ? "~/Maildir" : d->target;
	char base[ADDRESS_LOCAL_MAX + 1], *dir, *sub;
	struct buf path = { 0 };
	const char *tag;
	struct stat st;

	if (strncmp(target, "~/", 2) == 0) {
		buf_printf(&path, "%s/", d->home);
		target += 2;
	}
	if (!delivery_format(d, target, &path, NULL)) {
		buf_free(&path);
		return NULL;
	}
	dir = xstrdup(buf_str(&path));
	buf_free(&path);
	if (d->junk && is_spam(d)) {
		sub = fs_join(dir, ".Junk");
		free(dir);
		return sub;
	}
	tag = address_split(&d->dest, d->delimiter, base);
	if (*tag != '\0' && strchr(tag, '/') == NULL &&
	    strstr(tag, "..") == NULL) {
		sub = xasprintf("%s/.%s", dir, tag);
		if (stat(sub, &st) == 0 && S_ISDIR(st.st_mode)) {
			free(dir);
			return sub;
		}
		free(sub);
	}
	return dir;
}

static bool
write_message(int fd, const struct delivery *d)
{
	struct buf head = { 0 }, keep = { 0 };
	const uint8_t *body;
	struct err e;
	size_t len;
	bool ok;

	delivery_trace(d, &head);
	ok = delivery_body(d, &keep, &body, &len) &&
	    fs_write_all(fd, head.data, head.len, &e) == 0 &&
	    fs_write_all(fd, body, len, &e) == 0;
	buf_free(&head);
	buf_free(&keep);
	return ok;
}

static char *
unique_name(const char *hostname)
{
	static unsigned count;
	struct timespec ts;
	char *host = xstrdup(hostname), *name;

	for (char *p = host; *p != '\0'; p++) {
		if (*p == '/' || *p == ':')
			*p = '_';
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	name = xasprintf("%lld.M%ldP%dQ%uR%08x.%s", (long long)ts.tv_sec,
	    ts.tv_nsec / 1000, (int)getpid(), ++count, arc4random(), host);
	free(host);
	return name;
}

enum delivery_status
maildir_add(struct maildir_batch *b, const struct delivery *d, char *line)
{
	char *dir = choose_dir(d), *name, *path;
	enum delivery_status status = DELIVERY_OK;
	int fd;

	if (dir == NULL) {
		snprintf(line, DELIVERY_STATUS_MAX,
		    "the path %.300s can't be formed",
		    d->target == NULL ? "" : d->target);
		return DELIVERY_FAILED;
	}
	if (!make_folders(dir)) {
		status = later(line, "make", dir);
		free(dir);
		return status;
	}
	name = unique_name(d->hostname);
	path = xasprintf("%s/tmp/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1) {
		status = later(line, "create", path);
	} else if (!write_message(fd, d)) {
		status = later(line, "write", path);
		close(fd);
		unlink(path);
	}
	free(path);
	if (status != DELIVERY_OK) {
		free(dir);
		free(name);
		return status;
	}
	b->items = xreallocarray(b->items, b->n + 1, sizeof(*b->items));
	b->items[b->n++] = (struct item){ d->id, dir, name, fd };
	return DELIVERY_OK;
}

/* All written files to disk. */
static bool
sync_all(struct maildir_batch *b)
{
	bool ok = true;

	if (b->n >= SYNCFS_FROM)
		return syncfs(b->items[0].fd) == 0;
	for (size_t i = 0; i < b->n; i++)
		ok &= fsync(b->items[i].fd) == 0;
	return ok;
}

static bool
seen_before(const struct maildir_batch *b, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (strcmp(b->items[k].dir, b->items[i].dir) == 0)
			return true;
	}
	return false;
}

static bool
rename_all(struct maildir_batch *b)
{
	struct err e;
	bool ok = true;

	for (size_t i = 0; i < b->n && ok; i++) {
		struct item *it = &b->items[i];
		char *from = xasprintf("%s/tmp/%s", it->dir, it->name);
		char *to = xasprintf("%s/new/%s", it->dir, it->name);

		ok = rename(from, to) == 0;
		free(from);
		free(to);
	}
	for (size_t i = 0; i < b->n && ok; i++) {
		char *dir;

		if (seen_before(b, i))
			continue;
		dir = fs_join(b->items[i].dir, "new");
		ok = fs_sync_dir(dir, &e) == 0;
		free(dir);
	}
	return ok;
}

void
maildir_batch_end(struct maildir_batch *b, maildir_cb *cb, void *arg)
{
	char line[DELIVERY_STATUS_MAX] = "Delivered";
	bool ok = b->n == 0 || (sync_all(b) && rename_all(b));

	if (!ok)
		snprintf(line, sizeof(line), "maildir: %s", strerror(errno));
	for (size_t i = 0; i < b->n; i++) {
		cb(b->items[i].id, ok ? DELIVERY_OK : DELIVERY_LATER, line,
		    arg);
		close(b->items[i].fd);
		free(b->items[i].dir);
		free(b->items[i].name);
	}
	free(b->items);
	free(b);
}
