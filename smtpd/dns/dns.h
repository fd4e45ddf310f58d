/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * dns: what the mail server reads out of DNS records, and the questions and
 * answers that its processes pass on.
 *
 * Shape:  a QUESTION is request u32, kind u8, name NUL, own name.  An ANSWER
 *         is request u32, kind u8, status u8, hosts; a host is preference
 *         u16, its name's length u8 and the name, the number of addresses u8,
 *         and for each its length u8 (4 or 16) and bytes.
 * Limits: DNS_HOSTS_MAX hosts of DNS_ADDRESSES_MAX addresses; more are left
 *         out.  A name is letters, digits, '-', '_', dots and (an address
 *         in place of a name) colons: nothing that could forge a header, a log line or a filter's field.
 * Source: RFC 1035 3.3, RFC 5321 5.1, RFC 7505.
 */
#ifndef SMTPD_DNS_DNS_H
#define SMTPD_DNS_DNS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/attr.h"

#define DNS_NAME_MAX      255
#define DNS_HOSTS_MAX     32
#define DNS_ADDRESSES_MAX 16
#define DNS_ADDRESS_TEXT  64
#define DNS_REVERSE_MAX   80

struct buf;
struct wire;

enum dns_kind {
	DNS_MX,   /* where mail for a domain goes */
	DNS_HOST, /* the addresses of one host */
	DNS_PTR,  /* the name of an address: the name of the only host */
	DNS_KINDS
};

enum dns_status {
	DNS_OK,
	DNS_LATER,      /* no answer just now */
	DNS_NO_NAME,    /* the domain does not exist */
	DNS_NULL_MX,    /* it takes no mail (RFC 7505) */
	DNS_NO_ADDRESS, /* it exists, without an address */
	DNS_LOOP,       /* we are its best mail host */
	DNS_UNSURE,     /* PTR: a name that does not lead back */
	DNS_STATUSES
};

struct dns_address {
	uint8_t len; /* 4 or 16 */
	uint8_t bytes[16];
};

struct dns_host {
	uint16_t preference;
	char name[DNS_NAME_MAX + 1];
	struct dns_address addresses[DNS_ADDRESSES_MAX];
	size_t n;
};

struct dns_question {
	uint32_t request;
	enum dns_kind kind;
	char name[DNS_NAME_MAX + 1];
	char own[DNS_NAME_MAX + 1]; /* MX: hosts from this one on are us */
};

struct dns_answer {
	uint32_t request;
	enum dns_kind kind;
	enum dns_status status;
	struct dns_host *hosts; /* the caller's: dns_answer_clear() */
	size_t n;
};

void dns_question_encode(const struct dns_question *q, struct buf *out);
bool dns_question_decode(
    const void *data, size_t len, struct dns_question *q) ATTR_CHECKED;
void dns_answer_encode(const struct dns_answer *a, struct buf *out);
bool dns_answer_decode(
    const void *data, size_t len, struct dns_answer *a) ATTR_CHECKED;
void dns_answer_clear(struct dns_answer *a);

/* The data of a record; the name of the root is ".".  False: not one. */
bool dns_read_name(
    const void *data, size_t len, char name[DNS_NAME_MAX + 1]) ATTR_CHECKED;
bool dns_read_mx(
    const void *data, size_t len, struct dns_host *out) ATTR_CHECKED;

/* Add the address in a record of len bytes to h, unless it is full. */
void dns_add_address(struct dns_host *h, const void *data, size_t len);

/* Best preference first; equals in random order. */
void dns_sort(struct dns_host *hosts, size_t n, uint32_t (*random)(void));

/* Leave out the host called own and those that are no better; what is left. */
size_t dns_drop_own(struct dns_host *hosts, size_t n, const char *own);

/* An address in text, alone or as an SMTP literal in brackets. */
bool dns_parse_address(const char *text, struct dns_address *out);
void dns_format_address(
    const struct dns_address *a, char text[DNS_ADDRESS_TEXT]);

/* The socket address; returns its length. */
socklen_t dns_sockaddr(
    const struct dns_address *a, uint16_t port, struct sockaddr_storage *out);

/* The name that a PTR record of a hangs from. */
void dns_reverse(const struct dns_address *a, char name[DNS_REVERSE_MAX]);

#endif
