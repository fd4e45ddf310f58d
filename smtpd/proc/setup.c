/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <grp.h>
#include <netdb.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/conf/source.h"
#include "smtpd/lookup/table.h"
#include "smtpd/smtp/relayurl.h"

#include "smtpd/proc/certs.h"
#include "smtpd/proc/exposed.h"
#include "smtpd/proc/ipc.h"
#include "smtpd/proc/setup.h"

#define MAILNAME_MAX 1024

/* The first line of mailname beside smtpd.conf, or false. */
static bool
read_mailname(const char *conf_path, char *out, size_t size)
{
	const char *slash = strrchr(conf_path, '/');
	char *dir = slash == NULL ?
	    xstrdup(".") :
	    xstrndup(conf_path, (size_t)(slash - conf_path));
	char *path = fs_join(dir, "mailname");
	struct buf text = { 0 };
	struct err e;
	bool ok = fs_read_file(path, MAILNAME_MAX, &text, &e) == 0;

	if (ok) {
		const char *s = buf_str(&text);
		size_t n = strcspn(s, " \t\r\n");

		ok = n > 0 && n < size;
		if (ok) {
			memcpy(out, s, n);
			out[n] = '\0';
		}
	}
	buf_free(&text);
	free(path);
	free(dir);
	return ok;
}

static void
find_hostname(const char *conf_path, char *out, size_t size)
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *ai;

	if (read_mailname(conf_path, out, size))
		return;
	if (gethostname(out, size - 1) == -1 || out[0] == '\0')
		snprintf(out, size, "localhost");
	if (strchr(out, '.') != NULL ||
	    getaddrinfo(out, NULL, &hints, &ai) != 0)
		return;
	if (ai->ai_canonname != NULL && strlen(ai->ai_canonname) < size)
		memcpy(out, ai->ai_canonname, strlen(ai->ai_canonname) + 1);
	freeaddrinfo(ai);
}

void
setup_paths(char **spool, char **socket)
{
	const char *dir = getenv("SMTPD_SPOOL"), *home = getenv("HOME");

	if (dir != NULL && dir[0] != '\0') {
		*spool = xstrdup(dir);
	} else if (geteuid() == 0 || home == NULL) {
		*spool = xstrdup(SETUP_SPOOL);
		*socket = xstrdup("/run/smtpd.sock");
		return;
	} else {
		*spool = xasprintf("%s/.local/state/smtpd", home);
	}
	*socket = xasprintf("%s/smtpd.sock", *spool);
}

/* What the grammar knows and this program doesn't do. */
static bool
report_lacks(const struct conf *c, struct buf *problems)
{
	for (size_t i = 0; i < c->n_lacks; i++) {
		const struct conf_lack *l = &c->lacks[i];

		buf_printf(problems, "%s:%d:%d: %s: not supported yet\n",
		    l->pos.file, l->pos.line, l->pos.column, l->what);
	}
	return c->n_lacks > 0;
}

/*
 * Whether the process that reads tables can: root reads everything, and does
 * not read them when all is started.  A child finds out, as that user.
 */
static int
user_may_read(const char *path, struct err *e)
{
	const struct passwd *pw = geteuid() == 0 ? getpwnam(SETUP_USER) : NULL;
	int status;
	pid_t pid;

	if (pw == NULL)
		return 0;
	pid = fork();
	if (pid == 0)
		_exit(setgroups(1, &pw->pw_gid) == -1 ||
		    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
		    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1 ||
		    access(path, R_OK) == -1);
	if (pid == -1 || waitpid(pid, &status, 0) == -1) {
		err_sys(e, "%s: can't be tried", path);
		return -1;
	}
	if (status == 0)
		return 0;
	err_set(
	    e, ERR_DENIED, "%s: the user %s can't read it", path, SETUP_USER);
	return -1;
}

static bool
load_table(const struct conf_table *ct, bool regex, struct buf *problems)
{
	struct err e;
	struct table *t = table_load(ct, &e);
	bool ok = t != NULL && (!regex || table_check_regex(t, &e) == 0);

	if (ok && ct->path != NULL && ct->program == NULL)
		ok = user_may_read(ct->path, &e) == 0;
	table_free(t);
	if (!ok)
		buf_printf(problems, "%s:%d:%d: %s\n", ct->pos.file,
		    ct->pos.line, ct->pos.column, e.msg);
	return ok;
}

/* Every table must load, and every regular expression compile. */
static bool
check_tables(const struct conf *c, struct buf *problems)
{
	const struct conf_table *t;
	const struct conf_match *m;
	const struct conf_filter *f;
	bool ok = true;

	TAILQ_FOREACH(t, &c->tables, entry)
		ok &= load_table(t, false, problems);
	TAILQ_FOREACH(m, &c->matches, entry) {
		for (size_t i = 0; i < CONF_TEST_COUNT; i++) {
			if (m->tests[i].regex)
				ok &= load_table(
				    m->tests[i].table, true, problems);
		}
	}
	TAILQ_FOREACH(f, &c->filters, entry) {
		if (f->regex)
			ok &= load_table(f->table, true, problems);
	}
	return ok;
}

