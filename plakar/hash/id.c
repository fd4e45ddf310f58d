/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Chunk ids: HMAC-SHA-256 over many chunks, as many at a time as the
 * processor can.
 *
 * Each lane takes a job, runs it through three stages (the chunk's whole
 * blocks, its padded end, the outer hash) and takes the next.  Lanes advance
 * together by as many blocks as the one nearest to a stage's end has left.
 * Jobs are taken longest first, from a window that is sorted, so that the
 * lanes run dry at about the same time; the last few go through the code for
 * few streams.
 */
#include <string.h>

#include "plakar/hash/sha256.h"
#include "plakar/hash/sha256_internal.h"

#define WINDOW    256 /* jobs sorted at a time */
#define OUTER_PAD 0x5c
#define INNER_PAD 0x36

/* Fewer lanes than this are better driven three by three. */
#define WIDE_MIN 8

enum stage {
	STAGE_IDLE,
	STAGE_BODY,  /* whole blocks of the chunk */
	STAGE_TAIL,  /* its rest, padded */
	STAGE_OUTER, /* the second hash of the HMAC */
};

struct lane {
	enum stage stage;
	const uint8_t *next; /* blocks of this stage not done yet */
	size_t n;            /* how many */
	struct id_job *job;
	uint32_t state[8];
	uint8_t tail[2 * SHA256_BLOCK_LEN];
};

/* The jobs not taken yet. */
struct queue {
	struct id_job *next; /* those outside the window */
	size_t left;
	struct id_job *window[WINDOW]; /* ascending by length */
	size_t n;
};

void
id_key_init(struct id_key *k, const uint8_t key[ID_KEY_LEN])
{
	uint8_t inner[SHA256_BLOCK_LEN], outer[SHA256_BLOCK_LEN];

	memset(inner, INNER_PAD, sizeof(inner));
	memset(outer, OUTER_PAD, sizeof(outer));
	for (size_t i = 0; i < ID_KEY_LEN; i++) {
		inner[i] ^= key[i];
		outer[i] ^= key[i];
	}
	memcpy(k->inner, sha256_initial, sizeof(k->inner));
	memcpy(k->outer, sha256_initial, sizeof(k->outer));
	sha256_ops()->compress(k->inner, inner, 1);
	sha256_ops()->compress(k->outer, outer, 1);
	explicit_bzero(inner, sizeof(inner));
	explicit_bzero(outer, sizeof(outer));
}

void
id_key_clear(struct id_key *k)
{
	explicit_bzero(k, sizeof(*k));
}

static void
queue_fill(struct queue *q)
{
	for (; q->n < WINDOW && q->left > 0; q->next++, q->left--) {
		size_t i = q->n++;

		for (; i > 0 && q->window[i - 1]->len > q->next->len; i--)
			q->window[i] = q->window[i - 1];
		q->window[i] = q->next;
	}
}

/* The longest job of the window, or NULL when all are taken. */
static struct id_job *
queue_take(struct queue *q)
{
	if (q->n == 0)
		queue_fill(q);
	return q->n > 0 ? q->window[--q->n] : NULL;
}

static void
lane_enter(struct lane *l, enum stage stage, const uint8_t *next, size_t n)
{
	l->stage = stage;
	l->next = next;
	l->n = n;
}

static void
lane_start(struct lane *l, const struct id_key *k, struct id_job *job)
{
	l->job = job;
	if (job == NULL) {
		lane_enter(l, STAGE_IDLE, NULL, 0);
		return;
	}
	memcpy(l->state, k->inner, sizeof(l->state));
	lane_enter(l, STAGE_BODY, job->data, job->len / SHA256_BLOCK_LEN);
}

static void
lane_pad(struct lane *l)
{
	const struct id_job *job = l->job;
	size_t rest_len = job->len % SHA256_BLOCK_LEN;
	size_t n = sha256_pad(
	    l->tail, l->next, rest_len, (uint64_t)SHA256_BLOCK_LEN + job->len);

	lane_enter(l, STAGE_TAIL, l->tail, n);
}

