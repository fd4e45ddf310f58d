/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fion/spawn/small.h"

/* The code and constants of one library: never written. */
static int
give_back(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t page = *(const uintptr_t *)arg;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = (info->dlpi_addr + p->p_vaddr) & ~(page - 1);

		if (p->p_type == PT_LOAD && (p->p_flags & PF_W) == 0)
			madvise((void *)from,
			    info->dlpi_addr + p->p_vaddr + p->p_memsz - from,
			    MADV_DONTNEED);
	}
	return 0;
}

void
small_become(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

#ifdef __GLIBC__
	malloc_trim(0);
#endif
	dl_iterate_phdr(give_back, &page);
}
