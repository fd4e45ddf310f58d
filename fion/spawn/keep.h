/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * keep: the small parent process.
 *
 * It starts the window manager as its child, and again when that crashes or
 * hangs; it starts programs for it, so that the one that reads what clients
 * say need not be able to.  It never speaks to X, and maps no library that
 * would: it is there for as long as the person is.
 *
 * A hang is: something to read on the X connection, and no turn of the loop
 * for KEEPER_HANG_S seconds.  The child is then killed, which frees the
 * keyboard; windows are on the save-set, and the arrangement is in X.
 *
 * One program at a time may be attached to it, by its input and output: it
 * ends when another is, and with the window manager.
 */
#ifndef FION_SPAWN_KEEP_H
#define FION_SPAWN_KEEP_H

/*
 * Runs the manager, words[0] and its arguments, until it ends for good; exit
 * code.  A restart executes argv, one's own, anew.
 */
int keep_run(const char *const *words, char **argv);

#endif
