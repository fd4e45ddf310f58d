/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * landlock: the kernel's interface, as far as we use it.
 *
 * The headers of a distribution are older than the kernels that its users
 * run, so the numbers stand here, each with the version (ABI) that brought
 * it.  A version's rights include those of all before it.
 *
 * Source: landlock(7); linux/landlock.h of Linux 6.12.
 */
#ifndef LIB_SYS_LANDLOCK_H
#define LIB_SYS_LANDLOCK_H

#include <stdint.h>

#define LL_VERSION           (1U << 0) /* asks for the ABI, makes nothing */

#define LL_RULE_PATH_BENEATH 1

#define LL_FS_EXECUTE        (1ULL << 0)
#define LL_FS_WRITE_FILE     (1ULL << 1)
#define LL_FS_READ_FILE      (1ULL << 2)
#define LL_FS_READ_DIR       (1ULL << 3)
#define LL_FS_ABI1           ((1ULL << 13) - 1)
#define LL_FS_REFER          (1ULL << 13) /* ABI 2 */
#define LL_FS_TRUNCATE       (1ULL << 14) /* ABI 3 */
#define LL_FS_IOCTL_DEV      (1ULL << 15) /* ABI 5 */

#define LL_NET_BIND_TCP      (1ULL << 0) /* ABI 4 */
#define LL_NET_CONNECT_TCP   (1ULL << 1) /* ABI 4 */

#define LL_SCOPE_ABSTRACT    (1ULL << 0) /* ABI 6: abstract UNIX sockets */
#define LL_SCOPE_SIGNAL      (1ULL << 1) /* ABI 6 */

struct ll_ruleset {
	uint64_t fs;
	uint64_t net;   /* ABI 4 */
	uint64_t scope; /* ABI 6 */
};

struct ll_path_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

#endif
