/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * parent: the programs of filters and tables, started for the filter and the
 * lookup process.
 *
 * Each names one of the configuration; the command, the user, the group and
 * the root directory are ours to read.  A program's standard input and output
 * are one socket, its standard error another; who asked gets the other ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bsd/unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"

#include "smtpd/proc/parent/parent_internal.h"

#define GRACE        5 /* seconds from TERM to KILL */
#define PROGRAMS_MAX 256
#define ROOT_PATH    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct program {
	TAILQ_ENTRY(program) entry;
	enum proc_id owner;
	char *name;
	uint32_t serial;
	pid_t pid;
	time_t ends_at; /* 0: it may go on; else when to kill it */
};

/* Where a command that is not a path is looked for, before PATH. */
static const char *const dirs[] = { SMTPD_FILTER_DIR,
	"/usr/local/libexec/smtpd", "/usr/local/libexec/opensmtpd",
	"/usr/libexec/smtpd", "/usr/libexec/opensmtpd", "/usr/lib/opensmtpd" };

struct identity {
	uid_t uid;
	gid_t gid;
};

/* Who a program is to be. */
static int
find_identity(const struct parent *pa, const struct conf_proc *cp,
    struct identity *id, struct err *e)
{
	const struct passwd *pw;
	const struct group *gr;

	*id = (struct identity){ pa->setup->uid, pa->setup->gid };
	if (cp->user != NULL) {
		pw = getpwnam(cp->user);
		if (pw == NULL) {
			err_set(
			    e, ERR_USAGE, "the user %s is unknown", cp->user);
			return -1;
		}
		*id = (struct identity){ pw->pw_uid, pw->pw_gid };
	}
	if (cp->group != NULL) {
		gr = getgrnam(cp->group);
		if (gr == NULL) {
			err_set(
			    e, ERR_USAGE, "the group %s is unknown", cp->group);
			return -1;
		}
		id->gid = gr->gr_gid;
	}
	if (pa->setup->privileged ||
	    (cp->chroot == NULL && id->uid == pa->setup->uid &&
		id->gid == pa->setup->gid))
		return 0;
	err_set(e, ERR_USAGE,
	    "not started by root: user, group and chroot can't be had");
	return -1;
}

int
programs_check(const struct parent *pa, struct err *e)
{
	const struct conf_proc *cp;
	struct identity id;

	TAILQ_FOREACH(cp, &pa->setup->conf->procs, entry) {
		if (find_identity(pa, cp, &id, e) == -1) {
			err_wrap(e, "%s:%d: filter %s", cp->pos.file,
			    cp->pos.line, cp->name);
			return -1;
		}
	}
	return 0;
}

/* The command as the shell gets it: "exec" and the program's place. */
static char *
find_command(const char *command)
{
	size_t word = strcspn(command, " \t;|&<>$\"'`\\");

	if (command[0] == '/')
		return xasprintf("exec %s", command);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		char *path = xasprintf("%s/%.*s", dirs[i], (int)word, command);
		bool there = access(path, X_OK) == 0;

		free(path);
		if (there)
			return xasprintf("exec %s/%s", dirs[i], command);
	}
	return xasprintf("exec %s", command);
}

/* Its stderr is the log by now. */
static void ATTR_NORETURN
die(const char *what)
{
	dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
	_exit(1);
}

static void ATTR_NORETURN
become(const struct parent *pa, const struct conf_proc *cp,
    const struct identity *id, int io, int err)
{
	char *command;
	char *root_env[] = { (char[]){ "PATH=" ROOT_PATH }, NULL };

	if (dup2(io, 0) == -1 || dup2(io, 1) == -1 || dup2(err, 2) == -1)
		_exit(1);
	closefrom(3);
	if (cp->chroot != NULL &&
	    (chroot(cp->chroot) == -1 || chdir("/") == -1))
		die("chroot");
	if (pa->setup->privileged &&
	    (setgroups(1, &id->gid) == -1 ||
		setresgid(id->gid, id->gid, id->gid) == -1 ||
		setresuid(id->uid, id->uid, id->uid) == -1))
		die("change of user");
	setsid();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("LISTEN_FDS");
	signal(SIGPIPE, SIG_DFL);
	command = find_command(cp->command);
	if (pa->setup->privileged)
		execle("/bin/sh", "sh", "-c", command, (char *)NULL, root_env);
	else
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	die("/bin/sh");
}

/* PROGRAM, to who asked: what it is u8, serial u32, +fd. */
static void
tell(struct parent *pa, enum proc_id owner, char what, uint32_t serial, int fd)
{
	struct buf b = { 0 };

	buf_add_u8(&b, (uint8_t)what);
	wire_put_u32(&b, serial);
	parent_send(pa, owner, 0, MSG_PROGRAM, &b, fd);
	buf_free(&b);
}

static void
close_pair(int *pair)
{
	if (pair[0] != -1)
		close(pair[0]);
	if (pair[1] != -1)
		close(pair[1]);
}

