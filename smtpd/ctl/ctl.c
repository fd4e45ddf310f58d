/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/opt.h"

#include "smtpd/proc/proc.h"
#include "smtpd/queue/envelope.h"

#include "smtpd/ctl/carry.h"
#include "smtpd/ctl/client.h"
#include "smtpd/ctl/monitor.h"
#include "smtpd/ctl/offline.h"
#include "smtpd/ctl/replay.h"
#include "smtpd/ctl/spfwalk.h"

#include "smtpd/ctl/ctl.h"

#define HELP_COLUMN 36

struct command {
	const char *words; /* what the person types */
	const char *verb;  /* what smtpd is asked; NULL: done by run */
	const char *arg; /* in the usage; NULL: none; in []: may be left out */
	const char *help;
	int (*run)(int argc, char **argv, struct err *e);
};

static int run_encrypt(int argc, char **argv, struct err *e);
static int run_explain(int argc, char **argv, struct err *e);
static int run_help(int argc, char **argv, struct err *e);
static int run_show_config(int argc, char **argv, struct err *e);
static int run_show_message(int argc, char **argv, struct err *e);
static int run_show_queue(int argc, char **argv, struct err *e);

static const struct opt options[] = {
	{ 'h', "help", NULL, "list the commands" },
	{ 0 },
};

static const struct command commands[] = {
	{ "discover", NULL, "ID", "take in what was put into the spool",
	    carry_discover },
	{ "encrypt", NULL, "[STRING]", "hash a password for a table",
	    run_encrypt },
	{ "explain", NULL, "from ADDR to ADDR [src IP] [auth USER]",
	    "say which rule a message would meet", run_explain },
	{ "export", NULL, "DIR [ID]", "write messages into a directory",
	    carry_export },
	{ "help", NULL, "[WORD]", "list the commands that begin so", run_help },
	{ "import", NULL, "DIR", "take in messages of a directory",
	    carry_import },
	{ "log brief", "log brief", NULL, "log what happens", NULL },
	{ "log verbose", "log verbose", NULL, "log dialogues as well", NULL },
	{ "monitor", NULL, "[-j]", "show the counters, a line a second",
	    monitor_run },
	{ "pause envelope", "pause-envelope", "ID", "hold it back", NULL },
	{ "pause mda", "pause mda", NULL, "stop local deliveries", NULL },
	{ "pause mta", "pause mta", NULL, "stop relaying", NULL },
	{ "pause smtp", "pause smtp", NULL, "accept no new sessions", NULL },
	{ "profile", "profile", "SUBJECT", "log how long things take", NULL },
	{ "remove", "remove", "ID", "drop it from the queue", NULL },
	{ "replay", NULL, "FILE -- FILTER [ARG ...]",
	    "give a recording to a filter", ctl_replay },
	{ "resume envelope", "resume-envelope", "ID", "let it go on", NULL },
	{ "resume mda", "resume mda", NULL, "deliver again", NULL },
	{ "resume mta", "resume mta", NULL, "relay again", NULL },
	{ "resume route", "resume-route", "NUMBER", "forget its failures",
	    NULL },
	{ "resume smtp", "resume smtp", NULL, "accept sessions again", NULL },
	{ "schedule", "schedule", "ID", "try now", NULL },
	{ "show config", NULL, NULL, "what smtpd runs with", run_show_config },
	{ "show envelope", "show-envelope", "ID", "all that is known of it",
	    NULL },
	{ "show hosts", "show-hosts", NULL, "other hosts' addresses", NULL },
	{ "show hoststats", "show-hoststats", NULL, "what hosts last said",
	    NULL },
	{ "show message", NULL, "ID", "its text", run_show_message },
	{ "show queue", NULL, "[-j] [ID]", "a line for each envelope",
	    run_show_queue },
	{ "show relays", "show-relays", NULL, "where mail is relayed to now",
	    NULL },
	{ "show routes", "show-routes", NULL, "the ways to other hosts", NULL },
	{ "show rules", "show-rules", NULL, "the rules, in their order", NULL },
	{ "show stats", "show-stats", NULL, "the counters", NULL },
	{ "show status", "show-status", NULL, "what runs and what is paused",
	    NULL },
	{ "spf walk", NULL, "[-4 | -6]", "the networks of domains",
	    ctl_spf_walk },
	{ "trace", "trace", "SUBJECT", "log more, of one subject", NULL },
	{ "uncorrupt", NULL, "[NAME]", "give back what was set aside",
	    carry_uncorrupt },
	{ "unprofile", "unprofile", "SUBJECT", "log no longer how long", NULL },
	{ "untrace", "untrace", "SUBJECT", "log less again", NULL },
	{ "update table", "update-table", "NAME", "read a table again", NULL },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* A hash of the secret, for a table of credentials. */
static int
print_hash(const char *secret, struct err *e)
{
	struct crypt_data data = { 0 };
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash =
	    crypt_gensalt_rn("$2b$", 10, NULL, 0, salt, sizeof(salt)) == NULL ?
	    NULL :
	    crypt_r(secret, salt, &data);

	if (hash == NULL || hash[0] == '*') {
		err_set(e, ERR_SYSTEM, "no hash");
		return -1;
	}
	puts(hash);
	explicit_bzero(&data, sizeof(data));
	return 0;
}

static int
run_encrypt(int argc, char **argv, struct err *e)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = 0;

	if (argc > 1) {
		err_set(e, ERR_USAGE, "encrypt takes one string");
		return -1;
	}
	if (argc == 1)
		return print_hash(argv[0], e);
	while (rc == 0 && (n = getline(&line, &cap, stdin)) != -1) {
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		rc = print_hash(line, e);
	}
	free(line);
	return rc;
}

