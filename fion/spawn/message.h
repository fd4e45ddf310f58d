/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * message: bytes with up to two descriptors, over a SOCK_SEQPACKET pair.
 */
#ifndef FION_SPAWN_MESSAGE_H
#define FION_SPAWN_MESSAGE_H

#include <stddef.h>
#include <sys/types.h>

/* 0, or -1 with errno; who has gone is no signal. */
int message_send(
    int fd, const void *data, size_t len, const int *fds, size_t n);

/* As recvmsg(2), without waiting; what came in fds is the caller's, or -1. */
ssize_t message_receive(int fd, void *data, size_t len, int fds[2]);

#endif
