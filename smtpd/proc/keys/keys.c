/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The keys process: holds private keys and never tells one.
 *
 * Peers: the parent gives KEYS, a file in memory, and is told when they are
 * taken; dispatchers ask SIGN and
 * get SIGNED (empty: no), and TICKET, the key of session tickets, which
 * changes every TICKET_LIFE seconds.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/proc.h"
#include "smtpd/tls/tls.h"

#include "smtpd/proc/keys/keys.h"

#define KEYS_MAX    256
#define TICKET_LIFE (12 * 3600)

struct key {
	uint8_t id[TLS_KEY_ID];
	EVP_PKEY *key;
};

/* The keys of one configuration. */
struct keys {
	struct key keys[KEYS_MAX];
	size_t n;
};

struct state {
	struct keys now, before; /* for handshakes under way at a reload */
	uint8_t ticket[TLS_TICKET];
	time_t ticket_made; /* monotonic; 0: none yet */
};

static struct state *
state_of(struct proc *p)
{
	if (p->state == NULL)
		p->state = xcalloc(1, sizeof(struct state));
	return p->state;
}

static void
forget_keys(struct keys *ks)
{
	while (ks->n > 0)
		EVP_PKEY_free(ks->keys[--ks->n].key);
}

/* id, length u32, PEM; and so on. */
static void
read_keys(struct keys *ks, const void *data, size_t len)
{
	struct wire w;
	struct err e;

	wire_init(&w, data, len);
	while (w.left > 0 && ks->n < KEYS_MAX) {
		struct key *k = &ks->keys[ks->n];
		const uint8_t *id = wire_bytes(&w, TLS_KEY_ID);
		size_t pem_len = wire_u32(&w);
		const uint8_t *pem = wire_bytes(&w, pem_len);

		if (!wire_ok(&w))
			break;
		memcpy(k->id, id, TLS_KEY_ID);
		k->key = tls_key_parse("keys", pem, pem_len, &e);
		if (k->key != NULL)
			ks->n++;
		else
			log_error("%s", e.msg);
	}
}

static void
take_keys(struct state *st, int fd)
{
	struct stat sb;
	void *map;

	if (fd == -1 || fstat(fd, &sb) == -1)
		return;
	forget_keys(&st->before);
	st->before = st->now;
	st->now.n = 0;
	if (sb.st_size == 0)
		return;
	map = mmap(NULL, (size_t)sb.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (map == MAP_FAILED) {
		log_error("keys: they can't be read");
		return;
	}
	read_keys(&st->now, map, (size_t)sb.st_size);
	OPENSSL_cleanse(map, (size_t)sb.st_size);
	munmap(map, (size_t)sb.st_size);
}

static EVP_PKEY *
find_key(const struct keys *ks, const uint8_t id[TLS_KEY_ID])
{
	for (size_t i = 0; i < ks->n; i++) {
		if (memcmp(ks->keys[i].id, id, TLS_KEY_ID) == 0)
			return ks->keys[i].key;
	}
	return NULL;
}

static void
sign(struct state *st, struct ipc_msg *m, struct buf *out)
{
	struct tls_signing s;
	EVP_PKEY *key;
	struct err e;

	if (tls_signing_decode(m->data, m->len, &s, &e) == -1) {
		log_warn("keys: %s", e.msg);
		return;
	}
	key = find_key(&st->now, s.id);
	if (key == NULL)
		key = find_key(&st->before, s.id);
	if (key == NULL)
		log_warn("keys: asked for a key that is not there");
	else if (tls_sign(key, &s, out, &e) == -1)
		log_warn("keys: %s", e.msg);
}

static const uint8_t *
ticket(struct state *st)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (st->ticket_made == 0 ||
	    now.tv_sec - st->ticket_made >= TICKET_LIFE) {
		arc4random_buf(st->ticket, sizeof(st->ticket));
		st->ticket_made = now.tv_sec;
	}
	return st->ticket;
}

static void
message(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct state *st = state_of(p);
	struct buf b = { 0 };

	switch (m->type) {
	case MSG_KEYS:
		take_keys(st, m->fd);
		proc_send(p, PROC_PARENT, 0, MSG_KEYS, NULL, -1);
		break;
	case MSG_SIGN:
		sign(st, m, &b);
		proc_send(p, from.id, from.instance, MSG_SIGNED, &b, -1);
		break;
	case MSG_TICKET:
		buf_add(&b, ticket(st), TLS_TICKET);
		proc_send(p, from.id, from.instance, MSG_TICKET, &b, -1);
		break;
	default:
		log_warn("keys: message %u from the %s", m->type,
		    proc_name(from.id));
		break;
	}
	buf_free(&b);
}

static void
stop(struct proc *p)
{
	struct state *st = state_of(p);

	forget_keys(&st->now);
	forget_keys(&st->before);
	OPENSSL_cleanse(st->ticket, sizeof(st->ticket));
}

const struct proc_ops keys_ops = {
	.id = PROC_KEYS,
	.message = message,
	.stop = stop,
};
