/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * parent: the sockets that listen.  One that is bound already, by an earlier
 * configuration or by systemd, is used again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/conv.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"

#include "smtpd/proc/parent/parent_internal.h"

#define INHERITED_FIRST 3 /* of sd_listen_fds(3) */
#define INHERITED_MAX   64

static char *
address_key(const struct sockaddr *sa, socklen_t len)
{
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getnameinfo(sa, len, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return xstrdup("?");
	return xasprintf("[%s]:%s", host, port);
}

static struct bound *
find_bound(struct parent *pa, const char *key)
{
	struct bound *bo;

	TAILQ_FOREACH(bo, &pa->bound, entry) {
		if (strcmp(bo->address, key) == 0)
			return bo;
	}
	return NULL;
}

static struct bound *
add_bound(struct parent *pa, char *key, int fd)
{
	struct bound *bo = xcalloc(1, sizeof(*bo));

	bo->address = key;
	bo->fd = fd;
	TAILQ_INSERT_TAIL(&pa->bound, bo, entry);
	return bo;
}

void
parent_unbind(struct parent *pa)
{
	struct bound *bo;

	while ((bo = TAILQ_FIRST(&pa->bound)) != NULL) {
		TAILQ_REMOVE(&pa->bound, bo, entry);
		close(bo->fd);
		free(bo->address);
		free(bo);
	}
}

int
parent_adopt(struct parent *pa, struct err *e)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t n, owner;

	if (pid == NULL || fds == NULL ||
	    !conv_u64(pid, 1, INT32_MAX, &owner) || (pid_t)owner != getpid())
		return 0;
	if (!conv_u64(fds, 0, INHERITED_MAX, &n)) {
		err_set(e, ERR_USAGE, "LISTEN_FDS is \"%s\"", fds);
		return -1;
	}
	for (int fd = INHERITED_FIRST; fd < INHERITED_FIRST + (int)n; fd++) {
		struct sockaddr_storage ss = { 0 };
		socklen_t len = sizeof(ss);
		int kept;

		if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1 ||
		    (ss.ss_family != AF_INET && ss.ss_family != AF_INET6))
			continue;
		kept =
		    fcntl(fd, F_DUPFD_CLOEXEC, INHERITED_FIRST + INHERITED_MAX);
		if (kept == -1)
			continue;
		close(fd);
		fcntl(kept, F_SETFL, fcntl(kept, F_GETFL) | O_NONBLOCK);
		add_bound(pa, address_key((struct sockaddr *)&ss, len), kept)
		    ->inherited = true;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	return 0;
}

/* The processes before us may still be on their way out. */
static bool
bind_soon(int fd, const struct sockaddr *sa, socklen_t len)
{
	const struct timespec wait = { 0, 50000000 };

	for (int i = 0; i < 100; i++) {
		if (bind(fd, sa, len) == 0)
			return true;
		if (errno != EADDRINUSE)
			return false;
		nanosleep(&wait, NULL);
	}
	return false;
}

static int
bind_one(struct parent *pa, const struct conf_listen *l,
    const struct sockaddr *sa, socklen_t len, struct err *e)
{
	char *key = address_key(sa, len);
	struct bound *bo = find_bound(pa, key);
	const int on = 1;
	int fd;

	if (bo != NULL) {
		free(key);
		if (bo->wanted)
			log_warn("listen on %s: %s is taken by another line",
			    l->where, bo->address);
		bo->wanted = true;
		bo->listener = l->id;
		return 0;
	}
	fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 && errno == EAFNOSUPPORT) {
		log_warn("listen on %s: no IPv6 here", key);
		free(key);
		return 0;
	}
	if (fd != -1) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
		if (sa->sa_family == AF_INET6)
			setsockopt(
			    fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	}
	if (fd == -1 || !bind_soon(fd, sa, len) ||
	    listen(fd, SOMAXCONN) == -1) {
		err_sys(e, "listen on %s", key);
		free(key);
		if (fd != -1)
			close(fd);
		return -1;
	}
	bo = add_bound(pa, key, fd);
	bo->wanted = true;
	bo->listener = l->id;
	return 0;
}

static const char *
listen_port(const struct conf_listen *l)
{
	const char *port = l->port;

	if (port == NULL)
		port = l->tls == CONF_TLS_IMPLICIT ? "smtps" : "smtp";
	if (strcmp(port, "smtp") == 0)
		return "25";
	return strcmp(port, "smtps") == 0 ? "465" : port;
}

