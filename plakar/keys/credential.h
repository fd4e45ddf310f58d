/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * credential: the passphrase or key file of whoever runs the program, taken
 * from where the person said it is.
 *
 * The first of these that is given is used: one of --key-file,
 * --passphrase-command, --passphrase-file and --no-passphrase (two of them
 * are a mistake); PLAKAR_PASSPHRASE; the terminal, twice for a new one.  A
 * passphrase is never on a command line, and never in a message.
 *
 * A file's or a command's passphrase is its first line.  The command is run
 * by sh -c with nothing on its standard input: it is the person's own line,
 * to be written as in a shell.
 *
 * Limits: passphrases of CREDENTIAL_MAX bytes; key files of 32 to 4,096.
 */
#ifndef PLAKAR_KEYS_CREDENTIAL_H
#define PLAKAR_KEYS_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/slot.h"

#define CREDENTIAL_MAX          1024 /* bytes of a passphrase */
#define CREDENTIAL_KEY_FILE_MIN 32
#define CREDENTIAL_KEY_FILE_MAX 4096

struct err;

/* "= {0}" is none. */
struct credential {
	enum slot_kdf kdf;
	uint8_t *secret; /* secret memory; NULL for SLOT_UNLOCKED */
	size_t len;
	bool typed; /* by a person, who may have slipped */
};

/* Where to look: at most one of the first four is set.  All borrowed. */
struct credential_source {
	const char *key_file;
	const char *passphrase_command;
	const char *passphrase_file;
	bool no_passphrase;
	/*
	 * May be NULL.  A new passphrase that is typed is kept here, so that
	 * who makes a repository and then opens it is not asked again.
	 */
	struct credential *typed;
};

/*
 * The credential that opens an existing repository, called what in the
 * prompt; again: the one typed before was wrong.  ERR_USAGE: two sources, or a source that can't be.  ERR_DENIED:
 * no source, and no terminal to ask at.
 */
int credential_get(const struct credential_source *src, const char *what,
    bool again, struct credential *c, struct err *e) ATTR_CHECKED;

/* The one for a new key: asked for twice, never empty. */
int credential_make(const struct credential_source *src, const char *what,
    struct credential *c, struct err *e) ATTR_CHECKED;

/* Wipes. */
void credential_clear(struct credential *c);

#endif