/* Certificates, keys and what is said of TLS: all must be usable. */
static bool
check_tls(struct setup *s, struct buf *problems)
{
	struct buf keys = { 0 };
	struct err e;
	struct certs *certs = certs_load(s->conf, s->source, NULL, NULL, &e);
	bool ok = certs != NULL &&
	    certs_gather_keys(s->conf, s->source, &keys, &e) == 0;

	if (!ok)
		buf_printf(problems, "%s: %s\n", s->conf_path, e.msg);
	certs_unref(certs);
	if (keys.data != NULL)
		OPENSSL_cleanse(keys.data, keys.cap);
	buf_free(&keys);
	return ok;
}

static void
problem_at(const struct conf_action *a, const char *what, const char *why,
    struct buf *problems)
{
	buf_printf(problems, "%s:%d:%d: %s: %s\n", a->pos.file, a->pos.line,
	    a->pos.column, what, why);
}

/* What is written in the configuration about other hosts. */
static bool
check_relay(const struct conf_action *a, struct buf *problems)
{
	const struct conf_table *hosts = a->host;
	size_t before = problems->len, len;
	struct relay_url url;
	struct address address;
	struct err e;

	for (size_t i = 0; hosts != NULL && i < hosts->n_pairs; i++) {
		const struct conf_pair *p = &hosts->pairs[i];
		const char *text = p->value != NULL ? p->value : p->key;

		if (relay_url_parse(text, a->tls, &url, &e) == -1)
			problem_at(a, text, e.msg, problems);
		else if (url.path[0] != '\0' && a->src != NULL)
			problem_at(
			    a, text, "src does not go with a path", problems);
		else if (url.label[0] != '\0' && a->auth == NULL)
			problem_at(a, text, "a label needs auth", problems);
	}
	len = a->mail_from == NULL ? 0 : strlen(a->mail_from);
	if (len > 0 && a->mail_from[0] != '@' &&
	    !address_parse(a->mail_from, len, false, &address))
		problem_at(a, a->mail_from, "not an address", problems);
	return problems->len == before;
}

static bool
check_relays(const struct conf *c, struct buf *problems)
{
	const struct conf_action *a;
	bool ok = true;

	TAILQ_FOREACH(a, &c->actions, entry)
		ok &= check_relay(a, problems);
	return ok;
}

/*
 * The queue's key is for the queue: it is taken out of what all processes
 * get.  What they parse then still says that there is one.
 */
static bool
take_queue_key(struct setup *s, struct buf *problems)
{
	struct conf *c = s->conf;
	size_t found;

	if (c->encryption == NULL || conf_key_elsewhere(c))
		return true;
	if (strspn(c->encryption, "x") == strlen(c->encryption)) {
		buf_printf(problems, "%s: queue encryption: not a key\n",
		    s->conf_path);
		return false;
	}
	s->queue_key = xstrdup(c->encryption);
	found = conf_source_hide(s->source, s->queue_key);
	for (size_t i = 0; i < s->n_macros; i++) {
		char *at = strstr(s->macros[i], s->queue_key);

		if (at != NULL) {
			memset(at, 'x', strlen(s->queue_key));
			found++;
		}
	}
	memset(c->encryption, 'x', strlen(c->encryption));
	if (found == 0)
		buf_printf(problems,
		    "%s: queue encryption: a key that is written in one "
		    "piece\n",
		    s->conf_path);
	return found > 0;
}

/* It goes to each process in one message. */
static bool
check_size(const struct setup *s, struct buf *problems)
{
	struct buf all = { 0 };
	size_t len;

	setup_encode(s, true, &all);
	len = all.len;
	buf_free(&all);
	if (len > IPC_PAYLOAD_MAX)
		buf_printf(problems,
		    "%s: with what it includes and the certificates, more "
		    "than %u MiB: let tables name files\n",
		    s->conf_path, IPC_PAYLOAD_MAX >> 20);
	return len <= IPC_PAYLOAD_MAX;
}

struct setup *
setup_read(const char *conf_path, const char *const *macros, size_t n_macros,
    struct buf *problems)
{
	struct setup *s = xcalloc(1, sizeof(*s));
	bool ok;

	s->refs = 1;
	s->conf_path = xstrdup(conf_path);
	s->macros = xcalloc(n_macros + 1, sizeof(*s->macros));
	for (size_t i = 0; i < n_macros; i++)
		s->macros[s->n_macros++] = xstrdup(macros[i]);
	s->source = conf_source_disk();
	s->conf = conf_parse(s->source, conf_path,
	    (const char *const *)s->macros, n_macros, problems);
	s->n_conf_files = conf_source_count(s->source);
	ok = s->conf != NULL;
	if (ok) {
		ok = !report_lacks(s->conf, problems);
		ok &= check_tables(s->conf, problems);
		ok &= check_relays(s->conf, problems);
		ok &= check_tls(s, problems);
		ok &= take_queue_key(s, problems);
	}
	if (ok) {
		find_hostname(conf_path, s->hostname, sizeof(s->hostname));
		setup_paths(&s->spool, &s->socket);
		ok = check_size(s, problems);
	}
	if (ok)
		exposed_tell(s->conf, conf_path, problems);
	if (!ok) {
		setup_unref(s);
		return NULL;
	}
	return s;
}

