/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"

#include "fion/spawn/keeper.h"

#define MAX_WORDS    256
#define CRASHES_WARM 3 /* within CRASH_SPAN_S: the layout is suspect */
#define CRASHES_MAX  6
#define CRASH_SPAN_S 60

struct keeping {
	int fd;   /* to the child */
	int x_fd; /* a second hold on its X connection, or -1 */
	pid_t pid;
	pid_t attached; /* the program that has two descriptors, or 0 */
	volatile uint32_t *turns;
	bool suspect; /* something is to be read: does it turn? */
	uint32_t turns_then;
	time_t since;
};

static volatile sig_atomic_t pending_term, pending_hup;
static volatile sig_atomic_t pending_child;

static void
on_signal(int sig)
{
	if (sig == SIGCHLD)
		pending_child = 1;
	else if (sig == SIGHUP)
		pending_hup = 1;
	else
		pending_term = 1;
}

static time_t
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

union control {
	char space[CMSG_SPACE(2 * sizeof(int))];
	struct cmsghdr align;
};

/* Bytes with up to two descriptors. */
static int
send_message(int fd, const void *data, size_t len, const int *fds, size_t n)
{
	union control control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data,
		.iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (n > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL) == -1 ? -1 : 0;
}

static ssize_t
receive_message(int fd, void *data, size_t len, int fds[2])
{
	union control control;
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c;
	size_t size;

	fds[0] = fds[1] = -1;
	if (n == -1)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS) {
		size = c->cmsg_len - CMSG_LEN(0);
		if (size > 2 * sizeof(int))
			size = 2 * sizeof(int);
		memcpy(fds, CMSG_DATA(c), size);
	}
	return n;
}

static void
default_signals(void)
{
	sigset_t none;

	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the new process; never returns. */
static void
become_program(int fd, char *const *words, const int fds[2])
{
	char why[512];
	int n;

	default_signals();
	setsid();
	if (fds[0] != -1)
		dup2(fds[0], STDIN_FILENO);
	if (fds[1] != -1)
		dup2(fds[1], STDOUT_FILENO);
	execvp(words[0], words);
	n = snprintf(why, sizeof(why), "F%s: %s", words[0], strerror(errno));
	if (n >= (int)sizeof(why))
		n = sizeof(why) - 1;
	send(fd, why, (size_t)n, MSG_NOSIGNAL);
	_exit(127);
}

/* With all that it started; one that is stopped has to hear of it too. */
static void
end_attached(struct keeping *k)
{
	if (k->attached == 0)
		return;
	if (kill(-k->attached, SIGTERM) == -1)
		kill(k->attached, SIGTERM); /* it has no session yet */
	kill(-k->attached, SIGCONT);
	k->attached = 0;
}

static void
start_program(struct keeping *k, char *data, size_t len, const int fds[2])
{
	char *words[MAX_WORDS + 1];
	size_t n = 0;
	pid_t pid;

	for (size_t i = 0; i < len && n < MAX_WORDS; i += strlen(data + i) + 1)
		words[n++] = data + i;
	words[n] = NULL;
	if (n == 0 || fds[0] != -1)
		end_attached(k);
	if (n == 0)
		return;
	pid = fork();
	if (pid == 0)
		become_program(k->fd, words, fds);
	if (pid > 0 && fds[0] != -1)
		k->attached = pid;
}

/* One message of the child. */
static void
serve(struct keeping *k)
{
	static char data[KEEPER_BYTES + 1];
	int fds[2];
	ssize_t n = receive_message(k->fd, data, KEEPER_BYTES, fds);

	if (n == 0) {
		k->fd = -1; /* the child is about to end */
	} else if (n > 0 && data[0] == 'X' && k->x_fd == -1) {
		k->x_fd = fds[0];
		fds[0] = -1;
	} else if (n > 0 && data[0] == 'E') {
		data[n] = '\0';
		start_program(k, data + 1, (size_t)n - 1, fds);
	}
	for (size_t i = 0; i < 2; i++)
		if (fds[i] != -1)
			close(fds[i]);
}

static void
let_go(struct keeping *k)
{
	k->suspect = false;
	if (k->x_fd != -1)
		close(k->x_fd);
	k->x_fd = -1;
}

/* Once a second while something waits to be read by the child. */
static void
watch(struct keeping *k)
{
	struct pollfd p = { .fd = k->x_fd, .events = POLLIN };

	if (poll(&p, 1, 0) != 1 || *k->turns != k->turns_then) {
		k->suspect = false;
		return;
	}
	if (now_s() - k->since < KEEPER_HANG_S)
		return;
	log_error("fion hangs: starting it again");
	kill(k->pid, SIGKILL);
	let_go(k);
}

/* Reap whatever has ended; true and *status when it is the child. */
static bool
reap(struct keeping *k, int *status)
{
	int s;
	pid_t pid;
	bool ended = false;

	pending_child = 0;
	while ((pid = waitpid(-1, &s, WNOHANG)) > 0) {
		if (pid == k->pid) {
			*status = s;
			ended = true;
		}
		if (pid == k->attached)
			k->attached = 0;
	}
	return ended;
}

/* Until the child ends; its exit status. */
static int
keep(struct keeping *k)
{
	sigset_t none;
	int status = 0;

	sigemptyset(&none);
	for (;;) {
		struct timespec second = { .tv_sec = 1 };
		struct pollfd p[2] = { { .fd = k->fd, .events = POLLIN },
			{ .fd = k->suspect ? -1 : k->x_fd, .events = POLLIN } };

		if (pending_hup != 0)
			kill(k->pid, SIGHUP);
		if (pending_term != 0)
			kill(k->pid, SIGTERM);
		pending_hup = pending_term = 0;
		if (pending_child != 0 && reap(k, &status))
			return status;
		if (ppoll(p, 2, k->suspect ? &second : NULL, &none) == -1)
			continue;
		if (p[0].revents != 0)
			serve(k);
		if (k->suspect) {
			watch(k);
		} else if (p[1].revents != 0) {
			k->suspect = true;
			k->turns_then = *k->turns;
			k->since = now_s();
		}
	}
}

static void
catch_signals(void)
{
	static const int signals[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &sa, NULL);
		sigaddset(&blocked, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, NULL);
}

/* The code and constants of one library: never written, read again at need. */
static int
give_back(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t page = *(const uintptr_t *)arg;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = (info->dlpi_addr + p->p_vaddr) & ~(page - 1);

		if (p->p_type == PT_LOAD && (p->p_flags & PF_W) == 0)
			madvise((void *)from,
			    info->dlpi_addr + p->p_vaddr + p->p_memsz - from,
			    MADV_DONTNEED);
	}
	return 0;
}

