/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sandbox: give up, for good, what this process will not need.
 *
 * A process says what it is going to do; all else fails from then on, for it
 * and for whatever it starts, whoever has taken it over.  What is open
 * already stays usable.  No privilege is needed.
 *
 * Errors:  a call that the sandbox forbids fails with EPERM or EACCES; the
 *          process is not killed, as a library may try a thing it can do
 *          without.
 * Threads: only the calling thread and those that it starts are confined:
 *          enter before there are others.
 * Source:  Linux: landlock(7) for paths, TCP ports and signals, seccomp(2)
 *          for system calls.  Other systems: none yet, see sandbox_none.c.
 */
#ifndef LIB_SYS_SANDBOX_H
#define LIB_SYS_SANDBOX_H

#include <stdbool.h>

#include "lib/attr.h"

struct err;

enum sandbox_net {
	SANDBOX_NET_NONE,  /* only the sockets that are open already */
	SANDBOX_NET_LOCAL, /* new UNIX sockets too */
	SANDBOX_NET_FULL,  /* the Internet too */
};

/*
 * What is still wanted; all zero: to compute, and to use what is open.
 * A path stands for all below it.  One that does not exist is passed over.
 */
struct sandbox {
	const char *const *read;  /* NULL, or paths, the last one NULL */
	const char *const *write; /* the same; reading is included */
	bool exec;                /* run the programs below read and write */
	bool threads;             /* start threads */
	bool users;               /* become another user */
	bool addresses;           /* ask what the machine's addresses are */
	enum sandbox_net net;
};

/* What the system was able to enforce. */
#define SANDBOX_CALLS  1U /* system calls: exec, threads, net, and the rest */
#define SANDBOX_FILES  2U /* paths */
#define SANDBOX_SCOPED 4U /* no signal and no socket leads outside */

/*
 * Enter sb; there is no way back.  *layers tells which of the above hold: an
 * older kernel knows less, and the caller decides whether to say so or stop.
 * ERR_SYSTEM: the system refused; the process may be confined in part.
 */
int sandbox_enter(
    const struct sandbox *sb, unsigned *layers, struct err *e) ATTR_CHECKED;

#endif
