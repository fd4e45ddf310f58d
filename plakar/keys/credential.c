/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <bsd/readpassphrase.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/secret.h"

#include "plakar/keys/credential.h"

#define ENV_PASSPHRASE "PLAKAR_PASSPHRASE"
#define PROMPT_LEN     512

extern char **environ;

void
credential_clear(struct credential *c)
{
	secret_free(c->secret);
	*c = (struct credential){ 0 };
}

static int
check_source(const struct credential_source *src, struct err *e)
{
	int given = (src->key_file != NULL) +
	    (src->passphrase_command != NULL) + (src->passphrase_file != NULL) +
	    (src->no_passphrase ? 1 : 0);

	if (given <= 1)
		return 0;
	err_set(e, ERR_USAGE,
	    "give one of --key-file, --passphrase-command, --passphrase-file "
	    "and --no-passphrase");
	return -1;
}

/* Up to max bytes until the end of fd; one more tells that there are more. */
static int
read_upto(int fd, uint8_t *out, size_t max, size_t *len, struct err *e)
{
	*len = 0;
	while (*len < max) {
		ssize_t n = read(fd, out + *len, max - *len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			err_sys(e, "cannot read");
			return -1;
		}
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return 0;
}

/* Read what is left, so that who writes it can finish. */
static void
drain(int fd)
{
	char rest[512];
	ssize_t n;

	do
		n = read(fd, rest, sizeof(rest));
	while (n > 0 || (n == -1 && errno == EINTR));
	explicit_bzero(rest, sizeof(rest));
}

/* Keep the first line, without its end. */
static int
take_line(struct credential *c, const char *from, struct err *e)
{
	uint8_t *end = memchr(c->secret, '\n', c->len);
	size_t len = end != NULL ? (size_t)(end - c->secret) : c->len;

	if (len > 0 && end != NULL && c->secret[len - 1] == '\r')
		len--;
	if (len == 0) {
		err_set(e, ERR_USAGE, "%s gives an empty passphrase", from);
		return -1;
	}
	if (len > CREDENTIAL_MAX) {
		err_set(e, ERR_LIMIT, "%s gives more than %d bytes", from,
		    CREDENTIAL_MAX);
		return -1;
	}
	c->len = len;
	return 0;
}

/* The whole of a key file, or the first line of a passphrase file. */
static int
from_file(const char *path, bool key, struct credential *c, struct err *e)
{
	size_t max = key ? CREDENTIAL_KEY_FILE_MAX : CREDENTIAL_MAX + 2;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (fd == -1) {
		err_sys(e, "cannot open the %s file %s",
		    key ? "key" : "passphrase", path);
		if (key && e->errnum == ENOENT)
			err_set(e, ERR_NOT_FOUND,
			    "no key file %s; to make one: head -c 32 "
			    "/dev/urandom >%s",
			    path, path);
		return -1;
	}
	c->kdf = key ? SLOT_KEY_FILE : SLOT_PASSPHRASE;
	c->secret = secret_alloc(max + 1);
	rc = read_upto(fd, c->secret, max + 1, &c->len, e);
	close(fd);
	if (rc == -1) {
		err_wrap(e, "%s", path);
		return -1;
	}
	if (!key)
		return take_line(c, path, e);
	if (c->len < CREDENTIAL_KEY_FILE_MIN ||
	    c->len > CREDENTIAL_KEY_FILE_MAX) {
		err_set(e, ERR_USAGE,
		    "%s is no key file: those have %d to %d bytes", path,
		    CREDENTIAL_KEY_FILE_MIN, CREDENTIAL_KEY_FILE_MAX);
		return -1;
	}
	return 0;
}

/* Start the command with its output on a pipe; *fd is where to read. */
static int
start_command(const char *command, pid_t *pid, int *fd, struct err *e)
{
	char sh[] = "sh", dash_c[] = "-c";
	char *copy = strdup(command);
	char *argv[] = { sh, dash_c, copy, NULL };
	posix_spawn_file_actions_t actions;
	int pipes[2], rc;

	if (copy == NULL || pipe2(pipes, O_CLOEXEC) == -1) {
		err_sys(e, "cannot run the passphrase command");
		free(copy);
		return -1;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(
	    &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	rc = posix_spawn(pid, "/bin/sh", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	free(copy);
	if (rc != 0) {
		errno = rc;
		err_sys(e, "cannot run the passphrase command");
		close(pipes[0]);
		return -1;
	}
	*fd = pipes[0];
	return 0;
}

static int
from_command(const char *command, struct credential *c, struct err *e)
{
	pid_t pid, got;
	int fd, status, rc;

	if (start_command(command, &pid, &fd, e) == -1)
		return -1;
	c->kdf = SLOT_PASSPHRASE;
	c->secret = secret_alloc(CREDENTIAL_MAX + 3);
	rc = read_upto(fd, c->secret, CREDENTIAL_MAX + 3, &c->len, e);
	drain(fd);
	close(fd);
	do
		got = waitpid(pid, &status, 0);
	while (got == -1 && errno == EINTR);
	if (rc == -1) {
		err_wrap(e, "passphrase command");
		return -1;
	}
	if (got == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		err_set(e, ERR_DENIED, "the passphrase command failed");
		return -1;
	}
	return take_line(c, "the passphrase command", e);
}

static int
from_text(
    const char *text, const char *from, struct credential *c, struct err *e)
{
	size_t len = strlen(text);

	if (len == 0 || len > CREDENTIAL_MAX) {
		err_set(e, ERR_USAGE,
		    len == 0 ? "%s is empty" : "%s is too long", from);
		return -1;
	}
	c->kdf = SLOT_PASSPHRASE;
	c->secret = secret_alloc(len + 1);
	memcpy(c->secret, text, len);
	c->len = len;
	return 0;
}

/* Ask at the terminal; the answer is a string in secret memory. */
static char *
ask(const char *prompt, struct err *e)
{
	char *answer = secret_alloc(CREDENTIAL_MAX + 2);

	if (readpassphrase(prompt, answer, CREDENTIAL_MAX + 2,
		RPP_ECHO_OFF | RPP_REQUIRE_TTY) != NULL)
		return answer;
	if (errno == EINTR)
		err_set(e, ERR_CANCELLED, "no passphrase given");
	else
		err_set(e, ERR_DENIED,
		    "no passphrase: there is no terminal to ask at; set " ENV_PASSPHRASE
		    ", or use --passphrase-file, "
		    "--passphrase-command or --key-file");
	secret_free(answer);
	return NULL;
}

static int
from_prompt(const char *what, bool again, struct credential *c, struct err *e)
{
	char prompt[PROMPT_LEN], *answer;
	int rc;

	snprintf(prompt, sizeof(prompt),
	    "%sPassphrase of %s: ", again ? "Wrong passphrase.\n" : "", what);
	answer = ask(prompt, e);
	if (answer == NULL)
		return -1;
	rc = from_text(answer, "the passphrase", c, e);
	c->typed = true;
	secret_free(answer);
	return rc;
}

static int
from_two_prompts(const char *what, struct credential *c, struct err *e)
{
	char prompt[PROMPT_LEN], *first, *second = NULL;
	int rc = -1;

	snprintf(prompt, sizeof(prompt),
	    "Without its passphrase nobody can read a repository, you "
	    "included:\nchoose one that you will have when you need it, and "
	    "keep it elsewhere too.\nNew passphrase of %s: ",
	    what);
	first = ask(prompt, e);
	if (first == NULL)
		return -1;
	if (first[0] == '\0') {
		err_set(e, ERR_USAGE,
		    "an empty passphrase protects nothing; "
		    "--no-passphrase if that is wanted");
		goto out;
	}
	second = ask("The same again: ", e);
	if (second == NULL)
		goto out;
	if (strcmp(first, second) != 0) {
		err_set(e, ERR_USAGE, "the two passphrases differ");
		goto out;
	}
	rc = from_text(first, "the passphrase", c, e);
	c->typed = true;
out:
	secret_free(first);
	secret_free(second);
	return rc;
}

static void
copy(const struct credential *from, struct credential *to)
{
	*to = *from;
	to->secret = secret_alloc(from->len);
	memcpy(to->secret, from->secret, from->len);
}

/* 1 found, 0 nothing but the terminal is left to ask, -1. */
static int
find(const struct credential_source *src, struct credential *c, struct err *e)
{
	const char *text = getenv(ENV_PASSPHRASE);
	int rc = 0;

	if (check_source(src, e) == -1)
		return -1;
	if (src->key_file != NULL)
		rc = from_file(src->key_file, true, c, e);
	else if (src->passphrase_command != NULL)
		rc = from_command(src->passphrase_command, c, e);
	else if (src->passphrase_file != NULL)
		rc = from_file(src->passphrase_file, false, c, e);
	else if (src->no_passphrase)
		c->kdf = SLOT_UNLOCKED;
	else if (text != NULL)
		rc = from_text(text, ENV_PASSPHRASE, c, e);
	else if (src->typed != NULL && src->typed->secret != NULL)
		copy(src->typed, c);
	else
		return 0;
	return rc == 0 ? 1 : -1;
}

int
credential_get(const struct credential_source *src, const char *what,
    bool again, struct credential *c, struct err *e)
{
	int rc;

	*c = (struct credential){ 0 };
	rc = find(src, c, e);
	if (rc == 0)
		rc = from_prompt(what, again, c, e);
	if (rc == -1)
		credential_clear(c);
	return rc == -1 ? -1 : 0;
}

int
credential_make(const struct credential_source *src, const char *what,
    struct credential *c, struct err *e)
{
	int rc;

	*c = (struct credential){ 0 };
	rc = find(src, c, e);
	if (rc == 0) {
		rc = from_two_prompts(what, c, e);
		if (rc == 0 && src->typed != NULL) {
			credential_clear(src->typed);
			copy(c, src->typed);
			src->typed->typed = false;
		}
	}
	if (rc == -1)
		credential_clear(c);
	return rc == -1 ? -1 : 0;
}