static void
lane_outer(struct lane *l, const struct id_key *k)
{
	uint8_t digest[SHA256_LEN];
	size_t n;

	sha256_put_words(l->state, digest, sizeof(digest));
	memcpy(l->state, k->outer, sizeof(l->state));
	n = sha256_pad(
	    l->tail, digest, sizeof(digest), SHA256_BLOCK_LEN + sizeof(digest));
	lane_enter(l, STAGE_OUTER, l->tail, n);
}

/* Bring l to a stage that has blocks to do, or to idle. */
static void
lane_settle(struct lane *l, const struct id_key *k, struct queue *q)
{
	while (l->n == 0 && l->stage != STAGE_IDLE) {
		switch (l->stage) {
		case STAGE_BODY:
			lane_pad(l);
			break;
		case STAGE_TAIL:
			lane_outer(l, k);
			break;
		case STAGE_OUTER:
			sha256_put_words(l->state, l->job->out, ID_LEN);
			lane_start(l, k, queue_take(q));
			break;
		case STAGE_IDLE:
			break;
		}
	}
}

/*
 * Advance n of the lanes, by as many blocks as all of them have, with code
 * that drives width at once: a lane too many is driven along over another's
 * blocks, in a state that nobody reads, which costs nothing.
 */
static void
lanes_advance(struct lane *const *active, size_t n, size_t width,
    sha256_compress_many_cb compress)
{
	uint32_t *states[SHA256_WIDE], unread[8] = { 0 };
	const uint8_t *blocks[SHA256_WIDE];
	size_t count = SIZE_MAX;

	for (size_t i = 0; i < width; i++) {
		states[i] = i < n ? active[i]->state : unread;
		blocks[i] = active[i < n ? i : 0]->next;
		if (i < n && active[i]->n < count)
			count = active[i]->n;
	}
	compress(states, blocks, count);
	for (size_t i = 0; i < n; i++) {
		active[i]->next += count * SHA256_BLOCK_LEN;
		active[i]->n -= count;
	}
}

static void
lane_advance(struct lane *l, sha256_compress_cb compress)
{
	compress(l->state, l->next, l->n);
	l->next += l->n * SHA256_BLOCK_LEN;
	l->n = 0;
}

/* Advance some of the n active lanes, with the code best for so many. */
static void
step(const struct sha256_code_ops *ops, struct lane *const *active, size_t n)
{
	if (ops->compress16 != NULL && n >= WIDE_MIN)
		lanes_advance(active, n, SHA256_WIDE, ops->compress16);
	else if (ops->compress3 != NULL && n >= 2)
		lanes_advance(active, n < SHA256_LANES ? n : SHA256_LANES,
		    SHA256_LANES, ops->compress3);
	else
		lane_advance(active[0], ops->compress);
}

void
id_compute(const struct id_key *k, struct id_job *jobs, size_t n)
{
	const struct sha256_code_ops *ops = sha256_ops();
	struct queue q = { .next = jobs, .left = n };
	struct lane lanes[SHA256_WIDE], *active[SHA256_WIDE];
	size_t width = 1, n_active;

	if (ops->compress3 != NULL)
		width = SHA256_LANES;
	if (ops->compress16 != NULL && n >= WIDE_MIN)
		width = SHA256_WIDE;
	for (size_t i = 0; i < width; i++)
		lane_start(&lanes[i], k, queue_take(&q));
	do {
		n_active = 0;
		for (size_t i = 0; i < width; i++) {
			lane_settle(&lanes[i], k, &q);
			if (lanes[i].stage != STAGE_IDLE)
				active[n_active++] = &lanes[i];
		}
		if (n_active > 0)
			step(ops, active, n_active);
	} while (n_active > 0);
}