static void
put_text(struct buf *out, const char *s)
{
	wire_put_varint(out, strlen(s));
	buf_add_str(out, s);
}

static char *
get_text(struct wire *w)
{
	size_t len = (size_t)wire_varint(w);
	const uint8_t *p = wire_bytes(w, len);

	return p == NULL ? xstrdup("") : xstrndup((const char *)p, len);
}

void
setup_encode(const struct setup *s, bool certificates, struct buf *out)
{
	struct buf source = { 0 };

	put_text(out, s->conf_path);
	put_text(out, s->hostname);
	put_text(out, s->spool);
	put_text(out, s->socket);
	buf_add_u8(out, s->foreground);
	buf_add_u8(out, s->privileged);
	buf_add_u8(out, s->verbose);
	wire_put_varint(out, s->paused);
	wire_put_varint(out, s->trace);
	wire_put_varint(out, s->n_dispatchers);
	wire_put_varint(out, s->filter_time);
	wire_put_varint(out, s->session_time);
	wire_put_varint(out, s->table_time);
	wire_put_varint(out, s->generation);
	wire_put_varint(out, s->uid);
	wire_put_varint(out, s->gid);
	wire_put_varint(out, s->queue_uid);
	wire_put_varint(out, s->queue_gid);
	wire_put_varint(out, s->n_macros);
	for (size_t i = 0; i < s->n_macros; i++)
		put_text(out, s->macros[i]);
	conf_source_encode(s->source,
	    certificates ? conf_source_count(s->source) : s->n_conf_files,
	    &source);
	wire_put_varint(out, source.len);
	buf_add(out, source.data, source.len);
	buf_free(&source);
}

struct setup *
setup_decode(const void *data, size_t len, struct err *e)
{
	struct setup *s = xcalloc(1, sizeof(*s));
	struct buf problems = { 0 };
	char *hostname;
	const uint8_t *source;
	size_t n;
	struct wire w;

	s->refs = 1;
	wire_init(&w, data, len);
	s->conf_path = get_text(&w);
	hostname = get_text(&w);
	snprintf(s->hostname, sizeof(s->hostname), "%s", hostname);
	free(hostname);
	s->spool = get_text(&w);
	s->socket = get_text(&w);
	s->foreground = wire_u8(&w) != 0;
	s->privileged = wire_u8(&w) != 0;
	s->verbose = wire_u8(&w) != 0;
	s->paused = (unsigned)wire_varint(&w);
	s->trace = (unsigned)wire_varint(&w);
	s->n_dispatchers = (unsigned)wire_varint(&w);
	s->filter_time = (unsigned)wire_varint(&w);
	s->session_time = (unsigned)wire_varint(&w);
	s->table_time = (unsigned)wire_varint(&w);
	s->generation = (unsigned)wire_varint(&w);
	s->uid = (uid_t)wire_varint(&w);
	s->gid = (gid_t)wire_varint(&w);
	s->queue_uid = (uid_t)wire_varint(&w);
	s->queue_gid = (gid_t)wire_varint(&w);
	n = (size_t)wire_varint(&w);
	s->macros = xcalloc(n + 1, sizeof(*s->macros));
	for (size_t i = 0; i < n && wire_ok(&w); i++)
		s->macros[s->n_macros++] = get_text(&w);
	n = (size_t)wire_varint(&w);
	source = wire_bytes(&w, n);
	if (wire_done(&w))
		s->source = conf_source_decode(source, n, e);
	if (s->source != NULL)
		s->conf = conf_parse(s->source, s->conf_path,
		    (const char *const *)s->macros, s->n_macros, &problems);
	if (s->conf == NULL) {
		err_set(e, ERR_CORRUPT, "a setup that does not decode: %s",
		    buf_str(&problems));
		setup_unref(s);
		s = NULL;
	}
	buf_free(&problems);
	return s;
}

struct setup *
setup_ref(struct setup *s)
{
	s->refs++;
	return s;
}

void
setup_unref(struct setup *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	conf_free(s->conf);
	conf_source_free(s->source);
	for (size_t i = 0; i < s->n_macros; i++)
		free(s->macros[i]);
	free(s->macros);
	free(s->conf_path);
	free(s->spool);
	free(s->socket);
	if (s->queue_key != NULL)
		explicit_bzero(s->queue_key, strlen(s->queue_key));
	free(s->queue_key);
	free(s);
}
