/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * table: the commands there are, by name.  It needs nothing of fion, so that
 * fionctl knows them too.
 */
#include <string.h>

#include "lib/err.h"

#include "fion/cmd/cmd.h"

#define DIRECTIONS(noun, text)                                                 \
	{ noun, "left", "", text " on the left", 0, 0, true },                 \
	    { noun, "right", "", text " on the right", 0, 0, true },           \
	    { noun, "up", "", text " above", 0, 0, true },                     \
	{                                                                      \
		noun, "down", "", text " below", 0, 0, true                    \
	}
#define AROUND(noun, text)                                                     \
	{ noun, "next", "", "the next " text, 0, 0, true },                    \
	    { noun, "previous", "", "the " text " before", 0, 0, true },       \
	{                                                                      \
		noun, "pick", "N", text " number N", 1, 1, false               \
	}

const struct cmd cmd_table[] = {
	AROUND("screen", "screen"),
	DIRECTIONS("screen", "the screen"),

	{ "workspace", "next", "", "the next workspace", 0, 0, true },
	{ "workspace", "previous", "", "the workspace before", 0, 0, true },
	{ "workspace", "pick", "NAME",
	    "the workspace of that name, made "
	    "when there is none",
	    1, 1, false },
	{ "workspace", "last", "", "where you were before", 0, 0, false },
	{ "workspace", "create", "[NAME]", "a new workspace", 0, 1, false },
	{ "workspace", "destroy", "", "windows go to the one beside it", 0, 0,
	    false },
	{ "workspace", "rename", "NAME", "give it a name", 1, 1, false },
	{ "workspace", "move", "next|previous", "change places with another", 1,
	    1, true },
	{ "workspace", "send", "SCREEN|DIRECTION|next|previous",
	    "take it to another screen", 1, 1, false },

	AROUND("tile", "tile"),
	DIRECTIONS("tile", "the tile"),
	{ "tile", "last", "", "where you were before", 0, 0, false },
	{ "tile", "focus", "NAME", "the tile of that name", 1, 1, false },
	{ "tile", "create", "[row|column] [PERCENT]",
	    "cut in two, along the longer side", 0, 2, false },
	{ "tile", "destroy", "", "the neighbour takes its room and tabs", 0, 0,
	    false },
	{ "tile", "resize", "DIRECTION [PIXELS]", "move its boundary", 1, 2,
	    true },
	{ "tile", "equal", "", "all tiles alike", 0, 0, false },
	{ "tile", "rotate", "", "rows to columns and back", 0, 0, false },
	{ "tile", "move", "DIRECTION|next|previous",
	    "change places with another", 1, 1, true },
	{ "tile", "rename", "[NAME]", "a name, for rules", 0, 1, false },

	AROUND("tab", "tab"),
	{ "tab", "left", "", "the tab before", 0, 0, true },
	{ "tab", "right", "", "the next tab", 0, 0, true },
	{ "tab", "last", "", "the window you were in before", 0, 0, false },
	{ "tab", "create", "", "ask what to run here", 0, 0, false },
	{ "tab", "destroy", "", "close the window", 0, 0, false },
	{ "tab", "kill", "", "end the program, unsaved or not", 0, 0, false },
	{ "tab", "move", "DIRECTION|next|previous",
	    "to another tile; next and previous: along its tabs", 1, 1, true },
	{ "tab", "send", "WORKSPACE", "to another workspace", 1, 1, false },
	{ "tab", "screen", "SCREEN|DIRECTION|next|previous",
	    "to another screen", 1, 1, false },
	{ "tab", "scratch", "", "into the scratch tile, or out of it", 0, 0,
	    false },
	{ "tab", "tag", "", "mark it, to be brought elsewhere", 0, 0, false },
	{ "tab", "attach", "", "bring the marked ones here", 0, 0, false },
	{ "tab", "float", "", "over the tiles, or back", 0, 0, false },
	{ "tab", "fullscreen", "[tile|screen]", "the whole screen, or back", 0,
	    1, false },
	{ "tab", "focus", "WINDOW", "the window of that number", 1, 1, false },

	{ "focus", "urgent", "", "who calls", 0, 0, false },
	{ "focus", "last", "", "the window before", 0, 0, false },
	{ "scratch", NULL, "", "the tile that is everywhere", 0, 0, false },

	{ "mode", NULL, "NAME [held]", "wait for a key of this mode", 1, 2,
	    false },
	{ "pass", NULL, "", "the next key goes to the application", 0, 0,
	    false },
	{ "repeat", NULL, "", "the last command again", 0, 0, true },
	{ "prompt", NULL, "run|window|workspace|ssh|man|command|rename",
	    "ask, with completion", 1, 1, false },
	{ "exec", NULL, "PROGRAM [ARGUMENT ...]", "start a program", 1,
	    CMD_WORDS, false },
	{ "terminal", NULL, "", "start a terminal", 0, 0, false },
	{ "bar", NULL, "", "show or hide the bar", 0, 0, false },
	{ "save", NULL, "NAME", "save the layout", 1, 1, false },
	{ "load", NULL, "NAME", "arrange as saved", 1, 1, false },
	{ "reload", NULL, "", "read the configuration again", 0, 0, false },
	{ "restart", NULL, "", "start fion again, windows stay", 0, 0, false },
	{ "quit", NULL, "", "end fion, windows stay", 0, 0, false },
	{ NULL, NULL, NULL, NULL, 0, 0, false },
};

static bool
noun_known(const char *noun)
{
	for (const struct cmd *c = cmd_table; c->noun != NULL; c++)
		if (strcmp(c->noun, noun) == 0)
			return true;
	return false;
}

const struct cmd *
cmd_find(size_t n, const char *const *words, struct err *e)
{
	if (n == 0) {
		err_set(e, ERR_USAGE, "no command");
		return NULL;
	}
	for (const struct cmd *c = cmd_table; c->noun != NULL; c++) {
		size_t used = c->verb == NULL ? 1 : 2;

		if (strcmp(c->noun, words[0]) != 0 ||
		    (c->verb != NULL &&
			(n < 2 || strcmp(c->verb, words[1]) != 0)))
			continue;
		if (n - used < c->min || n - used > c->max) {
			err_set(e, ERR_USAGE, "usage: %s%s%s%s%s", c->noun,
			    c->verb == NULL ? "" : " ",
			    c->verb == NULL ? "" : c->verb,
			    c->args[0] == '\0' ? "" : " ", c->args);
			return NULL;
		}
		return c;
	}
	if (!noun_known(words[0]))
		err_set(e, ERR_USAGE, "no command \"%s\"", words[0]);
	else if (n < 2)
		err_set(e, ERR_USAGE, "%s what?", words[0]);
	else
		err_set(e, ERR_USAGE, "%s has no \"%s\"", words[0], words[1]);
	return NULL;
}
