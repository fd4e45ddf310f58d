/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * lookup_auth: what a session asks of tables about who speaks: may this name
 * come in with that password, may it send as that address, what are we called
 * at this address of ours.
 *
 * The password goes on to the auth process with the hash that belongs to it,
 * so that hashing takes nobody's time here.
 */
#ifndef SMTPD_PROC_LOOKUP_LOOKUP_AUTH_H
#define SMTPD_PROC_LOOKUP_LOOKUP_AUTH_H

#include <bsd/sys/queue.h>

struct ipc_msg;
struct proc;
struct proc_peer;
struct tables;

/* Questions that the auth process has not answered yet. */
TAILQ_HEAD(auth_questions, auth_question);

/* AUTH: number u32, then table, user, password and source, each with a NUL. */
void lookup_auth(struct proc *p, struct auth_questions *qs, struct tables *t,
    struct proc_peer from, struct ipc_msg *m);

/* VERIFIED of the auth process; its end: all are told to try later. */
void lookup_verified(
    struct proc *p, struct auth_questions *qs, struct ipc_msg *m);
void lookup_auth_gone(struct proc *p, struct auth_questions *qs);

/* A dispatcher's end: the next of its number asks nothing of this. */
void lookup_auth_forget(struct auth_questions *qs, unsigned instance);

/*
 * TABLE_ASK: number u32, kind u8, then table, key and value, each with a NUL.
 * TABLE_TOLD: number u32, kind u8, status u8 (enum table_told), a text.
 */
void lookup_table_ask(
    struct proc *p, struct tables *t, struct proc_peer from, struct ipc_msg *m);

#endif
