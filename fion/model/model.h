/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * model: screens, workspaces, splits, tiles and tabs as plain data.
 *
 * It knows no X: what is on the screen is a mirror of this.  Every operation
 * is total: it does what it says, or refuses and changes nothing.
 *
 * Shape:     screen -> workspaces (one shown) -> a tree of splits whose
 *            leaves are tiles -> tabs.  A window stands in exactly one tile,
 *            as a tab or floating over it.  One tile belongs to no workspace:
 *            the scratch tile, shown over whatever is there.
 *            A split has at least two children, never a split of its own
 *            axis; a workspace has at least one tile; a screen at least one
 *            workspace.  Workspaces without a screen wait in limbo.
 * Units:     pixels; weights are shares of a split, their sum is free.
 * Limits:    MODEL_* below.
 * Ownership: the model owns all of it; windows are freed by win_remove().
 *            What points into the model is valid until the next operation.
 */
#ifndef FION_MODEL_MODEL_H
#define FION_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#define MODEL_WORKSPACES 256     /* in all */
#define MODEL_TILES      256     /* in one workspace */
#define MODEL_DEPTH      32      /* splits above a tile */
#define MODEL_WEIGHT     1048576 /* of a fresh tile */
#define MODEL_NAME       64      /* bytes of a name, its end included */
#define MODEL_TILE_MIN   32      /* pixels; resizing stops here */

struct rect {
	int x, y, w, h;
};

enum dir {
	DIR_LEFT,
	DIR_RIGHT,
	DIR_UP,
	DIR_DOWN,
};

enum axis {
	AXIS_ROW,    /* children side by side */
	AXIS_COLUMN, /* children one above the other */
};

enum full {
	FULL_NONE,
	FULL_TILE,   /* the client believes it is fullscreen; its tile stays */
	FULL_SCREEN, /* over its whole screen */
};

struct node;
struct workspace;
struct screen;

/* Texts are never NULL. */
struct win {
	TAILQ_ENTRY(win) link; /* among the tabs or floats of its tile */
	struct node *tile;
	struct win *leader; /* floats: the window it belongs to, or NULL */
	uint32_t id;
	uint64_t stamp; /* when it had focus last */
	uint32_t order; /* place among tabs that a saved layout gave it */
	enum full full;
	bool floating;
	bool urgent;
	bool tagged;
	bool hung;
	int float_w, float_h;   /* size wished */
	int float_dx, float_dy; /* its middle from the tile's middle */
	char *title, *class, *instance, *role;
};
TAILQ_HEAD(win_list, win);

/* A window that a saved layout expects in a tile. */
struct want {
	TAILQ_ENTRY(want) link;
	uint32_t id;
	uint32_t order;
	bool current;
	enum full full;
	char *class, *instance, *role;
};
TAILQ_HEAD(want_list, want);
TAILQ_HEAD(node_list, node);

struct node {
	TAILQ_ENTRY(node) link; /* among the children of parent */
	struct node *parent;    /* a split, or NULL at the root */
	uint32_t weight;
	struct rect rect; /* as of the last model_layout() */
	bool is_split;

	enum axis axis; /* splits */
	struct node_list children;

	uint32_t id; /* tiles */
	char *name;  /* or NULL */
	struct workspace *ws;
	struct win_list tabs, floats;
	struct want_list wants;
	struct win *cur;       /* the tab shown; NULL without tabs */
	struct win *cur_float; /* the float that has the tile's focus */
	uint64_t stamp;
};

struct workspace {
	TAILQ_ENTRY(workspace) link;
	struct screen *screen; /* NULL in limbo */
	uint32_t id;
	char *name;
	char *home;      /* key of the screen it belongs to, or NULL */
	bool shown_home; /* was the one shown there */
	bool filler;     /* made only so that a screen has one */
	uint64_t stamp;
	struct node *root;
	struct node *cur; /* the current tile */
};
TAILQ_HEAD(workspace_list, workspace);

struct screen {
	TAILQ_ENTRY(screen) link;
	char *key;
	struct rect rect; /* all of it */
	struct rect work; /* without bars and docks */
	struct workspace_list workspaces;
	struct workspace *cur;
};
TAILQ_HEAD(screen_list, screen);

struct model {
	struct screen_list screens;
	struct screen *cur; /* NULL without screens */
	struct workspace_list limbo;
	struct node *scratch;
	bool scratch_shown; /* then it has the focus */
	uint64_t clock;     /* the last stamp given */
	uint32_t next_id;
};

/* How much room the decorations of a tile take. */
struct style {
	int strip;         /* height of a tab strip */
	bool strip_always; /* also over a single tab */
	int border;
};

/* What the outside says about a screen.  The key is its name. */
struct screen_info {
	const char *key;
	struct rect rect, work;
};

struct model *model_new(void);
void model_free(struct model *m);

/*
 * The screens there are now; the first is the main one.  Workspaces of a
 * screen that went are shown on another, and return with it.  n may be 0.
 */
void model_set_screens(
    struct model *m, const struct screen_info *info, size_t n);

/* Compute every node's rect. */
void model_layout(struct model *m);

/* NULL when all invariants hold, else what is wrong.  For tests. */
const char *model_check(const struct model *m);

/*
 * Numbers that differ when what they stand for does: the workspaces and which
 * are shown; the current tile; tiles, their sizes and what is in them.
 */
struct model_digest {
	uint64_t workspaces, layout;
	uint32_t tile;
};
struct model_digest model_digest(struct model *m);

