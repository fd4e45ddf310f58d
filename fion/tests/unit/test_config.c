/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The configuration: what it takes, and where it says it is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <xkbcommon/xkbcommon-keysyms.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "fion/config/config.h"
#include "fion/model/model.h"

/* What the complaint about this text is; NULL: none. */
static const char *
complaint(const char *text, size_t len)
{
	static struct err e;
	struct config *c = config_new();
	int rc = config_parse(c, "f", text, len, NULL, &e);

	config_free(c);
	return rc == -1 ? e.msg : NULL;
}

static void
complains(const char *text, const char *where)
{
	const char *msg = complaint(text, strlen(text));

	assert_non_null(msg);
	if (strncmp(msg, where, strlen(where)) != 0)
		fail_msg("%s: \"%s\", not %s", text, msg, where);
}

static struct config *
parsed(const char *text)
{
	struct config *c = config_new();
	struct err e = { 0 };

	if (config_parse(c, "f", text, strlen(text), NULL, &e) == -1)
		fail_msg("%s", e.msg);
	return c;
}

static const struct config_bind *
bound(const struct config *c, const char *mode, const char *key)
{
	const struct config_mode *m = config_mode(c, mode);
	struct config_key k;

	assert_non_null(m);
	assert_true(config_key_parse(key, &k));
	for (size_t i = 0; i < m->n; i++)
		if (m->binds[i].key.sym == k.sym &&
		    m->binds[i].key.mods == k.mods)
			return &m->binds[i];
	return NULL;
}

static void
test_complaints_name_the_place(void **state)
{
	(void)state;
	complains("bogus", "f:1:1: \"bogus\"");
	complains("set tray on\n  set  dpi  9999", "f:2:13: \"9999\" is not a");
	complains("set border green", "f:1:12: \"green\" is not a colour");
	complains("set border #12345g", "f:1:12: ");
	complains("set tray yes", "f:1:10: \"yes\" is not on or off");
	complains("set nothing 1", "f:1:5: no setting");
	complains("set tray", "f:1:9: usage: set");
	complains("set tray on off", "f:1:13: usage: set");
	complains("bind Win+nokey terminal", "f:1:6: no key");
	complains("bind Hyper+x terminal", "f:1:6: no key");
	complains("bind Win+x", "f:1:11: usage: bind");
	complains("bind Win+x fly", "f:1:12: ");
	complains("bind Win+x tile", "f:1:12: ");
	complains("bind in nowhere x terminal", "f:1:9: no mode");
	complains("unbind in tile", "f:1:15: usage: unbind");
	complains("mode", "f:1:5: usage: mode");
	complains("mode m Win+nokey", "f:1:8: no key");
	complains("rule class=X", "f:1:13: usage: rule");
	complains("rule -> float", "f:1:6: usage: rule");
	complains("rule class=X ->", "f:1:14: usage: rule");
	complains("rule colour=X -> float", "f:1:6: ");
	complains("rule class=X -> fly", "f:1:17: ");
	complains("bar up", "f:1:5: usage: bar");
	complains("exec", "f:1:5: usage: exec");
	complains("include", "f:1:8: usage: include");
	complains("set font \"never ended", "f:1:10: a quote without end");
	assert_null(complaint("", 0));
	assert_null(complaint("# nothing\n\n\t \r\n", 15));
}

static void
test_a_nul_is_complained_of(void **state)
{
	static const char text[] = "set tray on\nset dpi 9\0 6\n";

	(void)state;
	assert_string_equal(
	    complaint(text, sizeof(text) - 1), "f:2:9: a NUL byte");
}

static void
test_what_is_too_much_is_refused(void **state)
{
	struct buf b = { 0 };
	char *large;

	(void)state;
	for (int i = 0; i < 100; i++)
		buf_add_str(&b, "exec a\n");
	complains(buf_str(&b), "f:65:1: more than 64 programs");
	buf_reset(&b);
	for (int i = 0; i < 40; i++)
		buf_printf(&b, "mode m%d\n", i);
	assert_non_null(complaint(buf_str(&b), b.len));
	buf_reset(&b);
	buf_add_str(&b, "exec");
	for (int i = 0; i < 70; i++)
		buf_add_str(&b, " a");
	complains(buf_str(&b), "f:1:136: too many words");
	buf_reset(&b);
	for (int i = 0; i < 1025; i++)
		buf_add_str(&b, "rule class=A -> float\n");
	complains(buf_str(&b), "f:1025:1: more than 1024 rules");
	buf_free(&b);
	large = xcalloc(1, CONFIG_BYTES + 1);
	memset(large, '\n', CONFIG_BYTES + 1);
	assert_null(complaint(large, CONFIG_BYTES));
	assert_non_null(complaint(large, CONFIG_BYTES + 1));
	free(large);
}

