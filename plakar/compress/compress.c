/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "plakar/compress/compress.h"

struct compressor {
	ZSTD_CCtx *zstd;
	struct decompressor *check; /* NULL: don't verify */
	uint8_t *back;
	int level;
};

struct decompressor {
	ZSTD_DCtx *zstd;
};

static void ATTR_NORETURN
no_memory(void)
{
	fputs("out of memory\n", stderr);
	abort();
}

struct compressor *
compressor_new(int level, bool verify)
{
	struct compressor *c = xcalloc(1, sizeof(*c));

	assert(level >= COMPRESS_LEVEL_MIN && level <= COMPRESS_LEVEL_MAX);
	c->level = level;
	c->zstd = ZSTD_createCCtx();
	if (c->zstd == NULL)
		no_memory();
	if (verify) {
		c->check = decompressor_new();
		c->back = xmalloc(BLOCK_RAW_MAX);
	}
	return c;
}

void
compressor_free(struct compressor *c)
{
	if (c == NULL)
		return;
	ZSTD_freeCCtx(c->zstd);
	decompressor_free(c->check);
	free(c->back);
	free(c);
}

static int
verify(struct compressor *c, const uint8_t *raw, size_t len,
    const uint8_t *packed, size_t packed_len, struct err *e)
{
	size_t back_len;

	if (decompressor_run(c->check, CODEC_ZSTD, packed, packed_len, c->back,
		&back_len, e) == -1)
		return -1;
	if (back_len != len || memcmp(c->back, raw, len) != 0) {
		err_set(e, ERR_CORRUPT,
		    "compressed data does not come back: "
		    "this machine's memory or zstd library is faulty");
		return -1;
	}
	return 0;
}

int
compressor_run(struct compressor *c, const uint8_t *raw, size_t len,
    uint8_t *out, size_t *out_len, enum block_codec *codec, struct err *e)
{
	/* Room for less than the input: zstd fails where it gains nothing. */
	size_t worth = len - len / 64;
	size_t n = ZSTD_compressCCtx(c->zstd, out, worth, raw, len, c->level);

	if (ZSTD_isError(n)) {
		memcpy(out, raw, len);
		*out_len = len;
		*codec = CODEC_STORED;
		return 0;
	}
	*out_len = n;
	*codec = CODEC_ZSTD;
	return c->check == NULL ? 0 : verify(c, raw, len, out, n, e);
}

struct decompressor *
decompressor_new(void)
{
	struct decompressor *d = xcalloc(1, sizeof(*d));

	d->zstd = ZSTD_createDCtx();
	if (d->zstd == NULL)
		no_memory();
	return d;
}

void
decompressor_free(struct decompressor *d)
{
	if (d == NULL)
		return;
	ZSTD_freeDCtx(d->zstd);
	free(d);
}

int
decompressor_run(struct decompressor *d, enum block_codec codec,
    const uint8_t *data, size_t len, uint8_t *out, size_t *out_len,
    struct err *e)
{
	size_t n;

	if (codec == CODEC_STORED) {
		if (len > BLOCK_RAW_MAX) {
			err_set(e, ERR_CORRUPT, "block of %zu bytes", len);
			return -1;
		}
		memcpy(out, data, len);
		*out_len = len;
		return 0;
	}
	n = ZSTD_decompressDCtx(d->zstd, out, BLOCK_RAW_MAX, data, len);
	if (ZSTD_isError(n)) {
		err_set(e, ERR_CORRUPT, "block can't be decompressed: %s",
		    ZSTD_getErrorName(n));
		return -1;
	}
	*out_len = n;
	return 0;
}
