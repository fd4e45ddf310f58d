/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"

#include "smtpd/conf/conf.h"

#include "smtpd/proc/exposed.h"

static bool
all_may(const char *path, mode_t what)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & what) != 0;
}

/* Whether all may read the file, and pass the directories that lead to it. */
static bool
is_exposed(const char *path)
{
	char *real = realpath(path, NULL), *slash;
	bool exposed = real != NULL && all_may(real, S_IROTH);

	while (exposed && (slash = strrchr(real, '/')) != real) {
		*slash = '\0';
		exposed = all_may(real, S_IXOTH);
	}
	free(real);
	return exposed;
}

void
exposed_tell(const struct conf *c, const char *conf_path, struct buf *out)
{
	const struct conf_table *t;

	TAILQ_FOREACH(t, &c->tables, entry) {
		const char *path =
		    t->kind == CONF_TABLE_STATIC ? t->pos.file : t->path;

		if (t->program == NULL && conf_is_secret(c, t) &&
		    is_exposed(path))
			buf_printf(out,
			    "%s:%d:%d: warning: %s: all users may read these "
			    "passwords (chmod o-r)\n",
			    t->pos.file, t->pos.line, t->pos.column, path);
	}
	if (c->encryption != NULL && !conf_key_elsewhere(c) &&
	    is_exposed(conf_path))
		buf_printf(out,
		    "%s: warning: all users may read the queue's key (chmod "
		    "o-r)\n",
		    conf_path);
}
