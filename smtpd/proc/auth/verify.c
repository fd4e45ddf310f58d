/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <crypt.h>
#include <openssl/crypto.h>
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/proc/auth/verify.h"

#define SERVICE_NAME "smtpd"

enum auth_status
verify_hash(const struct auth_request *r)
{
	struct crypt_data data = { 0 };
	const char *made =
	    crypt_rn(r->password, r->hash, &data, (int)sizeof(data));
	bool same = made != NULL && strlen(made) == strlen(r->hash) &&
	    CRYPTO_memcmp(made, r->hash, strlen(made)) == 0;

	explicit_bzero(&data, sizeof(data));
	if (made == NULL && r->kind != AUTH_UNKNOWN)
		log_warn("auth: the hash of %s is of no kind that crypt(3) "
			 "knows",
		    r->user);
	return same && r->kind == AUTH_HASH ? AUTH_OK : AUTH_WRONG;
}

/* PAM's questions: what is hidden is the password, what is not, the name. */
static int
answer(int n, const struct pam_message **questions,
    struct pam_response **answers, void *arg)
{
	const struct auth_request *r = arg;
	struct pam_response *all;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	all = xcalloc((size_t)n, sizeof(*all));
	for (int i = 0; i < n; i++) {
		if (questions[i]->msg_style == PAM_PROMPT_ECHO_OFF)
			all[i].resp = xstrdup(r->password);
		else if (questions[i]->msg_style == PAM_PROMPT_ECHO_ON)
			all[i].resp = xstrdup(r->user);
	}
	*answers = all; /* PAM frees it */
	return PAM_SUCCESS;
}

static enum auth_status
status_of(int rc)
{
	switch (rc) {
	case PAM_SUCCESS:
		return AUTH_OK;
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_MAXTRIES:
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_PERM_DENIED:
	case PAM_CRED_INSUFFICIENT:
		return AUTH_WRONG;
	default:
		return AUTH_LATER;
	}
}

enum auth_status
verify_system(const struct auth_request *r)
{
	const char *dir = getenv("SMTPD_PAM_DIR");
	union {
		const struct auth_request *request;
		void *arg;
	} arg = { .request = r };
	const struct pam_conv conv = { answer, arg.arg };
	pam_handle_t *h;
	int rc = pam_start_confdir(SERVICE_NAME, r->user, &conv, dir, &h);

	if (rc != PAM_SUCCESS) {
		log_warn("auth: PAM can't be started");
		return AUTH_LATER;
	}
	if (strcmp(r->source, "local") != 0)
		rc = pam_set_item(h, PAM_RHOST, r->source);
	if (rc == PAM_SUCCESS)
		rc =
		    pam_authenticate(h, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (rc == PAM_SUCCESS)
		rc = pam_acct_mgmt(h, PAM_SILENT);
	if (status_of(rc) == AUTH_LATER)
		log_warn("auth: %s", pam_strerror(h, rc));
	pam_end(h, rc);
	return status_of(rc);
}
