/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <curl/curl.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/filters/http/http.h"

#define CONNECT_MAX_S   10L
#define CONNECTIONS_MAX 100L /* more requests wait for one that is free */

struct http {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	char *url, *socket; /* socket: NULL, or a path */
	long timeout_s;
};

struct http_request {
	struct http *h;
	const struct http_ops *ops;
	void *arg;
	CURL *easy;
	struct curl_slist *headers;
	uint64_t len, at; /* of the body */
	bool under_way;
	struct buf answer;
	char problem[CURL_ERROR_SIZE];
};

/* One request is over: tell its owner, who may free it. */
static void
finish(struct http_request *r, CURLcode result)
{
	char text[64];
	const char *problem = NULL;
	long status = 0;

	curl_multi_remove_handle(r->h->multi, r->easy);
	r->under_way = false;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (result != CURLE_OK) {
		problem = r->problem[0] != '\0' ? r->problem :
						  curl_easy_strerror(result);
	} else if (status != 200) {
		snprintf(text, sizeof(text), "HTTP status %ld", status);
		problem = text;
	}
	r->ops->done(r->arg, buf_str(&r->answer), r->answer.len, problem);
}

static void
take_finished(struct http *h)
{
	struct http_request *r;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		CURLcode result = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &r);
		finish(r, result);
	}
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	int flags = 0, running;

	if (what & EV_READ)
		flags |= CURL_CSELECT_IN;
	if (what & EV_WRITE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(h->multi, fd, flags, &running);
	take_finished(h);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_finished(h);
}

/* libcurl wants to hear of fd, or no more; ev is what it was given last. */
static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socketp)
{
	struct http *h = arg;
	struct event *ev = socketp;
	short events = EV_PERSIST;

	(void)easy;
	if (ev != NULL)
		event_free(ev);
	curl_multi_assign(h->multi, fd, NULL);
	if (what == CURL_POLL_REMOVE)
		return 0;
	if (what & CURL_POLL_IN)
		events |= EV_READ;
	if (what & CURL_POLL_OUT)
		events |= EV_WRITE;
	ev = event_new(h->base, fd, events, on_socket, h);
	if (ev == NULL || event_add(ev, NULL) == -1) {
		if (ev != NULL)
			event_free(ev);
		return -1;
	}
	curl_multi_assign(h->multi, fd, ev);
	return 0;
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;
	struct timeval at = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	(void)multi;
	if (ms < 0)
		event_del(h->timer);
	else if (event_add(h->timer, &at) == -1)
		return -1;
	return 0;
}

/* Tell a socket from a host, and complete the url. */
static int
set_url(struct http *h, const char *url, const char *path, struct err *e)
{
	size_t len = strlen(url);

	if (strncmp(url, "unix:", 5) == 0)
		url += 5;
	if (url[0] == '/') {
		h->socket = xstrdup(url);
		h->url = xasprintf("http://localhost%s", path);
		return 0;
	}
	if (strncmp(url, "http://", 7) != 0 &&
	    strncmp(url, "https://", 8) != 0) {
		err_set(e, ERR_USAGE,
		    "%s: neither http://, https:// nor a socket's path", url);
		return -1;
	}
	while (len > 0 && url[len - 1] == '/')
		len--;
	h->url = xasprintf("%.*s%s", (int)len, url, path);
	return 0;
}

struct http *
http_new(struct event_base *base, const char *url, const char *path,
    unsigned timeout_s, struct err *e)
{
	struct http *h = xcalloc(1, sizeof(*h));

	h->base = base;
	h->timeout_s = (long)timeout_s;
	if (set_url(h, url, path, e) == -1)
		goto fail;
	err_set(e, ERR_SYSTEM, "no HTTP client");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		goto fail;
	h->timer = event_new(base, -1, 0, on_timer, h);
	h->multi = curl_multi_init();
	if (h->timer == NULL || h->multi == NULL)
		goto fail;
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(
	    h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
	return h;
fail:
	http_free(h);
	return NULL;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	if (h->multi != NULL)
		curl_multi_cleanup(h->multi);
	if (h->timer != NULL)
		event_free(h->timer);
	free(h->url);
	free(h->socket);
	free(h);
}

static size_t
give_body(char *out, size_t size, size_t n, void *arg)
{
	struct http_request *r = arg;
	uint64_t want = r->len - r->at;
	size_t got;

	if (want > (uint64_t)size * n)
		want = (uint64_t)size * n;
	if (want == 0)
		return 0;
	if (r->ops->read(r->arg, r->at, out, (size_t)want, &got) == -1 ||
	    got == 0)
		return CURL_READFUNC_ABORT;
	r->at += got;
	return got;
}

/* A kept connection was closed: the body is asked for again. */
static int
seek_body(void *arg, curl_off_t offset, int origin)
{
	struct http_request *r = arg;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > r->len)
		return CURL_SEEKFUNC_FAIL;
	r->at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t
take_answer(char *data, size_t size, size_t n, void *arg)
{
	struct http_request *r = arg;

	if (r->answer.len + size * n > HTTP_ANSWER_MAX)
		return 0; /* which libcurl takes for a failure */
	buf_add(&r->answer, data, size * n);
	return size * n;
}

struct http_request *
http_request_new(struct http *h, const struct http_ops *ops, void *arg)
{
	struct http_request *r = xcalloc(1, sizeof(*r));

	r->h = h;
	r->ops = ops;
	r->arg = arg;
	/* No waiting for a leave to send that no scanner gives. */
	r->headers = curl_slist_append(NULL, "Expect:");
	return r;
}

void
http_request_header(struct http_request *r, const char *name, const char *value)
{
	char *line = xasprintf("%s: %s", name, value);
	struct curl_slist *more = curl_slist_append(r->headers, line);

	if (more != NULL)
		r->headers = more;
	free(line);
}

static void
set_options(struct http_request *r)
{
	const struct http *h = r->h;
	CURL *c = r->easy;

	curl_easy_setopt(c, CURLOPT_PRIVATE, r);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, r->problem);
	curl_easy_setopt(c, CURLOPT_URL, h->url);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, h->timeout_s);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_MAX_S);
	if (h->socket != NULL)
		curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, h->socket);
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->len);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, r->headers);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(c, CURLOPT_READDATA, r);
	curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, seek_body);
	curl_easy_setopt(c, CURLOPT_SEEKDATA, r);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
}

int
http_request_send(struct http_request *r, uint64_t len, struct err *e)
{
	r->easy = curl_easy_init();
	r->len = len;
	if (r->easy != NULL) {
		set_options(r);
		if (curl_multi_add_handle(r->h->multi, r->easy) == CURLM_OK) {
			r->under_way = true;
			return 0;
		}
	}
	err_set(e, ERR_SYSTEM, "no HTTP request");
	return -1;
}

void
http_request_free(struct http_request *r)
{
	if (r == NULL)
		return;
	if (r->under_way)
		curl_multi_remove_handle(r->h->multi, r->easy);
	if (r->easy != NULL)
		curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	buf_free(&r->answer);
	free(r);
}
