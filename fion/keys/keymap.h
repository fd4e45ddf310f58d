/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * keymap: which keys of a keyboard stand for what is bound.
 *
 * A key is found in every layout there is, so that a binding holds whatever
 * layout is in force, and also when none of them has Latin letters: those
 * lie then where they do on the American one.
 *
 * Shape: codes as X has them, from 8 on; real modifiers as bits 0 to 7 of a
 *        state, Shift, Lock and Control being the lowest.
 */
#ifndef FION_KEYS_KEYMAP_H
#define FION_KEYS_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fion/config/config.h"

struct xkb_context;
struct xkb_keymap;

struct keymap {
	struct xkb_keymap *map;
	struct xkb_keymap *latin; /* for the letters that it lacks, or NULL */
	uint32_t missing;         /* those, from a on, as bits */
	uint16_t num, alt, win, level3, scroll; /* real modifiers */
};

/* A key with real modifiers, as it is asked for. */
struct grab {
	uint8_t code;
	uint16_t mods;
};

/* Room for these is the caller's to free(). */
struct grab_list {
	struct grab *grabs;
	size_t n;
};

/* Takes map, and lets go of what was there. */
void keymap_set(
    struct keymap *k, struct xkb_context *ctx, struct xkb_keymap *map);
void keymap_clear(struct keymap *k);

/* The symbol that bindings name this key by: Latin, if it has one. */
uint32_t keymap_sym(const struct keymap *k, uint8_t code, bool shifted);

/* The modifiers of a state, in the bits of enum config_mod. */
uint32_t keymap_mods(const struct keymap *k, uint16_t state);

/* Add all keys that the binding may come from, with all states of locks. */
void keymap_grabs(
    const struct keymap *k, struct config_key key, struct grab_list *list);
bool grab_listed(const struct grab_list *list, struct grab g);

#endif
