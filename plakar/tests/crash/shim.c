/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * A library to preload into a program under test: it sees every call that
 * changes files below one directory, in one order across all threads, and
 * records it, makes it fail, or kills the program there.
 *
 *     SHIM_DIR    the directory, absolute, without symbolic links
 *     SHIM_LOG    append what changes to this file, for crash.py to replay
 *     SHIM_FAIL   "N ERRNO" or "N ERRNO forever": call number N from 1 fails,
 *                 or it and all later ones
 *     SHIM_KILL   "N": at call number N the program dies of SIGKILL; of a
 *                 write, half is done first
 *     SHIM_COUNT  write the number of calls to this file at exit
 *
 * A record is a line of words, ended by a newline; W is followed by its bytes
 * and one more newline.  Paths are relative to SHIM_DIR, "." is itself, and
 * "-" stands for outside of it.
 *
 *     O file path      opened for writing; c instead of O: and created
 *     W file offset n  written        T file length   truncated
 *     F file           synced         D path          directory synced
 *     R from to        renamed        L from to       linked
 *     U path           unlinked       M path          directory made
 *
 * A file is the number of its open; two opens of one path are two numbers.
 * Calls that change files in ways not listed here end the program: a record
 * that lacks something would prove nothing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/attr.h"

#define FDS     4096
#define EXPORT  __attribute__((visibility("default")))
#define OUTSIDE "-"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *dir;
static size_t dir_len;
static int log_fd = -1;
static const char *count_path;
static unsigned long calls, fail_at, kill_at;
static int fail_errno;
static bool fail_forever;
static unsigned long next_file = 1;
static unsigned long files[FDS]; /* by descriptor; 0: not one of ours */
static bool reading[FDS];        /* ours, opened for reading */

static void
die(const char *why)
{
	dprintf(STDERR_FILENO, "shim: %s\n", why);
	abort();
}

/* SHIM_FAIL: which call fails, how, and whether for good. */
static void
parse_fail(const char *text)
{
	char *after;

	fail_at = strtoul(text, &after, 10);
	if (after == text || *after != ' ')
		die("bad SHIM_FAIL");
	text = after + 1;
	fail_errno = (int)strtol(text, &after, 10);
	fail_forever = strcmp(after, " forever") == 0;
	if (after == text || (*after != '\0' && !fail_forever))
		die("bad SHIM_FAIL");
}

__attribute__((constructor)) static void
start(void)
{
	const char *text = getenv("SHIM_LOG");

	dir = getenv("SHIM_DIR");
	if (dir == NULL)
		return;
	dir_len = strlen(dir);
	if (text != NULL) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, text,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

		/* Out of the way of the program's own descriptors. */
		log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 900);
		if (log_fd == -1)
			die("cannot open SHIM_LOG");
		syscall(SYS_close, fd);
	}
	text = getenv("SHIM_FAIL");
	if (text != NULL)
		parse_fail(text);
	text = getenv("SHIM_KILL");
	if (text != NULL)
		kill_at = strtoul(text, NULL, 10);
	count_path = getenv("SHIM_COUNT");
}

__attribute__((destructor)) static void
finish(void)
{
	int fd;

	if (dir == NULL || count_path == NULL)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, count_path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	dprintf(fd, "%lu\n", calls);
	syscall(SYS_close, fd);
}

/* Take "." and ".." and double slashes out of an absolute path. */
static void
normalise(char *path)
{
	char *out = path;

	for (char *p = path; *p != '\0';) {
		size_t len;

		p += strspn(p, "/");
		len = strcspn(p, "/");
		if (len == 2 && p[0] == '.' && p[1] == '.') {
			while (out > path && *--out != '/')
				;
		} else if (len > 0 && !(len == 1 && p[0] == '.')) {
			*out++ = '/';
			memmove(out, p, len);
			out += len;
		}
		p += len;
	}
	if (out == path)
		*out++ = '/';
	*out = '\0';
}

/* The part of an absolute path that is below SHIM_DIR, or OUTSIDE. */
static const char *
relative(const char *path)
{
	if (strncmp(path, dir, dir_len) != 0)
		return OUTSIDE;
	if (path[dir_len] == '\0')
		return ".";
	return path[dir_len] == '/' ? path + dir_len + 1 : OUTSIDE;
}

