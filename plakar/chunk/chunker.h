/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * chunker: where a file is cut, decided by its content.
 *
 * A cut depends on nothing but the 64 bytes before it and its distance from
 * the cut before: so an insertion moves the cuts that follow it along, and
 * what was stored once is found again.  The rule is keyed: without the key
 * nobody can predict the cuts of known content.
 *
 * Units:   lengths are bytes.
 * Threads: pure; a chunker is read-only once made, and may be shared.
 * Source:  doc/formats/plakar-chunker.md, with test vectors.
 */
#ifndef PLAKAR_CHUNK_CHUNKER_H
#define PLAKAR_CHUNK_CHUNKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define CHUNKER_KEY_LEN     32
#define CHUNKER_WINDOW      64        /* bytes that a cut depends on */
#define CHUNKER_MAX         (1 << 20) /* no chunk is longer, whatever is asked */

#define CHUNKER_DEFAULT_MIN 8192
#define CHUNKER_DEFAULT_AVG 32768
#define CHUNKER_DEFAULT_MAX 131072

struct err;

struct chunker_params {
	uint32_t min;
	uint32_t avg; /* a power of two */
	uint32_t max;
};

struct chunker {
	struct chunker_params params;
	uint32_t turn; /* from here on, cuts are easier */
	uint64_t hard; /* cut when the hash is below; before turn */
	uint64_t easy; /* from turn on */
	uint64_t gear[256];
};

/*
 * Make c ready.  Wipe it with chunker_clear(): it is as secret as the key.
 * ERR_LIMIT: not 64 <= min <= avg / 2, avg < max <= CHUNKER_MAX, or avg no
 * power of two.
 */
int chunker_init(struct chunker *c, const struct chunker_params *params,
    const uint8_t key[CHUNKER_KEY_LEN], struct err *e) ATTR_CHECKED;
void chunker_clear(struct chunker *c);

/*
 * The length of the first chunk of the len bytes at data, which start where
 * the chunk before ended (or the file begins).  With last, nothing follows
 * them.  0: more bytes are needed to decide, or len is 0; never so when len
 * is params.max or more.  The answer does not depend on how many bytes
 * beyond the chunk are given.
 */
size_t chunker_cut(
    const struct chunker *c, const uint8_t *data, size_t len, bool last);

#endif
