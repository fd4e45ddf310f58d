/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * cmd_internal: the commands by noun, and the words they share.
 */
#ifndef FION_CMD_CMD_INTERNAL_H
#define FION_CMD_CMD_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fion/cmd/cmd.h"
#include "fion/model/model.h"

/* "left", "right", "up", "down". */
bool cmd_dir(const char *word, enum dir *out);

/* "next" 1, "previous" -1, all else 0. */
int cmd_delta(const char *word);

/* From 1 to max. */
int cmd_number(const char *word, uint64_t max, size_t *out, struct err *e);

/* A direction, next, previous, a name, or a number; NULL: none there. */
struct screen *cmd_screen(struct model *m, const char *word);

/* args ends with NULL. */
int cmd_run_screen(struct cmd_host *h, const struct cmd *c,
    const char *const *args, struct err *e);
int cmd_run_workspace(struct cmd_host *h, const struct cmd *c,
    const char *const *args, struct err *e);
int cmd_run_tile(struct cmd_host *h, const struct cmd *c,
    const char *const *args, struct err *e);
int cmd_run_tab(struct cmd_host *h, const struct cmd *c,
    const char *const *args, struct err *e);
int cmd_run_focus(struct cmd_host *h, const struct cmd *c, struct err *e);

#endif
