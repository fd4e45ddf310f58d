/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * paths: where fion's files are (XDG Base Directory specification).
 */
#ifndef FION_CONTROL_PATHS_H
#define FION_CONTROL_PATHS_H

#include <stdbool.h>

/* All owned by the caller. */
char *path_config(void);
char *path_state(void); /* a folder: history and layouts */

/* The control socket of a display; make: its folder too. */
char *path_socket(const char *display, bool make);

/* A saved layout; NULL when the name could lead elsewhere. */
char *path_layout(const char *name);

#endif