static int
bind_names(struct parent *pa, const struct conf_listen *l, const char *host,
    struct err *e)
{
	struct addrinfo hints = { .ai_family = l->family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE };
	struct addrinfo *all, *ai;
	int rc = getaddrinfo(host, listen_port(l), &hints, &all);

	if (rc != 0) {
		err_set(e, ERR_USAGE, "%s:%d: listen on %s port %s: %s",
		    l->pos.file, l->pos.line, l->where, listen_port(l),
		    gai_strerror(rc));
		return -1;
	}
	rc = 0;
	for (ai = all; ai != NULL && rc == 0; ai = ai->ai_next)
		rc = bind_one(pa, l, ai->ai_addr, ai->ai_addrlen, e);
	freeaddrinfo(all);
	return rc;
}

/* The addresses of an interface: how many there were, or -1. */
static int
bind_interface(struct parent *pa, const struct conf_listen *l, struct err *e)
{
	struct ifaddrs *all, *ifa;
	int n = 0;

	if (getifaddrs(&all) == -1)
		return 0;
	for (ifa = all; ifa != NULL && n != -1; ifa = ifa->ifa_next) {
		char host[NI_MAXHOST];
		const struct sockaddr *sa = ifa->ifa_addr;

		if (sa == NULL || strcmp(ifa->ifa_name, l->where) != 0 ||
		    (sa->sa_family != AF_INET && sa->sa_family != AF_INET6) ||
		    (l->family != AF_UNSPEC && l->family != sa->sa_family))
			continue;
		if (getnameinfo(sa,
			sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) :
						   sizeof(struct sockaddr_in6),
			host, sizeof(host), NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		n = bind_names(pa, l, host, e) == -1 ? -1 : n + 1;
	}
	freeifaddrs(all);
	return n;
}

static int
bind_listener(struct parent *pa, const struct conf_listen *l, struct err *e)
{
	int n;

	if (strcmp(l->where, "all") == 0)
		return bind_names(pa, l, NULL, e);
	n = bind_interface(pa, l, e);
	if (n != 0)
		return n == -1 ? -1 : 0;
	return bind_names(pa, l, l->where, e);
}

/* The socket of smtpctl and sendmail. */
static int
bind_control(struct parent *pa, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = pa->setup->socket;
	int fd;

	if (pa->control_fd != -1)
		return 0;
	if (strlen(path) >= sizeof(sun.sun_path)) {
		err_set(e, ERR_USAGE, "%s: too long for a socket", path);
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || (unlink(path) == -1 && errno != ENOENT) ||
	    bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    chmod(path, 0666) == -1 || listen(fd, SOMAXCONN) == -1) {
		err_sys(e, "%s", path);
		if (fd != -1)
			close(fd);
		return -1;
	}
	pa->control_fd = fd;
	return 0;
}

int
parent_bind(struct parent *pa, struct err *e)
{
	struct conf_listen *l;
	struct bound *bo, *next;

	TAILQ_FOREACH(bo, &pa->bound, entry)
		bo->wanted = false;
	TAILQ_FOREACH(l, &pa->setup->conf->listens, entry) {
		if (!l->socket && bind_listener(pa, l, e) == -1)
			return -1;
	}
	for (bo = TAILQ_FIRST(&pa->bound); bo != NULL; bo = next) {
		next = TAILQ_NEXT(bo, entry);
		if (bo->wanted)
			continue;
		if (bo->inherited)
			log_warn("the socket for %s that was handed over is "
				 "of no use: no line listens there",
			    bo->address);
		TAILQ_REMOVE(&pa->bound, bo, entry);
		close(bo->fd);
		free(bo->address);
		free(bo);
	}
	return bind_control(pa, e);
}

/* LISTEN: listener id u32, +fd. */
void
parent_send_listeners(struct parent *pa, struct child *c)
{
	struct bound *bo;

	ipc_send(c->ipc, MSG_UNLISTEN, NULL, 0, -1);
	TAILQ_FOREACH(bo, &pa->bound, entry) {
		uint8_t id[4];

		wire_store32(id, bo->listener);
		ipc_send(c->ipc, MSG_LISTEN, id, sizeof(id),
		    fcntl(bo->fd, F_DUPFD_CLOEXEC, PROC_PARENT_FD + 1));
	}
}
