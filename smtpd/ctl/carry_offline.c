/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * carry, what the sendmail of an OpenSMTPD left while that was down: a line
 * with its arguments, a | between each two, and the message.  Our sendmail
 * gets both, as the user who owns the file, and can do no more than he can.
 */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bsd/unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"

#include "smtpd/ctl/carry.h"

#define LINE_MAX_LEN 65536
#define ENV_MAX      4

bool
carry_is_left(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits > 0 && name[digits] == '.' && name[digits + 1] != '\0' &&
	    strpbrk(name, "/\n") == NULL;
}

/* The first line without its end, and how long it was with it. */
static int
read_line(int fd, struct buf *line, off_t *len, struct err *e)
{
	const uint8_t *end;
	size_t got;

	if (fs_pread_full(fd, buf_reserve(line, LINE_MAX_LEN), LINE_MAX_LEN, 0,
		&got, e) == -1)
		return -1;
	end = memchr(line->data, '\n', got);
	if (end == NULL || memchr(line->data, '\0', got) != NULL) {
		err_set(e, ERR_CORRUPT, "it does not begin with arguments");
		return -1;
	}
	line->len = (size_t)(end - line->data);
	*len = (off_t)line->len + 1;
	return 0;
}

/* What is between the bars; the array is the caller's, the texts text's. */
static char **
split(char *text)
{
	size_t n = 1;
	char **argv = xcalloc(2, sizeof(*argv)), *word;

	argv[0] = xstrdup("sendmail");
	while ((word = strsep(&text, "|")) != NULL) {
		argv = xreallocarray(argv, n + 2, sizeof(*argv));
		argv[n++] = word;
	}
	argv[n] = NULL;
	return argv;
}

/* Only where smtpd is; root's other words are not for its users. */
static void
fill_environment(char *env[ENV_MAX])
{
	const char *spool = getenv("SMTPD_SPOOL"), *home = getenv("HOME");
	size_t n = 0;

	env[n++] = xstrdup("PATH=/usr/bin:/bin");
	if (spool != NULL)
		env[n++] = xasprintf("SMTPD_SPOOL=%s", spool);
	if (home != NULL && geteuid() != 0)
		env[n++] = xasprintf("HOME=%s", home);
	env[n] = NULL;
}

static void ATTR_NORETURN
become(const struct passwd *pw, int fd, char **argv)
{
	int null = open("/dev/null", O_WRONLY);
	char *env[ENV_MAX];

	fill_environment(env);
	if (dup2(fd, STDIN_FILENO) == -1 || dup2(null, STDOUT_FILENO) == -1)
		_exit(1);
	closefrom(STDERR_FILENO + 1);
	if (geteuid() == 0 &&
	    (initgroups(pw->pw_name, pw->pw_gid) == -1 ||
		setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
		setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1))
		_exit(1);
	execve("/proc/self/exe", argv, env);
	_exit(127);
}

/* Whose file it is, and that nobody else can have put it there. */
static const struct passwd *
find_owner(int fd, struct err *e)
{
	const struct passwd *pw = NULL;
	struct stat st;

	if (fstat(fd, &st) == -1)
		err_sys(e, "its owner");
	else if (st.st_nlink != 1)
		err_set(e, ERR_DENIED, "it has another name, too");
	else if (geteuid() != 0 && geteuid() != st.st_uid)
		err_set(e, ERR_DENIED, "it is another user's: root may do it");
	else if ((pw = getpwuid(st.st_uid)) == NULL)
		err_set(e, ERR_NOT_FOUND, "its owner, %u, is no user here",
		    (unsigned)st.st_uid);
	return pw;
}

static int
run(const struct passwd *pw, int fd, char **argv, struct err *e)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become(pw, fd, argv);
	if (pid == -1 || waitpid(pid, &status, 0) == -1) {
		err_sys(e, "sendmail");
		return -1;
	}
	if (status == 0)
		return 0;
	err_set(e, ERR_DENIED, "sendmail, as %s, ended with %d", pw->pw_name,
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return -1;
}

int
carry_submit_left(int fd, struct err *e)
{
	const struct passwd *pw = find_owner(fd, e);
	struct buf line = { 0 };
	char **argv;
	off_t len;
	int rc = -1;

	if (pw != NULL && read_line(fd, &line, &len, e) == 0) {
		if (lseek(fd, len, SEEK_SET) == -1) {
			err_sys(e, "the message");
		} else {
			line.data[line.len] = '\0';
			argv = split((char *)line.data);
			rc = run(pw, fd, argv, e);
			free(argv[0]);
			free(argv);
		}
	}
	buf_free(&line);
	return rc;
}
