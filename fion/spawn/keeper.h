/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * keeper: the small parent process.
 *
 * It starts the window manager as its child, and again when that crashes or
 * hangs; it starts programs for it, so that the one that reads what clients
 * say need not be able to.  It never speaks to X.
 *
 * A hang is: something to read on the X connection, and no turn of the loop
 * for KEEPER_HANG_S seconds.  The child is then killed, which frees the
 * keyboard; windows are on the save-set, and the arrangement is in X.
 *
 * One program at a time may be attached to it, by its input and output: it
 * ends when another is, and with the window manager.
 *
 * Shape:   messages over a SOCK_SEQPACKET pair.  To the keeper: 'E' and
 *          words, each ended by NUL, with or without two descriptors (input
 *          and output of the program); without words, the attached program
 *          ends; 'X' with the X connection.  Back: 'F' and why a program
 *          could not be started.
 */
#ifndef FION_SPAWN_KEEPER_H
#define FION_SPAWN_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

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

/* Runs child in a process of its own until it ends for good; exit code. */
int keeper_run(
    int (*child)(const struct keeper *k, void *arg), void *arg, char **argv);

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
