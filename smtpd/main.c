/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * smtpd: the command line, and which of the binary's lives this is: the
 * parent, one of its processes (-x), or a face (ctl/).
 */
#include <libgen.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <bsd/readpassphrase.h>
#include <bsd/unistd.h>

#include "lib/buf.h"
#include "lib/conv.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/opt.h"
#include "lib/sys/cores.h"

#include "smtpd/conf/conf.h"
#include "smtpd/ctl/ctl.h"
#include "smtpd/proc/auth/auth.h"
#include "smtpd/proc/control/control.h"
#include "smtpd/proc/deliver/deliver.h"
#include "smtpd/proc/dispatcher/dispatcher.h"
#include "smtpd/proc/filter/filter.h"
#include "smtpd/proc/keys/keys.h"
#include "smtpd/proc/lookup/lookup.h"
#include "smtpd/proc/offline/offline.h"
#include "smtpd/proc/parent/parent.h"
#include "smtpd/proc/proc.h"
#include "smtpd/proc/queue/queue.h"
#include "smtpd/proc/resolver/resolver.h"
#include "smtpd/proc/scheduler/scheduler.h"
#include "smtpd/proc/trace.h"

#define DISPATCHERS_MAX 4
#define MACROS_MAX      64
#define FILTER_TIME     300
#define SESSION_TIME    300
#define TABLE_TIME      5

struct options {
	const char *conf_path;
	const char *macros[MACROS_MAX];
	size_t n_macros;
	bool debug, foreground, check, verbose;
	unsigned paused, trace;
};

static const struct opt option_table[] = {
	{ 'D', "define", "NAME=VALUE", "define a macro of the configuration" },
	{ 'd', "debug", NULL, "stay in the foreground, log to standard error" },
	{ 'F', "foreground", NULL, "stay in the foreground, log to syslog" },
	{ 'f', "file", "FILE",
	    "the configuration, instead of " CONF_DEFAULT_PATH },
	{ 'h', "help", NULL, "list the options" },
	{ 'n', "check", NULL, "check the configuration and exit" },
	{ 'P', "paused", "AGENT", "start with mda, mta or smtp paused" },
	{ 'T', "trace", "SUBJECT", "log more of it, see smtpctl(8)" },
	{ 'v', "verbose", NULL, "log more" },
	{ 0 },
};

static void ATTR_NORETURN
usage(FILE *out, int status)
{
	fputs("usage: smtpd [OPTION ...]\n\n", out);
	opt_print(option_table, out);
	fputs("\nsmtpd(8) says more; smtpctl(8) talks to it when it runs.\n",
	    out);
	exit(status);
}

static void ATTR_NORETURN ATTR_PRINTF(1, 2) misuse(const char *fmt, ...)
{
	va_list ap;

	fputs("smtpd: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; smtpd --help lists the options\n", stderr);
	exit(2);
}

static int
run_process(const char *name, const char *instance)
{
	static const struct proc_ops *const all[] = { &lookup_ops, &queue_ops,
		&scheduler_ops, &dispatcher_ops, &control_ops, &deliver_ops,
		&resolver_ops, &keys_ops, &auth_ops, &filter_ops,
		&offline_ops };
	uint64_t n;

	if (!conv_u64(instance, 0, PROC_INSTANCES - 1, &n))
		return 2;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(proc_name(all[i]->id), name) == 0)
			return proc_main(all[i], (unsigned)n);
	}
	return 2;
}

/* A subject of smtpctl trace, or "profile-" and one of smtpctl profile. */
static unsigned
parse_trace(const char *word)
{
	unsigned subjects = strncmp(word, "profile-", 8) == 0 ?
	    trace_parse_profile(word + 8) :
	    trace_parse(word);

	if (subjects == 0)
		misuse("\"%s\" is nothing to trace", word);
	return subjects;
}

static unsigned
parse_agent(const char *word)
{
	if (strcmp(word, "mda") == 0)
		return SETUP_PAUSE_MDA;
	if (strcmp(word, "mta") == 0)
		return SETUP_PAUSE_MTA;
	if (strcmp(word, "smtp") == 0)
		return SETUP_PAUSE_SMTP;
	misuse("\"%s\" can't be paused: expected mda, mta or smtp", word);
}

static void
take_option(struct options *o, int id, const char *value)
{
	switch (id) {
	case 'D':
		if (strchr(value, '=') == NULL)
			misuse("\"%s\" is not NAME=VALUE", value);
		if (o->n_macros == MACROS_MAX)
			misuse("more than %d macros", MACROS_MAX);
		o->macros[o->n_macros++] = value;
		break;
	case 'd':
		o->debug = o->foreground = true;
		break;
	case 'F':
		o->foreground = true;
		break;
	case 'f':
		o->conf_path = value;
		break;
	case 'h':
		usage(stdout, 0);
	case 'n':
		o->check = true;
		break;
	case 'P':
		o->paused |= parse_agent(value);
		break;
	case 'T':
		o->trace |= parse_trace(value);
		break;
	case 'v':
		o->verbose = true;
		break;
	}
}

static void
parse_options(int argc, char **argv, struct options *o)
{
	struct opt_parser p;
	struct err e;
	int id;

	if (argc == 3 && strcmp(argv[1], "help") == 0 &&
	    strcmp(argv[2], "--tables") == 0) {
		opt_print_table("", option_table, stdout); /* tools/tables.py */
		exit(0);
	}
	opt_init(&p, option_table, argc, argv, false);
	while ((id = opt_next(&p, &e)) != OPT_END) {
		if (id == OPT_FAIL)
			misuse("%s", e.msg);
		take_option(o, id, p.value);
	}
	if (p.next != argc)
		misuse("\"%s\" is not an option", argv[p.next]);
}

