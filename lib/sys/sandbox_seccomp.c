/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sandbox_seccomp: the system calls of an ordinary program, in groups, and
 * the groups that a sandbox allows.  A call in no list fails with EPERM.
 *
 * The lists hold names: one that this machine, or its libseccomp, does not
 * know is passed over.  Paths are Landlock's affair; here, opening is
 * allowed when any path is.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/sys/sandbox.h"

#include "lib/sys/sandbox_internal.h"

/* Memory, time, signals, identity, waiting: what anything needs. */
static const char *const basic_calls[] = { "alarm", "arch_prctl", "brk",
	"capget", "clock_getres", "clock_gettime", "clock_nanosleep", "exit",
	"exit_group", "futex", "futex_waitv", "get_robust_list", "getcpu",
	"getegid", "geteuid", "getgid", "getgroups", "getitimer", "getpgid",
	"getpgrp", "getpid", "getppid", "getpriority", "getrandom", "getresgid",
	"getresuid", "getrlimit", "getrusage", "getsid", "gettid",
	"gettimeofday", "getuid", "landlock_add_rule",
	"landlock_create_ruleset", "landlock_restrict_self", "madvise",
	"membarrier", "mincore", "mlock", "mlock2", "mmap", "mmap2", "mprotect",
	"mremap", "msync", "munlock", "munmap", "nanosleep", "pause", "prctl",
	"prlimit64", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
	"sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
	"sched_getparam", "sched_getscheduler", "sched_yield", "seccomp",
	"set_robust_list", "set_tid_address", "setitimer", "setpriority",
	"setrlimit", "sigaltstack", "sigreturn", "sysinfo", "time",
	"timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
	"timer_settime", "times", "umask", "uname", "wait4", "waitid",
	"waitpid", NULL };

/* What is done to descriptors that are open. */
static const char *const fd_calls[] = { "_llseek", "_newselect", "close",
	"close_range", "copy_file_range", "dup", "dup2", "dup3", "epoll_create",
	"epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
	"epoll_wait", "eventfd2", "fadvise64", "fallocate", "fcntl", "fcntl64",
	"fdatasync", "fgetxattr", "flistxattr", "flock", "fstat", "fstat64",
	"fstatfs", "fstatfs64", "fsync", "ftruncate", "ftruncate64", "getdents",
	"getdents64", "inotify_init1", "inotify_rm_watch", "ioctl", "lseek",
	"memfd_create", "pipe", "pipe2", "poll", "ppoll", "pread64", "preadv",
	"preadv2", "pselect6", "pwrite64", "pwritev", "pwritev2", "read",
	"readahead", "readv", "select", "sendfile", "sendfile64", "signalfd4",
	"splice", "sync_file_range", "syncfs", "tee", "timerfd_create",
	"timerfd_gettime", "timerfd_settime", "vmsplice", "write", "writev",
	/* sockets that are open, and what they accept */
	"accept", "accept4", "getpeername", "getsockname", "getsockopt",
	"listen", "recv", "recvfrom", "recvmmsg", "recvmsg", "send", "sendmmsg",
	"sendmsg", "sendto", "setsockopt", "shutdown", "socketpair", NULL };

static const char *const read_calls[] = { "access", "chdir", "faccessat",
	"faccessat2", "fchdir", "fstatat64", "getcwd", "getxattr",
	"inotify_add_watch", "lgetxattr", "listxattr", "llistxattr", "lstat",
	"lstat64", "newfstatat", "open", "openat", "openat2", "readlink",
	"readlinkat", "stat", "stat64", "statfs", "statfs64", "statx", NULL };

static const char *const write_calls[] = { "chmod", "chown", "chown32", "creat",
	"fchmod", "fchmodat", "fchmodat2", "fchown", "fchown32", "fchownat",
	"fremovexattr", "fsetxattr", "futimesat", "lchown", "lchown32", "link",
	"linkat", "lremovexattr", "lsetxattr", "mkdir", "mkdirat", "mknod",
	"mknodat", "removexattr", "rename", "renameat", "renameat2", "rmdir",
	"setxattr", "symlink", "symlinkat", "truncate", "truncate64", "unlink",
	"unlinkat", "utime", "utimensat", "utimes", NULL };

static const char *const exec_calls[] = { "clone", "execve", "execveat", "fork",
	"kill", "pidfd_open", "pidfd_send_signal", "setpgid", "setsid",
	"tgkill", "tkill", "vfork", NULL };

static const char *const user_calls[] = { "capset", "setfsgid", "setfsgid32",
	"setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups",
	"setgroups32", "setregid", "setregid32", "setresgid", "setresgid32",
	"setresuid", "setresuid32", "setreuid", "setreuid32", "setuid",
	"setuid32", NULL };

static const char *const net_calls[] = { "bind", "connect", NULL };

static const char *const leak_check_calls[] = { "clone", "openat", "ptrace",
	"newfstatat", "process_vm_readv", "readlink", NULL };

static int
answer(scmp_filter_ctx ctx, uint32_t action, const char *name, unsigned n,
    const struct scmp_arg_cmp *args, struct err *e)
{
	int number = seccomp_syscall_resolve_name(name);
	int rc;

	if (number == __NR_SCMP_ERROR)
		return 0;
	rc = seccomp_rule_add_array(ctx, action, number, n, args);
	if (rc == 0 || rc == -EDOM) /* EDOM: not on this machine */
		return 0;
	errno = -rc;
	err_sys(e, "sandbox: %s", name);
	return -1;
}

