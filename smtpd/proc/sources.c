/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/proc/proc.h"

#include "smtpd/proc/sources.h"

#define SOURCES_SLOTS 16384
#define KEY_LEN       16

/* What is shared. */
struct table {
	uint8_t key[KEY_LEN];
	_Atomic uint32_t rows[PROC_INSTANCES][SOURCES_SLOTS];
};

struct sources {
	struct table *table;
	_Atomic uint32_t *own;
};

int
sources_create(struct err *e)
{
	uint8_t key[KEY_LEN];
	int fd = memfd_create("sources", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	arc4random_buf(key, sizeof(key));
	if (fd != -1 && ftruncate(fd, (off_t)sizeof(struct table)) == 0 &&
	    fs_write_all(fd, key, sizeof(key), e) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ==
		0)
		return fd;
	err_sys(e, "the table of sources");
	if (fd != -1)
		close(fd);
	return -1;
}

struct sources *
sources_open(int fd, unsigned row, struct err *e)
{
	struct sources *t;
	void *p = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	close(fd);
	if (p == MAP_FAILED) {
		err_sys(e, "the table of sources");
		return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	t->table = p;
	t->own = t->table->rows[row];
	for (size_t i = 0; i < SOURCES_SLOTS; i++)
		atomic_store(&t->own[i], 0);
	return t;
}

void
sources_close(struct sources *t)
{
	if (t == NULL)
		return;
	munmap(t->table, sizeof(*t->table));
	free(t);
}

/* The bytes that tell a source from others; 0: it is none. */
static size_t
name_source(const struct sockaddr *sa, const uint8_t **name)
{
	const struct sockaddr_in6 *six = (const void *)sa;
	const struct sockaddr_in *four = (const void *)sa;

	if (sa == NULL)
		return 0;
	if (sa->sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		*name = six->sin6_addr.s6_addr + 12;
		return (*name)[0] == 127 ? 0 : 4;
	}
	if (sa->sa_family == AF_INET6) {
		*name = six->sin6_addr.s6_addr;
		return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) ? 0 : 8;
	}
	if (sa->sa_family != AF_INET)
		return 0;
	*name = (const uint8_t *)&four->sin_addr;
	return (*name)[0] == 127 ? 0 : 4;
}

static uint32_t
find_slot(const struct sources *t, const struct sockaddr *sa)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	const uint8_t *name;
	unsigned hash_len;
	size_t len = name_source(sa, &name);

	if (len == 0 ||
	    HMAC(EVP_sha256(), t->table->key, KEY_LEN, name, len, hash,
		&hash_len) == NULL)
		return 0;
	return 1 + wire_load32(hash) % (SOURCES_SLOTS - 1);
}

static uint64_t
sum(const struct sources *t, uint32_t slot)
{
	uint64_t n = 0;

	for (size_t i = 0; i < PROC_INSTANCES; i++)
		n += atomic_load(&t->table->rows[i][slot]);
	return n;
}

bool
sources_enter(struct sources *t, const struct sockaddr *sa,
    const struct conf_limits *l, struct sources_seat *seat, bool *source)
{
	*seat = (struct sources_seat){ 0 };
	*source = false;
	if (t == NULL)
		return true;
	seat->slot = find_slot(t, sa);
	*source =
	    seat->slot != 0 && sum(t, seat->slot) >= l->max_sessions_per_source;
	if (*source || sum(t, 0) >= l->max_sessions)
		return false;
	seat->taken = true;
	atomic_fetch_add(&t->own[0], 1);
	if (seat->slot != 0)
		atomic_fetch_add(&t->own[seat->slot], 1);
	return true;
}

void
sources_leave(struct sources *t, struct sources_seat *seat)
{
	if (t != NULL && seat->taken) {
		atomic_fetch_sub(&t->own[0], 1);
		if (seat->slot != 0)
			atomic_fetch_sub(&t->own[seat->slot], 1);
	}
	*seat = (struct sources_seat){ 0 };
}
