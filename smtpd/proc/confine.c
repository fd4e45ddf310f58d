/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <grp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/sys/sandbox.h"

#include "smtpd/proc/confine.h"

/* Who a process is, when root has started smtpd. */
enum identity {
	NOBODY, /* smtpd's user, in the empty directory */
	READER, /* smtpd's user, and sees the file system */
	KEEPER, /* the queue's user */
	STARTER /* stays who started smtpd */
};

static enum identity
identity_of(enum proc_id id)
{
	if (id == PROC_AUTH)
		return STARTER;
	if (id == PROC_LOOKUP)
		return READER;
	return id == PROC_QUEUE ? KEEPER : NOBODY;
}

static int
change_user(enum proc_id id, const struct setup *s, struct err *e)
{
	enum identity who = identity_of(id);
	uid_t uid = who == KEEPER ? s->queue_uid : s->uid;
	gid_t gid = who == KEEPER ? s->queue_gid : s->gid;

	if (who == STARTER)
		return 0;
	if (who == NOBODY &&
	    (chroot(SETUP_EMPTY_DIR) == -1 || chdir("/") == -1)) {
		err_sys(e, "chroot %s", SETUP_EMPTY_DIR);
		return -1;
	}
	if (setgroups(1, &gid) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1) {
		err_sys(e, "change to user %u", (unsigned)uid);
		return -1;
	}
	return 0;
}

/* A worker that runs programs is its user, no more and no less. */
static struct sandbox
needs_of_worker(unsigned instance)
{
	static const char *const all[] = { "/", NULL };
	static const char *const names[] = { "/etc", "/lib", "/lib64", "/run",
		"/usr", "/var/run", NULL };

	if (instance == PROC_DELIVER_LMTP)
		return (
		    struct sandbox){ .read = names, .net = SANDBOX_NET_FULL };
	return (struct sandbox){ .write = all };
}

/*
 * All that each may still do beside its work with what is open; what isn't
 * listed computes and talks over its pairs.  spool is the queue's list.
 */
static struct sandbox
needs(enum proc_id id, unsigned instance, const char *const *spool)
{
	static const char *const all[] = { "/", NULL };

	switch (id) {
	case PROC_DISPATCHER:
		return (struct sandbox){ .net = SANDBOX_NET_FULL };
	case PROC_RESOLVER:
		return (
		    struct sandbox){ .threads = true, .net = SANDBOX_NET_FULL };
	case PROC_LOOKUP:
		/* Tables may name any file; name services have sockets. */
		return (struct sandbox){
			.read = all, .addresses = true, .net = SANDBOX_NET_LOCAL
		};
	case PROC_QUEUE:
		return (struct sandbox){ .write = spool };
	case PROC_AUTH:
		/* What PAM's modules need is theirs to say. */
		return (struct sandbox){ .write = all,
			.exec = true,
			.threads = true,
			.users = true,
			.net = SANDBOX_NET_FULL };
	case PROC_DELIVER:
		return needs_of_worker(instance);
	case PROC_PARENT:
	case PROC_CONTROL:
	case PROC_SCHEDULER:
	case PROC_KEYS:
	case PROC_FILTER:
	case PROC_OFFLINE:
	case PROC_COUNT:
		break;
	}
	return (struct sandbox){ .threads = false };
}

int
confine_process(
    enum proc_id id, unsigned instance, const struct setup *s, struct err *e)
{
	const char *spool[] = { s == NULL ? NULL : s->spool, NULL };
	const struct rlimit no_core = { 0, 0 };
	struct sandbox sb = needs(id, instance, spool);
	unsigned layers;

	if (id == PROC_DELIVER && instance == PROC_DELIVER_PROGRAM)
		return 0;
	if (s != NULL && s->privileged && change_user(id, s, e) == -1)
		return -1;
	if (setrlimit(RLIMIT_CORE, &no_core) == -1) {
		err_sys(e, "forbid core dumps");
		return -1;
	}
	if (sandbox_enter(&sb, &layers, e) == -1)
		return -1;
	if ((layers & SANDBOX_FILES) == 0)
		log_debug("%s: this kernel has no Landlock: paths are as free "
			  "as the user's rights",
		    proc_name(id));
	return 0;
}

int
confine_to_nothing(struct err *e)
{
	const struct sandbox nothing = { .threads = false };
	unsigned layers;

	return sandbox_enter(&nothing, &layers, e);
}
