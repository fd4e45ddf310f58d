/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <bsd/unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"

#include "smtpd/deliver/methods.h"

#define SHELL      "/bin/sh"
#define PATH       "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin"
#define TIME_LIMIT 300 /* seconds */
#define OUTPUT_MAX 4096

static void
add_env(struct buf *env, const char *name, const char *value)
{
	buf_printf(env, "%s=%s", name, value);
	buf_add_u8(env, '\0');
}

static void
make_env(const struct delivery *d, struct buf *env)
{
	char text[ADDRESS_TEXT_LEN], base[ADDRESS_LOCAL_MAX + 1];

	add_env(env, "PATH", PATH);
	add_env(env, "SHELL", SHELL);
	add_env(env, "HOME", d->home);
	add_env(env, "USER", d->user);
	add_env(env, "LOGNAME", d->user);
	add_env(env, "SENDER", address_text(&d->sender, text));
	add_env(env, "RECIPIENT", address_text(&d->dest, text));
	add_env(env, "ORIGINAL_RECIPIENT", address_text(&d->rcpt, text));
	add_env(env, "DOMAIN", d->dest.domain);
	add_env(env, "EXTENSION", address_split(&d->dest, d->delimiter, base));
	add_env(env, "LOCAL", base);
}

/* The texts, each with its NUL, as an array for execve(2). */
static char **
split_env(const struct buf *env)
{
	char **all = NULL;
	size_t n = 0, at = 0;

	while (at < env->len) {
		all = xreallocarray(all, n + 2, sizeof(*all));
		all[n++] = (char *)env->data + at;
		at += strlen((char *)env->data + at) + 1;
	}
	if (all != NULL)
		all[n] = NULL;
	return all;
}

/* A file with the whole message, to be the command's standard input. */
static int
message_file(const struct delivery *d)
{
	struct buf head = { 0 }, keep = { 0 };
	const uint8_t *body;
	struct err e;
	size_t len;
	int fd = memfd_create("message", MFD_CLOEXEC);

	if (fd == -1)
		return -1;
	delivery_trace(d, &head);
	if (!delivery_body(d, &keep, &body, &len) ||
	    fs_write_all(fd, head.data, head.len, &e) == -1 ||
	    fs_write_all(fd, body, len, &e) == -1 ||
	    lseek(fd, 0, SEEK_SET) == -1) {
		close(fd);
		fd = -1;
	}
	buf_free(&head);
	buf_free(&keep);
	return fd;
}

static void ATTR_NORETURN
run_child(
    const struct delivery *d, int in, int out, const char *command, char **env)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, xstrdup(command),
		NULL };

	setsid();
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	umask(077);
	if (dup2(in, 0) == -1 || dup2(out, 1) == -1 || dup2(out, 2) == -1 ||
	    (chdir(d->home) == -1 && chdir("/") == -1))
		_exit(EX_TEMPFAIL);
	closefrom(3);
	execve(SHELL, argv, env);
	_exit(EX_TEMPFAIL);
}

/* Read what the command says until it ends or the time is over. */
static bool
read_output(int fd, struct buf *out)
{
	time_t end = time(NULL) + TIME_LIMIT;
	struct pollfd p = { fd, POLLIN, 0 };

	for (;;) {
		uint8_t chunk[1024];
		time_t now = time(NULL);
		ssize_t n;

		if (now >= end)
			return false;
		if (poll(&p, 1, (int)(end - now) * 1000) == 0)
			return false;
		n = read(fd, chunk, sizeof(chunk));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return true;
		if (out->len < OUTPUT_MAX)
			buf_add(out, chunk, (size_t)n);
	}
}

/* The last line of the output that says something. */
static void
last_line(struct buf *out, char *line)
{
	char *text = xstrdup(buf_str(out)), *save = NULL;

	for (char *l = strtok_r(text, "\r\n", &save); l != NULL;
	     l = strtok_r(NULL, "\r\n", &save)) {
		if (l[strspn(l, " \t")] != '\0')
			snprintf(line, DELIVERY_STATUS_MAX, "%s", l);
	}
	free(text);
}

