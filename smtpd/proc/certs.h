/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * certs: the certificates that a configuration names, ready for TLS.
 *
 * Their bytes travel with the configuration's own (conf/source.h): the parent
 * reads them, a dispatcher finds them there.  Private keys don't: the parent
 * gathers them with certs_gather_keys() for the keys process alone.
 *
 * Ownership: counted, since sessions live on with those they began with.
 *            The configuration and its bytes are borrowed for all that time.
 */
#ifndef SMTPD_PROC_CERTS_H
#define SMTPD_PROC_CERTS_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#include "smtpd/tls/tls.h"

struct buf;
struct certs;
struct conf;
struct conf_action;
struct conf_listen;
struct conf_source;
struct err;

/*
 * All that c's listeners and actions need.  Errors name the file, or the
 * word of the configuration that can't be.
 */
struct certs *certs_load(const struct conf *c, struct conf_source *source,
    tls_sign_cb *sign, void *arg, struct err *e);
struct certs *certs_ref(struct certs *c);
void certs_unref(struct certs *c);

/*
 * The context of a listener, which chooses among its certificates by the
 * name that a client asks for.  NULL: it has no TLS.  Borrowed.
 */
SSL_CTX *certs_listener(const struct certs *c, const struct conf_listen *l);

/*
 * The context of a relay action: verify, by its ca or the system's, which
 * are parsed when first asked for.  NULL: the action is not of c, or there is
 * nothing to verify by.  Borrowed.
 */
SSL_CTX *certs_relay(struct certs *c, const struct conf_action *a, bool verify);

/* Seal all tickets with this key from now on. */
void certs_set_ticket_key(struct certs *c, const uint8_t key[TLS_TICKET]);

/*
 * Append the private keys of c, each held against its certificate: id,
 * length u32, PEM.  A key that others may read is refused.  out is to be
 * wiped by the caller.
 */
int certs_gather_keys(const struct conf *c, struct conf_source *source,
    struct buf *out, struct err *e) ATTR_CHECKED;

#endif
