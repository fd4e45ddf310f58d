/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The rooms of plakar behind the shortest of command lines, for tests that
 * run it a thousand times: no passphrase, no output but what is asked for.
 *
 *     drive init REPO
 *     drive push REPO SOURCE     prints the snapshot's id
 *     drive list REPO            prints ids
 *     drive check REPO           structure, then all data
 *     drive keyless REPO
 *     drive pull REPO ID DIR
 *     drive trash REPO ID
 *
 * Exit status: 0, 1 failed, 2 misused, 3 done, but something was wrong.
 */
#include <stdio.h>
#include <string.h>

#include "lib/err.h"
#include "lib/secret.h"

#include "plakar/tests/support/ops.h"

static void
print_id(void *arg, const char *id)
{
	(void)arg;
	puts(id);
}

/* -2: no such command. */
static int
run(char **argv, int argc, struct err *e)
{
	const char *verb = argv[1], *repo = argv[2];
	char id[OPS_ID_LEN];
	int rc;

	if (strcmp(verb, "init") == 0)
		return ops_init(repo, e);
	if (strcmp(verb, "list") == 0)
		return ops_list(repo, print_id, NULL, e);
	if (strcmp(verb, "check") == 0) {
		rc = ops_check(repo, false, e);
		return rc == 0 ? ops_check(repo, true, e) : rc;
	}
	if (strcmp(verb, "keyless") == 0)
		return ops_check_keyless(repo, e);
	if (strcmp(verb, "push") == 0 && argc == 4) {
		rc = ops_push(repo, argv[3], id, e);
		if (rc != -1)
			puts(id);
		return rc;
	}
	if (strcmp(verb, "pull") == 0 && argc == 5)
		return ops_pull(repo, argv[3], argv[4], e);
	if (strcmp(verb, "trash") == 0 && argc == 4)
		return ops_trash(repo, argv[3], e);
	return -2;
}

int
main(int argc, char **argv)
{
	struct err e = { 0 };
	int rc = -2;

	if (secret_init(&e) == -1) {
		fprintf(stderr, "drive: %s\n", e.msg);
		return 1;
	}
	if (argc >= 3)
		rc = run(argv, argc, &e);
	if (rc == -2) {
		fprintf(stderr, "usage: drive VERB REPO [ARG...]\n");
		return 2;
	}
	if (rc != 0)
		fprintf(stderr, "drive: %s\n", e.msg);
	return rc == 0 ? 0 : rc == -1 ? 1 : 3;
}
