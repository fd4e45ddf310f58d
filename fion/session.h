/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * session: one run of the window manager: model, X, control socket, status
 * command, clock, and the loop that waits for all of them at once.
 */
#ifndef FION_SESSION_H
#define FION_SESSION_H

#include <stdbool.h>

struct keeper;

struct session_options {
	const char *config; /* or NULL: the usual place */
	bool replace;
};

/* Exit code; KEEPER_RESTART asks for a new start. */
int session_run(const struct keeper *k, const struct session_options *o);

#endif
