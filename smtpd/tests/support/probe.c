/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * probe: hostile code inside a process of smtpd.  Loaded by LD_PRELOAD, it
 * waits for SIGUSR2 and then tries what a process taken over would try.
 * Which of that was refused goes, as one line, to the file descriptor that
 * is standard error: "probe PID read=0 write=13 ...", numbers of errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int
outcome(long rc)
{
	return rc == -1 ? errno : 0;
}

static int
try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	int rc = outcome(fd);

	if (fd != -1)
		close(fd);
	return rc;
}

static int
try_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = outcome(fd);

	if (fd != -1)
		close(fd);
	return rc;
}

static int
try_fork(void)
{
	pid_t pid = fork();
	int rc = outcome(pid);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return rc;
}

/* Of what isn't there, so that we are still here when it is allowed. */
static int
try_exec(void)
{
	char *argv[] = { NULL };

	return outcome(execve("/nonexistent", argv, argv));
}

static void
probe(int sig)
{
	const char *victim = getenv("PROBE_FILE");
	int saved = errno;
	int parent = (int)getppid();

	(void)sig;
	dprintf(STDERR_FILENO,
	    "probe %d read=%d write=%d exec=%d fork=%d inet=%d unix=%d "
	    "signal=%d trace=%d users=%d unshare=%d mount=%d chroot=%d\n",
	    (int)getpid(), try_open("/etc/passwd", O_RDONLY),
	    victim == NULL ? 0 : try_open(victim, O_WRONLY | O_CREAT),
	    try_exec(), try_fork(), try_socket(AF_INET), try_socket(AF_UNIX),
	    outcome(kill(parent, 0)),
	    outcome(ptrace(PTRACE_ATTACH, parent, NULL, NULL)),
	    outcome(setresuid(getuid(), getuid(), getuid())),
	    outcome(syscall(SYS_unshare, 0)),
	    outcome(mount("none", "/nonexistent", "tmpfs", 0, NULL)),
	    outcome(chroot("/nonexistent")));
	errno = saved;
}

/* Before main(): handlers of the program's own come after. */
__attribute__((constructor)) static void
wait_for_signal(void)
{
	const struct sigaction sa = { .sa_handler = probe,
		.sa_flags = SA_RESTART };

	sigaction(SIGUSR2, &sa, NULL);
}
