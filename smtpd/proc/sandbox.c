/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/err.h"

#include "smtpd/proc/sandbox.h"

/* What a process may do beyond computing and its pipes. */
struct rights {
	bool files;    /* open by name */
	bool sockets;  /* make connections */
	bool own_root; /* chroot: to the empty directory, or the spool */
	bool spool;
	bool root;     /* stays who started smtpd */
	bool programs; /* start them */
};

static const struct rights rights[PROC_COUNT] = {
	/* What PAM's modules need is theirs to say. */
	[PROC_AUTH] = { .files = true,
	    .sockets = true,
	    .root = true,
	    .programs = true },
	[PROC_CONTROL] = { .own_root = true },
	[PROC_LOOKUP] = { .files = true, .sockets = true },
	[PROC_QUEUE] = { .files = true, .own_root = false, .spool = true },
	[PROC_SCHEDULER] = { .own_root = true },
	[PROC_DISPATCHER] = { .sockets = true, .own_root = true },
	[PROC_KEYS] = { .own_root = true },
	[PROC_FILTER] = { .own_root = true },
	[PROC_OFFLINE] = { .own_root = true },
	[PROC_RESOLVER] = { .sockets = true, .own_root = true },
};

/* Nobody needs these once it runs. */
static const int never[] = { SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(mount), SCMP_SYS(umount2),
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns),
	SCMP_SYS(unshare), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(keyctl), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(reboot), SCMP_SYS(swapon),
	SCMP_SYS(swapoff), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup) };

static const int starting[] = { SCMP_SYS(execve), SCMP_SYS(execveat),
	SCMP_SYS(fork), SCMP_SYS(vfork) };

static const int opening[] = { SCMP_SYS(open), SCMP_SYS(openat),
	SCMP_SYS(openat2), SCMP_SYS(creat), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(link), SCMP_SYS(linkat),
	SCMP_SYS(symlink), SCMP_SYS(symlinkat), SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat), SCMP_SYS(chmod), SCMP_SYS(fchmodat), SCMP_SYS(chown),
	SCMP_SYS(fchownat), SCMP_SYS(truncate) };

static const int connecting[] = { SCMP_SYS(socket), SCMP_SYS(connect),
	SCMP_SYS(bind), SCMP_SYS(listen) };

static bool
forbid(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), calls[i], 0) !=
		    0)
			return false;
	}
	return true;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static int
filter_calls(const struct rights *r, struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	bool ok = ctx != NULL && forbid(ctx, never, COUNT(never));

	if (ok && !r->programs)
		ok = forbid(ctx, starting, COUNT(starting));
	if (ok && !r->files)
		ok = forbid(ctx, opening, COUNT(opening));
	if (ok && !r->sockets)
		ok = forbid(ctx, connecting, COUNT(connecting));
	ok = ok && seccomp_load(ctx) == 0;
	seccomp_release(ctx);
	if (!ok)
		err_set(e, ERR_SYSTEM, "no system call filter");
	return ok ? 0 : -1;
}

static int
change_user(const struct rights *r, const struct setup *s, struct err *e)
{
	uid_t uid = r->spool ? s->queue_uid : s->uid;
	gid_t gid = r->spool ? s->queue_gid : s->gid;

	if (r->own_root &&
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

int
sandbox_enter(enum proc_id id, const struct setup *s, struct err *e)
{
	const struct rlimit no_core = { 0, 0 };
	const struct rights *r = &rights[id];

	/* A delivery worker runs as its user from the start. */
	if (id == PROC_DELIVER)
		return 0;
	if (s->privileged && !r->root && change_user(r, s, e) == -1)
		return -1;
	if (setrlimit(RLIMIT_CORE, &no_core) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
		err_sys(e, "give up privileges");
		return -1;
	}
	return filter_calls(r, e);
}
