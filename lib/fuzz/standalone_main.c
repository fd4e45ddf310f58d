/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Runs a fuzz target over files and folders given as arguments: seeds and
 * past crashes, replayed as an ordinary test with any compiler.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t len = 0, n;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	do {
		data = xreallocarray(data, len + 65536, 1);
		n = fread(data + len, 1, 65536, f);
		len += n;
	} while (n > 0);
	fclose(f);
	/* Exactly len bytes, so that a sanitizer sees a read past the end. */
	data = xreallocarray(data, len, 1);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
}

static unsigned
run_path(const char *path)
{
	struct stat st;
	struct dirent *ent;
	unsigned n = 0;
	DIR *dir;

	if (stat(path, &st) == -1) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode)) {
		run_file(path);
		return 1;
	}
	dir = opendir(path);
	if (dir == NULL) {
		perror(path);
		exit(1);
	}
	while ((ent = readdir(dir)) != NULL) {
		char *child;

		if (ent->d_name[0] == '.')
			continue;
		child = xasprintf("%s/%s", path, ent->d_name);
		n += run_path(child);
		free(child);
	}
	closedir(dir);
	return n;
}

int
main(int argc, char **argv)
{
	unsigned n = 0;

	for (int i = 1; i < argc; i++)
		n += run_path(argv[i]);
	printf("%u inputs\n", n);
	return n > 0 ? 0 : 1;
}
