/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdbool.h>

#include "lib/err.h"

#include "plakar/keys/credential.h"
#include "plakar/keys/keyring.h"
#include "plakar/keys/keyslot.h"
#include "plakar/keys/unlock.h"

#define TRIES 3

/* How much a failure to open one slot tells: the most is kept. */
static int
weight(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE:
		return 0;
	case ERR_NOT_FOUND: /* opens with another kind of secret */
		return 1;
	case ERR_DENIED:
		return 2;
	default: /* damaged, too new, no memory: might have opened */
		return 3;
	}
}

/* Try each slot. */
static struct keyring *
try_slots(const struct unlock *u, const struct credential *c, size_t *number,
    struct err *e)
{
	struct err worst;

	err_clear(&worst);
	for (size_t i = 0; i < u->n; i++) {
		struct err one;
		struct keyring *kr = keyslot_open(
		    u->slots[i].data, u->slots[i].len, u->repo_id, c, &one);

		if (kr != NULL) {
			if (number != NULL)
				*number = i;
			return kr;
		}
		if (weight(one.kind) > weight(worst.kind))
			worst = one;
	}
	if (worst.kind == ERR_NONE)
		err_set(&worst, ERR_CORRUPT, "the repository has no key slot");
	if (worst.kind == ERR_NOT_FOUND)
		worst.kind = ERR_DENIED;
	*e = worst;
	return NULL;
}

static bool
named(const struct credential_source *src)
{
	return src->key_file != NULL || src->passphrase_command != NULL ||
	    src->passphrase_file != NULL;
}

struct keyring *
unlock_keyring(const struct unlock *u, const struct credential_source *src,
    size_t *number, struct err *e)
{
	const struct credential none = { .kdf = SLOT_UNLOCKED };
	struct keyring *kr;

	if (!named(src)) {
		kr = try_slots(u, &none, number, e);
		if (kr != NULL || src->no_passphrase)
			return kr;
	}
	for (int i = 1;; i++) {
		struct credential c;
		bool typed;

		if (credential_get(src, u->what, i > 1, &c, e) == -1)
			return NULL;
		kr = try_slots(u, &c, number, e);
		typed = c.typed;
		credential_clear(&c);
		if (kr != NULL || !typed || e->kind != ERR_DENIED || i == TRIES)
			return kr;
	}
}
