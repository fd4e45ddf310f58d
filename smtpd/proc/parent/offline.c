/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * parent: what was written while no smtpd ran is handed in, each file by a
 * process of its own.
 *
 * The files are any user's: none is read here, and none is opened that is
 * not what its owner alone could have put there.
 */
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/submit/submission.h"

#include "smtpd/proc/parent/parent_internal.h"

#define AT_ONCE     4   /* processes */
#define PER_USER    100 /* files of one that are known at a time */
#define FIRST_PAUSE 60  /* seconds; doubled up to the last */
#define LAST_PAUSE  3600
#define DRAFT_MAX_S 86400 /* what isn't whole by then never will be */
#define SETTLE      3     /* seconds that names may share a time stamp */

/* A file that is being handed in, or was and waits for its next turn. */
struct waiting {
	TAILQ_ENTRY(waiting) entry;
	char name[SUBMISSION_NAME_LEN + 1];
	uid_t uid;
	pid_t pid; /* 0: none */
	struct ipc *ipc;
	time_t pause, next_at;
};

static char *
dir_path(const struct parent *pa)
{
	return fs_join(pa->setup->spool, SETUP_OFFLINE);
}

/* The directory, and nothing that was put in its place. */
static int
open_dir(const struct parent *pa)
{
	const struct setup *s = pa->setup;
	uid_t owner = s->privileged ? s->queue_uid : geteuid();
	char *path = dir_path(pa);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	free(path);
	if (fd != -1 && (fstat(fd, &st) == -1 || st.st_uid != owner)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int
offline_prepare(const struct parent *pa, struct err *e)
{
	const struct setup *s = pa->setup;
	mode_t mode = s->privileged ? 01733 : 0700;
	char *path = dir_path(pa);
	int fd = -1, rc = -1;

	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		fd =
		    open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1 &&
	    (!s->privileged || fchown(fd, s->queue_uid, s->queue_gid) == 0) &&
	    fchmod(fd, mode) == 0)
		rc = 0;
	else
		err_sys(e, "%s", path);
	if (fd != -1)
		close(fd);
	free(path);
	return rc;
}

static struct waiting *
find(struct parent *pa, const char *name)
{
	struct waiting *w;

	TAILQ_FOREACH(w, &pa->offline, entry) {
		if (strcmp(w->name, name) == 0)
			return w;
	}
	return NULL;
}

static unsigned
count(struct parent *pa, uid_t uid, bool running)
{
	struct waiting *w;
	unsigned n = 0;

	TAILQ_FOREACH(w, &pa->offline, entry)
		n += running ? w->pid != 0 : w->uid == uid;
	return n;
}

static void
forget(struct parent *pa, struct waiting *w)
{
	TAILQ_REMOVE(&pa->offline, w, entry);
	if (w->ipc != NULL)
		ipc_free(w->ipc);
	free(w);
}

/* What stands against a file, or NULL. */
static const char *
refuse(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "not a file";
	if (st->st_nlink != 1)
		return "a file that has another name, too";
	if ((st->st_mode & 077) != 0)
		return "a file that is not its owner's alone";
	return NULL;
}

/* The file, checked by its descriptor; -1 when it isn't one, or has gone. */
static int
open_file(int dir, const char *name, struct stat *st)
{
	int fd =
	    openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *problem = NULL;

	if (fd == -1 && errno == ENOENT)
		return -1;
	if (fd == -1 || fstat(fd, st) == -1)
		problem = strerror(errno);
	else
		problem = refuse(st);
	if (problem == NULL)
		return fd;
	log_debug("offline: %s: %s", name, problem);
	if (fd != -1)
		close(fd);
	return -1;
}

static void
from_process(struct ipc *ipc, struct ipc_msg *m, void *arg)
{
	struct waiting *w = arg;

	if (m != NULL)
		return;
	/* Its exit status comes by SIGCHLD. */
	w->ipc = NULL;
	ipc_free(ipc);
}

/* A session of the last dispatcher, told by us whose message it is. */
static void
link_dispatcher(struct parent *pa, struct waiting *w, int session)
{
	struct buf b = { 0 };

	buf_add_str(&b, w->name);
	parent_send(pa, PROC_DISPATCHER, pa->setup->n_dispatchers - 1,
	    MSG_OFFLINE, &b, session);
	buf_free(&b);
}

static int
start_process(struct parent *pa, struct waiting *w, int file, struct err *e)
{
	struct buf b = { 0 };
	int pair[2], fd;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1) {
		err_sys(e, "a socket pair");
		return -1;
	}
	w->pid = parent_exec(
	    pa, (struct proc_peer){ PROC_OFFLINE, 0 }, 0, 0, false, &fd, e);
	if (w->pid == -1) {
		w->pid = 0;
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	w->ipc = ipc_new(pa->base, fd, from_process, w);
	setup_encode(pa->setup, false, &b);
	ipc_send(w->ipc, MSG_SETUP, b.data, b.len, -1);
	buf_free(&b);
	ipc_send(w->ipc, MSG_OFFLINE, NULL, 0,
	    fcntl(file, F_DUPFD_CLOEXEC, PROC_PARENT_FD + 1));
	ipc_send(w->ipc, MSG_LISTEN, NULL, 0, pair[0]);
	ipc_send(w->ipc, MSG_START, NULL, 0, -1);
	link_dispatcher(pa, w, pair[1]);
	return 0;
}

/* Begin with a file, or go on with it.  False: no more just now. */
static bool
take(struct parent *pa, int dir, const char *name, time_t now)
{
	struct waiting *w = find(pa, name);
	struct stat st;
	struct err e;
	int fd;

	if (w != NULL && (w->pid != 0 || w->next_at > now))
		return true;
	if (count(pa, 0, true) >= AT_ONCE)
		return false;
	fd = open_file(dir, name, &st);
	if (fd == -1)
		return true;
	if (w == NULL && count(pa, st.st_uid, false) >= PER_USER) {
		close(fd);
		return true;
	}
	if (w == NULL) {
		w = xcalloc(1, sizeof(*w));
		memcpy(w->name, name, sizeof(w->name));
		w->uid = st.st_uid;
		w->pause = FIRST_PAUSE;
		TAILQ_INSERT_TAIL(&pa->offline, w, entry);
	}
	if (start_process(pa, w, fd, &e) == -1) {
		log_warn("offline: %s", e.msg);
		w->next_at = now + FIRST_PAUSE;
	}
	close(fd);
	return true;
}

/* What sendmail didn't live to finish; told to nobody, so lost by nobody. */
static void
drop_draft(int dir, const char *name, time_t now)
{
	struct stat st;

	if (submission_name_valid(name + 1) &&
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    now - st.st_mtime > DRAFT_MAX_S)
		unlinkat(dir, name, 0);
}

static void
scan(struct parent *pa, int fd, time_t now)
{
	const struct dirent *entry;
	DIR *dir = fdopendir(fd);
	bool more = true;

	if (dir == NULL) {
		close(fd);
		return;
	}
	while (more && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			drop_draft(fd, entry->d_name, now);
		else if (submission_name_valid(entry->d_name))
			more = take(pa, fd, entry->d_name, now);
	}
	pa->offline_more = !more;
	closedir(dir);
}

/* What has gone is forgotten; whether anything is due. */
static bool
review(struct parent *pa, int dir, time_t now)
{
	struct waiting *w, *next;
	bool due = pa->offline_more;

	for (w = TAILQ_FIRST(&pa->offline); w != NULL; w = next) {
		next = TAILQ_NEXT(w, entry);
		if (w->pid != 0 || w->next_at > now)
			continue;
		due = true;
		if (faccessat(dir, w->name, F_OK, AT_SYMLINK_NOFOLLOW) == -1)
			forget(pa, w);
	}
	return due;
}

void
offline_tick(struct parent *pa)
{
	time_t now = time(NULL);
	struct stat st;
	int fd = pa->announced && !pa->stopping ? open_dir(pa) : -1;
	bool due;

	if (fd == -1)
		return;
	due = review(pa, fd, now);
	if (fstat(fd, &st) == -1 || (!due && st.st_mtime == pa->offline_seen)) {
		close(fd);
		return;
	}
	/* Another name may still come at the same time. */
	pa->offline_seen = now - st.st_mtime > SETTLE ? st.st_mtime : 0;
	scan(pa, fd, now);
}

bool
offline_reap(struct parent *pa, pid_t pid, int status)
{
	struct waiting *w;

	TAILQ_FOREACH(w, &pa->offline, entry) {
		if (w->pid == pid)
			break;
	}
	if (w == NULL)
		return false;
	w->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == PROC_OFFLINE_DONE) {
		log_info("offline: %s handed in", w->name);
		forget(pa, w);
	} else {
		if (WIFEXITED(status) &&
		    WEXITSTATUS(status) == PROC_OFFLINE_BAD)
			w->pause = LAST_PAUSE;
		log_warn("offline: %s of user %u waits on, for %llds", w->name,
		    (unsigned)w->uid, (long long)w->pause);
		w->next_at = time(NULL) + w->pause;
		w->pause =
		    w->pause * 2 < LAST_PAUSE ? w->pause * 2 : LAST_PAUSE;
	}
	offline_tick(pa);
	return true;
}

void
offline_stop(struct parent *pa)
{
	struct waiting *w;

	while ((w = TAILQ_FIRST(&pa->offline)) != NULL)
		forget(pa, w);
}
