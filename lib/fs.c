/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "lib/fs.h"

#define READ_STEP 65536

int
fs_write_all(int fd, const void *data, size_t len, struct err *e)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			err_sys(e, "cannot write");
			return -1;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
fs_pread_full(
    int fd, void *data, size_t len, uint64_t offset, size_t *got, struct err *e)
{
	uint8_t *p = data;
	size_t done = 0;

	while (done < len) {
		ssize_t n =
		    pread(fd, p + done, len - done, (off_t)(offset + done));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			err_sys(e, "cannot read");
			return -1;
		}
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*got = done;
	return 0;
}

int
fs_read_file(const char *path, size_t max, struct buf *out, struct err *e)
{
	size_t start = out->len;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = -1;

	if (fd == -1) {
		err_sys(e, "%s", path);
		return -1;
	}
	for (;;) {
		ssize_t n = read(fd, buf_reserve(out, READ_STEP), READ_STEP);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			err_sys(e, "%s: cannot read", path);
			goto out;
		}
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len - start > max) {
			err_set(e, ERR_LIMIT, "%s: above %zu bytes", path, max);
			goto out;
		}
	}
	rc = 0;
out:
	close(fd);
	return rc;
}

int
fs_mkdir_all(const char *path, mode_t mode, struct err *e)
{
	char *copy = xstrdup(path);
	char *p = copy;
	struct stat st;
	int rc = -1;

	do {
		p += strspn(p, "/");
		p += strcspn(p, "/");
		char saved = *p;

		*p = '\0';
		if (mkdir(copy, mode) == -1 && errno != EEXIST) {
			err_sys(e, "cannot make the directory %s", copy);
			goto out;
		}
		*p = saved;
	} while (*p != '\0');
	if (stat(path, &st) == -1 || !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		err_sys(e, "cannot make the directory %s", path);
		goto out;
	}
	rc = 0;
out:
	free(copy);
	return rc;
}

int
fs_sync_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd == -1 || fsync(fd) == -1) {
		err_sys(e, "%s: cannot sync the directory", path);
		rc = -1;
	}
	if (fd != -1)
		close(fd);
	return rc;
}

/* The directory that holds path, owned by the caller. */
static char *
parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(".");
	return xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int
fs_replace_file(
    const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	char *tmp = xasprintf("%s.XXXXXX", path);
	char *dir = parent_of(path);
	int fd = mkostemp(tmp, O_CLOEXEC);
	int rc = -1;

	if (fd == -1) {
		err_sys(e, "%s", path);
		goto out;
	}
	if (fs_write_all(fd, data, len, e) == -1) {
		err_wrap(e, "%s", path);
		goto out;
	}
	if (fchmod(fd, mode) == -1 || fsync(fd) == -1 ||
	    rename(tmp, path) == -1) {
		err_sys(e, "%s", path);
		goto out;
	}
	if (fs_sync_dir(dir, e) == -1)
		goto out;
	rc = 0;
out:
	if (fd != -1) {
		close(fd);
		if (rc == -1)
			unlink(tmp);
	}
	free(dir);
	free(tmp);
	return rc;
}

char *
fs_join(const char *base, const char *name)
{
	size_t len = strlen(base);

	while (len > 1 && base[len - 1] == '/')
		len--;
	return xasprintf("%.*s%s%s", (int)len, base,
	    len > 0 && base[len - 1] == '/' ? "" : "/", name);
}