static const char *
resolve_fd(int fd, char out[PATH_MAX])
{
	char proc[64];
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, out, PATH_MAX - 1);
	if (n <= 0)
		return OUTSIDE;
	out[n] = '\0';
	return relative(out);
}

static const char *
resolve(int at, const char *path, char out[PATH_MAX])
{
	char base[PATH_MAX] = "";
	int saved = errno;

	if (path[0] != '/') {
		if (at == AT_FDCWD) {
			if (getcwd(base, sizeof(base)) == NULL)
				die("getcwd");
		} else
			resolve_fd(at, base);
	}
	if (snprintf(out, PATH_MAX, "%s/%s", base, path) >= PATH_MAX)
		die("path too long");
	normalise(out);
	errno = saved;
	return relative(out);
}

static bool
inside(const char *path)
{
	return strcmp(path, OUTSIDE) != 0;
}

/*
 * Count a call; false, with errno, if it is to fail.  *fatal: it is the one
 * to die in.  Called with the lock held.
 */
static bool
count(bool *fatal)
{
	calls++;
	*fatal = calls == kill_at;
	if (fail_at == 0 || calls < fail_at ||
	    (calls > fail_at && !fail_forever))
		return true;
	errno = fail_errno;
	return false;
}

static void
die_if(bool fatal)
{
	if (fatal)
		kill(getpid(), SIGKILL);
}

static void ATTR_PRINTF(1, 2) record(const char *fmt, ...)
{
	char line[3 * PATH_MAX];
	int saved = errno, n;
	va_list ap;

	if (log_fd == -1)
		return;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) ||
	    syscall(SYS_write, log_fd, line, (size_t)n) != n)
		die("cannot record");
	errno = saved;
}

static void
record_bytes(const void *data, size_t len)
{
	int saved = errno;

	if (log_fd == -1)
		return;
	if (syscall(SYS_write, log_fd, data, len) != (long)len ||
	    syscall(SYS_write, log_fd, "\n", 1L) != 1)
		die("cannot record");
	errno = saved;
}

static int
do_open(int at, const char *path, int flags, mode_t mode)
{
	char full[PATH_MAX];
	const char *where = dir == NULL ? OUTSIDE : resolve(at, path, full);
	bool writing = (flags & O_ACCMODE) != O_RDONLY;
	struct stat st;
	bool fatal, existed;
	int fd = -1;

	if (!inside(where))
		return (int)syscall(SYS_openat, at, path, flags, mode);
	if ((flags & O_TMPFILE) == O_TMPFILE || (flags & O_APPEND) != 0)
		die("open with flags that it can't record");
	pthread_mutex_lock(&lock);
	existed = stat(full, &st) == 0;
	if (count(&fatal)) {
		die_if(fatal);
		fd = (int)syscall(SYS_openat, at, path, flags, mode);
	}
	if (fd >= FDS)
		die("too many open files");
	if (fd != -1 && writing) {
		files[fd] = next_file++;
		record("%c %lu %s\n", existed ? 'O' : 'c', files[fd], where);
		if (existed && (flags & O_TRUNC) != 0)
			record("T %lu 0\n", files[fd]);
	} else if (fd != -1)
		reading[fd] = true;
	pthread_mutex_unlock(&lock);
	return fd;
}

static mode_t
take_mode(int flags, va_list ap)
{
	if ((flags & O_CREAT) == 0 && (flags & O_TMPFILE) != O_TMPFILE)
		return 0;
	return va_arg(ap, mode_t);
}

EXPORT int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = take_mode(flags, ap);
	va_end(ap);
	return do_open(AT_FDCWD, path, flags, mode);
}

EXPORT int
openat(int at, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = take_mode(flags, ap);
	va_end(ap);
	return do_open(at, path, flags, mode);
}

