/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"

#include "plakar/walk/names.h"

#define RAW_LEN  (256 * 1024)
#define KEEP_MAX (1024 * 1024) /* bytes of names whose memory is kept */
#define FEW      16            /* names that insertion sorts faster */

#define HEAD_LEN sizeof(((struct name *)NULL)->head)

void
names_clear(struct names *names)
{
	buf_free(&names->text);
	free(names->at);
	free(names->raw);
	*names = (struct names){ 0 };
}

void
names_reset(struct names *names)
{
	if (names->text.cap > KEEP_MAX) {
		buf_free(&names->text);
		free(names->at);
		names->at = NULL;
		names->cap = 0;
	}
	names->text.len = 0;
	names->n = 0;
}

void
names_add(struct names *names, const char *name)
{
	size_t len = strlen(name);
	struct name *at;
	uint32_t head = 0;

	if (names->n == names->cap) {
		names->cap = names->cap == 0 ? 256 : names->cap / 2 * 3;
		names->at =
		    xreallocarray(names->at, names->cap, sizeof(*names->at));
	}
	at = &names->at[names->n++];
	memcpy(&head, name, len < HEAD_LEN ? len : HEAD_LEN);
	at->head = be32toh(head);
	at->offset = (uint32_t)names->text.len;
	buf_add(&names->text, name, len + 1);
}

const char *
names_get(const struct names *names, size_t i)
{
	return (const char *)names->text.data + names->at[i].offset;
}

/* text is that of the names which a and b are of. */
static int
compare(const struct name *a, const struct name *b, const char *text)
{
	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	/* A zero in the heads, which are equal, ends both names. */
	if ((a->head & 0xff) == 0)
		return 0;
	return strcmp(text + a->offset + HEAD_LEN, text + b->offset + HEAD_LEN);
}

static int
compare_cb(const void *a, const void *b, void *text)
{
	return compare(a, b, text);
}

static void
sort_few(struct names *names)
{
	const char *text = (const char *)names->text.data;

	for (size_t i = 1; i < names->n; i++) {
		struct name one = names->at[i];
		size_t j = i;

		for (; j > 0 && compare(&one, &names->at[j - 1], text) < 0; j--)
			names->at[j] = names->at[j - 1];
		names->at[j] = one;
	}
}

void
names_sort(struct names *names)
{
	size_t kept = 0;

	if (names->n <= FEW)
		sort_few(names);
	else
		qsort_r(names->at, names->n, sizeof(*names->at), compare_cb,
		    names->text.data);
	for (size_t i = 0; i < names->n; i++)
		if (i == 0 ||
		    compare(&names->at[kept - 1], &names->at[i],
			(const char *)names->text.data) != 0)
			names->at[kept++] = names->at[i];
	names->n = kept;
}

bool
names_have(const struct names *names, const char *name)
{
	size_t low = 0, high = names->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, names_get(names, middle));

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static void
add_raw(struct names *names, size_t len)
{
	for (size_t at = 0; at < len;) {
		const struct dirent64 *ent =
		    (const struct dirent64 *)(const void *)(names->raw + at);
		const char *name = ent->d_name;

		at += ent->d_reclen;
		if (name[0] == '.' &&
		    (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')))
			continue;
		names_add(names, name);
	}
}

int
names_read(struct names *names, int fd)
{
	ssize_t n;
	int error = 0;

	names_reset(names);
	if (names->raw == NULL)
		names->raw = xmalloc(RAW_LEN);
	for (;;) {
		n = getdents64(fd, names->raw, RAW_LEN);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (names->text.len > UINT32_MAX - RAW_LEN) {
			errno = EOVERFLOW;
			n = -1;
			break;
		}
		add_raw(names, (size_t)n);
	}
	if (n == -1)
		error = errno;
	names_sort(names);
	errno = error;
	return n == -1 ? -1 : 0;
}
