/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The model under random operations, and the properties a person relies on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "fion/model/layout.h"
#include "fion/model/model.h"

#define OPERATIONS 400000
#define WINDOWS    60

static uint64_t seed = 88172645463325252ULL;

/* A number below n; the same sequence at every run. */
static unsigned
roll(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 11) % n;
}

static const struct screen_info left = {
	.key = "DP-1",
	.rect = { 0, 0, 1920, 1080 },
	.work = { 0, 20, 1920, 1060 },
};
static const struct screen_info right = {
	.key = "HDMI-1",
	.rect = { 1920, 0, 1280, 1024 },
	.work = { 1920, 20, 1280, 1004 },
};

static struct model *
fresh(void)
{
	struct model *m = model_new();

	model_set_screens(m, &left, 1);
	model_layout(m);
	return m;
}

static struct node *
any_tile(struct model *m)
{
	size_t n = 0;
	struct node *t;
	unsigned pick;

	for (t = model_first_tile(m); t != NULL; t = model_next_tile(m, t))
		n++;
	pick = n > 0 ? roll((unsigned)n) : 0;
	for (t = model_first_tile(m); pick-- > 0; t = model_next_tile(m, t))
		;
	return t;
}

static struct win *
any_win(struct model *m, size_t n)
{
	struct win *w = model_first_win(m);

	for (unsigned i = n == 0 ? 0 : roll((unsigned)n); i > 0; i--)
		w = model_next_win(m, w);
	return w;
}

static struct workspace *
any_workspace(struct model *m)
{
	return workspace_at(m, roll((unsigned)workspace_count(m)));
}

static struct screen *
any_screen(struct model *m)
{
	struct screen *s = NULL;

	while (m->cur != NULL && s == NULL)
		s = screen_nth(m, roll(4));
	return s;
}

static void
random_screens(struct model *m)
{
	static const char *const keys[] = { "A", "B", "C", "D" };
	struct screen_info info[4];
	size_t n = 0;

	for (size_t i = 0; i < 4; i++) {
		if (roll(3) == 0)
			continue;
		info[n].key = keys[i];
		info[n].rect = (struct rect){ .x = (int)i * 2000,
			.w = (int)roll(8) == 0 ? 1 + (int)roll(20) :
						 300 + (int)roll(1600),
			.h = 1 + (int)roll(1200) };
		info[n].work = info[n].rect;
		n++;
	}
	model_set_screens(m, info, n);
	(void)workspace_current(m);
}

static void
save_and_load(struct model *m)
{
	json_t *j = layout_tree(m, roll(2) == 0);
	char *text = json_dumps(j, 0);
	struct err e = { 0 };

	assert_int_equal(layout_load(m, text, strlen(text), &e), 0);
	free(text);
	json_decref(j);
}

static void
tile_operation(struct model *m)
{
	struct node *t = any_tile(m);
	struct workspace *ws = any_workspace(m);

	switch (roll(8)) {
	case 0:
	case 1:
		tile_split(m, t, roll(2) ? AXIS_ROW : AXIS_COLUMN, roll(1000),
		    roll(2));
		break;
	case 2:
		tile_destroy(m, t);
		break;
	case 3:
		tile_resize(m, t, roll(4), (int)roll(300));
		break;
	case 4:
		tile_swap(m, t, any_tile(m));
		break;
	case 5:
		tile_rotate(m, t);
		break;
	case 6:
		if (roll(4) == 0)
			tile_equal(ws);
		else if (tile_towards(m, t, roll(4)) != NULL)
			tile_focus(m, tile_step(t, 1));
		break;
	case 7:
		tile_focus(m, t);
		break;
	}
}

static void
window_operation(struct model *m, size_t *n)
{
	static uint32_t id = 100;
	struct win *w = any_win(m, *n);

	if (*n < WINDOWS && (w == NULL || roll(3) == 0)) {
		win_add(m, ++id, any_tile(m), roll(5) == 0, roll(2) ? w : NULL);
		++*n;
		return;
	}
	if (w == NULL)
		return;
	switch (roll(8)) {
	case 0:
		win_remove(m, w);
		--*n;
		break;
	case 1:
		win_focus(m, w);
		assert_ptr_equal(m->cur == NULL ? w : model_focused(m), w);
		break;
	case 2:
		win_move(m, w, any_tile(m));
		break;
	case 3:
		win_reorder(w, (int)roll(5) - 2);
		break;
	case 4:
		win_set_floating(m, w, roll(2));
		break;
	case 5:
		w->tagged = true;
		break;
	case 6:
		win_attach_tagged(m, any_tile(m));
		break;
	case 7:
		win_select(w);
		break;
	}
}