/* All that was loaded is the child's to use; what waits here needs little. */
static void
become_small(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	dl_iterate_phdr(give_back, &page);
}

/* Run one child; its exit status, or -1. */
static int
run_child(
    struct keeper *child, int (*run)(const struct keeper *, void *), void *arg)
{
	struct keeping k = { .x_fd = -1, .turns = child->turns };
	int pair[2], status;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
		log_error("socketpair: %s", strerror(errno));
		return -1;
	}
	k.pid = fork();
	if (k.pid == -1) {
		log_error("fork: %s", strerror(errno));
		return -1;
	}
	if (k.pid == 0) {
		close(pair[0]);
		child->fd = pair[1];
		default_signals();
		exit(run(child, arg));
	}
	close(pair[1]);
	k.fd = pair[0];
	become_small();
	status = keep(&k);
	end_attached(&k);
	let_go(&k);
	close(pair[0]);
	return status;
}

/* How often the child crashed of late, this time counted. */
static unsigned
count_crash(void)
{
	static time_t crashed[CRASHES_MAX];
	static unsigned n;
	unsigned recent = 0;

	crashed[n++ % CRASHES_MAX] = now_s();
	for (size_t i = 0; i < CRASHES_MAX; i++)
		if (crashed[i] != 0 && now_s() - crashed[i] < CRASH_SPAN_S)
			recent++;
	return recent;
}

int
keeper_run(
    int (*child)(const struct keeper *k, void *arg), void *arg, char **argv)
{
	struct keeper k = { 0 };
	void *shared = mmap(NULL, sizeof(*k.turns), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED) {
		log_error("mmap: %s", strerror(errno));
		return 1;
	}
	k.turns = shared;
	k.again = getenv("FION_AGAIN") != NULL;
	unsetenv("FION_AGAIN");
	catch_signals();
	for (;;) {
		int status = run_child(&k, child, arg);
		unsigned recent;

		if (status == -1)
			return 1;
		if (WIFEXITED(status) &&
		    WEXITSTATUS(status) == KEEPER_RESTART) {
			default_signals();
			setenv("FION_AGAIN", "1", 1);
			execvp(argv[0], argv);
			log_error("%s: %s", argv[0], strerror(errno));
			return 1;
		}
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		recent = count_crash();
		if (recent >= CRASHES_MAX) {
			log_error("fion crashed %u times: giving up", recent);
			return 1;
		}
		log_error("fion ended by signal %d: starting it again",
		    WTERMSIG(status));
		k.again = true;
		k.fresh = recent >= CRASHES_WARM;
	}
}

int
keeper_exec(const struct keeper *k, const char *const *argv, int in, int out,
    struct err *e)
{
	struct buf b = { 0 };
	int fds[2] = { in, out };
	int rc = 0;

	buf_add_u8(&b, 'E');
	for (; *argv != NULL; argv++)
		buf_add(&b, *argv, strlen(*argv) + 1);
	if (b.len > KEEPER_BYTES) {
		err_set(e, ERR_LIMIT, "a command of %zu bytes", b.len);
		rc = -1;
	} else if (send_message(k->fd, b.data, b.len, fds, in == -1 ? 0 : 2) ==
	    -1) {
		err_sys(e, "cannot start a program");
		rc = -1;
	}
	buf_free(&b);
	return rc;
}

void
keeper_detach(const struct keeper *k)
{
	send_message(k->fd, "E", 1, NULL, 0);
}

int
keeper_watch(const struct keeper *k, int x_fd, struct err *e)
{
	if (send_message(k->fd, "X", 1, &x_fd, 1) == -1) {
		err_sys(e, "the keeper");
		return -1;
	}
	return 0;
}

bool
keeper_failure(const struct keeper *k, char *buf, size_t len, bool *gone)
{
	int fds[2];
	ssize_t n = receive_message(k->fd, buf, len - 1, fds);

	*gone = n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR);
	if (n <= 1 || buf[0] != 'F')
		return false;
	memmove(buf, buf + 1, (size_t)n - 1);
	buf[n - 1] = '\0';
	return true;
}
