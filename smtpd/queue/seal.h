/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * seal: what the queue's bytes become on their way to the disk, and back:
 * compressed, then encrypted.
 *
 * Shape:  an envelope that is encrypted begins with SEAL_MARK, where a plain
 *         one has its version; then nonce, 24 bytes, and the bytes with a tag
 *         of 16.  A body is nonce and bytes with tag, or, only compressed, a
 *         zstd frame.  What they belong to is vouched for with them.
 * Errors: ERR_DENIED: encrypted, and there is no key; ERR_CORRUPT.
 * Source: XChaCha20-Poly1305 of libsodium; RFC 8878 (zstd); RFC 9106 (the key
 *         of a passphrase); doc/formats/smtpd-queue.md.
 */
#ifndef SMTPD_QUEUE_SEAL_H
#define SMTPD_QUEUE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define SEAL_MARK     2
#define SEAL_KEY      32
#define SEAL_SALT     16
#define SEAL_CHECK    32
#define SEAL_BODY_MAX (1ULL << 32)

struct buf;
struct err;
struct seal;

struct seal *seal_new(void);
void seal_free(struct seal *s);

/* Compress bodies from now on, or don't; they are read in any case. */
void seal_set_compression(struct seal *s, bool on);

/*
 * Encrypt from now on, with the key that a passphrase and a salt make; check
 * gets what tells that key from others.  Slow, as it must be.
 */
int seal_set_key(struct seal *s, const char *passphrase,
    const uint8_t salt[SEAL_SALT], uint8_t check[SEAL_CHECK],
    struct err *e) ATTR_CHECKED;

/* Append an encoded envelope to out, as it is stored; and back. */
void seal_envelope(const struct seal *s, uint64_t id, const void *in,
    size_t len, struct buf *out);
int unseal_envelope(const struct seal *s, uint64_t id, const void *in,
    size_t len, struct buf *out, struct err *e) ATTR_CHECKED;

/* Likewise a body; *flags are RECORD_PACKED and RECORD_SEALED. */
void seal_body(const struct seal *s, uint32_t msgid, const void *in, size_t len,
    struct buf *out, uint8_t *flags);
/* plain_len is how long it must come out. */
int unseal_body(const struct seal *s, uint32_t msgid, uint8_t flags,
    const void *in, size_t len, uint64_t plain_len, struct buf *out,
    struct err *e) ATTR_CHECKED;

/* Whether seal_body() does anything. */
bool seal_changes(const struct seal *s);

#endif
