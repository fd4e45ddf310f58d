/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * keeper: what the window manager and the process that keeps it say.
 *
 * Shape:   messages over a SOCK_SEQPACKET pair, at KEEPER_FD.  From the
 *          keeper: first 'S', two bytes (again, fresh) and a descriptor of
 *          the shared counter; later 'F' and why a program could not be
 *          started.  To it: 'E' and words, each ended by NUL, with or
 *          without two descriptors (input and output of the program);
 *          without words, the attached program ends; 'X' with the X
 *          connection.
 */
#ifndef FION_SPAWN_KEEPER_H
#define FION_SPAWN_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define KEEPER_FD      3
#define KEEPER_HANG_S  5
#define KEEPER_RESTART 75    /* exit code of a child that wants a new start */
#define KEEPER_BYTES   65536 /* of one message */

struct err;

/* What the child gets. */
struct keeper {
	int fd;
	volatile uint32_t *turns; /* add one at every turn of the loop */
	bool again; /* not the first child: a layout may wait in X */
	bool fresh; /* it crashed too often: begin with an empty layout */
};

/* In the child, at first: hear what one is told. */
int keeper_join(struct keeper *k, struct err *e) ATTR_CHECKED;

/* Ask for a program; in and out are -1, or its standard input and output. */
int keeper_exec(const struct keeper *k, const char *const *argv, int in,
    int out, struct err *e) ATTR_CHECKED;

/* The program that was given an input and an output ends. */
void keeper_detach(const struct keeper *k);

/* Let the keeper watch the X connection. */
int keeper_watch(const struct keeper *k, int x_fd, struct err *e) ATTR_CHECKED;

/* Why a program could not start, into buf; false when nothing came. */
bool keeper_failure(const struct keeper *k, char *buf, size_t len, bool *gone);

#endif