static void
workspace_operation(struct model *m)
{
	struct workspace *ws = any_workspace(m);
	struct screen *s = any_screen(m);

	switch (roll(7)) {
	case 0:
		if (workspace_count(m) < 24)
			workspace_create(m, s, NULL);
		break;
	case 1:
		workspace_destroy(m, ws);
		break;
	case 2:
		workspace_show(m, ws);
		break;
	case 3:
		if (s != NULL)
			workspace_to_screen(m, ws, s);
		break;
	case 4:
		workspace_reorder(ws, roll(2) ? 1 : -1);
		break;
	case 5:
		scratch_toggle(m);
		break;
	case 6:
		if (s != NULL)
			screen_focus(m, s);
		break;
	}
	(void)workspace_current(m);
}

static size_t
count_windows(struct model *m)
{
	size_t n = 0;

	for (struct win *w = model_first_win(m); w != NULL;
	     w = model_next_win(m, w))
		n++;
	return n;
}

static void
random_operations_keep_every_invariant(void **state)
{
	struct model *m = fresh();
	size_t windows = 0;

	(void)state;
	for (unsigned i = 0; i < OPERATIONS; i++) {
		const char *bad;
		unsigned what = roll(100);

		if (what < 40)
			tile_operation(m);
		else if (what < 80)
			window_operation(m, &windows);
		else if (what < 97)
			workspace_operation(m);
		else if (what < 99)
			random_screens(m);
		else if (roll(10) == 0)
			save_and_load(m);
		model_layout(m);
		bad = model_check(m);
		if (bad != NULL)
			fail_msg("after %u operations: %s", i, bad);
		if (i % 64 == 0)
			assert_int_equal(count_windows(m), windows);
	}
	assert_int_equal(count_windows(m), windows);
	model_free(m);
}

static void
split_and_destroy_restores_the_rectangles(void **state)
{
	struct model *m = fresh();
	struct node *a = model_tile(m), *b, *c;
	struct rect before_a, before_b;

	(void)state;
	b = tile_split(m, a, AXIS_ROW, 300, false);
	tile_resize(m, a, DIR_RIGHT, 17);
	model_layout(m);
	before_a = a->rect;
	before_b = b->rect;
	for (unsigned permille = 0; permille < 1000; permille += 37) {
		for (unsigned axis = 0; axis < 2; axis++) {
			c = tile_split(m, b, axis, permille, false);
			assert_non_null(c);
			assert_true(tile_destroy(m, c));
			model_layout(m);
			assert_memory_equal(
			    &a->rect, &before_a, sizeof(before_a));
			assert_memory_equal(
			    &b->rect, &before_b, sizeof(before_b));
		}
	}
	model_free(m);
}

static void
destroying_a_tile_hands_its_tabs_to_the_last_focused(void **state)
{
	struct model *m = fresh();
	struct node *a = model_tile(m), *b, *c;
	struct win *w;

	(void)state;
	b = tile_split(m, a, AXIS_ROW, 500, false);
	c = tile_split(m, b, AXIS_COLUMN, 500, false);
	w = win_add(m, 1, a, false, NULL);
	tile_focus(m, b);
	tile_focus(m, c);
	assert_true(tile_destroy(m, a));
	assert_ptr_equal(w->tile, c);
	assert_true(tile_destroy(m, b));
	assert_false(tile_destroy(m, c));
	assert_ptr_equal(model_focused(m), w);
	model_free(m);
}

static void
resize_moves_the_boundary_in_the_direction_of_the_key(void **state)
{
	struct model *m = fresh();
	struct node *a = model_tile(m);
	struct node *b = tile_split(m, a, AXIS_ROW, 500, false);

	(void)state;
	assert_true(tile_resize(m, a, DIR_RIGHT, 40));
	model_layout(m);
	assert_int_equal(a->rect.w, 1000);
	assert_true(tile_resize(m, b, DIR_RIGHT, 100));
	model_layout(m);
	assert_int_equal(a->rect.w, 1100);
	assert_int_equal(b->rect.w, 820);
	assert_false(tile_resize(m, a, DIR_UP, 10));
	while (tile_resize(m, a, DIR_RIGHT, 500))
		;
	model_layout(m);
	assert_int_equal(b->rect.w, MODEL_TILE_MIN);
	model_free(m);
}

static void
a_screen_that_returns_gets_its_workspaces_back(void **state)
{
	struct model *m = model_new();
	struct screen_info both[] = { left, right };
	struct workspace *ws;
	struct win *w;

	(void)state;
	model_set_screens(m, both, 2);
	screen_focus(m, screen_by_key(m, "HDMI-1"));
	ws = workspace_create(m, m->cur, "web");
	assert_non_null(ws);
	workspace_show(m, ws);
	tile_split(m, ws->cur, AXIS_ROW, 500, false);
	w = win_add(m, 7, ws->cur, false, NULL);
	model_set_screens(m, both, 1);
	assert_string_equal(ws->screen->key, "DP-1");
	model_set_screens(m, NULL, 0);
	assert_null(ws->screen);
	assert_null(model_check(m));
	model_set_screens(m, both, 1);
	model_set_screens(m, both, 2);
	model_layout(m);
	assert_null(model_check(m));
	assert_string_equal(ws->screen->key, "HDMI-1");
	assert_true(workspace_visible(ws));
	assert_ptr_equal(w->tile, ws->cur);
	model_free(m);
}