/* The pid, our ends in *io and *err; or -1. */
static pid_t
run(const struct parent *pa, const struct conf_proc *cp, int *io, int *err,
    struct err *e)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	struct identity id;
	pid_t pid;

	if (find_identity(pa, cp, &id, e) == -1)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) == -1) {
		err_sys(e, "a socket pair");
		close_pair(in);
		return -1;
	}
	pid = fork();
	if (pid == 0)
		become(pa, cp, &id, in[1], out[1]);
	if (pid == -1) {
		err_sys(e, "fork");
		close_pair(in);
		close_pair(out);
		return -1;
	}
	close(in[1]);
	close(out[1]);
	*io = in[0];
	*err = out[0];
	return pid;
}

static const char *
kind_of(enum proc_id owner)
{
	return owner == PROC_LOOKUP ? "table" : "filter";
}

static const struct conf_proc *
find_proc(const struct parent *pa, enum proc_id owner, const char *name)
{
	const struct conf_table *t;

	if (owner == PROC_FILTER)
		return conf_find_proc(pa->setup->conf, name);
	t = conf_find_table(pa->setup->conf, name);
	return t == NULL ? NULL : t->program;
}

static void
start_program(
    struct parent *pa, enum proc_id owner, const char *name, uint32_t serial)
{
	const struct conf_proc *cp = find_proc(pa, owner, name);
	struct program *p;
	struct err e;
	unsigned n = 0;
	int io, err;
	pid_t pid = -1;

	TAILQ_FOREACH(p, &pa->programs, entry)
		n++;
	if (cp == NULL)
		err_set(&e, ERR_NOT_FOUND, "not of the configuration");
	else if (n >= PROGRAMS_MAX)
		err_set(&e, ERR_LIMIT, "%u programs run already", n);
	else
		pid = run(pa, cp, &io, &err, &e);
	if (pid == -1) {
		log_error("%s %s: %s", kind_of(owner), name, e.msg);
		tell(pa, owner, 'x', serial, -1);
		return;
	}
	p = xcalloc(1, sizeof(*p));
	*p = (struct program){ .owner = owner,
		.name = xstrdup(name),
		.serial = serial,
		.pid = pid };
	TAILQ_INSERT_TAIL(&pa->programs, p, entry);
	tell(pa, owner, 'e', serial, err);
	tell(pa, owner, 'i', serial, io);
}

/* Ask a program to end; programs_tick() insists. */
static void
end_program(struct program *p)
{
	if (p->ends_at != 0)
		return;
	p->ends_at = time(NULL) + GRACE;
	kill(p->pid, SIGTERM);
}

void
programs_orphaned(struct parent *pa, enum proc_id owner)
{
	struct program *p;

	TAILQ_FOREACH(p, &pa->programs, entry) {
		if (p->owner == owner)
			end_program(p);
	}
}

void
programs_message(struct parent *pa, enum proc_id owner, struct ipc_msg *m)
{
	struct program *p;
	struct wire w;
	uint32_t serial;
	uint8_t what;
	char *name;

	wire_init(&w, m->data, m->len);
	what = wire_u8(&w);
	serial = wire_u32(&w);
	if (!wire_ok(&w) || (owner != PROC_FILTER && owner != PROC_LOOKUP))
		return;
	if (what == 's' && !pa->stopping) {
		name = xstrndup((const char *)w.p, w.left);
		start_program(pa, owner, name, serial);
		free(name);
		return;
	}
	TAILQ_FOREACH(p, &pa->programs, entry) {
		if (p->owner == owner && p->serial == serial)
			end_program(p);
	}
}

/* Whether it ended because we wanted it to. */
static bool
as_asked(const struct program *p, int status)
{
	if (p->ends_at == 0)
		return false;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGTERM ||
		    (WTERMSIG(status) == SIGKILL && p->ends_at <= time(NULL));
	return WEXITSTATUS(status) == 0;
}

bool
programs_reap(struct parent *pa, pid_t pid, int status)
{
	struct program *p;

	TAILQ_FOREACH(p, &pa->programs, entry) {
		if (p->pid != pid)
			continue;
		if (!as_asked(p, status))
			log_warn("%s %s: %s %d", kind_of(p->owner), p->name,
			    WIFSIGNALED(status) ? "ended by signal" :
						  "exited with",
			    WIFSIGNALED(status) ? WTERMSIG(status) :
						  WEXITSTATUS(status));
		tell(pa, p->owner, 'x', p->serial, -1);
		TAILQ_REMOVE(&pa->programs, p, entry);
		free(p->name);
		free(p);
		return true;
	}
	return false;
}

void
programs_tick(struct parent *pa)
{
	time_t now = time(NULL);
	struct program *p;

	TAILQ_FOREACH(p, &pa->programs, entry) {
		if (p->ends_at != 0 && p->ends_at <= now)
			kill(p->pid, SIGKILL);
	}
}

void
programs_stop(struct parent *pa)
{
	struct program *p;

	TAILQ_FOREACH(p, &pa->programs, entry)
		end_program(p);
}

bool
programs_busy(const struct parent *pa)
{
	return !TAILQ_EMPTY(&pa->programs);
}