EXPORT int
creat(const char *path, mode_t mode)
{
	return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT int
close(int fd)
{
	int rc;

	if (dir == NULL || fd < 0 || fd >= FDS)
		return (int)syscall(SYS_close, fd);
	pthread_mutex_lock(&lock);
	files[fd] = 0;
	reading[fd] = false;
	rc = (int)syscall(SYS_close, fd);
	pthread_mutex_unlock(&lock);
	return rc;
}

/* The number of an open file of ours; 0 for all others. */
static unsigned long
file_of(int fd)
{
	return dir != NULL && fd >= 0 && fd < FDS ? files[fd] : 0;
}

/* Write at offset, or where the descriptor stands if that is -1. */
static ssize_t
do_write(int fd, const void *data, size_t len, off_t offset)
{
	bool at_offset = offset != -1;
	ssize_t n = -1;
	bool fatal;

	pthread_mutex_lock(&lock);
	if (!at_offset)
		offset = lseek(fd, 0, SEEK_CUR);
	if (count(&fatal)) {
		if (fatal)
			len /= 2;
		n = at_offset ? syscall(SYS_pwrite64, fd, data, len, offset) :
				syscall(SYS_write, fd, data, len);
		die_if(fatal);
	}
	if (n > 0) {
		record("W %lu %lld %zd\n", files[fd], (long long)offset, n);
		record_bytes(data, (size_t)n);
	}
	pthread_mutex_unlock(&lock);
	return n;
}

EXPORT ssize_t
write(int fd, const void *data, size_t len)
{
	if (file_of(fd) == 0)
		return syscall(SYS_write, fd, data, len);
	return do_write(fd, data, len, -1);
}

EXPORT ssize_t
pwrite(int fd, const void *data, size_t len, off_t offset)
{
	if (file_of(fd) == 0)
		return syscall(SYS_pwrite64, fd, data, len, offset);
	return do_write(fd, data, len, offset);
}

static ssize_t
do_pread(int fd, void *data, size_t len, off_t offset)
{
	ssize_t n = -1;
	bool fatal;

	if (dir == NULL || fd < 0 || fd >= FDS || !reading[fd])
		return syscall(SYS_pread64, fd, data, len, offset);
	pthread_mutex_lock(&lock);
	if (count(&fatal)) {
		die_if(fatal);
		n = syscall(SYS_pread64, fd, data, len, offset);
	}
	pthread_mutex_unlock(&lock);
	return n;
}

EXPORT ssize_t
pread(int fd, void *data, size_t len, off_t offset)
{
	return do_pread(fd, data, len, offset);
}

EXPORT int
ftruncate(int fd, off_t len)
{
	int rc = -1;
	bool fatal;

	if (file_of(fd) == 0)
		return (int)syscall(SYS_ftruncate, fd, len);
	pthread_mutex_lock(&lock);
	if (count(&fatal)) {
		die_if(fatal);
		rc = (int)syscall(SYS_ftruncate, fd, len);
	}
	if (rc == 0)
		record("T %lu %lld\n", files[fd], (long long)len);
	pthread_mutex_unlock(&lock);
	return rc;
}

static int
do_sync(int fd, long number)
{
	char path[PATH_MAX];
	const char *where;
	struct stat st;
	int rc = -1;
	bool fatal;

	where = dir == NULL ? OUTSIDE : resolve_fd(fd, path);
	if (file_of(fd) == 0 &&
	    (!inside(where) || fstat(fd, &st) == -1 || !S_ISDIR(st.st_mode)))
		return (int)syscall(number, fd);
	pthread_mutex_lock(&lock);
	if (count(&fatal)) {
		die_if(fatal);
		rc = (int)syscall(number, fd);
	}
	if (rc == 0 && files[fd] != 0)
		record("F %lu\n", files[fd]);
	else if (rc == 0)
		record("D %s\n", where);
	pthread_mutex_unlock(&lock);
	return rc;
}

EXPORT int
fsync(int fd)
{
	return do_sync(fd, SYS_fsync);
}

EXPORT int
fdatasync(int fd)
{
	return do_sync(fd, SYS_fdatasync);
}

/* A call of the form number(at1, path1, at2, path2, flags). */
static int
do_two(char kind, long number, int at1, const char *path1, int at2,
    const char *path2, unsigned flags)
{
	char full1[PATH_MAX], full2[PATH_MAX];
	const char *from = OUTSIDE, *to = OUTSIDE;
	int rc = -1;
	bool fatal;

	if (dir != NULL) {
		from = resolve(at1, path1, full1);
		to = resolve(at2, path2, full2);
	}
	if (!inside(from) && !inside(to))
		return (int)syscall(number, at1, path1, at2, path2, flags);
	if ((flags & ~(unsigned)RENAME_NOREPLACE) != 0)
		die("rename or link with flags that it can't record");
	pthread_mutex_lock(&lock);
	if (count(&fatal)) {
		die_if(fatal);
		rc = (int)syscall(number, at1, path1, at2, path2, flags);
	}
	if (rc == 0)
		record("%c %s %s\n", kind, from, to);
	pthread_mutex_unlock(&lock);
	return rc;
}

EXPORT int
rename(const char *from, const char *to)
{
	return do_two('R', SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int
renameat(int at1, const char *from, int at2, const char *to)
{
	return do_two('R', SYS_renameat2, at1, from, at2, to, 0);
}

EXPORT int
renameat2(int at1, const char *from, int at2, const char *to, unsigned flags)
{
	return do_two('R', SYS_renameat2, at1, from, at2, to, flags);
}

EXPORT int
link(const char *from, const char *to)
{
	return do_two('L', SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int
linkat(int at1, const char *from, int at2, const char *to, int flags)
{
	return do_two('L', SYS_linkat, at1, from, at2, to, (unsigned)flags);
}

/* A call of the form number(at, path, last). */
static int
do_one(char kind, long number, int at, const char *path, unsigned long last)
{
	char full[PATH_MAX];
	const char *where = dir == NULL ? OUTSIDE : resolve(at, path, full);
	int rc = -1;
	bool fatal;

	if (!inside(where))
		return (int)syscall(number, at, path, last);
	pthread_mutex_lock(&lock);
	if (count(&fatal)) {
		die_if(fatal);
		rc = (int)syscall(number, at, path, last);
	}
	if (rc == 0)
		record("%c %s\n", kind, where);
	pthread_mutex_unlock(&lock);
	return rc;
}

EXPORT int
unlink(const char *path)
{
	return do_one('U', SYS_unlinkat, AT_FDCWD, path, 0);
}

EXPORT int
unlinkat(int at, const char *path, int flags)
{
	return do_one('U', SYS_unlinkat, at, path, (unsigned long)flags);
}

EXPORT int
rmdir(const char *path)
{
	return do_one('U', SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

EXPORT int
mkdir(const char *path, mode_t mode)
{
	return do_one('M', SYS_mkdirat, AT_FDCWD, path, mode);
}

EXPORT int
mkdirat(int at, const char *path, mode_t mode)
{
	return do_one('M', SYS_mkdirat, at, path, mode);
}

EXPORT ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	if (file_of(fd) != 0)
		die("writev: not recorded");
	return syscall(SYS_writev, fd, iov, n);
}

EXPORT int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	if (file_of(fd) != 0)
		die("fallocate: not recorded");
	return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

/* The same calls under the names that a compiler or a C library gives them. */
#define ALIAS(name, target)                                                    \
	__typeof__(target) name EXPORT __attribute__((alias(#target)))

ALIAS(open64, open);
ALIAS(openat64, openat);
ALIAS(creat64, creat);
ALIAS(pwrite64, pwrite);
ALIAS(pread64, pread);
ALIAS(ftruncate64, ftruncate);
ALIAS(fallocate64, fallocate);

int __open_2(const char *path, int flags) EXPORT;
int __open64_2(const char *path, int flags) EXPORT;
int __openat_2(int at, const char *path, int flags) EXPORT;
int __openat64_2(int at, const char *path, int flags) EXPORT;
ssize_t __pread_chk(
    int fd, void *data, size_t len, off_t offset, size_t size) EXPORT;
ssize_t __pread64_chk(
    int fd, void *data, size_t len, off_t offset, size_t size) EXPORT;

int
__open_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0);
}

int
__open64_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0);
}

int
__openat_2(int at, const char *path, int flags)
{
	return do_open(at, path, flags, 0);
}

int
__openat64_2(int at, const char *path, int flags)
{
	return do_open(at, path, flags, 0);
}

ssize_t
__pread_chk(int fd, void *data, size_t len, off_t offset, size_t size)
{
	if (len > size)
		die("pread beyond the buffer");
	return do_pread(fd, data, len, offset);
}

ssize_t
__pread64_chk(int fd, void *data, size_t len, off_t offset, size_t size)
{
	return __pread_chk(fd, data, len, offset, size);
}
