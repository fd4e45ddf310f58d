/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/proc.h"
#include "smtpd/queue/envelope.h"

#include "smtpd/ctl/ctl.h"
#include "smtpd/ctl/offline.h"
#include "smtpd/ctl/replay.h"
#include "smtpd/ctl/spfwalk.h"

#define FRAME_HEADER 8

struct command {
	const char *words; /* what the person types */
	const char *verb;  /* what smtpd is asked; NULL: done here */
	const char *arg; /* in the usage; NULL: none; in []: may be left out */
	int (*run)(int argc, char **argv, struct err *e);
};

static int run_encrypt(int argc, char **argv, struct err *e);
static int run_explain(int argc, char **argv, struct err *e);

static const struct command commands[] = {
	{ "encrypt", NULL, "[STRING]", run_encrypt },
	{ "explain", NULL, "from ADDR to ADDR [src IP] [auth USER]",
	    run_explain },
	{ "log brief", "log brief", NULL, NULL },
	{ "log verbose", "log verbose", NULL, NULL },
	{ "pause envelope", "pause-envelope", "ID", NULL },
	{ "pause mda", "pause mda", NULL, NULL },
	{ "pause mta", "pause mta", NULL, NULL },
	{ "pause smtp", "pause smtp", NULL, NULL },
	{ "remove", "remove", "ID", NULL },
	{ "replay", NULL, "FILE -- FILTER [ARG ...]", ctl_replay },
	{ "resume envelope", "resume-envelope", "ID", NULL },
	{ "resume mda", "resume mda", NULL, NULL },
	{ "resume mta", "resume mta", NULL, NULL },
	{ "resume route", "resume-route", "NUMBER", NULL },
	{ "resume smtp", "resume smtp", NULL, NULL },
	{ "schedule", "schedule", "ID", NULL },
	{ "show envelope", "show-envelope", "ID", NULL },
	{ "show hosts", "show-hosts", NULL, NULL },
	{ "show hoststats", "show-hoststats", NULL, NULL },
	{ "show message", "show-message", "ID", NULL },
	{ "show queue -j", "show-queue-json", "[MSGID]", NULL },
	{ "show queue", "show-queue", "[MSGID]", NULL },
	{ "show relays", "show-relays", NULL, NULL },
	{ "show routes", "show-routes", NULL, NULL },
	{ "show rules", "show-rules", NULL, NULL },
	{ "show stats", "show-stats", NULL, NULL },
	{ "show status", "show-status", NULL, NULL },
	{ "spf walk", NULL, "[-4 | -6]", ctl_spf_walk },
	{ "update table", "update-table", "NAME", NULL },
};

int
ctl_connect(struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char *spool, *path;
	int fd = -1;

	setup_paths(&spool, &path);
	/* A person without a spool of their own means the system's smtpd. */
	if (getenv("SMTPD_SPOOL") == NULL && access(path, F_OK) == -1) {
		free(path);
		path = xstrdup("/run/smtpd.sock");
	}
	if (strlen(path) >= sizeof(sun.sun_path)) {
		err_set(e, ERR_USAGE, "%s: too long for a socket", path);
	} else {
		memcpy(sun.sun_path, path, strlen(path) + 1);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1 ||
		    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
			err_sys(e, "is smtpd running? %s", path);
			if (fd != -1)
				close(fd);
			fd = -1;
		}
	}
	free(spool);
	free(path);
	return fd;
}

static int
send_frame(int fd, unsigned type, const struct buf *payload, struct err *e)
{
	struct buf b = { 0 };
	int rc;

	wire_put_u32(&b, (uint32_t)(payload == NULL ? 0 : payload->len));
	wire_put_u16(&b, (uint16_t)type);
	wire_put_u16(&b, 0);
	if (payload != NULL)
		buf_add(&b, payload->data, payload->len);
	rc = fs_write_all(fd, b.data, b.len, e);
	buf_free(&b);
	return rc;
}

