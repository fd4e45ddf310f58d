/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/dispatcher/dispatcher_internal.h"

#include "smtpd/proc/dispatcher/report.h"

static struct filter_program *
find(const struct dispatcher *d, const char *name)
{
	for (size_t i = 0; i < d->n_programs; i++) {
		if (strcmp(d->programs[i].name, name) == 0)
			return &d->programs[i];
	}
	return NULL;
}

const struct filter_program *
report_program(const struct dispatcher *d, const char *name)
{
	return find(d, name);
}

void
report_state(struct dispatcher *d, struct ipc_msg *m)
{
	struct filter_program *p, got = { 0 };
	struct wire w;
	uint8_t flags;

	wire_init(&w, m->data, m->len);
	got.epoch = wire_u32(&w);
	flags = wire_u8(&w);
	got.up = (flags & 1) != 0;
	got.known = (flags & 2) != 0;
	got.phases = wire_u32(&w);
	got.events_in = wire_u32(&w);
	got.events_out = wire_u32(&w);
	if (!wire_ok(&w))
		return;
	got.name = xstrndup((const char *)w.p, w.left);
	p = find(d, got.name);
	if (p == NULL) {
		d->programs = xreallocarray(
		    d->programs, d->n_programs + 1, sizeof(*d->programs));
		p = &d->programs[d->n_programs++];
	} else {
		/* What it filtered, it will filter again. */
		if (!got.up && p->known) {
			got.known = true;
			got.phases = p->phases;
		}
		free(p->name);
	}
	*p = got;
}

void
report_lost_states(struct dispatcher *d)
{
	for (size_t i = 0; i < d->n_programs; i++)
		d->programs[i].up = false;
}

bool
report_settled(const struct dispatcher *d, const struct conf *c)
{
	const struct conf_proc *cp;

	TAILQ_FOREACH(cp, &c->procs, entry) {
		if (find(d, cp->name) == NULL)
			return false;
	}
	return true;
}

/* Reporters */

const char *
reporter_begin(struct reporter *r, struct dispatcher *d,
    const struct conf_filter *chain, uint64_t id, uint32_t number,
    bool smtp_out, int *members)
{
	const struct conf_filter *const *all = chain->members;
	const char *missing = NULL;
	struct buf b = { 0 };
	int member = 0;

	*r = (struct reporter){ .dispatcher = d, .id = id };
	wire_put_u64(&b, id);
	wire_put_u32(&b, number);
	buf_add_u8(&b, smtp_out);
	for (size_t i = 0; i < chain->n_members; i++) {
		const struct filter_program *p =
		    all[i]->proc == NULL ? NULL : find(d, all[i]->proc->name);

		if (members != NULL)
			members[i] = -1;
		if (all[i]->proc == NULL)
			continue;
		if (p == NULL || !p->up) {
			if (p == NULL || !p->known || p->phases != 0)
				missing = all[i]->name;
			continue;
		}
		wire_put_u32(&b, p->epoch);
		buf_add(&b, p->name, strlen(p->name) + 1);
		r->events |= smtp_out ? p->events_out : p->events_in;
		if (members != NULL)
			members[i] = member;
		member++;
	}
	r->begun = (missing == NULL || smtp_out) && member > 0 &&
	    proc_send(d->proc, PROC_FILTER, 0, MSG_FILTER_BEGIN, &b, -1);
	buf_free(&b);
	if (missing == NULL && member > 0 && !r->begun)
		missing = all[0]->name;
	return smtp_out ? NULL : missing;
}

void
reporter_say(const struct reporter *r, enum filter_event event, ...)
{
	const char *field;
	struct buf b = { 0 };
	va_list ap;

	if (!r->begun || (r->events & FILTER_BIT(event)) == 0)
		return;
	wire_put_u64(&b, r->id);
	buf_add_u8(&b, (uint8_t)event);
	va_start(ap, event);
	while ((field = va_arg(ap, const char *)) != NULL)
		buf_add(&b, field, strlen(field) + 1);
	va_end(ap);
	proc_send(
	    r->dispatcher->proc, PROC_FILTER, 0, MSG_FILTER_EVENT, &b, -1);
	buf_free(&b);
}

void
reporter_end(struct reporter *r)
{
	struct buf b = { 0 };

	if (!r->begun)
		return;
	reporter_say(r, FILTER_LINK_DISCONNECT, NULL);
	r->begun = false;
	wire_put_u64(&b, r->id);
	proc_send(r->dispatcher->proc, PROC_FILTER, 0, MSG_FILTER_END, &b, -1);
	buf_free(&b);
}
