/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * schedule: which envelope goes next, and when it is tried again.
 *
 * Units:  Unix seconds.
 * Limits: about 100 bytes an envelope.
 */
#ifndef SMTPD_SCHEDULE_SCHEDULE_H
#define SMTPD_SCHEDULE_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_BASE_RELAY 400 /* seconds, of the first step */
#define SCHEDULE_BASE_LOCAL 10

struct schedule;

struct schedule *schedule_new(void);
void schedule_free(struct schedule *s);

/* Set, or change, when id is due. */
void schedule_put(struct schedule *s, uint64_t id, uint64_t at);
void schedule_remove(struct schedule *s, uint64_t id);
size_t schedule_count(const struct schedule *s);

/* Take up to max ids that are due at now, earliest first. */
size_t schedule_take(
    struct schedule *s, uint64_t now, uint64_t *ids, size_t max);

/* When the earliest is due; UINT64_MAX for never. */
uint64_t schedule_next(const struct schedule *s);

/* When id is due, or UINT64_MAX. */
uint64_t schedule_when(const struct schedule *s, uint64_t id);

/*
 * The time of the next attempt after `retry' ones: created + base * step
 * squared for the smallest step from retry that lies after now, moved by up
 * to a tenth of the wait either way by the random number.
 */
uint64_t schedule_backoff(uint64_t created, unsigned base, unsigned retry,
    uint64_t now, uint32_t random);

#endif
