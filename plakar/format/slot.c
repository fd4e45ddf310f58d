/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/wire.h"

#include "plakar/format/slot.h"

#define VERSION           1
#define BITS(first, last) (((1u << ((last) + 1)) - 1) & ~((1u << (first)) - 1))

static const char magic[8] = "PLKRkeys";

static const struct {
	const char *name;
	unsigned secrets;
} roles[] = {
	[ROLE_FULL] = { "full", BITS(SECRET_ROOT, SECRET_ROOT) },
	[ROLE_READ] = { "read", BITS(SECRET_CONFIG, SECRET_DATA) },
	[ROLE_PUSH] = { "push", BITS(SECRET_CONFIG, SECRET_INDEX) },
	[ROLE_PURGE] = { "purge", BITS(SECRET_CONFIG, SECRET_METADATA) },
};

const char *
slot_role_name(enum slot_role role)
{
	return roles[role].name;
}

bool
slot_role_parse(const char *name, enum slot_role *role)
{
	for (int i = ROLE_FULL; i <= ROLE_PURGE; i++)
		if (strcmp(name, roles[i].name) == 0) {
			*role = (enum slot_role)i;
			return true;
		}
	return false;
}

unsigned
slot_role_secrets(enum slot_role role)
{
	return roles[role].secrets;
}

void
slot_encode_head(const struct slot *slot, struct buf *out)
{
	size_t label_len = strlen(slot->label);

	buf_add(out, magic, sizeof(magic));
	wire_put_u32(out, VERSION);
	buf_add_u8(out, (uint8_t)slot->kdf);
	buf_add_u8(out, (uint8_t)slot->role);
	wire_put_u16(out, 0);
	wire_put_u32(out, slot->passes);
	wire_put_u32(out, slot->memory);
	buf_add(out, slot->salt, sizeof(slot->salt));
	wire_put_u64(out, slot->created);
	buf_add_u8(out, (uint8_t)label_len);
	buf_add(out, slot->label, label_len);
	buf_add(out, slot->commitment, sizeof(slot->commitment));
}

void
slot_encode_sealed(struct buf *out, const uint8_t *sealed, size_t len)
{
	wire_put_u16(out, (uint16_t)len);
	buf_add(out, sealed, len);
}

/* What opening this slot would cost. */
static int
check_costs(const struct slot *slot, struct err *e)
{
	if (slot->kdf != SLOT_PASSPHRASE) {
		if (slot->passes == 0 && slot->memory == 0)
			return 0;
		err_set(e, ERR_CORRUPT, "key slot with needless Argon2id");
		return -1;
	}
	if (slot->passes == 0 || slot->memory < SLOT_MEMORY_MIN) {
		err_set(e, ERR_CORRUPT, "key slot with no Argon2id");
		return -1;
	}
	if (slot->passes > SLOT_PASSES_MAX || slot->memory > SLOT_MEMORY_MAX) {
		err_set(e, ERR_LIMIT,
		    "key slot that asks for %u passes over %u KiB",
		    slot->passes, slot->memory);
		return -1;
	}
	return 0;
}

/* No control bytes, and no zero: it is shown to people. */
static bool
label_ok(const uint8_t *label, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (label[i] < ' ' || label[i] == 0x7f)
			return false;
	return true;
}

static int
decode_head(struct wire *w, struct slot *slot, struct err *e)
{
	uint8_t kdf = wire_u8(w), role = wire_u8(w), label_len;
	uint16_t zero = wire_u16(w);
	const uint8_t *label;

	slot->passes = wire_u32(w);
	slot->memory = wire_u32(w);
	wire_copy(w, slot->salt, sizeof(slot->salt));
	slot->created = wire_u64(w);
	label_len = wire_u8(w);
	label = wire_bytes(w, label_len);
	wire_copy(w, slot->commitment, sizeof(slot->commitment));
	if (!wire_ok(w) || zero != 0 || kdf > SLOT_UNLOCKED ||
	    role < ROLE_FULL || role > ROLE_PURGE ||
	    !label_ok(label, label_len)) {
		err_set(e, ERR_CORRUPT, "damaged key slot");
		return -1;
	}
	memcpy(slot->label, label, label_len);
	slot->kdf = (enum slot_kdf)kdf;
	slot->role = (enum slot_role)role;
	return check_costs(slot, e);
}

int
slot_decode(const void *data, size_t len, struct slot *slot, struct err *e)
{
	const uint8_t *found;
	uint32_t version;
	struct wire w;

	memset(slot, 0, sizeof(*slot));
	wire_init(&w, data, len);
	found = wire_bytes(&w, sizeof(magic));
	version = wire_u32(&w);
	if (!wire_ok(&w) || memcmp(found, magic, sizeof(magic)) != 0 ||
	    len > SLOT_LEN_MAX || version == 0) {
		err_set(e, ERR_CORRUPT, "not a key slot");
		return -1;
	}
	if (version != VERSION) {
		err_set(e, ERR_UNSUPPORTED, "key slot of version %u", version);
		return -1;
	}
	if (decode_head(&w, slot, e) == -1)
		return -1;
	slot->head_len = len - w.left;
	slot->sealed_len = wire_u16(&w);
	slot->sealed = wire_bytes(&w, slot->sealed_len);
	if (!wire_done(&w)) {
		err_set(e, ERR_CORRUPT, "damaged key slot");
		return -1;
	}
	return 0;
}

size_t
secrets_encode(const struct secrets *s, uint8_t out[SECRETS_LEN])
{
	size_t len = 0;

	for (unsigned i = 0; i < SECRET_KINDS; i++)
		if ((s->held & 1u << i) != 0) {
			out[len++] = (uint8_t)i;
			memcpy(out + len, s->of[i], SECRET_LEN);
			len += SECRET_LEN;
		}
	return len;
}

int
secrets_decode(const void *data, size_t len, enum slot_role role,
    struct secrets *s, struct err *e)
{
	unsigned wanted = slot_role_secrets(role);
	struct wire w;

	memset(s, 0, sizeof(*s));
	wire_init(&w, data, len);
	for (unsigned i = 0; i < SECRET_KINDS; i++) {
		if ((wanted & 1u << i) == 0)
			continue;
		if (wire_u8(&w) != i)
			break;
		wire_copy(&w, s->of[i], SECRET_LEN);
		s->held |= 1u << i;
	}
	if (s->held != wanted || !wire_done(&w)) {
		err_set(e, ERR_CORRUPT,
		    "the key slot does not hold what a "
		    "\"%s\" key holds",
		    slot_role_name(role));
		return -1;
	}
	return 0;
}
