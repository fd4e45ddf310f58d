/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * layout: the model as JSON and back: what "fionctl get tree" shows, what
 * "fionctl save" writes, what lives in a root property over a restart.
 *
 * Limits:  LAYOUT_* below; more is refused.
 * Errors:  ERR_CORRUPT with what is wrong; the model is then untouched.
 * Source:  fion(5), "LAYOUTS".
 */
#ifndef FION_MODEL_LAYOUT_H
#define FION_MODEL_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "lib/attr.h"

#include "fion/model/model.h"

#define LAYOUT_BYTES (4U << 20) /* of a layout as text */
#define LAYOUT_WANTS 4096       /* windows expected in all */

struct err;

/* One window, one tile, all of it.  A new reference. */
json_t *layout_win(const struct model *m, const struct win *w);
json_t *layout_tile(const struct model *m, const struct node *t);
json_t *layout_tree(struct model *m, bool titles);

/*
 * Arrange the model as the text says: workspaces with their splits, each on
 * its screen or waiting for it.  Workspaces of a saved name are replaced;
 * every window there is looks for its place again.
 */
int layout_load(
    struct model *m, const char *text, size_t len, struct err *e) ATTR_CHECKED;

/*
 * The tile that expects this window, or NULL; the expectation is taken out
 * and owned by the caller: want_free().  By id first, then by class,
 * instance and role.
 */
struct node *layout_claim(struct model *m, uint32_t id, const char *class,
    const char *instance, const char *role, struct want **out);

/* Move w to t, where the want says; it is shown only if it was. */
void layout_apply(
    struct model *m, struct win *w, struct node *t, const struct want *want);
void want_free(struct want *want);

#endif