/* The tile and the window that have the focus.  The tile is never NULL. */
struct node *model_tile(struct model *m);
struct win *model_focused(struct model *m);

/* screens.c ------------------------------------------------------------ */

struct screen *screen_by_key(struct model *m, const char *key);
struct screen *screen_nth(struct model *m, size_t n);
struct screen *screen_step(struct model *m, int delta);
struct screen *screen_towards(struct model *m, enum dir dir);
void screen_focus(struct model *m, struct screen *s);

/* A new workspace on s (or in limbo).  NULL: too many, or the name is used. */
struct workspace *workspace_create(
    struct model *m, struct screen *s, const char *name);

/* Its windows go to the workspace beside it.  False for a screen's last. */
bool workspace_destroy(struct model *m, struct workspace *ws);

bool workspace_rename(struct model *m, struct workspace *ws, const char *name);
struct workspace *workspace_by_name(struct model *m, const char *name);
struct workspace *workspace_current(struct model *m);

/* The nth (from 0) over all screens, and the number of ws in that order. */
struct workspace *workspace_at(struct model *m, size_t n);
size_t workspace_index(struct model *m, const struct workspace *ws);
size_t workspace_count(struct model *m);

/* delta places on, on its screen, around the end. */
struct workspace *workspace_step(struct workspace *ws, int delta);

/* The one that had the focus before. */
struct workspace *workspace_last(struct model *m);

/* Show it on its screen, and focus it. */
void workspace_show(struct model *m, struct workspace *ws);

/* Take it to another screen, which becomes its home. */
void workspace_to_screen(
    struct model *m, struct workspace *ws, struct screen *s);

/* Exchange the places of ws and the one delta on. */
void workspace_reorder(struct workspace *ws, int delta);
bool workspace_visible(const struct workspace *ws);
bool workspace_empty(const struct workspace *ws);
bool workspace_urgent(const struct workspace *ws);

/* tree.c ---------------------------------------------------------------- */

/*
 * Cut t along axis: t keeps permille thousandths, a new empty tile after it
 * (or before it) gets the rest.  NULL: the scratch tile, or too many.
 */
struct node *tile_split(struct model *m, struct node *t, enum axis axis,
    unsigned permille, bool before);

/* Its room and windows go to its neighbours.  False for the last one. */
bool tile_destroy(struct model *m, struct node *t);

/* Move the boundary of t that lies on dir's axis by px towards dir. */
bool tile_resize(struct model *m, struct node *t, enum dir dir, int px);

/* All children of every split alike. */
void tile_equal(struct workspace *ws);

/* Turn the split that holds t the other way. */
bool tile_rotate(struct model *m, struct node *t);

/* Exchange the places of two tiles, also of two workspaces. */
bool tile_swap(struct model *m, struct node *a, struct node *b);

/* The tile that a person sees beside t, the last focused where several. */
struct node *tile_towards(struct model *m, struct node *t, enum dir dir);

/* delta leaves on in its workspace, around the end. */
struct node *tile_step(struct node *t, int delta);
struct node *tile_nth(const struct workspace *ws, size_t n);
struct node *tile_last(struct model *m);
struct node *tile_by_name(struct model *m, const char *name);
struct node *tile_by_id(struct model *m, uint32_t id);
bool tile_rename(struct model *m, struct node *t, const char *name);
void tile_focus(struct model *m, struct node *t);
bool tile_visible(const struct model *m, const struct node *t);
struct screen *tile_screen(const struct model *m, const struct node *t);
size_t tile_tabs(const struct node *t);
bool tile_has_strip(const struct node *t, const struct style *st);

/* The leaves of a tree in reading order; first with t NULL. */
struct node *tile_first(struct node *root);
struct node *tile_after(struct node *t);

/* Every tile: all workspaces, limbo, the scratch tile last. */
struct node *model_first_tile(struct model *m);
struct node *model_next_tile(struct model *m, struct node *t);

/* tabs.c ----------------------------------------------------------------- */

/* A window in t, not focused.  leader makes it a float over it. */
struct win *win_add(struct model *m, uint32_t id, struct node *t, bool floating,
    struct win *leader);
void win_remove(struct model *m, struct win *w);
void win_set_text(char **field, const char *text);

/* Shown in its tile, with its tile, workspace and screen; has the focus. */
void win_focus(struct model *m, struct win *w);

/* The tab shown in its tile, without moving the focus elsewhere. */
void win_select(struct win *w);

/* Into t, and shown there; floats that belong to it come along. */
void win_move(struct model *m, struct win *w, struct node *t);
void win_set_floating(struct model *m, struct win *w, bool floating);

/* delta places along its tabs, stopping at the ends. */
void win_reorder(struct win *w, int delta);

struct win *tab_step(const struct node *t, int delta);
struct win *tab_nth(const struct node *t, size_t n);
size_t tab_index(const struct win *w);

/* The window that had the focus before; the urgent one that waits longest. */
struct win *win_last(struct model *m);
struct win *win_urgent(struct model *m);

/* Every tagged window into t.  How many. */
size_t win_attach_tagged(struct model *m, struct node *t);

bool win_visible(const struct model *m, const struct win *w);

/* Where its frame goes; valid after model_layout(). */
struct rect win_place(
    const struct model *m, const struct win *w, const struct style *st);

/* Every window: floats after the tabs of each tile. */
struct win *model_first_win(struct model *m);
struct win *model_next_win(struct model *m, struct win *w);

void scratch_toggle(struct model *m);

#endif