static int
parse_or_fail(const char *text, struct address *out, struct err *e)
{
	size_t len = strlen(text);

	if (len >= 2 && text[0] == '<' && text[len - 1] == '>') {
		text++;
		len -= 2;
	}
	if (len == 0) {
		memset(out, 0, sizeof(*out));
		return 0;
	}
	if (address_parse(text, len, true, out))
		return 0;
	err_set(e, ERR_USAGE, "\"%s\" is not an address", text);
	return -1;
}

static int
run_explain(int argc, char **argv, struct err *e)
{
	struct envelope ev;
	struct buf b = { 0 };
	bool from = false, to = false;
	int rc = argc % 2 == 0 ? 0 : -1;

	err_set(e, ERR_USAGE,
	    "usage: smtpctl explain from ADDR to ADDR [src IP] [auth USER]");
	envelope_init(&ev);
	envelope_set_text(&ev, ENVELOPE_SOURCE, "local");
	envelope_set_text(&ev, ENVELOPE_HOSTNAME, "<unknown>");
	for (int i = 0; i + 1 < argc && rc == 0; i += 2) {
		if (strcmp(argv[i], "from") == 0) {
			rc = parse_or_fail(argv[i + 1], &ev.sender, e);
			from = true;
		} else if (strcmp(argv[i], "to") == 0) {
			rc = parse_or_fail(argv[i + 1], &ev.rcpt, e);
			to = true;
		} else if (strcmp(argv[i], "src") == 0) {
			envelope_set_text(&ev, ENVELOPE_SOURCE, argv[i + 1]);
		} else if (strcmp(argv[i], "auth") == 0) {
			envelope_set_text(&ev, ENVELOPE_USERNAME, argv[i + 1]);
			ev.flags |= ENVELOPE_AUTHENTICATED;
		} else {
			rc = -1;
		}
	}
	if (rc == 0 && from && to) {
		ev.created_at = (uint64_t)time(NULL);
		ev.id = 1ULL << 32;
		buf_add_u8(&b, 0);
		envelope_encode(&ev, &b);
		rc = client_ask(
		    MSG_EXPLAIN, b.data, b.len, -1, client_print, NULL, e);
	} else {
		rc = -1;
	}
	envelope_clear(&ev);
	buf_free(&b);
	return rc;
}

static int
run_show_config(int argc, char **argv, struct err *e)
{
	(void)argv;
	if (argc == 0)
		return client_say("show-config", client_print_raw, NULL, e);
	err_set(e, ERR_USAGE, "usage: smtpctl show config");
	return -1;
}

static int
run_show_message(int argc, char **argv, struct err *e)
{
	char *words;
	int rc;

	if (argc != 1) {
		err_set(e, ERR_USAGE, "usage: smtpctl show message ID");
		return -1;
	}
	words = xasprintf("show-message %s", argv[0]);
	rc = client_say(words, client_print_raw, NULL, e);
	free(words);
	return rc;
}

/* Mail that no smtpd has taken in yet; not among the lines that programs
 * read. */
static void
print_offline(void)
{
	long n = offline_count();

	if (n > 0)
		fprintf(stderr, "smtpctl: %ld message%s waiting offline\n", n,
		    n == 1 ? "" : "s");
}

static int
run_show_queue(int argc, char **argv, struct err *e)
{
	bool json = argc > 0 && strcmp(argv[0], "-j") == 0;
	const char *id;
	char *words;
	int rc;

	argc -= json;
	argv += json;
	if (argc > 1 || (argc == 1 && argv[0][0] == '-')) {
		err_set(e, ERR_USAGE, "usage: smtpctl show queue [-j] [ID]");
		return -1;
	}
	id = argc == 1 ? argv[0] : "all";
	words = xasprintf("show-queue%s %s", json ? "-json" : "", id);
	rc = client_say(words, client_print, NULL, e);
	free(words);
	print_offline();
	return rc;
}

