/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sync: windows that say when they have drawn a new size.
 *
 * A size is announced, and the next one waits until the window has drawn it:
 * so a program that is slow to draw gets as many sizes as it can draw.  One
 * that does not answer in time is not waited for again, until it answers.
 *
 * Source: EWMH 1.5, _NET_WM_SYNC_REQUEST; the X Synchronization Extension.
 */
#include <xcb/sync.h>

#include "fion/x/x_internal.h"

#define ANSWER_MS 100

void
sync_init(struct x *x)
{
	const xcb_query_extension_reply_t *ext =
	    xcb_get_extension_data(x->c, &xcb_sync_id);

	if (ext == NULL || !ext->present)
		return;
	x->has_sync = true;
	x->sync_event = ext->first_event;
	xcb_discard_reply(x->c,
	    xcb_sync_initialize(
		x->c, XCB_SYNC_MAJOR_VERSION, XCB_SYNC_MINOR_VERSION)
		.sequence);
}

void
sync_forget(struct x *x, struct client *c)
{
	if (c->sync_alarm == XCB_NONE)
		return;
	x_forget(x, c->sync_alarm);
	xcb_sync_destroy_alarm(x->c, c->sync_alarm);
	c->sync_alarm = XCB_NONE;
	c->sync_ends = 0;
}

void
sync_watch(struct x *x, struct client *c, uint32_t counter)
{
	const xcb_sync_create_alarm_value_list_t list = {
		.counter = counter,
		.valueType = XCB_SYNC_VALUETYPE_ABSOLUTE,
		.value = { .hi = INT32_MAX },
		.testType = XCB_SYNC_TESTTYPE_POSITIVE_COMPARISON,
		.events = 1,
	};

	sync_forget(x, c);
	if (!x->has_sync || counter == XCB_NONE)
		return;
	c->sync_alarm = xcb_generate_id(x->c);
	xcb_sync_create_alarm_aux(x->c, c->sync_alarm,
	    XCB_SYNC_CA_COUNTER | XCB_SYNC_CA_VALUE_TYPE | XCB_SYNC_CA_VALUE |
		XCB_SYNC_CA_TEST_TYPE | XCB_SYNC_CA_DELTA | XCB_SYNC_CA_EVENTS,
	    &list);
	x_remember(x, c->sync_alarm, OWNER_ALARM, c);
}

bool
sync_ready(struct x *x, struct client *c)
{
	/* Larger than any before, also before a restart. */
	uint64_t now = x_now();
	uint64_t value = c->sync_value < now ? now : c->sync_value + 1;
	uint32_t data[5] = { x->atoms[X__NET_WM_SYNC_REQUEST], x->time,
		(uint32_t)value, (uint32_t)(value >> 32), 0 };
	const xcb_sync_change_alarm_value_list_t list = {
		.value = { .hi = (int32_t)(value >> 32),
		    .lo = (uint32_t)value },
	};

	if (c->sync_ends != 0)
		return false;
	if (c->sync_alarm == XCB_NONE || !c->syncs || !c->frame_mapped ||
	    c->sync_deaf)
		return true;
	c->sync_value = value;
	c->sync_ends = now + ANSWER_MS;
	/* Told once: a counter that runs by itself floods nobody. */
	xcb_sync_change_alarm_aux(
	    x->c, c->sync_alarm, XCB_SYNC_CA_VALUE, &list);
	x_send(x, c->id, c->id, X_WM_PROTOCOLS, data, 0);
	return true;
}

void
sync_answered(struct x *x, const xcb_generic_event_t *ev)
{
	const xcb_sync_alarm_notify_event_t *a =
	    (const xcb_sync_alarm_notify_event_t *)ev;
	struct entry *en = x_lookup(x, a->alarm);
	struct client *c;

	if (en == NULL || en->owner != OWNER_ALARM)
		return;
	c = en->ptr;
	if (a->state == XCB_SYNC_ALARMSTATE_DESTROYED)
		sync_forget(x, c); /* its counter went */
	c->sync_ends = 0;
	c->sync_deaf = false;
}

void
sync_tick(struct client *c, uint64_t now)
{
	if (c->sync_ends == 0 || now < c->sync_ends)
		return;
	c->sync_ends = 0;
	c->sync_deaf = true;
}

void
x_hurry(struct x *x)
{
	struct client *c;

	TAILQ_FOREACH(c, &x->clients, link)
		sync_tick(c, UINT64_MAX);
}
