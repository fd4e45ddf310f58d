/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * passthrough: a filter that asks for everything and changes nothing, as fast
 * as it can: what remains is the cost of the server's own way to it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INPUT_LEN 262144

static char in[INPUT_LEN];

/* "filter|VERSION|TIME|SUBSYSTEM|PHASE|SESSION|TOKEN|PARAMETER" */
static void
answer(char *line)
{
	char *field[8], *at = line;

	for (int i = 0; i < 7; i++) {
		field[i] = at;
		at = strchr(at, '|');
		if (at == NULL)
			return;
		*at++ = '\0';
	}
	field[7] = at;
	if (strcmp(field[4], "data-line") == 0)
		printf(
		    "filter-dataline|%s|%s|%s\n", field[5], field[6], field[7]);
	else
		printf("filter-result|%s|%s|proceed\n", field[5], field[6]);
}

/* Answer all whole lines of in; how many bytes they were. */
static size_t
take_lines(size_t used)
{
	size_t at = 0;

	while (at < used) {
		char *lf = memchr(in + at, '\n', used - at);

		if (lf == NULL)
			break;
		*lf = '\0';
		if (strncmp(in + at, "filter|", 7) == 0)
			answer(in + at);
		at = (size_t)(lf - in) + 1;
	}
	memmove(in, in + at, used - at);
	return at;
}

int
main(void)
{
	static const char *const phases[] = { "connect", "helo", "ehlo",
		"mail-from", "rcpt-to", "data", "data-line", "commit" };
	static char out[INPUT_LEN];
	size_t used = 0;
	ssize_t n;

	setvbuf(stdout, out, _IOFBF, sizeof(out));
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		printf("register|filter|smtp-in|%s\n", phases[i]);
	printf("register|report|smtp-in|*\nregister|ready\n");
	fflush(stdout);
	while ((n = read(0, in + used, sizeof(in) - used)) > 0) {
		used += (size_t)n;
		used -= take_lines(used);
		fflush(stdout);
	}
	return 0;
}
