/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * session_internal: what the files of a session share.
 */
#ifndef FION_SESSION_INTERNAL_H
#define FION_SESSION_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "fion/bar/status.h"
#include "fion/cmd/cmd.h"
#include "fion/config/config.h"
#include "fion/control/server.h"
#include "fion/model/model.h"
#include "fion/prompt/prompt.h"
#include "fion/session.h"
#include "fion/spawn/keeper.h"
#include "fion/x/x.h"

struct session {
	const struct keeper *keeper;
	const struct session_options *options;
	struct model *m;
	struct config *config;
	struct x *x;
	struct server *server;
	struct cmd_host host;
	struct prompt_history history;

	struct status status;
	int status_out, status_in; /* its output, its input; -1 */
	struct x_bar bar;
	uint64_t paint_by; /* however much comes; 0: all is drawn */
	char clock[128];
	uint64_t clock_at; /* seconds of the wall clock; 0: no clock */

	char **last; /* the last command that counts as one to repeat */
	size_t n_last;
	unsigned last_times;
	int exit_code;            /* -1: go on */
	uint64_t sequence;        /* of the last event */
	struct model_digest told; /* to subscribers */
};

/* host.c */
extern const struct cmd_ops session_ops;
extern const struct x_hooks session_hooks;
int session_command(struct session *s, size_t n, const char *const *words,
    unsigned times, struct err *e);
void session_forget(struct session *s); /* the last command */
char *session_line(void *ctx, const char *line, size_t len,
    struct server_wait *w, bool *subscribe);

/* events.c */
void session_event(struct session *s, const char *what, const struct win *w);
void session_changes(struct session *s); /* tell of what the model shows */
void session_subscribe(struct session *s);

/* status.c */
void session_status_start(struct session *s);
void session_status_stop(struct session *s);
void session_status_read(struct session *s);
void session_clock(struct session *s);

/* Milliseconds until the clock shows something else; -1: never. */
int session_clock_wait(const struct session *s);

#endif