static void
test_words_are_quoted_as_in_a_shell(void **state)
{
	struct config *c = parsed("exec a \"b c\" 'd \"e' f\\ g \"h\\\"i\" #j\n"
				  "exec k#l \"\" # no word\n"
				  "set border #AbCdEf\r\n");
	char **w = c->execs[0];

	(void)state;
	assert_string_equal(w[1], "b c");
	assert_string_equal(w[2], "d \"e");
	assert_string_equal(w[3], "f g");
	assert_string_equal(w[4], "h\"i");
	assert_string_equal(w[5], "#j");
	assert_null(w[6]);
	w = c->execs[1];
	assert_string_equal(w[0], "k#l");
	assert_string_equal(w[1], "");
	assert_null(w[2]);
	assert_int_equal(c->set.border, 0xabcdef);
	config_free(c);
}

static void
test_every_setting_reads_what_it_writes(void **state)
{
	struct config *c = config_new();

	(void)state;
	for (size_t i = 0; i < config_setting_count(); i++) {
		char *value = config_setting_value(c, i);
		char *line =
		    xasprintf("set %s \"%s\"", config_setting_name(i), value);
		struct config *d = parsed(line);
		char *again = config_setting_value(d, i);

		assert_string_equal(value, again);
		if (i > 0)
			assert_true(strcmp(config_setting_name(i - 1),
					config_setting_name(i)) < 0);
		free(again);
		config_free(d);
		free(line);
		free(value);
	}
	config_free(c);
}

static void
test_the_last_binding_holds(void **state)
{
	struct config *c = parsed("bind Win+F5 terminal\n"
				  "bind Win+F5 tile next\n"
				  "mode mine Win+m\n"
				  "bind in mine x quit\n"
				  "bind in mine y quit\n"
				  "unbind in mine x\n"
				  "unbind in tab all\n");

	(void)state;
	assert_string_equal(bound(c, "default", "Win+F5")->words[0], "tile");
	assert_int_equal(bound(c, "default", "Win+F5")->n, 2);
	assert_null(bound(c, "mine", "x"));
	assert_non_null(bound(c, "mine", "y"));
	assert_int_equal(config_mode(c, "tab")->n, 0);
	assert_null(config_mode(c, "none"));
	config_free(c);
}

static void
test_names_of_keys(void **state)
{
	static const struct {
		const char *text, *name;
	} good[] = { { "Win+t", "Win+t" }, { "win+T", "Win+Shift+t" },
		{ "Super+Shift+t", "Win+Shift+t" }, { "Ctrl+Alt+Delete", NULL },
		{ "Mod1+F4", "Alt+F4" }, { "+", "plus" }, { "Win++", NULL },
		{ "space", "space" }, { "AltGr+e", "AltGr+e" },
		{ "exclam", "exclam" }, { "!", "exclam" } };
	static const char *const bad[] = { "", "Win+", "+Win+t", "Foo+t",
		"Win+nokey", "Win t" };
	struct config_key k, again;
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(config_key_parse(good[i].text, &k));
		config_key_format(k, name, sizeof(name));
		if (good[i].name != NULL)
			assert_string_equal(name, good[i].name);
		assert_true(config_key_parse(name, &again));
		assert_int_equal(k.sym, again.sym);
		assert_int_equal(k.mods, again.mods);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (config_key_parse(bad[i], &k))
			fail_msg("\"%s\" is no key", bad[i]);
	/* A name that does not fit is cut, not overrun. */
	assert_true(config_key_parse("Win+Ctrl+Alt+Shift+Return", &k));
	for (size_t n = 1; n < sizeof(name); n++) {
		memset(name, 'x', sizeof(name));
		config_key_format(k, name, n);
		assert_true(strnlen(name, n) < n);
	}
}

