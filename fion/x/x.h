/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * x: the X server: windows, keys and screens, as a mirror of the model.
 *
 * Use:    x_open(), then in a loop: wait for x_fd() or x_deadline(),
 *         x_read(), x_tick(), and x_reconcile() after whatever changed the
 *         model.  x_close() hands every window back.
 * Errors: of requests about windows that are gone: expected, and dropped.
 */
#ifndef FION_X_X_H
#define FION_X_X_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

struct err;
struct model;
struct win;
struct config;
struct status;
struct x;

/* What the bar shows beside what the model says. */
struct x_bar {
	const char *clock;
	const struct status *status; /* or NULL */
};

/* What X asks of the rest. */
struct x_hooks {
	/* Words of a key or click; times by a count. */
	void (*command)(
	    void *ctx, size_t n, const char *const *words, unsigned times);
	/* A line was given to a prompt of this kind. */
	void (*line)(void *ctx, const char *kind, const char *text);
	/* Something happened that subscribers may hear of. */
	void (*event)(void *ctx, const char *what, const struct win *w);
	void (*click)(void *ctx, size_t block, unsigned button);
};

/*
 * Become the window manager of display.  replace: take over from another;
 * again: we were it a moment ago.  ERR_EXISTS: another one is running.
 */
struct x *x_open(const char *display, struct model *m,
    const struct config *config, const struct x_hooks *hooks, void *ctx,
    bool replace, bool again, struct err *e);

/* Manage the windows there are, arranged as before unless fresh. */
void x_adopt(struct x *x, bool fresh);

/* Hand all windows back; keep: the layout waits in X for the next. */
void x_close(struct x *x, bool keep);

int x_fd(const struct x *x);

/*
 * Handle what has come; of a flood, as much as a turn of the loop may take.
 * -1: the server is gone, or another took over.
 */
int x_read(struct x *x, struct err *e) ATTR_CHECKED;

/* Whether the last turn did not do for what came, and there was no key in it. */
bool x_flooded(const struct x *x);

/* Whether something has come that waiting for x_fd() would not show. */
bool x_waiting(struct x *x);

/* When x_tick() wants to be called next, in x's clock; 0: never. */
uint64_t x_deadline(const struct x *x);
bool x_due(const struct x *x); /* it is that late */
uint64_t x_clock(void);
void x_tick(struct x *x);

/* Send what differs, and flush. */
void x_reconcile(struct x *x);

/* Draw what changed; call when nothing else waits. */
void x_paint(struct x *x);
bool x_unpainted(const struct x *x);

void x_set_config(struct x *x, const struct config *config);
void x_set_bar(struct x *x, const struct x_bar *bar);

/* The arrangement may have changed: keep it in X, soon. */
void x_touch(struct x *x);
void x_toggle_bar(struct x *x);

/* A line in the bar for some seconds. */
void x_say(struct x *x, const char *text);
/* The same, when nothing is wrong. */
void x_note(struct x *x, const char *text);

void x_close_window(struct x *x, struct win *w, bool kill);
int x_enter_mode(
    struct x *x, const char *name, bool held, struct err *e) ATTR_CHECKED;
void x_pass_next(struct x *x);

/* The name of the mode that waits, or "default". */
const char *x_mode(const struct x *x);

/* Ask for a line; words (taken) complete it. */
struct prompt_words;
struct prompt_history;
int x_ask(struct x *x, const char *kind, struct prompt_words *words,
    struct prompt_history *history, struct err *e) ATTR_CHECKED;

/* Wait for no window to draw: the next reconciling sends the last sizes. */
void x_hurry(struct x *x);

/* Every request sent so far has been done, the layout is kept.  For tests. */
void x_sync(struct x *x);

#endif
