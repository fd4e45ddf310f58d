/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * config: what a repository is: its id, how it cuts, seals, and to whom.
 *
 * Shape:  doc/formats/plakar-repository.md, section 3.
 * Limits: CONFIG_LEN_MAX bytes.
 * Errors: ERR_CORRUPT; ERR_UNSUPPORTED for a newer version, an unknown
 *         feature that must be known (named), chunker or cipher.
 * Pure:   the MAC is carried, not checked: plakar/keys does that.
 */
#ifndef PLAKAR_FORMAT_CONFIG_H
#define PLAKAR_FORMAT_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/ids.h"

#define CONFIG_LEN_MAX     65536 /* bytes */
#define CONFIG_MAC_LEN     32
#define CONFIG_PUBLIC_LEN  32
#define CONFIG_FEATURE_MAX 64 /* bytes of a feature's name */

struct buf;
struct err;

enum config_chunker {
	CHUNKER_GEAR = 1,
};

struct config {
	uint8_t repo_id[REPO_ID_LEN];
	uint64_t created; /* seconds since 1970 */
	enum config_chunker chunker;
	uint32_t chunk_min, chunk_avg, chunk_max;
	uint8_t aead; /* enum aead_alg */
	uint8_t metadata_public[CONFIG_PUBLIC_LEN];
	uint8_t data_public[CONFIG_PUBLIC_LEN];
};

/* Append all of it but the MAC, which covers it. */
void config_encode(const struct config *c, struct buf *out);

/* Decode len bytes, MAC included: the last CONFIG_MAC_LEN of them. */
int config_decode(
    const void *data, size_t len, struct config *c, struct err *e) ATTR_CHECKED;

#endif