static int
allow(scmp_filter_ctx ctx, const char *const *names, struct err *e)
{
	for (; *names != NULL; names++)
		if (answer(ctx, SCMP_ACT_ALLOW, *names, 0, NULL, e) == -1)
			return -1;
	return 0;
}

/* Answer when argument arg of a call, under mask, is value. */
static int
answer_when(scmp_filter_ctx ctx, uint32_t action, const char *name,
    unsigned arg, uint64_t mask, uint64_t value, struct err *e)
{
	struct scmp_arg_cmp is = { .arg = arg,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = mask,
		.datum_b = value };

	return answer(ctx, action, name, 1, &is, e);
}

static int
allow_when(scmp_filter_ctx ctx, const char *name, unsigned arg, uint64_t mask,
    uint64_t value, struct err *e)
{
	return answer_when(ctx, SCMP_ACT_ALLOW, name, arg, mask, value, e);
}

/* Threads are clones of a kind; without exec, signals reach only us. */
static int
allow_processes(scmp_filter_ctx ctx, const struct sandbox *sb, struct err *e)
{
	uint64_t self = (uint64_t)getpid();

	/* Its flags can't be seen: the C library then uses clone. */
	if (answer(ctx, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL, e) == -1)
		return -1;
	if (sb->exec)
		return allow(ctx, exec_calls, e);
	if (allow_when(ctx, "kill", 0, UINT32_MAX, self, e) == -1 ||
	    allow_when(ctx, "tgkill", 0, UINT32_MAX, self, e) == -1)
		return -1;
	if (sb->threads && !SANDBOX_SANITIZED)
		return allow_when(
		    ctx, "clone", 0, CLONE_THREAD, CLONE_THREAD, e);
	return 0;
}

static int
allow_sockets(scmp_filter_ctx ctx, const struct sandbox *sb, struct err *e)
{
	enum sandbox_net net = sb->net;
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6,
		AF_NETLINK };
	size_t n = sizeof(families) / sizeof(families[0]);

	if (sb->addresses &&
	    (allow_when(ctx, "socket", 0, UINT32_MAX, AF_NETLINK, e) == -1 ||
		allow(ctx, net_calls, e) == -1))
		return -1;
	if (net == SANDBOX_NET_NONE)
		return 0;
	if (net == SANDBOX_NET_LOCAL)
		n = 1;
	for (size_t i = 0; i < n; i++)
		if (allow_when(ctx, "socket", 0, UINT32_MAX,
			(uint64_t)families[i], e) == -1)
			return -1;
	return allow(ctx, net_calls, e);
}

static int
allow_all(scmp_filter_ctx ctx, const struct sandbox *sb, struct err *e)
{
	bool writes = sb->write != NULL;

	if (allow(ctx, basic_calls, e) == -1 || allow(ctx, fd_calls, e) == -1 ||
	    allow_processes(ctx, sb, e) == -1 ||
	    allow_sockets(ctx, sb, e) == -1)
		return -1;
	if ((writes || sb->read != NULL) && allow(ctx, read_calls, e) == -1)
		return -1;
	if (writes && allow(ctx, write_calls, e) == -1)
		return -1;
	if (sb->users && allow(ctx, user_calls, e) == -1)
		return -1;
	/* How the C library asks what an open file is. */
	if (allow_when(ctx, "newfstatat", 3, AT_EMPTY_PATH, AT_EMPTY_PATH, e) ==
	    -1)
		return -1;
	return SANDBOX_SANITIZED ? allow(ctx, leak_check_calls, e) : 0;
}

/*
 * What no sandbox allows, of calls that all have: to put text into our
 * terminal as if somebody typed it, and to enter a new namespace.  The kernel
 * looks at the lower half of an ioctl's number only, and so do we.
 */
static int
deny_all(scmp_filter_ctx ctx, const struct sandbox *sb, struct err *e)
{
	static const uint64_t typing[] = { TIOCSTI, TIOCLINUX };
	static const uint64_t namespaces[] = { CLONE_NEWCGROUP, CLONE_NEWIPC,
		CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER,
		CLONE_NEWUTS };

	(void)sb;
	for (size_t i = 0; i < sizeof(typing) / sizeof(typing[0]); i++)
		if (answer_when(ctx, SCMP_ACT_ERRNO(EPERM), "ioctl", 1,
			UINT32_MAX, typing[i], e) == -1)
			return -1;
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
		if (answer_when(ctx, SCMP_ACT_ERRNO(EPERM), "clone", 0,
			namespaces[i], namespaces[i], e) == -1)
			return -1;
	return 0;
}

/* Install the filter that fill makes, for what is in none of its rules. */
static int
install(uint32_t otherwise, const struct sandbox *sb,
    int (*fill)(scmp_filter_ctx, const struct sandbox *, struct err *),
    struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(otherwise);
	int rc = -1;

	if (ctx == NULL) {
		err_set(e, ERR_SYSTEM, "sandbox: seccomp cannot start");
		return -1;
	}
	if (fill(ctx, sb, e) == -1)
		goto out;
	rc = seccomp_load(ctx);
	if (rc < 0) {
		errno = -rc;
		err_sys(e, "sandbox: seccomp");
		rc = -1;
	}
out:
	seccomp_release(ctx);
	return rc;
}

/* Two filters: of what they answer, the kernel takes the stricter. */
int
sandbox_seccomp(const struct sandbox *sb, struct err *e)
{
	if (install(SCMP_ACT_ALLOW, sb, deny_all, e) == -1)
		return -1;
	return install(SCMP_ACT_ERRNO(EPERM), sb, allow_all, e);
}
