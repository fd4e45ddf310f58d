/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The keys process: holds private keys and never tells one.
 *
 * Peers: the parent gives KEYS, a file in memory; dispatchers ask SIGN and
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

struct state {
	struct key keys[KEYS_MAX];
	size_t n;
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
forget_keys(struct state *st)
{
	while (st->n > 0)
		EVP_PKEY_free(st->keys[--st->n].key);
}

/* id, length u32, PEM; and so on. */
static void
read_keys(struct state *st, const void *data, size_t len)
{
	struct wire w;
	struct err e;

	wire_init(&w, data, len);
	while (w.left > 0 && st->n < KEYS_MAX) {
		struct key *k = &st->keys[st->n];
		const uint8_t *id = wire_bytes(&w, TLS_KEY_ID);
		size_t pem_len = wire_u32(&w);
		const uint8_t *pem = wire_bytes(&w, pem_len);

		if (!wire_ok(&w))
			break;
		memcpy(k->id, id, TLS_KEY_ID);
		k->key = tls_key_parse("keys", pem, pem_len, &e);
		if (k->key != NULL)
			st->n++;
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
	forget_keys(st);
	if (sb.st_size == 0)
		return;
	map = mmap(NULL, (size_t)sb.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (map == MAP_FAILED) {
		log_error("keys: they can't be read");
		return;
	}
	read_keys(st, map, (size_t)sb.st_size);
	OPENSSL_cleanse(map, (size_t)sb.st_size);
	munmap(map, (size_t)sb.st_size);
}

static void
sign(struct state *st, struct ipc_msg *m, struct buf *out)
{
	struct tls_signing s;
	struct err e;

	if (tls_signing_decode(m->data, m->len, &s, &e) == -1) {
		log_warn("keys: %s", e.msg);
		return;
	}
	for (size_t i = 0; i < st->n; i++) {
		if (memcmp(st->keys[i].id, s.id, TLS_KEY_ID) != 0)
			continue;
		if (tls_sign(st->keys[i].key, &s, out, &e) == -1)
			log_warn("keys: %s", e.msg);
		return;
	}
	log_warn("keys: asked for a key that is not there");
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

	forget_keys(st);
	OPENSSL_cleanse(st->ticket, sizeof(st->ticket));
}

const struct proc_ops keys_ops = {
	.id = PROC_KEYS,
	.message = message,
	.stop = stop,
};