/* The commands whose first words are word; how many. */
static size_t
print_commands(const char *word, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *c = &commands[i];
		int len;

		if (strncmp(c->words, word, strlen(word)) != 0)
			continue;
		len = fprintf(out, "  %s%s%s", c->words,
		    c->arg == NULL ? "" : " ", c->arg == NULL ? "" : c->arg);
		if (len >= HELP_COLUMN - 1) {
			putc('\n', out);
			len = 0;
		}
		fprintf(out, "%*s%s\n", HELP_COLUMN - len, "", c->help);
		n++;
	}
	return n;
}

void
ctl_letters(const struct opt *table, const char *others, char *out, size_t size)
{
	size_t n = 0;

	for (; table->name != NULL; table++) {
		assert(n + 3 <= size);
		out[n++] = (char)table->id;
		if (table->arg != NULL)
			out[n++] = ':';
	}
	assert(n + strlen(others) < size);
	memcpy(out + n, others, strlen(others) + 1);
}

/* For tools/tables.py: of smtpctl's other names. */
static bool
print_face(const char *name)
{
	static const struct {
		const char *name;
		const struct opt *options;
		const char *arg, *help;
	} all[] = {
		{ "mailq", NULL, "", "list the queue" },
		{ "makemap", ctl_makemap_options, "FILE", "make a table" },
		{ "newaliases", NULL, "", "make the aliases anew" },
		{ "sendmail", ctl_sendmail_options, "ADDRESS",
		    "send a message" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(all[i].name, name) != 0)
			continue;
		printf("\t\t\t%s\t%s\n", all[i].arg, all[i].help);
		if (all[i].options != NULL)
			opt_print_table("", all[i].options, stdout);
		return true;
	}
	return false;
}

static void
print_tables(void)
{
	opt_print_table("", options, stdout);
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("%s\t\t\t%s\t%s\n", commands[i].words,
		    commands[i].arg == NULL ? "" : commands[i].arg,
		    commands[i].help);
}

static void
usage(FILE *out)
{
	fputs("usage: smtpctl COMMAND [ARGUMENT ...]\n\n"
	      "ID is an envelope's (16 digits), a message's (8) or \"all\".  "
	      "Words may be\nshortened.  smtpctl(8) says more.\n\n",
	    out);
	print_commands("", out);
}

static int
run_help(int argc, char **argv, struct err *e)
{
	if (argc == 1 && strcmp(argv[0], "--tables") == 0) {
		print_tables();
		return 0;
	}
	if (argc == 2 && strcmp(argv[0], "--tables") == 0 &&
	    print_face(argv[1]))
		return 0;
	if (argc == 0) {
		usage(stdout);
		return 0;
	}
	if (argc == 1 && print_commands(argv[0], stdout) > 0)
		return 0;
	err_set(e, ERR_USAGE, "no command begins with \"%s\"", argv[0]);
	return -1;
}

static int
run_command(const struct command *c, int argc, char **argv, struct err *e)
{
	char *words;
	int rc;

	if (c->run != NULL)
		return c->run(argc, argv, e);
	if (argc != (c->arg == NULL ? 0 : 1)) {
		err_set(e, ERR_USAGE, "usage: smtpctl %s %s", c->words,
		    c->arg == NULL ? "" : c->arg);
		return -1;
	}
	words = xasprintf(
	    "%s%s%s", c->verb, argc == 1 ? " " : "", argc == 1 ? argv[0] : "");
	rc = client_say(words, client_print, NULL, e);
	free(words);
	return rc;
}

/* How many words of argv say c; prefixes will do.  0: not this one. */
static int
match_words(const struct command *c, int argc, char **argv)
{
	const char *word = c->words;
	int n = 0;

	while (*word != '\0') {
		size_t len = strcspn(word, " ");
		size_t typed = n < argc ? strlen(argv[n]) : 0;

		if (typed == 0 || typed > len ||
		    strncmp(argv[n], word, typed) != 0)
			return 0;
		n++;
		word += len;
		word += *word == ' ';
	}
	return n;
}

/* Whether none of the n words is shortened. */
static bool
is_whole(const struct command *c, int n, char **argv)
{
	const char *word = c->words;

	for (int i = 0; i < n; i++) {
		size_t len = strlen(argv[i]);

		if (strncmp(word, argv[i], len) != 0 ||
		    (word[len] != ' ' && word[len] != '\0'))
			return false;
		word += len + (word[len] == ' ');
	}
	return true;
}

/* The commands of two words that word may begin. */
static bool
list_longer(const char *word, struct buf *out)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < N_COMMANDS; i++) {
		const char *words = commands[i].words;

		if (strncmp(words, word, len) == 0 &&
		    strchr(words, ' ') != NULL)
			buf_printf(
			    out, "%s%s", out->len == 0 ? "" : ", ", words);
	}
	return out->len > 0;
}

