/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
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

#include "lib/log.h"

#include "fion/spawn/keep.h"
#include "fion/spawn/keeper.h"
#include "fion/spawn/message.h"
#include "fion/spawn/small.h"

#define MAX_WORDS    256
#define CRASHES_WARM 3 /* within CRASH_SPAN_S: the layout is suspect */
#define CRASHES_MAX  6
#define CRASH_SPAN_S 60

/* What each child is told. */
struct start {
	int turns_fd;
	volatile uint32_t *turns;
	bool again, fresh;
};

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
static bool told_to_end;

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
	ssize_t n = message_receive(k->fd, data, KEEPER_BYTES, fds);

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
	log_error("fion hangs%s", told_to_end ? "" : ": starting it again");
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
		if (pending_term != 0) {
			told_to_end = true;
			kill(k->pid, SIGTERM);
		}
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

/*
 * In the new process; never returns.  Signals stay blocked until the manager
 * can take them: one that comes before is not lost, and does not kill it.
 */
static void
become_manager(int fd, const char *const *words)
{
	signal(SIGCHLD, SIG_DFL);
	if (fd == KEEPER_FD)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, KEEPER_FD);
	execv(words[0], (char *const *)(uintptr_t)words);
	log_error("%s: %s", words[0], strerror(errno));
	_exit(1);
}

/* Run one child; its exit status, or -1. */
static int
run_child(const struct start *start, const char *const *words)
{
	struct keeping k = { .x_fd = -1, .turns = start->turns };
	const uint8_t said[] = { 'S', start->again, start->fresh };
	int pair[2], status;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1 ||
	    message_send(pair[0], said, sizeof(said), &start->turns_fd, 1) ==
		-1) {
		log_error("socketpair: %s", strerror(errno));
		return -1;
	}
	k.pid = fork();
	if (k.pid == -1) {
		log_error("fork: %s", strerror(errno));
		return -1;
	}
	if (k.pid == 0)
		become_manager(pair[1], words);
	close(pair[1]);
	k.fd = pair[0];
	small_become();
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

/* The counter that it shares with each of its children. */
static int
share_turns(struct start *start)
{
	void *shared = MAP_FAILED;

	start->turns_fd = memfd_create("fion", MFD_CLOEXEC);
	if (start->turns_fd != -1 &&
	    ftruncate(start->turns_fd, sizeof(*start->turns)) == 0)
		shared = mmap(NULL, sizeof(*start->turns),
		    PROT_READ | PROT_WRITE, MAP_SHARED, start->turns_fd, 0);
	if (shared == MAP_FAILED) {
		log_error("shared memory: %s", strerror(errno));
		return -1;
	}
	start->turns = shared;
	return 0;
}

int
keep_run(const char *const *words, char **argv)
{
	struct start start = { .again = getenv("FION_AGAIN") != NULL };

	if (share_turns(&start) == -1)
		return 1;
	unsetenv("FION_AGAIN");
	catch_signals();
	for (;;) {
		int status = run_child(&start, words);
		bool restart;
		unsigned recent;

		if (status == -1)
			return 1;
		restart =
		    WIFEXITED(status) && WEXITSTATUS(status) == KEEPER_RESTART;
		if (told_to_end && (restart || !WIFEXITED(status)))
			return 0; /* it ended, whatever by */
		if (restart) {
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
		start.again = true;
		start.fresh = recent >= CRASHES_WARM;
	}
}
