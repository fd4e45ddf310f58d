/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sandbox_linux: Landlock first, for what is named by paths; then seccomp,
 * for everything else, in sandbox_seccomp.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/sys/landlock.h"
#include "lib/sys/sandbox.h"

#include "lib/sys/sandbox_internal.h"

/* The rights that make sense for something that is not a directory. */
#define FILE_RIGHTS                                                            \
	(LL_FS_EXECUTE | LL_FS_WRITE_FILE | LL_FS_READ_FILE | LL_FS_TRUNCATE | \
	    LL_FS_IOCTL_DEV)

/* All rights that the kernel can withhold, by its version. */
static struct ll_ruleset
known_rights(long abi)
{
	struct ll_ruleset known = { .fs = LL_FS_ABI1 };

	if (abi >= 2)
		known.fs |= LL_FS_REFER;
	if (abi >= 3)
		known.fs |= LL_FS_TRUNCATE;
	if (abi >= 4)
		known.net = LL_NET_BIND_TCP | LL_NET_CONNECT_TCP;
	if (abi >= 5)
		known.fs |= LL_FS_IOCTL_DEV;
	if (abi >= 6)
		known.scope = LL_SCOPE_ABSTRACT | LL_SCOPE_SIGNAL;
	return known;
}

/* The part of struct ll_ruleset that a version knows. */
static size_t
ruleset_size(long abi)
{
	if (abi >= 6)
		return sizeof(struct ll_ruleset);
	if (abi >= 4)
		return offsetof(struct ll_ruleset, scope);
	return offsetof(struct ll_ruleset, net);
}

static int
allow_path(int ruleset, const char *path, uint64_t rights, struct err *e)
{
	struct ll_path_beneath rule = { .allowed = rights };
	struct stat st;
	int rc = -1;

	rule.fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (rule.fd == -1 || fstat(rule.fd, &st) == -1) {
		err_sys(e, "sandbox: %s", path);
		goto out;
	}
	if (!S_ISDIR(st.st_mode))
		rule.allowed &= FILE_RIGHTS;
	if (syscall(SYS_landlock_add_rule, ruleset, LL_RULE_PATH_BENEATH, &rule,
		0) == -1) {
		err_sys(e, "sandbox: %s", path);
		goto out;
	}
	rc = 0;
out:
	if (rule.fd != -1)
		close(rule.fd);
	return rc;
}

static int
allow_paths(
    int ruleset, const char *const *paths, uint64_t rights, struct err *e)
{
	for (; paths != NULL && *paths != NULL; paths++)
		if (allow_path(ruleset, *paths, rights, e) == -1)
			return -1;
	return 0;
}

/* Fill ruleset with what sb allows, and confine the thread to it. */
static int
restrict_paths(
    int ruleset, const struct sandbox *sb, uint64_t known, struct err *e)
{
	static const char *const leak_check[] = { "/proc/self", NULL };
	uint64_t reading = LL_FS_READ_FILE | LL_FS_READ_DIR;
	uint64_t writing = known & ~(uint64_t)LL_FS_EXECUTE;

	if (sb->exec) {
		reading |= LL_FS_EXECUTE;
		writing |= LL_FS_EXECUTE;
	}
	if (allow_paths(ruleset, sb->read, reading, e) == -1 ||
	    allow_paths(ruleset, sb->write, writing, e) == -1)
		return -1;
	if (SANDBOX_SANITIZED &&
	    allow_paths(ruleset, leak_check, reading, e) == -1)
		return -1;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) == -1) {
		err_sys(e, "sandbox: landlock");
		return -1;
	}
	return 0;
}

static int
enter_landlock(const struct sandbox *sb, unsigned *layers, struct err *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_VERSION);
	struct ll_ruleset known;
	int ruleset, rc;

	if (abi == -1 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return 0; /* no Landlock, or turned off: the layer is not there */
	if (abi == -1) {
		err_sys(e, "sandbox: landlock");
		return -1;
	}
	known = known_rights(abi);
	if (sb->net == SANDBOX_NET_FULL)
		known.net = 0; /* not handled is not withheld */
	if (sb->net != SANDBOX_NET_NONE)
		known.scope &= ~(uint64_t)LL_SCOPE_ABSTRACT;
	ruleset = (int)syscall(
	    SYS_landlock_create_ruleset, &known, ruleset_size(abi), 0);
	if (ruleset == -1) {
		err_sys(e, "sandbox: landlock");
		return -1;
	}
	rc = restrict_paths(ruleset, sb, known.fs, e);
	close(ruleset);
	if (rc == 0)
		*layers |= SANDBOX_FILES | (abi >= 6 ? SANDBOX_SCOPED : 0);
	return rc;
}

int
sandbox_enter(const struct sandbox *sb, unsigned *layers, struct err *e)
{
	*layers = 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
		err_sys(e, "sandbox: no new privileges");
		return -1;
	}
	if (enter_landlock(sb, layers, e) == -1)
		return -1;
	if (sandbox_seccomp(sb, e) == -1)
		return -1;
	*layers |= SANDBOX_CALLS;
	return 0;
}
