/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/queue/record.h"

#include "smtpd/queue/seal.h"

#define LEVEL  3 /* of zstd */
#define NONCE  crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG    crypto_aead_xchacha20poly1305_ietf_ABYTES
#define AD_LEN 9

static_assert(SEAL_KEY == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    "a key is as long as the cipher's");
static_assert(SEAL_SALT == crypto_pwhash_SALTBYTES, "and so is a salt");

struct seal {
	bool compress, encrypt;
	uint8_t key[SEAL_KEY];
};

struct seal *
seal_new(void)
{
	return xcalloc(1, sizeof(struct seal));
}

void
seal_free(struct seal *s)
{
	if (s == NULL)
		return;
	explicit_bzero(s, sizeof(*s));
	free(s);
}

void
seal_set_compression(struct seal *s, bool on)
{
	s->compress = on;
}

int
seal_set_key(struct seal *s, const char *passphrase,
    const uint8_t salt[SEAL_SALT], uint8_t check[SEAL_CHECK], struct err *e)
{
	static const uint8_t what[] = "the key of a queue";

	if (sodium_init() == -1 ||
	    crypto_pwhash(s->key, SEAL_KEY, passphrase, strlen(passphrase),
		salt, crypto_pwhash_OPSLIMIT_INTERACTIVE,
		crypto_pwhash_MEMLIMIT_INTERACTIVE,
		crypto_pwhash_ALG_ARGON2ID13) == -1) {
		err_set(e, ERR_SYSTEM, "no memory to make a key");
		return -1;
	}
	crypto_generichash(
	    check, SEAL_CHECK, what, sizeof(what), s->key, SEAL_KEY);
	s->encrypt = true;
	return 0;
}

bool
seal_changes(const struct seal *s)
{
	return s->compress || s->encrypt;
}

/* What the bytes are: so that none can stand for another. */
static void
associate(uint64_t id, uint8_t kind, uint8_t ad[AD_LEN])
{
	wire_store64(ad, id);
	ad[8] = kind;
}

static void
encrypt(const struct seal *s, uint64_t id, uint8_t kind, const void *in,
    size_t len, struct buf *out)
{
	uint8_t ad[AD_LEN], *to = buf_reserve(out, NONCE + len + TAG);

	associate(id, kind, ad);
	randombytes_buf(to, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
	    to + NONCE, NULL, in, len, ad, sizeof(ad), NULL, to, s->key);
	out->len += NONCE + len + TAG;
}

static int
decrypt(const struct seal *s, uint64_t id, uint8_t kind, const uint8_t *in,
    size_t len, struct buf *out, struct err *e)
{
	uint8_t ad[AD_LEN];

	if (!s->encrypt) {
		err_set(e, ERR_DENIED, "encrypted, and there is no key");
		return -1;
	}
	associate(id, kind, ad);
	if (len < NONCE + TAG ||
	    crypto_aead_xchacha20poly1305_ietf_decrypt(buf_reserve(out, len),
		NULL, NULL, in + NONCE, len - NONCE, ad, sizeof(ad), in,
		s->key) == -1) {
		err_set(e, ERR_CORRUPT, "it does not decrypt");
		return -1;
	}
	out->len += len - NONCE - TAG;
	return 0;
}

void
seal_envelope(const struct seal *s, uint64_t id, const void *in, size_t len,
    struct buf *out)
{
	if (!s->encrypt) {
		buf_add(out, in, len);
		return;
	}
	buf_add_u8(out, SEAL_MARK);
	encrypt(s, id, SEAL_MARK, in, len, out);
}

int
unseal_envelope(const struct seal *s, uint64_t id, const void *in, size_t len,
    struct buf *out, struct err *e)
{
	const uint8_t *p = in;

	if (len > 0 && p[0] == SEAL_MARK)
		return decrypt(s, id, SEAL_MARK, p + 1, len - 1, out, e);
	buf_add(out, in, len);
	return 0;
}

/* Compressed, if that makes it shorter. */
static bool
compress(const void *in, size_t len, struct buf *out)
{
	size_t bound = ZSTD_compressBound(len);
	size_t n =
	    ZSTD_compress(buf_reserve(out, bound), bound, in, len, LEVEL);

	if (ZSTD_isError(n) != 0 || n >= len)
		return false;
	out->len += n;
	return true;
}

void
seal_body(const struct seal *s, uint32_t msgid, const void *in, size_t len,
    struct buf *out, uint8_t *flags)
{
	struct buf packed = { 0 };

	*flags = 0;
	if (s->compress && compress(in, len, &packed)) {
		*flags |= RECORD_PACKED;
		in = packed.data;
		len = packed.len;
	}
	if (s->encrypt) {
		*flags |= RECORD_SEALED;
		encrypt(s, msgid, *flags, in, len, out);
	} else {
		buf_add(out, in, len);
	}
	buf_free(&packed);
}

static int
decompress(const void *in, size_t len, uint64_t plain_len, struct buf *out,
    struct err *e)
{
	size_t n;

	if (plain_len > SEAL_BODY_MAX) {
		err_set(e, ERR_LIMIT, "a body too large");
		return -1;
	}
	n = ZSTD_decompress(buf_reserve(out, (size_t)plain_len + 1),
	    (size_t)plain_len, in, len);
	if (ZSTD_isError(n) != 0 || n != plain_len) {
		err_set(e, ERR_CORRUPT, "it does not decompress");
		return -1;
	}
	out->len += n;
	return 0;
}

int
unseal_body(const struct seal *s, uint32_t msgid, uint8_t flags, const void *in,
    size_t len, uint64_t plain_len, struct buf *out, struct err *e)
{
	uint8_t kind = flags & (RECORD_PACKED | RECORD_SEALED);
	size_t before = out->len;
	struct buf open = { 0 };
	int rc = 0;

	if ((kind & RECORD_SEALED) != 0) {
		rc = decrypt(s, msgid, kind, in, len, &open, e);
		in = open.data;
		len = open.len;
	}
	if (rc == 0 && (kind & RECORD_PACKED) != 0)
		rc = decompress(in, len, plain_len, out, e);
	else if (rc == 0)
		buf_add(out, in, len);
	if (rc == 0 && out->len - before != plain_len) {
		err_set(e, ERR_CORRUPT, "a body of another length");
		rc = -1;
	}
	buf_free(&open);
	return rc;
}
