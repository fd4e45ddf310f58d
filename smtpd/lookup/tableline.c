/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <string.h>
#include <sys/time.h>

#include "lib/buf.h"

#include "smtpd/lookup/tableline.h"

#define VERSION "0.1"

static const char *const services[] = {
	[TABLE_ALIAS] = "alias",
	[TABLE_AUTH] = "auth",
	[TABLE_CREDENTIALS] = "credentials",
	[TABLE_USERINFO] = "userinfo",
	[TABLE_SOURCE] = "source",
	[TABLE_ADDRNAME] = "addrname",
	[TABLE_MAILADDRMAP] = "mailaddrmap",
	[TABLE_RELAYHOST] = "relayhost",
	[TABLE_STRING] = "string",
	[TABLE_DOMAIN] = "domain",
	[TABLE_NETADDR] = "netaddr",
	[TABLE_MAILADDR] = "mailaddr",
	[TABLE_REGEX] = "regex",
};

static const char *const ops[] = {
	[TABLELINE_UPDATE] = "update",
	[TABLELINE_CHECK] = "check",
	[TABLELINE_LOOKUP] = "lookup",
	[TABLELINE_FETCH] = "fetch",
};

const char *
tableline_service(enum table_service service)
{
	return services[service];
}

void
tableline_put_config(struct buf *out, const char *table, const char *version)
{
	buf_printf(out,
	    "config|smtpd-version|%s\nconfig|protocol|" VERSION
	    "\nconfig|tablename|%s\nconfig|ready\n",
	    version, table);
}

bool
tableline_put_request(struct buf *out, const char *table, enum tableline_op op,
    enum table_service service, uint32_t id, const char *key)
{
	bool keyed = op == TABLELINE_CHECK || op == TABLELINE_LOOKUP;
	struct timeval now;

	if (keyed && key[strcspn(key, "\r\n")] != '\0')
		return false;
	gettimeofday(&now, NULL);
	buf_printf(out, "table|" VERSION "|%lld.%06ld|%s|%s|",
	    (long long)now.tv_sec, (long)now.tv_usec, table, ops[op]);
	if (op != TABLELINE_UPDATE)
		buf_printf(out, "%s|", services[service]);
	buf_printf(out, "%08x", id);
	if (!keyed) {
		buf_add_u8(out, '\n');
		return true;
	}
	buf_add_u8(out, '|');
	/* A password keeps its case; nothing else has any. */
	for (; *key != '\0'; key++)
		buf_add_u8(out,
		    service == TABLE_AUTH ?
			(uint8_t)*key :
			(uint8_t)tolower((unsigned char)*key));
	buf_add_u8(out, '\n');
	return true;
}

/* Whether *line begins with the word and a bar, or ends with it; go past. */
static bool
skip_word(const char **line, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*line, word, n) != 0 ||
	    ((*line)[n] != '|' && (*line)[n] != '\0'))
		return false;
	*line += n + ((*line)[n] == '|');
	return true;
}

bool
tableline_parse_register(const char *line, unsigned *bits, bool *ready)
{
	if (!skip_word(&line, "register") || strchr(line, '|') != NULL)
		return false;
	if (strcmp(line, "ready") == 0)
		*ready = true;
	for (unsigned i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		if (strcmp(line, services[i]) == 0)
			*bits |= 1u << i;
	}
	return line[0] != '\0';
}

static bool
parse_id(const char **line, uint32_t *id)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = *line, *digit;

	*id = 0;
	for (int i = 0; i < 8; i++, p++) {
		digit = *p == '\0' ? NULL : strchr(digits, *p);
		if (digit == NULL)
			return false;
		*id = *id << 4 | (uint32_t)(digit - digits);
	}
	if (*p != '|')
		return false;
	*line = p + 1;
	return true;
}

static bool
parse_op(const char **line, enum tableline_op *op)
{
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		size_t n = strlen(ops[i]);

		if (strncmp(*line, ops[i], n) == 0 &&
		    strncmp(*line + n, "-result|", 8) == 0) {
			*line += n + 8;
			*op = i;
			return true;
		}
	}
	return false;
}

bool
tableline_parse_reply(const char *line, struct tableline_reply *out)
{
	bool found;

	if (!parse_op(&line, &out->op) || !parse_id(&line, &out->id))
		return false;
	out->text = "";
	if (skip_word(&line, "error")) {
		out->result = TABLELINE_ERROR;
		out->text = line;
		return true;
	}
	if (out->op != TABLELINE_UPDATE && strcmp(line, "not-found") == 0) {
		out->result = TABLELINE_NOT_FOUND;
		return true;
	}
	out->result = TABLELINE_FOUND;
	if (out->op == TABLELINE_UPDATE)
		return strcmp(line, "ok") == 0;
	if (out->op == TABLELINE_CHECK)
		return strcmp(line, "found") == 0;
	found = strncmp(line, "found|", 6) == 0;
	if (found)
		out->text = line + 6;
	return found;
}