static void
test_who_is_bound_to_a_key(void **state)
{
	struct config *c = parsed("unbind all\nbind Win+exclam terminal\n"
				  "bind Win+Shift+1 quit\nbind Win+1 reload\n"
				  "mode mine Win+m\nmode none\n");
	const struct config_mode *m = &c->modes[0];
	uint32_t win = CONFIG_WIN, shift = CONFIG_SHIFT;
	bool held;

	(void)state;
	/* As it is named goes in the order of the file: exclam came first. */
	assert_string_equal(
	    config_bind_of(m, XKB_KEY_1, XKB_KEY_exclam, win | shift)->words[0],
	    "terminal");
	assert_string_equal(
	    config_bind_of(m, XKB_KEY_1, XKB_KEY_exclam, win)->words[0],
	    "reload");
	assert_null(config_bind_of(m, XKB_KEY_1, XKB_KEY_exclam, 0));
	assert_null(
	    config_bind_of(m, XKB_KEY_1, XKB_KEY_exclam, win | CONFIG_CTRL));
	assert_ptr_equal(
	    config_prefix_of(c, XKB_KEY_m, win, &held), config_mode(c, "mine"));
	assert_false(held);
	assert_ptr_equal(config_prefix_of(c, XKB_KEY_m, win | shift, &held),
	    config_mode(c, "mine"));
	assert_true(held);
	assert_null(config_prefix_of(c, XKB_KEY_m, 0, &held));
	assert_null(config_prefix_of(c, 0, 0, &held));
	config_free(c);
}

static void
test_rules_add_up_and_the_first_says_most(void **state)
{
	struct config *c = parsed(
	    "rule class=Fire* -> workspace=web nofocus\n"
	    "rule class=Firefox role=popup -> float workspace=other\n"
	    "rule title=*secret* type=dialog -> tiled fullscreen=tile hints\n");
	struct config_rule r;

	(void)state;
	r = config_match(c, "Firefox", "i", "popup", "t", "normal");
	assert_string_equal(r.workspace, "web");
	assert_int_equal(r.floating, 1);
	assert_true(r.no_focus);
	assert_false(r.hints);
	assert_int_equal(r.full, -1);
	r = config_match(c, "Fire", "i", "", "a secret", "dialog");
	assert_int_equal(r.floating, 0);
	assert_int_equal(r.full, FULL_TILE);
	assert_true(r.hints);
	r = config_match(c, "xterm", "i", "", "a secret", "normal");
	assert_null(r.workspace);
	assert_int_equal(r.floating, -1);
	config_free(c);
}

/* A file that includes itself. */
static char *
read_itself(
    const char *from, const char *name, char **path, size_t *len, struct err *e)
{
	char *text = xasprintf("set dpi 100\ninclude %s\n", name);

	(void)from;
	if (strcmp(name, "gone") == 0) {
		err_set(e, ERR_NOT_FOUND, "gone: no such file");
		free(text);
		return NULL;
	}
	*path = xstrdup(name);
	*len = strlen(text);
	return text;
}

static void
test_includes_end(void **state)
{
	static const char loop[] = "include loop", gone[] = "\ninclude gone";
	struct config *c = config_new();
	struct err e;

	(void)state;
	assert_int_equal(
	    config_parse(c, "f", loop, strlen(loop), read_itself, &e), -1);
	assert_string_equal(e.msg, "loop:2:9: include: 8 files deep");
	assert_int_equal(
	    config_parse(c, "f", gone, strlen(gone), read_itself, &e), -1);
	assert_string_equal(e.msg, "f:2:9: gone: no such file");
	config_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complaints_name_the_place),
		cmocka_unit_test(test_a_nul_is_complained_of),
		cmocka_unit_test(test_what_is_too_much_is_refused),
		cmocka_unit_test(test_words_are_quoted_as_in_a_shell),
		cmocka_unit_test(test_every_setting_reads_what_it_writes),
		cmocka_unit_test(test_the_last_binding_holds),
		cmocka_unit_test(test_names_of_keys),
		cmocka_unit_test(test_who_is_bound_to_a_key),
		cmocka_unit_test(test_rules_add_up_and_the_first_says_most),
		cmocka_unit_test(test_includes_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
