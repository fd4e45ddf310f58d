/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * tls_internal: what the files of this room share.
 */
#ifndef SMTPD_TLS_TLS_INTERNAL_H
#define SMTPD_TLS_TLS_INTERNAL_H

#include "smtpd/tls/tls.h"

struct tls_cert {
	X509 *leaf;
	STACK_OF(X509) * chain; /* those that it was signed with */
};

/* The public key of c, whose private half is asked through sign. */
EVP_PKEY *tls_remote_key(
    const struct tls_cert *c, tls_sign_cb *sign, void *arg);

#endif