static int
find_user(const char *name, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL) {
		log_error(
		    "the user %s is missing: useradd --system %s", name, name);
		return -1;
	}
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}

/* Seconds, of a variable of the environment; or the usual ones. */
static unsigned
seconds(const char *name, uint64_t v)
{
	const char *text = getenv(name);

	if (text != NULL && !conv_u64(text, 1, 86400, &v))
		log_warn("%s: \"%s\" is not a time", name, text);
	return (unsigned)v;
}

static int
fill_setup(struct setup *s, const struct options *o)
{
	s->foreground = o->debug;
	s->verbose = o->verbose;
	s->paused = o->paused;
	s->trace = o->trace;
	s->filter_time = seconds("SMTPD_FILTER_TIME", FILTER_TIME);
	s->session_time = seconds("SMTPD_SESSION_TIME", SESSION_TIME);
	s->table_time = seconds("SMTPD_TABLE_TIME", TABLE_TIME);
	s->n_dispatchers = cores_count(0, DISPATCHERS_MAX);
	s->privileged = geteuid() == 0;
	if (!s->privileged) {
		s->uid = s->queue_uid = geteuid();
		s->gid = s->queue_gid = getegid();
		return 0;
	}
	if (find_user(SETUP_USER, &s->uid, &s->gid) == -1 ||
	    find_user(SETUP_QUEUE_USER, &s->queue_uid, &s->queue_gid) == -1)
		return -1;
	return 0;
}

/* The queue's user owns the spool; only root can make it so. */
static int
make_spool(const struct setup *s)
{
	struct err e;

	if (!s->privileged) {
		if (fs_mkdir_all(s->spool, 0700, &e) == 0)
			return 0;
		log_error("%s", e.msg);
		return -1;
	}
	if (mkdir(SETUP_EMPTY_DIR, 0755) == -1 &&
	    access(SETUP_EMPTY_DIR, F_OK) == -1) {
		log_error("%s: can't be made", SETUP_EMPTY_DIR);
		return -1;
	}
	/* Others may pass, to where mail waits; all else in it is private. */
	if (mkdir(s->spool, 0711) == 0 || access(s->spool, F_OK) == 0) {
		if (chown(s->spool, s->queue_uid, s->queue_gid) == 0 &&
		    chmod(s->spool, 0711) == 0)
			return 0;
	}
	log_error("%s: can't be made the spool", s->spool);
	return -1;
}

/* The spool, and its name on the disk: the queue sees nothing above it. */
static int
own_spool(const struct setup *s)
{
	struct err e;
	char *above;
	int rc;

	if (make_spool(s) == -1)
		return -1;
	above = fs_join(s->spool, "..");
	rc = fs_sync_dir(above, &e);
	if (rc == -1)
		log_error("%s", e.msg);
	free(above);
	return rc;
}

/* The queue's key, when smtpd.conf says that it is not in there. */
static int
ask_queue_key(struct setup *s)
{
	char key[1024] = "";
	bool ok;

	if (s->conf->encryption == NULL || s->queue_key != NULL)
		return 0;
	if (s->conf->encryption[0] == '\0')
		ok = readpassphrase("queue key: ", key, sizeof(key),
			 RPP_REQUIRE_TTY) != NULL;
	else
		ok = fgets(key, sizeof(key), stdin) != NULL;
	key[strcspn(key, "\n")] = '\0';
	ok = ok && strlen(key) >= CONF_KEY_MIN;
	if (ok)
		s->queue_key = xstrdup(key);
	else
		log_error("queue encryption: expected a key of at least %d "
			  "characters %s",
		    CONF_KEY_MIN,
		    s->conf->encryption[0] == '\0' ? "at the terminal" :
						     "on standard input");
	explicit_bzero(key, sizeof(key));
	return ok ? 0 : -1;
}

static int
run_daemon(struct options *o)
{
	struct buf problems = { 0 };
	struct setup *s;
	char self[4096];
	ssize_t n;

	s = setup_read(o->conf_path, (const char *const *)o->macros,
	    o->n_macros, &problems);
	fputs(buf_str(&problems), stderr);
	buf_free(&problems);
	if (s == NULL)
		return 1;
	if (o->check) {
		fputs("configuration OK\n", stderr);
		setup_unref(s);
		return 0;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n == -1) {
		log_error("/proc/self/exe can't be read");
		return 1;
	}
	self[n] = '\0';
	if (ask_queue_key(s) == -1 || fill_setup(s, o) == -1 ||
	    own_spool(s) == -1)
		return 1;
	if (!o->foreground && daemon(0, 0) == -1) {
		log_error("can't go to the background");
		return 1;
	}
	log_init("smtpd", LOG_MAIL, o->debug);
	log_set_level(o->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	return parent_main(s, self);
}

int
main(int argc, char **argv)
{
	struct options o = { .conf_path = CONF_DEFAULT_PATH };
	int status;

	if (argc == 0)
		return 2;
	setproctitle_init(argc, argv, environ);
	if (ctl_main(basename(argv[0]), argc, argv, &status))
		return status;
	/*
	 * What is confined has nothing to tidy up, and what a sanitizer does
	 * at exit is forbidden to it.
	 */
	if (argc == 4 && strcmp(argv[1], "-x") == 0)
		_exit(run_process(argv[2], argv[3]));
	log_init("smtpd", LOG_MAIL, true);
	parse_options(argc, argv, &o);
	return run_daemon(&o);
}
