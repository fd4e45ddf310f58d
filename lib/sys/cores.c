/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <unistd.h>

#include "lib/sys/cores.h"

unsigned
cores_count(unsigned asked, unsigned max)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = asked;

	if (n == 0)
		n = online < 1 ? 1 : (unsigned)online;
	return n < max ? n : max;
}
