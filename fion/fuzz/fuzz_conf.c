/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * A configuration: it is taken, or refused with a place and a reason; each
 * key of what is taken can be written and read again as the same key.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"

#include "fion/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
check_key(struct config_key key)
{
	struct config_key again;
	char text[128];

	config_key_format(key, text, sizeof(text));
	require(config_key_parse(text, &again));
	require(again.mods == key.mods && again.sym == key.sym);
}

static void
check_mode(const struct config_mode *m)
{
	for (size_t i = 0; i < m->n; i++) {
		require(m->binds[i].n > 0);
		require(m->binds[i].words[m->binds[i].n] == NULL);
		check_key(m->binds[i].key);
	}
	if (m->prefix.sym != 0)
		check_key(m->prefix);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config *c = config_new();
	struct err e = { 0 };

	if (config_parse(c, "fuzz", (const char *)data, len, NULL, &e) == -1) {
		require(strncmp(e.msg, "fuzz:", 5) == 0);
	} else {
		for (size_t i = 0; i < c->n_modes; i++)
			check_mode(&c->modes[i]);
		config_match(c, "Class", "instance", "role", "title", "normal");
	}
	config_free(c);
	return 0;
}
