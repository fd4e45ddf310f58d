/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Which keys are ours, in layouts of all kinds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <xkbcommon/xkbcommon.h>

#include "fion/keys/keymap.h"

/* Codes of keys, by the letters of the American layout. */
#define KEY_1   10
#define KEY_Q   24
#define KEY_W   25
#define KEY_C   54

#define SHIFT   1
#define LOCK    2
#define CONTROL 4

static struct keymap
keymap_of(const char *layout, const char *variant)
{
	struct xkb_rule_names names = { .layout = layout, .variant = variant };
	struct xkb_context *ctx = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	struct xkb_keymap *map;
	struct keymap k = { 0 };

	assert_non_null(ctx);
	map =
	    xkb_keymap_new_from_names(ctx, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
	assert_non_null(map);
	keymap_set(&k, ctx, map);
	xkb_context_unref(ctx);
	return k;
}

static bool
grabs(const struct keymap *k, const char *key, uint8_t code, uint16_t mods)
{
	struct grab_list list = { 0 };
	struct config_key parsed;
	bool found;

	assert_true(config_key_parse(key, &parsed));
	keymap_grabs(k, parsed, &list);
	found = grab_listed(&list, (struct grab){ code, mods });
	free(list.grabs);
	return found;
}

static void
test_modifiers_are_found(void **state)
{
	struct keymap k = keymap_of("us", NULL);

	(void)state;
	assert_true(k.win != 0 && k.alt != 0 && k.num != 0);
	assert_true(k.win != k.alt && k.alt != k.num);
	assert_int_equal(
	    keymap_mods(&k, SHIFT | k.win), CONFIG_SHIFT | CONFIG_WIN);
	assert_int_equal(keymap_mods(&k, CONTROL | k.alt | LOCK | k.num),
	    CONFIG_CTRL | CONFIG_ALT);
	keymap_clear(&k);
}

static void
test_letters_in_latin_layouts(void **state)
{
	struct keymap us = keymap_of("us", NULL);
	struct keymap fr = keymap_of("fr", NULL);
	struct keymap dvorak = keymap_of("us", "dvorak");

	(void)state;
	assert_int_equal(keymap_sym(&us, KEY_Q, false), XKB_KEY_q);
	assert_int_equal(keymap_sym(&us, KEY_Q, true), XKB_KEY_q);
	assert_int_equal(keymap_sym(&us, KEY_1, true), XKB_KEY_exclam);
	assert_int_equal(keymap_sym(&fr, KEY_Q, false), XKB_KEY_a);
	assert_int_equal(keymap_sym(&dvorak, KEY_C, false), XKB_KEY_j);
	assert_true(us.latin == NULL && fr.latin == NULL);
	/* French digits are typed with Shift: so they are asked for. */
	assert_true(grabs(&fr, "Win+1", KEY_1, fr.win | SHIFT));
	assert_false(grabs(&fr, "Win+1", KEY_1, fr.win));
	assert_true(grabs(&us, "Win+1", KEY_1, us.win));
	keymap_clear(&us);
	keymap_clear(&fr);
	keymap_clear(&dvorak);
}

static void
test_letters_beside_another_script(void **state)
{
	struct keymap k = keymap_of("ru,us", NULL);

	(void)state;
	assert_null(k.latin);
	assert_int_equal(keymap_sym(&k, KEY_W, false), XKB_KEY_w);
	assert_true(grabs(&k, "Win+w", KEY_W, k.win));
	keymap_clear(&k);
}

/* Also where a key types a Latin sign that is none of the letters (il). */
static void
test_letters_without_latin_layout(void **state)
{
	static const char *const layouts[] = { "ru", "gr", "il", "th", "ara" };
	struct config_key key;
	char name[] = "Win+?";

	(void)state;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		struct keymap k = keymap_of(layouts[i], NULL);

		assert_non_null(k.latin);
		assert_int_equal(keymap_sym(&k, KEY_W, false), XKB_KEY_w);
		assert_int_equal(keymap_sym(&k, KEY_C, false), XKB_KEY_c);
		assert_true(grabs(&k, "Win+w", KEY_W, k.win));
		assert_true(grabs(&k, "Win+w", KEY_W, k.win | LOCK | k.num));
		for (int letter = 'a'; letter <= 'z'; letter++) {
			struct grab_list list = { 0 };

			name[4] = (char)letter;
			assert_true(config_key_parse(name, &key));
			keymap_grabs(&k, key, &list);
			assert_true(list.n > 0);
			free(list.grabs);
		}
		keymap_clear(&k);
	}
}

static void
test_each_state_of_the_locks_once(void **state)
{
	struct keymap k = keymap_of("us", NULL);
	struct grab_list list = { 0 };
	struct config_key key = { CONFIG_WIN, XKB_KEY_w };

	(void)state;
	keymap_grabs(&k, key, &list);
	assert_int_equal(list.n, k.scroll == 0 ? 4 : 8);
	keymap_grabs(&k, key, &list);
	assert_int_equal(list.n, k.scroll == 0 ? 4 : 8);
	for (size_t i = 0; i < list.n; i++)
		assert_int_equal(
		    list.grabs[i].mods & ~(LOCK | k.num | k.scroll), k.win);
	keymap_grabs(&k, (struct config_key){ 0 }, &list);
	assert_int_equal(list.n, k.scroll == 0 ? 4 : 8);
	free(list.grabs);
	keymap_clear(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modifiers_are_found),
		cmocka_unit_test(test_letters_in_latin_layouts),
		cmocka_unit_test(test_letters_beside_another_script),
		cmocka_unit_test(test_letters_without_latin_layout),
		cmocka_unit_test(test_each_state_of_the_locks_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
