/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Each case enters a sandbox in a child and tries one thing there: what the
 * child's exit status says is the errno of that thing, 0 when it worked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/sys/sandbox.h"
#include "lib/sys/sandbox_internal.h"

#define NO_SANDBOX 200 /* above any errno */

/* The test's folder: in/ has a file, out/ has a file, spool/ is empty. */
static struct {
	char *root, *in, *in_file, *out_file, *spool, *missing;
	int listener; /* a TCP socket on a loopback port */
	struct sockaddr_in address;
	unsigned layers;
} here;

static int
error_of(int rc)
{
	return rc == -1 ? errno : 0;
}

/* What attempt() gives inside sb: an errno, or 0. */
static int
inside(const struct sandbox *sb, int (*attempt)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child != -1);
	if (child == 0) {
		struct err e;
		unsigned layers;

		if (sandbox_enter(sb, &layers, &e) == -1) {
			fprintf(stderr, "%s\n", e.msg);
			_exit(NO_SANDBOX);
		}
		_exit(attempt());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), NO_SANDBOX);
	return WEXITSTATUS(status);
}

static int
open_in(void)
{
	return error_of(open(here.in_file, O_RDONLY));
}

static int
open_out(void)
{
	return error_of(open(here.out_file, O_RDONLY));
}

static int
write_in(void)
{
	return error_of(open(here.in_file, O_WRONLY));
}

static int
truncate_in(void)
{
	return error_of(truncate(here.in_file, 0));
}

static int
make_in(void)
{
	char *path = fs_join(here.in, "new");
	int rc = error_of(open(path, O_WRONLY | O_CREAT, 0600));

	free(path);
	return rc;
}

/* A file's whole life. */
static int
live_in_spool(void)
{
	char *one = fs_join(here.spool, "one");
	char *dir = fs_join(here.spool, "dir");
	char *two = fs_join(dir, "two");
	int fd = open(one, O_RDWR | O_CREAT | O_EXCL, 0600);
	int rc = 0;

	if (fd == -1 || write(fd, "x", 1) != 1 || fsync(fd) == -1 ||
	    fchmod(fd, 0640) == -1 || close(fd) == -1 ||
	    mkdir(dir, 0700) == -1 || rename(one, two) == -1 ||
	    truncate(two, 0) == -1 || unlink(two) == -1 || rmdir(dir) == -1)
		rc = errno;
	free(two);
	free(dir);
	free(one);
	return rc;
}

static int
move_spool_to_in(void)
{
	char *one = fs_join(here.spool, "one");
	char *two = fs_join(here.in, "two");
	int fd = open(one, O_RDWR | O_CREAT, 0600);
	int rc = fd == -1 ? EIO : error_of(rename(one, two));

	unlink(one);
	free(two);
	free(one);
	return rc;
}

static int
use_open_files(void)
{
	int pipes[2];
	char c;

	if (pipe(pipes) == -1 || write(pipes[1], "x", 1) != 1 ||
	    read(pipes[0], &c, 1) != 1)
		return errno;
	return 0;
}

static int
make_inet_socket(void)
{
	return error_of(socket(AF_INET, SOCK_STREAM, 0));
}

static int
make_unix_socket(void)
{
	return error_of(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
make_packet_socket(void)
{
	return error_of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int
connect_to_listener(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1)
		return errno;
	return error_of(connect(
	    fd, (const struct sockaddr *)&here.address, sizeof(here.address)));
}

static int
accept_from_listener(void)
{
	/* Nobody connects: that it looks is what matters. */
	int rc = error_of(accept4(here.listener, NULL, NULL, SOCK_NONBLOCK));

	return rc == EAGAIN ? 0 : rc;
}

static void *
do_nothing(void *arg)
{
	return arg;
}

static int
start_thread(void)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, do_nothing, NULL);

	if (rc == 0)
		pthread_join(thread, NULL);
	return rc;
}

static int
start_process(void)
{
	pid_t child = fork();
	int status;

	if (child == -1)
		return errno;
	if (child == 0)
		_exit(0);
	return waitpid(child, &status, 0) == child ? 0 : errno;
}

