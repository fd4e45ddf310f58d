/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * modes: what a key does: a command, a mode that waits, a line in a prompt.
 *
 * The grab of the prefix freezes the keyboard; it is turned into a grab of
 * the whole keyboard, and each key is then let out one by one, until the
 * mode ends and the rest goes to who has the focus by then.  So no key is
 * lost, none leaks, however fast they come.
 */
#include <stdio.h>

#include "lib/err.h"

#include "fion/x/x_internal.h"

#define MAX_COUNT 999

/* One more key, please. */
static void
next_key(struct x *x)
{
	xcb_allow_events(x->c, XCB_ALLOW_SYNC_KEYBOARD, XCB_CURRENT_TIME);
}

static void
let_go(struct x *x)
{
	xcb_ungrab_keyboard(x->c, XCB_CURRENT_TIME);
}

static void
grab_all(struct x *x)
{
	xcb_discard_reply(x->c,
	    xcb_grab_keyboard(x->c, 0, x->root, XCB_CURRENT_TIME,
		XCB_GRAB_MODE_ASYNC, XCB_GRAB_MODE_SYNC)
		.sequence);
}

/* What waits for a key now, instead of what did. */
static void
set_input(struct x *x, enum input input)
{
	if (x->input == INPUT_PROMPT)
		prompt_clear(&x->prompt);
	x->input = input;
}

static void
end_mode(struct x *x)
{
	set_input(x, INPUT_NONE);
	x->mode = NULL;
	x->held = false;
	x->count = 0;
	x->mode_ends = 0;
	x->unpainted = true;
	x->hooks->event(x->ctx, "mode", NULL);
}

void
modes_leave(struct x *x)
{
	if (x->input == INPUT_NONE)
		return;
	end_mode(x);
	let_go(x);
}

static void
wait_on(struct x *x)
{
	int ms = x->config->set.mode_timeout;

	x->mode_ends = ms == 0 ? 0 : x_now() + (uint64_t)ms;
}

static void
begin_mode(struct x *x, const struct config_mode *mode, bool held)
{
	set_input(x, INPUT_MODE);
	x->mode = mode;
	x->held = held;
	x->count = 0;
	wait_on(x);
	x->unpainted = true;
	x->hooks->event(x->ctx, "mode", NULL);
}

int
x_enter_mode(struct x *x, const char *name, bool held, struct err *e)
{
	const struct config_mode *m = config_mode(x->config, name);

	if (m == NULL) {
		err_set(e, ERR_NOT_FOUND, "no mode \"%s\"", name);
		return -1;
	}
	if (m == &x->config->modes[0]) {
		modes_leave(x);
		return 0;
	}
	if (x->input == INPUT_NONE) {
		grab_all(x);
		next_key(x);
	}
	begin_mode(x, m, held);
	return 0;
}

const char *
x_mode(const struct x *x)
{
	return x->input == INPUT_MODE ? x->mode->name :
	    x->input == INPUT_PROMPT  ? "prompt" :
	    x->input == INPUT_PASS    ? "pass" :
					"default";
}

void
x_pass_next(struct x *x)
{
	if (x->input == INPUT_NONE) {
		grab_all(x);
		next_key(x);
	}
	set_input(x, INPUT_PASS);
	wait_on(x);
	x->unpainted = true;
}

int
x_ask(struct x *x, const char *kind, struct prompt_words *words,
    struct prompt_history *history, struct err *e)
{
	if (x->input == INPUT_PROMPT) {
		words_clear(words);
		err_set(e, ERR_EXISTS, "a prompt is open already");
		return -1;
	}
	if (x->input == INPUT_NONE) {
		grab_all(x);
		next_key(x);
	}
	set_input(x, INPUT_PROMPT);
	x->mode_ends = 0;
	prompt_init(&x->prompt, kind, history);
	x->prompt.words = *words;
	words->words = NULL;
	words->n = 0;
	x->unpainted = true;
	return 0;
}

static const struct config_bind *
find_bind(struct x *x, const struct config_mode *m, uint8_t code, uint32_t mods)
{
	return config_bind_of(m, keymap_sym(&x->keymap, code, false),
	    keymap_sym(&x->keymap, code, true), mods);
}

static const struct config_mode *
find_prefix(struct x *x, uint8_t code, uint32_t mods, bool *held)
{
	return config_prefix_of(
	    x->config, keymap_sym(&x->keymap, code, false), mods, held);
}

static bool
is_modifier(uint32_t sym)
{
	return (sym >= XKB_KEY_Shift_L && sym <= XKB_KEY_Hyper_R) ||
	    (sym >= XKB_KEY_ISO_Lock && sym <= XKB_KEY_ISO_Last_Group_Lock) ||
	    sym == XKB_KEY_Num_Lock || sym == XKB_KEY_Scroll_Lock ||
	    sym == XKB_KEY_Mode_switch;
}

static void
run(struct x *x, const struct config_bind *b, unsigned times)
{
	x->hooks->command(x->ctx, b->n, (const char *const *)b->words, times);
}

/*
 * A command has run for a key that came while before waited: one more key is
 * asked for, or all let go, exactly once.  A second time would let out a key
 * too many, or end the grab of a prefix that has come meanwhile.
 */
