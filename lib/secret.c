/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/err.h"

#include "lib/secret.h"

int
secret_init(struct err *e)
{
	struct rlimit none = { 0, 0 };

	if (sodium_init() == -1) {
		err_set(e, ERR_SYSTEM, "the crypto library cannot start");
		return -1;
	}
	if (setrlimit(RLIMIT_CORE, &none) == -1) {
		err_sys(e, "cannot turn core dumps off");
		return -1;
	}
	return 0;
}

void *
secret_alloc(size_t len)
{
	void *p = sodium_malloc(len);

	if (p == NULL) {
		fputs("out of memory for keys\n", stderr);
		abort();
	}
	memset(p, 0, len);
	return p;
}

void
secret_free(void *p)
{
	sodium_free(p);
}