static int
run_true(void)
{
	pid_t child = fork();
	int status;

	if (child == -1)
		return errno;
	if (child == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(errno);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return EIO;
	return WEXITSTATUS(status);
}

static int
execute(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int
enter_namespace(void)
{
	return error_of(unshare(CLONE_NEWUSER));
}

static int
trace_parent(void)
{
	return error_of((int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int
signal_parent(void)
{
	return error_of(kill(getppid(), 0));
}

static int
signal_itself(void)
{
	signal(SIGUSR1, SIG_IGN);
	if (raise(SIGUSR1) != 0)
		return errno;
	return error_of(kill(getpid(), SIGUSR1));
}

static int
type_into_terminal(void)
{
	return error_of(ioctl(0, TIOCSTI, "x"));
}

static int
ask_how_much_waits(void)
{
	int fds[2], n;

	if (pipe(fds) == -1)
		return errno;
	return error_of(ioctl(fds[0], FIONREAD, &n));
}

static int
become_nobody(void)
{
	return error_of(setuid(65534));
}

static int
become_oneself(void)
{
	return error_of(setresuid(getuid(), getuid(), getuid()));
}

static int
list_addresses(void)
{
	struct ifaddrs *all;
	int rc = error_of(getifaddrs(&all));

	if (rc == 0)
		freeifaddrs(all);
	return rc;
}

static int
ask_what_is_open(void)
{
	struct stat st;

	return error_of(fstat(STDERR_FILENO, &st));
}

static int
enter_again(void)
{
	const struct sandbox nothing = { .threads = false };
	struct err e;
	unsigned layers;

	if (sandbox_enter(&nothing, &layers, &e) == -1)
		return e.errnum;
	return open_in() == 0 ? EIO : 0;
}

/* Any other path of the kernel's refusal is a refusal too. */
static void
assert_refused(const struct sandbox *sb, int (*attempt)(void))
{
	int errnum = inside(sb, attempt);

	if (errnum != EPERM && errnum != EACCES && errnum != EXDEV &&
	    errnum != EAGAIN)
		fail_msg("not refused: %s", strerror(errnum));
}

static void
assert_works(const struct sandbox *sb, int (*attempt)(void))
{
	int errnum = inside(sb, attempt);

	if (errnum != 0)
		fail_msg("refused: %s", strerror(errnum));
}

static void
empty_sandbox_computes_and_uses_what_is_open(void **state)
{
	const struct sandbox sb = { .threads = false };

	(void)state;
	assert_works(&sb, use_open_files);
	assert_works(&sb, accept_from_listener);
	assert_works(&sb, signal_itself);
	assert_works(&sb, ask_how_much_waits);
	assert_refused(&sb, make_unix_socket);
	if (!SANDBOX_SANITIZED) { /* the leak check starts a process */
		assert_refused(&sb, start_thread);
		assert_refused(&sb, start_process);
	}
	assert_refused(&sb, execute);
	assert_refused(&sb, enter_namespace);
	assert_refused(&sb, trace_parent);
	assert_refused(&sb, signal_parent);
	assert_refused(&sb, type_into_terminal);
	assert_refused(&sb, become_nobody);
	assert_refused(&sb, become_oneself);
	assert_refused(&sb, list_addresses);
	assert_works(&sb, ask_what_is_open);
}

static void
users_and_addresses_are_asked_for(void **state)
{
	const struct sandbox users = { .users = true };
	const struct sandbox addresses = { .addresses = true };

	(void)state;
	assert_works(&users, become_oneself);
	assert_refused(&users, list_addresses);
	assert_works(&addresses, list_addresses);
	assert_refused(&addresses, become_oneself);
	assert_refused(&addresses, make_inet_socket);
	assert_refused(&addresses, make_unix_socket);
}

static void
no_paths_means_that_nothing_opens(void **state)
{
	const struct sandbox sb = { .net = SANDBOX_NET_FULL };

	(void)state;
	assert_refused(&sb, open_in);
	assert_refused(&sb, write_in);
	assert_refused(&sb, make_in);
	assert_refused(&sb, truncate_in);
}

static void
reading_paths_can_be_read_and_no_others(void **state)
{
	const char *const paths[] = { here.missing, here.in, NULL };
	const struct sandbox sb = { .read = paths };

	(void)state;
	assert_works(&sb, open_in);
	assert_refused(&sb, open_out);
	assert_refused(&sb, write_in);
	assert_refused(&sb, make_in);
	assert_refused(&sb, truncate_in);
}

static void
path_of_a_file_stands_for_itself(void **state)
{
	const char *const in[] = { here.in_file, NULL };
	const char *const out[] = { here.out_file, NULL };
	const struct sandbox reads = { .read = in };
	const struct sandbox writes = { .read = out, .write = in };

	(void)state;
	assert_works(&reads, open_in);
	assert_refused(&reads, write_in);
	assert_works(&writes, write_in);
	assert_works(&writes, open_out);
	assert_refused(&writes, make_in);
}

static void
writing_paths_can_be_changed_and_no_others(void **state)
{
	const char *const reads[] = { here.in, NULL };
	const char *const writes[] = { here.spool, NULL };
	const struct sandbox sb = { .read = reads, .write = writes };

	(void)state;
	assert_works(&sb, live_in_spool);
	assert_works(&sb, open_in);
	assert_refused(&sb, write_in);
	assert_refused(&sb, make_in);
	assert_refused(&sb, open_out);
	assert_refused(&sb, move_spool_to_in);
}

static void
network_is_what_was_asked_for(void **state)
{
	const struct sandbox none = { .net = SANDBOX_NET_NONE };
	const struct sandbox local = { .net = SANDBOX_NET_LOCAL };
	const struct sandbox full = { .net = SANDBOX_NET_FULL };

	(void)state;
	assert_refused(&none, make_inet_socket);
	assert_refused(&none, make_unix_socket);
	assert_refused(&local, make_inet_socket);
	assert_works(&local, make_unix_socket);
	assert_works(&full, make_unix_socket);
	assert_works(&full, connect_to_listener);
	assert_refused(&full, make_packet_socket);
}

static void
threads_are_not_processes(void **state)
{
	const struct sandbox sb = { .threads = true };

	(void)state;
	assert_works(&sb, start_thread);
	if (!SANDBOX_SANITIZED) /* the leak check starts a process */
		assert_refused(&sb, start_process);
	assert_refused(&sb, execute);
}

static void
programs_run_where_exec_is_asked_for(void **state)
{
	const char *const paths[] = { "/bin", "/lib", "/lib64", "/usr", "/etc",
		NULL };
	const char *const none[] = { here.in, NULL };
	const struct sandbox with = { .read = paths, .exec = true };
	const struct sandbox without = { .read = paths };
	const struct sandbox elsewhere = { .read = none, .exec = true };

	(void)state;
	assert_works(&with, run_true);
	assert_refused(&with, enter_namespace);
	assert_refused(&with, trace_parent);
	assert_refused(&without, execute);
	if ((here.layers & SANDBOX_FILES) != 0)
		assert_refused(&elsewhere, execute);
}

static void
second_sandbox_takes_away_more(void **state)
{
	const char *const paths[] = { here.in, NULL };
	const struct sandbox sb = { .read = paths };

	(void)state;
	assert_works(&sb, enter_again);
}

/* Tell the parent, which must stay free, what a sandbox here is worth. */
static unsigned
find_layers(void)
{
	const struct sandbox nothing = { .threads = false };
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct err e;
		unsigned layers = 0;

		if (sandbox_enter(&nothing, &layers, &e) == -1)
			fprintf(stderr, "%s\n", e.msg);
		_exit((int)layers);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ?
	    (unsigned)WEXITSTATUS(status) :
	    0;
}

static int
make_file(const char *path)
{
	struct err e;

	return fs_replace_file(path, "x", 1, 0600, &e);
}

static int
set_up(void **state)
{
	socklen_t len = sizeof(here.address);
	struct err e;
	char *out;

	(void)state;
	here.root = xstrdup("/tmp/test_sandbox.XXXXXX");
	assert_non_null(mkdtemp(here.root));
	here.in = fs_join(here.root, "in");
	here.in_file = fs_join(here.in, "file");
	out = fs_join(here.root, "out");
	here.out_file = fs_join(out, "file");
	here.spool = fs_join(here.root, "spool");
	here.missing = fs_join(here.root, "missing");
	assert_int_equal(fs_mkdir_all(here.in, 0700, &e), 0);
	assert_int_equal(fs_mkdir_all(out, 0700, &e), 0);
	assert_int_equal(fs_mkdir_all(here.spool, 0700, &e), 0);
	assert_int_equal(make_file(here.in_file), 0);
	assert_int_equal(make_file(here.out_file), 0);
	free(out);

	here.address.sin_family = AF_INET;
	here.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	here.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(here.listener, (struct sockaddr *)&here.address,
			     sizeof(here.address)),
	    0);
	assert_int_equal(listen(here.listener, 16), 0);
	return getsockname(
	    here.listener, (struct sockaddr *)&here.address, &len);
}

static int
tear_down(void **state)
{
	char *command = xasprintf("rm -rf %s", here.root);
	int rc = system(command);

	(void)state;
	free(command);
	close(here.listener);
	free(here.missing);
	free(here.spool);
	free(here.out_file);
	free(here.in_file);
	free(here.in);
	free(here.root);
	return rc;
}

int
main(void)
{
	const struct CMUnitTest calls[] = {
		cmocka_unit_test(empty_sandbox_computes_and_uses_what_is_open),
		cmocka_unit_test(users_and_addresses_are_asked_for),
		cmocka_unit_test(no_paths_means_that_nothing_opens),
		cmocka_unit_test(network_is_what_was_asked_for),
		cmocka_unit_test(threads_are_not_processes),
		cmocka_unit_test(programs_run_where_exec_is_asked_for),
	};
	const struct CMUnitTest files[] = {
		cmocka_unit_test(reading_paths_can_be_read_and_no_others),
		cmocka_unit_test(path_of_a_file_stands_for_itself),
		cmocka_unit_test(writing_paths_can_be_changed_and_no_others),
		cmocka_unit_test(second_sandbox_takes_away_more),
	};
	int failed;

	here.layers = find_layers();
	if ((here.layers & SANDBOX_CALLS) == 0) {
		puts("this system has no sandbox that we drive");
		return 77;
	}
	failed = cmocka_run_group_tests(calls, set_up, tear_down);
	if ((here.layers & SANDBOX_FILES) == 0) {
		puts("paths are not tested: this kernel has no Landlock");
		return failed != 0 ? failed : 77;
	}
	return failed + cmocka_run_group_tests(files, set_up, tear_down);
}