static void
after_command(struct x *x, enum input before)
{
	bool waits = x->input != INPUT_NONE;

	/* The requests that move the focus go before the keys. */
	x_reconcile(x);
	if (before == INPUT_NONE && !waits)
		let_go(x);
	else if (before != INPUT_NONE && waits)
		next_key(x);
	/* else what it opened has asked, or what it ended has let go */
}

/* A first key: of the default mode, or the prefix of another. */
static void
first_key(struct x *x, uint8_t code, uint32_t mods)
{
	bool held = false;
	const struct config_mode *m = find_prefix(x, code, mods, &held);
	const struct config_bind *b =
	    find_bind(x, &x->config->modes[0], code, mods);

	if (b == NULL && m != NULL) {
		grab_all(x);
		begin_mode(x, m, held);
		next_key(x);
		return;
	}
	if (b != NULL)
		run(x, b, 1);
	after_command(x, INPUT_NONE);
}

/* Digits before a command in a held mode. */
static bool
take_digit(struct x *x, uint32_t sym, uint32_t mods)
{
	if (!x->held || mods != 0 || sym < XKB_KEY_0 || sym > XKB_KEY_9 ||
	    (sym == XKB_KEY_0 && x->count == 0))
		return false;
	x->count = x->count * 10 + (sym - XKB_KEY_0);
	if (x->count > MAX_COUNT)
		x->count = MAX_COUNT;
	return true;
}

static void
mode_key(struct x *x, uint8_t code, uint32_t mods)
{
	uint32_t sym = keymap_sym(&x->keymap, code, false);
	const struct config_mode *mode = x->mode, *m;
	const struct config_bind *b;
	bool held = false, stays = x->held;
	unsigned times = x->count == 0 ? 1 : x->count;

	x->unpainted = true;
	wait_on(x);
	if (is_modifier(sym) || take_digit(x, sym, mods)) {
		next_key(x);
		return;
	}
	m = find_prefix(x, code, mods, &held);
	/* The person may not have let go of the prefix's modifiers yet. */
	b = find_bind(x, mode, code, mods);
	if (b == NULL && m == NULL)
		b = find_bind(x, mode, code, mods & ~mode->prefix.mods);
	if (m == mode && b == NULL) {
		x->held = true; /* twice: stay */
		next_key(x);
		return;
	}
	if (m != NULL && b == NULL) {
		begin_mode(x, m, held);
		next_key(x);
		return;
	}
	x->count = 0;
	if (b == NULL || sym == XKB_KEY_Escape) {
		modes_leave(x);
		return;
	}
	if (!stays)
		end_mode(x); /* the keyboard stays ours until the end */
	run(x, b, times);
	after_command(x, stays ? INPUT_MODE : INPUT_NONE);
}

static void
prompt_key_pressed(struct x *x, uint8_t code, uint16_t state)
{
	char text[16], kind[32], line[PROMPT_BYTES];
	xkb_keysym_t sym;
	enum prompt_result r;

	xkb_state_update_mask(x->xkb_state, state & 0xff, 0, 0, 0, 0,
	    (xkb_layout_index_t)(state >> 13 & 3));
	sym = xkb_state_key_get_one_sym(x->xkb_state, code);
	xkb_state_key_get_utf8(x->xkb_state, code, text, sizeof(text));
	x->unpainted = true;
	if (is_modifier(sym)) {
		next_key(x);
		return;
	}
	r = prompt_key(
	    &x->prompt, sym, (state & XCB_MOD_MASK_CONTROL) != 0, text);
	if (r == PROMPT_GOING) {
		next_key(x);
		return;
	}
	snprintf(kind, sizeof(kind), "%s", x->prompt.kind);
	snprintf(line, sizeof(line), "%s", prompt_text(&x->prompt));
	end_mode(x);
	if (r == PROMPT_DONE)
		x->hooks->line(x->ctx, kind, line);
	after_command(x, INPUT_NONE);
}

/* The key goes on as if nobody had been listening. */
static void
pass_key(struct x *x, uint8_t code)
{
	if (is_modifier(keymap_sym(&x->keymap, code, false))) {
		next_key(x);
		return;
	}
	end_mode(x);
	xcb_allow_events(x->c, XCB_ALLOW_REPLAY_KEYBOARD, XCB_CURRENT_TIME);
	let_go(x);
}

void
modes_key(struct x *x, const xcb_key_press_event_t *ev)
{
	uint32_t mods = keymap_mods(&x->keymap, ev->state);

	x->time = ev->time;
	if (ev->response_type == XCB_KEY_RELEASE) {
		if (x->input == INPUT_NONE)
			let_go(x);
		else
			next_key(x);
		return;
	}
	x->user_time = ev->time;
	switch (x->input) {
	case INPUT_NONE:
		first_key(x, ev->detail, mods);
		break;
	case INPUT_MODE:
		mode_key(x, ev->detail, mods);
		break;
	case INPUT_PROMPT:
		prompt_key_pressed(x, ev->detail, ev->state);
		break;
	case INPUT_PASS:
		pass_key(x, ev->detail);
		break;
	}
}

void
modes_tick(struct x *x, uint64_t now)
{
	if (x->mode_ends != 0 && now >= x->mode_ends)
		modes_leave(x);
}