/* The command that argv begins with, in *words words, or NULL. */
static const struct command *
find_command(int argc, char **argv, int *words, struct err *e)
{
	const struct command *found = NULL;
	struct buf others = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		int k = match_words(&commands[i], argc, argv);

		if (k == 0)
			continue;
		*words = k;
		found = &commands[i];
		if (is_whole(found, k, argv)) {
			n = 1;
			break;
		}
		buf_printf(
		    &others, "%s%s", n++ == 0 ? "" : ", ", commands[i].words);
	}
	if (n == 0 && argc == 1 && list_longer(argv[0], &others))
		err_set(e, ERR_USAGE, "%s what? there is %s", argv[0],
		    buf_str(&others));
	else if (n == 0)
		err_set(e, ERR_USAGE,
		    "no command \"%s%s%s\"; \"smtpctl help\" lists them",
		    argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	else if (n > 1)
		err_set(
		    e, ERR_USAGE, "that may be any of %s", buf_str(&others));
	buf_free(&others);
	return n == 1 ? found : NULL;
}

static int
smtpctl(int argc, char **argv)
{
	struct opt_parser p;
	const struct command *c;
	struct err e;
	int id, words, rc;

	opt_init(&p, options, argc, argv, true);
	id = opt_next(&p, &e);
	if (id == 'h') {
		usage(stdout);
		return 0;
	}
	if (id == OPT_END && p.next == argc) {
		usage(stderr);
		return 2;
	}
	argc -= p.next;
	argv += p.next;
	c = id == OPT_END ? find_command(argc, argv, &words, &e) : NULL;
	if (c == NULL) {
		fprintf(stderr, "smtpctl: %s\n", e.msg);
		return 2;
	}
	rc = run_command(c, argc - words, argv + words, &e);
	if (fflush(stdout) == EOF && rc == 0) {
		err_sys(&e, "standard output");
		rc = -1;
	}
	if (rc == 0)
		return 0;
	fprintf(stderr, "smtpctl: %s\n", e.msg);
	return e.kind == ERR_USAGE ? 2 : 1;
}

/* "show queue", with what mailq was given. */
static int
mailq(int argc, char **argv)
{
	char **words = xcalloc((size_t)argc + 4, sizeof(*words));
	char show[] = "show", queue[] = "queue", smtpctl_name[] = "smtpctl";
	int n = 0, status;

	words[n++] = smtpctl_name;
	words[n++] = show;
	words[n++] = queue;
	for (int i = 1; i < argc; i++)
		words[n++] = argv[i];
	status = smtpctl(n, words);
	free(words);
	return status;
}

/* What the other faces say of themselves; the one way to be told apart from
 * mail for "help". */
static bool
print_face_help(const char *name)
{
	static const char *const faces[][2] = {
		{ "mailq",
		    "usage: mailq [-j] [ID]\n\n"
		    "List the queue, as \"smtpctl show queue\" does.\n" },
		{ "makemap",
		    "usage: makemap [-o FILE] [-t aliases|hash|set] FILE\n\n"
		    "Make FILE.db, for a \"db\" table, of the lines of "
		    "FILE.\n" },
		{ "newaliases",
		    "usage: newaliases\n\n"
		    "Make " CTL_ALIASES ".db of " CTL_ALIASES ".\n" },
		{ "sendmail",
		    "usage: sendmail [-it] [-F NAME] [-f ADDRESS] "
		    "[-N NOTIFY] [-R RET]\n"
		    "                [-V ENVID] [RECIPIENT ...]\n\n"
		    "Send the message on standard input; -t: to whom its "
		    "header says.\n" },
	};

	for (size_t i = 0; i < sizeof(faces) / sizeof(faces[0]); i++) {
		if (strcmp(faces[i][0], name) == 0) {
			fputs(faces[i][1], stdout);
			puts("smtpctl(8) says more.");
			return true;
		}
	}
	return false;
}

bool
ctl_main(const char *name, int argc, char **argv, int *status)
{
	if (strcmp(name, "send-mail") == 0)
		name = "sendmail";
	*status = 0;
	if (argc == 2 && strcmp(argv[1], "--help") == 0 &&
	    print_face_help(name))
		return true;
	if (strcmp(name, "smtpctl") == 0)
		*status = smtpctl(argc, argv);
	else if (strcmp(name, "mailq") == 0)
		*status = mailq(argc, argv);
	else if (strcmp(name, "sendmail") == 0)
		*status = ctl_sendmail(argc, argv);
	else if (strcmp(name, "makemap") == 0)
		*status = ctl_makemap(argc, argv, false);
	else if (strcmp(name, "newaliases") == 0)
		*status = ctl_makemap(argc, argv, true);
	else
		return false;
	return true;
}