static void
directions_cross_to_the_next_screen(void **state)
{
	struct model *m = model_new();
	struct screen_info both[] = { left, right };
	struct node *a, *b;

	(void)state;
	model_set_screens(m, both, 2);
	a = model_tile(m);
	b = tile_split(m, a, AXIS_ROW, 500, false);
	assert_ptr_equal(tile_towards(m, a, DIR_RIGHT), b);
	assert_null(tile_towards(m, a, DIR_LEFT));
	assert_ptr_equal(tile_towards(m, b, DIR_RIGHT),
	    screen_by_key(m, "HDMI-1")->cur->cur);
	model_free(m);
}

static void
a_saved_layout_finds_windows_by_class(void **state)
{
	struct model *m = fresh();
	struct node *a = model_tile(m);
	struct node *b = tile_split(m, a, AXIS_ROW, 700, false);
	struct win *w = win_add(m, 5, b, false, NULL);
	struct want *want;
	struct node *t;
	struct err e = { 0 };
	char *text;
	json_t *j;

	(void)state;
	win_set_text(&w->class, "Editor");
	j = layout_tree(m, false);
	text = json_dumps(j, 0);
	json_decref(j);
	win_remove(m, w);
	tile_destroy(m, b);
	assert_int_equal(layout_load(m, text, strlen(text), &e), 0);
	t = layout_claim(m, 99, "Editor", "", "", &want);
	assert_non_null(t);
	assert_ptr_equal(t, tile_nth(model_tile(m)->ws, 1));
	want_free(want);
	assert_null(layout_claim(m, 98, "Editor", "", "", &want));
	free(text);
	model_free(m);
}

/* Not the workspace that it showed when it last went, and came back. */
static void
a_saved_layout_shows_what_each_screen_showed(void **state)
{
	struct model *m = fresh();
	struct workspace *first = workspace_current(m);
	struct workspace *later = workspace_create(m, m->cur, "later");
	char *name = xstrdup(first->name), *text;
	struct err e = { 0 };
	json_t *j;

	(void)state;
	win_add(m, 1, first->cur, false, NULL); /* it stays */
	workspace_show(m, later);
	model_set_screens(m, NULL, 0);
	model_set_screens(m, &left, 1);
	assert_ptr_equal(workspace_current(m), later);
	workspace_show(m, first);
	j = layout_tree(m, false);
	text = json_dumps(j, 0);
	json_decref(j);
	model_free(m);
	m = fresh();
	assert_int_equal(layout_load(m, text, strlen(text), &e), 0);
	assert_string_equal(workspace_current(m)->name, name);
	free(text);
	free(name);
	model_free(m);
}

static void
layouts_that_make_no_sense_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[",
		"{}",
		"{\"fion\":2}",
		"{\"fion\":1,\"screens\":[{\"workspaces\":[{}]}]}",
		"{\"fion\":1,\"limbo\":[{\"name\":\"a\",\"tree\":7}]}",
		"{\"fion\":1,\"limbo\":[{\"name\":\"a\",\"tree\":"
		"{\"split\":\"row\",\"children\":[{}]}}]}",
		"{\"fion\":1,\"limbo\":[{\"name\":\"a\",\"tree\":"
		"{\"split\":\"askew\",\"children\":[{},{}]}}]}",
		"{\"fion\":1,\"limbo\":[{\"name\":\"a\",\"tree\":{}},"
		"{\"name\":\"a\",\"tree\":{}}]}",
	};
	struct model *m = fresh();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };

		assert_int_equal(
		    layout_load(m, bad[i], strlen(bad[i]), &e), -1);
		assert_true(e.msg[0] != '\0');
		assert_null(model_check(m));
	}
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_keep_every_invariant),
		cmocka_unit_test(split_and_destroy_restores_the_rectangles),
		cmocka_unit_test(
		    destroying_a_tile_hands_its_tabs_to_the_last_focused),
		cmocka_unit_test(
		    resize_moves_the_boundary_in_the_direction_of_the_key),
		cmocka_unit_test(
		    a_screen_that_returns_gets_its_workspaces_back),
		cmocka_unit_test(directions_cross_to_the_next_screen),
		cmocka_unit_test(a_saved_layout_finds_windows_by_class),
		cmocka_unit_test(a_saved_layout_shows_what_each_screen_showed),
		cmocka_unit_test(layouts_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