static int
read_all(int fd, uint8_t *p, size_t len, struct err *e)
{
	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			err_set(e, ERR_SYSTEM, "smtpd closed the connection");
			return -1;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
read_frame(int fd, unsigned *type, struct buf *out, struct err *e)
{
	uint8_t header[FRAME_HEADER];
	size_t len;

	if (read_all(fd, header, sizeof(header), e) == -1)
		return -1;
	len = wire_load32(header);
	*type = wire_load16(header + 4);
	buf_reset(out);
	if (len > IPC_PAYLOAD_MAX) {
		err_set(e, ERR_CORRUPT, "a strange answer");
		return -1;
	}
	if (read_all(fd, buf_reserve(out, len + 1), len, e) == -1)
		return -1;
	out->len = len;
	return 0;
}

int
ctl_ask(unsigned type, const struct buf *payload, struct err *e)
{
	struct buf frame = { 0 };
	unsigned got;
	int fd = ctl_connect(e), rc = -1;

	if (fd == -1)
		return -1;
	if (send_frame(fd, type, payload, e) == -1)
		goto out;
	while ((rc = read_frame(fd, &got, &frame, e)) == 0 &&
	    got == MSG_CTL_LINE) {
		fwrite(frame.data, 1, frame.len, stdout);
		if (frame.len > 0 && frame.data[frame.len - 1] != '\n')
			putchar('\n');
	}
	if (rc == 0 && frame.len > 0) {
		err_set(e, ERR_USAGE, "%s", buf_str(&frame));
		rc = -1;
	}
out:
	buf_free(&frame);
	close(fd);
	return rc;
}

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
		rc = ctl_ask(MSG_EXPLAIN, &b, e);
	} else {
		rc = -1;
	}
	envelope_clear(&ev);
	buf_free(&b);
	return rc;
}

static void
usage(FILE *out)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "%s smtpctl %s%s%s\n",
		    i == 0 ? "usage:" : "      ", commands[i].words,
		    commands[i].arg == NULL ? "" : " ",
		    commands[i].arg == NULL ? "" : commands[i].arg);
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
run_command(const struct command *c, int argc, char **argv, struct err *e)
{
	struct buf b = { 0 };
	int rc;

	if (c->run != NULL)
		return c->run(argc, argv, e);
	if (argc > (c->arg == NULL ? 0 : 1) ||
	    (argc == 0 && c->arg != NULL && c->arg[0] != '[')) {
		err_set(e, ERR_USAGE, "usage: smtpctl %s %s", c->words,
		    c->arg == NULL ? "" : c->arg);
		return -1;
	}
	buf_add_str(&b, c->verb);
	if (argc == 1)
		buf_printf(&b, " %s", argv[0]);
	rc = ctl_ask(MSG_CTL, &b, e);
	if (strncmp(c->verb, "show-queue", 10) == 0)
		print_offline();
	buf_free(&b);
	return rc;
}

static int
smtpctl(int argc, char **argv)
{
	struct err e;

	if (argc == 2 &&
	    (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)) {
		usage(stdout);
		return 0;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int n = match_words(&commands[i], argc - 1, argv + 1);

		if (n == 0)
			continue;
		if (run_command(&commands[i], argc - 1 - n, argv + 1 + n, &e) ==
		    0)
			return 0;
		fprintf(stderr, "smtpctl: %s\n", e.msg);
		return e.kind == ERR_USAGE && commands[i].verb == NULL ? 2 : 1;
	}
	usage(stderr);
	return 2;
}

bool
ctl_main(const char *name, int argc, char **argv, int *status)
{
	char *mailq[] = { (char[]){ "smtpctl" }, (char[]){ "show" },
		(char[]){ "queue" }, NULL };

	if (strcmp(name, "smtpctl") == 0)
		*status = smtpctl(argc, argv);
	else if (strcmp(name, "mailq") == 0)
		*status = smtpctl(3, mailq);
	else if (strcmp(name, "sendmail") == 0 ||
	    strcmp(name, "send-mail") == 0)
		*status = ctl_sendmail(argc, argv);
	else if (strcmp(name, "makemap") == 0)
		*status = ctl_makemap(argc, argv, false);
	else if (strcmp(name, "newaliases") == 0)
		*status = ctl_makemap(argc, argv, true);
	else
		return false;
	return true;
}
