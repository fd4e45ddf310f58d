/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * model_internal: what the files of the model share among themselves.
 */
#ifndef FION_MODEL_MODEL_INTERNAL_H
#define FION_MODEL_MODEL_INTERNAL_H

#include "fion/model/model.h"

/* A tile that stands nowhere yet, and the end of a tree with all in it. */
struct node *node_new_tile(struct model *m, struct workspace *ws);
void node_free(struct node *n);

/* All of a tree belongs to ws. */
void node_set_workspace(struct node *root, struct workspace *ws);

/* Lay a tree out in r. */
void node_layout(struct node *n, struct rect r);

/* The leaf below n that had the focus last. */
struct node *node_recent(struct node *n);

/* Tabs, floats and wants of from to the end of to's. */
void tile_merge(struct model *m, struct node *from, struct node *to);

/* Choose the tile's current tab again after a change. */
void tile_settle(struct node *t);

/* A window that stands nowhere any more. */
void win_free(struct win *w);

struct workspace *workspace_new(struct model *m, const char *name);

/* Those that only kept s from being without, and are not shown. */
void screen_drop_fillers(struct model *m, struct screen *s);

#endif