static enum delivery_status
judge(int status, struct buf *out, char *line)
{
	enum delivery_status result;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		snprintf(line, DELIVERY_STATUS_MAX, "Delivered");
		return DELIVERY_OK;
	}
	result = WIFSIGNALED(status) || WEXITSTATUS(status) == EX_OSERR ||
		WEXITSTATUS(status) == EX_TEMPFAIL ?
	    DELIVERY_LATER :
	    DELIVERY_FAILED;
	if (WIFSIGNALED(status))
		snprintf(line, DELIVERY_STATUS_MAX,
		    "command ended by signal %d", WTERMSIG(status));
	else
		snprintf(line, DELIVERY_STATUS_MAX, "command exited %d",
		    WEXITSTATUS(status));
	last_line(out, line);
	return result;
}

static enum delivery_status
run(const struct delivery *d, const char *command, struct buf *env, char *line)
{
	struct buf out = { 0 };
	enum delivery_status result;
	int in = message_file(d), pipes[2], status;
	char **envp = split_env(env);
	pid_t pid;

	if (in == -1 || pipe(pipes) == -1) {
		snprintf(
		    line, DELIVERY_STATUS_MAX, "command: %s", strerror(errno));
		if (in != -1)
			close(in);
		free(envp);
		return DELIVERY_LATER;
	}
	pid = fork();
	if (pid == 0)
		run_child(d, in, pipes[1], command, envp);
	close(in);
	close(pipes[1]);
	free(envp);
	if (pid == -1 || !read_output(pipes[0], &out)) {
		snprintf(line, DELIVERY_STATUS_MAX, "command: %s",
		    pid == -1 ? strerror(errno) : "no end after 300 seconds");
		if (pid != -1) {
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
		}
		result = DELIVERY_LATER;
	} else {
		while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
			;
		result = judge(status, &out, line);
	}
	close(pipes[0]);
	buf_free(&out);
	return result;
}

/*
 * The wrapper with the command in the place of %{mda}, still to be formatted:
 * what a .forward says is no format.
 */
static void
wrap(const struct delivery *d, struct buf *out)
{
	const char *p = d->wrapper;
	static const char mark[] = "%{mda}";

	while (*p != '\0') {
		if (p[0] == '%' && p[1] == '%') {
			buf_add_str(out, "%%");
			p += 2;
		} else if (strncmp(p, mark, sizeof(mark) - 1) != 0) {
			buf_add_u8(out, (uint8_t)*p++);
		} else {
			for (const char *c = d->exec == NULL ? d->target :
							       d->exec + 1;
			     c != NULL && *c != '\0'; c++) {
				if (*c == '%' && d->exec != NULL)
					buf_add_u8(out, '%');
				buf_add_u8(out, (uint8_t)*c);
			}
			p += sizeof(mark) - 1;
		}
	}
}

/* The command as the shell gets it: a .forward's own, or smtpd.conf's. */
enum delivery_status
mda_deliver(const struct delivery *d, char *line)
{
	struct buf command = { 0 }, env = { 0 }, wrapped = { 0 };
	enum delivery_status result;

	make_env(d, &env);
	if (d->wrapper != NULL) {
		wrap(d, &wrapped);
		if (!delivery_format(d, buf_str(&wrapped), &command, &env))
			buf_reset(&command);
		buf_free(&wrapped);
	} else if (d->exec != NULL) {
		buf_add_str(&command, d->exec + 1);
	} else if (!delivery_format(d, d->target, &command, &env)) {
		buf_reset(&command);
	}
	if (command.len == 0) {
		snprintf(line, DELIVERY_STATUS_MAX,
		    "the command has an unknown %%{} in it");
		result = DELIVERY_FAILED;
	} else {
		result = run(d, buf_str(&command), &env, line);
	}
	buf_free(&command);
	buf_free(&env);
	return result;
}
