/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * store_fs_internal: what the two halves of the store in a directory share.
 *
 * Shape: config, data/xx/ID (xx the first two digits of ID), index/ID,
 *        keys/ID, locks/ID, snapshots/ID; tmp/ for objects being written.
 */
#ifndef PLAKAR_STORE_STORE_FS_INTERNAL_H
#define PLAKAR_STORE_STORE_FS_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>

#include "plakar/store/store_ops.h"

#define STORE_FS_FANOUT   256 /* folders below data */
#define STORE_FS_PATH_MAX 96  /* below the root, with the NUL */
#define STORE_FS_DIR_MODE 0700
#define STORE_FS_TEMP_DIR "tmp"

/* A directory that a sync may have to write out. */
enum {
	/* 0 to 255: the folders below data */
	STORE_FS_DIR_ROOT = STORE_FS_FANOUT,
	STORE_FS_DIR_KIND, /* plus an enum store_kind */
	STORE_FS_DIRS = STORE_FS_DIR_KIND + STORE_KINDS,
};

struct store_fs {
	struct store base;
	char *path;
	int root; /* the directory itself */
	pthread_mutex_t lock;
	bool swept;                /* leftovers have been looked for */
	bool dirty[STORE_FS_DIRS]; /* changed since the last sync */
	pthread_mutex_t sync_lock; /* taken before lock */
	bool sync_failed;
};

/*
 * Where the object name is, below the root.  *dir is the number of the
 * directory that holds it.
 */
void store_fs_place(const char *name, char path[STORE_FS_PATH_MAX], int *dir);

/* The directory number's own path, and the one that holds it. */
void store_fs_dir_path(int dir, char path[STORE_FS_PATH_MAX]);
int store_fs_dir_parent(int dir);

/* Its content has changed: the next sync writes it out. */
void store_fs_mark(struct store_fs *fs, int dir);

/* Say in e where it happened; and in plain words, when the disk is full. */
void store_fs_explain(
    const struct store_fs *fs, const char *path, struct err *e);

int store_fs_put_begin(struct store *s, struct store_put **out, struct err *e);
int store_fs_put_write(
    struct store_put *p, const void *data, size_t len, struct err *e);
int store_fs_put_commit(struct store_put *p, const char *name, struct err *e);
void store_fs_put_abort(struct store_put *p);

#endif
