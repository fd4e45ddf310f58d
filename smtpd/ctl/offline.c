/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/hex.h"
#include "lib/mem.h"

#include "smtpd/proc/setup.h"
#include "smtpd/submit/submission.h"

#include "smtpd/ctl/offline.h"

/* That of one's own smtpd, or, as for its socket, that of the system's. */
static char *
find_dir(void)
{
	char *spool, *socket, *dir;

	setup_paths(&spool, &socket);
	dir = fs_join(spool, SETUP_OFFLINE);
	if (getenv("SMTPD_SPOOL") == NULL && access(dir, X_OK) == -1) {
		free(dir);
		dir = fs_join(SETUP_SPOOL, SETUP_OFFLINE);
	}
	free(spool);
	free(socket);
	return dir;
}

/*
 * The name is to be on disk, too.  Of the system's directory nobody can read
 * the names, so it can't be opened: then all of the file system is synced.
 */
static int
sync_name(const char *dir, int file, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd != -1 ? fsync(fd) : errno == EACCES ? syncfs(file) : -1;

	if (rc == -1)
		err_sys(e, "%s", dir);
	if (fd != -1)
		close(fd);
	return rc;
}

/* With a name that only says that it isn't whole; then with its own. */
static int
write_file(
    const char *dir, const char *name, const struct buf *text, struct err *e)
{
	char *draft = xasprintf("%s/.%s", dir, name);
	char *path = fs_join(dir, name);
	int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = -1;

	if (fd == -1) {
		err_sys(e, "%s", draft);
	} else if (fs_write_all(fd, text->data, text->len, e) == 0) {
		if (fchmod(fd, 0600) == 0 && fsync(fd) == 0 &&
		    rename(draft, path) == 0)
			rc = sync_name(dir, fd, e);
		else
			err_sys(e, "%s", draft);
	}
	if (fd != -1) {
		close(fd);
		if (rc == -1)
			unlink(draft);
	}
	free(draft);
	free(path);
	return rc;
}

int
offline_write(const struct submission *s, struct err *e)
{
	uint8_t number[SUBMISSION_NAME_LEN / 2];
	char name[SUBMISSION_NAME_LEN + 1];
	char *dir = find_dir();
	struct buf text = { 0 };
	int rc;

	arc4random_buf(number, sizeof(number));
	hex_encode(number, sizeof(number), name);
	submission_encode(s, &text);
	rc = write_file(dir, name, &text, e);
	buf_free(&text);
	free(dir);
	return rc;
}

long
offline_count(void)
{
	char *path = find_dir();
	DIR *dir = opendir(path);
	const struct dirent *entry;
	long n = 0;

	free(path);
	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		n += submission_name_valid(entry->d_name);
	closedir(dir);
	return n;
}
